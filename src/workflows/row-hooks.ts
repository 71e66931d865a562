/** How the journal looks at rows of a run and removes them: it may not use the results database itself. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Place, type Project, placeAround, readConfig, topOf } from "../config/project.ts";
import type { RowHooks } from "../journal/effects/kind.ts";
import type { Effect, Operation } from "../journal/types.ts";
import type { Database } from "../platform/sqlite.ts";
import { isOfPointer, releasingUntracked } from "./undo/untracked.ts";

export function isOfRows({ kind }: Effect): boolean {
  return kind === "rows" || kind === "stamp" || kind === "database";
}

/** Loads the database driver only when an effect speaks of rows. */
export async function rowHooks(project: Place, effects: readonly Effect[]): Promise<RowHooks | undefined> {
  const ofRows = effects.some(isOfRows) ? await hooksOfRows(project) : undefined;
  if (!effects.some(isOfPointer)) return ofRows;
  return {
    ...(ofRows ?? { look: () => ({ state: "other" }), takeBack() {} }),
    *settling(operation) {
      if (ofRows?.settling) yield* ofRows.settling(operation);
      yield* releasingUntracked(projectOf(project, operation), operation);
    },
  };
}

/** The one it ran in. */
function projectOf(project: Place, { folder }: Operation): Project {
  const own = placeAround(project, folder);
  return { ...own, config: readConfig(own) };
}

async function hooksOfRows(project: Place): Promise<RowHooks> {
  const { openResults } = await import("../results/database.ts");
  const { digestRun, removeRun, restampRun } = await import("../results/run-rows.ts");
  const { readRun } = await import("../results/runs.ts");
  const { restoreDatabase } = await import("../results/restore.ts");
  const { hasNoRows, sameRows } = await import("../results/same-rows.ts");
  const { bringingBackOutputs } = await import("./undo/outputs.ts");

  /** Null when there is no database. */
  const withDatabase = <Value>(name: string, readonly: boolean, work: (db: Database) => Value): Value | null => {
    const path = join(topOf(project), name);
    if (!existsSync(path)) return null;
    const db = openResults(path, { readonly });
    try {
      return work(db);
    } finally {
      db.close();
    }
  };

  const lookAtDatabase = ({ path, before, after }: Extract<Effect, { kind: "database" }>): ReturnType<RowHooks["look"]> => {
    if (!existsSync(join(topOf(project), path))) return before === null ? { state: "before" } : { state: "other", now: "gone" };
    const lost = [before, after].find((copy) => copy !== null && !existsSync(copy));
    if (lost) return { state: "other", now: `the copy to compare it with is gone: ${lost}` };
    const answer = withDatabase(path, true, (db) => {
      if (sameRows(db, after)) return "after";
      return (before === null ? hasNoRows(db) : sameRows(db, before)) ? "before" : "other";
    });
    return answer === null || answer === "other" ? { state: "other", now: "its rows have changed since" } : { state: answer };
  };

  return {
    look(effect) {
      if (effect.kind === "database") return lookAtDatabase(effect);
      const { database, run } = effect;
      if (effect.kind === "stamp") {
        const { before, after } = effect;
        const record = withDatabase(database, true, (db) => readRun(db, run));
        if (record === null) return { state: "other", now: "the run is not there" };
        if (record.version === after) return { state: before === after ? "before" : "after" };
        return record.version === before ? { state: "before" } : { state: "other", now: record.version ?? "no version" };
      }
      const { digest } = effect;
      const now = withDatabase(database, true, (db) => digestRun(db, run));
      if (now === null) return { state: "before" };
      if (now === digest) return { state: "after" };
      return { state: "other", now: digest === undefined ? "never came to its end" : "changed" };
    },
    takeBack(effect) {
      if (effect.kind === "database") {
        withDatabase(effect.path, false, (db) => restoreDatabase(db, effect.before));
        return;
      }
      const { database, run } = effect;
      withDatabase(database, false, (db) =>
        effect.kind === "rows" ? removeRun(db, run) : restampRun(db, run, { from: effect.after, to: effect.before }),
      );
    },
    settling: (operation) => bringingBackOutputs(projectOf(project, operation), operation),
  };
}
