/** What a run wrote, noted for undo beside the effects of its closing. */

import { dirname } from "node:path";
import type { Wrote } from "../../undo/outputs.ts";
import type { ClosingRun } from "../open-run.ts";
import type { Outputs } from "./outputs.ts";
import { treeEntries } from "./results-files.ts";

export function noteWritten(run: ClosingRun, { artifacts, files }: Outputs): void {
  const { project, repository, operation, places, facts } = run;
  const { marks, databaseExisted } = facts().closing;
  const own = files.filter(({ edit }) => edit === undefined);
  const before = treeEntries(
    { project, repository, snapshot: facts().snapshot },
    own.map(({ path }) => path),
  );
  const there = Object.entries({ ...marks?.pointers, ...marks?.files }).flatMap(([path, mark]) => (mark === "" ? [] : [path]));
  const stood = withFolders(there);
  const wrote: Wrote[] = [
    ...own.map(({ path, object }): Wrote => ({ path, kind: "git", hash: object, existed: before.has(path) })),
    ...artifacts.map(
      ({ path, hash }): Wrote =>
        path === places.database
          ? { path, kind: "database", hash, existed: databaseExisted }
          : { path, kind: "data", hash, existed: stood.has(path) },
    ),
  ];
  operation.note("wrote", wrote);
}

/** A folder has no mark of its own. */
function withFolders(paths: readonly string[]): Set<string> {
  const all = new Set(paths);
  for (const path of paths) for (let folder = dirname(path); folder !== "." && !all.has(folder); folder = dirname(folder)) all.add(folder);
  return all;
}
