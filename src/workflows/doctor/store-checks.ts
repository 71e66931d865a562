/** Tracked data: can every pointer be read, and are its bytes somewhere. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { shownPath, typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { promisedOutputs } from "../../pipelines/unrun-outputs.ts";
import { roomOn } from "../../platform/file-system.ts";
import { isFolder, isSamePlace, readableNamesIn, readTextIfExists } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted, someOf } from "../../platform/words.ts";
import { cacheTrash, openCache } from "../../store/objects/cache.ts";
import { objectPath } from "../../store/objects/layout.ts";
import { parseListing } from "../../store/objects/listing.ts";
import { partialsFolder } from "../../store/objects/partial.ts";
import { contestedRemedy, contestedText, everyContested } from "../../store/pointers/contested.ts";
import type { PipelineTexts } from "../../store/pointers/pointers.ts";
import { cacheDir, cacheSeenByDvc, sharedCache } from "../../store/settings/dvc-config.ts";
import { parseDvcConfig } from "../../store/settings/dvc-config-file.ts";
import type { Pointer } from "../../store/types.ts";
import { outputStatus } from "../../store/worktree/status.ts";
import { nameSharedCache, sharedCacheEdit } from "../shared-cache.ts";
import type { Check, Finding } from "./check.ts";

export const lostObjects: Check = {
  id: "lost-objects",
  title: "the bytes of tracked data",
  async find({ project, context, looked }) {
    if (project === null || project.dvcRoot === null || project.repository?.bare) return [];
    const cache = cacheDir(project);
    const hasRemote = configTexts(project).some(({ sections }) => [...sections.keys()].some((name) => name.startsWith("remote ")));
    const incomplete = looked.tracked().pointers.flatMap((pointer) => {
      const missing = missingOf(cache, pointer);
      return missing === 0 ? [] : [{ pointer, missing }];
    });
    const states = await outputStatus(
      project,
      incomplete.map(({ pointer }) => pointer),
      context,
    );
    const isThere = (index: number) => states[index]?.worktree === "same";
    const away = new Set(
      incomplete.filter(({ pointer }, index) => !isThere(index) && (hasRemote || pointer.isImport)).map(({ pointer }) => pointer),
    );
    // A fresh clone has nothing yet, and one command brings it all.
    const all: Finding[] =
      away.size <= MOST_TOLD
        ? []
        : [
            {
              level: "warning",
              what: `the bytes of ${counted(away.size, "tracked output")} are not in the cache: ${someOf([...away].map(({ path }) => path))}`,
              remedy: "expver data pull",
            },
          ];
    const told = incomplete.flatMap(({ pointer, missing }, index): Finding[] => {
      if (all.length > 0 && away.has(pointer)) return [];
      const many = missing === 1 ? "" : ` (${missing} objects)`;
      const what = `the bytes of ${pointer.path} (${pointer.hash?.slice(0, 6)}, named by ${pointer.file}) are not in the cache${many}`;
      const typed = typedPath(project, pointer.path);
      const worktree = states[index]?.worktree;
      // Adding anything else would make the pointer name that, and forget what it named.
      if (isThere(index)) return [{ level: "warning", what: `${what}; they stand at that path`, remedy: `expver data add ${typed}` }];
      if (hasRemote || pointer.isImport) return [{ level: "warning", what, remedy: `expver data pull ${typed}` }];
      return [
        {
          level: "problem",
          what: `${what}, and there is no remote: they are lost unless a colleague has them`,
          remedy:
            worktree === "modified"
              ? `Copy them back to ${shownPath(project, pointer.path)}, or track what stands there now instead: expver data add ${typed}`
              : `Copy them back to ${shownPath(project, pointer.path)}, or: expver data remove ${typedPath(project, pointer.file)}`,
        },
      ];
    });
    return [...all, ...told];
  },
};

/** One by one. */
const MOST_TOLD = 5;

export const contestedOutputs: Check = {
  id: "contested-outputs",
  title: "outputs that several pointers name",
  find({ project, looked }) {
    if (project === null || project.dvcRoot === null || project.repository?.bare) return [];
    const { pointers: all, pipelines } = looked.tracked();
    const found = everyContested(project, all).map(({ path, pointers, agree }): Finding => {
      const what = contestedText(project, { path, pointers });
      const remedy = contestedRemedy(project, pointers);
      return agree ? { level: "warning", what, remedy } : { level: "problem", what: `${what}, which say different things`, remedy };
    });
    return [...found, ...withPromise(project, all, pipelines())];
  },
};

/** Outputs with a pointer of their own that a stage promises which has not run: dvc takes no repository that has one. */
function withPromise(project: Project, pointers: readonly Pointer[], pipelines: readonly PipelineTexts[]): Finding[] {
  const own = new Map(pointers.flatMap((pointer) => (pointer.stage === undefined ? [[pointer.path, pointer]] : [])));
  return promisedOutputs(pipelines).flatMap(({ path, stage }): Finding[] => {
    const pointer = own.get(path);
    if (pointer === undefined) return [];
    const file = typedPath(project, pointer.file);
    return [
      {
        level: "warning",
        what: `${shownPath(project, path)} is an output of ${file} and of stage ${stage} in dvc.yaml, which has not run: dvc refuses both`,
        remedy: `expver data remove ${file} && dvc commit -f ${stage}`,
      },
    ];
  });
}

export const littleRoom: Check = {
  id: "little-room",
  title: "room for the cache",
  find({ project }) {
    const dir = project === null || project.dvcRoot === null ? null : cacheDir(project);
    const room = dir !== null && existsSync(dir) ? roomOn(dir) : null;
    if (room === null || room.free > room.total * LITTLE) return [];
    const what = `the disk of the cache ${dir} has ${room.free} of ${room.total} bytes left`;
    // Worktrees, all that Git reaches, and what only stashes, reflogs and the index still name.
    return [{ level: "note", what, remedy: "expver data gc -w -a -T -A --reflog --dry-run" }];
  },
};

const LITTLE = 0.05;

export const sharedModes: Check = {
  id: "shared-modes",
  title: "modes of a cache that a group shares",
  find({ project }) {
    const cache = project === null || project.dvcRoot === null ? null : openCache(project);
    if (cache === null || !cache.shared || !isFolder(cache.dir)) return [];
    const wrong = foldersOf(cache.dir).filter((folder) => (statSync(folder).mode & GROUP_MODE) !== GROUP_MODE);
    if (wrong.length === 0) return [];
    const many = wrong.length === 1 ? "a folder" : `${wrong.length} folders`;
    return [
      {
        level: "warning",
        what: `${many} of the shared cache ${wrong.length === 1 ? "is" : "are"} not for all of its group, first ${wrong[0]}: others cannot store there`,
        remedy: `Their owner, or root: find ${shellWord(cache.dir)} -type d -exec chmod g+rwxs {} +`,
      },
    ];
  },
};

/** Reading, writing and entering for the group, whose the files in it are. */
const GROUP_MODE = 0o2070;

/** Those of a cache in which objects come and wait. */
function foldersOf(dir: string): string[] {
  const places = [dir, join(dir, "files"), join(dir, "files", "md5")].filter(isFolder);
  const shards = places.flatMap((place) =>
    readableNamesIn(place).flatMap((name) => (/^[0-9a-f]{2}$/.test(name) ? [join(place, name)] : [])),
  );
  return [...places, ...[...shards, cacheTrash({ dir }), partialsFolder({ dir })].filter(isFolder)];
}

export const worktreeCache: Check = {
  id: "worktree-cache",
  title: "the cache of a linked worktree",
  find({ project, looked }) {
    const shared = project === null ? null : sharedCache(project);
    if (project === null || shared === null) return [];
    const own = cacheSeenByDvc(project);
    if (isSamePlace(own, shared)) return [];
    const lost = looked.tracked().pointers.filter((pointer) => missingOf(own, pointer) > 0);
    const there = lost.filter((pointer) => missingOf(shared, pointer) === 0);
    if (there.length === 0) return [];
    const what = `this worktree has a cache of its own; ${there.length} tracked outputs are only in that of the main worktree, ${shared}`;
    const edit = sharedCacheEdit(project);
    if (edit === null) return [{ level: "problem", what, remedy: `expver data cache dir --local ${shellWord(shared)}` }];
    return [{ level: "problem", what, remedy: "expver doctor --fix", fix: `name that cache in ${edit.path}`, subject: shared }];
  },
  async fix({ project, context }, { subject = "" }) {
    if (project === null) return "nothing";
    await nameSharedCache(project, context);
    return `.dvc/config.local names ${subject}`;
  },
};

/** Texts of `.dvc/config` and `config.local`, parsed. Throws E_CONFIG naming file and line. */
export function configTexts(project: Project): { file: string; sections: ReturnType<typeof parseDvcConfig> }[] {
  if (project.dvcRoot === null) return [];
  const folder = join(project.dvcRoot, ".dvc");
  return ["config", "config.local"].flatMap((name) => {
    const text = readTextIfExists(join(folder, name));
    return text === null ? [] : [{ file: `.dvc/${name}`, sections: parseDvcConfig(text, `.dvc/${name}`) }];
  });
}

/** How many objects a pointer names that a cache lacks; a folder whose listing is missing counts as one. */
function missingOf(cache: string, { hash, hashName, cache: isCached }: Pointer): number {
  if (hash === null || !isCached) return 0;
  const listing = objectPath(cache, { hash, hashName });
  if (!existsSync(listing)) return 1;
  if (!hash.endsWith(".dir")) return 0;
  return parseListing(readFileSync(listing), hash).filter(({ md5 }) => !existsSync(objectPath(cache, { hash: md5, hashName }))).length;
}
