/** The machine is in the way: a full disk, a read-only one, another user's. As root; each leaves nothing lost and nothing half-done. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { giveEachItsProcess, MAIN } from "../support/command-line.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { checkWhole, exists, makeExperiment, openOperations, runRows } from "./story.ts";

giveEachItsProcess();

const host = openTestRepository(makeFolder("mounts"));
const mounted: string[] = [];
const mount = (...args: string[]) => host.run("mount", args).code === 0;

/** Containers often may not mount. */
function mayMount(): boolean {
  const place = makeFolder("trial");
  if (process.getuid?.() !== 0 || !mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", place)) return false;
  return host.run("umount", [place]).code === 0;
}

afterEach(() => {
  for (const place of mounted.splice(0)) host.run("umount", ["-l", place]);
});

/** A repository on a disk of its own of so many KiB. */
function onSmallDisk(size: number): TestRepository {
  const made = makeExperiment();
  made.write("fill.js", FILL);
  made.write(".gitignore", `${made.read(".gitignore")}metrics.json\nfiller\n`);
  made.commit("fill");
  const place = makeFolder("disk");
  expect(mount("-t", "tmpfs", "-o", `size=${size}k`, "tmpfs", place)).toBe(true);
  mounted.push(place);
  cpSync(made.root, join(place, "work"), { recursive: true });
  return openTestRepository(join(place, "work"), made.context.env as Record<string, string>);
}

/** A model of one MiB, which fits once. */
const FILL = `const fs = require("fs"); fs.mkdirSync("models", { recursive: true }); fs.writeFileSync("models/model.json", Buffer.alloc(2 ** 20, 1));`;

const fillUp = (repo: TestRepository) =>
  repo.run("sh", ["-c", "dd if=/dev/zero of=filler bs=1k 2>/dev/null; dd if=/dev/zero of=filler2 bs=1 2>/dev/null; true"]);
const refs = (repo: TestRepository) => repo.git("for-each-ref", "--format=%(objectname) %(refname)");

describe.skipIf(!mayMount())("a full disk", () => {
  it("when the outputs are to be stored: the run is open, and closed with its version once there is room", () => {
    const repo = onSmallDisk(2100);
    const head = repo.git("rev-parse", "HEAD");
    const full = repo.expverJson(["run", "-m", "large", "--", "node", "fill.js"]);
    expect(full).toMatchObject({ code: 1, error: { code: "E_DISK_FULL", hint: expect.stringContaining("expver doctor --fix") } });
    expect([repo.git("rev-parse", "HEAD"), repo.git("tag")]).toEqual([head, ""]);
    expect(repo.expver(["doctor"]).stdout).toContain("expver doctor --fix");
    expect(mount("-o", "remount,size=8m", join(repo.root, ".."))).toBe(true);
    expect(repo.expver(["doctor", "--fix"]).stdout).toContain("it is e0.1.0 now");
    checkWhole(repo, head, "with room");
    expect(repo.git("ls-tree", "-r", "--name-only", "e0.1.0")).toContain("models/model.json.dvc");
  });

  it("before the start, and for tag, undo and init: refused, nothing begun", () => {
    const repo = onSmallDisk(4096);
    expect(repo.expver(["run", "-m", "one", "--", "true"]).code).toBe(0);
    const before = refs(repo);
    fillUp(repo);
    for (const args of [["run", "--", "touch", "ran"], ["tag", "e5.0.0", "-d", "x"], ["undo"]]) {
      expect(repo.expverJson(args), args.join(" ")).toMatchObject({ code: 1, error: { code: "E_DISK_FULL" } });
    }
    expect(exists(repo, "ran")).toBe(false);
    expect(refs(repo)).toBe(before);
    repo.run("rm", ["-f", "filler", "filler2"]);
    expect(repo.expverJson(["run", "-m", "two", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(openOperations(repo)).toEqual([]);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(runRows(repo)).toHaveLength(1);
  });
});

describe.skipIf(!mayMount())("a read-only disk", () => {
  it("what reads works, what writes says so, doctor too", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "-m", "one", "--", "true"]).code).toBe(0);
    expect(mount("--bind", repo.root, repo.root)).toBe(true);
    mounted.push(repo.root);
    expect(mount("-o", "remount,ro,bind", repo.root)).toBe(true);
    for (const args of [["run", "--", "true"], ["tag", "e5.0.0", "-d", "x"], ["undo"], ["data", "add", "new.csv"]]) {
      const { code, error } = repo.expverJson(args);
      expect({ code, error: error?.code }, args.join(" ")).toEqual({ code: 1, error: args[0] === "data" ? "E_NOT_FOUND" : "E_IO" });
      if (args[0] !== "data") expect(error?.message).toMatch(/read-only/i);
    }
    for (const args of [["list"], ["show", "e0.1.0"], ["runs", "list"], ["ops"], ["data", "status"], ["init"]]) {
      expect(repo.expver(args), args.join(" ")).toMatchObject({ code: 0 });
    }
    expect(repo.expver(["doctor"]).stdout).toContain("the file system is read-only");
  });

  it("in a clone that expver has written nothing into yet it is said too, not that a folder is missing", () => {
    const repo = makeRepository();
    repo.commit("start", { "results/keep": "", ".dvc/config": "" });
    expect(mount("--bind", repo.root, repo.root)).toBe(true);
    mounted.push(repo.root);
    expect(mount("-o", "remount,ro,bind", repo.root)).toBe(true);
    const { error } = repo.expverJson(["run", "--", "true"]);
    expect(error).toMatchObject({ code: "E_IO", message: expect.stringContaining("EROFS"), hint: expect.stringContaining("You may not") });
  });
});

describe.skipIf(process.getuid?.() !== 0)("another user's repository", () => {
  it("that git trusts but the system does not let write", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "-m", "one", "--", "true"]).code).toBe(0);
    repo.run("chmod", ["-R", "go+rX", join(repo.root, "..")]);
    const before = refs(repo);
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, MAIN];
    const env = {
      HOME: "/nowhere",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      GIT_COMMITTER_NAME: "B",
      GIT_COMMITTER_EMAIL: "b@example.com",
      GIT_AUTHOR_NAME: "B",
      GIT_AUTHOR_EMAIL: "b@example.com",
    };
    const asOther = (command: string, ...args: string[]) => repo.run("setpriv", [...nobody, command, "--json", ...args], { env });
    for (const args of [["run", "--", "true"], ["tag", "e5.0.0", "-d", "x"], ["undo"]]) {
      const { code, stdout } = asOther(args[0] ?? "", ...args.slice(1));
      expect({ code, error: JSON.parse(stdout).error?.code }, args.join(" ")).toEqual({ code: 1, error: "E_IO" });
    }
    expect(asOther("list").code).toBe(0);
    expect(asOther("doctor").stdout).toContain("EACCES");
    // SQLite cannot read a database in WAL mode where it cannot write beside it.
    const db = openResults(join(repo.root, "results/experiments.db"));
    db.exec("PRAGMA journal_mode = WAL");
    db.close();
    expect(JSON.parse(asOther("runs", "list").stdout).data.runs).toHaveLength(1);
    expect(asOther("list").stdout).not.toContain("readonly");
    const own = makeFolder("own");
    openResults(join(own, "mine.db"), { create: true }).close();
    repo.run("chown", ["-R", "65534", own]);
    const merged = JSON.parse(asOther("merge", "--base-db", join(own, "mine.db"), join(repo.root, "results/experiments.db")).stdout);
    expect(merged).toMatchObject({ ok: true, data: { database: { changed: true } } });
    expect(refs(repo)).toBe(before);
    expect(openOperations(repo)).toEqual([]);
  });

  it("a cache that may only be read is found before anything runs", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "-m", "one", "--", "true"]).code).toBe(0);
    const cache = join(repo.root, ".dvc/cache");
    repo.run("chmod", ["-R", "a-w", cache]);
    // Root may write everything, unless it gives that up.
    const call = ["--bounding-set=-dac_override,-dac_read_search", process.execPath, MAIN, "run", "--json", "--", "touch", "ran"];
    const { error } = JSON.parse(repo.run("setpriv", call).stdout);
    repo.run("chmod", ["-R", "u+w", cache]);
    expect(error).toMatchObject({ code: "E_IO", message: expect.stringContaining(`the cache ${cache} cannot be written (EACCES)`) });
    expect(error.hint).toContain("expver data cache dir --local");
    expect(repo.run("ls", ["ran"]).code).not.toBe(0);
    expect(openOperations(repo)).toEqual([]);
  });
});
