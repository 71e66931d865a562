/** What a run wrote, noted for undo beside the effects of its closing. */

import { isWithin } from "../../../config/paths.ts";
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
  // A folder has no mark of its own.
  const stood = (path: string) => there.some((one) => isWithin(one, path));
  const wrote: Wrote[] = [
    ...own.map(({ path, object }): Wrote => ({ path, kind: "git", hash: object, existed: before.has(path) })),
    ...artifacts.map(
      ({ path, hash }): Wrote =>
        path === places.database
          ? { path, kind: "database", hash, existed: databaseExisted }
          : { path, kind: "data", hash, existed: stood(path) },
    ),
  ];
  operation.note("wrote", wrote);
}
