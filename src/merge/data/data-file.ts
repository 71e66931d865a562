/** A file of rows: parquet, CSV whose cells stay the text they are, JSON lines. */
import { extname } from "node:path";
import { ExpverError } from "../../errors.ts";
import { type CsvForm, csvFormOf, isTabbed, readingCsv } from "./csv-form.ts";
import { type DuckDb, fileName, fileText, sqlText, WITHOUT_FOLDERS } from "./duckdb.ts";
import { emptyColumns } from "./parquet/exact-values.ts";
import { LEAST_ROWS } from "./parquet/keep-row-groups.ts";

export interface DataFile {
  /** Absolute. */
  path: string;
  /** What a person calls it. */
  name: string;
  /** "typed json": JSON lines that meet a file of another kind, so that their values need types. */
  kind: "parquet" | "csv" | "json" | "typed json";
  columns: DataColumn[];
  /** Of a CSV file. */
  csv?: CsvForm;
}

export interface DataColumn {
  name: string;
  /** DuckDB's name of the type. */
  type: string;
}

/** DuckDB's type of what is NULL everywhere. */
export const WITHOUT_VALUES = '"NULL"';

export function isDataFile(path: string): boolean {
  return /\.(?:parquet|csv|tsv|jsonl|ndjson)$/i.test(path);
}

/** `spill`: folder for what is read in its stead. Throws E_USAGE for another kind of file, E_DATA for a file that is not what its name says. */
export async function readDataFile(
  db: DuckDb,
  { path, name }: { path: string; name: string },
  { typed = true, spill }: { typed?: boolean; spill: string },
): Promise<DataFile> {
  const own = kindOf(path);
  const kind = typed && own === "json" ? "typed json" : own;
  if (kind === "csv") {
    const csv = csvFormOf({ path, name }, spill);
    return { path, name, kind, csv, columns: csv.names.map((column) => ({ name: column, type: "VARCHAR" })) };
  }
  const columns = await db.rows(`DESCRIBE SELECT * FROM ${reading({ path, kind })}`);
  // So DuckDB calls the one column of lines that are not all objects, and all their names are within it.
  if (own === "json" && columns.some(({ column_name: column }) => column === "json")) {
    await requireObjects(db, { path, name });
    if (await hasNoRows(db, { path, kind })) return { path, name, kind, columns: [] };
  }
  const empty = kind === "parquet" ? await emptyColumns(db, path) : new Set();
  const typeOf = (type: unknown, index: number) => (empty.has(index) ? WITHOUT_VALUES : String(type));
  return {
    path,
    name,
    kind,
    columns: columns.map(({ column_name, column_type }, index) => ({ name: String(column_name), type: typeOf(column_type, index) })),
  };
}

async function hasNoRows(db: DuckDb, file: Pick<DataFile, "path" | "kind">): Promise<boolean> {
  return (await db.rows(`SELECT 1 FROM ${reading(file)} LIMIT 1`)).length === 0;
}

/** Throws E_DATA for lines of JSON that name no columns. */
async function requireObjects(db: DuckDb, { path, name }: { path: string; name: string }): Promise<void> {
  const rows = `SELECT json_type(json) AS type, row_number() OVER () AS row FROM read_ndjson_objects(${fileText(path)})`;
  const [other] = await db.rows(`SELECT type, row FROM (${rows}) WHERE type <> 'OBJECT' ORDER BY row LIMIT 1`);
  if (other === undefined) return;
  throw new ExpverError(
    "E_DATA",
    `${name}: row ${other.row} is no JSON object but ${String(other.type).toLowerCase()}: it names no columns`,
    {
      hint: "JSON lines have one object on each line. One array of all rows becomes that with: jq -c '.[]' FILE",
      details: { path, row: Number(other.row) },
    },
  );
}

export function kindOf(path: string): "parquet" | "csv" | "json" {
  const extension = extname(path).toLowerCase();
  if (extension === ".parquet") return "parquet";
  if (extension === ".csv" || extension === ".tsv") return "csv";
  if (extension === ".jsonl" || extension === ".ndjson") return "json";
  throw new ExpverError("E_USAGE", `${path} is neither parquet, CSV, TSV nor JSON lines`, { details: { path } });
}

/** The file as a table. */
export function reading({ path, kind, csv }: Pick<DataFile, "path" | "kind" | "csv">): string {
  // `007` and `1e-5` stay what they are: CSV has no types but those a reader guesses.
  if (csv !== undefined && kind === "csv") return readingCsv(csv);
  const file = fileText(path);
  if (kind === "json") return `read_json(${file}, format = 'newline_delimited', sample_size = -1, maximum_depth = 1, ${WITHOUT_FOLDERS})`;
  if (kind === "typed json") return `read_json(${file}, format = 'newline_delimited', sample_size = -1, ${WITHOUT_FOLDERS})`;
  return `read_parquet(${file}, ${WITHOUT_FOLDERS})`;
}

/** COPY options that write a file as `like` is written: compression, row groups, key-value metadata. */
export async function writingLike(db: DuckDb, like: DataFile, { sameColumns }: { sameColumns: boolean }): Promise<string> {
  if (like.kind !== "parquet") return plainFormat(like.path);
  const [layout] = await db.rows(
    `SELECT arg_max(compression, row_group_id) AS compression, max(row_group_num_rows) AS rows FROM parquet_metadata($1)`,
    [fileName(like.path)],
  );
  const stored = await db.rows(`SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata($1)`, [fileName(like.path)]);
  // Arrow's own copy of the schema would contradict one that has grown.
  const kept = stored.filter(({ key }) => sameColumns || key !== "ARROW:schema");
  const compression = String(layout?.compression ?? "snappy").toLowerCase();
  const options = [
    "FORMAT parquet",
    `COMPRESSION ${KNOWN_COMPRESSIONS.includes(compression) ? compression : "snappy"}`,
    `ROW_GROUP_SIZE ${Math.max(LEAST_ROWS, Number(layout?.rows ?? 122_880) || 122_880)}`,
  ];
  if (kept.length > 0)
    options.push(`KV_METADATA {${kept.map(({ key, value }) => `${sqlText(String(key))}: ${sqlText(String(value))}`).join(", ")}}`);
  return options.join(", ");
}

/** Of a file of this name that is like no other. */
export function plainFormat(path: string): string {
  const kind = kindOf(path);
  if (kind === "csv") return `FORMAT csv, HEADER true${isTabbed(path) ? ", DELIMITER '\t'" : ""}`;
  return kind === "parquet" ? "FORMAT parquet" : "FORMAT json";
}

const KNOWN_COMPRESSIONS = ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4", "lz4_raw"];
