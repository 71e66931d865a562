/** Data files merged and rebased by key, on random rows, columns and sources, against the contract in a few plain lines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commitDataMerge, prepareDataMerge } from "../../src/merge/data/merge-data.ts";
import type { DataMerge } from "../../src/merge/data/types.ts";
import { makeFolder } from "../support/repository.ts";

type Row = Record<"id" | "x" | "Order", string | null>;
interface Content {
  /** Columns beside `id`, in the file's order. */
  columns: ("x" | "Order")[];
  rows: Row[];
}

/** Times as many cases as usual: `EXPVER_MORE_CASES=10`. */
const MORE = Number(process.env.EXPVER_MORE_CASES ?? 1);
const dir = makeFolder("algebra");
let db: Awaited<ReturnType<DuckDBInstance["connect"]>>;
let count = 0;
beforeAll(async () => {
  db = await (await DuckDBInstance.create()).connect();
});
afterAll(() => db.closeSync());

const cell = fc.constantFrom(null, "a", "b", 'it\'s, "so"');
const contents = (id: fc.Arbitrary<string | null>, unique: boolean): fc.Arbitrary<Content> =>
  fc.uniqueArray(fc.constantFrom("x" as const, "Order" as const), { maxLength: 2 }).chain((columns) => {
    const row = fc.record({
      id,
      x: columns.includes("x") ? cell : fc.constant(null),
      Order: columns.includes("Order") ? cell : fc.constant(null),
    });
    const selector = ({ id: key }: Row) => key ?? Symbol("none");
    const rows = unique ? fc.uniqueArray(row, { selector, maxLength: 6 }) : fc.array(row, { maxLength: 6 });
    return rows.map((some) => ({ columns, rows: some }));
  });
const ID = fc.constantFrom("1", "2", "3", null);

async function write({ columns, rows }: Content, kind: "parquet" | "csv"): Promise<string> {
  count += 1;
  const path = join(dir, `${String(count).padStart(6, "0")}.${kind}`);
  const names = ["id" as const, ...columns];
  const literal = (value: string | null) => (value === null ? "NULL" : `'${value.replaceAll("'", "''")}'`);
  const values = rows.map((row) => `(${names.map((name) => `${literal(row[name])}::VARCHAR`).join(", ")})`);
  const list = names.map((name) => `"${name}"`).join(", ");
  const empty = names.map((name) => `NULL::VARCHAR AS "${name}"`).join(", ");
  const query = values.length === 0 ? `SELECT ${empty} WHERE false` : `SELECT * FROM (VALUES ${values.join(", ")}) t(${list})`;
  await db.run(`COPY (${query}) TO '${path}' (${kind === "csv" ? "FORMAT csv, HEADER true" : "FORMAT parquet"})`);
  return path;
}

async function read(path: string): Promise<Content> {
  const from = path.endsWith("csv")
    ? "read_csv($1, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
    : "read_parquet($1)";
  const reader = await db.runAndReadAll(`SELECT * FROM ${from}`, [path]);
  const rows = reader.getRowObjectsJson() as unknown as Partial<Row>[];
  const columns = reader.columnNames().filter((name) => name !== "id") as Content["columns"];
  return { columns, rows: rows.map((row) => ({ id: null, x: null, Order: null, ...row })) };
}

async function merged(base: string, sources: string[], rules: Partial<DataMerge>): Promise<string> {
  count += 1;
  const output = join(dir, `out-${count}${base.slice(base.lastIndexOf("."))}`);
  const named = (path: string) => ({ path, name: path });
  commitDataMerge(
    await prepareDataMerge({
      base: named(base),
      sources: sources.map(named),
      output,
      strategy: "merge",
      keyColumns: ["id"],
      matchNullKeys: false,
      onConflict: undefined,
      allowWiden: false,
      ...rules,
    }),
  );
  return output;
}

const textOf = ({ rows }: Content) => rows.map(({ id, x, Order }) => JSON.stringify([id, x, Order])).sort();

/** Of each whole row the greatest number of times a side has it. */
function atMost(sides: Row[][]): Row[] {
  const rows = new Map<string, { row: Row; times: number }>();
  for (const side of sides) {
    const own = new Map<string, number>();
    for (const row of side) {
      const text = JSON.stringify(row);
      own.set(text, (own.get(text) ?? 0) + 1);
      rows.set(text, { row, times: Math.max(rows.get(text)?.times ?? 0, own.get(text) ?? 0) });
    }
  }
  return [...rows.values()].flatMap(({ row, times }) => Array<Row>(times).fill(row));
}

/** What a merge by key should hold; null: two values of one cell. */
function mergedByKey(sides: Content[], wins: "ours" | "theirs" | undefined): Content | null {
  const byId = new Map<string, Row>();
  for (const { rows } of sides) {
    for (const row of rows) {
      if (row.id === null) continue;
      const there = byId.get(row.id) ?? { id: row.id, x: null, Order: null };
      for (const name of ["x", "Order"] as const) {
        const [mine, other] = [there[name], row[name]];
        if (mine !== null && other !== null && mine !== other && wins === undefined) return null;
        there[name] = wins === "theirs" ? (other ?? mine) : (mine ?? other);
      }
      byId.set(row.id, there);
    }
  }
  const keyless = atMost(sides.map(({ rows }) => rows.filter(({ id }) => id === null)));
  return { columns: [...new Set(sides.flatMap(({ columns }) => columns))], rows: [...byId.values(), ...keyless] };
}

function rebased(sides: Content[], matchNullKeys: boolean): Row[] {
  const [base, ...sources] = sides.map(({ rows }) => rows);
  let now = base ?? [];
  for (const source of sources) {
    const keys = new Set(source.map(({ id }) => id));
    if (!matchNullKeys) keys.delete(null);
    const kept = now.filter(({ id }) => !keys.has(id));
    const whole = source.filter(({ id }) => keys.has(id));
    const keyless = atMost([kept, source].map((rows) => rows.filter(({ id }) => id === null && !keys.has(null))));
    now = [...kept.filter(({ id }) => id !== null), ...whole, ...keyless];
  }
  return now;
}

describe.each(["parquet", "csv"] as const)("%s", (kind) => {
  const three = (id: typeof ID, unique: boolean) => fc.tuple(contents(id, unique), contents(id, unique), contents(id, unique));
  const written = async (sides: Content[]) => {
    const paths: string[] = [];
    for (const side of sides) paths.push(await write(side, kind));
    return paths as [string, string, string];
  };

  it(
    "by key: every row, column and value of all, in any order; itself and repeating change nothing; two values are refused",
    async () => {
      await fc.assert(
        fc.asyncProperty(three(ID, true), fc.constantFrom(undefined, "ours" as const, "theirs" as const), async (sides, onConflict) => {
          const [a, b, c] = await written(sides);
          expect(textOf(await read(await merged(a, [await write(sides[0], kind)], {})))).toEqual(textOf(sides[0]));
          const expected = mergedByKey(sides, onConflict);
          if (expected === null) {
            await expect(merged(a, [b, c], {})).rejects.toMatchObject({ code: "E_CONFLICT" });
            await expect(merged(a, [c, b], {})).rejects.toMatchObject({ code: "E_CONFLICT" });
            return;
          }
          const path = await merged(a, [b, c], { onConflict });
          const result = await read(path);
          expect(textOf(result)).toEqual(textOf(expected));
          expect(result.columns.toSorted()).toEqual(expected.columns.toSorted());
          expect(result.columns.slice(0, sides[0].columns.length)).toEqual(sides[0].columns);
          if (onConflict === undefined) expect(readFileSync(await merged(a, [c, b], {}))).toEqual(readFileSync(path));
          if (onConflict !== "theirs") expect(textOf(await read(await merged(path, [b, c], { onConflict })))).toEqual(textOf(result));
        }),
        { numRuns: 25 * MORE },
      );
    },
    240_000 * MORE,
  );

  it(
    "rebase leaves exactly the keys' rows of the last source; NULL keys as asked; repeating changes nothing",
    async () => {
      await fc.assert(
        fc.asyncProperty(three(ID, false), fc.boolean(), async (sides, matchNullKeys) => {
          const [a, b, c] = await written(sides);
          const rules = { strategy: "rebase", matchNullKeys } as const;
          const path = await merged(a, [b, c], rules);
          const result = await read(path);
          expect(textOf(result)).toEqual(textOf({ columns: [], rows: rebased(sides, matchNullKeys) }));
          expect(readFileSync(await merged(path, [b, c], rules))).toEqual(readFileSync(path));
        }),
        { numRuns: 25 * MORE },
      );
    },
    240_000 * MORE,
  );
});
