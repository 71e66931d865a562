/** The packages that runs found installed: one row for each set of them, however many runs had it. */
import { fieldsOf } from "../platform/mapping.ts";
import type { Database } from "../platform/sqlite.ts";
import { hasTable, PACKAGES_TABLE, RUNS_TABLE } from "./schema.ts";
import type { RunRecord } from "./types.ts";

/** A set of installed packages. */
export interface InstalledPackages {
  /** Of `versions`: 12 hex digits. */
  digest: string;
  /** Version by name, in the order of the names. */
  versions: Record<string, string>;
}

/** Inside a write transaction. */
export function insertPackages(db: Database, { digest, versions }: InstalledPackages): void {
  db.exec(`CREATE TABLE IF NOT EXISTS ${PACKAGES_TABLE} (digest TEXT PRIMARY KEY, versions TEXT)`);
  db.run(`INSERT OR IGNORE INTO ${PACKAGES_TABLE} (digest, versions) VALUES (?, ?)`, [digest, JSON.stringify(versions)]);
}

/** What the run found, version by name; null when that was not recorded. */
export function packagesOf(db: Database, { environment }: Pick<RunRecord, "environment">): Record<string, string> | null {
  const digest = packagesDigest(environment);
  if (digest === null || !hasTable(db, PACKAGES_TABLE)) return null;
  const row = db.get(`SELECT versions FROM ${PACKAGES_TABLE} WHERE digest = ?`, [digest]);
  const found = Object.entries(fieldsOf(parsed(row?.versions ?? null)));
  return row === undefined ? null : Object.fromEntries(found.map(([name, version]) => [name, String(version)]));
}

/** When no other run had them. Inside a write transaction, after the run is gone. */
export function removeUnused(db: Database, { environment }: Pick<RunRecord, "environment">): void {
  const digest = packagesDigest(environment);
  if (digest === null || !hasTable(db, PACKAGES_TABLE)) return;
  const isUsed = `EXISTS (SELECT 1 FROM ${RUNS_TABLE} WHERE instr(environment, ?2) > 0)`;
  db.run(`DELETE FROM ${PACKAGES_TABLE} WHERE digest = ?1 AND NOT ${isUsed}`, [digest, `"packages":${JSON.stringify(digest)}`]);
}

function packagesDigest(environment: string | null): string | null {
  const { packages } = fieldsOf(parsed(environment));
  return typeof packages === "string" ? packages : null;
}

/** Null for what is no JSON: somebody else may have written it. */
function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
