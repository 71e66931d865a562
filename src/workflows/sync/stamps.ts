/**
 * The `version` column is a copy: the tags' `Run:` trailers say which version a run belongs to. Where a run of the working
 * database is claimed by exactly one tag, its rows are made to say so.
 */
import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { resultsDatabase, resultsPath } from "../../config/results-place.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import type { Version } from "../../versions/types.ts";

export interface Correction {
  run: string;
  /** What its rows say; null: nothing. */
  from: string | null;
  to: string;
}

/** Looks only. */
export async function findCorrections(project: Project, versions: readonly Version[]): Promise<Correction[]> {
  const path = resultsDatabase(project);
  const claims = claimsOf(versions);
  if (claims.size === 0 || !existsSync(path)) return [];
  const { openResults } = await import("../../results/database.ts");
  const { readRuns } = await import("../../results/runs.ts");
  // A tag that names no runs may well mean this one.
  const silent = new Set(versions.filter(({ message }) => !isOfRuns(message.kind)).map(({ name }) => name));
  const db = openResults(path, { readonly: true });
  try {
    return readRuns(db).flatMap(({ run_id: run, version: from, status }) => {
      const [to, ...others] = claims.get(run) ?? [];
      if (to === undefined || others.length > 0 || status === "running" || from === to) return [];
      return from !== null && silent.has(from) ? [] : [{ run, from, to }];
    });
  } finally {
    db.close();
  }
}

export async function correctStamps(project: Project, operation: OpenOperation, corrections: readonly Correction[]): Promise<void> {
  if (corrections.length === 0) return;
  const { openResults } = await import("../../results/database.ts");
  const { restampRun } = await import("../../results/run-rows.ts");
  const database = resultsPath(project);
  operation.record(...corrections.map(({ run, from, to }) => ({ kind: "stamp" as const, database, run, before: from, after: to })));
  const db = openResults(resultsDatabase(project));
  try {
    for (const { run, from, to } of corrections) restampRun(db, run, { from, to });
  } finally {
    db.close();
  }
}

function claimsOf(versions: readonly Version[]): Map<string, string[]> {
  const claims = new Map<string, string[]>();
  for (const { name, message } of versions) {
    if (!isOfRuns(message.kind)) continue;
    for (const { run } of message.runs) claims.set(run, [...(claims.get(run) ?? []), name]);
  }
  return claims;
}

/** A merge, or a tag made by hand, may name runs that have a version of their own. */
function isOfRuns(kind: Version["message"]["kind"]): boolean {
  return kind === "run" || kind === "sweep";
}
