/** Files a program wrote that are neither model, output, row nor log: no version has them, and unless somebody says so nobody notices. */
import { mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { isUnder, storedPath } from "../../../config/paths.ts";
import { topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import type { ClosingRun } from "../open-run.ts";
import type { LeftFiles } from "../run-facts.ts";
import { readUntracked } from "../snapshot/changes.ts";
import { quoted, selectSnapshot, snapshotRules } from "../snapshot/snapshot-selection.ts";
import { treeEntries } from "./results-files.ts";

const SHOWN = 20;

/** What the next snapshot would take for code, or hold back for its size, and this one did not have. */
function leftPaths({ project, repository, places, facts }: ClosingRun): { path: string; bytes: number }[] {
  const { closing, snapshot } = facts();
  const known = [...closing.heldBack.map(({ path }) => path), ...project.config.link.map((path) => storedPath(project, path))];
  const untracked = readUntracked(repository).filter(({ path }) => !isUnder(path, known));
  const { included, heldBack } = selectSnapshot(untracked, snapshotRules(places, closing.pointers));
  const fresh = [...included, ...heldBack.filter(({ reason }) => reason === "large")].map(({ path, bytes }) => ({ path, bytes }));
  const ofSnapshot = treeEntries(
    { project, repository, snapshot },
    fresh.map(({ path }) => path),
  );
  return fresh.filter(({ path }) => !ofSnapshot.has(path)).sort((one, other) => (one.path < other.path ? -1 : 1));
}

function summed(left: readonly { path: string; bytes: number }[], folder: string | null): LeftFiles | null {
  if (left.length === 0) return null;
  const bytes = left.reduce((sum, one) => sum + one.bytes, 0);
  return { files: left.length, bytes, paths: left.slice(0, SHOWN).map(({ path }) => path), folder };
}

/** Null also when Git cannot say: a finished run is not to fail for that. */
export function findLeft(run: ClosingRun): LeftFiles | null {
  try {
    return summed(leftPaths(run), null);
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return null;
  }
}

/** Out of a workspace, which is another run's soon, into the folder of the run. Safe to repeat. */
export function keepLeft(run: ClosingRun): LeftFiles | null {
  const folder = join(run.folder, "left");
  const paths = leftPaths(run);
  const left = run.facts().left ?? summed(paths, folder);
  if (left === null) return null;
  run.save({ left });
  for (const { path } of paths) {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    renameSync(join(topOf(run.project), path), to);
  }
  return left;
}

export function warnOfLeft(context: Context, runId: string, { paths, files, folder }: LeftFiles): void {
  const shown = paths.slice(0, 3);
  const more = files > shown.length ? ` and ${files - shown.length} more` : "";
  const kept = folder === null ? "" : `, kept in ${folder}`;
  const globs = shown.map((path) => `'${path}'`).join(", ");
  context.report({
    kind: "warning",
    text: `run ${runId} left what no version has: ${shown.join(", ")}${more}${kept}`,
    hint: `Name in expver.yaml what a run is to keep: track: [${globs}]${folder === null ? `; or now: expver data add ${quoted(paths[0] ?? "")}` : ""}`,
  });
}
