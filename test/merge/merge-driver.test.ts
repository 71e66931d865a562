/** Plain git merges, rebases and cherry-picks of branches that changed the same pointers. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { dvcCalls, HAS_DVC } from "../support/dvc.ts";
import { atEveryKill, killEnvironment, SIGKILLED } from "../support/kill-at.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { checkedObjects, temporariesIn } from "../support/stores.ts";
import { makeStory, must, objectOf, onBranch, type Story, storedFiles, storedRows, unmerged } from "./driver-story.ts";

let story: Story;
let repo: TestRepository;
beforeEach(() => {
  story = makeStory();
  ({ repo } = story);
});

const git = (...args: string[]) => repo.run("git", args);

describe("git merge", () => {
  it("merges a results database by row and a folder by entry; the worktree's data moves with data checkout; dvc finds all in order", () => {
    onBranch(story, "other", () => {
      story.rows("c", { c: 3 });
      story.files("three", { three: "3", two: null });
    });
    story.rows("d", { d: 4 });
    story.files("four", { four: "4" });
    const { code, stderr } = git("merge", "--no-edit", "other");
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("results/experiments.db: default 1 new row") });
    expect(stderr).toContain("data/set: 1 file added · 1 removed; expver data checkout brings it here");
    expect([storedRows(repo), storedFiles(repo)]).toEqual([
      ["a 1", "b 2", "c 3", "d 4"],
      ["four", "one", "three"],
    ]);
    expect(readdirSync(join(repo.root, "data/set")).sort()).toEqual(["four", "one", "two"]);
    must(repo, "data", "checkout");
    expect(readdirSync(join(repo.root, "data/set")).sort()).toEqual(["four", "one", "three"]);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(temporariesIn(repo.root)).toEqual([]);
    if (HAS_DVC) expect(dvcCalls(repo, [["status"]])[0]?.stdout).toContain("up to date");
  });

  it("a row one side deleted stays deleted; a cell only one side changed is changed", () => {
    onBranch(story, "other", () => story.rows("without a, b is 20", { b: 20 }, { without: ["a"] }));
    story.rows("c", { c: 3 });
    expect(git("merge", "--no-edit", "other").code).toBe(0);
    expect(storedRows(repo)).toEqual(["b 20", "c 3"]);
  });

  it("keeps comments and other fields of the pointers", () => {
    onBranch(story, "other", () => {
      story.files("three", { three: "3" });
      repo.commit("describe", { "data/set.dvc": `${repo.read("data/set.dvc")}  desc: by other\n` });
    });
    repo.commit("comment", { "data/set.dvc": `# the set\n${repo.read("data/set.dvc")}` });
    story.files("four", { four: "4" });
    expect(git("merge", "--no-edit", "other").code).toBe(0);
    expect(repo.read("data/set.dvc")).toMatch(
      /^# the set\nouts:\n- md5: \w+\.dir\n {2}size: 4\n {2}nfiles: 4\n {2}hash: md5\n {2}path: set\n {2}desc: by other\n$/,
    );
  });

  it("in a linked worktree made by plain git too", () => {
    onBranch(story, "other", () => story.rows("c", { c: 3 }));
    const there = join(makeFolder("linked"), "tree");
    repo.git("worktree", "add", "-q", "-b", "linked", there, "main");
    const linked = openTestRepository(there, repo.context.env as Record<string, string>);
    must(linked, "data", "checkout");
    story.rows("d", { d: 4 }, { into: linked });
    expect(linked.run("git", ["merge", "--no-edit", "other"]).code).toBe(0);
    expect(storedRows(linked, join(repo.root, ".dvc/cache"))).toEqual(["a 1", "b 2", "c 3", "d 4"]);
    must(linked, "data", "checkout");
    expect(linked.git("status", "--porcelain")).toBe("");
  });

  it("of a project in a sub-folder with a cache of its own, with a GIT_DIR that a hook has set", () => {
    const top = makeRepository();
    top.write("ml/.dvc/config", "");
    top.write("ml/.dvc/.gitignore", "/config.local\n/tmp\n/cache\n");
    must(top, "-C", "ml", "init");
    const change = (name: string, onto?: string) => {
      if (onto !== undefined) top.git("checkout", "-q", "-B", name, onto);
      top.write(`ml/data/set/${name}`, name);
      must(top, "-C", "ml", "data", "add", "data/set");
      return top.commit(name);
    };
    const first = change("first");
    change("other", first);
    change("here", first);
    expect(top.run("git", ["merge", "--no-edit", "other"], { env: { GIT_DIR: ".git" } })).toMatchObject({ code: 0 });
    expect(top.read("ml/data/set.dvc")).toContain("nfiles: 3\n");
    expect([existsSync(join(top.root, "ml/.dvc/cache")), existsSync(join(top.root, ".dvc"))]).toEqual([true, false]);
  });

  it("a database in WAL mode stays in it, and nothing appears beside the objects of the cache", () => {
    onBranch(story, "other", () => story.rows("c", { c: 3 }, { mode: "wal" }));
    story.rows("d", { d: 4 }, { mode: "wal" });
    expect(git("merge", "--no-edit", "other").code).toBe(0);
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "c 3", "d 4"]);
    expect(readFileSync(objectOf(repo, "results/experiments.db.dvc")).subarray(18, 20)).toEqual(Buffer.from([2, 2]));
    checkedObjects(join(repo.root, ".dvc/cache"));
    expect(
      readdirSync(join(repo.root, ".dvc/cache"), { recursive: true, encoding: "utf8" }).filter((name) =>
        /-(?:wal|shm|journal)$/.test(name),
      ),
    ).toEqual([]);
    expect(readdirSync(join(repo.root, ".git/expver/merging"))).toEqual([]);
  });

  it("of branches that were merged crosswise before: the two ancestors are merged for it", () => {
    onBranch(story, "other", () => story.rows("c", { c: 3 }));
    story.rows("d", { d: 4 });
    repo.git("tag", "before");
    repo.git("merge", "--no-edit", "other");
    must(repo, "data", "checkout");
    story.rows("without c", {}, { without: ["c"] });
    repo.git("checkout", "-q", "other");
    must(repo, "data", "checkout");
    repo.git("merge", "--no-edit", "before");
    must(repo, "data", "checkout");
    story.rows("e", { e: 5 });
    expect(git("merge", "--no-edit", "main").code).toBe(0);
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "d 4", "e 5"]);
  });

  it("without a common ancestor: a union", () => {
    repo.git("checkout", "-q", "--orphan", "alone");
    story.rows("alone", { c: 3 }, { without: ["a"] });
    expect(git("merge", "--no-edit", "--allow-unrelated-histories", "main").code).toBe(0);
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "c 3"]);
  });

  it("a renamed pointer takes the other side's rows along", () => {
    onBranch(story, "other", () => story.files("three", { three: "3" }));
    must(repo, "data", "move", "data/set", "data/flowers");
    repo.commit("rename");
    expect(git("merge", "--no-edit", "other").code).toBe(0);
    expect(repo.read("data/flowers.dvc")).toMatch(/nfiles: 3\n {2}hash: md5\n {2}path: flowers\n/);
  });
});

describe("three branches", () => {
  beforeEach(() => {
    for (const [name, track, file] of [
      ["first", "c", "three"],
      ["second", "d", "four"],
      ["third", "e", "five"],
    ] as const) {
      onBranch(story, name, () => {
        story.rows(`row ${track}`, { [track]: 9 });
        story.files(`file ${file}`, { [file]: file });
      });
    }
  });
  const ALL = [
    ["a 1", "b 2", "c 9", "d 9", "e 9"],
    ["five", "four", "one", "three", "two"],
  ];

  it("merged one after the other, and rebased one onto the other, come to the same", () => {
    repo.git("checkout", "-q", "-b", "merged", "first");
    repo.git("merge", "--no-edit", "second");
    repo.git("merge", "--no-edit", "third");
    expect([storedRows(repo), storedFiles(repo)]).toEqual(ALL);
    repo.git("rebase", "-q", "first", "second");
    repo.git("rebase", "-q", "second", "third");
    expect([storedRows(repo), storedFiles(repo)]).toEqual(ALL);
    expect(repo.git("rev-list", "--count", "main..third")).toBe("6");
    must(repo, "data", "checkout");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("a cherry-pick takes one commit's rows and leaves the others; a revert takes them away again", () => {
    onBranch(story, "fourth", () => story.rows("row f", { f: 9 }), "third");
    repo.git("checkout", "-q", "first");
    expect(git("cherry-pick", "fourth").code).toBe(0);
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "c 9", "f 9"]);
    repo.git("merge", "--no-edit", "second");
    expect(git("revert", "--no-edit", "HEAD^").code).toBe(0);
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "c 9", "d 9"]);
  });
});

describe("what cannot be merged", () => {
  it("two values of one cell: ours stands, the pointer stays valid and names both; nothing new is stored", () => {
    onBranch(story, "other", () => story.rows("b is 20", { b: 20, c: 3 }));
    story.rows("b is 21", { b: 21 });
    const ours = repo.read("results/experiments.db.dvc");
    const objects = repo.run("find", [".dvc/cache", "-type", "f"]).stdout;
    const { code, stderr } = git("merge", "--no-edit", "other");
    expect({ code, unmerged: unmerged(repo) }).toEqual({ code: 1, unmerged: ["results/experiments.db.dvc"] });
    expect(stderr).toContain("default b 1 x: 21.0 here, 20.0 there");
    expect(stderr).toContain("expver merge --resolve ours|theirs results/experiments.db.dvc");
    const text = repo.read("results/experiments.db.dvc");
    expect(text.replace(/^# expver-conflict: .*\n/gm, "")).toBe(ours);
    const theirs = /md5: (\w+)/.exec(repo.git("show", "other:results/experiments.db.dvc"))?.[1];
    expect(text).toContain(`# expver-conflict: theirs ${theirs}  `);
    expect(repo.run("find", [".dvc/cache", "-type", "f"]).stdout).toBe(objects);
    if (HAS_DVC) expect(dvcCalls(repo, [["status"]])[0]?.stdout).toContain("up to date");
  });

  it("one file of a folder on both sides; a file where the other has a folder; two models' files; a model that is a folder", () => {
    const models = { "models/production/a": "1", "models/production/b": "1" };
    for (const [path, text] of Object.entries({ ...models, "models/model.bin": "old" })) repo.write(path, text);
    must(repo, "data", "add", "models/production", "models/model.bin");
    repo.commit("models");
    onBranch(story, "other", () => {
      repo.write("models/production/a", "2");
      repo.write("models/model.bin", "theirs");
      must(repo, "data", "add", "models/production", "models/model.bin");
      story.files("three is a folder, one is theirs", { "three/x": "3", one: "theirs" });
    });
    repo.write("models/production/b", "2");
    repo.write("models/model.bin", "ours");
    must(repo, "data", "add", "models/production", "models/model.bin");
    story.files("three is a file, one is ours", { three: "3", one: "ours" });
    const { code, stderr } = git("merge", "--no-edit", "other");
    expect({ code, unmerged: unmerged(repo) }).toEqual({
      code: 1,
      unmerged: ["data/set.dvc", "models/model.bin.dvc", "models/production.dvc"],
    });
    expect(stderr).toContain("both sides changed 2 files of it");
    expect(stderr).toContain("models/model.bin: two different files");
    expect(stderr).toContain("models/production is one model");
  });

  it("a name with line feeds stays within its comment", () => {
    const name = '"experiments.db\\nouts: []\\r\\u2028x"';
    onBranch(story, "other", () => {
      const text = `outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 1\n  hash: md5\n  path: ${name}\n`;
      repo.commit("hostile", { "results/experiments.db.dvc": text });
    });
    story.rows("c", { c: 3 });
    const ours = repo.read("results/experiments.db.dvc");
    expect(git("merge", "--no-edit", "other").code).toBe(1);
    expect(repo.read("results/experiments.db.dvc").replace(/^# expver-conflict: .*\n/gm, "")).toBe(ours);
  });

  it("the ancestor's bytes are nowhere: a union that says so; theirs are nowhere: a choice that says so", () => {
    onBranch(story, "other", () => story.rows("c", { c: 3 }));
    rmSync(objectOf(repo, "results/experiments.db.dvc"));
    story.rows("d", { d: 4 });
    expect(git("merge", "--no-edit", "other")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("common ancestor's bytes are nowhere"),
    });
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "c 3", "d 4"]);
    repo.git("reset", "-q", "--hard", "HEAD^");
    repo.git("checkout", "-q", "other");
    const theirs = objectOf(repo, "results/experiments.db.dvc");
    repo.git("checkout", "-q", "main");
    rmSync(theirs);
    expect(git("merge", "--no-edit", "other")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("bytes of theirs are neither in the cache"),
    });
    expect(unmerged(repo)).toEqual(["results/experiments.db.dvc"]);
  });

  it("bytes that only the remote has are fetched; of a folder only the listings", () => {
    const remote = makeFolder("remote");
    must(repo, "data", "remote", "add", "-d", "store", remote);
    repo.commit("remote");
    must(repo, "data", "push");
    onBranch(story, "other", () => {
      story.rows("c", { c: 3 });
      story.files("three", { three: "3" });
      must(repo, "data", "push");
    });
    story.rows("d", { d: 4 });
    story.files("four", { four: "4" });
    must(repo, "data", "push");
    rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
    expect(git("merge", "--no-edit", "other")).toMatchObject({ code: 0 });
    expect([storedRows(repo), storedFiles(repo)]).toEqual([
      ["a 1", "b 2", "c 3", "d 4"],
      ["four", "one", "three", "two"],
    ]);
    expect(repo.read("data/set.dvc")).toContain("size: 4\n");
    expect(repo.run("find", [".dvc/cache", "-type", "f"]).stdout.trim().split("\n")).toHaveLength(5);
    must(repo, "data", "fetch");
    must(repo, "data", "checkout");
    expect(repo.read("data/set/three")).toBe("3");
  });
});

describe("where the driver does not come to its end, Git merges the text as ever", () => {
  const theirs = "other";
  beforeEach(() => {
    onBranch(story, theirs, () => story.rows("c", { c: 3 }));
    story.rows("d", { d: 4 });
  });
  const hasMarkers = () => /^<<<<<<< ours\n.*^=======\n.*^>>>>>>> theirs\n/ms.test(repo.read("results/experiments.db.dvc"));
  const setDriver = (change: (command: string) => string) =>
    repo.git("config", "merge.expver.driver", change(repo.git("config", "merge.expver.driver")));

  it("expver is gone", () => {
    setDriver((command) => command.replaceAll("dist/main.cjs", "gone/main.cjs"));
    const { code, stderr } = repo.run("git", ["merge", "--no-edit", theirs], { env: { PATH: "/usr/bin:/bin" } });
    expect({ code, unmerged: unmerged(repo), markers: hasMarkers() }).toEqual({
      code: 1,
      unmerged: ["results/experiments.db.dvc"],
      markers: true,
    });
    expect(stderr).toContain("expver: not found");
  });

  it("the expver on the PATH takes the place of the one that is gone", () => {
    setDriver((command) => command.replaceAll("dist/main.cjs", "gone/main.cjs"));
    const bin = makeFolder("bin");
    writeFileSync(join(bin, "expver"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
    expect(repo.run("git", ["merge", "--no-edit", theirs], { env: { PATH: `${bin}:/usr/bin:/bin` } }).code).toBe(0);
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "c 3", "d 4"]);
  });

  it("it is killed, at any point: the cache is whole, and doing it again merges", () => {
    const points = atEveryKill((at) => {
      repo.run("git", ["merge", "--abort"]);
      repo.git("reset", "-q", "--hard");
      const { code, stderr } = repo.run("git", ["merge", "--no-commit", theirs], { env: killEnvironment(at) });
      const killed = /Killed/.test(stderr);
      expect({ at, killed, unmerged: unmerged(repo).length }).toEqual({ at, killed: code !== 0, unmerged: code });
      if (killed) expect({ at, markers: hasMarkers() }).toEqual({ at, markers: true });
      checkedObjects(join(repo.root, ".dvc/cache"));
      return { code: killed ? SIGKILLED : code, stdout: "", stderr };
    });
    expect(points).toBeGreaterThan(5);
    expect(storedRows(repo)).toEqual(["a 1", "b 2", "c 3", "d 4"]);
    expect(temporariesIn(repo.root).filter((path) => path.includes(".dvc/cache"))).toEqual([]);
  });

  it("a side is no pointer, names a file outside, or has other outputs", () => {
    const pointers: [name: string, text: string][] = [
      ["no YAML", "{outs: [\n"],
      ["a path outside", "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 1\n  hash: md5\n  path: ../../../etc/passwd\n"],
      ["another hash", "outs:\n- md5: ../../../../etc/passwd\n  path: experiments.db\n"],
      [
        "two outputs",
        `outs:\n${["experiments.db", "other"].map((path) => `- md5: 0123456789abcdef0123456789abcdef\n  size: 1\n  hash: md5\n  path: ${path}\n`).join("")}`,
      ],
    ];
    for (const [name, text] of pointers) {
      repo.git("checkout", "-q", "-B", "hostile", "main~1");
      repo.commit(name, { "results/experiments.db.dvc": text });
      repo.git("checkout", "-q", "main");
      const { code } = git("merge", "--no-edit", "hostile");
      expect({ name, code, markers: hasMarkers() }).toEqual({ name, code: 1, markers: true });
      repo.git("merge", "--abort");
    }
  });

  it("a path with quotes, spaces, percent and dollar signs arrives as it is", () => {
    const odd = 'data/it\'s 100% $(touch gone) `x` "y"';
    for (const [branch, member] of [
      ["main", "one"],
      ["odd", "two"],
      ["main", "three"],
    ] as const) {
      if (branch === "odd") repo.git("checkout", "-q", "-b", "odd");
      else repo.git("checkout", "-q", "main");
      if (member === "three") must(repo, "data", "checkout");
      repo.write(`${odd}/${member}`, member);
      must(repo, "data", "add", odd);
      repo.commit(member);
    }
    expect(git("merge", "--no-edit", "odd").code).toBe(0);
    expect(repo.read(`${odd}.dvc`)).toContain("nfiles: 3\n");
    expect(existsSync(join(repo.root, "gone"))).toBe(false);
  });
});

it("doctor: a clone without the command, or with one that is gone, is told and repaired; undecided pointers are named", () => {
  const findings = (where: TestRepository, ...args: string[]) =>
    where
      .expverJson(["doctor", ...args])
      .data.findings.filter(({ check }: { check: string }) => /merge-driver|undecided/.test(check))
      .map(({ level, what, fixed }: Record<string, string>) => `${level}: ${what}${fixed === undefined ? "" : ` → ${fixed}`}`);
  expect(findings(repo)).toEqual([]);
  const clone = openTestRepository(join(makeFolder(), "clone"), repo.context.env as Record<string, string>);
  repo.git("clone", "-q", repo.root, clone.root);
  expect(findings(clone)).toEqual([expect.stringContaining("this clone has no command for it")]);
  expect(findings(clone, "--fix")).toEqual([expect.stringContaining("→ merge.expver.driver is set")]);
  expect(findings(clone)).toEqual([]);
  clone.git("config", "merge.expver.driver", clone.git("config", "merge.expver.driver").replaceAll("/dist/", "/it'\\''s %%gone/"));
  expect(findings(clone)).toEqual([expect.stringContaining("it's %gone/main.cjs, which is not there")]);
  expect(findings(clone, "--fix")).toEqual([expect.stringContaining("is set")]);

  onBranch(story, "other", () => story.rows("b is 20", { b: 20 }));
  story.rows("b is 21", { b: 21 });
  git("merge", "--no-edit", "other");
  expect(findings(repo)).toEqual([expect.stringContaining("results/experiments.db.dvc is in conflict")]);
  repo.git("commit", "-qam", "carelessly");
  expect(findings(repo)).toEqual([expect.stringContaining("was added while it was undecided")]);
});
