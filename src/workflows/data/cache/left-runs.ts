/** Runs that have no version are in the results database alone: one that takes its place does not have them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Project, topOf } from "../../../config/project.ts";
import { resultsDatabase } from "../../../config/results-place.ts";
import type { Context } from "../../../platform/context.ts";
import { counted, shortened } from "../../../platform/words.ts";
import { cacheDir } from "../../../store/settings/dvc-config.ts";
import type { OutputCheckout } from "../../../store/worktree/checkout.ts";
import { objectFile } from "../../../store/worktree/contents.ts";

export async function warnLeftRuns(project: Project, context: Context, outputs: readonly OutputCheckout[]): Promise<void> {
  const database = resultsDatabase(project);
  const output = outputs.find(({ pointer }) => join(topOf(project), pointer.path) === database);
  if (output === undefined || output.places.length === 0 || output.pointer.hash === null || !existsSync(database)) return;
  const object = objectFile(cacheDir(project), output.pointer.hash);
  if (!existsSync(object)) return;
  const there = new Set(await runsIn(object, () => true));
  const left = (await runsIn(database, (version) => version === null)).filter((run) => !there.has(run));
  if (left.length === 0) return;
  context.report({
    kind: "warning",
    text: `${output.pointer.path} as HEAD has it lacks ${counted(left.length, "run")} without a version that this one has: ${shortened(left.join(", "), 60)}`,
    hint: "Their rows stay in the cache: expver undo brings this database back.",
  });
}

/** None in what is no results database. */
async function runsIn(file: string, isMeant: (version: string | null) => boolean): Promise<string[]> {
  const { openResults } = await import("../../../results/database.ts");
  const { readRuns } = await import("../../../results/runs.ts");
  try {
    const db = openResults(file, { readonly: true });
    try {
      return readRuns(db).flatMap(({ run_id: run, version, status }) => (status !== "running" && isMeant(version) ? [run] : []));
    } finally {
      db.close();
    }
  } catch {
    return []; // `doctor` tells of a damaged one; it can still be replaced.
  }
}
