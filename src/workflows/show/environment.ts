/** What the run behind a side ran on: interpreter, machine, and the files that fix the versions of packages. */

import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { fieldsOf } from "../../platform/mapping.ts";
import type { Database } from "../../platform/sqlite.ts";
import { withStoredResults } from "../../results/database.ts";
import { packagesOf } from "../../results/packages.ts";
import { readRun } from "../../results/runs.ts";
import type { RunRecord } from "../../results/types.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import { objectFile } from "../../store/worktree/contents.ts";
import type { Version } from "../../versions/types.ts";
import type { ShownArtifact } from "./artifacts.ts";

/** A run, and what it found installed. */
export interface RanWith {
  run: RunRecord;
  /** Version by name; null: not recorded. */
  packages: Record<string, string> | null;
}

/** As recorded; of a lock file and of the installed packages the digest. Empty when nothing was, or not by us. */
export function environmentFacts(run: Pick<RunRecord, "environment" | "host"> | null): Record<string, string> {
  if (run === null) return {};
  const { program, platform, cpu, memory, gpus, driver, devices, packages, locks } = parsed(run.environment);
  const facts = { program, platform, cpu, memory, gpus, driver, devices, host: run.host, packages, ...fieldsOf(locks) };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) =>
      typeof value === "string" || typeof value === "number" ? [[name, String(value)]] : [],
    ),
  );
}

/** The best run of a version, else its first, out of the version's own database; null when that is not in the cache. */
export function runBehind(project: Project, version: Version, artifacts: readonly ShownArtifact[]): RanWith | null {
  const hash = artifacts.find(({ role }) => role === "results")?.hash;
  if (hash === undefined) return null;
  const file = objectFile(cacheDir(project), hash);
  if (!existsSync(file)) return null;
  try {
    return withStoredResults(file, (db) => runBehindIn(db, version));
  } catch {
    return null; // What cannot be read is told by `show` and `verify`; all else can still be compared.
  }
}

/** The same in an open database. */
export function runBehindIn(db: Database, { message }: Version): RanWith | null {
  const name = message.bestRun ?? message.runs[0]?.run;
  const run = name === undefined ? null : readRun(db, name);
  return run && { run, packages: packagesOf(db, run) };
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(text ?? "{}"));
  } catch {
    return {};
  }
}
