/** Two clones that took one number: the one that publishes second gets another, with everything that says its name. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { readRun } from "../../src/results/runs.ts";
import { publish } from "../../src/workflows/publish.ts";
import { rowsOf, runRows } from "../run/story.ts";
import { peer } from "../support/peers.ts";
import { openTestRepository, type TestRepository } from "../support/repository.ts";
import { cloneOf, makeStudy, must, refsOf, runOnce, type Study } from "./story.ts";

const dvc = peer("dvc");

/** Both have made e0.1.0 of their own; the first has published his. */
function makeRace(): Study & { other: TestRepository } {
  const study = makeStudy();
  study.repo.git("push", "-q", "-u", "origin", "main");
  must(study.repo, ["data", "push"]);
  const other = cloneOf(study);
  must(other, ["data", "pull"]);
  expect(runOnce(study.repo, "-m", "his", "--param", "lr=0.1")).toBe("e0.1.0");
  expect(runOnce(other, "-m", "hers\n\nmore words", "--param", "lr=0.2")).toBe("e0.1.0");
  must(study.repo, ["publish"]);
  return { ...study, other };
}

function refuseAll(upstream: TestRepository): void {
  upstream.write("hooks/pre-receive", "#!/bin/sh\nexit 1\n");
  upstream.run("chmod", ["+x", join(upstream.root, "hooks/pre-receive")]);
}

function renumberingOf(repo: TestRepository): string {
  return must(repo, ["ops", "list"]).data.operations.find(
    ({ command, state }: Record<string, string>) => command === "renumber" && state === "done",
  ).id;
}

/** The version a stored database says a run has. */
function versionIn(repo: TestRepository, revision: string, run: string): string | null | undefined {
  const hash = /[0-9a-f]{32}/.exec(repo.git("show", `${revision}:results/experiments.db.dvc`))?.[0] ?? "";
  const db = openResults(join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2)), { immutable: true });
  try {
    return readRun(db, run)?.version;
  } finally {
    db.close();
  }
}

it("two commands that give one version another number: the second changes nothing, and takes back nothing", async () => {
  const { other } = makeRace();
  const [first, second] = [await publish.plan(other.context, {}), await publish.plan(other.context, {})];
  await publish.apply(other.context, first);
  const state = () => [other.git("for-each-ref"), other.git("status", "--porcelain"), rowsOf(other)];
  const before = state();
  await expect(publish.apply(other.context, second)).rejects.toMatchObject({ code: "E_PLAN_STALE" });
  expect(state()).toEqual(before);
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.2.0"]);
});

it("renumbers the second: rows, results commit and tag; the plan says so", () => {
  const { other, upstream, repo } = makeRace();
  const before = must(other, ["show", "e0.1.0"]).data;
  const run = String(runRows(other)[0]?.run_id);
  const plan = must(other, ["publish", "--dry-run"]).data;
  expect(plan.steps[0]).toMatchObject({ verb: "renumber", target: "e0.1.0", detail: expect.stringContaining("→ e0.2.0") });
  expect(plan.steps.some(({ verb }: { verb: string }) => verb === "stamp")).toBe(true);

  const { data, warnings } = must(other, ["publish"]);
  expect(data.versions).toEqual([{ version: "e0.2.0", state: "published", was: "e0.1.0" }]);
  expect(warnings[0]?.text).toContain("e0.1.0 was published by another clone first: yours is e0.2.0 now");
  expect(refsOf(upstream, "refs/tags")).toEqual(["refs/tags/e0.1.0", "refs/tags/e0.2.0"]);
  expect(upstream.git("rev-parse", "e0.1.0")).toBe(repo.git("rev-parse", "e0.1.0"));
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.2.0"]);
  expect(refsOf(other, "refs/expver/unpublished")).toEqual([]);

  expect(rowsOf(other).map(({ version }) => version)).toEqual(["e0.2.0"]);
  expect(runRows(other)[0]?.version).toBe("e0.2.0");
  expect(versionIn(other, "e0.2.0", run)).toBe("e0.2.0");
  const after = must(other, ["show", "e0.2.0"]).data;
  const same = ({ line, description, models, data: inputs, params, metrics }: Record<string, unknown>) => ({
    line,
    description,
    models,
    inputs,
    params,
    metrics,
  });
  expect(same(after)).toEqual(same(before));
  expect(other.git("diff", "--name-only", before.commit, "e0.2.0")).toBe("results/experiments.db.dvc");
  expect(other.git("for-each-ref", "--format=%(contents)", "refs/tags/e0.2.0")).toContain("more words");
});

it.skipIf(dvc === null)("the branch that ended at the old results commit ends at the new one, and nothing is left to commit", () => {
  const { other } = makeRace();
  const [snapshot, status] = [other.git("rev-parse", "HEAD^"), other.git("status", "--porcelain")];
  must(other, ["publish"]);
  expect(other.git("rev-parse", "HEAD")).toBe(other.git("rev-parse", "e0.2.0^{commit}"));
  expect(other.git("rev-parse", "HEAD^")).toBe(snapshot);
  expect(other.git("log", "-1", "--format=%s")).toMatch(/^e0\.2\.0: hers/);
  expect(other.git("status", "--porcelain")).toBe(status);
  expect(other.run(dvc ?? "", ["status"]).stdout).toContain("up to date");
});

it("what somebody has staged of the pointer, or written into it, stays, and is in no undo's way", () => {
  const { other, upstream } = makeRace();
  refuseAll(upstream);
  const file = "results/experiments.db.dvc";
  for (const text of ["# staged\n", "# written\n"]) {
    other.write(file, text + other.read(file));
    if (text === "# staged\n") other.git("add", file);
  }
  const ofUser = () => [other.git("show", `:${file}`), other.read(file)];
  const before = ofUser();
  expect(other.expverJson(["publish"]).code).toBe(4);
  expect(ofUser()).toEqual(before);
  expect(other.git("show", `e0.2.0:${file}`)).not.toContain("#");
  must(other, ["undo", renumberingOf(other)]);
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.1.0"]);
  expect(ofUser()).toEqual(before);
});

it("a branch that has gone on, or that a remote has already, stays where it is", () => {
  const { other } = makeRace();
  const later = other.commit("later work");
  must(other, ["publish"]);
  expect(other.git("rev-parse", "HEAD")).toBe(later);
  expect(other.git("rev-parse", "e0.2.0^")).toBe(other.git("rev-parse", "HEAD~2"));
});

it("what was published under the new number is whole for everybody else", () => {
  const { other, repo } = makeRace();
  must(other, ["publish"]);
  repo.git("fetch", "-q", "--tags");
  repo.git("checkout", "-q", "e0.2.0");
  must(repo, ["data", "pull", "--force"]);
  expect(JSON.parse(repo.read("models/model.json"))).toMatchObject({ lr: 0.2 });
});

it("rows of the other's version of that number, which are here already, keep it", () => {
  const { other, repo } = makeRace();
  const [his, hers] = [repo, other].map((one) => String(runRows(one)[0]?.run_id));
  must(other, ["merge", join(repo.root, "results/experiments.db")]);
  must(other, ["publish", "e0.1.0"]);
  const versions = Object.fromEntries(runRows(other).map(({ run_id, version }) => [run_id, version]));
  expect(versions).toEqual({ [his ?? ""]: "e0.1.0", [hers ?? ""]: "e0.2.0" });
  expect(
    rowsOf(other)
      .map(({ version }) => version)
      .sort(),
  ).toEqual(["e0.1.0", "e0.2.0"]);
});

it("the commit of another number says the same words, whatever encoding Git is told to show them in", () => {
  const { other } = makeRace();
  other.git("config", "i18n.logOutputEncoding", "ISO-8859-1");
  expect(runOnce(other, "-m", "été", "--param", "lr=0.3")).toBe("e0.2.0");
  other.git("push", "-q", "origin", "e0.1.0^{}:refs/tags/e0.2.0");
  must(other, ["publish", "e0.2.0"]);
  expect(other.git("log", "-1", "--encoding=UTF-8", "--format=%s", "e0.3.0")).toBe("e0.3.0: été");
});

it("goes on after a renumbering: the next run and its version", () => {
  const { other } = makeRace();
  must(other, ["publish"]);
  expect(runOnce(other, "--param", "lr=0.3")).toBe("e0.3.0");
  expect(rowsOf(other).map(({ version }) => version)).toEqual(["e0.2.0", "e0.3.0"]);
});

it("a rerun stays a rerun, and rows of the versions before keep theirs, in the working database and in the results commit", () => {
  const { repo, other } = makeRace();
  must(other, ["publish"]);
  const [before = ""] = runRows(other).map(({ run_id: run }) => String(run));
  for (const clone of [other, repo]) expect(runOnce(clone, "--patch", "-m", "again", "--param", "lr=0.3")).toBe("e0.2.1");
  must(repo, ["publish", "e0.2.1"]);
  const run = runRows(other)
    .map(({ run_id: one }) => String(one))
    .find((one) => one !== before) as string;
  expect(must(other, ["publish"]).data.versions).toEqual([{ version: "e0.2.2", state: "published", was: "e0.2.1" }]);
  expect([versionIn(other, "e0.2.2", before), versionIn(other, "e0.2.2", run)]).toEqual(["e0.2.0", "e0.2.2"]);
  expect(
    rowsOf(other)
      .map(({ version }) => version)
      .sort(),
  ).toEqual(["e0.2.0", "e0.2.2"]);
  expect(Object.fromEntries(runRows(other).map(({ run_id: one, version }) => [one, version]))).toEqual({
    [before]: "e0.2.0",
    [run]: "e0.2.2",
  });
  expect(must(other, ["runs", "show", run]).data).toMatchObject({ version: "e0.2.2" });
  // What is noted of it beside the database, too.
  rmSync(join(other.root, "results/experiments.db"));
  expect(must(other, ["runs", "show", run]).data).toMatchObject({ version: "e0.2.2" });
});

it("a renumbering that was not published can be undone, rows and all", () => {
  const { other, upstream } = makeRace();
  const tag = other.git("rev-parse", "e0.1.0");
  refuseAll(upstream);
  expect(other.expverJson(["publish"]).code).toBe(4);
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.2.0"]);
  must(other, ["undo", renumberingOf(other)]);
  expect(other.git("rev-parse", "e0.1.0")).toBe(tag);
  expect(other.git("rev-parse", "HEAD")).toBe(other.git("rev-parse", "e0.1.0^{commit}"));
  expect(other.git("status", "--porcelain")).toBe("");
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.1.0"]);
  expect(refsOf(other, "refs/expver/unpublished")).toEqual(["refs/expver/unpublished/e0.1.0"]);
  expect(rowsOf(other).map(({ version }) => version)).toEqual(["e0.1.0"]);
  expect(runRows(other)[0]?.version).toBe("e0.1.0");
});

it("publishing from another worktree than the run's: its rows there follow with sync", () => {
  const study = makeStudy();
  const { repo } = study;
  repo.git("push", "-q", "-u", "origin", "main");
  must(repo, ["data", "push"]);
  const other = cloneOf(study);
  must(other, ["data", "pull"]);
  repo.git("worktree", "add", "-q", "../side", "-b", "side");
  const side = openTestRepository(join(repo.root, "../side"), repo.context.env as Record<string, string>);
  must(side, ["data", "checkout"]);
  expect(runOnce(side, "--param", "lr=0.1")).toBe("e0.1.0");
  expect(runOnce(other, "--param", "lr=0.2")).toBe("e0.1.0");
  must(other, ["publish"]);

  expect(must(repo, ["publish"]).data.versions).toEqual([{ version: "e0.2.0", state: "published", was: "e0.1.0" }]);
  const run = String(runRows(side)[0]?.run_id);
  expect(versionIn(repo, "e0.2.0", run)).toBe("e0.2.0");
  expect(rowsOf(side)[0]?.version).toBe("e0.1.0");
  expect(must(side, ["sync"]).data.corrected).toEqual([{ run, from: "e0.1.0", to: "e0.2.0" }]);
  expect(rowsOf(side)[0]?.version).toBe("e0.2.0");
});

it("a version of HEAD, which no run stands behind, keeps its commit and gets a new name", () => {
  const { repo, upstream, ...study } = makeStudy();
  repo.git("push", "-q", "-u", "origin", "main");
  must(repo, ["data", "push"]);
  const other = cloneOf({ repo, upstream, ...study });
  must(repo, ["tag", "e0.1.0", "-d", "his"]);
  must(other, ["tag", "e0.1.0", "-d", "hers"]);
  must(repo, ["publish"]);
  const commit = other.git("rev-parse", "e0.1.0^{commit}");
  expect(must(other, ["publish"]).data.versions).toEqual([{ version: "e0.2.0", state: "published", was: "e0.1.0" }]);
  expect(other.git("rev-parse", "e0.2.0^{commit}")).toBe(commit);
  expect(other.git("for-each-ref", "--format=%(contents:subject)", "refs/tags")).toContain("hers");
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.2.0"]);
});

it("the number is taken in the very moment of the push: refused, and repeating renumbers", () => {
  const { other, upstream } = makeRace();
  const theirs = upstream.git("rev-parse", "e0.1.0");
  upstream.git("update-ref", "-d", "refs/tags/e0.1.0");
  // A pre-push hook runs after the remote was asked and before it is written.
  other.write(".git/hooks/pre-push", `#!/bin/sh\ngit --git-dir '${upstream.root}' update-ref refs/tags/e0.1.0 ${theirs}\n`);
  other.run("chmod", ["+x", ".git/hooks/pre-push"]);
  const { code, error } = other.expverJson(["publish"]);
  expect(upstream.git("rev-parse", "e0.1.0")).toBe(theirs);
  expect({ code, error }).toMatchObject({ code: 4, error: { hint: expect.stringContaining("expver publish e0.1.0") } });
  expect(must(other, ["publish", "e0.1.0"]).data.versions).toMatchObject([{ version: "e0.2.0", was: "e0.1.0" }]);
});

it("what was promoted under the number it had is known by the one it has, and never for the other clone's", () => {
  const { other } = makeRace();
  const run = String(runRows(other)[0]?.run_id);
  must(other, ["models", "promote", "e0.1.0"]);
  must(other, ["publish"]);
  must(other, ["sync"]);
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.1.0", "refs/tags/e0.2.0"]);
  expect(must(other, ["models", "history"]).data.entries).toMatchObject([{ version: "e0.2.0", run, how: "promoted" }]);
  expect(must(other, ["models", "info"]).data).toMatchObject({ promotion: { version: "e0.2.0", run }, is: [{ version: "e0.2.0" }] });
  expect(must(other, ["models", "demote", "--dry-run"]).data.demotes).toMatchObject({ version: "e0.2.0", run });
});

it.each([
  { his: 1, merge: "e0.2.0", was: "e0.3.0" },
  { his: 2, merge: "e0.4.0", was: "e0.3.0" },
])("what has merged it says its new number, also when it is $merge now; undo has the old ones", ({ his, merge, was }) => {
  const study = makeStudy();
  study.repo.git("push", "-q", "-u", "origin", "main");
  must(study.repo, ["data", "push"]);
  const other = cloneOf(study);
  must(other, ["data", "pull"]);
  const there = openTestRepository(String(must(other, ["worktree", "create", "side"]).data.root));
  expect(runOnce(there, "-m", "in the experiment", "--param", "lr=0.2")).toBe("e0.1.0");
  const gates = ["versions", "objects", "model", "ignored"];
  must(other, ["worktree", "finish", "side", "--results", "merge", "--data", "merge", "--models", "none", "--yes", "--force", ...gates]);
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.1.0", "refs/tags/e0.2.0"]);
  for (let number = 1; number <= his; number += 1) runOnce(study.repo, "-m", "his", "--param", `lr=0.${number}`);
  must(study.repo, ["publish"]);

  const refs = () => other.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/tags", "refs/expver/unpublished");
  const before = refs();
  refuseAll(study.upstream);
  expect(other.expverJson(["publish", "--dry-run"]).data.steps).toContainEqual(
    expect.objectContaining({ verb: "tag", target: "e0.2.0", detail: `it merged ${was}` }),
  );
  expect(other.expverJson(["publish"]).code).toBe(4);
  for (let number = 1; number <= his; number += 1) must(other, ["undo", renumberingOf(other)]);
  expect(refs()).toBe(before);

  rmSync(join(study.upstream.root, "hooks/pre-receive"));
  must(other, ["publish"]);
  must(other, ["sync"]);
  expect(must(other, ["lineage", merge]).data).toMatchObject({ kind: "merge", merged: [was], from: [{ version: was }] });
  expect(must(other, ["uses", "e0.1.0"]).data.uses).toEqual([]);
  expect(must(other, ["uses", was]).data.uses).toContainEqual(expect.objectContaining({ version: merge, role: "merged" }));
  expect(must(other, ["verify", merge]).data.versions).toMatchObject([{ state: "whole" }]);
});

it("a sweep whose version got another number is over, and does not become a second version", () => {
  const study = makeStudy();
  study.repo.git("push", "-q", "-u", "origin", "main");
  must(study.repo, ["data", "push"]);
  const other = cloneOf(study);
  must(other, ["data", "pull"]);
  runOnce(study.repo, "-m", "his", "--param", "lr=0.1");
  must(other, ["sweep", "--grid", "lr=0.2,0.3", "--", "node", "train.js"]);
  must(study.repo, ["publish"]);
  const number = () => must(other, ["sweep", "list"]).data.sweeps.map(({ state, version }: Record<string, string>) => [state, version]);
  expect(number()).toEqual([["over", "e0.1.0"]]);
  must(other, ["publish"]);
  expect(number()).toEqual([["over", "e0.2.0"]]);
  expect(other.expverJson(["sweep", "--resume"])).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
  expect(refsOf(other, "refs/tags")).toEqual(["refs/tags/e0.2.0"]);
});
