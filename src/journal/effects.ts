/** The effects of an operation against what is there now: does it still stand, and how is it taken back. */

import { existsSync, lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Place, topOf } from "../config/project.ts";
import type { Repository } from "../git/git.ts";
import { readIndexEntries, setIndexEntries, setUnmerged } from "../git/index-file.ts";
import { readRef, resolveCommit, updateRefs } from "../git/refs.ts";
import { unfinished } from "../git/status.ts";
import { readUnmerged } from "../git/unmerged.ts";
import { isFile, isThere, readTextIfExists } from "../platform/files.ts";
import { md5OfFile } from "../platform/hashing.ts";
import { sameTree, treeDigest } from "../platform/tree-digest.ts";
import { counted } from "../platform/words.ts";
import { checkedOutState, checkedOutTarget, takeCheckoutBack } from "./checked-out.ts";
import { removeEmptyFolder, setText } from "./file-edits.ts";
import { linkOrMove, moveWhole, removeWhole, restoreFromTrash, restoreObjects } from "./trash.ts";
import type { Effect, IndexEntry, Operation } from "./types.ts";

type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { kind: Kind }>;

/** How rows of a run are looked at and taken back: given by the workflow layer, which may use results/. */
export interface RowHooks {
  /** Rows are `after` only while exactly those of the run stand, unchanged since their digest was recorded. */
  look(effect: EffectOf<"rows" | "stamp" | "database">): Pick<EffectState, "state" | "now">;
  takeBack(effect: EffectOf<"rows" | "stamp" | "database">): void;
  /** The last thing an undo does: what follows from its effects having been taken back. Safe to repeat. */
  settle?(operation: Operation): void;
}

/**
 * `after`: the effect stands and can be taken back. `before`: it was never made, or is taken back already.
 * `other`: somebody changed the same thing since. `beyond`: made where we cannot reach back to.
 */
export interface EffectState {
  effect: Effect;
  state: "after" | "before" | "other" | "beyond";
  /** For people: what the effect touched, and what stands there now. */
  target: string;
  now?: string;
}

/** Looks only. Effects in the order given; several changes of one file or ref are one, from its first `before` to its last `after`. */
export function lookAt(project: Place, effects: readonly Effect[], rows?: RowHooks): EffectState[] {
  return merged(effects).map(({ effect }) => ({ effect, target: targetOf(effect), ...stateOf(project, effect, rows) }));
}

/**
 * Takes back, newest first, every effect that still stands; leaves the others as they are and answers those that somebody
 * changed since or that lie beyond our reach. Refs move in one transaction. Safe to repeat after a crash.
 */
export function takeBack(project: Place, effects: readonly Effect[], rows?: RowHooks): EffectState[] {
  const states = merged(effects)
    .map(({ effect, passed }) => ({ effect, target: targetOf(effect), ...standingOnTheWay(project, effect, { passed, rows }) }))
    .reverse();
  const standing = states.filter((one) => one.state === "after").map((one) => one.effect);
  const refs = standing.filter((effect) => effect.kind === "ref");
  if (refs.length > 0 && project.repository !== null) {
    const { repository } = project;
    updateRefs(
      repository,
      refs.map(({ ref, before }) => ({ ref, before: readRef(repository, ref), after: before })),
      { reason: "expver: take back" },
    );
  }
  for (const effect of standing) undoOne(project, effect, rows);
  return states.filter((one) => one.state === "other" || one.state === "beyond").reverse();
}

interface Merged {
  effect: Effect;
  /** Values it had on the way, first `before` and last `after` left out. */
  passed: (string | null)[];
}

function merged(effects: readonly Effect[]): Merged[] {
  const result: Merged[] = [];
  const places = new Map<string, number>();
  for (const effect of effects) {
    if (!["file", "ref", "rows", "stamp", "database"].includes(effect.kind)) {
      result.push({ effect, passed: [] });
      continue;
    }
    const key = `${effect.kind} ${targetOf(effect)}`;
    const at = places.get(key);
    const earlier = at === undefined ? undefined : result[at];
    if (at === undefined || earlier === undefined) {
      places.set(key, result.length);
      result.push({ effect, passed: [] });
    } else if (effect.kind === "rows" || effect.kind === "database") {
      result[at] = { effect, passed: [] };
    } else if ("before" in earlier.effect && "before" in effect) {
      result[at] = { effect: { ...effect, before: earlier.effect.before }, passed: [...earlier.passed, earlier.effect.after] };
    }
  }
  return result;
}

/** A killed operation may have stopped at a value on the way: that stands too. */
function standingOnTheWay(
  project: Place,
  effect: Effect,
  { passed, rows }: { passed: (string | null)[]; rows: RowHooks | undefined },
): Pick<EffectState, "state" | "now"> {
  const last = stateOf(project, effect, rows);
  if (last.state !== "other" || !("after" in effect) || effect.kind === "database") return last;
  const stopped = passed.some((after) => stateOf(project, { ...effect, after }, rows).state === "after");
  return stopped ? { state: "after" } : last;
}

function stateOf(project: Place, effect: Effect, rows: RowHooks | undefined): Pick<EffectState, "state" | "now"> {
  switch (effect.kind) {
    case "ref": {
      const now = project.repository === null ? null : readRef(project.repository, effect.ref);
      return compare(now, effect, (value) => (value === null ? "gone" : value.slice(0, 12)));
    }
    case "file":
      return compare(readTextIfExists(join(topOf(project), effect.path)), effect, (value) => (value === null ? "gone" : "changed"));
    case "folder":
      return { state: existsSync(join(topOf(project), effect.path)) ? "after" : "before" };
    case "index":
      return indexState(project, effect);
    case "unmerged":
      return unmergedState(project, effect);
    case "rows":
    case "stamp":
    case "database":
      return rows?.look(effect) ?? { state: "other", now: "cannot be looked at here" };
    case "trash": {
      const [isBack, isKept] = [isThere(join(topOf(project), effect.path)), isThere(effect.trash)];
      if (!isKept) return isBack ? { state: "before" } : { state: "other", now: "neither there nor in the trash" };
      if (!isBack || isPlaced(project, effect)) return { state: "after" };
      return isTwice(join(topOf(project), effect.path), effect.trash)
        ? { state: "before" }
        : { state: "other", now: "something else is there" };
    }
    case "move": {
      const [isMoved, isBack] = [isThere(join(topOf(project), effect.to)), isThere(join(topOf(project), effect.from))];
      const isKept = effect.replaced !== undefined && isThere(effect.replaced);
      // One file under two names: about to be replaced, or about to be taken back.
      if (isBack && isKept && isTwice(join(topOf(project), effect.to), effect.replaced ?? "")) return { state: "before" };
      const hasOld = isKept || effect.replaced === undefined;
      if (isBack && hasOld && isTwice(join(topOf(project), effect.to), join(topOf(project), effect.from))) return { state: "after" };
      if (isMoved && isBack)
        return effect.replaced === undefined || isKept ? { state: "other", now: "something else is there" } : { state: "before" };
      if (isMoved && effect.replaced !== undefined && !isKept) return { state: "other", now: "what stood there is no longer in the trash" };
      if (isMoved && effect.digest !== undefined && treeDigest(join(topOf(project), effect.to)) !== effect.digest)
        return { state: "other", now: "changed" };
      if (isMoved || (isBack && isKept)) return { state: "after" };
      return isBack ? { state: "before" } : { state: "other", now: "neither here nor there" };
    }
    case "checkout":
      return checkedOutState(topOf(project), effect);
    case "objects":
      return objectsState(effect);
    case "remote":
      return { state: "beyond" };
  }
}

/** What lies there is what the operation put in the place of what it took away. */
function isPlaced(project: Place, { path, placed }: EffectOf<"trash">): boolean {
  const file = join(topOf(project), path);
  return placed !== undefined && isFile(file) && md5OfFile(file).md5 === placed;
}

function compare<Value>(
  now: Value,
  { before, after }: { before: Value; after: Value },
  describe: (value: Value) => string,
): Pick<EffectState, "state" | "now"> {
  if (now === after) return { state: now === before ? "before" : "after" };
  return now === before ? { state: "before" } : { state: "other", now: describe(now) };
}

function objectsState({ folder, trash, names }: EffectOf<"objects">): Pick<EffectState, "state" | "now"> {
  const away = names.filter((name) => !existsSync(join(folder, name)));
  if (away.length === 0) return { state: "before" };
  const lost = away.filter((name) => !existsSync(join(trash, name)));
  if (lost.length === 0) return { state: "after" };
  return { state: "other", now: `${lost.length} of them are no longer in the trash` };
}

function indexState(project: Place, { entries }: EffectOf<"index">): Pick<EffectState, "state" | "now"> {
  if (project.repository === null) return { state: "other", now: "no index" };
  const now = readIndexEntries(
    project.repository,
    entries.map((entry) => entry.path),
  );
  const states = entries.map(({ path, before, after }) => {
    const key = entryKey(now.get(path) ?? null);
    return key === entryKey(after) ? "after" : key === entryKey(before) ? "before" : path;
  });
  const foreign = states.find((state) => state !== "after" && state !== "before");
  if (foreign !== undefined) return { state: "other", now: `${foreign} is staged differently` };
  // Half set counts as standing: taking back sets every entry.
  return { state: states.includes("after") ? "after" : "before" };
}

function unmergedState({ repository }: Place, { head, paths }: EffectOf<"unmerged">): Pick<EffectState, "state" | "now"> {
  if (repository === null) return { state: "other", now: "no index" };
  const conflicts = new Map(readUnmerged(repository).map((one) => [one.path, one]));
  const staged = readIndexEntries(
    repository,
    paths.map(({ path }) => path),
  );
  const states = paths.map(({ path, before, after }) => {
    const now = conflicts.get(path);
    if (now !== undefined) return SIDES.every((side) => entryKey(now[side] ?? null) === entryKey(before[side] ?? null)) ? "before" : path;
    return entryKey(staged.get(path) ?? null) === entryKey(after) ? "after" : path;
  });
  const foreign = states.find((state) => state !== "after" && state !== "before");
  if (foreign !== undefined) return { state: "other", now: `${foreign} is staged differently` };
  if (!states.includes("after")) return { state: "before" };
  const isOver = unfinished(repository) === null || resolveCommit(repository, "HEAD") !== head;
  return isOver ? { state: "other", now: "the merge it belongs to has ended" } : { state: "after" };
}

const SIDES = ["base", "ours", "theirs"] as const;

function undoOne(project: Place, effect: Effect, rows: RowHooks | undefined): void {
  if (effect.kind === "file") setText(join(topOf(project), effect.path), effect.before);
  if (effect.kind === "folder") removeEmptyFolder(join(topOf(project), effect.path));
  if (effect.kind === "rows" || effect.kind === "stamp" || effect.kind === "database") rows?.takeBack(effect);
  if (effect.kind === "trash") {
    if (isPlaced(project, effect)) rmSync(join(topOf(project), effect.path));
    restoreFromTrash(effect.trash, join(topOf(project), effect.path));
  }
  if (effect.kind === "checkout") takeCheckoutBack(topOf(project), effect);
  if (effect.kind === "move") moveBack(project, effect);
  if (effect.kind === "objects") restoreObjects(effect);
  if (effect.kind === "unmerged" && project.repository !== null) unresolve(project.repository, effect);
  if (effect.kind === "index" && project.repository !== null) {
    const entries = effect.entries.map(({ path, before }) => ({ path, mode: before?.mode ?? "", object: before?.object ?? null }));
    setIndexEntries(project.repository, entries);
  }
}

/** A conflict of one path is up to three entries, one a stage. */
function unresolve(repository: Repository, { paths }: EffectOf<"unmerged">): void {
  setUnmerged(
    repository,
    paths.map(({ path, before }) => ({ path, ...before })),
  );
}

function moveBack(project: Place, { from, to, replaced }: EffectOf<"move">): void {
  const [source, target] = [join(topOf(project), from), join(topOf(project), to)];
  // Killed between the two, only what stood there was moved away.
  if (!isThere(source)) {
    const staysUntilReplaced = replaced !== undefined && lstatSync(replaced).isFile() && lstatSync(target).isFile();
    (staysUntilReplaced ? linkOrMove : moveWhole)(target, source);
  } else if (isThere(target) && (replaced === undefined || !lstatSync(target).isFile())) removeWhole(target);
  if (replaced !== undefined) restoreFromTrash(replaced, target);
}

/** One file under two names; or, on two file systems, what a move had copied and not yet taken away when it was killed. */
function isTwice(one: string, other: string): boolean {
  if (isSameFile(one, other)) return true;
  const [first, second] = [one, other].map((path) => lstatSync(path, { throwIfNoEntry: false }));
  return first?.dev !== second?.dev && sameTree(one, other);
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => lstatSync(path, { throwIfNoEntry: false }));
  return first?.isFile() === true && first.ino === second?.ino && first.dev === second.dev;
}

function entryKey(entry: IndexEntry | null): string {
  return entry === null ? "" : `${entry.mode} ${entry.object}`;
}

function targetOf(effect: Effect): string {
  switch (effect.kind) {
    case "ref":
      return effect.ref;
    case "file":
    case "folder":
    case "trash":
    case "database":
      return effect.path;
    case "checkout":
      return checkedOutTarget(effect);
    case "move":
      return effect.to;
    case "objects":
      return `${counted(effect.names.length, "object")} of ${effect.folder}`;
    case "unmerged":
      return `index: ${effect.paths.map(({ path }) => path).join(", ")} in conflict`;
    case "index":
      return `index: ${effect.entries.map((entry) => entry.path).join(", ")}`;
    case "rows":
      return `${effect.database}: rows of ${effect.run}`;
    case "stamp":
      return `${effect.database}: version of ${effect.run}`;
    case "remote":
      return `${effect.remote}: ${effect.detail}`;
  }
}
