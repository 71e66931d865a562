/** `expver data diff [A [B]]`: which tracked data differs between two commits, or between a commit and the worktree. Shapes are dvc's. */
import { isWithin, shownFrom } from "../../../config/paths.ts";
import { type Project, requireRepository } from "../../../config/project.ts";
import { ExpverError, failedWith } from "../../../errors.ts";
import { readRef, resolveCommit } from "../../../git/refs.ts";
import { unrunOutputs } from "../../../pipelines/unrun-outputs.ts";
import type { Context } from "../../../platform/context.ts";
import { paceWork } from "../../../platform/pace.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { orderOf } from "../../../store/objects/listing.ts";
import { trackedOf } from "../../../store/pointers/pointers.ts";
import { listingFinder } from "../../../store/transfer/listings.ts";
import type { Pointer } from "../../../store/types.ts";
import { type Changes, compareTracked, type Tracked } from "../../../store/worktree/compare.ts";
import { readingStatus } from "../../../store/worktree/status.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { wordsOf } from "../../input.ts";
import { openData, pointersComeUpon, type Selection, selectPointers } from "../open-data.ts";
import { notCached, trackedStates } from "./tracked.ts";

export interface DiffEntry {
  path: string | { old: string; new: string };
  /** Only with `--show-hash`. */
  hash?: string | null | { old: string | null; new: string | null };
}

export type DataDiff = Partial<Record<"added" | "deleted" | "modified" | "renamed" | "not in cache", DiffEntry[]>>;

export interface DiffResult {
  json: DataDiff;
  /** A Markdown table is asked for. */
  markdown: boolean;
  showHash: boolean;
}

export const dataDiff: ReadWorkflow<Input, DiffResult> = {
  async read(context, input) {
    const project = openData(context);
    const shown = { markdown: input.md === true, showHash: input.showHash === true };
    const revisions = revisionsOf(project, input);
    if (revisions === null) return { json: {}, ...shown };
    const { before, after } = await bothStates(project, context, { revisions, targets: wordsOf(input.targets) });
    const changes = compareTracked(before, after);
    const isHere = revisions.new === null;
    const missing = isHere ? await paceWork(notCached(openCache(project).dir, before), context, { label: "looking into the cache" }) : [];
    const hides = !isHere || input.hideMissing === true;
    return {
      json: shapeOf(project, { changes, missing, hides, showHash: shown.showHash }),
      ...shown,
    };
  },
};

interface Revisions {
  old: string;
  /** Null: the worktree. */
  new: string | null;
}

/** Null when there is nothing to compare. */
function revisionsOf(project: Project, { aRev, bRev }: Input): Revisions | null {
  const repository = requireRepository(project);
  if (readRef(repository, "HEAD") === null) return null;
  const commitOf = (rev: string) => {
    const commit = resolveCommit(repository, rev);
    if (commit === null) throw new ExpverError("E_NOT_FOUND", `${rev} names no commit`, { details: { revision: rev } });
    return commit;
  };
  const old = commitOf(typeof aRev === "string" ? aRev : "HEAD");
  if (typeof bRev !== "string") return { old, new: null };
  const next = commitOf(bRev);
  return next === old ? null : { old, new: next };
}

async function bothStates(
  project: Project,
  context: Context,
  { revisions, targets }: { revisions: Revisions; targets: string[] },
): Promise<{ before: Tracked[]; after: Tracked[] }> {
  const old = chosen(project, context, { pointers: outputsAt(project, revisions.old), targets });
  const now = chosen(project, context, { pointers: outputsAt(project, revisions.new), targets });
  const unknown = targets.find((target) => old.unknown.has(target) && now.unknown.has(target));
  if (unknown !== undefined)
    throw new ExpverError("E_NOT_FOUND", `${unknown} is tracked in neither state`, { details: { target: unknown, exitCode: 255 } });
  const outputs = trackedStates(listingFinder(project, context));
  const said = async ({ pointers, only }: Selection) => (await outputs.said(pointers)).filter(isChosen(only));
  if (revisions.new !== null) return { before: await said(old), after: await said(now) };
  const states = await paceWork(readingStatus(project, now.pointers), context, { label: "hashing data" });
  return { before: await said(old), after: (await outputs.here(states)).filter(isChosen(now.only)) };
}

/** What DVC keeps, or will when the stage has run; null: the worktree's. */
function outputsAt(project: Project, rev: string | null): Pointer[] {
  const { pointers, pipelines } = trackedOf(project, rev);
  return [...pointers, ...unrunOutputs(pipelines())].filter(({ cache }) => cache);
}

/** Targets may name what only one of the two states has. */
function chosen(
  project: Project,
  context: Context,
  { pointers, targets }: { pointers: Pointer[]; targets: readonly string[] },
): Selection & { unknown: Set<string> } {
  const unknown = new Set<string>();
  const known = targets.filter((target) => {
    try {
      return selectPointers(project, context, { targets: [target], pointers }).pointers.length > 0;
    } catch (error) {
      if (!failedWith(error, "E_NOT_FOUND")) throw error;
      unknown.add(target);
      return false;
    }
  });
  if (targets.length > 0 && known.length === 0) return { pointers: [], only: new Map(), unknown };
  const meant = targets.length === 0 ? pointersComeUpon(project, pointers) : pointers;
  return { ...selectPointers(project, context, { targets: known, pointers: meant }), unknown };
}

function isChosen(only: ReadonlyMap<string, readonly string[]>): (one: Tracked) => boolean {
  if (only.size === 0) return () => true;
  return ({ path }) => {
    const partial = [...only].find(([output]) => isWithin(path, output));
    return partial?.[1].some((member) => isWithin(path, `${partial[0]}/${member}`)) ?? true;
  };
}

interface Shape {
  changes: Changes;
  missing: readonly Tracked[];
  hides: boolean;
  showHash: boolean;
}

function shapeOf(project: Project, { changes, missing, hides, showHash }: Shape): DataDiff {
  const { added, deleted, modified, renamed } = changes;
  if ([added, deleted, modified, renamed, missing].every((list) => list.length === 0)) return {};
  const fromRoot = shownFrom(project, project.dvcRoot ?? project.root);
  const path = (one: Tracked) => `${fromRoot(one.path)}${one.isFolder ? "/" : ""}`;
  const entry = (shown: DiffEntry["path"], hash: DiffEntry["hash"]) => (showHash ? { path: shown, hash: hash ?? null } : { path: shown });
  const single = (list: readonly Tracked[]) => sorted(list.map((one) => entry(path(one), one.hash)));
  return {
    added: single(added),
    deleted: single(deleted),
    modified: sorted(modified.map(({ from, to }) => entry(path(from), { old: from.hash, new: to.hash }))),
    renamed: sorted(renamed.map(({ from, to }) => entry({ old: path(from), new: path(to) }, from.hash))),
    ...(hides ? {} : { "not in cache": single(missing) }),
  };
}

function sorted(entries: DiffEntry[]): DiffEntry[] {
  const key = ({ path }: DiffEntry) => (typeof path === "string" ? path : path.old);
  return orderOf(entries.map(key)).map((index) => entries[index] as DiffEntry);
}
