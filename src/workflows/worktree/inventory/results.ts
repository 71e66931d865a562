/** Rows of a results database that the main worktree's database lacks, or has with other values. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { Project } from "../../../config/project.ts";
import { resultsDatabase, resultsPath } from "../../../config/results-place.ts";
import { ExpverError } from "../../../errors.ts";
import { removePath } from "../../../platform/files.ts";
import { counted } from "../../../platform/words.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { objectPath, trustedSize } from "../../../store/objects/layout.ts";
import { makeStaging, makeTemporary } from "../../../store/objects/staging.ts";
import { readPointersAt } from "../../../store/pointers/pointers.ts";
import { mergeBase } from "../../merge/side.ts";
import { type Finding, single } from "./finding.ts";

/**
 * `theirs`: absolute path of a database, which is only read; `tip`: the commit it belongs to; `name`: whose it is, as `expver merge` knows
 * it. What main deleted since stays gone.
 */
export async function resultsFindings(
  main: Project,
  theirs: string,
  { tip, name }: { tip: string | null; name: string },
): Promise<Finding[]> {
  const ours = resultsDatabase(main);
  if (!existsSync(theirs)) return [];
  const remedy = `expver merge ${name}`;
  const { changesTable, discardMerge, prepareMerge } = await import("../../../merge/results/merge-files.ts");
  try {
    if (!existsSync(ours)) {
      if (!(await hasRows(theirs))) return [];
      const what = "results, and the main worktree has no results database";
      return [{ ...single("results", what, remedy), examples: [theirs] }];
    }
    // Worked out among our own state: looking leaves nothing in anybody's folder.
    const ancestor = await ancestorOf(main, theirs, tip);
    const reports = inFolder(placeToWork(main), (folder) => {
      const output = join(folder, basename(ours));
      const prepared = prepareMerge({ base: ours, sources: [{ path: theirs, name, ancestor }], output, rules: {}, inPlace: false });
      discardMerge(prepared);
      return prepared.reports;
    });
    const tables = reports.flatMap((report) => report.tables).filter(changesTable);
    const added = (isWanted: (table: string) => boolean) =>
      tables.reduce((sum, { table, inserted }) => (isWanted(table) ? sum + inserted : sum), 0);
    const cells = tables.flatMap(({ filled, updated }) => [...Object.values(filled), ...Object.values(updated)]);
    // A program may have logged nothing: then its record is all there is of the run.
    const [count, what] = firstOf([
      [added((table) => !table.startsWith("expver_")), "result row", "result rows"],
      [added((table) => table.startsWith("expver_")), "record of a run", "records of runs"],
      [cells.reduce((sum, one) => sum + one, 0), "result value", "result values"],
    ]);
    if (count === 0) return [];
    return [{ category: "results", what: `${what} that the main worktree's database lacks`, count, bytes: 0, examples: [], remedy }];
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code === "E_DISK_FULL") throw error;
    return [single("results", `its results cannot be compared: ${error.message}`, remedy)];
  }
}

/** The folder goes afterwards, also when the work fails. */
function inFolder<T>(folder: string, work: (folder: string) => T): T {
  try {
    return work(folder);
  } finally {
    removePath(folder);
  }
}

/** In the temporary folder where one may only read the repository. */
function placeToWork({ stateDir }: Project): string {
  const usual = join(stateDir, "tmp");
  try {
    return makeStaging(usual);
  } catch {
    return makeTemporary();
  }
}

function firstOf(counts: [count: number, one: string, many: string][]): [count: number, text: string] {
  const [count, one, many] = counts.find(([number]) => number > 0) ?? [0, "", ""];
  return [count, counted(count, one, many)];
}

/** The database both sides came from, when the cache has it and theirs has grown out of it. */
async function ancestorOf(main: Project, theirs: string, tip: string | null): Promise<string | undefined> {
  const { repository } = main;
  const base = repository === null ? null : mergeBase(repository, { name: "", kind: "commit", path: null, commit: tip });
  const path = resultsPath(main);
  const pointer = base === null ? undefined : readPointersAt(main, base).find((one) => one.path === path);
  if (pointer === undefined || pointer.hash === null) return undefined;
  const object = { hash: pointer.hash, hashName: pointer.hashName };
  const { dir } = openCache(main);
  if (trustedSize(dir, object) === null) return undefined;
  const { sharesRows } = await import("../../merge/shares-rows.ts");
  return sharesRows(theirs, objectPath(dir, object)) ? objectPath(dir, object) : undefined;
}

async function hasRows(path: string): Promise<boolean> {
  const { openResults } = await import("../../../results/database.ts");
  const { hasNoRows } = await import("../../../results/same-rows.ts");
  const db = openResults(path, { readonly: true });
  try {
    return !hasNoRows(db);
  } finally {
    db.close();
  }
}
