/** Data files merged and rebased: against the contract in plain words, on random files and by example. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { commitDataMerge, prepareDataMerge } from "../../src/merge/data/merge-data.ts";
import type { DataMerge, DataReport } from "../../src/merge/data/types.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

type Row = Record<string, unknown>;
type Duck = Awaited<ReturnType<DuckDBInstance["connect"]>>;

/** Times as many cases as usual: `EXPVER_MORE_CASES=10`. */
const MORE = Number(process.env.EXPVER_MORE_CASES ?? 1);

let dir: string;
let db: Duck;
beforeAll(async () => {
  db = await (await DuckDBInstance.create()).connect();
});
afterAll(() => db.closeSync());
beforeEach(() => {
  dir = makeFolder("data");
});

async function query(sql: string, values: string[] = []): Promise<Row[]> {
  return (await db.runAndReadAll(sql, values)).getRowObjectsJson() as Row[];
}

/** A parquet file of what a query says. */
async function file(name: string, sql: string, options = "FORMAT parquet"): Promise<string> {
  const path = join(dir, name);
  rmSync(path, { force: true });
  await db.run(`COPY (${sql}) TO '${path}' (${options})`);
  return path;
}

/** Rows in their order, as lists of texts. */
async function rowsOf(path: string): Promise<string[]> {
  const rows = await query("SELECT * FROM read_parquet($1)", [path]);
  return rows.map((row) => Object.values(row).map(String).join("|"));
}

async function merged(base: string, sources: string[], rules: Partial<DataMerge> = {}): Promise<{ path: string; report: DataReport }> {
  const output = rules.output ?? join(dir, `out-${Math.random()}.parquet`);
  const prepared = await prepareDataMerge({
    base: { path: base, name: base },
    sources: sources.map((path) => ({ path, name: path })),
    output,
    strategy: "merge",
    keyColumns: [],
    matchNullKeys: false,
    onConflict: undefined,
    allowWiden: false,
    ...rules,
  });
  commitDataMerge(prepared);
  return { path: output, report: prepared.report };
}

const codeOf = (code: string) => expect.objectContaining({ code });

it("merging with itself adds nothing; new rows come after those that are there, in their order", async () => {
  const a = await file("a.parquet", "SELECT * FROM (VALUES (3, 'c'), (1, 'a'), (1, 'a'), (NULL, NULL)) t(id, x)");
  const b = await file("b.parquet", "SELECT * FROM (VALUES (9, 'z'), (1, 'a'), (NULL, NULL), (4, 'd'), (1, 'a'), (1, 'a')) t(id, x)");
  expect(await rowsOf((await merged(a, [`${dir}/./a.parquet`])).path)).toEqual(await rowsOf(a));
  const { path, report } = await merged(a, [b]);
  expect(await rowsOf(path)).toEqual(["3|c", "1|a", "1|a", "null|null", "9|z", "4|d", "1|a"]);
  expect(report).toMatchObject({ before: 4, after: 7, sources: [{ rows: 6, inserted: 3 }] });
  expect(await rowsOf((await merged(path, [b])).path)).toEqual(await rowsOf(path));
});

it("on random files: greatest multiplicity, any order of sources, repeating adds nothing", { timeout: 240_000 * MORE }, async () => {
  const rows = fc.array(fc.tuple(fc.constantFrom("1", "2", "NULL"), fc.constantFrom("'a'", "NULL", "'b'")), { maxLength: 8 });
  const write = (name: string, some: string[][]) => {
    const values = some.map(([id, x]) => `(${id}::INT, ${x}::VARCHAR)`).join(", ");
    return file(name, some.length === 0 ? "SELECT 1::INT AS id, 'a' AS x WHERE false" : `SELECT * FROM (VALUES ${values}) t(id, x)`);
  };
  await fc.assert(
    fc.asyncProperty(rows, rows, rows, async (one, two, three) => {
      const [a, b, c] = [await write("a.parquet", one), await write("b.parquet", two), await write("c.parquet", three)];
      const counts = new Map<string, number>();
      for (const side of [a, b, c]) {
        const own = new Map<string, number>();
        for (const row of await rowsOf(side)) own.set(row, (own.get(row) ?? 0) + 1);
        for (const [row, count] of own) counts.set(row, Math.max(count, counts.get(row) ?? 0));
      }
      const expected = [...counts].flatMap(([row, count]) => Array<string>(count).fill(row)).sort();
      const { path } = await merged(a, [b, c]);
      expect((await rowsOf(path)).sort()).toEqual(expected);
      expect(readFileSync((await merged(a, [c, b])).path)).toEqual(readFileSync(path));
      expect(await rowsOf((await merged(path, [b, c])).path)).toEqual(await rowsOf(path));
    }),
    { numRuns: 15 * MORE },
  );
});

it("on random files with what both came from: each row as often as the side that changed that has it", {
  timeout: 240_000 * MORE,
}, async () => {
  const rows = fc.array(fc.tuple(fc.constantFrom("1", "2", "NULL"), fc.constantFrom("'a'", "NULL", "'b'")), { maxLength: 8 });
  const write = (name: string, some: string[][]) => {
    const values = some.map(([id, x]) => `(${id}::INT, ${x}::VARCHAR)`).join(", ");
    return file(name, some.length === 0 ? "SELECT 1::INT AS id, 'a' AS x WHERE false" : `SELECT * FROM (VALUES ${values}) t(id, x)`);
  };
  const times = (all: string[], row: string) => all.filter((one) => one === row).length;
  await fc.assert(
    fc.asyncProperty(rows, rows, rows, async (one, two, three) => {
      const [a, b, o] = [await write("a.parquet", one), await write("b.parquet", two), await write("o.parquet", three)];
      const [ours, theirs, ancestors] = [await rowsOf(a), await rowsOf(b), await rowsOf(o)];
      const goal = (row: string) => {
        const [mine, other, old] = [times(ours, row), times(theirs, row), times(ancestors, row)];
        return mine === old ? other : other === old ? mine : Math.max(mine, other);
      };
      const expected = [...new Set([...ours, ...theirs])].flatMap((row) => Array<string>(goal(row)).fill(row)).sort();
      const { path } = await merged(a, [b], { ancestor: { path: o, name: o } });
      expect((await rowsOf(path)).sort()).toEqual(expected);
    }),
    { numRuns: 20 * MORE },
  );
});

it("rows that one side deleted or corrected stay so, in the order of the base, over many row groups", async () => {
  const options = "FORMAT parquet, ROW_GROUP_SIZE 2048";
  const o = await file("o.parquet", "SELECT range AS id, 'x' AS label FROM range(9000)", options);
  const a = await file(
    "a.parquet",
    "SELECT range AS id, CASE WHEN range = 5000 THEN 'y' ELSE 'x' END AS label FROM range(9000) WHERE range <> 7",
    options,
  );
  const b = await file("b.parquet", "SELECT range AS id, 'x' AS label FROM range(9100) WHERE range <> 8000", options);
  const { path, report } = await merged(a, [b], { ancestor: { path: o, name: o } });
  expect(report.sources[0]).toMatchObject({ inserted: 100, removed: 1 });
  const all = await rowsOf(path);
  const expected = Array.from({ length: 9100 }, (_, id) => `${id}|${id === 5000 ? "y" : "x"}`);
  expect(all).toEqual(expected.filter((_, id) => id !== 7 && id !== 8000));
});

it("by key: fills what is empty, adds what is new, refuses two values of one cell", async () => {
  const a = await file("a.parquet", "SELECT * FROM (VALUES (1, 'a', NULL), (2, 'b', 0.5)) t(id, x, y)");
  const b = await file("b.parquet", "SELECT * FROM (VALUES (1, 'a', 0.25), (3, 'c', NULL), (NULL, 'n', NULL)) t(id, x, y)");
  const { path, report } = await merged(a, [b], { keyColumns: ["ID"] });
  expect(await rowsOf(path)).toEqual(["1|a|0.25", "2|b|0.50", "3|c|null", "null|n|null"]);
  expect(report.sources[0]).toMatchObject({ inserted: 2, filled: 1, resolved: 0 });
  const c = await file("c.parquet", "SELECT 2 AS id, 'other' AS x, NULL::DECIMAL(3,2) AS y");
  await expect(merged(a, [c], { keyColumns: ["id"] })).rejects.toThrow(
    expect.objectContaining({
      code: "E_CONFLICT",
      details: expect.objectContaining({ count: 1, conflicts: [{ column: "x", key: "2", ours: "b", theirs: "other" }] }),
    }),
  );
  expect(await rowsOf((await merged(a, [c], { keyColumns: ["id"], onConflict: "theirs" })).path)).toEqual(["1|a|null", "2|other|0.50"]);
  const twice = await file("d.parquet", "SELECT * FROM (VALUES (7, 'a'), (7, 'b')) t(id, x)");
  await expect(merged(a, [twice], { keyColumns: ["id"] })).rejects.toThrow(codeOf("E_KEY"));
  await expect(merged(a, [b], { keyColumns: ["none"] })).rejects.toThrow(codeOf("E_KEY"));
  expect(readdirSync(dir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

it("a later source finds and fills what an earlier one brought, among rows that were known", async () => {
  const rows = (text: string) => `SELECT * FROM (VALUES ${text}) t(id, x)`;
  const a = await file("a.parquet", rows("(1, 'a')"));
  const b = await file("b.parquet", rows("(2, NULL), (1, NULL), (3, 'b')"));
  const c = await file("c.parquet", rows("(4, 'c'), (2, 'c'), (3, 'b')"));
  const keyed = await merged(a, [b, c], { keyColumns: ["id"] });
  expect(await rowsOf(keyed.path)).toEqual(["1|a", "2|c", "3|b", "4|c"]);
  expect(keyed.report.sources).toMatchObject([
    { inserted: 2, filled: 0 },
    { inserted: 1, filled: 1 },
  ]);
  expect(await rowsOf((await merged(a, [b, c])).path)).toEqual(["1|a", "2|null", "1|null", "3|b", "4|c", "2|c"]);
});

it("rebase: all rows of a key give way to the source's, the later source wins, NULL keys stay unless they are to match", async () => {
  const a = await file("a.parquet", "SELECT * FROM (VALUES (1, 'a'), (1, 'b'), (2, 'c'), (NULL, 'n')) t(id, x)");
  const b = await file("b.parquet", "SELECT * FROM (VALUES (1, 'B'), (NULL, 'N')) t(id, x)");
  const c = await file("c.parquet", "SELECT * FROM (VALUES (1, 'C'), (1, 'D')) t(id, x)");
  const rebase = { strategy: "rebase", keyColumns: ["id"] } as const;
  expect(await rowsOf((await merged(a, [b, c], rebase)).path)).toEqual(["2|c", "null|n", "null|N", "1|C", "1|D"]);
  const { path, report } = await merged(a, [b], { ...rebase, matchNullKeys: true });
  expect(await rowsOf(path)).toEqual(["2|c", "1|B", "null|N"]);
  expect(report.sources[0]).toMatchObject({ replaced: 3, inserted: 2 });
  const again = await merged(path, [b], { ...rebase, matchNullKeys: true, output: path });
  expect(await rowsOf(again.path)).toEqual(["2|c", "1|B", "null|N"]);
});

it("settles columns first: new ones, wider types; refuses text for numbers and lost digits, unless allowed", async () => {
  const a = await file("a.parquet", "SELECT 1::INTEGER AS id, 0.5::FLOAT AS y");
  const wide = await file("b.parquet", 'SELECT 5000000000::BIGINT AS id, 0.25::DOUBLE AS y, \'new\' AS "sel""ect"');
  const { path, report } = await merged(a, [wide]);
  expect(report.columns).toEqual([
    { name: "id", type: "BIGINT", change: "widened" },
    { name: "y", type: "DOUBLE", change: "widened" },
    { name: 'sel"ect', type: "VARCHAR", change: "added" },
  ]);
  expect(await rowsOf(path)).toEqual(["1|0.5|null", "5000000000|0.25|new"]);
  const texts = await file("c.parquet", "SELECT 'seven' AS id, 1::FLOAT AS y");
  await expect(merged(a, [texts])).rejects.toThrow(/id is INTEGER in .* and VARCHAR in/);
  expect(await rowsOf((await merged(a, [texts], { allowWiden: true })).path)).toEqual(["1|0.5", "seven|1"]);
  const reals = await file("d.parquet", "SELECT 9007199254740993::BIGINT AS y, 1 AS id");
  await expect(merged(a, [reals])).rejects.toThrow(codeOf("E_SCHEMA"));
});

it("keeps compression, row groups and metadata of the base; an unchanged result is not written", async () => {
  const a = await file(
    "a.parquet",
    "SELECT range AS id FROM range(5000)",
    "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048, KV_METADATA {origin: 'it''s lab 7'}",
  );
  const b = await file("b.parquet", "SELECT 9999 AS id");
  const { path } = await merged(a, [b]);
  const [layout] = await query("SELECT count(DISTINCT row_group_id) AS groups, any_value(compression) AS c FROM parquet_metadata($1)", [
    path,
  ]);
  expect(layout).toEqual({ groups: "3", c: "ZSTD" });
  const groups = await query(
    "SELECT any_value(row_group_num_rows) AS n FROM parquet_metadata($1) GROUP BY row_group_id ORDER BY row_group_id",
    [path],
  );
  expect(groups.map(({ n }) => n)).toEqual(["2048", "2048", "905"]);
  expect(await query("SELECT decode(value) AS v FROM parquet_kv_metadata($1) WHERE decode(key) = 'origin'", [path])).toEqual([
    { v: "it's lab 7" },
  ]);
  const { ino, mtimeNs } = statSync(path, { bigint: true });
  await merged(path, [b], { output: path });
  expect(statSync(path, { bigint: true })).toMatchObject({ ino, mtimeNs });
});

it("order stays that of the base, then of the sources, over many row groups", async () => {
  const a = await file("a.parquet", "SELECT range AS id FROM range(300000)");
  const b = await file("b.parquet", "SELECT 299000 + range AS id FROM range(51000)");
  const { path, report } = await merged(a, [b]);
  expect(report).toMatchObject({ before: 300_000, after: 350_000 });
  const [wrong] = await query("SELECT count(*) AS n FROM read_parquet($1, file_row_number = true) WHERE id <> file_row_number", [path]);
  expect(wrong?.n).toBe("0");
});

it.each([
  ["in memory", "1GB"],
  ["where nothing fits into memory", "100MB"],
])("a rebase and a merge by key keep the order, %s", async (_, memory) => {
  const a = await file("a.parquet", "SELECT range AS id, 'a' AS x FROM range(300000)");
  const b = await file("b.parquet", "SELECT range + 100000 AS id, 'b' AS x FROM range(250000)");
  const rebased = await merged(a, [b], { strategy: "rebase", keyColumns: ["id"], memory });
  expect(rebased.report).toMatchObject({ before: 300_000, after: 350_000, sources: [{ inserted: 250_000, replaced: 200_000 }] });
  const wrong = (path: string, text: string) =>
    query(`SELECT count(*) AS n FROM read_parquet($1, file_row_number = true) WHERE id <> file_row_number OR x <> ${text}`, [path]);
  expect(await wrong(rebased.path, "if(id < 100000, 'a', 'b')")).toEqual([{ n: "0" }]);
  const c = await file("c.parquet", "SELECT range + 100000 AS id, 'c' AS y FROM range(250000)");
  const wide = await merged(a, [b, c], { keyColumns: ["id"], onConflict: "ours", memory });
  expect(wide.report.sources).toMatchObject([
    { inserted: 50_000, filled: 0, resolved: 200_000 },
    { inserted: 0, filled: 250_000 },
  ]);
  expect(await wrong(wide.path, "if(id < 300000, 'a', 'b') OR (y IS NOT NULL) <> (id >= 100000)")).toEqual([{ n: "0" }]);
});

// Two threads at least: with one no order is ever lost.
it.runIf(availableParallelism() > 1)(
  "new rows between known ones keep their order, with several threads over many row groups",
  async () => {
    const layout = "FORMAT parquet, ROW_GROUP_SIZE 2048";
    const a = await file("a.parquet", "SELECT range * 2 AS id FROM range(250000)", layout);
    const b = await file("b.parquet", "SELECT range AS id FROM range(500000)", layout);
    for (const keyColumns of [["id"], []]) {
      const { path, report } = await merged(a, [b], { keyColumns });
      expect(report.sources).toMatchObject([{ rows: 500_000, inserted: 250_000 }]);
      const wrong = `SELECT count(*) AS n FROM read_parquet($1, file_row_number = true)
      WHERE id <> if(file_row_number < 250000, file_row_number * 2, (file_row_number - 250000) * 2 + 1)`;
      expect(await query(wrong, [path]), keyColumns.join()).toEqual([{ n: "0" }]);
    }
  },
);

it("a column may have the name that DuckDB gives to the numbers of rows", async () => {
  const a = await file("a.parquet", "SELECT * FROM (VALUES (7, 'a'), (5, 'b'), (6, 'c')) t(file_row_number, x)");
  const b = await file("b.parquet", "SELECT * FROM (VALUES (9, 'd'), (5, 'B'), (8, 'e')) t(file_row_number, x)");
  const keyed = { keyColumns: ["file_row_number"] };
  expect(await rowsOf((await merged(a, [b])).path)).toEqual(["7|a", "5|b", "6|c", "9|d", "5|B", "8|e"]);
  expect(await rowsOf((await merged(a, [b], { ...keyed, onConflict: "theirs" })).path)).toEqual(["7|a", "5|B", "6|c", "9|d", "8|e"]);
  expect(await rowsOf((await merged(a, [b], { ...keyed, strategy: "rebase" })).path)).toEqual(["7|a", "6|c", "9|d", "5|B", "8|e"]);
});

it("a column may have the name that DuckDB gives to the numbers of files, and those of what a merge counts", async () => {
  for (const name of ["file_index", "o", "goal", "nth"]) {
    const a = await file("a.parquet", `SELECT * FROM (VALUES (1, NULL), (2, 5)) t("${name}", v)`);
    const b = await file("b.parquet", `SELECT * FROM (VALUES (1, 7), (3, 8)) t("${name}", v)`);
    expect(await rowsOf((await merged(a, [b], { keyColumns: [name] })).path)).toEqual(["1|7", "2|5", "3|8"]);
    expect(await rowsOf((await merged(a, [b], { keyColumns: [name], strategy: "rebase" })).path)).toEqual(["2|5", "1|7", "3|8"]);
    const ancestor = { path: a, name: a };
    expect(await rowsOf((await merged(a, [b], { ancestor })).path)).toEqual(["1|7", "3|8"]);
  }
});

it("a column without a name, or called as what a merge keeps account with, is refused", async () => {
  const rows = (name: string) => file(`${name}.parquet`, `SELECT 1 AS "${name}"`);
  await expect(merged(await rows("expver_row"), [await rows("expver_row")])).rejects.toEqual(codeOf("E_SCHEMA"));
  const nameless = join(import.meta.dirname, "other-writers", "nameless.parquet");
  await expect(merged(nameless, [await file("c.parquet", "SELECT 1 AS c0")])).rejects.toEqual(codeOf("E_SCHEMA"));
  await merged(await rows("C0"), [await file("c.parquet", "SELECT 2 AS c0")]);
});

it("whole numbers too wide for parquet's integers keep their digits", async () => {
  const a = await file("a.parquet", "SELECT -1::BIGINT AS n, 7::INTEGER AS m");
  const b = await file("b.parquet", "SELECT 18446744073709551615::UBIGINT AS n, 0.25::DECIMAL(5,2) AS m");
  const { path, report } = await merged(a, [b]);
  expect(report.columns.map(({ type }) => type)).toEqual(["DECIMAL(20,0)", "DECIMAL(12,2)"]);
  expect(await rowsOf(path)).toEqual(["-1|7.00", "18446744073709551615|0.25"]);
  expect(await rowsOf((await merged(path, [a, b])).path)).toEqual(await rowsOf(path));
});

it("CSV cells stay the text they are", () => {
  const repo = makeRepository();
  repo.write("a.csv", "id,x\n007,1e-5\n008,0.10\n");
  repo.write("b.csv", 'id,x,note\n007,1e-5,\n009,"a,b",it\'s\n');
  const { code, stdout, stderr } = repo.expver(["merge", "--base-data", "a.csv", "b.csv", "--key-columns", "id"]);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("new columns: note VARCHAR");
  expect(repo.read("a.csv")).toBe('id,x,note\n007,1e-5,\n008,0.10,\n009,"a,b",it\'s\n');
});

it.each([
  ["csv", "A,a\n1,2\n", "a,A\n3,4\n"],
  ["jsonl", '{"A":1,"a":2}\n', '{"a":3,"A":4}\n'],
])("columns that differ in nothing but their case are refused (%s): which is which would be their order's", (ending, one, other) => {
  const repo = makeRepository();
  repo.write(`one.${ending}`, one);
  repo.write(`other.${ending}`, other);
  const answer = repo.expverJson(["merge", "--base-data", `one.${ending}`, `other.${ending}`]);
  expect(answer).toMatchObject({ code: 4, error: { code: "E_SCHEMA", details: { columns: ["A", "a"] } } });
  expect(repo.read(`one.${ending}`)).toBe(one);
});

it("columns that differ in the case of letters beyond ASCII are two, for DuckDB and here", () => {
  const repo = makeRepository();
  repo.write("a.csv", "Ö,ö\n1,2\n");
  repo.write("b.csv", "ö,Ö,я,Я\n4,3,5,6\n");
  expect(repo.expver(["merge", "--base-data", "a.csv", "b.csv"])).toMatchObject({ code: 0 });
  expect(repo.read("a.csv")).toBe("Ö,ö,я,Я\n1,2,,\n3,4,5,6\n");
});

it("a column that is called like one with a number behind it is none of that", async () => {
  const repo = makeRepository();
  repo.write("a.csv", "x,x_1\n1,2\n");
  repo.write("b.csv", "x_1,x\n4,3\n");
  expect(repo.expver(["merge", "--base-data", "a.csv", "b.csv"])).toMatchObject({ code: 0 });
  expect(repo.read("a.csv")).toBe("x,x_1\n1,2\n3,4\n");
  const [a, b] = [await file("a.parquet", "SELECT 1 AS x, {'y': 2} AS x_1"), await file("b.parquet", "SELECT {'y': 3} AS x_1, 4 AS x")];
  expect(await rowsOf((await merged(a, [b])).path)).toHaveLength(2);
});

it.each([
  ["an index that pandas wrote", ",id,v\n0,7,x\n", ",id,v\n0,7,x\n1,8,y\n", ",id,v\n0,7,x\n1,8,y\n"],
  ["equal names", 'a,a,"b,c"\n1,2,3\n', 'a,a,"b,c"\n3,4,5\n', 'a,a,"b,c"\n1,2,3\n3,4,5\n'],
  ["semicolons", 'id;v\n1;"a;b"\n2;x,y\n', "id,v,w\n3,c,d\n", 'id;v;w\n1;"a;b";\n2;x,y;\n3;c;d\n'],
  ["tabs", "id\tv\n1\ta\n", "id\tv\n2\tb\n", "id\tv\n1\ta\n2\tb\n"],
])("a CSV file keeps its first line and what parts its cells: %s", (_what, one, other, expected) => {
  const repo = makeRepository();
  repo.write("a.csv", one);
  repo.write("b.csv", other);
  expect(repo.expver(["merge", "--base-data", "a.csv", "b.csv"])).toMatchObject({ code: 0 });
  expect(repo.read("a.csv")).toBe(expected);
  expect(repo.expver(["merge", "--base-data", "a.csv", "b.csv"]).code).toBe(0);
  expect(repo.read("a.csv")).toBe(expected);
});

it.each([
  ["one cell too few", "a,b\n1\n2,3\n", "line 2: 1 cell, where the first line has 2"],
  ["one too many, in the last line", "a,b\n1,2\n3,4,5\n", "line 3: 3 cells, where the first line has 2"],
  ["a title", "My file\na,b\n1,2\n", "line 2: 2 cells, where the first line has 1"],
  ["a quote without end", 'a,b\n1,"2\n', "line 2: Value with unterminated quote"],
  ["other bytes than UTF-8", Buffer.from("a,b\n1,\xe9\n", "latin1"), "line 2: Invalid unicode"],
  ["nothing", "", "is empty"],
])("a CSV file with %s is refused: lines were left out, or taken for the first one", (_what, text, why) => {
  const repo = makeRepository();
  for (const [base, other] of [
    ["a.csv", "b.csv"],
    ["b.csv", "a.csv"],
  ] as const) {
    writeFileSync(join(repo.root, "a.csv"), text);
    repo.write("b.csv", "a,b\n4,5\n");
    const { error } = repo.expverJson(["merge", "--base-data", base, other]);
    expect(error?.code).toBe("E_DATA");
    expect(error?.message).toMatch(/(?:^|\/)a\.csv/);
    expect(error?.message).toContain(why);
    expect([readFileSync(join(repo.root, "a.csv")), repo.read("b.csv")]).toEqual([Buffer.from(text), "a,b\n4,5\n"]);
    expect(repo.expverJson(["sql", "--data", "a.csv", "SELECT count(*) FROM a"]).error?.message).toContain(why);
  }
});

it.each([
  ["lines that begin with #", "a,b\n#1,2\n#3,4\n", "a,b\n#5,6\n", 'a,b\n"#1",2\n"#3",4\n"#5",6\n'],
  ["line ends of two kinds", 'a,b\r\n1,2\r\n3,"x\r\ny"\n', "a,b\n4,5\r\n6,7\n", 'a,b\n1,2\n3,"x\r\ny"\n4,5\n6,7\n'],
  ["and quotes within cells", 'a,b\r\n1,5" disk\r\n2,"a ""b"",\r\nc"\n', "a,b\n3,c\n", 'a,b\n1,"5"" disk"\n2,"a ""b"",\r\nc"\n3,c\n'],
  ["one kind, and the other within cells", 'a,b\r\n1,"x\ny"\r\n', "a,b\n3,c\n", 'a,b\r\n1,"x\ny"\r\n3,c\r\n'],
  ["a mark of its bytes' order", "\ufeffa,b\n1,2\n", "a,b\n3,4\n", "\ufeffa,b\n1,2\n3,4\n"],
  ["line ends of Windows", "a,b\r\n1,2\r\n", '\ufeffa,b\n3,"x\ny"\n', 'a,b\r\n1,2\r\n3,"x\ny"\r\n'],
  ["another line end within a name", 'a,"b\r\nc"\n1,2\n', 'a,"b\r\nc"\n3,4\n', 'a,"b\r\nc"\n1,2\n3,4\n'],
  ["another line end within a name, of Windows", 'a,"b\nc"\r\n1,2\r\n', 'a,"b\nc"\r\n3,4\r\n', 'a,"b\nc"\r\n1,2\r\n3,4\r\n'],
  ["empty lines above", "\n\na,b\n1,2\n", "a,b\n3,4\n", "a,b\n1,2\n3,4\n"],
  ["no end of its last line", "a,b\n1,2", "a,b\n3,4", "a,b\n1,2\n3,4\n"],
  ["line ends of old", "a,b\r1,2\r", "a,b\n3,4\n", "a,b\n1,2\n3,4\n"],
  ["single quotes", "'a','b,c'\n'1','2'\n", '"a","b,c"\n3,4\n', "a,'b,c'\n1,2\n3,4\n"],
  ["one column", "a\n1\n", "a\n2\n", "a\n1\n2\n"],
  ["quotes amid names", `it's,5" disk\n1,2\n`, `it's,5" disk\n3,4\n`, `it's,"5"" disk"\n1,2\n3,4\n`],
  ["names of several lines", '"a\nb","c ""d"""\n1,2\n', '"a\nb","c ""d"""\n3,4\n', '"a\nb","c ""d"""\n1,2\n3,4\n'],
])("every row of a CSV file is in the merge: %s", (_what, one, other, expected) => {
  const repo = makeRepository();
  repo.write("a.csv", one);
  repo.write("b.csv", other);
  const rows = (path: string) => repo.expverJson(["sql", "--data", path, `SELECT count(*) FROM ${path.slice(0, 1)}`]).data.rows[0][0];
  const both = rows("a.csv") + rows("b.csv");
  expect(repo.expver(["merge", "--base-data", "a.csv", "b.csv"])).toMatchObject({ code: 0 });
  expect(repo.read("a.csv")).toBe(expected);
  expect(rows("a.csv")).toBe(both);
});

it("JSON lines without a line bring no column of their own, as base or source", async () => {
  const [empty, full, out] = [join(dir, "empty.jsonl"), join(dir, "full.jsonl"), join(dir, "out.jsonl")];
  writeFileSync(empty, "");
  writeFileSync(full, '{"id":1,"x":"a"}\n');
  for (const [base, source] of [
    [empty, full],
    [full, empty],
  ] as const) {
    for (const keyColumns of [[], ["id"]]) {
      await merged(base, [source], { output: out, keyColumns });
      expect(readFileSync(out, "utf8")).toBe('{"id":1,"x":"a"}\n');
    }
  }
  await merged(empty, [empty], { output: out });
  expect(readFileSync(out, "utf8")).toBe("");
});

it("a file is that file alone, and what its folders are called is no column of it", async () => {
  const repo = makeRepository();
  repo.write("t[1].csv", "id,v\n1,own\n");
  repo.write("t1.csv", "id,v\n9,another\n");
  repo.write("lr=0.1/d.csv", "id,v\n2,b\n");
  expect(repo.expver(["merge", "--base-data", "t[1].csv", "lr=0.1/d.csv"])).toMatchObject({ code: 0 });
  expect(repo.read("t[1].csv")).toBe("id,v\n1,own\n2,b\n");
  expect(repo.expver(["merge", "--base-data", "lr=0.1/d.csv", "t[1].csv"])).toMatchObject({ code: 0 });
  expect(repo.read("lr=0.1/d.csv")).toBe("id,v\n2,b\n1,own\n");

  repo.write("lr=0.1/x.jsonl", '{"id":1}\n');
  repo.write("lr=0.2/x.jsonl", '{"id":2}\n');
  expect(repo.expver(["merge", "--base-data", "lr=0.1/x.jsonl", "lr=0.2/x.jsonl"])).toMatchObject({ code: 0 });
  expect(repo.read("lr=0.1/x.jsonl")).toBe('{"id":1}\n{"id":2}\n');

  mkdirSync(join(dir, "lr=0.1"));
  const a = await file("lr=0.1/p[1].parquet", "SELECT 1 AS id, 'a' AS v");
  await file("lr=0.1/p1.parquet", "SELECT 9 AS id, 'another' AS v");
  const b = await file("b.parquet", "SELECT 2 AS id, 'b' AS v");
  for (const strategy of ["merge", "rebase"] as const) {
    const { path, report } = await merged(a, [b], { strategy, keyColumns: ["id"], output: join(dir, `${strategy}.parquet`) });
    expect(report.columns.map(({ name }) => name)).toEqual(["id", "v"]);
    expect(await rowsOf(path)).toEqual(["1|a", "2|b"]);
  }
});

it.each([
  ["an array of rows", '[{"a":1},{"a":2}]\n', "row 1 is no JSON object but array"],
  ["a number among the rows", '{"a":1}\n5\n', "row 2 is no JSON object but ubigint"],
])("JSON lines with %s are refused: all rows became one column", (_what, text, why) => {
  const repo = makeRepository();
  for (const [base, other] of [
    ["a.jsonl", "b.jsonl"],
    ["b.jsonl", "a.jsonl"],
  ] as const) {
    repo.write("a.jsonl", text);
    repo.write("b.jsonl", '{"a":3}\n');
    const { error } = repo.expverJson(["merge", "--base-data", base, other]);
    expect([error?.code, error?.message]).toEqual(["E_DATA", expect.stringContaining(why)]);
    expect([repo.read("a.jsonl"), repo.read("b.jsonl")]).toEqual([text, '{"a":3}\n']);
  }
  repo.write("a.jsonl", '{"json":[1]}\n');
  repo.write("b.jsonl", '{"json":5}\n');
  expect(repo.expver(["merge", "--base-data", "a.jsonl", "b.jsonl"]).code).toBe(0);
  expect(repo.read("a.jsonl")).toBe('{"json":[1]}\n{"json":5}\n');
});

it("TSV is CSV with tabs: merged, from and into other kinds, asked, compared", () => {
  const repo = makeRepository();
  repo.write("a.tsv", "id\tt\n1\tx,y\n");
  repo.write("b.csv", 'id,t\n2,"a\tb"\n');
  expect(repo.expver(["merge", "--base-data", "a.tsv", "b.csv"])).toMatchObject({ code: 0 });
  expect(repo.read("a.tsv")).toBe('id\tt\n1\tx,y\n2\t"a\tb"\n');
  for (const [output, text] of [
    ["c.csv", 'id,t\n1,"x,y"\n2,a\tb\n'],
    ["d.tsv", 'id\tt\n2\t"a\tb"\n1\tx,y\n'],
  ] as const) {
    const [base, other] = output === "c.csv" ? ["a.tsv", "b.csv"] : ["b.csv", "a.tsv"];
    expect(repo.expver(["merge", "--base-data", base, "--output-data", output, other])).toMatchObject({ code: 0 });
    expect(repo.read(output)).toBe(text);
  }
  expect(repo.expverJson(["sql", "--data", "a.tsv", "SELECT t FROM a ORDER BY id"]).data.rows).toEqual([["x,y"], ["a\tb"]]);
  repo.write("one.tsv", "a,b\tc\n1\t2\n");
  expect(repo.expverJson(["sql", "--data", "one.tsv", 'SELECT "a,b" FROM one']).data.rows).toEqual([[1]]);
});

it("a rebase asks first; databases and data go in one call, or neither", () => {
  const repo = makeRepository();
  repo.write("a.csv", "id,x\n1,a\n");
  repo.write("b.csv", "id,x\n1,b\n");
  const args = ["merge", "--base-data", "a.csv", "b.csv", "--strategy", "rebase", "--key-columns", "id"];
  expect(repo.expverJson(args)).toMatchObject({ code: 3, error: { code: "E_CONFIRM" } });
  expect(repo.read("a.csv")).toBe("id,x\n1,a\n");
  expect(repo.expver([...args, "--yes"]).code).toBe(0);
  expect(repo.read("a.csv")).toBe("id,x\n1,b\n");
  expect(repo.expverJson([...args, "--base-db", "none.db", "--exp-db", "none.db"]).code).not.toBe(0);
  expect(existsSync(join(repo.root, "none.db"))).toBe(false);
});
