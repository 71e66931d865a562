/** One read-only question to data files: DuckDB sees these files, and nothing else of the machine. */
import { ExpverError } from "../../errors.ts";
import { quoteName } from "../../platform/sqlite.ts";
import { csvFormOf, readingCsv } from "./csv-form.ts";
import { type DuckDb, fileName, fileText, openDuckDb, sqlText, WITHOUT_FOLDERS } from "./duckdb.ts";
import { refuseWideDecimals } from "./parquet/exact-values.ts";
import { withSpillFolder } from "./spill-folder.ts";

export interface DataTable {
  /** Name in the question. */
  name: string;
  /** What a person calls the file: its bytes may lie in the cache. */
  file: string;
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
  return withSpillFolder("expver-sql-", async (spill) => {
    const db = await openDuckDb({ spill, memory });
    try {
      const files = tables.map((table) => ({ ...table, ...sourceOf(table, spill) }));
      for (const { name, source, asText, ...table } of files) {
        if (table.kind === "parquet") await refuseWideDecimals(db, { path: table.path, name: table.file });
        try {
          await db.run(`CREATE VIEW ${quoteName(name)} AS SELECT * FROM ${source}`);
        } catch (error) {
          // Whoever guesses the types of cells does not say which line is none.
          if (asText !== null) await db.rows(`SELECT count(*) FROM ${asText}`);
          throw error;
        }
      }
      await close(
        db,
        files.map(({ reads }) => reads),
      );
      return await ask(db, sql, limit);
    } catch (error) {
      if (error instanceof ExpverError) throw error;
      throw notTaken(error instanceof Error ? error.message : String(error), tables);
    } finally {
      db.close();
    }
  });
}

async function ask(db: DuckDb, sql: string, limit: number): Promise<DataAnswer> {
  await requireQuestion(db, sql);
  const described = await db.rows(`DESCRIBE ${sql}`);
  const rows = await db.arrays(`SELECT * FROM (${sql}\n) LIMIT ${limit}`);
  const whole = described.map(({ column_type: type }) => /^U?(?:BIG|HUGE)INT$/.test(String(type)));
  return {
    columns: described.map(({ column_name: name }) => String(name)),
    rows: rows.map((row) => row.map((value, index) => plain(value, whole[index] === true))),
  };
}

/** Those that make rows out of nothing but their arguments. Others write logs and profiles, read files, or run texts as statements. */
const HARMLESS = new Set(["range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"]);

/**
 * DuckDB runs every statement of a text, and a file that may be read may be written, too: what is asked is one SELECT by DuckDB's own
 * parser, whatever quotes and comments make of it.
 */
async function requireQuestion(db: DuckDb, sql: string): Promise<void> {
  const [row] = await db.rows("SELECT json_serialize_sql($1::VARCHAR) AS tree", [sql]);
  const tree = JSON.parse(String(row?.tree)) as { error: boolean; error_message?: string; statements?: unknown[] };
  if (tree.error) throw new Error(tree.error_message ?? "no statement");
  if (tree.statements?.length !== 1) throw new Error("more than one statement");
  const odd = tableFunctions(tree.statements).find((name) => !HARMLESS.has(name));
  if (odd !== undefined) throw new Error(`the table function ${odd} is not for questions`);
}

function tableFunctions(tree: unknown): string[] {
  if (typeof tree !== "object" || tree === null) return [];
  const node = tree as { type?: unknown; function?: { function_name?: unknown } };
  const own = node.type === "TABLE_FUNCTION" ? [String(node.function?.function_name).toLowerCase()] : [];
  return [...own, ...Object.values(tree).flatMap(tableFunctions)];
}

function notTaken(reason: string, tables: readonly DataTable[]): ExpverError {
  return new ExpverError("E_USAGE", `DuckDB does not take that question: ${reason}`, {
    hint: `Tables: ${tables.map(({ name }) => quoteName(name)).join(", ")}.`,
  });
}

/** From here on no other file, no network, no extension, and no way to change that. */
async function close(db: DuckDb, paths: readonly string[]): Promise<void> {
  // It is asked for the one by the other's name.
  const allowed = paths.flatMap((path) => [path, fileName(path)]);
  await db.run(`SET allowed_paths = [${allowed.map(sqlText).join(", ")}]`);
  await db.run("SET enable_external_access = false");
  await db.run("SET lock_configuration = true");
}

function sourceOf({ file, path, kind }: DataTable, spill: string): { source: string; asText: string | null; reads: string } {
  if (kind === "csv") {
    const form = csvFormOf({ path, name: file }, spill);
    return { source: readingCsv(form, { typed: true }), asText: readingCsv(form), reads: form.path };
  }
  const source =
    kind === "json"
      ? `read_json(${fileText(path)}, format = 'newline_delimited', ${WITHOUT_FOLDERS})`
      : `read_parquet(${fileText(path)}, ${WITHOUT_FOLDERS})`;
  return { source, asText: null, reads: path };
}

/** Wide integers come as text; those that a number holds exactly become one. */
function plain(value: unknown, isWhole: boolean): string | number | boolean | null {
  if (isWhole && typeof value === "string" && Number.isSafeInteger(Number(value))) return Number(value);
  if (value === null || typeof value === "number" || typeof value === "boolean" || typeof value === "string") return value;
  return JSON.stringify(value);
}
