/** DuckDB, loaded when data is merged: within a memory limit, working in a folder beside the output, never reaching for the network. */
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { ExpverError, fromSystemError } from "../../errors.ts";
import { whyNotLoaded } from "../../platform/optional-package.ts";
import { counted } from "../../platform/words.ts";

type Value = string | number | bigint | boolean | null;

export interface DuckDb {
  /** Several can be asked at the same time. Values are bound, never pasted: `$1`, `$2` … Rows as plain values: numbers beyond 2^53 and dates are texts. */
  rows(sql: string, values?: readonly string[]): Promise<Record<string, Value>[]>;
  /** The same as arrays: an object has a column called `0` before all others. */
  arrays(sql: string): Promise<Value[][]>;
  run(sql: string): Promise<void>;
  /** Answers how many rows were changed. */
  change(sql: string): Promise<number>;
  /** Bytes that DuckDB keeps to. */
  memory: number;
  close(): void;
}

export interface DuckDbOptions {
  /** Folder for what does not fit into memory. */
  spill: string;
  /** Such as `1GB`: what the whole process is to keep to. */
  memory: string;
  readsJson?: boolean;
}

/** What Node, DuckDB's code and buffers that its limit does not count take besides. Much that JSON was read with is not given back. */
const BESIDES = { usual: 350e6, json: 500e6 };

/** Throws E_NO_DUCKDB where the optional package is not installed. */
export async function openDuckDb({ spill, memory, readsJson = false }: DuckDbOptions): Promise<DuckDb> {
  const promised = bytesOf(memory);
  const limit = Math.round(Math.max(promised - (readsJson ? BESIDES.json : BESIDES.usual), promised / 2));
  const starting = started ?? start();
  started = undefined;
  const instance = await (await starting).instance;
  const settings = [`memory_limit = '${limit}B'`, `temp_directory = ${sqlText(spill)}`];
  // Several threads that read JSON need more than is left for a join of ten million rows.
  if (readsJson) settings.push("threads = 1");
  const idle = [await instance.connect(), await instance.connect()];
  // What is asked while another answer is awaited is asked beside it.
  const asked = async <T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    const connection = idle.pop() ?? (await instance.connect());
    try {
      return await work(connection);
    } catch (error) {
      throw duckDbError(error);
    } finally {
      idle.push(connection);
    }
  };
  const run = (sql: string) =>
    asked(async (connection) => {
      await connection.run(sql);
    });
  await run(settings.map((one) => `SET ${one}`).join("; "));
  return {
    rows: (sql, values = []) =>
      asked(async (connection) => (await connection.runAndReadAll(sql, [...values])).getRowObjectsJson() as Record<string, Value>[]),
    arrays: (sql) => asked(async (connection) => (await connection.runAndReadAll(sql)).getRowsJson() as Value[][]),
    run,
    memory: limit,
    change: (sql) => asked(async (connection) => Number((await connection.runAndReadAll(sql)).getRowsJson()[0]?.[0] ?? 0)),
    close: () => {
      for (const connection of idle) connection.closeSync();
      instance.closeSync();
    },
  };
}

function bytesOf(amount: string): number {
  const [, number = "", letter = "", binary] = /^(\d+(?:\.\d+)?)\s*([KMGT])(i?)B$/i.exec(amount) ?? [];
  if (number === "")
    throw new ExpverError("E_USAGE", `an amount of memory is such as 4GB, not ${JSON.stringify(amount)}`, {
      details: { received: amount },
    });
  return Number(number) * (binary ? 1024 : 1000) ** ("KMGT".indexOf(letter.toUpperCase()) + 1);
}

/** It is being made: what waits for it waits twice. */
interface Starting {
  instance: Promise<DuckDBInstance>;
}

let started: Promise<Starting> | undefined;

/** Loads DuckDB and lets it begin, in a thread of its own: for whoever is going to open it, and has something else to do before. */
export async function startDuckDb(): Promise<void> {
  started ??= start();
  try {
    const { instance } = await started;
    instance.catch(() => {});
  } catch {
    // Whoever opens it is told.
  }
}

async function start(): Promise<Starting> {
  try {
    const { default: native } = await import("@duckdb/node-bindings");
    const config = native.create_config();
    for (const [name, value] of Object.entries(CONFIG)) native.set_config(config, name, value);
    // In memory, what is too much for the limit goes to the folder too, and what fits is not written twice.
    const opened = native.open(":memory:", config);
    // What is written in JavaScript is read meanwhile.
    const { DuckDBInstance } = await import("@duckdb/node-api");
    return { instance: opened.then((database) => new DuckDBInstance(database)) };
  } catch (error) {
    const { why, isInstalled } = whyNotLoaded(error);
    throw new ExpverError("E_NO_DUCKDB", `the optional package @duckdb/node-bindings could not be loaded: ${why}`, {
      hint: isInstalled
        ? "Install what the message names, or work where DuckDB's programs run: glibc 2.28 or musl, with libstdc++."
        : undefined,
      cause: error,
    });
  }
}

const CONFIG = {
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  // What was freed goes back to the system before it adds up.
  allocator_flush_threshold: "16MB",
  allocator_bulk_deallocation_flush_threshold: "16MB",
  preserve_insertion_order: "true",
};

/** Failures of files and memory become ours; mistakes in our SQL pass through. */
function duckDbError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const text = error.message.split("\n")[0] ?? "";
  if (/out of memory|failed to allocate|max_temp_directory_size/i.test(text)) {
    return new ExpverError("E_MEMORY", `DuckDB ran out of memory: ${text}`, { cause: error });
  }
  if (/no space left|disk is full/i.test(text)) return new ExpverError("E_DISK_FULL", text, { cause: error });
  const ofLine = csvError(error.message);
  if (ofLine !== null) return ofLine;
  if (/^(?:IO|Invalid Input|Conversion|Permission) Error/i.test(text)) return new ExpverError("E_DATA", text, { cause: error });
  return fromSystemError(error, "cannot merge data");
}

/** What DuckDB says on many lines of a line of a CSV file. */
function csvError(message: string): ExpverError | null {
  const [, line] = /^Invalid Input Error: CSV Error on Line: (\d+)\n/.exec(message) ?? [];
  if (line === undefined) return null;
  const path = /^ {2}file = (.*)$/m.exec(message)?.[1] ?? "a CSV file";
  const cells = /^Expected Number of Columns: (\d+) Found: (\d+)$/m.exec(message);
  const why =
    cells === null
      ? (/^(?:Value with .*|.*not utf-8 encoded.*)$/m.exec(message)?.[0] ?? "it cannot be read")
      : `${counted(Number(cells[2]), "cell")}, where the first line has ${cells[1]}`;
  return new ExpverError("E_DATA", `${path}, line ${line}: ${why}`, {
    hint: "Mend that line, or write the file anew with the program that made it.",
    details: { path, line: Number(line) },
    cause: new Error(message),
  });
}

/** A file that is read, for SQL: that one alone, where DuckDB would look for all whose names are like `t[1].csv`. */
export function fileText(path: string): string {
  return sqlText(fileName(path));
}

/** The same as a value to be bound. */
export function fileName(path: string): string {
  return path.replace(/[*?[]/g, (one) => `[${one}]`);
}

/** Option of whatever reads a file: what its folders are called (`lr=0.1/`) is no column of it. */
export const WITHOUT_FOLDERS = "hive_partitioning = false";

/** Any text between single quotes; views and COPY options cannot be bound. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
