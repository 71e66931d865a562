/** `expver sync`: what others have published, without touching anything of one's own. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { compareTags, tagsHere } from "../../src/workflows/sync/tags.ts";
import { rowsOf, runRows } from "../run/story.ts";
import { openTestRepository, type TestRepository } from "../support/repository.ts";
import { cloneOf, makeStudy, must, objectsIn, refsOf, runOnce, type Study } from "./story.ts";

/** A clone made before the first version was published. */
function makePair(): Study & { other: TestRepository } {
  const study = makeStudy();
  study.repo.git("push", "-q", "-u", "origin", "main");
  must(study.repo, ["data", "push"]);
  return { ...study, other: cloneOf(study) };
}

const cached = (repo: TestRepository) => objectsIn(join(repo.root, ".dvc/cache"));

it("names the other remote where bytes of an older version may be", () => {
  const { repo } = makeStudy();
  const first = runOnce(repo);
  must(repo, ["publish"]);
  mkdirSync(join(repo.root, "../second"));
  must(repo, ["data", "remote", "add", "-f", "-d", "second", "../second"]);
  repo.commit("another remote", { "train.js": `${repo.read("train.js")}// other\n` });
  runOnce(repo, "-m", "later");
  must(repo, ["publish", "e0.2.0"]);
  rmSync(join(repo.root, ".dvc/cache/files"), { recursive: true });
  rmSync(join(repo.root, "../second"), { recursive: true });
  mkdirSync(join(repo.root, "../second"));
  const { stderr } = repo.expver(["sync", first]);
  expect(stderr).toContain("neither in the cache nor on second");
  expect(stderr).toContain("Another remote may have them: expver sync --remote storage.");
  expect(repo.expver(["verify", "--quick", first]).stdout.replace(/\s+/g, " ")).toContain(
    "nor on second (not asked: storage; --remote storage)",
  );
  expect(repo.expver(["doctor"]).stdout.replace(/\s+/g, " ")).toContain("and on storage (--remote storage)");
  expect(repo.expver(["verify", "--quick", "--remote", "storage", first]).code).toBe(0);
});

it("a bare repository has the data remote that HEAD names: it verifies, gets and syncs", () => {
  const { repo, upstream } = makeStudy();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  upstream.git("symbolic-ref", "HEAD", "refs/heads/main");
  const { stdout, code } = upstream.expver(["verify", "--quick"]);
  expect({ stdout, code }).toMatchObject({ code: 0, stdout: expect.not.stringContaining("missing") });
  must(upstream, ["get", version, "data.csv", "-o", join(upstream.root, "../got.csv")]);
  expect(repo.read("../got.csv")).toBe("x,y\n1,2\n");
  must(upstream, ["sync"]);
  expect(upstream.expver(["verify"]).stdout).toMatch(/whole/);
});

it("a bare `.git` with worktrees beside it: what they store is published, verified and had from the folder around it", () => {
  const { repo, upstream, storage } = makeStudy();
  repo.git("push", "-q", "-u", "origin", "main");
  must(repo, ["data", "push"]);
  const root = join(upstream.root, "../hub");
  upstream.git("clone", "-q", "--bare", "-b", "main", upstream.root, join(root, ".git"));
  upstream.git("-C", root, "worktree", "add", "-q", "one", "main");
  upstream.git("-C", root, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
  // A relative place, seen from each.
  repo.run("ln", ["-s", storage, join(root, "storage")]);
  const hub = openTestRepository(root, repo.context.env as Record<string, string>);
  const one = openTestRepository(join(root, "one"), repo.context.env as Record<string, string>);
  must(one, ["data", "pull"]);
  const version = runOnce(one);
  must(hub, ["publish", version]);
  must(hub, ["verify"]);
  must(hub, ["get", version, "data.csv", "-o", "got.csv"]);
  expect(hub.read("got.csv")).toBe("x,y\n1,2\n");
  expect(hub.expverJson(["list"]).data.versions).toMatchObject([{ version }]);
});

it.each([
  ["a pointer file of another name", (repo: TestRepository, text: string) => repo.write("results/all.dvc", `# of all\n${text}`)],
  [
    "a stage",
    (repo: TestRepository, text: string) => {
      const [, md5, size] = /md5: (\w+)\n {2}size: (\d+)/.exec(text) ?? [];
      const out = "results/experiments.db";
      repo.write("dvc.yaml", `stages:\n  train:\n    cmd: node train.js\n    outs:\n    - ${out}: { persist: true }\n`);
      const entry = `    - path: ${out}\n      hash: md5\n      md5: ${md5}\n      size: ${size}\n`;
      repo.write("dvc.lock", `schema: '2.0'\nstages:\n  train:\n    cmd: node train.js\n    outs:\n${entry}`);
    },
  ],
])("finds results databases that belong to %s", (_, track) => {
  const { repo, other } = makePair();
  runOnce(repo, "--param", "lr=0.1");
  const text = repo.read("results/experiments.db.dvc");
  repo.git("rm", "-q", "--cached", "results/experiments.db.dvc");
  rmSync(join(repo.root, "results/experiments.db.dvc"));
  track(repo, text);
  repo.commit("pointed to from elsewhere");
  runOnce(repo, "--param", "lr=0.2");
  expect(repo.git("ls-tree", "-r", "--name-only", "e0.2.0")).not.toContain("results/experiments.db.dvc");
  must(repo, ["publish"]);
  expect(must(other, ["sync"]).data).toMatchObject({ fetched: ["e0.1.0", "e0.2.0"], objects: { objects: 2, missing: [] } });
  expect(must(other, ["show", "e0.2.0"]).data.runs.runs).toMatchObject([{ status: "finished" }]);
});

it("brings tags and results databases; data only of versions that are named", () => {
  const { repo, other } = makePair();
  runOnce(repo, "--param", "lr=0.1");
  runOnce(repo, "--param", "lr=0.2");
  must(repo, ["publish"]);
  const state = () => [other.git("status", "--porcelain"), other.git("rev-parse", "HEAD"), other.git("branch")];
  const before = state();

  const plan = must(other, ["sync", "--dry-run"]).data;
  expect(plan.steps.map(({ target }: { target: string }) => target)).toEqual([
    "tag e0.1.0",
    "tag e0.2.0",
    "branch origin/main",
    "results databases",
  ]);
  expect(refsOf(other, "refs/tags")).toEqual([]);

  expect(must(other, ["sync"]).data).toMatchObject({
    remote: "origin",
    fetched: ["e0.1.0", "e0.2.0"],
    branches: ["origin/main"],
    objects: { objects: 2, remotes: ["storage"] },
  });
  expect(other.git("rev-parse", "e0.2.0")).toBe(repo.git("rev-parse", "e0.2.0"));
  expect(must(other, ["show", "e0.1.0"]).data.runs.runs).toMatchObject([{ status: "finished" }]);
  expect(cached(other)).toHaveLength(2);
  expect(refsOf(other, "refs/expver/unpublished")).toEqual([]);

  expect(must(other, ["sync", "0.1.0"]).data).toMatchObject({ fetched: [], objects: { objects: 5 } });
  expect(must(other, ["sync", "--data"]).data).toMatchObject({ objects: { objects: 1 } });
  expect(must(other, ["sync", "--data"]).data).toMatchObject({ objects: { objects: 0 } });
  expect(cached(other).sort()).toEqual(cached(repo).sort());
  expect(other.expver(["sync"]).stdout).toContain("nothing new on origin");
  expect(state()).toEqual(before);
});

it("versions it brings are on the branches they were published from", () => {
  const { repo, other, upstream } = makePair();
  runOnce(repo, "--param", "lr=0.1");
  repo.git("switch", "-q", "-c", "exp/wide");
  runOnce(repo, "--param", "lr=0.2");
  must(repo, ["publish"]);
  const isOnBranch = () => must(other, ["list"]).data.versions.map(({ onBranch }: { onBranch: boolean }) => onBranch);
  const branches = () => must(other, ["sync"]).data.branches;
  const own = other.git("rev-parse", "main");
  expect(branches()).toEqual(["origin/exp/wide"]);
  expect(isOnBranch()).toEqual([true, true]);
  expect([branches(), other.git("rev-parse", "main")]).toEqual([[], own]);

  // Rules as people write them; none of them may move a branch that is yours.
  other.git("update-ref", "-d", "refs/remotes/origin/exp/wide");
  const rules = (...lines: string[]) => {
    other.git("config", "--unset-all", "remote.origin.fetch");
    for (const line of lines) other.git("config", "--add", "remote.origin.fetch", line);
  };
  // Of the one that is checked out Git itself would not let go, nor then of any other.
  other.git("branch", "-q", "exp/wide", own);
  for (const rule of ["+refs/heads/*:refs/heads/*", "+refs/heads/exp/*:refs/heads/exp/*"]) {
    rules(rule);
    expect([branches(), other.git("rev-parse", "main"), other.git("rev-parse", "exp/wide")]).toEqual([[], own, own]);
  }
  rules("+refs/heads/*:refs/remotes/origin/*", "^refs/heads/exp/*");
  expect(branches()).toEqual([]);
  rules("+refs/heads/main:refs/remotes/origin/main", "+refs/heads/exp/*:refs/remotes/theirs/*/x");
  expect(branches()).toEqual(["theirs/wide/x"]);
  expect(isOnBranch()).toEqual([true, true]);

  // Git cannot note it: the tags come all the same.
  repo.git("switch", "-q", "main");
  const version = runOnce(repo, "--param", "lr=0.3");
  must(repo, ["publish"]);
  upstream.git("branch", "-q", "-D", "exp/wide");
  upstream.git("update-ref", "refs/heads/exp", `${version}^{commit}`);
  rules("+refs/heads/*:refs/remotes/origin/*");
  other.git("update-ref", "refs/remotes/origin/exp/wide", own);
  const { code, stderr } = other.expver(["sync"]);
  expect(stderr).toContain("git fetch --prune origin");
  expect([code, refsOf(other, "refs/tags").includes(`refs/tags/${version}`)]).toEqual([0, true]);
});

it("data of a version that is only on the remote so far, in one command", () => {
  const { repo, other } = makePair();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  expect(must(other, ["sync", version]).data).toMatchObject({ fetched: [version], objects: { objects: 6 } });
  expect(other.expverJson(["sync", "e9.9.9"])).toMatchObject({
    code: 1,
    error: { code: "E_NOT_FOUND", message: expect.stringContaining("neither here nor on the remote") },
  });
});

it("new tags come in the order of their numbers; what one remote has is there for the next", () => {
  const project = { config: { versions: { prefix: "e" } } } as never;
  const here = tagsHere([]);
  const refs = new Map(["e0.10.0", "e0.2.0", "v1", "e0.9.0-beta"].map((name) => [`refs/tags/${name}`, `object of ${name}`]));
  const names = ({ fresh }: ReturnType<typeof compareTags>) => fresh.map(({ name }) => name);
  expect(names(compareTags(project, here, refs))).toEqual(["e0.2.0", "e0.10.0"]);
  const next = compareTags(project, here, new Map([...refs, ["refs/tags/e0.10.0", "another"]]));
  expect([names(next), next.differing.map(({ version }) => version)]).toEqual([[], ["e0.10.0"]]);
});

it("marks as published what was pushed by hand", () => {
  const { repo } = makePair();
  const version = runOnce(repo);
  repo.git("push", "-q", "origin", "main", version);
  expect(repo.expver(["list"]).stdout).toContain("not published");
  must(repo, ["sync"]);
  expect(repo.expver(["list"]).stdout).not.toContain("not published");
});

it("never replaces a tag: names both and what to type; publishing and repeating brings the other one", () => {
  const { repo, other } = makePair();
  must(other, ["data", "pull"]);
  runOnce(repo, "--param", "lr=0.1");
  runOnce(other, "--param", "lr=0.2");
  must(repo, ["publish"]);
  const [mine, theirs] = [other.git("rev-parse", "e0.1.0"), repo.git("rev-parse", "e0.1.0")];
  const { data, warnings } = must(other, ["sync"]);
  expect(data.differing).toEqual([{ version: "e0.1.0", here: mine, there: theirs }]);
  expect(warnings[0]).toMatchObject({
    text: expect.stringContaining(mine.slice(0, 12)),
    hint: expect.stringContaining("expver publish e0.1.0"),
  });
  expect(warnings[0]?.text).toContain(theirs.slice(0, 12));
  expect(other.git("rev-parse", "e0.1.0")).toBe(mine);

  must(other, ["publish", "e0.1.0"]);
  expect(must(other, ["sync"]).data.fetched).toEqual(["e0.1.0"]);
  expect(other.git("rev-parse", "e0.1.0")).toBe(theirs);
  expect(
    must(other, ["list"])
      .data.versions.map(({ version }: { version: string }) => version)
      .sort(),
  ).toEqual(["e0.1.0", "e0.2.0"]);
});

it("prunes nothing, whatever fetch.prune says", () => {
  const { repo, other } = makePair();
  must(other, ["data", "pull"]);
  runOnce(other, "--version", "e7.0.0");
  runOnce(repo);
  must(repo, ["publish"]);
  for (const key of ["fetch.prune", "fetch.pruneTags"]) other.git("config", key, "true");
  must(other, ["sync"]);
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.1.0", "refs/tags/e7.0.0"]);
});

it("corrects rows whose version is not what the tag of their run says, and undo takes that back", () => {
  const { repo } = makePair();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  const db = openResults(join(repo.root, "results/experiments.db"));
  for (const table of ["default", "expver_runs"]) db.run(`UPDATE "${table}" SET version = 'e9.0.0'`);
  db.close();
  const run = runRows(repo)[0]?.run_id;
  expect(must(repo, ["sync", "--dry-run"]).data.steps.at(-1)).toMatchObject({ verb: "stamp", detail: `e9.0.0 → ${version}` });
  expect(must(repo, ["sync"]).data.corrected).toEqual([{ run, from: "e9.0.0", to: version }]);
  expect(rowsOf(repo)[0]?.version).toBe(version);
  must(repo, ["undo"]);
  expect([rowsOf(repo)[0]?.version, runRows(repo)[0]?.version]).toEqual(["e9.0.0", "e9.0.0"]);
});

it("leaves rows alone of a run that goes on, that say a tag that names no runs, and that two tags claim", () => {
  const { repo } = makePair();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  const correctedOf = (record: string) => {
    const db = openResults(join(repo.root, "results/experiments.db"));
    db.run(`UPDATE expver_runs SET ${record}`);
    db.close();
    return must(repo, ["sync", "--dry-run"]).data.steps.filter(({ verb }: { verb: string }) => verb === "stamp").length;
  };
  expect(correctedOf("version = 'e9.0.0'")).toBe(1);
  expect(correctedOf("status = 'running'")).toBe(0);
  repo.git("tag", "e8.0.0");
  expect(correctedOf("status = 'finished', version = 'e8.0.0'")).toBe(0);
  repo.git("tag", "-f", "-a", "e8.0.0", "-m", repo.git("for-each-ref", "--format=%(contents)", `refs/tags/${version}`), version);
  expect(correctedOf("version = 'e9.0.0'")).toBe(0);
});

it("takes a run's version from tags of runs only: a merge, or a tag made by hand, may name runs that have one of their own", () => {
  const { repo } = makePair();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  const run = runRows(repo)[0]?.run_id;
  const message = repo.git("for-each-ref", "--format=%(contents)", `refs/tags/${version}`);
  for (const kind of ["merge", "manual"]) {
    repo.git("tag", "-f", "-a", "e7.0.0", "-m", message.replace(/^Kind: run$/m, `Kind: ${kind}`), version);
    expect(repo.git("for-each-ref", "--format=%(contents)", "refs/tags/e7.0.0")).toContain(`Kind: ${kind}`);
    const say = (said: string | null) => {
      const db = openResults(join(repo.root, "results/experiments.db"));
      for (const table of ["default", "expver_runs"]) db.run(`UPDATE "${table}" SET version = ?`, [said]);
      db.close();
    };
    say(version);
    expect(must(repo, ["sync"]).data.corrected).toEqual([]);
    say(null);
    expect(must(repo, ["sync"]).data.corrected).toEqual([{ run, from: null, to: version }]);
    repo.git("tag", "-d", version);
    say(null);
    expect(must(repo, ["sync", "--dry-run"]).data.steps.filter(({ verb }: { verb: string }) => verb === "stamp")).toEqual([]);
    repo.git("fetch", "-q", "origin", "tag", version);
  }
  repo.git("tag", "-d", "e7.0.0");
  repo.git("tag", "-f", "-a", version, "-m", message.replace(/^Kind: run$/m, "Kind: sweep"), `${version}^{commit}`);
  expect(must(repo, ["sync"]).data.corrected).toEqual([{ run, from: null, to: version }]);
});

it("of a fork the versions of its original come too, and no run takes a number that is taken there", () => {
  const study = makePair();
  const { repo, upstream } = study;
  const first = runOnce(repo, "--param", "lr=0.1");
  must(repo, ["publish"]);
  repo.git("clone", "-q", "--bare", "../up.git", "../fork.git");
  repo.git("-C", "../fork.git", "tag", "-d", first);
  const mine = cloneOf({ ...study, upstream: openTestRepository(join(repo.root, "../fork.git")) });
  mine.git("config", "remote.pushDefault", "origin");
  mine.git("remote", "add", "upstream", upstream.root);
  expect(must(mine, ["sync"]).data).toMatchObject({
    remote: "origin",
    remotes: ["origin", "upstream"],
    fetched: [first],
    branches: ["upstream/main"],
    objects: { objects: 1 },
  });
  must(mine, ["undo"]);
  expect(refsOf(mine, "refs/tags")).toEqual([]);
  expect(must(mine, ["run", "--param", "lr=0.2", "--dry-run", "--", "node", "train.js"]).data.steps).toContainEqual(
    expect.objectContaining({ verb: "tag", target: "e0.2.0" }),
  );

  // A fork that was added later.
  mine.git("remote", "rename", "origin", "mine");
  mine.git("remote", "rename", "upstream", "origin");
  mine.git("config", "remote.pushDefault", "mine");
  mine.git("switch", "-q", "-c", "exp/other", "--no-track");
  expect(must(mine, ["sync", "--dry-run"]).data.steps[0]).toMatchObject({ target: `tag ${first}`, detail: "from origin" });
  mine.git("switch", "-q", "main");
  mine.git("remote", "rename", "origin", "upstream");
  mine.git("remote", "rename", "mine", "origin");
  mine.git("config", "remote.pushDefault", "origin");

  // Its own name for it: what `git pull` takes from.
  mine.git("remote", "rename", "upstream", "team");
  expect(must(mine, ["sync"]).data.remotes).toEqual(["origin"]);
  mine.git("config", "branch.main.remote", "team");
  expect(must(mine, ["sync"]).data).toMatchObject({ remotes: ["origin", "team"], fetched: [first] });

  // Published in the fork, so publishing would give it no other number.
  const version = runOnce(repo, "--param", "lr=0.2");
  mine.git("tag", "-a", version, "-m", "another");
  must(repo, ["publish"]);
  const { data, warnings } = must(mine, ["sync"]);
  expect([data.differing.length, warnings[0]?.hint]).toEqual([1, expect.stringContaining(`git fetch --force team tag ${version}`)]);
  const own = runOnce(mine, "--param", "lr=0.3", "--version", "e0.9.0");
  const run = /^Run: (\S+)/m.exec(mine.git("cat-file", "tag", own))?.[1];
  repo.git("tag", "-a", own, "-m", "another");
  repo.git("push", "-q", "origin", own);
  const both = `git fetch --force team tag ${own} && expver tag --run ${run}`;
  expect(must(mine, ["sync"]).warnings.map(({ hint }) => hint)).toContainEqual(expect.stringContaining(both));

  repo.git("push", "-q", "origin", "main:wide");
  mine.git("fetch", "-q", "team");
  expect(must(mine, ["merge", "wide", "--dry-run"]).data.steps).toContainEqual(expect.objectContaining({ target: "wide default" }));

  upstream.run("mv", [upstream.root, `${upstream.root}.gone`]);
  const alone = must(mine, ["sync"]);
  expect([alone.data.remotes, alone.warnings[0]?.text]).toEqual([["origin"], expect.stringContaining("nothing was fetched from team")]);
});

it("undo takes fetched tags away again", () => {
  const { repo, other } = makePair();
  runOnce(repo);
  must(repo, ["publish"]);
  must(other, ["sync"]);
  must(other, ["undo"]);
  expect(refsOf(other, "refs/tags")).toEqual([]);
});

it("bytes that are nowhere are told of; without a data remote the tags come all the same", () => {
  const { repo, other, storage } = makePair();
  const version = runOnce(repo);
  must(repo, ["publish"]);
  rmSync(join(storage, "files"), { recursive: true });
  const { data, warnings } = must(other, ["sync", version]);
  expect(data).toMatchObject({ fetched: [version], objects: { objects: 0 } });
  expect(data.objects.missing).toContain("data.csv");
  expect(warnings[0]?.hint).toContain("expver publish");

  must(other, ["data", "remote", "remove", "storage"]);
  expect(must(other, ["sync"]).warnings).toMatchObject([{ text: expect.stringContaining("results databases were not fetched") }]);
  expect(other.expverJson(["sync", version])).toMatchObject({ code: 1, error: { code: "E_REMOTE" } });
});
