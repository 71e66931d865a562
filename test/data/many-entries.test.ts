/** More entries than a call takes arguments, or than may be copied once for each of them. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { pythonJson } from "../../src/cli/python-json.ts";
import { renderDataDiff } from "../../src/cli/render/data-diff.ts";
import { renderDataList } from "../../src/cli/render/data-list.ts";
import { renderPlan } from "../../src/cli/render/plan.ts";
import { terminalOf } from "../../src/cli/terminal.ts";
import { safeData } from "../../src/cli/text-width.ts";
import { shownFrom, underAny } from "../../src/config/paths.ts";
import { openProject } from "../../src/config/project.ts";
import { compareTracked, type Tracked } from "../../src/store/worktree/compare.ts";
import { makeRepository } from "../support/repository.ts";

const MANY = 200_000;
const TERMINAL = terminalOf(process.stdout, {}, false);

function many<One>(make: (index: number) => One): One[] {
  return Array.from({ length: MANY }, (_, index) => make(index));
}

const entryOf = (path: string, size: number | null) => ({
  path,
  size,
  isout: true,
  isdir: size === null,
  isexec: false,
  md5: "a".repeat(32),
});

it("a list with sizes and hashes, and as a tree", () => {
  const folders = 1000;
  const json = many((index) => entryOf(`part-${index % folders}/f-${index}`, index));
  const table = renderDataList({ json, tree: null, size: true, hash: true }).split("\n");
  expect(table).toHaveLength(MANY);
  expect(table[1025]).toBe(`1.00k  ${"a".repeat(32)}  part-25/f-1025`);
  const all = [...Array.from({ length: folders }, (_, index) => entryOf(`part-${index}`, null)), ...json];
  const tree = renderDataList({ json: all, tree: entryOf(".", null), size: false, hash: false }).split("\n");
  expect(tree).toHaveLength(1 + folders + MANY);
  expect(tree.slice(0, 3)).toEqual([".", "├── part-0", "│   ├── f-0"]);
  expect(tree.at(-1)).toBe(`    └── f-${MANY - 1}`);
});

it("branches stand below their folder, also where a name that begins alike is sorted between", () => {
  const json = [entryOf("a", null), entryOf("a-b", 1), entryOf("a/c", 1)];
  expect(renderDataList({ json, tree: entryOf("d", null), size: true, hash: false })).toBe("   d\n   ├── a\n1  │   └── c\n1  └── a-b");
});

it("a table of differences, and a plan", () => {
  const modified = many((index) => ({ path: `data/${index}` }));
  const text = renderDataDiff({ json: { modified }, markdown: true, showHash: false }, TERMINAL);
  expect(text.split("\n")).toHaveLength(MANY + 4);
  const steps = many((index) => ({ verb: "delete", target: `data/${index}` }));
  const plan = { command: "x", steps, destructive: false, fingerprint: "f" };
  expect(renderPlan(plan, TERMINAL).split("\n")).toHaveLength(1003);
});

it("what is safe for a terminal is not copied; of what is not, only that", () => {
  const json = many((index) => entryOf(`f-${index}`, index));
  expect(safeData(json)).toBe(json);
  const mixed = { json: [json[0], { path: "a\u001b[2Jb" }], "na\u0007me": 1 };
  const safe = safeData(mixed);
  expect(safe.json[0]).toBe(json[0]);
  expect(safe).toEqual({ json: [json[0], { path: "a\\u001b[2Jb" }], "na\\u0007me": 1 });
});

it("dvc's JSON comes in pieces, wherever the many are", () => {
  const list = many((index) => entryOf(`f-${index}`, index)).slice(0, 20_000);
  for (const value of [
    list,
    { added: list, deleted: [], né: 1 },
    Object.fromEntries(list.map(({ path }) => [path, "deleted in the cache, by way of example"])),
  ]) {
    const pieces = [...pythonJson(value)];
    expect(pieces.length).toBeGreaterThan(5);
    expect(JSON.stringify(JSON.parse(pieces.join(""))) === JSON.stringify(value)).toBe(true);
  }
  expect([...pythonJson({ a: [], b: {}, c: ["é", { d: undefined, e: null }, [1, true]] })]).toEqual([
    '{"a": [], "b": {}, "c": ["\\u00e9", {"e": null}, [1, true]]}',
  ]);
});

it("states whose paths stand in another order, or are there in part, are told apart by path", () => {
  const file = (path: string, hash: string): Tracked => ({ path, hash, hashName: "md5", isFolder: false });
  const before = ["a", "b", "c", "d", "e"].map((path) => file(path, "1"));
  const after = [file("e", "1"), file("a", "2"), file("b", "1"), file("x", "3"), file("c", "4"), before[3] as Tracked];
  const changes = compareTracked(before, after);
  const paths = (some: readonly Tracked[]) => some.map(({ path }) => path);
  expect(paths(changes.modified.map(({ to }) => to))).toEqual(["a", "c"]);
  expect([paths(changes.added), paths(changes.deleted), paths(changes.unchanged)]).toEqual([["x"], [], ["e", "b", "d"]]);
  expect(paths(compareTracked(before, after.slice(1, 3)).deleted)).toEqual(["c", "d", "e"]);
});

it("states with the same paths in the same order need no table of them", () => {
  let asked = 0;
  const file = (path: string, hash: string): Tracked => ({
    hash,
    hashName: "md5",
    isFolder: false,
    get path() {
      asked += 1;
      return path;
    },
  });
  const states = ["1", "2"].map((hash) => ["a", "b", "c"].map((path) => file(path, hash))) as [Tracked[], Tracked[]];
  expect(compareTracked(...states).modified).toHaveLength(3);
  expect(asked).toBe(6);
});

it("of as many places as paths", () => {
  const isUnder = underAny([...many((index) => `part-${index % 100}/f-${index}`), "whole", "outer/inner"]);
  expect(many((index) => `part-${index % 100}/f-${index}`).every(isUnder)).toBe(true);
  expect(["whole", "whole/a", "outer/inner/a/b"].every(isUnder)).toBe(true);
  expect(["part-0", "part-0/f", "whole-not", "outer", "outer/in", ""].some(isUnder)).toBe(false);
  // A file that is an output is its own member, without a name.
  expect(underAny([""])("")).toBe(true);
});

it("files with the same bytes that got other names are paired in order", () => {
  const file = (path: string): Tracked => ({ path, hash: "d41d8cd98f00b204e9800998ecf8427e", hashName: "md5", isFolder: false });
  const name = (index: number) => String(index).padStart(6, "0");
  const { renamed, added, deleted } = compareTracked(
    many((index) => file(`old/${name(index)}`)),
    many((index) => file(`new/${name(index)}`)),
  );
  expect([renamed.length, added.length, deleted.length]).toEqual([MANY, 0, 0]);
  for (const index of [0, 1, MANY - 1])
    expect(renamed[index]).toMatchObject({ from: { path: `old/${name(index)}` }, to: { path: `new/${name(index)}` } });
});

it("a path as it reads from the top is the stored one itself, from elsewhere it leads there", () => {
  const repository = makeRepository();
  const project = openProject(repository.context);
  expect(shownFrom(project, repository.root)("data/a")).toBe("data/a");
  expect(shownFrom(project, join(repository.root, "data"))("data/a")).toBe("a");
  expect(shownFrom(project, join(repository.root, "other"))("data/a")).toBe("../data/a");
});
