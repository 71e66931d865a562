import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openProject, type Place } from "../../src/config/project.ts";
import { readIndexEntries } from "../../src/git/index-file.ts";
import { readUnmerged } from "../../src/git/unmerged.ts";
import type { RowHooks } from "../../src/journal/effects/kind.ts";
import { beginOperation, eachOperation, endOperation, readOperation } from "../../src/journal/operations.ts";
import { recover } from "../../src/journal/recover.ts";
import { lookingAt, takeBack, takingBack } from "../../src/journal/take-back.ts";
import { applyingUndo, operationToUndo, type PlannedUndo, planningUndo, type UndoPlan } from "../../src/journal/undo.ts";
import { temporaryBeside } from "../../src/platform/files.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";
import { makeStory } from "./story.ts";

function planUndo(project: Place, id?: string, rows?: RowHooks): UndoPlan {
  return finishWork(planningUndo(project, operationToUndo(project, id), rows));
}

function applyUndo(
  project: Parameters<typeof applyingUndo>[0],
  context: Parameters<typeof applyingUndo>[1],
  { plan: { operation, standing }, rows }: { plan: UndoPlan; rows: NonNullable<PlannedUndo["rows"]> },
): string {
  return finishWork(applyingUndo(project, context, { operation, standing: standing.length, rows }));
}

const play = () => {
  const story = makeStory();
  const before = story.state();
  const operation = beginOperation(story.project, story.repo.context, { command: "run", argv: [], summary: "first" });
  for (const { effect, change } of story.steps) {
    operation.record(effect);
    change();
  }
  operation.finish();
  return { ...story, before, id: operation.id, context: story.repo.context };
};

test("undo brings back every kind of effect and says what stays elsewhere", () => {
  const { repo, project, context, rows, state, before, id } = play();
  const tagged = repo.git("rev-parse", "e0.1.0");
  const plan = planUndo(project, undefined, rows);
  expect(plan.operation.id).toBe(id);
  expect(plan.beyond.map(({ target }) => target)).toEqual(["origin: pushed e9.9.9"]);
  const undo = applyUndo(project, context, { plan, rows });
  expect(repo.git("rev-parse", `refs/expver/backup/${id}/tags/e0.1.0`)).toBe(tagged);
  for (const name of ["heads/main", "tags/e0.1.0"]) repo.git("update-ref", "-d", `refs/expver/backup/${id}/${name}`);
  expect(state()).toEqual(before);
  expect(readOperation(project, id)).toMatchObject({ state: "undone", outcome: `by ${undo}` });
  expect(readOperation(project, undo)).toMatchObject({ state: "done", command: "undo" });
});

describe("undo is refused, naming the blocker, when one thing has changed since", () => {
  type Played = ReturnType<typeof play>;
  const meddling: [string, (played: Played) => unknown, RegExp][] = [
    ["a changed file", ({ repo }) => repo.write("change.txt", "mine"), /change\.txt \(changed\)/],
    ["a new file where one was removed", ({ repo }) => repo.write("gone.txt", "mine"), /gone\.txt \(changed\)/],
    [
      "a pointer that was removed",
      ({ repo }) => repo.run("rm", ["new folder/x.dvc"]) && repo.write("new folder/x.dvc", "x"),
      /x\.dvc \(changed\)/,
    ],
    ["a branch that moved on", ({ repo }) => repo.git("commit", "-q", "--allow-empty", "-m", "later"), /refs\/heads\/main/],
    ["a tag that moved", ({ repo }) => repo.git("tag", "-f", "e0.1.0", "HEAD~1"), /refs\/tags\/e0\.1\.0/],
    [
      "a file staged differently",
      ({ repo }) => repo.write("new folder/x.dvc", "outs:\n") ?? repo.git("update-index", "--chmod=+x", "new folder/x.dvc"),
      /staged differently/,
    ],
    ["rows that changed", ({ repo }) => repo.write(".git/rows", "edited"), /rows of quiet-otter-0412 \(rows changed\)/],
    ["bytes where trash would go", ({ repo }) => repo.write("data.bin", "mine"), /data\.bin \(something else/],
    [
      "a tag published since",
      ({ project, context }) => {
        const publish = beginOperation(project, context, { command: "publish", argv: [], summary: "" });
        publish.record({ kind: "remote", remote: "origin", detail: "e0.1.0", ref: "refs/tags/e0.1.0" });
        publish.finish();
      },
      /e0\.1\.0 \(published to origin\)/,
    ],
    [
      "a tag published since, as it was recorded once",
      ({ project, context }) => {
        const publish = beginOperation(project, context, { command: "publish", argv: [], summary: "" });
        publish.record({ kind: "remote", remote: "origin", detail: "e0.1.0" });
        publish.finish();
      },
      /e0\.1\.0 \(published to origin\)/,
    ],
  ];
  test.each(meddling)("%s", (_, meddle, message) => {
    const played = play();
    meddle(played);
    const after = played.state();
    expect(() => planUndo(played.project, played.id, played.rows)).toThrow(
      expect.objectContaining({ code: "E_UNDO", kind: "refused", message: expect.stringMatching(message) }),
    );
    expect(played.state()).toEqual(after);
  });
});

test("a change between plan and apply stops it before anything is taken back", () => {
  const { repo, project, context, rows, state } = play();
  const plan = planUndo(project, undefined, rows);
  repo.write("change.txt", "mine");
  const after = state();
  expect(() => applyUndo(project, context, { plan, rows })).toThrow(expect.objectContaining({ code: "E_UNDO" }));
  expect(state()).toEqual(after);
});

test("so does a part that somebody has taken back by hand meanwhile: the plan showed it", () => {
  const { repo, project, context, rows, state } = play();
  const plan = planUndo(project, undefined, rows);
  repo.write("change.txt", "old\n");
  const after = state();
  expect(() => applyUndo(project, context, { plan, rows })).toThrow(expect.objectContaining({ code: "E_PLAN_STALE" }));
  expect(state()).toEqual(after);
});

test("a tag that is known not to have got there is no published one", () => {
  const { project, context, rows, id } = play();
  const publish = beginOperation(project, context, { command: "publish", argv: [], summary: "" });
  publish.record({ kind: "remote", remote: "origin", detail: "e0.1.0", ref: "refs/tags/e0.1.0" });
  publish.note("notPublished", ["e0.1.0"]);
  publish.finish();
  expect(planUndo(project, id, rows).operation.id).toBe(id);
});

test("an index that was set half-way is taken back", () => {
  const { repo, project, context } = play();
  const object = repo.git("hash-object", "-w", "change.txt");
  const entries = ["a", "b"].map((path) => ({ path, before: null, after: { mode: "100644", object } }));
  const staged = () => repo.git("ls-files", "-s", "--", "a", "b");
  const operation = beginOperation(project, context, { command: "run", argv: [], summary: "" });
  operation.record({ kind: "index", entries });
  repo.git("update-index", "--add", "--cacheinfo", `100644,${object},a`);
  expect(staged()).not.toBe("");
  operation.finish();
  takeBack(project, [{ kind: "index", entries }]);
  expect(staged()).toBe("");
});

test("a conflict that was staged is not put into the next merge", () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  repo.commit("base", { x: "0\n", y: "0\n" });
  for (const [branch, path] of ["x", "y"].map((one) => [`of-${one}`, one])) {
    repo.git("switch", "-q", "-c", String(branch), "main");
    repo.commit("theirs", { [String(path)]: "2\n" });
  }
  repo.git("switch", "-q", "main");
  const head = repo.commit("ours", { x: "1\n", y: "1\n" });
  const { repository } = project;
  if (repository === null) throw new Error("no repository");
  const mergeConflicting = (branch: string) => expect(repo.run("git", ["merge", "-q", branch]).code).toBe(1);
  mergeConflicting("of-x");
  const [{ path: _, ...before }] = readUnmerged(repository) as [ReturnType<typeof readUnmerged>[number]];
  repo.git("add", "x");
  const after = readIndexEntries(repository, ["x"]).get("x") ?? null;
  const look = () => finishWork(lookingAt(project, [{ kind: "unmerged", head, paths: [{ path: "x", before, after }] }]));
  expect(look()).toMatchObject([{ state: "after" }]);
  repo.git("commit", "-qm", "merged");
  mergeConflicting("of-y");
  expect(look()).toMatchObject([{ state: "other", now: "the merge it belongs to has ended" }]);
});

test("a tag of this name that was published before is another one", () => {
  const { repo, project, context } = play();
  const tag = { kind: "ref", ref: "refs/tags/e7", before: null, after: repo.git("rev-parse", "HEAD") } as const;
  const publish = beginOperation(project, context, { command: "publish", argv: [], summary: "" });
  publish.record({ kind: "remote", remote: "origin", detail: "e7", ref: tag.ref });
  publish.finish();
  const again = beginOperation(project, context, { command: "tag", argv: [], summary: "" });
  again.record(tag);
  repo.git("tag", "e7");
  again.finish();
  expect(planUndo(project, again.id).standing.length).toBe(1);
});

test("what cannot be undone: nothing, twice, an undo, a running one, another worktree's, what was repaired, what another command takes back", () => {
  const { repo, project, context, rows, id } = play();
  const linked = join(makeFolder(), "linked");
  repo.git("worktree", "add", "-q", "--detach", linked);
  const there = openProject({ ...context, cwd: linked });
  expect(() => planUndo(there, id, rows)).toThrow(/it ran in/);
  expect(() => planUndo(there)).toThrow(expect.objectContaining({ code: "E_NOT_FOUND" }));
  const open = beginOperation(project, context, { command: "run", argv: [], summary: "" });
  expect(() => planUndo(project, open.id)).toThrow(expect.objectContaining({ code: "E_BUSY" }));
  const undo = applyUndo(project, context, { plan: planUndo(project, id, rows), rows });
  expect(() => planUndo(project, id, rows)).toThrow(/undone already/);
  expect(() => planUndo(project, undo, rows)).toThrow(/an undo itself/);
  expect(() => planUndo(project)).toThrow(/no operation to undo/);
  endOperation(project, context, { id: open.id, state: "recovered", outcome: "" });
  expect(() => planUndo(project, open.id)).toThrow(/killed and has been repaired/);
  const other = beginOperation(project, context, {
    command: "cleanup",
    argv: [],
    summary: "",
    notes: { undoneBy: "expver checkout e0.1.0" },
  });
  other.finish();
  expect(() => planUndo(project, other.id)).toThrow(expect.objectContaining({ code: "E_UNDO", hint: "expver checkout e0.1.0" }));
});

test.each([0, 1])("a killed undo is finished by the next writing command (%i effects back)", async (done) => {
  const { repo, project, context, rows, state, before, id, steps } = play();
  // What it was writing goes too: a folder that holds it would stay.
  writeFileSync(temporaryBeside(join(repo.root, "new folder/x.dvc")), "ou");
  beginOperation(project, context, { command: "undo", argv: [], summary: "", notes: { undoes: id }, owner: deadIdentity() });
  finishWork(
    takingBack(
      project,
      steps.slice(0, done === 0 ? 0 : 4).map(({ effect }) => effect),
      rows,
    ),
  );
  await recover(project, context, { rows });
  expect(state()).toEqual(before);
  expect(existsSync(join(repo.root, "new folder"))).toBe(false);
  expect([...eachOperation(project)].map((one) => one.state)).toEqual(["undone", "recovered"]);
});

test("a failed operation that left something can be undone", () => {
  const { project, context, rows, state, before, id } = play();
  endOperation(project, context, { id, state: "failed", outcome: "no space" });
  applyUndo(project, context, { plan: planUndo(project, id, rows), rows });
  expect(state()).toMatchObject({ ...before, refs: expect.stringContaining("refs/heads/main") });
});

test.each(["an undo", "a killed undo"])("%s leaves the backup that the operation has made", async (how) => {
  const { repo, project, rows } = makeStory();
  const { context } = repo;
  const commit = repo.git("rev-parse", "HEAD");
  const operation = beginOperation(project, context, { command: "merge", argv: [], summary: "" });
  const backup = `refs/expver/backup/${operation.id}/results`;
  for (const ref of [backup, "refs/tags/e7"]) {
    operation.record({ kind: "ref", ref, before: null, after: commit });
    repo.git("update-ref", ref, commit);
  }
  operation.finish();
  const { id } = operation;
  if (how === "an undo") applyUndo(project, context, { plan: planUndo(project, id, rows), rows });
  else {
    beginOperation(project, context, { command: "undo", argv: [], summary: "", notes: { undoes: id }, owner: deadIdentity() });
    await recover(project, context, { rows });
  }
  expect(readOperation(project, id).state).toBe("undone");
  expect(repo.git("for-each-ref", "--format=%(refname)", "refs/tags/e7")).toBe("");
  expect(repo.git("rev-parse", backup)).toBe(commit);
});
