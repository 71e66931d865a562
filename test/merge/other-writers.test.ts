/** Parquet files of pyarrow that DuckDB reads otherwise than they are: refused where values would become others. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { compareTables } from "../../src/merge/data/compare-data.ts";
import { commitDataMerge, prepareDataMerge } from "../../src/merge/data/merge-data.ts";
import { queryData } from "../../src/merge/data/query-data.ts";
import type { DataReport } from "../../src/merge/data/types.ts";
import { makeFolder } from "../support/repository.ts";

const theirs = (name: string) => join(import.meta.dirname, "other-writers", `${name}.parquet`);

async function merged(base: string, source: string, { allowWiden = false } = {}): Promise<{ path: string; report: DataReport }> {
  const path = join(makeFolder("writers"), "out.parquet");
  const rules = { strategy: "merge", keyColumns: ["id"], matchNullKeys: false, onConflict: undefined, allowWiden } as const;
  const prepared = await prepareDataMerge({
    base: { path: theirs(base), name: base },
    sources: [{ path: theirs(source), name: source }],
    output: path,
    ...rules,
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
