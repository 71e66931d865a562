/**
 * `expver sql QUESTION`: one read-only question to the results, or with --data to tracked parquet and CSV files, now or at a version.
 * A question can read nothing else and change nothing.
 */

import { existsSync } from "node:fs";
import { absolutePath, isWithin, pathFromUser } from "../config/paths.ts";
import { openProject, type Project } from "../config/project.ts";
import { resultsPath } from "../config/results-place.ts";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { shellWord } from "../platform/shell-word.ts";
import type { Database, SqlValue } from "../platform/sqlite.ts";
import { formatCell } from "../results/cells.ts";
import { openResults } from "../results/database.ts";
import { readPointers, readPointersAt } from "../store/pointers/pointers.ts";
import { cacheDir } from "../store/settings/dvc-config.ts";
import type { Pointer } from "../store/types.ts";
import { objectFile } from "../store/worktree/contents.ts";
import { findVersion } from "../versions/registry.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { countOf, textIn, wordsOf } from "./input.ts";

export interface SqlAnswer {
  /** What was asked: the results database, or the tables made of data files. */
  of: { version: string | null; tables: { name: string; path: string }[] };
  columns: string[];
  /** Numbers as exact text where JSON would round them; blobs as their size. */
  rows: (string | number | boolean | null)[][];
  /** There are more rows than were asked for. */
  more: boolean;
}

const DEFAULT_LIMIT = 1000;
const MEMORY = "1GB";

export const sql: ReadWorkflow<Input, SqlAnswer> = {
  async read(context, input) {
    const question = onlyQuestion(textIn(input.question) ?? "");
    const limit = input.limit === undefined ? DEFAULT_LIMIT : countOf(input.limit, "-n");
    const project = openProject(context);
    const version = textIn(input.version) ?? null;
    const commit = version === null ? null : findVersion(project, version).commit;
    const pointers = commit === null ? null : readPointersAt(project, commit);
    const paths = wordsOf(input.data);
    if (paths.length === 0) return askResults(project, question, { limit, version, pointers });
    return askData(project, context, question, { limit, version, pointers, paths });
  },
};

interface Asking {
  limit: number;
  version: string | null;
  /** Those of the version; null: what lies in the worktree. */
  pointers: Pointer[] | null;
}

function askResults(project: Project, question: string, { limit, version, pointers }: Asking): SqlAnswer {
  const path = resultsPath(project);
  const file = pointers === null ? absolutePath(project, path) : objectOf(project, pointers, path, version);
  const db = openResults(file, pointers === null ? { readonly: true } : { immutable: true });
  try {
    const { columns, rows } = ask(db, question, limit + 1);
    return { of: { version, tables: [{ name: "(results)", path }] }, columns, rows: rows.slice(0, limit), more: rows.length > limit };
  } finally {
    db.close();
  }
}

async function askData(project: Project, context: Context, question: string, asking: Asking & { paths: string[] }): Promise<SqlAnswer> {
  const { limit, version, pointers, paths } = asking;
  const { kindOf } = await import("../merge/data/data-file.ts");
  const { queryData } = await import("../merge/data/query-data.ts");
  const stored = paths.map((typed) => pathFromUser(project, context, typed));
  const tables = paths.map((typed, index) => {
    const path = stored[index] ?? typed;
    const file = pointers === null ? absolutePath(project, path) : objectOf(project, pointers, path, version);
    if (!existsSync(file))
      throw new ExpverError("E_NOT_FOUND", `there is no ${path}`, {
        hint: isTracked(project, path) ? `expver data pull ${shellWord(typed)}` : "Check the spelling: no pointer names it.",
        details: { path },
      });
    return { name: tableName(path, stored), file: path, path: file, kind: kindOf(path) };
  });
  const answer = await queryData(tables, question, { limit: limit + 1, memory: MEMORY });
  return {
    of: { version, tables: tables.map(({ name, file }) => ({ name, path: file })) },
    columns: answer.columns,
    rows: answer.rows.slice(0, limit),
    more: answer.rows.length > limit,
  };
}

function isTracked(project: Project, path: string): boolean {
  return readPointers(project).some((pointer) => isWithin(path, pointer.path));
}

/** `data/train.parquet` is the table `train`; beside `old/train.csv` it is `data/train`, and with `data/train.csv` its whole path. */
function tableName(path: string, all: readonly string[]): string {
  const bare = (one: string) => one.replace(/\.[^./]+$/, "");
  const last = (one: string) => bare(one).split("/").at(-1) ?? one;
  const isOne = (name: (one: string) => string) => all.filter((other) => name(other) === name(path)).length === 1;
  return isOne(last) ? last(path) : isOne(bare) ? bare(path) : path;
}

function objectOf(project: Project, pointers: readonly Pointer[], path: string, version: string | null): string {
  const hash = pointers.find((pointer) => pointer.path === path)?.hash;
  if (hash == null)
    throw new ExpverError("E_NOT_FOUND", `${version} tracks no ${path}`, { hint: `expver show ${version}`, details: { path } });
  const file = objectFile(cacheDir(project), hash);
  if (existsSync(file)) return file;
  throw new ExpverError("E_NOT_STORED", `${path} of ${version} (${hash}) is not in the cache`, {
    hint: `expver sync ${version} fetches it.`,
    details: { path, hash },
  });
}

function ask(db: Database, question: string, limit: number): Pick<SqlAnswer, "columns" | "rows"> {
  try {
    const rows = db.all(`SELECT * FROM (${question}\n) LIMIT ?`, [BigInt(limit)]);
    const columns = Object.keys(rows[0] ?? {});
    return { columns, rows: rows.map((row) => columns.map((column) => shown(row[column] ?? null))) };
  } catch (error) {
    if (error instanceof ExpverError && error.code !== "E_DATABASE") throw error;
    throw new ExpverError("E_USAGE", `SQLite does not take that question: ${error instanceof Error ? error.message : String(error)}`, {
      hint: `Tables: ${tablesOf(db).join(", ")}. Names with odd characters stand in double quotes.`,
    });
  }
}

function tablesOf(db: Database): string[] {
  return db.arrays("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name").map(([name]) => String(name));
}

/** Never unpickled, never rounded. */
function shown(value: SqlValue): string | number | null {
  if (value === null || typeof value === "string") return value;
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : formatCell(value);
  return Number.isFinite(value) ? value : formatCell(value);
}

/** Quoted texts and names, and comments, whichever begins first. */
const OPAQUE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|(\$\w*\$)[\s\S]*?\1|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

/** One statement that reads. ATTACH, PRAGMA and all that writes begin with other words; what follows a `;` would be ignored. */
function onlyQuestion(text: string): string {
  const bare = text.replace(OPAQUE, (part) => (/^(?:--|\/\*)/.test(part) ? " " : "x").repeat(part.length));
  const end = bare.indexOf(";");
  const isOne = end < 0 || bare.slice(end + 1).trim() === "" || /^[;\s]*$/.test(bare.slice(end));
  const question = end < 0 ? text : text.slice(0, end);
  if (isOne && /^\s*(?:select|with|values|from)\b/i.test(bare)) return question;
  throw new ExpverError("E_USAGE", "sql takes one statement that reads: SELECT, WITH or VALUES", {
    hint: 'expver sql "SELECT version, max(accuracy) FROM predictions GROUP BY version"',
  });
}
