/** What of a parquet file stays byte for byte when it grows; and the end of such a file, read and written. */
import { closeSync, cpSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { commitDataMerge, prepareDataMerge } from "../../src/merge/data/merge-data.ts";
import { decodeStruct, encodeStruct, type Field, type Struct } from "../../src/merge/data/parquet/compact-protocol.ts";
import { addedColumns, CHUNK, chunksOf, FACTS, type Footer, factsOf, numberOf, readFooter } from "../../src/merge/data/parquet/footer.ts";
import { copyGroups, type KeptGroups, keepGroups, writeBehind } from "../../src/merge/data/parquet/keep-row-groups.ts";
import type { DataMerge } from "../../src/merge/data/types.ts";
import { makeFolder } from "../support/repository.ts";

let dir: string;
let db: Awaited<ReturnType<DuckDBInstance["connect"]>>;
beforeAll(async () => {
  db = await (await DuckDBInstance.create()).connect();
});
afterAll(() => db.closeSync());
beforeEach(() => {
  dir = makeFolder("groups");
});

const GROUPS = "FORMAT parquet, ROW_GROUP_SIZE 2048";

async function file(name: string, sql: string, options = "FORMAT parquet"): Promise<string> {
  const path = join(dir, name);
  await db.run(`COPY (${sql}) TO '${path}' (${options})`);
  return path;
}

async function query(sql: string): Promise<unknown[]> {
  return (await db.runAndReadAll(sql)).getRowObjectsJson();
}

async function merged(base: string, source: string, rules: Partial<DataMerge> = {}): Promise<{ path: string; changes: boolean }> {
  const path = join(dir, "out.parquet");
  const whole = { base: { path: base, name: base }, sources: [{ path: source, name: source }], output: path, onConflict: undefined };
  const prepared = await prepareDataMerge({
    ...whole,
    strategy: "merge",
    keyColumns: [],
    matchNullKeys: false,
    allowWiden: false,
    ...rules,
  });
  commitDataMerge(prepared);
  return { path, changes: prepared.changes };
}

/** How many of the first row groups of both have the same bytes at the same place. */
function sameGroups(one: string, other: string): number {
  const [ours, theirs] = [readFooter(one)?.groups ?? [], readFooter(other)?.groups ?? []];
  const bytes = (path: string, chunk: Struct) => {
    const at = numberOf(factsOf(chunk), FACTS.dictionaryPage) || numberOf(factsOf(chunk), FACTS.dataPage);
    return readFileSync(path)
      .subarray(at, at + numberOf(factsOf(chunk), FACTS.size))
      .toString("base64");
  };
  const isSame = (index: number) =>
    chunksOf(ours[index] as Struct).every(
      (chunk, column) => bytes(one, chunk) === bytes(other, chunksOf(theirs[index] as Struct)[column] as Struct),
    );
  let same = 0;
  while (same < Math.min(ours.length, theirs.length) && isSame(same)) same += 1;
  return same;
}

const rowCounts = (path: string) =>
  query(`SELECT any_value(row_group_num_rows)::INT AS n FROM parquet_metadata('${path}') GROUP BY row_group_id ORDER BY row_group_id`);

it("a merge leaves full row groups as they are and fills up the last one; repeated, nothing changes", async () => {
  const a = await file("a.parquet", "SELECT range AS id, 'x' || range % 9 AS x FROM range(5000)", GROUPS);
  const b = await file("b.parquet", "SELECT range + 4000 AS id, 'x' || (range + 4000) % 9 AS x FROM range(2500)");
  const { path } = await merged(a, b);
  expect(sameGroups(a, path)).toBe(2);
  expect(await rowCounts(path)).toEqual([{ n: 2048 }, { n: 2048 }, { n: 2404 }]);
  const wrong = `SELECT count(*)::INT AS n FROM read_parquet('${path}', file_row_number = true) WHERE id <> file_row_number OR x <> 'x' || id % 9`;
  expect(await query(wrong)).toEqual([{ n: 0 }]);
  expect(await query(`SELECT count(*)::INT AS n, max(id)::INT AS most FROM '${path}' WHERE x = 'x3'`)).toEqual([{ n: 722, most: 6492 }]);
  expect(await merged(path, b)).toMatchObject({ changes: false });
});

it("a rebase leaves the row groups before the first row that goes", async () => {
  const a = await file("a.parquet", "SELECT range AS id, 'a' AS x FROM range(8192)", GROUPS);
  const b = await file("b.parquet", "SELECT unnest([5000, 9000]) AS id, 'b' AS x");
  const { path } = await merged(a, b, { strategy: "rebase", keyColumns: ["id"] });
  expect(sameGroups(a, path)).toBe(2);
  expect(await query(`SELECT count(*)::INT AS n, sum(id)::INT AS ids FROM '${path}' WHERE x = 'a'`)).toEqual([
    { n: 8191, ids: (8191 * 8192) / 2 - 5000 },
  ]);
  expect(await query(`SELECT id::INT AS id FROM '${path}' LIMIT 2 OFFSET 8191`)).toEqual([{ id: 5000 }, { id: 9000 }]);
});

it("row groups stay when columns are added: they have no value in these", async () => {
  const a = await file("a.parquet", "SELECT range AS id FROM range(5000)", `${GROUPS}, KV_METADATA {"ARROW:schema": 'old', origin: 'lab'}`);
  const b = await file("b.parquet", "SELECT unnest([4999, 7000]) AS id, 'new' AS s, 0.5::DOUBLE AS x");
  const { path } = await merged(a, b, { strategy: "rebase", keyColumns: ["id"] });
  expect(sameGroups(a, path)).toBe(2);
  expect(await query(`SELECT count(*)::INT AS n, count(s)::INT AS s, count(x)::INT AS x, sum(id)::INT AS ids FROM '${path}'`)).toEqual([
    { n: 5001, s: 2, x: 2, ids: (4999 * 5000) / 2 + 7000 },
  ]);
  expect(await query(`SELECT id::INT AS id, s, x FROM '${path}' WHERE s = 'new' OR id = 3`)).toEqual([
    { id: 3, s: null, x: null },
    { id: 4999, s: "new", x: 0.5 },
    { id: 7000, s: "new", x: 0.5 },
  ]);
  expect(await query(`SELECT decode(key) AS key FROM parquet_kv_metadata('${path}')`)).toEqual([{ key: "origin" }]);
  const nested = await merged(a, await file("c.parquet", "SELECT 7000 AS id, [1] AS l"));
  expect(await query(`SELECT count(*)::INT AS n, count(l)::INT AS l FROM '${nested.path}'`)).toEqual([{ n: 5001, l: 1 }]);
});

it("what several files hold of the columns becomes what one writer of all would have written, filters too", async () => {
  const a = await file("a.parquet", "SELECT range AS id, 'x' AS x, 0.5::DOUBLE AS f, 'y' AS y FROM range(5000)", GROUPS);
  const rows = "(SELECT range AS id, 'x' || range % 9 AS x, range / 7 AS f, 'y' || range % 5 AS y FROM range(5000))";
  const whole = await file("whole.parquet", `SELECT * FROM ${rows}`, GROUPS);
  const parts = [
    await file("one.parquet", `SELECT id, x FROM ${rows}`, GROUPS),
    await file("two.parquet", `SELECT f, y FROM ${rows}`, GROUPS),
  ];
  const base = keepGroups({ path: a, footer: readFooter(a) as Footer }, { before: 5000 }) as KeptGroups;
  const written = (paths: string[]) => {
    const to = join(dir, "to.parquet");
    const descriptor = openSync(to, "w");
    copyGroups(descriptor, base);
    const fits = writeBehind(descriptor, { base, added: [], more: paths.map((path) => ({ path, footer: readFooter(path) as Footer })) });
    closeSync(descriptor);
    return { fits, bytes: readFileSync(to).toString("base64") };
  };
  const together = written(parts);
  expect(together).toEqual(written([whole]));
  expect(
    chunksOf(readFooter(join(dir, "to.parquet"))?.groups[3] as Struct).filter((chunk) => factsOf(chunk).has(FACTS.bloomFilter)),
  ).toHaveLength(2);
  expect(
    await query(
      `SELECT count(*)::INT AS n, count(DISTINCT id)::INT AS ids, max(f)::INT AS f FROM '${dir}/to.parquet' WHERE x = 'x3' AND y = 'y3'`,
    ),
  ).toEqual([{ n: 112, ids: 112, f: 714 }]);
  const other = await file("other.parquet", `SELECT f, y FROM ${rows}`, "FORMAT parquet, ROW_GROUP_SIZE 4096");
  expect(written([parts[0] as string, other])).toEqual({ fits: false, bytes: readFileSync(a).subarray(0, base.end).toString("base64") });
});

it("many rows of many columns are written by several writers, and stand as they stood", async () => {
  const cells = Array.from({ length: 12 }, (_, index) => `range * ${index + 1} AS c${index}`).join(", ");
  const a = await file("a.parquet", `SELECT ${cells} FROM range(70000)`, GROUPS);
  const b = await file("b.parquet", `SELECT ${cells}, 'n' || range AS n FROM range(60000, 110000)`);
  const { path } = await merged(a, b, { strategy: "rebase", keyColumns: ["c0"] });
  expect(sameGroups(a, path)).toBe(29);
  const wrong = Array.from({ length: 12 }, (_, index) => `c${index} <> file_row_number * ${index + 1}`).join(" OR ");
  const named = "CASE WHEN c0 >= 60000 THEN 'n' || c0 END";
  expect(
    await query(
      `SELECT count(*)::INT AS n, count(*) FILTER (WHERE ${wrong} OR n IS DISTINCT FROM ${named})::INT AS wrong FROM read_parquet('${path}', file_row_number = true)`,
    ),
  ).toEqual([{ n: 110_000, wrong: 0 }]);
  expect(await merged(path, b, { output: path })).toMatchObject({ changes: false });
});

it("columns that DuckDB would store in another way are written anew", async () => {
  const a = await file("a.parquet", "SELECT range AS id, '2026-01-01 00:00:00.5'::TIMESTAMP_MS AS t FROM range(5000)", GROUPS);
  const b = await file("b.parquet", "SELECT 9000 AS id, '2026-01-01 00:00:00.123456'::TIMESTAMP AS t");
  const { path } = await merged(a, b);
  expect(sameGroups(a, path)).toBe(0);
  expect(await query(`SELECT t::VARCHAR AS t, count(*)::INT AS n FROM '${path}' GROUP BY t ORDER BY t DESC`)).toEqual([
    { t: "2026-01-01 00:00:00.5", n: 5000 },
    { t: "2026-01-01 00:00:00.123456", n: 1 },
  ]);
});

// Written by pyarrow 26: three row groups of 20 rows, an index of pages behind them, the order of each group said.
const PYARROW = join(import.meta.dirname, "page-index.parquet");

it("a base that nothing is added to is left as it is, however it was written", async () => {
  const a = join(dir, "a.parquet");
  cpSync(PYARROW, a);
  const b = await file("b.parquet", "SELECT 1 AS id, 'name 1' AS s");
  const { path } = await merged(a, b);
  expect(readFileSync(path).equals(readFileSync(PYARROW))).toBe(true);
  expect(await merged(a, b, { output: a })).toMatchObject({ changes: false });
});

it("a file of another writer keeps its row groups and what they say of their order, without the indexes that lay behind them", async () => {
  const a = join(dir, "a.parquet");
  cpSync(PYARROW, a);
  const b = await file("b.parquet", "SELECT unnest([1, 60]) AS id, 'name 1' AS s");
  const { path } = await merged(a, b);
  expect(sameGroups(a, path)).toBe(2);
  const groups = readFooter(path)?.groups ?? [];
  expect(groups.map((group) => group.has(4))).toEqual([true, true, false]);
  expect(groups.flatMap(chunksOf).some((chunk) => chunk.has(CHUNK.offsetIndex) || chunk.has(CHUNK.columnIndex))).toBe(false);
  expect(await query(`SELECT count(*)::INT AS n, sum(id)::INT AS ids, count(s)::INT AS s FROM '${path}'`)).toEqual([
    { n: 61, ids: 1830, s: 52 },
  ]);
});

it("where only the end of what comes behind is too large to be worth reading, all is written anew", async () => {
  const based = (note: string) => file("a.parquet", "SELECT range AS id FROM range(3000)", `${GROUPS}, KV_METADATA {note: '${note}'}`);
  const room = 4_000_000 - footerOf(await based("x")).length;
  const a = await based("x".repeat(room - 100));
  expect(readFooter(a)).not.toBeNull();
  const b = await file("b.parquet", "SELECT range + 3000 AS id FROM range(20000)");
  const { path } = await merged(a, b);
  expect(await query(`SELECT count(*)::INT AS n, sum(id)::INT AS ids FROM '${path}'`)).toEqual([{ n: 23_000, ids: (22_999 * 23_000) / 2 }]);
});

it("the end of a file is written as it was read", async () => {
  for (const path of [PYARROW, await file("a.parquet", "SELECT range AS id, [range] AS l, {a: range} AS s FROM range(5000)", GROUPS)]) {
    const footer = footerOf(path);
    expect(encodeStruct(decodeStruct(footer)).equals(footer)).toBe(true);
    for (const length of [0, 1, footer.length >> 1, footer.length - 1])
      expect(() => decodeStruct(footer.subarray(0, length))).toThrow(RangeError);
  }
});

it("whatever the end of a file says, it is read or left", async () => {
  const path = await file("a.parquet", "SELECT range AS id, [range] AS l FROM range(5000)", `${GROUPS}, KV_METADATA {note: 'x'}`);
  const [whole, { length }] = [readFileSync(path), footerOf(path)];
  const good = readFooter(path) as Footer;
  const spoilt = join(dir, "spoilt.parquet");
  const change = fc.tuple(fc.integer({ min: whole.length - 8 - length, max: whole.length - 1 }), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      writeFileSync(spoilt, bytes);
      const footer = readFooter(spoilt);
      if (footer === null) return;
      addedColumns(good, footer);
      addedColumns(footer, good);
      keepGroups({ path: spoilt, footer }, { before: 5000 });
    }),
    { numRuns: 3000 },
  );
});

it("any struct is read as it was written", () => {
  const { struct } = fc.letrec<{ struct: Struct; field: Field }>((tie) => ({
    field: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.record({ type: fc.constantFrom(4, 5, 6), value: fc.oneof(fc.integer(), fc.constantFrom(2 ** 51, -(2 ** 51))) }),
      fc.boolean().map((value) => ({ type: value ? 1 : 2, value })),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ type: 8, value: Buffer.from(bytes) })),
      fc.array(fc.boolean(), { maxLength: 20 }).map((items) => ({ type: 9, value: { of: 1, items } })),
      fc.array(tie("struct"), { maxLength: 20 }).map((items) => ({ type: 9, value: { of: 12, items } })),
      tie("struct").map((value) => ({ type: 12, value })),
    ),
    struct: fc
      .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 300 }), tie("field")), { maxLength: 5, selector: ([id]) => id })
      .map((fields) => new Map([...fields].sort(([one], [other]) => one - other))),
  }));
  fc.assert(fc.property(struct, (one) => void expect(decodeStruct(encodeStruct(one))).toEqual(one)));
});

function footerOf(path: string): Buffer {
  const bytes = readFileSync(path);
  const end = bytes.length - 8;
  return bytes.subarray(end - bytes.readUInt32LE(end), end);
}
