/** SQLite's error numbers as ours. */
import { dirname } from "node:path";
import { type ErrorCode, ExpverError } from "../errors.ts";
import { whyReadOnly } from "./file-system.ts";

const CODES: Record<number, ErrorCode> = {
  5: "E_DATABASE_BUSY",
  6: "E_DATABASE_BUSY",
  8: "E_DATABASE_READONLY",
  10: "E_IO",
  11: "E_DATABASE",
  13: "E_DISK_FULL",
  14: "E_IO",
  26: "E_DATABASE",
};

/** Failures of the file become ExpverError naming it; mistakes in our SQL and broken constraints pass through. */
export function sqliteError(error: unknown, path: string): unknown {
  const number = sqliteErrorNumber(error);
  const code = number === undefined ? undefined : CODES[number & 0xff];
  if (code === undefined || !(error instanceof Error)) return error;
  const folder = dirname(path);
  // The catalogue's remedy is for a link into the data cache.
  const isFolder = code === "E_DATABASE_READONLY" && whyReadOnly(folder) !== null;
  const remedy = isFolder ? { hint: `SQLite needs files beside it: let ${folder} be written, or work in a clone of your own.` } : {};
  return new ExpverError(code, `${path}: ${error.message}`, { ...remedy, details: { path, sqlite: number }, cause: error });
}

/** Extended SQLite result code, or undefined when the error is none of SQLite's. */
function sqliteErrorNumber(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
}

/** A row breaks a rule of its table: what SQLite says of it; null: it is another error. */
export function brokenRule(error: unknown): string | null {
  const number = sqliteErrorNumber(error);
  return number !== undefined && (number & 0xff) === 19 && error instanceof Error ? error.message : null;
}

/** A row with this primary or unique key is already there. */
export function isDuplicateKey(error: unknown): boolean {
  const number = sqliteErrorNumber(error);
  return number === 1555 || number === 2067;
}
