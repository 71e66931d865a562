/** Rows that get another version: in a copy of a stored database, and in the working one. */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import { removePath, setMode } from "../../platform/files.ts";
import { finishWork } from "../../platform/pace.ts";
import type { Database } from "../../platform/sqlite.ts";
import { openCache } from "../../store/objects/cache.ts";
import { beginIngest } from "../../store/objects/ingest.ts";
import { objectPath, trustedSize } from "../../store/objects/layout.ts";
import type { OutputContent, Pointer } from "../../store/types.ts";

export interface NewNumber {
  from: string;
  to: string;
  /** Of the version, as its tag names them: runs that others made under the same number keep it. */
  runs: readonly string[];
}

/** Stores the database a pointer names with another version in the rows of those of its runs that carry the old one. Throws E_NOT_STORED. */
export async function storeRestamped(project: Project, { hash, hashName, path }: Pointer, number: NewNumber): Promise<OutputContent> {
  const cache = openCache(project);
  const object = { hash: hash ?? "", hashName };
  if (trustedSize(cache.dir, object) === null) {
    throw new ExpverError("E_NOT_STORED", `${path} of ${number.from} is not in the cache, so its rows cannot say ${number.to}`, {
      hint: `Fetch it: expver data fetch --all-tags ${typedPath(project, path)}`,
      details: { path, hash },
    });
  }
  mkdirSync(project.stateDir, { recursive: true });
  const folder = mkdtempSync(join(project.stateDir, "renumber-"));
  const copy = join(folder, "database");
  const ingest = beginIngest(cache);
  try {
    copyFileSync(objectPath(cache.dir, object), copy);
    setMode(copy, 0o644);
    await withDatabase(copy, (db, { readRuns, restampRun }) =>
      db.write(() => {
        for (const { run_id: run, version } of readRuns(db, { only: number.runs }))
          if (version === number.from) restampRun(db, run, number);
      }),
    );
    const { md5, size } = finishWork(ingest.file(copy));
    ingest.commit();
    return { hash: md5, size };
  } finally {
    ingest.abort();
    removePath(folder);
  }
}

/** Runs of the working database that carry the old number. */
export async function workingRuns(project: Project, { from, runs }: Omit<NewNumber, "to">): Promise<string[]> {
  const path = resultsDatabase(project);
  if (!existsSync(path)) return [];
  return withDatabase(path, (db, { readRuns }) =>
    readRuns(db, { only: runs }).flatMap(({ run_id: run, version }) => (version === from ? [run] : [])),
  );
}

export async function restampWorking(project: Project, number: NewNumber): Promise<void> {
  if (number.runs.length === 0) return;
  await withDatabase(resultsDatabase(project), (db, { restampRun }) =>
    db.write(() => {
      for (const run of number.runs) restampRun(db, run, number);
    }),
  );
}

type Tools = typeof import("../../results/runs.ts") & typeof import("../../results/run-rows.ts");

/** The driver is loaded only when there is something to renumber. */
async function withDatabase<Value>(path: string, work: (db: Database, tools: Tools) => Value): Promise<Value> {
  const { openResults } = await import("../../results/database.ts");
  const tools = { ...(await import("../../results/runs.ts")), ...(await import("../../results/run-rows.ts")) };
  const db = openResults(path);
  try {
    return work(db, tools);
  } finally {
    db.close();
  }
}
