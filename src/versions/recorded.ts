/** Versions that runs in the results database say they are. */
import { existsSync } from "node:fs";
import type { Project } from "../config/project.ts";
import { resultsDatabase } from "../config/results-place.ts";
import { ExpverError } from "../errors.ts";
import { openResults } from "../results/database.ts";
import { versionsOfRuns } from "../results/runs.ts";

/** Also those whose tags are in another repository only: rows that came from there would be taken for a new version's own. */
export function recordedVersions(project: Project): string[] {
  const path = resultsDatabase(project);
  if (!existsSync(path)) return [];
  try {
    const db = openResults(path, { readonly: true });
    try {
      return versionsOfRuns(db);
    } finally {
      db.close();
    }
  } catch (error) {
    // Who writes to it says what is wrong with it.
    if (error instanceof ExpverError) return [];
    throw error;
  }
}
