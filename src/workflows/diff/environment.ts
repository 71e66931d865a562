/** What the run behind a side ran on: interpreter, machine, and the files that fix the versions of packages. */

import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { fieldsOf } from "../../platform/mapping.ts";
import { withStoredResults } from "../../results/database.ts";
import { readRun } from "../../results/runs.ts";
import type { RunRecord } from "../../results/types.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import { objectFile } from "../../store/worktree/contents.ts";
import type { Version } from "../../versions/types.ts";
import type { ShownArtifact } from "../show/artifacts.ts";

/** As recorded; of a lock file the digest. Empty when nothing was, or not by us. */
export function environmentFacts(run: Pick<RunRecord, "environment" | "host"> | null): Record<string, string> {
  if (run === null) return {};
  const { program, platform, cpu, memory, devices, locks } = parsed(run.environment);
  const facts = { program, platform, cpu, memory, devices, host: run.host, ...fieldsOf(locks) };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) =>
      typeof value === "string" || typeof value === "number" ? [[name, String(value)]] : [],
    ),
  );
}

/** The best run of a version, else its first, out of the version's own database; null when that is not in the cache. */
export function runBehind(project: Project, { message }: Version, artifacts: readonly ShownArtifact[]): RunRecord | null {
  const run = message.bestRun ?? message.runs[0]?.run;
  const hash = artifacts.find(({ role }) => role === "results")?.hash;
  if (run === undefined || hash === undefined) return null;
  const file = objectFile(cacheDir(project), hash);
  if (!existsSync(file)) return null;
  try {
    return withStoredResults(file, (db) => readRun(db, run));
  } catch {
    return null; // What cannot be read is told by `show` and `verify`; all else can still be compared.
  }
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(text ?? "{}"));
  } catch {
    return {};
  }
}
