/** Parquet files of pyarrow that DuckDB reads otherwise than they are: refused where values would become others. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import { compareTables } from "../../src/merge/data/compare-data.ts";
import { commitDataMerge, prepareDataMerge } from "../../src/merge/data/merge-data.ts";
import { queryData } from "../../src/merge/data/query-data.ts";
import type { DataReport } from "../../src/merge/data/types.ts";
import { makeFolder } from "../support/repository.ts";

const theirs = (name: string) => join(import.meta.dirname, "other-writers", `${name}.parquet`);

const named = (path: string) => ({ path, name: path });
const rules = { strategy: "merge", keyColumns: ["id"], matchNullKeys: false, onConflict: undefined, allowWiden: false } as const;

async function merged(base: string, source: string, { allowWiden = false } = {}): Promise<{ path: string; report: DataReport }> {
  const path = join(makeFolder("writers"), "out.parquet");
  const prepared = await prepareDataMerge({
    ...rules,
    base: named(theirs(base)),
    sources: [named(theirs(source))],
    output: path,
    allowWiden,
  });
  commitDataMerge(prepared);
  return { path, report: prepared.report };
}

const momentsOf = (path: string) =>
  queryData([{ name: "t", file: "t", path, kind: "parquet" }], "SELECT epoch_us(moment)::VARCHAR FROM t ORDER BY id", {
    limit: 9,
    memory: "1GB",
  });

it("nanoseconds that a merge would cut off are refused, unless that is allowed; whole microseconds go through", async () => {
  for (const end of ["", "-96"]) {
    await expect(merged(`nanoseconds${end}`, `microseconds${end}`)).rejects.toMatchObject({
      code: "E_SCHEMA",
      details: { column: "moment" },
    });
    await expect(merged(`microseconds${end}`, `nanoseconds${end}`)).rejects.toMatchObject({ code: "E_SCHEMA" });
    const { path } = await merged(`microseconds${end}`, `microseconds${end}`);
    expect((await momentsOf(path)).rows).toEqual([["-1"], [null], ["1700000000000001"]]);
    const cut = await merged(`nanoseconds${end}`, `nanoseconds${end}`, { allowWiden: true });
    expect(cut.report.after).toBe(3);
  }
});

it("decimals of more digits than DuckDB has are refused wherever they would be read as other numbers", async () => {
  const refused = { code: "E_SCHEMA", details: { column: "wide" } };
  await expect(merged("decimals", "decimals", { allowWiden: true })).rejects.toMatchObject(refused);
  const path = theirs("decimals");
  const copy = join(makeFolder("decimals"), "copy.parquet");
  copyFileSync(path, copy);
  await expect(compareTables({ before: path, after: copy, name: "t.parquet", key: [] })).rejects.toMatchObject(refused);
  const table = { name: "t", file: "t.parquet", path, kind: "parquet" } as const;
  await expect(queryData([table], "SELECT * FROM t", { limit: 1, memory: "1GB" })).rejects.toMatchObject(refused);
});

it("a column of None alone takes the type that another file has for it", async () => {
  const dir = makeFolder("none");
  const db = await (await DuckDBInstance.create()).connect();
  const types = { list: "[1, NULL]", text: "'x'", struct: "{'a': 1}", whole: "5" };
  for (const [name, value] of Object.entries(types)) {
    const other = join(dir, `${name}.parquet`);
    await db.run(`COPY (SELECT 2::BIGINT AS id, ${value} AS none) TO '${other}' (FORMAT parquet)`);
    for (const [base, source] of [
      [theirs("none"), other],
      [other, theirs("none")],
    ] as const) {
      const path = join(dir, "out.parquet");
      commitDataMerge(await prepareDataMerge({ ...rules, base: named(base), sources: [named(source)], output: path }));
      const rows = await db.runAndReadAll(`SELECT id::INT AS id, none FROM '${path}' ORDER BY id`);
      const expected = await db.runAndReadAll(`SELECT 1 AS id, NULL AS none UNION ALL SELECT 2, ${value}`);
      expect(rows.getRowsJson()).toEqual(expected.getRowsJson());
    }
  }
  expect((await merged("none", "none")).report.after).toBe(1);
  db.closeSync();
});
