/** Files a program wrote that are neither model, output, row nor log: no version has them, and unless somebody says so nobody notices. */
import { lstatSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { isModelName } from "../../../config/model-places.ts";
import { absolutePath, configPath, foldersOf, isWithin, storedPath, typedPath, underAny } from "../../../config/paths.ts";
import { topOf } from "../../../config/project.ts";
import { yamlSource } from "../../../config/yaml-text.ts";
import { ExpverError } from "../../../errors.ts";
import { git, type Repository } from "../../../git/git.ts";
import type { Context } from "../../../platform/context.ts";
import { isThere } from "../../../platform/files.ts";
import type { ClosingRun } from "../open-run.ts";
import type { LeftFiles } from "../run-facts.ts";
import { readFileChanges } from "../snapshot/changes.ts";
import { type LeftUnit, noteLeft } from "../snapshot/noted-left.ts";
import { runLog } from "../snapshot/run-logs.ts";
import { selectSnapshot, snapshotRules } from "../snapshot/snapshot-selection.ts";
import { metricsMarks } from "./marks.ts";
import { outputsOf } from "./outputs.ts";
import { treeEntries } from "./results-files.ts";

const SHOWN = 20;

/**
 * What the next snapshot would take for code, or hold back for its size or as a log, and this one did not have. In a workspace also what it had and the
 * program has written over: nobody else will see that.
 */
function leftPaths(run: ClosingRun): { path: string; bytes: number }[] {
  const { project, repository, places, facts, isShard = false } = run;
  const { closing, snapshot } = facts();
  const linked = project.config.link.map((path) => storedPath(project, path));
  const params = project.config.params === null ? [] : [storedPath(project, project.config.params)];
  // Beside what earlier runs left there may be what this one did.
  const known = closing.heldBack.filter(({ reason }) => reason !== "left");
  const isKnown = underAny([...known.map(({ path }) => path), ...linked, ...params]);
  const isOutput = outputsOf(run);
  const changes = readFileChanges(repository).filter(({ path, tracked }) => (isShard || !tracked) && !isKnown(path) && !isOutput(path));
  const { included, heldBack } = selectSnapshot(changes, snapshotRules(project, places, closing.pointers, closing.script));
  const code = new Set(included.map(({ path }) => path));
  // A checkpoint may lie among what a tool writes.
  const isHeld = underAny(heldBack.filter(({ reason }) => reason === "large" || reason === "log").map(({ path }) => path));
  const left = changes.filter(({ path }) => code.has(path) || isHeld(path));
  const ofSnapshot = treeEntries(
    { project, repository, snapshot },
    left.flatMap(({ path, tracked }) => (tracked ? [] : [path])),
  );
  return left.filter(({ path }) => !ofSnapshot.has(path)).sort((one, other) => (one.path < other.path ? -1 : 1));
}

function summed({ repository }: ClosingRun, left: readonly { path: string; bytes: number }[], folder: string | null): LeftFiles | null {
  if (left.length === 0) return null;
  const bytes = left.reduce((sum, one) => sum + one.bytes, 0);
  const paths = left.map(({ path }) => path);
  const model = modelAmong(repository, paths);
  return { files: left.length, bytes, paths: paths.slice(0, SHOWN), ...(model === null ? {} : { model }), folder };
}

/** After its checkpoints a program saves what it has trained, alone or with what belongs to it (a tokenizer). */
function modelAmong(repository: Repository, paths: readonly string[]): string | null {
  const models = paths.filter((path) => isModelName(path) && runLog(path) === null);
  const ages = new Map(models.map((path) => [path, writtenAt(repository, path)]));
  const [last] = models.toSorted((one, other) => (ages.get(other) ?? 0) - (ages.get(one) ?? 0));
  if (last === undefined) return null;
  const folder = dirname(last);
  const [unit] = unitsOf(repository, folder === "." ? [] : paths.filter((path) => isWithin(path, folder)));
  const isAlone = models.filter((path) => isWithin(path, folder)).length === 1;
  return unit?.path === folder && isAlone ? folder : last;
}

/**
 * Notes for later runs what was written while the program ran. Null also when Git cannot say: a finished run is not to fail for that.
 * Without a snapshot nobody knows what was there before.
 */
export function findLeft(run: ClosingRun): LeftFiles | null {
  const { repository, facts } = run;
  if (!facts().closing.commit || facts().snapshot === null) return null;
  try {
    const left = leftPaths(run);
    const metrics = Object.keys(metricsMarks(run.project, run.places));
    const written = [...metrics, ...left.map(({ path }) => path)].filter(writtenMeanwhile(run));
    noteLeft(repository, unitsOf(repository, written), { script: facts().closing.script, command: facts().command });
    return summed(run, left, null);
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return null;
  }
}

/** Nothing where nobody saw the program's end: what came after it is somebody's own. */
function writtenMeanwhile({ repository, facts }: ClosingRun): (path: string) => boolean {
  const { startedAt, endedAt, closing } = facts();
  if (endedAt === null || closing.marksAtEnd === null) return () => false;
  const [from, to] = [Date.parse(startedAt), Date.parse(endedAt)];
  return (path) => {
    const at = writtenAt(repository, path);
    return at >= from && at <= to;
  };
}

/** Milliseconds since 1970; 0 for what something that the program started has taken away meanwhile. */
function writtenAt({ root }: Repository, path: string): number {
  return lstatSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Out of a workspace, which is another run's soon, into the folder of the run. Safe to repeat. */
export function keepLeft(run: ClosingRun): LeftFiles | null {
  const folder = join(run.folder, "left");
  const paths = leftPaths(run);
  const left = run.facts().left ?? summed(run, paths, folder);
  if (left === null) return null;
  run.save({ left });
  for (const { path } of paths) {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    renameSync(join(topOf(run.project), path), to);
  }
  return left;
}

/** What is to be typed is relative to where it is typed, and what is to be written to `expver.yaml`. */
export function warnOfLeft(context: Context, { project, repository, runId }: ClosingRun, { paths, files, folder, model }: LeftFiles): void {
  const units = unitsOf(repository, paths);
  const shown = units.slice(0, 3);
  const rest = files - shown.reduce((sum, unit) => sum + unit.paths.length, 0);
  const kept = folder === null ? "" : `, kept in ${folder}`;
  const names = shown.map(({ path, paths: { length } }) => (length > 1 ? `${path}/ (${length} files)` : path)).join(", ");
  const globs = [...new Set(shown.map((unit) => globOf(project, unit)))].join(", ");
  const hasModel = isThere(absolutePath(project, storedPath(project, project.config.models.output)));
  const asModel = hasModel || model === undefined ? "" : `, or as the model: models: { output: ${yamlSource(configPath(project, model))} }`;
  const now = folder === null ? `; or now: expver data add ${typedPath(project, shown[0]?.path ?? "")}` : "";
  context.report({
    kind: "warning",
    text: `run ${runId} left what no version has: ${names}${rest > 0 ? ` and ${rest} more` : ""}${kept}`,
    hint: `Name in expver.yaml what a run is to keep: track: [${globs}]${asModel}${now}`,
  });
}

/** Tools write the next run's into another folder beside it (by the day, or counted on): the one above stays. */
function globOf(project: ClosingRun["project"], { path, paths }: { path: string; paths: readonly string[] }): string {
  const log = runLog(paths[0] ?? path)?.path ?? path;
  const stays = isWithin(path, log) ? log : path;
  return `'${configPath(project, stays)}${paths.length > 1 || stays !== path ? "/**" : ""}'`;
}

/** Files that share a folder in which Git has nothing count as one: the folder. */
function unitsOf(repository: Repository, paths: readonly string[]): LeftUnit[] {
  const tops = new Set(paths.map((path) => path.replace(/\/.*/, "")));
  const tracked = paths.length < 2 ? "" : git(repository, ["ls-files", "-z", "--", ...[...tops].map((top) => `:(top,literal)${top}`)]);
  const ofGit = new Set(tracked.split("\0").flatMap((path) => foldersOf(dirname(path))));
  const within = (group: readonly string[], above: string): LeftUnit[] => {
    const folder = sharedFolder(group);
    if (group.length > 1 && folder !== "" && !ofGit.has(folder)) return [{ path: folder, paths: group }];
    const depth = above === "" ? 0 : above.split("/").length;
    const byNext = new Map<string, string[]>();
    for (const path of group) {
      const next = path.split("/", depth + 1).join("/");
      const known = byNext.get(next);
      if (known === undefined) byNext.set(next, [path]);
      else known.push(path);
    }
    return [...byNext].flatMap(([next, members]) =>
      members.length === 1 ? [{ path: members[0] ?? next, paths: members }] : within(members, next),
    );
  };
  return within(paths, "");
}

/** The deepest folder all of them are in. */
function sharedFolder(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map((path) => path.split("/").slice(0, -1));
  const end = first.findIndex((part, index) => others.some((other) => other[index] !== part));
  return first.slice(0, end === -1 ? undefined : end).join("/");
}
