/** Names that DuckDB cannot tell apart: it calls the second of two that differ in nothing but their case `a_1`, whichever that is. */
import { ExpverError } from "../../errors.ts";
import { foldName } from "../../platform/sqlite.ts";
import type { DataFile } from "./data-file.ts";
import { type DuckDb, fileText } from "./duckdb.ts";

/** Names that are ours while files are merged. */
const RESERVED = /^expver_(?:row|nth|times|side|hash|file)$/;

/** Throws E_SCHEMA for columns that a merge could not tell from others: without a name, or called as what it keeps account with. */
async function refuseOddNames(db: DuckDb, file: DataFile): Promise<void> {
  const reserved = file.columns.find(({ name }) => RESERVED.test(foldName(name)));
  // So DuckDB calls one that has no name.
  const mayLackName = file.kind === "parquet" && file.columns.some(({ name }) => /^C\d+$/.test(name));
  const isNameless = reserved === undefined && mayLackName && (await ownNames(db, file)).includes("");
  if (reserved === undefined && !isNameless) return;
  const what = isNameless ? "a column without a name" : `a column ${reserved?.name}, which a merge keeps account with`;
  throw new ExpverError("E_SCHEMA", `${file.name} has ${what}`, {
    hint: "Give it another name in each file.",
    details: { file: file.path, columns: [reserved?.name ?? ""] },
  });
}

/** Throws E_SCHEMA for columns that differ only in case: which is which would depend on their order in each file. */
export async function refuseAlikeNames(db: DuckDb, file: DataFile): Promise<void> {
  await refuseOddNames(db, file);
  const names = file.columns.map(({ name }) => foldName(name));
  // Most files have no such name, and need not be asked what they call their columns themselves.
  const mayBeRenamed = names.some((name) => names.includes(/^(.+)_\d+$/s.exec(name)?.[1] ?? ""));
  if (!mayBeRenamed) return;
  const own = [...new Set(await ownNames(db, file))];
  const second = own.find((name, index) => own.slice(0, index).some((other) => foldName(other) === foldName(name)));
  if (second === undefined) return;
  const first = own.find((name) => foldName(name) === foldName(second));
  throw new ExpverError("E_SCHEMA", `${file.name} has columns ${first} and ${second}, which differ in nothing but their case`, {
    hint: "Rename one of them in each file.",
    details: { file: file.path, columns: [first, second] },
  });
}

async function ownNames(db: DuckDb, { path, kind, csv }: DataFile): Promise<readonly string[]> {
  if (csv !== undefined) return csv.header;
  const file = fileText(path);
  if (kind === "parquet") return topNames(await db.rows(`SELECT name, num_children FROM parquet_schema(${file})`));
  const keys = await db.rows(`SELECT DISTINCT unnest(json_keys(json)) AS name FROM read_ndjson_objects(${file})`);
  return keys.map(({ name }) => String(name)).sort();
}

/** Of a tree that is written down from the top, each with the number of its children. */
function topNames(nodes: readonly Record<string, unknown>[]): string[] {
  const found: string[] = [];
  let at = 1;
  const pass = () => {
    const children = Number(nodes[at]?.num_children ?? 0);
    at += 1;
    for (let child = 0; child < children; child += 1) pass();
  };
  while (at < nodes.length) {
    found.push(String(nodes[at]?.name));
    pass();
  }
  return found;
}
