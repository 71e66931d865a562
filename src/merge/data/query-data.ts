/** One read-only question to data files: DuckDB sees these files, and nothing else of the machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quoteName } from "../../platform/sqlite.ts";
import { sqlText } from "./data-file.ts";
import { type DuckDb, openDuckDb } from "./duckdb.ts";

export interface DataTable {
  /** Name in the question. */
  name: string;
  /** Absolute. */
  path: string;
  kind: "parquet" | "csv" | "json";
}

export interface DataAnswer {
  columns: string[];
  rows: (string | number | boolean | null)[][];
}

/** At most `limit` rows. Throws E_USAGE for a question DuckDB refuses, E_NO_DUCKDB. */
export async function queryData(
  tables: readonly DataTable[],
  sql: string,
  { limit, memory }: { limit: number; memory: string },
): Promise<DataAnswer> {
  const spill = mkdtempSync(join(tmpdir(), "expver-sql-"));
  try {
    const db = await openDuckDb({ spill, memory });
    try {
      for (const table of tables) await db.run(`CREATE VIEW ${quoteName(table.name)} AS SELECT * FROM ${source(table)}`);
      await close(db, tables);
      const described = await db.rows(`DESCRIBE ${sql}`);
      const columns = described.map(({ column_name: name }) => String(name));
      const rows = await db.rows(`SELECT * FROM (${sql}\n) LIMIT ${limit}`);
      const whole = described.map(({ column_type: type }) => /^U?(?:BIG|HUGE)INT$/.test(String(type)));
      return { columns, rows: rows.map((row) => Object.values(row).map((value, index) => plain(value, whole[index] === true))) };
    } finally {
      db.close();
    }
  } finally {
    rmSync(spill, { recursive: true, force: true });
  }
}

/** From here on no other file, no network, no extension, and no way to change that. */
async function close(db: DuckDb, tables: readonly DataTable[]): Promise<void> {
  await db.run(`SET allowed_paths = [${tables.map(({ path }) => sqlText(path)).join(", ")}]`);
  await db.run("SET enable_external_access = false");
  await db.run("SET lock_configuration = true");
}

function source({ path, kind }: DataTable): string {
  if (kind === "json") return `read_json(${sqlText(path)}, format = 'newline_delimited')`;
  return kind === "parquet" ? `read_parquet(${sqlText(path)})` : `read_csv(${sqlText(path)}, header = true)`;
}

/** Wide integers come as text; those that a number holds exactly become one. */
function plain(value: unknown, isWhole: boolean): string | number | boolean | null {
  if (isWhole && typeof value === "string" && Number.isSafeInteger(Number(value))) return Number(value);
  if (value === null || typeof value === "number" || typeof value === "boolean" || typeof value === "string") return value;
  return JSON.stringify(value);
}
