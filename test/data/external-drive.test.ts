import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { acquireLease, readLease } from "../../src/journal/lease.ts";
import { removePath } from "../../src/platform/files.ts";
import { renamedInCase } from "../../src/store/worktree/one-name.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { externalDrive } from "../support/small-disk.ts";

const drive = externalDrive();
let count = 0;

/** A repository on the drive. */
function onDrive(): TestRepository {
  const root = join(drive ?? "", `project-${++count}`);
  mkdirSync(root);
  const repo = openTestRepository(root);
  repo.git("init", "-q", "-b", "main");
  return repo;
}

/** A clone on the drive of one that is elsewhere, with its objects. */
function cloneOnDrive(origin: TestRepository): TestRepository {
  const repo = onDrive();
  repo.git("pull", "-q", origin.root, "main");
  repo.git("fetch", "-q", origin.root, "+refs/heads/*:refs/heads/*", "--update-head-ok");
  repo.expver(["data", "cache", "dir", "--local", join(origin.root, ".dvc/cache")]);
  return repo;
}

function elsewhere(): TestRepository {
  const repo = makeRepository();
  repo.expver(["init"]);
  return repo;
}

it.each(["EIO", "EPERM", "ENOTSUP"])("where hard links fail with %s (rclone's mounts, shares), runs and links do without", (code) => {
  const repo = makeRepository();
  const preload = join(import.meta.dirname, "../support/no-hard-links.cjs");
  const env = { NODE_OPTIONS: `--require "${preload}"`, EXPVER_LINK_CODE: code };
  repo.expver(["init"]);
  repo.write("data/a.csv", "1\n");
  repo.expver(["data", "config", "cache.type", "hardlink"]);
  expect(repo.expver(["data", "add", "data"], { env }).code).toBe(0);
  repo.commit("data");
  const ran = repo.expverJson(["run", "-m", "one", "--", "true"], { env });
  expect({ error: ran.error, version: ran.data?.version }).toEqual({ error: null, version: "e0.1.0" });
  repo.run("rm", ["-rf", "data"]);
  expect(repo.expver(["data", "checkout"], { env }).code).toBe(0);
  expect(repo.read("data/a.csv")).toBe("1\n");
});

describe.skipIf(drive === null)("on an external drive with exFAT (mounting takes root)", () => {
  it("runs, sweeps and worktrees work without hard links", () => {
    const repo = onDrive();
    repo.expver(["init"]);
    repo.write("expver.yaml", "metrics: { acc: max }\n");
    repo.write("data/a.csv", "1\n");
    expect(repo.expver(["data", "add", "data"]).code).toBe(0);
    const program = `
const fs = require("fs");
fs.mkdirSync("models", { recursive: true });
fs.writeFileSync("models/m.json", "{}");
fs.writeFileSync("metrics.json", JSON.stringify({ acc: Number(process.argv[2]) / 10 }));
`;
    repo.write("train.js", program);
    repo.commit("start");
    expect(repo.expverJson(["run", "-m", "one", "--metrics", "metrics.json", "--", "node", "train.js", "5"])).toMatchObject({ code: 0 });
    expect(
      repo.expverJson(["sweep", "--grid", "n=6,7", "--jobs", "2", "--metrics", "metrics.json", "--", "node", "train.js", "{n}"]),
    ).toMatchObject({ code: 0 });
    expect(repo.expverJson(["worktree", "create", "one"])).toMatchObject({ code: 0 });
    expect(repo.expverJson(["verify"])).toMatchObject({ code: 0 });
    expect(repo.git("tag").split("\n")).toEqual(["e0.1.0", "e0.2.0"]);
    // One at a time, as everywhere.
    expect(readdirSync(join(repo.root, ".git/expver/leases")).filter((name) => name.endsWith(".json"))).toEqual([]);
  }, 120_000);

  it("a lease is one process's at a time, and free again when it is given up", () => {
    const repo = onDrive();
    repo.expver(["init"]);
    const project = openProject(repo.context);
    const lease = acquireLease(project, "long work", { since: "now" });
    expect(() => acquireLease(project, "long work", {})).toThrow("long work is held by process");
    expect(readLease(project, "long work")?.token).toBe(lease.token);
    lease.release();
    acquireLease(project, "long work", {}).release();
  });

  it("checkout gives a file and a folder whose names changed in case their new names", () => {
    const origin = elsewhere();
    origin.write("d/x.txt", "one\n");
    origin.write("d/sub/y.txt", "two\n");
    origin.write("d/keep", "k\n");
    origin.expver(["data", "add", "d"]);
    origin.commit("lower case");
    origin.git("checkout", "-q", "-b", "upper");
    renameSync(join(origin.root, "d/x.txt"), join(origin.root, "d/X.txt"));
    renameSync(join(origin.root, "d/sub"), join(origin.root, "d/Sub"));
    origin.expver(["data", "add", "d"]);
    origin.commit("upper case");
    const repo = cloneOnDrive(origin);
    const files = () => readdirSync(join(repo.root, "d"), { recursive: true }).sort();
    expect(repo.expver(["data", "checkout"])).toMatchObject({ code: 0 });
    expect(files()).toEqual(["keep", "sub", "sub/y.txt", "x.txt"]);
    repo.git("checkout", "-q", "upper");
    expect(repo.expver(["data", "checkout"])).toMatchObject({ code: 0 });
    expect(files()).toEqual(["Sub", "Sub/y.txt", "X.txt", "keep"]);
    expect(repo.expver(["data", "status"]).stdout).toBe("Data and pipelines are up to date.\n");
  });

  it("a folder that goes while a file in it is open yet ends no command: what keeps it is the file system's own", () => {
    const folder = join(drive ?? "", "going");
    mkdirSync(join(folder, "below"), { recursive: true });
    for (const name of ["a", "below/b", "z"]) writeFileSync(join(folder, name), "bytes");
    const open = ["a", "below/b"].map((name) => openSync(join(folder, name), "r"));
    removePath(folder);
    expect(readdirSync(drive ?? "", { recursive: true }).filter((name) => /^going\/(?:below\/)?[^.]*$/.test(String(name)))).toEqual(
      existsSync(folder) ? ["going/below"] : [],
    );
    for (const descriptor of open) closeSync(descriptor);
    removePath(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it("two names that are one here are told apart by nobody, and that is said", () => {
    const origin = elsewhere();
    origin.write("d/A.txt", "one\n");
    origin.write("d/a.txt", "two\n");
    origin.expver(["data", "add", "d"]);
    origin.commit("both");
    const repo = cloneOnDrive(origin);
    const { code, error } = repo.expverJson(["data", "checkout"]);
    expect(code).not.toBe(0);
    expect(error).toMatchObject({ code: "E_DATA", message: expect.stringContaining("has a A.txt and a a.txt") });
    expect(readdirSync(repo.root)).not.toContain("d");
  });
});

it("what clashes is a name, or the name of a folder above", () => {
  const named = (...relpaths: string[]) => relpaths.map((relpath) => ({ relpath }));
  const clashing = (removes: string[], places: string[]) =>
    renamedInCase(named(...removes), named(...places)).map(({ relpath }) => relpath);
  expect(clashing(["a", "b"], ["A", "c"])).toEqual(["a"]);
  expect(clashing(["sub/a", "sub/b", "other/a"], ["Sub/c", "other/c"])).toEqual(["sub/a", "sub/b"]);
  expect(clashing(["caf\u00e9"], ["cafe\u0301"])).toEqual(["caf\u00e9"]);
  expect(clashing(["a/b/c"], ["a/b/d", "x"])).toEqual([]);
});
