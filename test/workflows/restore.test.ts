/** What a version has, in place: HEAD and index stay, nothing is lost, undo brings everything back; also after kill -9. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { sameTree } from "../../src/platform/tree-digest.ts";
import { until } from "../run/story.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

const POINTS = sampledPoints(43);

let repo: TestRepository;
beforeEach(() => {
  repo = makeStory();
});

/** e0.1.0, then a commit in which everything is other: data, model, code, a new file, a new output, one gone. */
function makeStory(): TestRepository {
  const made = makeRepository();
  must(made, "init");
  made.write("data/train.csv", "a,b\n1,2\n");
  made.write("data/images/one", "1");
  made.write("data/images/two", "2");
  must(made, "data", "add", "data/train.csv", "data/images");
  symlinkSync("train.js", join(made.root, "link.js"));
  made.write("models/model.bin", "first model");
  must(made, "data", "add", "models/model.bin");
  made.commit("first", {
    "expver.yaml": "metrics: { accuracy: max }\nmodels: { output: models/model.bin }\n",
    "train.js": "first\n",
    "old.js": "only then\n",
    "bin/tool": "#!/bin/sh\n",
    "picture.png": Buffer.from([0, 255, 254, 13, 10]),
  });
  must(made, "run", "-m", "first", "--", "true");
  chmodSync(join(made.root, "bin/tool"), 0o755);
  rmSync(join(made.root, "old.js"));
  replace(made, "data/train.csv", "a,b\n3,4\n");
  replace(made, "data/images/two", "2 later");
  replace(made, "models/model.bin", "second model");
  made.write("extra/more.csv", "x\n");
  must(made, "data", "add", "data/train.csv", "data/images", "models/model.bin", "extra/more.csv");
  made.commit("second", { "train.js": "second\n", "new.js": "new\n", "picture.png": Buffer.from([1, 2, 3]) });
  return made;
}

it("where data goes stays as it is now, unless that is named", () => {
  must(repo, "data", "remote", "add", "-d", "storage", "../storage");
  repo.commit("where data goes");
  const config = repo.read(".dvc/config");
  must(repo, "restore", "e0.1.0");
  expect([repo.read(".dvc/config"), repo.read("train.js")]).toEqual([config, "first\n"]);
  must(repo, "restore", "e0.1.0", ".dvc/config");
  expect(repo.read(".dvc/config")).not.toContain("storage");
});

function must(one: TestRepository, ...args: string[]): void {
  const { code, stderr } = one.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")} (${code}): ${stderr}`);
}

/** Data may be a link into the cache. */
function replace(one: TestRepository, path: string, text: string): void {
  rmSync(join(one.root, path));
  one.write(path, text);
}

/** Every file with mode and bytes, and what Git has of HEAD, index and stash. */
function state(one: TestRepository, { files = true } = {}): unknown {
  const index = createHash("md5")
    .update(readFileSync(join(one.root, ".git/index")))
    .digest("hex");
  return [one.git("rev-parse", "HEAD"), one.git("stash", "list"), index, ...(files ? [filesOf(one.root, "")] : [])];
}

function filesOf(root: string, folder: string): [string, string][] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => ![".git", "tmp", "cache"].includes(name))
    .flatMap((entry): [string, string][] => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesOf(root, path);
      const mode = lstatSync(join(root, path)).isSymbolicLink() ? "" : (statSync(join(root, path)).mode & 0o100).toString();
      return [[path, entry.isSymbolicLink() ? readlinkSync(join(root, path)) : `${mode} ${readFileSync(join(root, path), "latin1")}`]];
    });
}

it("without a path leaves another project of the repository as it is, its results and code too; named it comes back", () => {
  repo.write("other/data.csv", "then\n");
  must(repo, "data", "add", "other/data.csv");
  repo.commit("two projects", { "other/expver.yaml": "versions: { prefix: other/v }\n", "other/train.js": "then\n" });
  must(repo, "run", "-m", "both", "--", "true");
  expect(repo.expver(["run", "-m", "theirs", "--", "true"], { cwd: "other" }).code).toBe(0);
  replace(repo, "other/data.csv", "now\n");
  must(repo, "data", "add", "other/data.csv");
  repo.commit("later", { "other/train.js": "now\n", "train.js": "now\n" });
  must(repo, "restore", "e0.2.0");
  expect(repo.git("status", "--porcelain").trim()).toBe("M train.js");
  expect([repo.read("other/data.csv"), existsSync(join(repo.root, "other/results/experiments.db"))]).toEqual(["now\n", true]);
  must(repo, "restore", "e0.2.0", "other/data.csv");
  expect(repo.read("other/data.csv")).toBe("then\n");
});

it("of bytes that are lost it says that, not that there is no remote", () => {
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  const { error } = repo.expverJson(["restore", "e0.1.0", "models", "--force"]);
  expect(error).toMatchObject({
    code: "E_NOT_STORED",
    message: expect.stringMatching(/bytes of \d files? of e0\.1\.0 are not in the cache, and there is no data remote, first models/),
  });
});

it("a folder comes back where a file has taken its place, once and again, and undo brings the file", () => {
  rmSync(join(repo.root, "bin"), { recursive: true });
  repo.write("bin", "of somebody");
  const refused = repo.expverJson(["restore", "e0.1.0", "bin/tool"]);
  expect(refused.error).toMatchObject({ code: "E_UNSAVED", details: { paths: ["bin"] } });
  repo.git("rm", "-q", "--cached", "bin/tool");
  repo.commit("a file");
  for (const path of ["bin", "bin/tool", "bin"]) {
    must(repo, "restore", "e0.1.0", path);
    expect(repo.read("bin/tool")).toBe("#!/bin/sh\n");
  }
  must(repo, "undo");
  expect(repo.read("bin")).toBe("of somebody");
});

it("what would lie in a file is not there: no repair ends at it", () => {
  const file = join(repo.root, "train.js");
  expect([sameTree(file, join(file, "x")), sameTree(join(file, "x/y"), file)]).toEqual([false, false]);
});

describe("everything", () => {
  it("is as in the version, the results database and the index are not; real dvc agrees; undo is bit by bit", () => {
    const [before, git, rows] = [state(repo), state(repo, { files: false }), repo.read("results/experiments.db")];
    const { data } = repo.expverJson(["restore", "e0.1.0"]);
    expect(state(repo, { files: false })).toEqual(git);
    expect(repo.read("train.js")).toBe("first\n");
    expect(repo.read("old.js")).toBe("only then\n");
    expect(repo.read("data/train.csv")).toBe("a,b\n1,2\n");
    expect(repo.read("data/images/two")).toBe("2");
    expect(repo.read("models/model.bin")).toBe("first model");
    expect(readFileSync(join(repo.root, "picture.png"))).toEqual(Buffer.from([0, 255, 254, 13, 10]));
    expect(["new.js", "extra"].filter((path) => existsSync(join(repo.root, path)))).toEqual([]);
    expect(repo.read("results/experiments.db")).toBe(rows);
    expect(data).toMatchObject({ version: "e0.1.0", leftOut: "results/experiments.db" });
    expect(repo.git("diff", "--name-only", "e0.1.0", "--", ".", ":!results", ":!old.js")).toBe("");
    // A model is opened for writing: never a link into the cache.
    expect(statSync(join(repo.root, "models/model.bin")).nlink).toBe(1);
    const dvc = peer("dvc");
    if (dvc !== null)
      expect(repo.run(dvc, ["status", "--json", "data/train.csv.dvc", "data/images.dvc", "models/model.bin.dvc"]).stdout.trim()).toBe("{}");
    expect(repo.expverJson(["restore", "e0.1.0"]).data).toMatchObject({ restored: [], removed: [] });
    must(repo, "undo");
    expect(state(repo)).toEqual(before);
  });

  it("is planned before: --dry-run changes nothing", () => {
    const before = state(repo);
    const { data } = repo.expverJson(["restore", "e0.1.0", "--dry-run"]);
    expect(data.steps).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ verb: "replace", target: "data/train.csv", keeps: "the trash" }),
        expect.objectContaining({ verb: "write", target: "old.js" }),
        expect.objectContaining({ verb: "remove", target: "new.js" }),
        expect.objectContaining({ verb: "leave", target: "results/experiments.db" }),
      ]),
    );
    expect(state(repo)).toEqual(before);
  });
});

describe("a path", () => {
  it.each([
    ["a file", ["train.js"], ["train.js"]],
    ["an output, with its pointer", ["data/train.csv"], ["data/train.csv", "data/train.csv.dvc"]],
    ["a pointer, with its output", ["data/train.csv.dvc"], ["data/train.csv", "data/train.csv.dvc"]],
    ["a file of a tracked folder", ["data/images/two"], ["data/images/two"]],
    ["a folder", ["models"], ["models/model.bin", "models/model.bin.dvc"]],
    ["one that is gone since", ["old.js"], ["old.js"]],
    ["several", ["old.js", "train.js"], ["old.js", "train.js"]],
  ])("%s comes back alone", (_name, paths, restored) => {
    const before = state(repo);
    expect(repo.expverJson(["restore", "e0.1.0", ...paths]).data).toMatchObject({ restored, removed: [], leftOut: null });
    expect(repo.read("new.js")).toBe("new\n");
    for (const path of restored.filter((one) => !one.startsWith("data") && !one.startsWith("models"))) {
      expect(repo.read(path)).toBe(`${repo.git("show", `e0.1.0:${path}`)}\n`);
    }
    must(repo, "undo");
    expect(state(repo)).toEqual(before);
  });

  it("is relative to where one is; one nobody knows is named", () => {
    expect(repo.expver(["restore", "e0.1.0", "train.csv"], { cwd: "data" }).code).toBe(0);
    expect(repo.read("data/train.csv")).toBe("a,b\n1,2\n");
    expect(repo.expverJson(["restore", "e0.1.0", "nothing.txt"]).error?.code).toBe("E_NOT_FOUND");
    for (const [typed, meant] of [
      ["data/trian.csv", "data/train.csv"],
      ["train.csv", "data/train.csv"],
    ] as const) {
      const { stderr, code } = repo.expver(["restore", "e0.1.0", typed]);
      expect({ stderr, code }).toEqual({ stderr: expect.stringContaining(`has ${typed}; did you mean ${meant}?`), code: 1 });
    }
    expect(repo.expverJson(["restore", "e9.9.9", "train.js"]).error?.code).toBe("E_NOT_FOUND");
    expect(repo.expverJson(["restore"]).error?.code).toBe("E_USAGE");
    expect(repo.expverJson(["restore", "e0.1.0", "../outside"]).error?.code).toBe("E_OUTSIDE");
  });

  it("that the version never had is removed only when that is confirmed, or as a part of what was named", () => {
    const before = state(repo);
    const asked = repo.expverJson(["restore", "e0.1.0", "new.js", "train.js"]);
    expect([asked.code, asked.error?.code]).toEqual([3, "E_CONFIRM"]);
    expect(state(repo)).toEqual(before);
    expect(repo.expver(["restore", "e0.1.0", "new.js", "--yes"]).stdout).toMatch(/^1 path as in e0\.1\.0;.*\n {2}new\.js {2}\(not in/);
    must(repo, "undo");
    expect(repo.expverJson(["restore", "e0.1.0", "extra/more.csv"]).error?.code).toBe("E_CONFIRM");
    expect(repo.expverJson(["restore", "e0.1.0", "extra/more.csv", "--force"]).data.removed).toContain("extra/more.csv");
    must(repo, "undo");
    expect(state(repo)).toEqual(before);
    repo.expver(["restore", "e0.1.0", "."]);
    expect(existsSync(join(repo.root, "new.js"))).toBe(false);
  });

  it("the results database comes back when it is named, and not under a program that has it open", async () => {
    must(repo, "run", "-m", "more", "--", "true");
    const rows = repo.read("results/experiments.db");
    const program = spawn("sh", ["-c", "exec 9<results/experiments.db; echo open; exec sleep 600"], { cwd: repo.root });
    let open = false;
    program.stdout.on("data", () => {
      open = true;
    });
    try {
      await until(() => open);
      expect(repo.expverJson(["restore", "e0.1.0", "results/experiments.db"]).error?.code).toBe("E_IN_USE");
    } finally {
      program.kill("SIGKILL");
      await until(() => program.exitCode !== null || program.signalCode !== null);
    }
    must(repo, "restore", "e0.1.0", "results/experiments.db");
    expect(repo.read("results/experiments.db")).not.toBe(rows);
    must(repo, "undo");
    expect(repo.read("results/experiments.db")).toBe(rows);
  });
});

describe("bytes that are stored nowhere", () => {
  it.each([
    ["a changed file", "train.js"],
    ["changed data", "data/train.csv"],
    ["a file in a tracked folder", "data/images/two"],
    ["a file that was never added where the version has one", "old.js"],
  ])("%s: refused, nothing changed; --force keeps it in the trash, and undo brings it back", (_name, path) => {
    if (existsSync(join(repo.root, path))) rmSync(join(repo.root, path));
    repo.write(path, "stored nowhere\n");
    const before = state(repo);
    const refused = repo.expverJson(["restore", "e0.1.0"]);
    expect(refused).toMatchObject({ code: 4, error: { code: "E_UNSAVED", details: { paths: [path] } } });
    expect(state(repo)).toEqual(before);
    must(repo, "restore", "e0.1.0", "--force");
    expect(repo.read(path)).not.toBe("stored nowhere\n");
    must(repo, "undo");
    expect(state(repo)).toEqual(before);
  });

  it("a conflict of Git's merge is refused, though Git has its bytes; --force keeps it in the trash, the index stays, undo brings it back", () => {
    repo.git("switch", "-q", "-c", "other");
    repo.commit("other", { "train.js": "other\n" });
    repo.git("switch", "-q", "main");
    repo.commit("main", { "train.js": "main\n" });
    expect(repo.run("git", ["merge", "-q", "other"]).code).toBe(1);
    const conflict = repo.read("train.js");
    expect(conflict).toContain("<<<<<<<");
    const before = state(repo);
    expect(repo.expverJson(["restore", "e0.1.0"])).toMatchObject({
      code: 4,
      error: { code: "E_UNSAVED", message: expect.stringContaining("train.js (in conflict)"), details: { paths: ["train.js"] } },
    });
    expect(state(repo)).toEqual(before);
    const { data } = repo.expverJson(["restore", "e0.1.0", "train.js", "--force"]);
    expect(data.restored).toEqual(["train.js"]);
    expect(repo.read("train.js")).toBe("first\n");
    expect(repo.git("ls-files", "--unmerged").split("\n")).toHaveLength(3);
    must(repo, "undo");
    expect(state(repo)).toEqual(before);
    // One that is settled is as any other change.
    repo.write("train.js", "settled\n");
    repo.git("add", "train.js");
    must(repo, "restore", "e0.1.0", "train.js");
  });

  it("staged ones are in Git, and may give way", () => {
    repo.write("train.js", "staged\n");
    repo.git("add", "train.js");
    must(repo, "restore", "e0.1.0", "train.js");
    expect(repo.git("show", ":train.js")).toBe("staged");
  });
});

it("brings from the remote what the cache lacks; when it is nowhere, nothing changes", () => {
  const remote = makeFolder("remote");
  must(repo, "data", "remote", "add", "-d", "store", remote);
  must(repo, "data", "push", "--all-commits");
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  must(repo, "restore", "e0.1.0", "data/train.csv", "--force");
  expect(repo.read("data/train.csv")).toBe("a,b\n1,2\n");
  must(repo, "undo");
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  rmSync(remote, { recursive: true });
  const before = state(repo);
  expect(repo.expverJson(["restore", "e0.1.0", "models", "--force"]).error?.code).toBe("E_NOT_STORED");
  expect(state(repo)).toEqual(before);
});

it("undo is refused once somebody has changed what came back", () => {
  must(repo, "restore", "e0.1.0", "train.js");
  repo.write("train.js", "edited since\n");
  expect(repo.expverJson(["undo"])).toMatchObject({ code: 4, error: { code: "E_UNDO" } });
  expect(repo.read("train.js")).toBe("edited since\n");
});

it("killed before any of its changes: everything as it was, or all of it back", { timeout: 900_000 }, () => {
  const before = state(repo);
  must(repo, "restore", "e0.1.0");
  const after = state(repo);
  must(repo, "undo");
  let restored = 0;
  const points = atEveryKill((at) => {
    const killed = runKilledAt(repo, ["restore", "e0.1.0"], at);
    const repaired = repo.expver(["doctor", "--fix"]);
    const about = JSON.stringify({ at, repaired: repaired.stdout + repaired.stderr });
    const now = state(repo);
    if (JSON.stringify(now) === JSON.stringify(after)) {
      restored += 1;
      must(repo, "undo");
    }
    expect(state(repo), about).toEqual(before);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(40);
  expect(restored).toBeGreaterThan(0);
});

it("links come back as they were, also where what they lead to stays or is nowhere", () => {
  const links = makeRepository();
  symlinkSync("a", join(links.root, "link"));
  symlinkSync("/nowhere/at/all", join(links.root, "dangling"));
  links.commit("first", { a: "1", b: "1" });
  links.git("tag", "e0.1.0");
  for (const path of ["link", "dangling"]) rmSync(join(links.root, path));
  symlinkSync("b", join(links.root, "link"));
  links.commit("second", { dangling: "a file" });
  must(links, "restore", "e0.1.0");
  const now = () =>
    ["link", "dangling"].map((path) => lstatSync(join(links.root, path)).isSymbolicLink() && readlinkSync(join(links.root, path)));
  expect(now()).toEqual(["a", "/nowhere/at/all"]);
  must(links, "undo");
  expect(now()).toEqual(["b", false]);
  expect(links.read("dangling")).toBe("a file");
});

it("a folder of then takes the place of a file or link of now, and the other way round; undo brings each back", () => {
  const one = makeRepository();
  must(one, "init");
  one.write("set/sub/a", "tracked");
  must(one, "data", "add", "set");
  one.commit("folders", { "code/a.js": "a", "code/sub/b.js": "b", "at/a": "not theirs", other: "1" });
  one.git("tag", "folders");
  one.git("rm", "-rq", "--cached", "code", "at", "set.dvc");
  for (const path of ["code", "at", "set", "set.dvc", ".gitignore"]) rmSync(join(one.root, path), { recursive: true, force: true });
  one.write("elsewhere/a", "stays");
  symlinkSync("elsewhere", join(one.root, "at"));
  one.commit("files", { code: "a file", set: "a file, too" });
  one.git("tag", "files");
  const now = () => [one.read("code/sub/b.js"), one.read("set/sub/a"), one.read("at/a"), one.read("elsewhere/a")];
  must(one, "restore", "folders", "code", "set", "at");
  expect(now()).toEqual(["b", "tracked", "not theirs", "stays"]);
  must(one, "restore", "files", "code", "set", "at");
  expect([one.read("code"), one.read("set"), readlinkSync(join(one.root, "at"))]).toEqual(["a file", "a file, too", "elsewhere"]);
  must(one, "undo");
  expect(now()).toEqual(["b", "tracked", "not theirs", "stays"]);
  must(one, "undo");
  expect([one.read("code"), one.read("set"), readlinkSync(join(one.root, "at"))]).toEqual(["a file", "a file, too", "elsewhere"]);
  expect(one.git("status", "--porcelain", "code", "set", "at")).toBe("");
});

it("a tracked folder of now gives way to a file or link of then as a whole, and undo brings it back", () => {
  const one = makeRepository();
  must(one, "init");
  symlinkSync("elsewhere", join(one.root, "at"));
  one.commit("files", { code: "a file", "elsewhere/a": "stays" });
  one.git("tag", "files");
  for (const path of ["code", "at"]) rmSync(join(one.root, path));
  one.commit("folders", { "code/a.js": "a", "code/sub/b.js": "b", "at/a": "not theirs" });
  const now = () => [one.read("code/a.js"), one.read("code/sub/b.js"), one.read("at/a"), one.read("elsewhere/a")];
  must(one, "restore", "files");
  expect([one.read("code"), readlinkSync(join(one.root, "at")), one.read("elsewhere/a")]).toEqual(["a file", "elsewhere", "stays"]);
  must(one, "undo");
  expect(now()).toEqual(["a", "b", "not theirs", "stays"]);
  expect(one.git("status", "--porcelain")).toBe("");
});
