import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import {
  beginOperation,
  eachOperation,
  endOperation,
  newestOperations,
  openOperations,
  operationsDir,
  readOperation,
} from "../../src/journal/operations.ts";
import { makeRepository } from "../support/repository.ts";

const start = { command: "add", argv: ["data", "add", "x"], summary: "store x" };
const effect = { kind: "file", path: "x.dvc", before: null, after: "outs:\n" } as const;

const setUp = () => {
  const repo = makeRepository();
  return { repo, project: openProject(repo.context), context: repo.context };
};

test("an operation tells what it did, in order, and how it ended", () => {
  const { repo, project, context } = setUp();
  const operation = beginOperation(project, context, start);
  operation.record(effect);
  operation.note("phase", "one");
  operation.note("phase", "two");
  repo.setTime("2026-03-01T12:00:07Z");
  operation.finish();
  expect([...eachOperation(project)]).toEqual([
    expect.objectContaining({
      ...start,
      worktree: repo.root,
      state: "done",
      startedAt: "2026-03-01T12:00:00.000Z",
      endedAt: "2026-03-01T12:00:07.000Z",
      effects: [effect],
      notes: { phase: "two" },
    }),
  ]);
  expect(openOperations(project)).toEqual([]);
});

test("effects are on the disk before record returns", () => {
  const { project, context } = setUp();
  const operation = beginOperation(project, context, start);
  operation.record(effect, { ...effect, path: "y.dvc" });
  const text = readFileSync(join(operationsDir(project), `${operation.id}.open.jsonl`), "utf8");
  expect(text).toContain("x.dvc");
  expect(text).toContain("y.dvc");
  expect(openOperations(project)[0]?.effects).toHaveLength(2);
});

test("ids sort in the order of begin, within one second too", () => {
  const { project, context } = setUp();
  const ids = Array.from({ length: 20 }, () => beginOperation(project, context, start).id);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(20);
});

test("ids sort in the order of begin where the clock was put back, and go on where one was far ahead", () => {
  const { project, context } = setUp();
  const at = (iso: string) => beginOperation(project, { ...context, clock: () => new Date(iso) }, start).id;
  const ids = [at("2099-12-31T23:59:59Z"), at("2026-11-24T10:00:00Z"), at("1970-01-01T00:00:00Z")];
  expect([...ids].sort()).toEqual(ids);
  expect(newestOperations(project).next().value).toMatchObject({ id: ids[2], startedAt: "1970-01-01T00:00:00.000Z" });
  writeFileSync(
    join(operationsDir(project), "20991231T235959-ffff.jsonl"),
    readFileSync(join(operationsDir(project), `${ids[0]}.open.jsonl`)),
  );
  expect(at("2026-11-24T10:00:00Z")).toBe("21000101T000000-0000");
  expect(readOperation(project, "21000101T000000-0000")).toMatchObject({ startedAt: "2026-11-24T10:00:00.000Z" });
});

test("a line cut short by a crash is as if it had not been written, and later lines count", () => {
  const { project, context } = setUp();
  const { id, ...operation } = beginOperation(project, context, start);
  operation.record(effect);
  const file = join(operationsDir(project), `${id}.open.jsonl`);
  appendFileSync(file, '{"effect":{"kind":"file","path":"torn');
  expect(readOperation(project, id).effects).toEqual([effect]);
  endOperation(project, context, { id, state: "recovered", outcome: "taken back" });
  expect(readOperation(project, id)).toMatchObject({ state: "recovered", effects: [effect], outcome: "taken back" });
});

test("a file that holds nothing yet is no operation", () => {
  const { project, context } = setUp();
  const { id } = beginOperation(project, context, start);
  truncateSync(join(operationsDir(project), `${id}.open.jsonl`), 10);
  expect([...eachOperation(project)]).toEqual([]);
});

test("a failed operation keeps its reason", () => {
  const { project, context } = setUp();
  const operation = beginOperation(project, context, start);
  operation.fail(new Error("disk full"));
  expect(readOperation(project, operation.id)).toMatchObject({ state: "failed", outcome: "disk full" });
});

test("an operation is found by the end of its id; an unknown or ambiguous one is E_NOT_FOUND", () => {
  const { project, context } = setUp();
  const first = beginOperation(project, context, start).id;
  beginOperation(project, context, start);
  expect(readOperation(project, first.slice(-4)).id).toBe(first);
  // Too little to be meant.
  expect(() => readOperation(project, first.slice(-3))).toThrow(expect.objectContaining({ code: "E_NOT_FOUND" }));
  for (const id of ["", "20260301", "nope", "../x"]) {
    expect(() => readOperation(project, id), id).toThrow(expect.objectContaining({ code: "E_NOT_FOUND" }));
  }
});

test("reading makes nothing", () => {
  const { project } = setUp();
  expect([...eachOperation(project)]).toEqual([]);
  expect(openOperations(project)).toEqual([]);
  expect(existsSync(project.stateDir)).toBe(false);
  expect(readdirSync(project.root)).toEqual([".git"]);
});

test("lines of any length come back as they were, and whoever looks for the last operation reads no others", () => {
  const { project, context } = setUp();
  const first = beginOperation(project, context, start);
  first.finish();
  const long = { ...effect, after: `${"é€😀".repeat(400_000)}\n` };
  const second = beginOperation(project, context, start);
  second.record(effect, long, effect);
  second.finish();
  rmSync(join(operationsDir(project), `${first.id}.jsonl`));
  // What nobody could read.
  mkdirSync(join(operationsDir(project), `${first.id}.jsonl`));
  const [last] = newestOperations(project);
  expect(last?.effects).toEqual([effect, long, effect]);
  expect(() => [...eachOperation(project)]).toThrow();
});
