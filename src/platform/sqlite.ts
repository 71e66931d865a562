/**
 * SQLite with one driver shape: `node:sqlite` on Node 24 and later, `@photostructure/sqlite` before. Loaded when first used.
 *
 * Values keep their storage class: `bigint` is an INTEGER, `number` a REAL. A REAL must be bound through
 * {@link placeholder}, because one of the drivers turns `1` into an INTEGER otherwise.
 */

import { closeSync, lstatSync, openSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ExpverError, fromSystemError } from "../errors.ts";
import { whyReadOnly } from "./file-system.ts";
import { hasCode, isMissing } from "./files.ts";
import { waitDeafly } from "./interrupts.ts";
import { whyNotLoaded } from "./optional-package.ts";
import { pause } from "./pause.ts";
import { shellWord } from "./shell-word.ts";
import { needsItsFolder, withCopyElsewhere } from "./sqlite-elsewhere.ts";
import { sqliteError } from "./sqlite-errors.ts";

export type SqlValue = null | number | bigint | string | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

export interface Database {
  readonly path: string;
  /** Several statements, no values. */
  exec(sql: string): void;
  /** Answers the number of changed rows. */
  run(sql: string, values?: readonly SqlValue[]): number;
  get(sql: string, values?: readonly SqlValue[]): SqlRow | undefined;
  all(sql: string, values?: readonly SqlValue[]): SqlRow[];
  /** Rows as arrays: three times as fast when there are many. */
  arrays(sql: string, values?: readonly SqlValue[]): SqlValue[][];
  /** The one number that is asked for; 0 without a row. */
  count(sql: string, values?: readonly SqlValue[]): number;
  /** One write transaction; the lock is taken at once, so no reading inside it is ever out of date. Inside another it is part of that one. */
  write<T>(work: () => T): T;
  /** One consistent view for several readings. */
  read<T>(work: () => T): T;
  close(): void;
}

export interface OpenOptions {
  /** Refuses every change. Recovery from a crashed writer still happens, as SQLite does it. */
  readonly?: boolean;
  /** Without it a path that is not there is an error: a typing mistake never makes a database. */
  create?: boolean;
  /** Nobody writes this file any more (an object of the cache): no locks, no `-wal` beside it. Implies readonly. */
  immutable?: boolean;
  /** How long a statement waits for other writers before it is tried again, in milliseconds. */
  busyTimeout?: number;
}

// Structural subset of node:sqlite, which @photostructure/sqlite copies.
interface DriverStatement {
  run(...values: SqlValue[]): { changes: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  setReadBigInts(on: boolean): void;
  setReturnArrays?(on: boolean): void;
}
interface DriverDatabase {
  exec(sql: string): void;
  prepare(sql: string): DriverStatement;
  close(): void;
}
interface Driver {
  DatabaseSync: new (location: URL, options: { timeout: number; readOnly?: boolean }) => DriverDatabase;
}

const BUSY_TIMEOUT_MS = 5_000;
const BUSY_TRIES = 5;
// What the driver waits for at a time: in there nobody hears anything.
const DRIVER_TIMEOUT_MS = 250;
// Others are mostly done by then.
const UNSAID_MS = 1_000;
const MOST_STATEMENTS = 200;

/** Opens a database file. Throws E_NOT_FOUND when there is none (and `create` is not set), E_DATABASE when it is none. */
export function openDatabase(path: string, options: OpenOptions = {}): Database {
  try {
    return openThere(path, options);
  } catch (error) {
    const { readonly = false, immutable = false } = options;
    if (!readonly || immutable || !needsItsFolder(error, path)) throw error;
    return withCopyElsewhere(path, (copy, remove) => {
      const db = openThere(copy, options);
      const close = () => {
        db.close();
        remove();
      };
      return { ...db, path, close };
    });
  }
}

function openThere(path: string, options: OpenOptions): Database {
  const { readonly = false, create = false, immutable = false, busyTimeout = BUSY_TIMEOUT_MS } = options;
  const writing = !readonly && !immutable;
  checkFile(path, { writing, create });
  const url = pathToFileURL(path);
  url.search = immutable ? "mode=ro&immutable=1" : writing && create ? "mode=rwc" : "mode=rw";
  const { DatabaseSync } = loadDriver();
  if (writing && create) makeEmpty(path);
  const patiently = patienceFor(path, busyTimeout);
  const handle = patiently(() => {
    const opened = new DatabaseSync(url, { timeout: Math.min(busyTimeout, DRIVER_TIMEOUT_MS), ...(immutable ? { readOnly: true } : {}) });
    try {
      // The driver would enforce foreign keys, which no other program does unless told to: tables are merged one after the other.
      if (writing) opened.exec("PRAGMA cache_size = -64000; PRAGMA foreign_keys = OFF");
      else opened.exec("PRAGMA query_only = 1");
      opened.prepare("PRAGMA schema_version").get();
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  });
  return wrap(handle, path, patiently);
}

/** How a value is written in SQL so that it arrives as it is: `?`, or a cast where the driver would change it. */
export function placeholder(value: SqlValue): string {
  if (typeof value === "number") return "cast(? as real)";
  if (typeof value === "string" && value.includes("\0")) return "cast(? as text)";
  return "?";
}

/** The value to bind for {@link placeholder}. NaN has no SQLite form: it is the text `NaN`. */
export function bindable(value: SqlValue): SqlValue {
  if (typeof value === "number" && Number.isNaN(value)) throw new TypeError("NaN cannot be bound; store the text NaN");
  return typeof value === "string" && value.includes("\0") ? Buffer.from(value) : value;
}

/** Conditions as one, in halves of halves: SQLite takes an expression that is 1000 deep, and each `OR` of a row of them is one deeper. */
export function joined(conditions: readonly string[], word: "AND" | "OR"): string {
  if (conditions.length <= 2) return conditions.join(` ${word} `);
  const half = Math.ceil(conditions.length / 2);
  return `(${joined(conditions.slice(0, half), word)}) ${word} (${joined(conditions.slice(half), word)})`;
}

/** A name as SQL: any text is a legal name between double quotes. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A name as SQLite and DuckDB compare it: without the case of ASCII letters. `Ö` and `ö` are two names. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A file as an ATTACH target that is only read. */
export function readOnlyUri(path: string): string {
  return `${pathToFileURL(path).href}?mode=ro`;
}

function wrap(handle: DriverDatabase, path: string, patiently: Patience): Database {
  const statements = new Map<string, DriverStatement>();

  function prepared(sql: string, arrays: boolean): DriverStatement {
    const key = arrays ? `[]${sql}` : sql;
    const known = statements.get(key);
    if (known) return known;
    if (statements.size >= MOST_STATEMENTS) statements.clear();
    const statement = handle.prepare(sql);
    statement.setReadBigInts(true);
    if (arrays) statement.setReturnArrays?.(true);
    statements.set(key, statement);
    return statement;
  }
  let inside: string | null = null;
  function transaction<T>(begin: string, work: () => T): T {
    if (inside === "BEGIN IMMEDIATE" || (inside !== null && begin === inside)) return work();
    patiently(() => handle.exec(begin));
    inside = begin;
    try {
      const result = work();
      patiently(() => handle.exec("COMMIT"));
      return result;
    } catch (error) {
      rollback(handle);
      throw error;
    } finally {
      inside = null;
    }
  }
  const arrays: Database["arrays"] = (sql, values = []) => patiently(() => asArrays(prepared(sql, true).all(...values)));
  return {
    path,
    exec: (sql) => patiently(() => handle.exec(sql)),
    run: (sql, values = []) => patiently(() => Number(prepared(sql, false).run(...values).changes)),
    get: (sql, values = []) => patiently(() => prepared(sql, false).get(...values) as SqlRow | undefined),
    all: (sql, values = []) => patiently(() => prepared(sql, false).all(...values) as SqlRow[]),
    arrays,
    count: (sql, values) => Number(arrays(sql, values)[0]?.[0] ?? 0),
    write: (work) => transaction("BEGIN IMMEDIATE", work),
    read: (work) => transaction("BEGIN", work),
    close() {
      // The pages it has read would stay in memory until its statements are collected as garbage.
      if (!hasOwnSqlite()) handle.exec("PRAGMA shrink_memory");
      handle.close();
    },
  };
}

type Patience = <T>(call: () => T) => T;

/** Runs a call again while other writers hold the file. */
function patienceFor(path: string, busyTimeout: number): Patience {
  return (call) => {
    const start = uptime();
    try {
      return call();
    } catch (error) {
      if (!isBusy(error)) throw sqliteError(error, path);
    }
    const end = start + busyTimeout * BUSY_TRIES;
    return waitDeafly(`the program that writes to ${path}`, (tell) => {
      for (;;) {
        // Random, so that many waiters do not march in step.
        pause(20 + Math.random() * 80);
        if (uptime() - start > UNSAID_MS) tell();
        try {
          return call();
        } catch (error) {
          if (!isBusy(error) || uptime() > end) throw sqliteError(error, path);
        }
      }
    });
  };
}

const uptime = () => process.uptime() * 1000;

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5;
}

/** A failed statement may have ended the transaction by itself; then there is nothing to roll back. */
function rollback(handle: DriverDatabase): void {
  try {
    handle.exec("ROLLBACK");
  } catch {}
}

/** Drivers without array mode give objects; the order of their keys is the order of the columns. */
function asArrays(rows: unknown[]): SqlValue[][] {
  if (rows.length === 0 || Array.isArray(rows[0])) return rows as SqlValue[][];
  return rows.map((row) => Object.values(row as SqlRow));
}

/** For plans: what another user has made is seen before the work, not after it. */
export function refuseAnothers(path: string): void {
  if (whyReadOnly(path) === "EACCES") throw readOnly(path);
}

/** The catalogue's remedy is for a link into the data cache. */
function readOnly(path: string): ExpverError {
  const details = { path };
  const stat = lstatSync(path);
  if (stat.nlink > 1 || stat.isSymbolicLink())
    return new ExpverError("E_DATABASE_READONLY", `${path} is read-only; it may be a link into the data cache`, { details });
  const isOthers = process.getuid !== undefined && process.getuid() !== 0 && stat.uid !== process.getuid();
  return new ExpverError("E_DATABASE_READONLY", `${path} is read-only${isOthers ? ", and another user's" : ""}`, {
    hint: isOthers
      ? `Ask whoever owns it (chmod g+w ${shellWord(path)}), or work in a clone of your own.`
      : `Let it be written: chmod u+w ${shellWord(path)}`,
    details,
  });
}

/** `stat` opens nothing: opening and closing the file would drop this process's locks on it. */
function checkFile(path: string, { writing, create }: { writing: boolean; create: boolean }): void {
  try {
    // Root may write anything, objects of the cache too; the missing write bits are all that tells one.
    const { mode } = statSync(path);
    if (writing && ((mode & 0o222) === 0 || whyReadOnly(path) === "EACCES")) throw readOnly(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (!create) throw new ExpverError("E_NOT_FOUND", `there is no database at ${path}`, { details: { path } });
  }
}

/** SQLite takes an empty file for a new database. By itself it makes one that only its owner may write, whatever the umask says. */
function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, "wx"));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw fromSystemError(error, `cannot make ${path}`);
  }
}

/**
 * Makes sure that databases closed before are closed for the system too. The driver of older Nodes keeps the file open, in WAL
 * mode with a lock on it, until its statements are collected as garbage.
 */
export async function letGoOfClosed(): Promise<void> {
  if (driver === undefined || hasOwnSqlite()) return;
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await nextTurn(); // nothing on the stack refers to them any more
  collect();
  await nextTurn(); // in which they are finalized
}

function nextTurn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

function hasOwnSqlite(): boolean {
  return isAtLeast(24, 0);
}

function isAtLeast(major: number, minor: number): boolean {
  const [ours = 0, oursMinor = 0] = process.versions.node.split(".").map(Number);
  return ours > major || (ours === major && oursMinor >= minor);
}

/** Loads the driver. Throws E_NO_SQLITE when none works on this machine. */
export function requireSqlite(): void {
  loadDriver();
}

let driver: Driver | undefined;

function loadDriver(): Driver {
  driver ??= requireDriver();
  return driver;
}

function requireDriver(): Driver {
  const load = createRequire(import.meta.url);
  try {
    return quietly(() => load(hasOwnSqlite() ? "node:sqlite" : "@photostructure/sqlite") as Driver);
  } catch (error) {
    // The package's library needs glibc 2.29, Node only 2.28 (RHEL 8). Node 22.16 has enough of SQLite itself, still called experimental.
    if (isAtLeast(22, 16)) return quietly(() => load("node:sqlite") as Driver);
    const { why } = whyNotLoaded(error);
    throw new ExpverError("E_NO_SQLITE", `no SQLite driver works in Node ${process.versions.node}: ${why}`, { cause: error });
  }
}

/** Early Node 24 still calls its SQLite experimental, on the user's terminal. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
