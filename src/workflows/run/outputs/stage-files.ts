/** What `dvc repro` leaves for Git to keep: its lock, outputs it does not cache, and the lines by which Git ignores the others. */

import { join, posix } from "node:path";
import { underAny } from "../../../config/paths.ts";
import { type Project, topOf } from "../../../config/project.ts";
import { git } from "../../../git/git.ts";
import { filesHere } from "../../../git/hashes-here.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { readTracked } from "../../../store/pointers/pointers.ts";
import type { OutputFile } from "../run-facts.ts";
import { type SnapshotPlace, treeEntries } from "./results-files.ts";

export interface StageFiles {
  /** Files of R, as they are in the worktree. */
  files: OutputFile[];
  /** Lines of ignore files, by path. Only those for outputs: others somebody may have typed meanwhile. */
  ignored: Map<string, string[]>;
}

export function stageFiles(place: SnapshotPlace): StageFiles {
  const { project } = place;
  const { kept, cached, pipelines } = stageOutputs(project);
  const locks = pipelines.map((path) => posix.join(posix.dirname(path), "dvc.lock"));
  return { files: [...asTheyAre(place, locks), ...filesForGit(place, kept)], ignored: ignoredLines(project, cached) };
}

/** What of these paths Git has or would take: what it ignores somebody wanted out of it. */
export function filesForGit(place: SnapshotPlace, paths: readonly string[]): OutputFile[] {
  return asTheyAre(place, filesOf(place.project, paths));
}

/** What may change while stages run. */
export function isStageFile(project: Project): (path: string) => boolean {
  const { kept, cached } = stageOutputs(project);
  const ignoring = new Set(cached.map(ignoreFileOf));
  const isKept = underAny(kept);
  return (path) => posix.basename(path) === "dvc.lock" || ignoring.has(path) || isKept(path);
}

function stageOutputs(project: Project): { kept: string[]; cached: string[]; pipelines: string[] } {
  const { pointers, pipelines } = readTracked(project);
  const outputs = pointers.filter(({ stage }) => stage !== undefined);
  const pathsOf = (isCached: boolean) => outputs.filter(({ cache }) => cache === isCached).map(({ path }) => path);
  return { kept: pathsOf(false), cached: pathsOf(true), pipelines };
}

function filesOf({ repository }: Project, paths: readonly string[]): string[] {
  if (repository === null || paths.length === 0) return [];
  const args = ["--literal-pathspecs", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...paths];
  return [...new Set(git(repository, args).split("\0").filter(Boolean))];
}

function asTheyAre(place: SnapshotPlace, paths: readonly string[]): OutputFile[] {
  const before = treeEntries(place, paths);
  return [...filesHere(place.repository, paths, { write: true })].flatMap(([path, { mode, object }]): OutputFile[] =>
    mode === "120000" || object === before.get(path)?.object ? [] : [{ path, mode, object }],
  );
}

function ignoredLines(project: Project, outputs: readonly string[]): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  for (const path of outputs) {
    const file = ignoreFileOf(path);
    const line = `/${posix.basename(path)}`;
    const there = (readTextIfExists(join(topOf(project), file)) ?? "").split(/\r?\n/);
    if (there.includes(line)) lines.set(file, [...(lines.get(file) ?? []), line]);
  }
  return lines;
}

function ignoreFileOf(path: string): string {
  return posix.join(posix.dirname(path), ".gitignore");
}
