/** What a run wrote, noted for undo beside the effects of its closing. */

import { absolutePath } from "../../../config/paths.ts";
import { hashOutput } from "../../../store/contents.ts";
import type { Wrote } from "../../undo/outputs.ts";
import type { ClosingRun } from "../open-run.ts";
import { markOf } from "./marks.ts";
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
  const hadMark = (path: string) => (marks?.pointers[path] || marks?.files[path] || "") !== "";
  const wrote: Wrote[] = [
    ...own.map(({ path, object }): Wrote => ({ path, kind: "git", hash: object, existed: before.has(path) })),
    ...stageOutputs(run),
    ...artifacts.map(
      ({ path, hash }): Wrote =>
        path === places.database
          ? { path, kind: "database", hash, existed: databaseExisted }
          : { path, kind: "data", hash, existed: hadMark(path) },
    ),
  ];
  operation.note("wrote", wrote);
}

/** `dvc repro` stores what its stages write itself. */
function stageOutputs({ project, facts }: ClosingRun): Wrote[] {
  const { pipeline, pointers, marks } = facts().closing;
  if (!pipeline) return [];
  return pointers
    .filter(
      ({ stage, cache, path }) => stage !== undefined && cache && hasChanged(markOf(absolutePath(project, path)), marks?.pointers[path]),
    )
    .map(({ path }) => ({ path, kind: "data", hash: hashOutput(project, path).hash, existed: true }));
}

function hasChanged(now: string, before: string | undefined): boolean {
  return now !== "" && now !== before;
}
