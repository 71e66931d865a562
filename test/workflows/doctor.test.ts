import { spawn } from "node:child_process";
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, openSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderDoctor } from "../../src/cli/render/doctor.ts";
import { openProject } from "../../src/config/project.ts";
import { acquireLease, readLease } from "../../src/journal/lease.ts";
import { beginOperation, readOperation } from "../../src/journal/operations.ts";
import { identityOf } from "../../src/platform/processes.ts";
import { doctor } from "../../src/workflows/doctor.ts";
import { init } from "../../src/workflows/init.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { countGit } from "../support/git-counter.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const examine = async (repo: TestRepository, input = {}) => doctor.apply(repo.context, await doctor.plan(repo.context, input));
const about = (result: Awaited<ReturnType<typeof examine>>, check: string) => result.findings.filter((finding) => finding.check === check);

const setUp = async () => {
  const repo = makeRepository();
  await init.apply(repo.context, await init.plan(repo.context, {}));
  return repo;
};

test("a fresh project has no problem: exit 0", async () => {
  const result = await examine(await setUp());
  expect(result).toMatchObject({ exitCode: 0, counts: { problem: 0, warning: 0 } });
  expect(renderDoctor(result, { width: 80, isTTY: false, coloured: false, style: (_, text) => text })).toMatch(/things looked at/);
});

test("a direction that is missing is asked for by the name of the project's own metric", async () => {
  const repo = await setUp();
  const remedy = async () => about(await examine(repo), "config")[0]?.remedy;
  expect(await remedy()).toContain("metrics: { NAME: max }");
  repo.commit("code");
  repo.git("tag", "-a", "e0.1.0", "-m", "lr=0.1 | val_loss=0.3 | by hand");
  expect(await remedy()).toContain("metrics: { val_loss: min }");
});

test("objects and large models that Git has are named, and what to type takes them out", async () => {
  const repo = await setUp();
  repo.write("data/a.csv", "1\n");
  repo.write("data/folder/b.csv", "2\n");
  repo.expver(["data", "add", "data/a.csv", "data/folder"]);
  repo.write("models/my model.bin", "x".repeat(2 ** 20));
  repo.write("models/notes.txt", "small, and Git's");
  repo.git("add", "-A");
  repo.git("add", "-f", ".dvc/cache/files");
  repo.git("commit", "-qm", "as a run without a .dvc did");
  const found = about(await examine(repo), "data-in-git");
  expect(found).toMatchObject([
    { level: "warning", what: expect.stringMatching(/Git has 3 objects of the data cache \.dvc\/cache \(\d+ bytes\)/) },
    { level: "warning", what: expect.stringContaining("Git has the model models/my model.bin (1048576 bytes)") },
  ]);
  for (const { remedy } of found) {
    repo.run("sh", ["-c", remedy.replace("expver", "true").replace(/, then.*| \(.*/, "")]);
  }
  expect(repo.expver(["data", "add", "models/my model.bin"]).code).toBe(0);
  expect(about(await examine(repo), "data-in-git")).toEqual([]);
  expect(existsSync(join(repo.root, "models/my model.bin"))).toBe(true);
});

test("what several checks look at is read once", async () => {
  const repo = await setUp();
  const counter = countGit();
  expect(repo.expver(["doctor"], { env: { PATH: counter.path } }).code).toBe(0);
  const times = (words: string) => counter.calls().filter((call) => call.includes(words)).length;
  expect(["worktree list", "ls-files -z --full-name --cached --others"].map(times)).toEqual([1, 1]);
});

test("outside any project it says so", async () => {
  await expect(examine(openTestRepository(makeFolder()))).rejects.toThrow(expect.objectContaining({ code: "E_NO_PROJECT" }));
});

test("a missing identity is a problem: exit 5", async () => {
  const repo = await setUp();
  repo.git("config", "user.useConfigOnly", "true");
  repo.git("config", "--global", "--unset", "user.email");
  const result = await examine(repo);
  expect(result.exitCode).toBe(5);
  expect(about(result, "git-identity")).toMatchObject([{ level: "problem", remedy: expect.stringContaining("user.email") }]);
});

test("no .dvc, and a .dvc that Git ignores", async () => {
  const repo = makeRepository();
  expect(about(await examine(repo), "no-dvc")).toMatchObject([{ level: "warning", remedy: "expver init" }]);
  repo.write(".dvc/config", "");
  repo.write(".gitignore", ".dvc\n");
  expect(about(await examine(repo), "no-dvc")).toMatchObject([{ level: "problem" }]);
});

test("a mistake in expver.yaml is a finding, and the other checks still speak", async () => {
  const repo = await setUp();
  repo.write("expver.yaml", "metrics:\n  loss: minn\n");
  const result = await examine(repo);
  expect(about(result, "config")).toMatchObject([{ level: "problem", what: expect.stringContaining("expver.yaml:2: metrics.loss") }]);
  expect(result.exitCode).toBe(5);
});

test("an unfinished merge", async () => {
  const repo = await setUp();
  repo.commit("base", { x: "1\n" });
  repo.git("switch", "-q", "-c", "other");
  repo.commit("other", { x: "2\n" });
  repo.git("switch", "-q", "main");
  repo.commit("main", { x: "3\n" });
  repo.run("git", ["merge", "other"]);
  expect(about(await examine(repo), "unfinished-git")).toMatchObject([
    { level: "warning", remedy: expect.stringContaining("git merge --abort") },
  ]);
});

test("a killed operation is a problem that --fix repairs; running ones are left alone", async () => {
  const repo = await setUp();
  const project = openProject(repo.context);
  const start = { command: "data add", argv: [], summary: "" };
  const killed = beginOperation(project, repo.context, { ...start, owner: deadIdentity() });
  killed.record({ kind: "file", path: "x.dvc", before: null, after: "outs:\n" });
  repo.write("x.dvc", "outs:\n");
  const running = beginOperation(project, repo.context, { ...start, owner: identityOf(process.pid) });
  expect(about(await examine(repo), "killed-operations")).toMatchObject([{ level: "problem", fix: `repair ${killed.id}` }]);
  expect(existsSync(join(repo.root, "x.dvc"))).toBe(true);
  const fixed = await examine(repo, { fix: true });
  expect(fixed).toMatchObject({
    exitCode: 0,
    findings: expect.arrayContaining([expect.objectContaining({ fixed: "what it had begun was taken back" })]),
  });
  expect(existsSync(join(repo.root, "x.dvc"))).toBe(false);
  expect(readOperation(project, running.id).state).toBe("open");
});

test("a dead lease is freed, a living one is not mentioned", async () => {
  const repo = await setUp();
  const project = openProject(repo.context);
  acquireLease(project, "dead", {}, deadIdentity());
  acquireLease(project, "alive", {});
  expect(about(await examine(repo, { fix: true }), "stale-leases")).toMatchObject([
    { what: expect.stringContaining("dead was held"), fixed: "dead is free" },
  ]);
  expect([readLease(project, "dead"), readLease(project, "alive")]).toMatchObject([null, { name: "alive" }]);
});

test("old temporary files of ours go to the trash, fresh ones and others' stay", async () => {
  const repo = await setUp();
  const gone = Number(repo.run("sh", ["-c", "echo $$"]).stdout);
  const names = [".x.dvc.0123456789ab.tmp", ".y.dvc.0123456789ab.tmp", "user.tmp", `.a.db.${gone}.merged.tmp.${gone}.tmp`];
  for (const name of names) writeFileSync(join(repo.root, name), "half");
  // Of a download and of two merges, one of which goes on.
  const merging = `.c.db.${process.pid}.spill.tmp`;
  const folders = [".expver-48df3c095805.tmp", `.b.db.${gone}.spill.tmp`, merging];
  const old = new Date(repo.context.clock().getTime() - 3_600_000);
  for (const name of folders) {
    mkdirSync(join(repo.root, name));
    utimesSync(join(repo.root, name), old, old);
  }
  const fresh = repo.context.clock();
  for (const [name, time] of [
    [".x.dvc.0123456789ab.tmp", old],
    [".y.dvc.0123456789ab.tmp", fresh],
    ["user.tmp", old],
    [`.a.db.${gone}.merged.tmp.${gone}.tmp`, old],
  ] as const) {
    utimesSync(join(repo.root, name), time, time);
  }
  const result = await examine(repo, { fix: true });
  expect(
    about(result, "leftovers")
      .map(({ subject }) => subject)
      .sort(),
  ).toEqual(
    [`.a.db.${gone}.merged.tmp.${gone}.tmp`, `.b.db.${gone}.spill.tmp`, ".expver-48df3c095805.tmp", ".x.dvc.0123456789ab.tmp"].map((name) =>
      join(repo.root, name),
    ),
  );
  expect(existsSync(join(repo.root, merging))).toBe(true);
  expect(names.map((name) => existsSync(join(repo.root, name)))).toEqual([false, true, true, false]);
});

test.each(["symlink", "hardlink"])("a results database that is a %s is a problem, and becomes a file of its own", async (kind) => {
  const repo = await setUp();
  repo.write("cache/object", ""); // an empty database
  mkdirSync(join(repo.root, "results"));
  const [object, database] = [join(repo.root, "cache/object"), join(repo.root, "results/experiments.db")];
  chmodSync(object, 0o444);
  if (kind === "symlink") symlinkSync(object, database);
  else linkSync(object, database);
  const before = await examine(repo);
  expect(about(before, "database-link")).toMatchObject([{ level: "problem", fix: expect.any(String) }]);
  expect(before.exitCode).toBe(5);
  expect((await examine(repo, { fix: true })).exitCode).toBe(0);
  writeFileSync(database, "changed");
  expect(repo.read("cache/object")).toBe("");
  expect(lstatSync(database)).toMatchObject({ nlink: 1, mode: 0o100644 });
  expect(about(await examine(repo), "database-cost")).toMatchObject([{ level: "note", what: expect.stringContaining("7 bytes") }]);
});

test("a linked results database that a program has open is not replaced", async () => {
  const repo = await setUp();
  repo.write("object", "x");
  mkdirSync(join(repo.root, "results"));
  linkSync(join(repo.root, "object"), join(repo.root, "results/experiments.db"));
  const writer = spawn("sleep", ["60"], { stdio: ["ignore", openSync(join(repo.root, "object"), "r+"), "ignore"] });
  try {
    const [finding] = about(await examine(repo, { fix: true }), "database-link");
    expect(finding).toMatchObject({ remedy: expect.stringContaining(String(writer.pid)) });
    expect(finding?.fixed).toBeUndefined();
  } finally {
    writer.kill();
  }
});

test("a tag that means something else on the remote is a problem; an equal one, or no answer, is not", async () => {
  const repo = await setUp();
  const remote = makeRepository({ bare: true });
  repo.commit("first");
  repo.git("remote", "add", "origin", remote.root);
  for (const tag of ["e0.1.0", "e0.2.0"]) repo.git("tag", "-a", tag, "-m", "mine");
  repo.git("push", "-q", "--tags", "origin");
  expect(about(await examine(repo), "moved-tags")).toEqual([]);
  repo.commit("second");
  repo.git("tag", "-f", "-a", "e0.2.0", "-m", "moved");
  expect(about(await examine(repo), "moved-tags")).toMatchObject([
    { level: "problem", what: expect.stringMatching(/^e0\.2\.0 is .* on origin/) },
  ]);
  repo.git("remote", "set-url", "origin", "/nowhere");
  expect(about(await examine(repo), "moved-tags")).toEqual([]);
});

test("bytes of a pointer that are neither in the cache nor, for all that is known, on a remote", async () => {
  const repo = await setUp();
  for (const name of ["one", "two", "dir/a", "dir/b", "kept"]) repo.write(`data/${name}`, name);
  for (const name of ["one", "two", "dir", "kept"]) repo.expver(["data", "add", `data/${name}`]);
  rmSync(join(repo.root, "data/one"));
  rmSync(join(repo.root, "data/dir"), { recursive: true });
  repo.run("find", [".dvc/cache", "-type", "f", "-delete"]);
  repo.expver(["data", "add", "data/kept"]);
  const summary = async () =>
    about(await examine(repo), "lost-objects").map(({ level, what }) => `${level} ${/data\/\w+/.exec(what)?.[0]}`);
  expect(await summary()).toEqual(["problem data/dir", "problem data/one", "warning data/two"]);
  // Added, other bytes at the path of lost ones would take their place in the pointer.
  repo.write("data/one", "something else");
  const remedies = async () =>
    Object.fromEntries(about(await examine(repo), "lost-objects").map(({ what, remedy }) => [/data\/\w+/.exec(what)?.[0], remedy]));
  expect(await remedies()).toMatchObject({
    "data/one": expect.stringMatching(/Copy them back .* instead: expver data add/),
    "data/two": "expver data add data/two",
  });
  repo.write(".dvc/config", "['remote \"store\"']\n    url = /somewhere\n");
  expect(await summary()).toEqual(["warning data/dir", "warning data/one", "warning data/two"]);
  expect(await remedies()).toMatchObject({ "data/one": "expver data pull data/one", "data/two": "expver data add data/two" });
});

test("a mistake in .dvc/config, and a pointer with conflict markers", async () => {
  const repo = await setUp();
  repo.write("x.dvc", "<<<<<<< ours\nouts:\n=======\n");
  expect((await examine(repo)).findings).toContainEqual(
    expect.objectContaining({ check: "lost-objects", what: expect.stringContaining("x.dvc") }),
  );
  repo.write(".dvc/config", "core]\n");
  expect(about(await examine(repo), "config")).toContainEqual(
    expect.objectContaining({ level: "problem", what: expect.stringContaining(".dvc/config, line 1") }),
  );
});

test("a linked worktree without the main one's cache gets it named in config.local", async () => {
  const repo = await setUp();
  repo.write("data.bin", "bytes");
  repo.expver(["data", "add", "data.bin"]);
  repo.commit("data");
  const linked = join(makeFolder(), "linked");
  repo.git("worktree", "add", "-q", linked);
  const there = openTestRepository(linked, { ...(repo.context.env as Record<string, string>) });
  expect(about(await examine(there), "worktree-cache")).toMatchObject([{ level: "problem", fix: expect.any(String) }]);
  const fixed = await examine(there, { fix: true });
  expect(about(fixed, "worktree-cache")[0]?.fixed).toContain(join(repo.root, ".dvc/cache"));
  expect(there.read(".dvc/config.local")).toBe(`[cache]\n    dir = ${repo.root}/.dvc/cache\n`);
  expect((await examine(there)).counts.problem).toBe(0);
  expect(there.git("status", "--porcelain")).toBe("");
});

test("a results database that a stage would delete is found where the stage works in another folder", async () => {
  const repo = await setUp();
  repo.write("pipe/dvc.yaml", "stages:\n  train:\n    wdir: ..\n    cmd: x\n    outs:\n    - results/experiments.db\n");
  expect(about(await examine(repo), "pipeline-persist")).toMatchObject([
    { level: "problem", remedy: "In pipe/dvc.yaml: outs: [ { results/experiments.db: { persist: true } } ]" },
  ]);
  repo.write("pipe/dvc.yaml", "stages:\n  train:\n    cmd: x\n    outs:\n    - ../results/experiments.db\n");
  expect(about(await examine(repo), "pipeline-persist")[0]?.remedy).toContain("{ ../results/experiments.db:");
});

test("a pointer that was added undecided is found whatever a person has set for patterns", async () => {
  const repo = await setUp();
  repo.commit("undecided", { "a.dvc": "# expver-conflict: theirs\nouts: []\n" });
  repo.git("config", "grep.patternType", "fixed");
  repo.git("config", "color.grep", "always");
  repo.git("config", "color.grep.filename", "red");
  expect(about(await examine(repo), "undecided-pointers")).toMatchObject([{ what: expect.stringContaining("a.dvc was added while") }]);
});

test("a fresh clone, where nothing is here yet, is told in one line what to type", async () => {
  const repo = await setUp();
  const names = Array.from({ length: 6 }, (_, index) => `data/${index}.csv`);
  for (const name of names) repo.write(name, name);
  expect(repo.expver(["data", "add", ...names]).code).toBe(0);
  expect(repo.expver(["data", "remote", "add", "-d", "backup", "../store"]).code).toBe(0);
  expect(repo.expver(["data", "push"]).code).toBe(0);
  for (const path of [".dvc/cache/files", ...names]) rmSync(join(repo.root, path), { recursive: true });
  expect(about(await examine(repo), "lost-objects")).toEqual([
    expect.objectContaining({
      level: "warning",
      what: expect.stringMatching(/6 tracked outputs .* and 2 more$/),
      remedy: "expver data pull",
    }),
  ]);
  expect(repo.expver(["data", "pull"]).code).toBe(0);
  expect(about(await examine(repo), "lost-objects")).toEqual([]);
});
