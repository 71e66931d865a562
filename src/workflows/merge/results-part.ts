/**
 * Other results databases brought into the project's own: planned in a copy, applied by SQL in one transaction inside an operation,
 * stored again. Whoever calls it commits the texts it answers (`commitPaths`), with others of its own if it has any.
 */

import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { absolutePath, fromTop } from "../../config/paths.ts";
import { type Project, requireRepository } from "../../config/project.ts";
import { ExpverError, throwUnlessFailure } from "../../errors.ts";
import { writeTreeWith } from "../../git/index-file.ts";
import { commitTree, hashBlob } from "../../git/objects.ts";
import { resolveCommit, updateRefs } from "../../git/refs.ts";
import { type OpenOperation, openOperations } from "../../journal/operations.ts";
import { changesTable, commitMerge, discardMerge, type PreparedMerge, prepareMerge } from "../../merge/results/merge-files.ts";
import type { MergeRules, MergeSource, SourceReport } from "../../merge/results/types.ts";
import type { Context } from "../../platform/context.ts";
import { copyFileAtomic, makeFolders } from "../../platform/files.ts";
import { counted } from "../../platform/words.ts";
import { copyDatabase } from "../../results/copy.ts";
import { fileBeside, readPointers } from "../../store/pointers/pointers.ts";
import { cacheDir } from "../../store/settings/dvc-config.ts";
import type { FileEdit } from "../../store/types.ts";
import { objectFile, pointerEdit, storeOutput } from "../../store/worktree/contents.ts";
import type { Step } from "../contract.ts";
import { refuseUntrackable } from "../data/tracking/trackable.ts";
import { lackingRows } from "../run/database/lacking-rows.ts";
import { placesOf } from "../run/places.ts";
import { losesRows, stepsOf } from "./database-part.ts";
import { warnOfOtherVersions } from "./other-versions.ts";
import { stateOf } from "./part.ts";
import { sharesRows } from "./shares-rows.ts";
import { findSide, mergeBase, type Side } from "./side.ts";
import { storedObject } from "./stored-file.ts";

export interface ResultsMerge {
  /** Worktrees, versions, branches, commits or database files, as a person names them. */
  names: readonly string[];
  rules: MergeRules;
}

export interface ResultsPart {
  sides: Side[];
  reports: SourceReport[];
  /** Stored path of the database that is changed, and of the file that points to it. */
  database: string;
  pointerFile: string;
  /** False: everything is there already. */
  changes: boolean;
  /** Rows go. */
  destructive: boolean;
  steps: Step[];
  /** For the fingerprint. */
  facts: unknown;
  prepared: PreparedMerge;
  discard(): void;
}

export interface ResultsMerged {
  /** Pointer and ignore file, unwritten. */
  edits: FileEdit[];
  /** Hash of the stored database. */
  hash: string | null;
  /** Ref whose pointer names the old state; null when there was none. */
  backup: string | null;
}

/** Reads; what is only on the remote is fetched to be looked at. `discard` what is not applied. Throws E_CONFLICT, E_NOT_FOUND, E_NOT_STORED. */
export async function planResultsMerge(context: Context, project: Project, { names, rules }: ResultsMerge): Promise<ResultsPart> {
  const places = placesOf(project, null);
  const { database, databaseFile: output } = places;
  const pointers = readPointers(project);
  const pointer = pointers.find(({ path }) => path === database);
  // Of a stage's output dvc.lock says what it is.
  if (pointer?.stage === undefined) refuseUntrackable(project, [database], pointers);
  const lacking = await lackingRows(project, places, pointers);
  const sides = names.map((name) => findSide(context, project, name));
  const sources: MergeSource[] = [];
  for (const side of sides) sources.push(await sourceOf(context, project, { side, database, rules }));
  const workplace = join(mergingFolder(project), "results.db");
  makeFolders(dirname(output));
  makeFolders(dirname(workplace));
  const exists = existsSync(output);
  const base = exists ? output : (lacking?.object ?? null);
  const prepared = prepareMerge({
    base,
    baseIsStored: !exists,
    sources,
    output,
    rules,
    inPlace: exists,
    workplace,
    lacking: lacking?.wholeFile ? undefined : lacking?.object,
  });
  const { reports } = prepared;
  for (const { source, notes } of reports) for (const note of notes) context.report({ kind: "warning", text: `${source}: ${note}` });
  warnOfOtherVersions(context, project, { sources, reports });
  const changes = !exists || lacking !== null || reports.some(({ tables }) => tables.some(changesTable));
  const destructive = reports.some(({ tables }) => tables.some(losesRows));
  return {
    sides,
    reports,
    database,
    pointerFile: pointer?.file ?? fileBeside(database),
    changes,
    destructive,
    steps: [
      ...(lacking === null ? [] : [broughtIn(database, lacking)]),
      ...reports.flatMap(stepsOf),
      ...(changes
        ? [{ verb: exists ? "change" : "write", target: database, ...(exists ? { keeps: "the cache and a backup ref" } : {}) }]
        : []),
    ],
    facts: [[output, ...sources.map(({ path }) => path)].map(stateOf), sides, rules, reports],
    prepared,
    discard: () => discardMerge(prepared),
  };
}

/** Brings the rows in. What was there is in the cache, and named by a backup ref, before the first write. */
export function applyResultsMerge(
  context: Context,
  project: Project,
  { part, operation }: { part: ResultsPart; operation: OpenOperation },
): ResultsMerged {
  const { database, prepared } = part;
  const file = absolutePath(project, database);
  const pointer = readPointers(project).find(({ path }) => path === database);
  const merging = mergingFolder(project);
  makeFolders(merging);
  removeOld(project, merging);
  const merged = join(merging, `${operation.id}.merged.db`);
  const copy = join(merging, `${operation.id}.copy.db`);
  try {
    const before = existsSync(file) ? storeCopy() : null;
    const backup = before === null ? null : backUp(project, { operation, database, edit: before.pointer });
    copyFileAtomic(prepared.temporary, merged);
    const object = before === null ? null : objectFile(cacheDir(project), before.content.hash);
    operation.record({ kind: "database", path: database, before: object, after: merged });
    commitMerge(prepared);
    const after = storeCopy();
    operation.note("wrote", [{ path: database, kind: "database", hash: after.content.hash, existed: before !== null }]);
    operation.record({ kind: "database", path: database, before: object, after: objectFile(cacheDir(project), after.content.hash) });
    const edits = [pointerEdit(project, database, after.content, pointer), ...(after.ignore === null ? [] : [after.ignore])];
    return { edits, hash: after.content.hash, backup };
  } finally {
    discardMerge(prepared);
    rmSync(copy, { force: true });
  }

  function storeCopy(): ReturnType<typeof storeOutput> {
    copyDatabase(file, copy);
    return storeOutput(project, database, context, { bytesFrom: copy });
  }
}

/** What a merge's commit says: one trailer a source. */
export function mergedTrailers({ sides, reports }: ResultsPart): string {
  const lines = reports.map(({ source, tables }) => {
    const side = sides.find(({ name }) => name === source);
    const rows = tables.filter(({ table }) => !table.startsWith("expver_")).reduce((sum, { inserted }) => sum + inserted, 0);
    return `Merged: ${[source, side?.commit?.slice(0, 12), counted(rows, "new row")].filter(Boolean).join(" ")}`;
  });
  return `${lines.join("\n")}\n`;
}

async function sourceOf(
  context: Context,
  project: Project,
  { side, database, rules }: { side: Side; database: string; rules: MergeRules },
): Promise<MergeSource> {
  const live = liveDatabase(side, database);
  const stored = live === null;
  const path = live ?? (await databaseOf(context, project, side, database));
  const origin = { commit: side.commit, at: context.clock().toISOString() };
  // A rebase replaces by key; what one side deleted has no say in it.
  if (rules.rebase !== undefined) return { path, stored, name: side.name, origin };
  return { path, stored, name: side.name, origin, ancestor: await ancestorOf(context, project, { side, database, path, stored }) };
}

/** A file that programs may write; null: only its commit has one. */
function liveDatabase(side: Side, database: string): string | null {
  if (side.kind === "file") return side.path;
  const live = side.kind === "worktree" ? join(side.path ?? "", database) : null;
  return live !== null && existsSync(live) ? live : null;
}

async function databaseOf(context: Context, project: Project, side: Side, database: string): Promise<string> {
  const stored = side.commit === null ? null : await storedObject(context, project, { commit: side.commit, path: database });
  if (stored !== null) return stored;
  throw new ExpverError("E_NOT_FOUND", `${side.name} has no ${database}`, {
    hint: "Name the database itself: expver merge PATH.",
    details: { side: side.name, path: database },
  });
}

async function ancestorOf(
  context: Context,
  project: Project,
  { side, database, path, stored }: { side: Side; database: string; path: string; stored: boolean },
): Promise<string | undefined> {
  const base = mergeBase(requireRepository(project), side);
  if (base === null) return undefined;
  const union = (why: string) => {
    context.report({ kind: "warning", text: `${side.name}: a union, as ${why}; rows that were deleted on one side come back` });
    return undefined;
  };
  try {
    const ancestor = await storedObject(context, project, { commit: base, path: database });
    if (ancestor === null) return undefined;
    return sharesRows(path, ancestor, { stored }) ? ancestor : union("its database has no row of the one both sides came from");
  } catch (error) {
    throwUnlessFailure(error);
    return union(`the database both sides came from cannot be had (${error.message})`);
  }
}

function broughtIn(database: string, { rows }: { rows: number }): Step {
  return { verb: "bring in", target: database, count: rows, detail: "rows of the version in HEAD that it lacks" };
}

/** A commit beside all branches whose pointer names the old state, so that no collection of unused objects takes it. */
function backUp(
  project: Project,
  { operation, database, edit }: { operation: OpenOperation; database: string; edit: FileEdit },
): string | null {
  const repository = requireRepository(project);
  const head = resolveCommit(repository, "HEAD");
  const ref = `refs/expver/backup/${operation.id}/results`;
  const path = fromTop(project, edit.path);
  const tree = writeTreeWith(repository, head, [{ path, mode: "100644", object: hashBlob(repository, edit.after ?? "") }]);
  const commit = commitTree(repository, { tree, parents: head === null ? [] : [head], message: `${database} before ${operation.id}\n` });
  updateRefs(repository, [{ ref, before: null, after: commit }], { reason: `expver: before ${operation.id}` });
  operation.note("backup", ref);
  return ref;
}

function mergingFolder({ stateDir }: Project): string {
  return join(stateDir, "merging");
}

/** Of operations that have ended, or were repaired. */
function removeOld(project: Project, folder: string): void {
  const open = new Set(openOperations(project).map(({ id }) => id));
  for (const name of readdirSync(folder))
    if (name.endsWith(".db") && !open.has(name.split(".")[0] ?? "")) rmSync(join(folder, name), { force: true });
}
