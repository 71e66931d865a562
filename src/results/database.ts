/** Opening the results database. */
import { dirname } from "node:path";
import { makeFolders } from "../platform/files.ts";
import { type Database, type OpenOptions, openDatabase } from "../platform/sqlite.ts";
import { ensureRunTables } from "./schema.ts";

/**
 * Opens a results database. Only `create` makes a file (with its folder and the run tables); a path that is not there is
 * E_NOT_FOUND otherwise. `immutable` reads an object of the cache without leaving anything beside it.
 */
export function openResults(path: string, options: OpenOptions = {}): Database {
  const { create = false } = options;
  if (create) makeFolders(dirname(path));
  const db = openDatabase(path, options);
  try {
    if (create) db.write(() => ensureRunTables(db));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Asks the results database of a version, an object of the cache. Throws what opening and asking throw. */
export function withStoredResults<Value>(object: string, ask: (db: Database) => Value): Value {
  const db = openResults(object, { immutable: true });
  try {
    return ask(db);
  } finally {
    db.close();
  }
}
