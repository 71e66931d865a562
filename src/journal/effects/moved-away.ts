/** Files and folders that went to the trash or to another name. */
import { existsSync, lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Place, topOf } from "../../config/project.ts";
import { isFile, isThere } from "../../platform/files.ts";
import { md5OfFile } from "../../platform/hashing.ts";
import { sameTree, treeDigest } from "../../platform/tree-digest.ts";
import { counted } from "../../platform/words.ts";
import { linkOrMove, moveWhole, removeWhole, restoreFromTrash, restoreObjects } from "../trash.ts";
import type { EffectKind, EffectOf } from "./kind.ts";

export const trashed: EffectKind<EffectOf<"trash">> = {
  target: ({ path }) => path,
  stand(place, effect) {
    const path = join(topOf(place), effect.path);
    const [isBack, isKept] = [isThere(path), isThere(effect.trash)];
    if (!isKept) return isBack ? { state: "before" } : { state: "other", now: "neither there nor in the trash" };
    if (!isBack || isPlaced(place, effect)) return { state: "after" };
    return isTwice(path, effect.trash) ? { state: "before" } : { state: "other", now: "something else is there" };
  },
  takeBack(place, effect) {
    const path = join(topOf(place), effect.path);
    if (isPlaced(place, effect)) rmSync(path);
    restoreFromTrash(effect.trash, path);
  },
};

/** What lies there is what the operation put in the place of what it took away. */
function isPlaced(place: Place, { path, placed }: EffectOf<"trash">): boolean {
  const file = join(topOf(place), path);
  return placed !== undefined && isFile(file) && md5OfFile(file).md5 === placed;
}

export const moves: EffectKind<EffectOf<"move">> = {
  target: ({ to }) => to,
  stand(place, { from, to, replaced, digest }) {
    const [source, target] = [join(topOf(place), from), join(topOf(place), to)];
    const [isMoved, isBack] = [isThere(target), isThere(source)];
    const isKept = replaced !== undefined && isThere(replaced);
    // One file under two names: about to be replaced, or about to be taken back.
    if (isBack && isKept && isTwice(target, replaced)) return { state: "before" };
    if (isBack && (isKept || replaced === undefined) && isTwice(target, source)) return { state: "after" };
    if (isMoved && isBack)
      return replaced === undefined || isKept ? { state: "other", now: "something else is there" } : { state: "before" };
    if (isMoved && replaced !== undefined && !isKept) return { state: "other", now: "what stood there is no longer in the trash" };
    if (isMoved && digest !== undefined && treeDigest(target) !== digest) return { state: "other", now: "changed" };
    if (isMoved || (isBack && isKept)) return { state: "after" };
    return isBack ? { state: "before" } : { state: "other", now: "neither here nor there" };
  },
  takeBack(place, { from, to, replaced }) {
    const [source, target] = [join(topOf(place), from), join(topOf(place), to)];
    // Killed between the two, only what stood there was moved away.
    if (!isThere(source)) {
      const staysUntilReplaced = replaced !== undefined && lstatSync(replaced).isFile() && lstatSync(target).isFile();
      (staysUntilReplaced ? linkOrMove : moveWhole)(target, source);
    } else if (isThere(target) && (replaced === undefined || !lstatSync(target).isFile())) removeWhole(target);
    if (replaced !== undefined) restoreFromTrash(replaced, target);
  },
};

/** One file under two names; or, on two file systems, what a move had copied and not yet taken away when it was killed. */
function isTwice(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => lstatSync(path, { throwIfNoEntry: false }));
  if (first?.isFile() === true && first.ino === second?.ino && first.dev === second.dev) return true;
  return first?.dev !== second?.dev && sameTree(one, other);
}

/** Of a cache. */
export const objects: EffectKind<EffectOf<"objects">> = {
  target: ({ folder, names }) => `${counted(names.length, "object")} of ${folder}`,
  stand(_place, { folder, trash, names }) {
    const away = names.filter((name) => !existsSync(join(folder, name)));
    if (away.length === 0) return { state: "before" };
    const lost = away.filter((name) => !existsSync(join(trash, name)));
    return lost.length === 0 ? { state: "after" } : { state: "other", now: `${lost.length} of them are no longer in the trash` };
  },
  takeBack: (_place, effect) => restoreObjects(effect),
};
