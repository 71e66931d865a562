import { lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { beginOperation, readOperation } from "../../src/journal/operations.ts";
import { applyFileEdits, fingerprintOf } from "../../src/workflows/plan.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

const setUp = () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  const operation = beginOperation(project, repo.context, { command: "init", argv: [], summary: "" });
  return { repo, project, operation, path: (name: string) => join(repo.root, name) };
};

test("a fingerprint depends on every fact and on no order of keys", () => {
  const facts = { ref: "abc", rows: 3n, files: ["a", "b"], more: { x: 1, y: null } };
  expect(fingerprintOf(facts)).toMatch(/^[0-9a-f]{12}$/);
  expect(fingerprintOf({ more: { y: null, x: 1 }, files: ["a", "b"], rows: 3n, ref: "abc" })).toBe(fingerprintOf(facts));
  const others = [
    { ...facts, ref: "abd" },
    { ...facts, rows: 4n },
    { ...facts, rows: 3 },
    { ...facts, files: ["b", "a"] },
    { ...facts, more: {} },
  ];
  expect(new Set([facts, ...others].map(fingerprintOf)).size).toBe(6);
});

test("edits are journaled and written: changed, new in a new folder, removed; equal ones are not touched", () => {
  const { repo, project, operation, path } = setUp();
  repo.write("change", "old");
  repo.write("gone", "x");
  repo.write("same", "s");
  const before = lstatSync(path("same")).mtimeMs;
  applyFileEdits(project, operation, [
    { path: path("change"), before: "old", after: "new" },
    { path: path("sub/deep/é new"), before: null, after: "n" },
    { path: path("gone"), before: "x", after: null },
    { path: path("same"), before: "s", after: "s" },
  ]);
  expect([repo.read("change"), repo.read("sub/deep/é new")]).toEqual(["new", "n"]);
  expect(() => repo.read("gone")).toThrow();
  expect(lstatSync(path("same")).mtimeMs).toBe(before);
  expect(readOperation(project, operation.id).effects).toEqual([
    { kind: "folder", path: "sub" },
    { kind: "folder", path: "sub/deep" },
    { kind: "file", path: "change", before: "old", after: "new" },
    { kind: "file", path: "sub/deep/é new", before: null, after: "n" },
    { kind: "file", path: "gone", before: "x", after: null },
  ]);
});

test.each([
  ["changed", "other"],
  ["removed", null],
  ["new", "surprise"],
])("nothing at all is written when a file was %s since the plan", (kind, now) => {
  const { repo, project, operation, path } = setUp();
  repo.write("first", "1");
  if (now !== null) repo.write("second", now);
  expect(() =>
    applyFileEdits(project, operation, [
      { path: path("first"), before: "1", after: "2" },
      { path: path("second"), before: kind === "new" ? null : "1", after: "2" },
    ]),
  ).toThrow(expect.objectContaining({ code: "E_PLAN_STALE" }));
  expect(repo.read("first")).toBe("1");
  expect(readOperation(project, operation.id).effects).toEqual([]);
});

test("a linked file stays a link, and a link out of the repository is refused", () => {
  const { repo, project, operation, path } = setUp();
  const outside = makeFolder("outside");
  repo.write("real.yaml", "a: 1\n");
  symlinkSync("real.yaml", path("params.yaml"));
  applyFileEdits(project, operation, [{ path: path("params.yaml"), before: "a: 1\n", after: "a: 2\n" }]);
  expect(lstatSync(path("params.yaml")).isSymbolicLink()).toBe(true);
  expect(repo.read("real.yaml")).toBe("a: 2\n");
  mkdirSync(path("folder"));
  symlinkSync(outside, path("folder/away"));
  for (const target of [path("folder/away/x"), join(outside, "x")]) {
    expect(() => applyFileEdits(project, operation, [{ path: target, before: null, after: "x" }])).toThrow(
      expect.objectContaining({ code: "E_OUTSIDE" }),
    );
  }
  expect(() => readFileSync(join(outside, "x"))).toThrow();
});
