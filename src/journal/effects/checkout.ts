/** Files that a checkout replaced, removed or made: whether they still are what it left, and what they were before, from the cache. */
import { constants, copyFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { topOf } from "../../config/project.ts";
import { fromSystemError } from "../../errors.ts";
import { hasCode, hiddenStem, isFile, plainMode, removeFile, setMode } from "../../platform/files.ts";
import { hashingFile } from "../../platform/hashing.ts";
import type { Work } from "../../platform/pace.ts";
import { counted } from "../../platform/words.ts";
import { removeEmptyFolder } from "../file-edits.ts";
import type { EffectKind, EffectOf, Standing } from "./kind.ts";
import { useOfDatabase } from "./use-of-database.ts";

type CheckedOut = EffectOf<"checkout">;

export const checkouts: EffectKind<EffectOf<"checkout">> = {
  target: ({ path, files }) => (files.length === 1 && files[0]?.[0] === "" ? path : `${path}: ${counted(files.length, "file")}`),
  standing: (place, effect) => standing(topOf(place), effect),
  takingBack: (place, effect) => takingBack(topOf(place), effect),
};

/** Half done counts as standing: taking back goes on where it was. */
function* standing(top: string, effect: CheckedOut): Work<Standing> {
  let changed = 0;
  for (const file of effect.files) {
    const [, before, after] = file;
    const path = placeOf(top, effect, file);
    const now = yield* hashingAt(path, effect);
    if (now === before) continue;
    const shown = path.slice(top.length + 1);
    if (now !== after) return { state: "other", now: `${shown} is something else` };
    if (before !== null && !(yield* isKept(effect, before)))
      return { state: "other", now: `what ${shown} was is no longer whole in the cache` };
    const use = now === null ? null : useOfDatabase(path);
    if (use !== null) return { state: "other", now: `${shown} ${use}` };
    changed += 1;
  }
  return { state: changed === 0 ? "before" : "after" };
}

/** Safe to repeat. What was not there goes first: a folder may be where a file was. */
function* takingBack(top: string, effect: CheckedOut): Work<void> {
  const output = join(top, effect.path);
  const changed: CheckedOut["files"] = [];
  for (const file of effect.files) if ((yield* hashingAt(placeOf(top, effect, file), effect)) !== file[1]) changed.push(file);
  try {
    for (const file of changed.filter(([, before]) => before === null)) {
      const path = placeOf(top, effect, file);
      removeFile(path);
      for (let folder = dirname(path); folder.startsWith(`${output}/`) && removeEmptyFolder(folder); ) folder = dirname(folder);
    }
    for (const file of changed) {
      const [, before] = file;
      const path = placeOf(top, effect, file);
      if (before === null) continue;
      // Only an empty folder goes.
      if (path === output) removeEmptyFolder(output);
      mkdirSync(dirname(path), { recursive: true });
      const beside = join(dirname(path), `${hiddenStem(path)}expver.tmp`);
      removeFile(beside);
      // Not a link: whatever it was, it may be written to.
      copyFileSync(objectOf(effect, before), beside, constants.COPYFILE_FICLONE);
      setMode(beside, plainMode());
      renameSync(beside, path);
      yield { files: 0, bytes: 0 };
    }
  } catch (error) {
    throw fromSystemError(error, `cannot bring back ${effect.path}`);
  }
}

/** Files that are kept in the cache, at their places again; nothing when one of them is not there any more. */
export function* makingAgain(top: string, effect: CheckedOut): Work<void> {
  for (const [, before] of effect.files) if (before === null || !(yield* isKept(effect, before))) return;
  yield* takingBack(top, effect);
}

function placeOf(top: string, { path }: CheckedOut, [below]: CheckedOut["files"][number]): string {
  return below === "" ? join(top, path) : join(top, path, below);
}

/** The bytes are there, and not damaged. */
function* isKept(effect: CheckedOut, hash: string): Work<boolean> {
  const object = objectOf(effect, hash);
  return isFile(object) && (yield* hashingFile(object, { kind: effect.hashName })).md5 === hash;
}

function objectOf({ shards }: CheckedOut, hash: string): string {
  return join(shards, hash.slice(0, 2), hash.slice(2));
}

/** Null: no file is there. A link counts as the file it leads to. */
function* hashingAt(path: string, { hashName }: CheckedOut): Work<string | null> {
  yield { files: 1, bytes: 0 };
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.isDirectory()) return null;
    return stat.isFile() ? (yield* hashingFile(path, { kind: hashName })).md5 : "";
  } catch (error) {
    // A file is where its folder was; or no file can have that name here, and that was why the checkout ended.
    if (hasCode(error, "ENOTDIR", "ENAMETOOLONG")) return null;
    throw error;
  }
}
