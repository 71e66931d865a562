/** Getting by glob, out of a pipeline, out of another repository, and after having been cut off. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it, vi } from "vitest";
import { cloneBare } from "../../src/git/clone.ts";
import { catFiles, readTree } from "../../src/git/tree.ts";
import { runKilledAt, SIGKILLED } from "../support/kill-at.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";
import { mustIn } from "../worktree/story.ts";

// Many commands each: a busy machine needs longer than usual.
vi.setConfig({ testTimeout: 300_000 });

let repo: TestRepository;
let remote: string;
beforeEach(() => {
  repo = makeRepository();
  remote = makeFolder("remote");
  mustIn(repo, "init");
  mustIn(repo, "data", "remote", "add", "-d", "store", remote);
  for (const name of ["one.png", "two.png", "deep/three.png", "notes.txt"]) repo.write(`data/images/${name}`, `${name}\n`);
  repo.write("models/model.bin", "first model\n");
  mustIn(repo, "data", "add", "data/images", "models/model.bin");
  repo.commit("first", { "src/train.py": "train\n", "src/deep/net.py": "net\n", "src/run.sh": "run\n" });
  repo.git("tag", "-a", "e0.1.0", "-m", "accuracy=0.9 | first");
  mustIn(repo, "data", "push");
});

/** Every file below a folder, with its text. */
function textsIn(folder: string): Record<string, string> {
  const files = readdirSync(join(repo.root, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name).slice(repo.root.length + 1))
      .sort()
      .map((path) => [path.slice(folder.length + 1), repo.read(path)]),
  );
}

it("a glob gets all that fit, of Git and of tracked folders, below the folder it looks in; nothing is overwritten", () => {
  mustIn(repo, "get", "e0.1.0", "src/**/*.py", "-o", "code");
  expect(textsIn("code")).toEqual({ "deep/net.py": "net\n", "train.py": "train\n" });
  mustIn(repo, "get", "e0.1.0", "data/images/*.png", "-o", "images");
  expect(textsIn("images")).toEqual({ "one.png": "one.png\n", "two.png": "two.png\n" });
  // Where the bytes came from is said of each.
  const told = (...words: string[]) => repo.expver(["get", "e0.1.0", ...words]).stdout;
  expect(told("data/images/*.png", "-o", "told")).toContain("2 files, 16 B, checked against pointers\n");
  expect(told("src/**/*.py", "-o", "told-code")).toContain(", from Git\n");
  expect(told(".", "-o", "told-all")).toMatch(/, \d+ checked against pointers, \d+ from Git\n/);
  expect(repo.expverJson(["get", "e0.1.0", "src/*.py"]).error).toMatchObject({
    code: "E_DATA",
    message: expect.stringContaining("exists already"),
  });
  expect(repo.expverJson(["get", "e0.1.0", "**/*.py"]).error).toMatchObject({ code: "E_USAGE", hint: expect.stringContaining("-o") });
  expect(repo.expverJson(["get", "e0.1.0", "src/*.none", "-o", "none"]).error?.code).toBe("E_NOT_FOUND");
  expect(existsSync(join(repo.root, "none"))).toBe(false);
});

it("an output of a pipeline, and the results database of a version", () => {
  repo.commit("pipeline", {
    "dvc.yaml": "stages:\n  make:\n    cmd: mkdir -p out && echo made > out/made.txt\n    outs: [out/made.txt]\n",
    ".gitignore": `${repo.read(".gitignore")}/metrics.json\n`,
  });
  mustIn(
    repo,
    "run",
    "-m",
    "made",
    "--",
    "sh",
    "-c",
    "mkdir -p out && echo made > out/made.txt && mkdir -p models && echo second > models/model.bin",
  );
  const stored = repo.expverJson(["get", "e0.2.0", "results/experiments.db", "-o", "then.db"]);
  expect(stored).toMatchObject({ code: 0, data: { files: 1 } });
  expect(repo.run("sqlite3", ["then.db", "SELECT count(*) FROM expver_runs"]).stdout.trim() || "1").toBe("1");
  const md5 = repo.run("md5sum", ["out/made.txt"]).stdout.slice(0, 32);
  repo.write(
    "dvc.lock",
    `schema: '2.0'\nstages:\n  make:\n    cmd: mkdir -p out && echo made > out/made.txt\n    outs:\n    - path: out/made.txt\n      hash: md5\n      md5: ${md5}\n      size: 5\n`,
  );
  mustIn(repo, "data", "commit", "--force");
  repo.commit("locked");
  mustIn(repo, "get", "HEAD", "out/made.txt", "-o", "made-then.txt");
  expect(repo.read("made-then.txt")).toBe("made\n");
});

it("another repository by URL: only what is needed is cloned, in few requests", () => {
  repo.git("config", "uploadpack.allowFilter", "true");
  repo.git("config", "uploadpack.allowAnySHA1InWant", "true");
  const into = join(makeFolder("clone"), "repository");
  const trace = join(makeFolder("trace"), "git");
  const context = { ...repo.context, env: { ...repo.context.env, GIT_TRACE: trace } };
  const partial = cloneBare(context, `file://${repo.root}`, { into, rev: "e0.1.0" });
  expect(partial.partial).toBe(true);
  const missing = () =>
    repo.run("git", ["-C", into, "rev-list", "--objects", "--missing=print", "--all"]).stdout.match(/^\?/gm)?.length ?? 0;
  const before = missing();
  expect(before).toBeGreaterThan(5);
  const code = readTree(partial, "HEAD", ["src"]);
  expect(
    [
      ...catFiles(
        partial,
        code.map(({ object }) => object),
      ).values(),
    ]
      .map(String)
      .sort(),
  ).toEqual(["net\n", "run\n", "train\n"]);
  expect(missing()).toBe(before - 3);
  // The three in one request, and none of them by git when it reads them.
  expect(readFileSync(trace, "utf8").match(/built-in: git fetch /g)).toHaveLength(1);

  const elsewhere = makeRepository();
  for (const url of [`file://${repo.root}`, repo.root]) {
    const out = `got-${url.length}`;
    mustIn(elsewhere, "get", "e0.1.0", "src", "--repo", url, "-o", out);
    expect(elsewhere.read(`${out}/deep/net.py`)).toBe("net\n");
    mustIn(elsewhere, "get", "e0.1.0", "data/images/deep", "--repo", url, "-o", `${out}-data`);
    expect(elsewhere.read(`${out}-data/three.png`)).toBe("deep/three.png\n");
  }
});

it("cut off while objects come from a remote, it goes on from those that have come", () => {
  for (let file = 0; file < 300; file += 1) repo.write(`data/many/${file}`, `${file}\n`);
  mustIn(repo, "data", "add", "data/many");
  repo.commit("many");
  mustIn(repo, "data", "push");
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  const ask = ["get", "HEAD", "data/many", "-o", "old"];
  const stagings = () => readdirSync(repo.root).filter((name) => /^\.expver-.*\.tmp$/.test(name));
  const come = () =>
    stagings().flatMap((name) => Object.keys(textsIn(name)).filter((path) => /objects\/files\/md5\/..\/[0-9a-f]{30}$/.test(path)));
  // The later it is killed, the more has come: halve the way to a point between the first objects and the last.
  let [early, late] = [1, 4096];
  const isOver = () => come().length === 300 || existsSync(join(repo.root, "old"));
  while (come().length === 0 || isOver()) {
    const at = Math.floor((early + late) / 2);
    if (runKilledAt(repo, ask, at).code !== SIGKILLED || isOver()) {
      late = at;
      for (const name of ["old", ...stagings()]) rmSync(join(repo.root, name), { recursive: true, force: true });
    } else early = at;
    expect(late - early, `${early} to ${late}`).toBeGreaterThan(1);
  }
  const kept = come();
  expect(existsSync(join(repo.root, "old"))).toBe(false);
  // Nobody needs to ask the remote again for what is here.
  for (const path of kept) rmSync(join(remote, path.replace(/^.*objects\//, "")));
  mustIn(repo, ...ask);
  expect(Object.keys(textsIn("old"))).toHaveLength(300);
  expect(repo.read("old/299")).toBe("299\n");
  expect(stagings()).toEqual([]);
});

it("what is in a submodule is said to be in another repository, and what is to be typed gets it", () => {
  const outer = makeRepository();
  outer.run("git", ["-c", "protocol.file.allow=always", "submodule", "add", "-q", repo.root, "libs/in ner"]);
  outer.commit("with a submodule");
  outer.git("tag", "e1.0.0");
  const commit = repo.git("rev-parse", "HEAD");
  const here = outer.expverJson(["get", "e1.0.0", "libs/in ner/src/train.py"]).error;
  expect(here).toMatchObject({
    code: "E_NOT_FOUND",
    message: "libs/in ner is a submodule in e1.0.0: what is in it is in a repository of its own",
    hint: `expver -C 'libs/in ner' get ${commit} src/train.py`,
  });
  mustIn(outer, "-C", "libs/in ner", "get", commit, "src/train.py");
  expect(outer.read("libs/in ner/train.py")).toBe("train\n");
  const elsewhere = repo.expverJson(["get", "--repo", outer.root, "e1.0.0", "libs/in ner/src/train.py"]).error;
  expect(elsewhere?.hint).toContain(`expver get --repo URL ${commit} src/train.py`);
  mustIn(outer, "-C", "libs/in ner", "checkout", "e0.1.0");
  const { worktrees } = outer.expverJson(["-C", "libs/in ner", "worktrees"]).data;
  expect(worktrees.map(({ root }: { root: string }) => root)).toEqual([
    join(outer.root, "libs/in ner"),
    join(outer.root, "../explore-e0.1.0"),
  ]);
});

it("a file that is called like a glob gets its own name, and not that of its folder, which --force would replace", () => {
  repo.commit("odd", { "src/t[1].csv": "one\n", "m{a,b}.txt": "two\n" });
  repo.git("tag", "e0.9.0");
  mustIn(repo, "get", "e0.9.0", "src/t[1].csv", "--force");
  expect(repo.read("t[1].csv")).toBe("one\n");
  expect(existsSync(join(repo.root, "src/train.py"))).toBe(true);
  mustIn(repo, "-C", "src", "get", "e0.9.0", "m{a,b}.txt");
  expect(repo.read("src/m{a,b}.txt")).toBe("two\n");
});
