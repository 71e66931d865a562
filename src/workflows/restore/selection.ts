/** What of a version comes back, and what of today's goes: by looking only. */

import { existsSync } from "node:fs";
import { nearestPath } from "../../config/nearest.ts";
import { absolutePath, fromTop, isWithin, pathFromUser, shownPath, typedPath, underAny } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { inProjectsBeside } from "../../config/projects-beside.ts";
import { resultsPath } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import { git, type Repository } from "../../git/git.ts";
import { hashesHere } from "../../git/hashes-here.ts";
import { readStatus } from "../../git/status.ts";
import { readTree, type TreeEntry } from "../../git/tree.ts";
import type { Context } from "../../platform/context.ts";
import { isThere, lstatIfThere } from "../../platform/files.ts";
import { paceWork, type Work } from "../../platform/pace.ts";
import { onePerOutput } from "../../store/pointers/contested.ts";
import { readPointers, readPointersAt } from "../../store/pointers/pointers.ts";
import { configFile } from "../../store/settings/dvc-config.ts";
import type { Pointer } from "../../store/types.ts";
import { lookingForMissing, readingStored, storedMembers } from "../../store/worktree/make-output.ts";
import { type OutputStatus, readingFiles, readingStatus } from "../../store/worktree/status.ts";

export interface Selection extends Chosen {
  /** Digests of files of those outputs as they lie there now, by stored path. */
  md5s: Map<string, string>;
  /** Stored paths that Git's merge left in conflict. */
  conflicts: ReadonlySet<string>;
  /** What was named and the version has nothing of, as stored paths. */
  lacking: string[];
}

export interface Chosen {
  /** Git files whose bytes are not what the version has. */
  files: TreeEntry[];
  /** Outputs that are not what the version's pointer says; `members`: only these of a folder. */
  outputs: { pointer: Pointer; members: string[] | null; missing: string[] }[];
  /** Stored paths of what the version does not have. */
  removes: string[];
  /** The results database was left out: nobody named it. */
  leftOut: string | null;
}

const COMPARING = { label: "comparing data" };

/** Throws E_NOT_FOUND for a path that neither the version nor this worktree has. */
export async function selectToRestore(
  project: Project,
  repository: Repository,
  context: Context,
  { commit, targets, version }: { commit: string; targets: readonly string[]; version: string },
): Promise<Selection> {
  const tree = readTree(repository, commit).filter(({ type }) => type === "blob");
  const [then, now] = [readPointersAt(project, commit), readPointers(project)];
  const tracked = trackedFiles(repository);
  const known = [...tree.map(({ path }) => path), ...tracked.keys(), ...[...then, ...now].map(({ path }) => path)];
  const wanted = targets.map((typed) => meaning(project, context, { typed, known, pointers: then, version }));
  const isBeside = inProjectsBeside(project);
  const isWanted = (path: string) => (wanted.length === 0 ? !isBeside(path) : wanted.some((target) => isAtOrBelow(path, target)));
  const database = resultsPath(project);
  const isNamed = (path: string) => wanted.some((target) => isAtOrBelow(path, target) && target !== "");
  const isLeftOut = (path: string) => path === database && !isNamed(database);
  const named = outputsOf(then, { wanted, isWanted }).filter(({ pointer }) => !isLeftOut(pointer.path));
  const once = new Set(
    onePerOutput(
      project,
      named.map(({ pointer }) => pointer),
    ),
  );
  const chosen = named.filter(({ pointer }) => once.has(pointer));
  const pointerFiles = new Set(
    named.flatMap(({ pointer, members }) => (members === null && pointer.stage === undefined ? [pointer.file] : [])),
  );
  const hidden = new Set([...then, ...now].filter(({ path }) => isLeftOut(path)).map(({ file }) => file));
  // An early version had no remote yet, from which its own data is to come.
  const settings = project.dvcRoot === null ? null : fromTop(project, configFile(project, "repo"));
  if (settings !== null && !isNamed(settings)) hidden.add(settings);
  const files = tree.filter(({ path }) => (isWanted(path) || pointerFiles.has(path)) && !hidden.has(path));
  const had = new Set(tree.map(({ path }) => path));
  const outputsThen = then.map(({ path }) => path);
  const hasThen = (target: string) =>
    [...had, ...outputsThen].some((path) => isAtOrBelow(path, target)) || then.some((pointer) => hasMember(project, pointer, target));
  // Of a file in whose place a folder stands there is nothing to take away.
  const isFolderNow = (path: string) => lstatIfThere(absolutePath(project, path))?.isDirectory() === true;
  const gone = [
    ...[...tracked.keys()].filter((path) => isWanted(path) && !had.has(path) && !hidden.has(path) && !isFolderNow(path)),
    ...now.map(({ path }) => path).filter((path) => isWanted(path) && !outputsThen.includes(path) && !had.has(path) && !isLeftOut(path)),
  ];
  return {
    files: differing(project, repository, files, tracked),
    ...(await differingOutputs(project, context, chosen)),
    removes: [...new Set(gone)].filter((path) => isThere(absolutePath(project, path))),
    lacking: wanted.filter((target) => gone.some((path) => isAtOrBelow(path, target)) && !hasThen(target)),
    conflicts: new Set([...tracked].filter(([, { isConflict }]) => isConflict).map(([path]) => path)),
    leftOut: isWanted(database) && [...then, ...now].some(({ path }) => isLeftOut(path)) ? database : null,
  };
}

/** Relative to where one is, as everywhere; else to the top, as it is written down in tags. */
function meaning(
  project: Project,
  context: Context,
  { typed, known, pointers, version }: { typed: string; known: readonly string[]; pointers: readonly Pointer[]; version: string },
): string {
  const candidates = [pathFromUser(project, context, typed), typed.replace(/^\.?\/+|\/+$/g, "")];
  const found = candidates.find(
    (target) => known.some((path) => isAtOrBelow(path, target)) || pointers.some((pointer) => hasMember(project, pointer, target)),
  );
  if (found !== undefined) return found;
  const unlisted = pointers.find((pointer) => isUnlisted(project, pointer) && candidates.some((target) => isWithin(target, pointer.path)));
  if (unlisted !== undefined)
    throw new ExpverError(
      "E_NOT_STORED",
      `what ${version} has in ${shownPath(project, unlisted.path)} is not known here: its listing is not in the cache`,
      {
        hint: `All of it: expver restore ${version} ${typedPath(project, unlisted.path)}`,
        details: { version, path: unlisted.path },
      },
    );
  const near = candidates.map((target) => nearestPath(target, known)).find((path) => path !== undefined);
  const meant = near === undefined ? "" : `; did you mean ${shownPath(project, near)}?`;
  throw new ExpverError("E_NOT_FOUND", `neither ${version} nor this worktree has ${typed}${meant}`, {
    hint: `expver show ${version} lists its data and models; git ls-tree -r ${version} its other files.`,
    details: { version, path: typed, nearest: near ?? null },
  });
}

function isAtOrBelow(path: string, target: string): boolean {
  return target === "" || isWithin(path, target);
}

function hasMember(project: Project, pointer: Pointer, target: string): boolean {
  if (!isAtOrBelow(target, pointer.path)) return false;
  const inside = target.slice(pointer.path.length + 1);
  return (storedMembers(project, pointer) ?? []).some(({ relpath }) => relpath !== "" && isAtOrBelow(relpath, inside));
}

function isUnlisted(project: Project, pointer: Pointer): boolean {
  return pointer.cache && pointer.hash?.endsWith(".dir") === true && storedMembers(project, pointer) === null;
}

/** An output is meant by its path or a folder around it, by its pointer file, or in part by what lies in it. */
function outputsOf(
  pointers: readonly Pointer[],
  { wanted, isWanted }: { wanted: readonly string[]; isWanted: (path: string) => boolean },
): { pointer: Pointer; members: string[] | null }[] {
  return pointers.flatMap((pointer): { pointer: Pointer; members: string[] | null }[] => {
    if (pointer.hash === null || !pointer.cache) return [];
    if (isWanted(pointer.path) || isWanted(pointer.file)) return [{ pointer, members: null }];
    const parts = wanted.filter((target) => target.startsWith(`${pointer.path}/`)).map((target) => target.slice(pointer.path.length + 1));
    return parts.length === 0 ? [] : [{ pointer, members: parts }];
  });
}

interface TrackedFile {
  mode: string;
  object: string;
  /** The worktree has something else. */
  isChanged: boolean;
  isConflict: boolean;
}

/** By path: what the index has. */
function trackedFiles(repository: Repository): Map<string, TrackedFile> {
  const changed = new Set(
    readStatus(repository, { untracked: false })
      .filter(({ worktree, kind }) => worktree !== "." || kind === "conflict")
      .map(({ path }) => path),
  );
  return new Map(
    git(repository, ["ls-files", "--stage", "-z"])
      .split("\0")
      .filter(Boolean)
      .map((record) => {
        const tab = record.indexOf("\t");
        const [mode = "", object = "", stage = "0"] = record.slice(0, tab).split(" ");
        const path = record.slice(tab + 1);
        return [path, { mode, object, isChanged: changed.has(path), isConflict: stage !== "0" }] as const;
      })
      .filter(([, { mode }]) => mode !== "160000"),
  );
}

function differing(
  project: Project,
  repository: Repository,
  files: readonly TreeEntry[],
  tracked: ReadonlyMap<string, TrackedFile>,
): TreeEntry[] {
  const unsure = files.filter(({ path }) => tracked.get(path)?.isChanged !== false && existsSync(absolutePath(project, path)));
  const hashes = hashesHere(
    repository,
    unsure.map(({ path }) => path),
  );
  return files.filter(({ path, object, mode }) => {
    const entry = tracked.get(path);
    if (entry !== undefined && !entry.isChanged) return entry.object !== object || entry.mode !== mode;
    return hashes.get(path) !== object;
  });
}

async function differingOutputs(
  project: Project,
  context: Context,
  chosen: readonly { pointer: Pointer; members: string[] | null }[],
): Promise<Pick<Selection, "outputs" | "md5s">> {
  const states = await paceWork(
    readingStatus(
      project,
      chosen.map(({ pointer }) => pointer),
    ),
    context,
    COMPARING,
  );
  const md5s = await paceWork(collectingHashes(states), context, COMPARING);
  const outputs: Selection["outputs"] = [];
  for (const [index, { pointer, members }] of chosen.entries()) {
    if (states[index]?.worktree === "same") continue;
    const isIn = members === null ? () => true : underAny(members);
    const other = members === null ? null : await paceWork(comparingMembers(project, pointer, { members, isIn, md5s }), context, COMPARING);
    if (other?.length === 0) continue;
    const missing = await paceWork(lookingForMissing(project, pointer, isIn), context, { label: "looking into the cache" });
    outputs.push({ pointer, members: other, missing });
  }
  return { outputs, md5s };
}

function* collectingHashes(states: readonly OutputStatus[]): Work<Map<string, string>> {
  const md5s = new Map<string, string>();
  for (const { pointer, scan } of states) {
    for (const { relpath, md5 } of scan === null ? [] : yield* readingFiles(scan)) {
      md5s.set(relpath === "" ? pointer.path : `${pointer.path}/${relpath}`, md5);
      yield { files: 0, bytes: 0 };
    }
  }
  return md5s;
}

/** Those of the wanted members that the worktree has not got as they were; the wanted paths themselves when the listing is nowhere here. */
function* comparingMembers(
  project: Project,
  pointer: Pointer,
  { members, isIn, md5s }: { members: string[]; isIn: (relpath: string) => boolean; md5s: ReadonlyMap<string, string> },
): Work<string[]> {
  const stored = ((yield* readingStored(project, pointer)) ?? []).filter(({ relpath }) => isIn(relpath));
  if (stored.length === 0) return members;
  return stored.filter(({ relpath, md5 }) => md5s.get(`${pointer.path}/${relpath}`) !== md5).map(({ relpath }) => relpath);
}
