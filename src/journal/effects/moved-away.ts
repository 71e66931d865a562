/** Files and folders that went to the trash or to another name. */
import { existsSync, lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Place, topOf } from "../../config/project.ts";
import { isFile, isThere, lstatIfThere } from "../../platform/files.ts";
import { hashingFile } from "../../platform/hashing.ts";
import type { Work } from "../../platform/pace.ts";
import { digestingTree, sameTree } from "../../platform/tree-digest.ts";
import { counted } from "../../platform/words.ts";
import { discardKept, linkOrMove, moveWhole, removeWhole, restoreFromTrash, restoringObjects } from "../trash.ts";
import { checkouts, makingAgain } from "./checkout.ts";
import type { EffectKind, EffectOf, Standing } from "./kind.ts";
import { useOfDatabase } from "./use-of-database.ts";

export const trashed: EffectKind<EffectOf<"trash">> = {
  target: ({ path }) => path,
  *standing(place, effect) {
    const path = join(topOf(place), effect.path);
    yield { files: 1, bytes: 0 };
    const [isBack, isKept] = [isThere(path), isThere(effect.trash)];
    if (!isKept) return isBack ? { state: "before" } : { state: "other", now: "neither there nor in the trash" };
    if (!isBack) return { state: "after" };
    if (yield* lookingWhetherPlaced(place, effect)) return standsUnlessUsed(path);
    return isTwice(path, effect.trash) ? { state: "before" } : { state: "other", now: "something else is there" };
  },
  *takingBack(place, effect) {
    const path = join(topOf(place), effect.path);
    yield { files: 1, bytes: 0 };
    if (yield* lookingWhetherPlaced(place, effect)) rmSync(path);
    restoreFromTrash(effect.trash, path);
  },
};

/** What lies there is what the operation put in the place of what it took away. */
function* lookingWhetherPlaced(place: Place, { path, placed }: EffectOf<"trash">): Work<boolean> {
  const file = join(topOf(place), path);
  return placed !== undefined && isFile(file) && (yield* hashingFile(file)).md5 === placed;
}

export const moves: EffectKind<EffectOf<"move">> = {
  target: ({ to }) => to,
  *standing(place, effect, rows) {
    const { from, to, replaced, digest } = effect;
    const [source, target] = [join(topOf(place), from), join(topOf(place), to)];
    const [isMoved, isBack] = [isThere(target), isThere(source)];
    const isKept = replaced !== undefined && isThere(replaced);
    const removed = removedBy(effect);
    if (removed !== null && isBack && !isKept) {
      const { state } = yield* checkouts.standing(place, removed, rows);
      if (state !== "other") return { state };
    }
    // One file under two names: about to be replaced, or about to be taken back.
    if (isBack && isKept && isTwice(target, replaced)) return { state: "before" };
    if (isBack && (isKept || replaced === undefined) && isTwice(target, source)) return { state: "after" };
    if (isMoved && isBack)
      return replaced === undefined || isKept ? { state: "other", now: "something else is there" } : { state: "before" };
    if (isMoved && replaced !== undefined && !isKept) return { state: "other", now: "what stood there is no longer in the trash" };
    if (isMoved && digest !== undefined && (yield* digestingTree(target)) !== digest) return { state: "other", now: "changed" };
    if (isMoved) return standsUnlessUsed(target);
    if (isBack && isKept) return { state: "after" };
    return isBack ? { state: "before" } : { state: "other", now: "neither here nor there" };
  },
  *takingBack(place, effect, _rows, isGivenUp) {
    yield { files: 1, bytes: 0 };
    const { from, to, replaced, isCopy } = effect;
    const removed = removedBy(effect);
    const [source, target] = [join(topOf(place), from), join(topOf(place), to)];
    // Killed between the two, only what stood there was moved away.
    if (!isThere(source)) {
      const staysUntilReplaced = replaced !== undefined && lstatSync(replaced).isFile() && lstatSync(target).isFile();
      (staysUntilReplaced ? linkOrMove : moveWhole)(target, source);
    } else if (removed === null && isThere(target) && (replaced === undefined || !lstatSync(target).isFile())) removeWhole(target);
    if (replaced !== undefined) restoreFromTrash(replaced, target);
    if (isCopy && isGivenUp) discardKept(source);
    if (removed !== null) yield* makingAgain(topOf(place), removed);
  },
};

function standsUnlessUsed(path: string): Standing {
  const use = useOfDatabase(path);
  return use === null ? { state: "after" } : { state: "other", now: use };
}

/** What was taken away to make room, as a checkout would have. */
function removedBy({ to, removed }: EffectOf<"move">): EffectOf<"checkout"> | null {
  if (removed === undefined) return null;
  const { shards, files } = removed;
  return { kind: "checkout", path: to, shards, hashName: "md5", files: files.map(([below, md5]) => [below, md5, null]) };
}

/** One file under two names; or, on two file systems, what a move had copied and not yet taken away when it was killed. */
function isTwice(one: string, other: string): boolean {
  const [first, second] = [one, other].map(lstatIfThere);
  if (first?.isFile() === true && first.ino === second?.ino && first.dev === second.dev) return true;
  return first?.dev !== second?.dev && sameTree(one, other);
}

/** Of a cache. */
export const objects: EffectKind<EffectOf<"objects">> = {
  target: ({ folder, names }) => `${counted(names.length, "object")} of ${folder}`,
  *standing(_place, { folder, trash, names }) {
    let away = 0;
    let lost = 0;
    for (const name of names) {
      yield { files: 1, bytes: 0 };
      if (existsSync(join(folder, name))) continue;
      away += 1;
      lost += existsSync(join(trash, name)) ? 0 : 1;
    }
    if (away === 0) return { state: "before" };
    return lost === 0 ? { state: "after" } : { state: "other", now: `${lost} of them are no longer in the trash` };
  },
  takingBack: (_place, effect) => restoringObjects(effect),
};
