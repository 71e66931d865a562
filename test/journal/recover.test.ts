import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { beginOperation, nameEnded, openOperations, operationsDir, readOperation } from "../../src/journal/operations.ts";
import { brokenOperations, recover } from "../../src/journal/recover.ts";
import { temporaryBeside } from "../../src/platform/files.ts";
import { identityOf } from "../../src/platform/processes.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";
import { makeStory } from "./story.ts";

const start = { command: "run", argv: ["run"], summary: "" };

describe("killed between any two effects, the next writing command brings everything back", () => {
  const count = makeStory().steps.length;
  const cuts = Array.from({ length: count + 1 }, (_, made) => [made, made] as const);
  const recordedOnly = Array.from({ length: count }, (_, made) => [made + 1, made] as const);
  test.each([...cuts, ...recordedOnly])("%i recorded, %i made", async (recorded, made) => {
    const { repo, project, steps, rows, state } = makeStory();
    const before = state();
    const { id, record } = beginOperation(project, repo.context, { ...start, owner: deadIdentity() });
    for (const [index, { effect, change }] of steps.entries()) {
      if (index < recorded) record(effect);
      if (index < made) change();
    }
    const [recovered] = await recover(project, repo.context, { rows });
    expect(state()).toEqual(before);
    expect(recovered).toMatchObject({ id, command: "run" });
    expect(recovered?.left.map(({ effect }) => effect.kind)).toEqual(recorded === count ? ["remote"] : []);
    expect(readOperation(project, id).state).toBe("recovered");
    expect(repo.warnings()).toEqual([expect.stringContaining(id)]);
    expect(await recover(project, repo.context, { rows })).toEqual([]);
  });
});

test("what was being written when it was killed goes, with the folder that was made for it", async () => {
  const { repo, project, steps } = makeStory();
  const { record } = beginOperation(project, repo.context, { ...start, owner: deadIdentity() });
  for (const { effect } of steps.slice(0, 2)) record(effect);
  steps[0]?.change();
  writeFileSync(temporaryBeside(join(repo.root, "new folder/x.dvc")), "ou");
  expect(await recover(project, repo.context)).toMatchObject([{ left: [] }]);
  expect(existsSync(join(repo.root, "new folder"))).toBe(false);
});

test("what somebody changed since is left, and named", async () => {
  const { repo, project, steps, rows } = makeStory();
  const { id, record } = beginOperation(project, repo.context, { ...start, owner: deadIdentity() });
  for (const { effect, change } of steps) {
    record(effect);
    change();
  }
  repo.write("change.txt", "mine\n");
  repo.write("data.bin", "mine too");
  const [recovered] = await recover(project, repo.context, { rows });
  expect(repo.read("change.txt")).toBe("mine\n");
  expect(repo.read("data.bin")).toBe("mine too");
  expect(recovered?.left.map(({ target }) => target)).toEqual(["change.txt", "data.bin", "origin: pushed e9.9.9"]);
  expect(readOperation(project, id).outcome).toMatch(/except change\.txt \(changed\); data\.bin \(something else is there\)/);
});

test("an operation of a living process, of another host, or ended, is not touched", async () => {
  const { repo, project, steps, state } = makeStory();
  const owners = [identityOf(process.pid), { ...deadIdentity(), host: "elsewhere" }];
  for (const owner of owners) beginOperation(project, repo.context, { ...start, owner }).record(...steps.map(({ effect }) => effect));
  for (const { change } of steps) change();
  beginOperation(project, repo.context, { ...start, owner: deadIdentity() }).finish();
  const before = state();
  expect(await recover(project, repo.context)).toEqual([]);
  expect(state()).toEqual(before);
  expect(openOperations(project)).toHaveLength(2);
});

test("killed between its end and the new name of its file, an operation stands", async () => {
  const { repo, project, steps, rows, state } = makeStory();
  const operation = beginOperation(project, repo.context, { ...start, owner: deadIdentity() });
  for (const { effect, change } of steps) {
    operation.record(effect);
    change();
  }
  const after = state();
  operation.finish();
  const file = (name: string) => join(operationsDir(project), `${operation.id}${name}.jsonl`);
  renameSync(file(""), file(".open"));
  expect(await recover(project, repo.context, { rows })).toEqual([]);
  expect(state()).toEqual(after);
  expect(openOperations(project)).toEqual([]);
  const dead = beginOperation(project, repo.context, { ...start, owner: deadIdentity() });
  nameEnded(project);
  expect(readdirSync(operationsDir(project))).toEqual([`${operation.id}.jsonl`, `${dead.id}.open.jsonl`]);
  expect(readOperation(project, operation.id).state).toBe("done");
});

test("a command's own handler decides first; null means the usual way", async () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  const owner = deadIdentity();
  repo.write("x", "new");
  for (const command of ["run", "tag"]) {
    const operation = beginOperation(project, repo.context, { ...start, command, owner });
    operation.record({ kind: "file", path: "x", before: null, after: "new" });
    operation.note("phase", command);
  }
  const seen: unknown[] = [];
  const handlers = {
    run: (_: unknown, __: unknown, { notes }: { notes: Record<string, unknown> }) => {
      seen.push(notes.phase);
      return "the run goes on";
    },
    tag: () => null,
  };
  const recovered = await recover(project, repo.context, { handlers });
  expect(seen).toEqual(["run"]);
  expect(recovered.map(({ outcome }) => outcome)).toEqual(["what it had begun was taken back", "the run goes on"]);
});

test("another worktree's crash is repaired there, or its refs here once it is gone", async () => {
  const repo = makeRepository();
  const head = repo.commit("first", { x: "1" });
  const project = openProject(repo.context);
  const linked = join(makeFolder(), "linked");
  repo.git("worktree", "add", "-q", linked);
  const there = openProject({ ...repo.context, cwd: linked });
  beginOperation(there, repo.context, { ...start, owner: deadIdentity() }).record(
    { kind: "ref", ref: "refs/tags/e0.1.0", before: null, after: head },
    { kind: "file", path: "x", before: "0", after: "1" },
  );
  repo.git("update-ref", "refs/tags/e0.1.0", head);
  expect(brokenOperations(project)).toEqual([]);
  expect(brokenOperations(there)).toHaveLength(1);
  rmSync(linked, { recursive: true });
  await recover(project, repo.context);
  expect(repo.git("tag")).toBe("");
  expect(repo.read("x")).toBe("1");
});

test("what lies beside a repository that was moved since stays as it is: only refs are taken back", async () => {
  const repo = makeRepository();
  const head = repo.commit("first", { x: "1" });
  const beside = join(makeFolder(), "notes");
  writeFileSync(beside, "made");
  beginOperation(openProject(repo.context), repo.context, { ...start, owner: deadIdentity() }).record(
    { kind: "ref", ref: "refs/tags/e0.1.0", before: null, after: head },
    { kind: "file", path: relative(repo.root, beside), before: null, after: "made" },
  );
  repo.git("tag", "e0.1.0");
  const elsewhere = `${repo.root}-elsewhere`;
  renameSync(repo.root, elsewhere);
  const context = { ...repo.context, cwd: elsewhere };
  expect(await recover(openProject(context), context)).toHaveLength(1);
  expect(existsSync(beside)).toBe(true);
  renameSync(elsewhere, repo.root);
  expect(repo.git("tag")).toBe("");
});

test("a repair that fails is told, stays open, and hinders nobody", async () => {
  const { repo, project, steps } = makeStory();
  const owner = deadIdentity();
  const ref = steps.find(({ effect }) => effect.kind === "ref");
  if (ref === undefined) throw new Error("no ref");
  beginOperation(project, repo.context, { ...start, owner }).record(ref.effect);
  ref.change();
  writeFileSync(join(repo.root, ".git/refs/heads/main.lock"), "");
  expect(await recover(project, repo.context)).toEqual([]);
  expect(repo.warnings()).toEqual([expect.stringMatching(/could not repair/)]);
  rmSync(join(repo.root, ".git/refs/heads/main.lock"));
  expect(await recover(project, repo.context)).toHaveLength(1);
});
