/**
 * `expver data gc`: objects that nothing in scope names go to a trash on the cache's own file system, from where undo brings them back;
 * `--purge` frees it. On a remote they are gone. Whatever cannot be read ends the command before anything goes.
 */

import { createHash, randomBytes } from "node:crypto";
import { existsSync, lstatSync, realpathSync, renameSync, type Stats } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isWithin } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError, failedWith, fromSystemError, throwUnlessFailure } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { perform } from "../../../journal/perform.ts";
import { trashEntries } from "../../../journal/trash-contents.ts";
import type { Context } from "../../../platform/context.ts";
import { removePath } from "../../../platform/files.ts";
import { paceWork, type Work } from "../../../platform/pace.ts";
import { removingFolder } from "../../../platform/remove-folder.ts";
import { eachOf } from "../../../platform/together.ts";
import { counted } from "../../../platform/words.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { cacheTrash, openCache } from "../../../store/objects/cache.ts";
import { sweepCache } from "../../../store/objects/ingest.ts";
import { keyOf, makeFolder, type ObjectName, objectOfKey, readListing } from "../../../store/objects/layout.ts";
import { parseListing } from "../../../store/objects/listing.ts";
import { type CacheFile, isUntouched, readingCache } from "../../../store/objects/unused.ts";
import { openRemote } from "../../../store/remotes/open-remote.ts";
import { readDvcConfig } from "../../../store/settings/dvc-config.ts";
import { LISTINGS_AT_ONCE } from "../../../store/transfer/listings.ts";
import type { ListingEntry, Pointer } from "../../../store/types.ts";
import type { Input, Plan, Step, WriteWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { openConfigured, withExitCode } from "../exit-codes.ts";
import { openData } from "../open-data.ts";
import { namesOf } from "./gc-names.ts";
import { ageIn, hasScope, homeOf, namedProjects, pointersToKeep, projectsToKeep, refuseWithoutScope } from "./gc-scope.ts";

interface GcPlan extends Plan {
  input: Input;
  unused: CacheFile[];
  /** On the remote. */
  unusedThere: ObjectName[];
  dry: boolean;
}

export interface GcResult {
  /** With `--dry`: what would go, by path and version; the numbers are those of what would be removed. */
  wouldGo: Step[] | null;
  removed: number;
  bytes: number;
  /** On the remote; null when it was not asked for. */
  removedThere: number | null;
  purged: boolean;
  /** With `--purge`: what commands have thrown away lies in the repository's own trash, which `ops purge` frees. */
  left: { files: number; bytes: number } | null;
}

export const dataGc: WriteWorkflow<Input, GcPlan, GcResult> = {
  async plan(context, input) {
    refuseWithoutScope(input);
    ageIn(input);
    const project = openData(context);
    const { unused, unusedThere } = await survey(project, context, input).catch((error: unknown) => {
      throw failedWith(error, "E_POINTER") ? withExitCode(error, 255) : error;
    });
    const names = namesOf(project, unused);
    const sum = createHash("md5");
    for (const { name } of unused) sum.update(`${name}\n`);
    const trash = cacheTrash(openCache(project));
    const dry = input.dry === true;
    const purges = input.purge === true && existsSync(trash);
    return {
      command: "data gc",
      steps: [
        ...names.map(({ target, detail, count, bytes }) => ({ verb: "delete", target, detail, count, bytes, keeps: "the cache's trash" })),
        ...(unusedThere.length > 0 ? [{ verb: "delete", target: "the remote", detail: "for good", count: unusedThere.length }] : []),
        ...(purges ? [{ verb: "free", target: trash, detail: "for good" }] : []),
      ],
      destructive: !dry && unused.length + unusedThere.length + Number(purges) > 0,
      fingerprint: fingerprintOf({ unused: sum.digest("hex"), unusedThere, purges }),
      input,
      unused,
      unusedThere,
      dry,
    };
  },

  async apply(context, { input, unused, unusedThere, dry, steps }) {
    const project = openData(context);
    const result: GcResult = {
      wouldGo: dry ? steps : null,
      removed: unused.length,
      bytes: unused.reduce((sum, { size }) => sum + size, 0),
      removedThere: input.cloud === true ? unusedThere.length : null,
      purged: input.purge === true,
      left: null,
    };
    if (dry) return result;
    const remove = () =>
      lockingAll(projectsToKeep(project, context, input), async () => {
        // Looked for again: what came into use, or was touched, while the plan was read stays.
        const now = await needsNow(project, withoutWarnings(context), input);
        const isOld = (stat: Stats) => isUntouched(stat, context.clock(), ageIn(input));
        const again = stillThere(openCache(project).dir, unused.filter(now.isUnused), isOld);
        const going = await paceWork(again, context, { label: "looking again" });
        sweepCache(openCache(project));
        // First of all: on a full disk there is room for nothing else.
        if (input.purge === true) await emptyTrash(project, context);
        await (input.purge === true ? moveOrDelete(project, context, going) : moveToTrash(project, context, going));
        const there = new Set(now.unusedThere.map(keyOf));
        const goingThere = unusedThere.filter((one) => there.has(keyOf(one)));
        await removeThere(project, context, { input, objects: goingThere });
        if (input.purge === true) await emptyTrash(project, context);
        return {
          ...result,
          removed: going.length,
          bytes: going.reduce((sum, { size }) => sum + size, 0),
          removedThere: input.cloud === true ? goingThere.length : null,
          left: input.purge === true ? ownTrash(project, context) : null,
        };
      });
    const prepared = prepareWriting(project, context).then(remove);
    if (input.purge === true) return prepared;
    return prepared.catch((error: unknown) => {
      throw isDiskFull(error) ? noRoomForTrash(error, result) : error;
    });
  },
};

/** They were said when the plan was made. */
function withoutWarnings(context: Context): Context {
  return { ...context, report: (event) => void (event.kind === "warning" || context.report(event)) };
}

function ownTrash(project: Project, context: Context): GcResult["left"] {
  const entries = trashEntries(project, { cacheTrash: null, now: context.clock() });
  const sum = (pick: (entry: (typeof entries)[number]) => number) => entries.reduce((total, entry) => total + pick(entry), 0);
  return { files: sum(({ files }) => files), bytes: sum(({ bytes }) => bytes) };
}

function isDiskFull(error: unknown): error is ExpverError {
  return failedWith(error, "E_DISK_FULL");
}

/** Who asked for room has not got any, and must know what more would cost. */
function noRoomForTrash(error: ExpverError, { removed, bytes }: GcResult): ExpverError {
  const going = `${removed === 1 ? "this object" : `these ${removed} objects`} (${bytes} bytes)`;
  return new ExpverError("E_DISK_FULL", error.message, {
    hint: `What is removed lies in a trash on the same disk: that frees nothing, and needs room for the journal. The same command with --purge frees it: ${going} and what the trash has already are then gone for good, and expver undo brings nothing back.`,
    details: error.details,
    cause: error,
  });
}

/** Commands in other worktrees must not store what is about to be judged. */
function lockingAll<T>([first, ...rest]: readonly Project[], work: () => Promise<T>): Promise<T> {
  if (first === undefined) return work();
  return withDvcLock(first, () => lockingAll(rest, work));
}

async function survey(project: Project, context: Context, input: Input): Promise<{ unused: CacheFile[]; unusedThere: ObjectName[] }> {
  if (!hasScope(input)) return { unused: [], unusedThere: [] };
  const { isUnused, unusedThere } = await needsNow(project, context, input);
  const dir = openCache(project).dir;
  const work = readingCache(dir, context.clock(), isUnused, ageIn(input));
  const unused = await paceWork(work, context, { label: "looking through the cache" });
  if (
    unused.length > 0 &&
    namedProjects(project, context, input).length === 0 &&
    !isWithin(realpathSync(dir), realpathSync(homeOf(project)))
  )
    context.report({
      kind: "warning",
      text: `${dir} is outside of this repository: what only other repositories that use it name goes, too`,
      hint: "-p FOLDER keeps what they use; git config --add expver.sibling FOLDER says so for good.",
    });
  return { unused, unusedThere };
}

function* stillThere(dir: string, files: readonly CacheFile[], isOld: (stat: Stats) => boolean): Work<CacheFile[]> {
  const found: CacheFile[] = [];
  for (const file of files) {
    const stat = lstatSync(join(dir, file.name), { throwIfNoEntry: false });
    if (stat !== undefined && isOld(stat)) found.push(file);
    yield { files: 1, bytes: 0 };
  }
  return found;
}

interface Needs {
  isUnused: (object: ObjectName) => boolean;
  unusedThere: ObjectName[];
}

async function needsNow(project: Project, context: Context, input: Input): Promise<Needs> {
  if (!hasScope(input)) return { isUnused: () => false, unusedThere: [] };
  const projects = projectsToKeep(project, context, input);
  const used = new Set<string>();
  for (const one of projects)
    await sayingOf(one, { project, context }, (its) => addObjects(used, one, its, { pointers: pointersToKeep(one, its, input), input }));
  const remote = input.cloud === true || input.notInRemote === true ? openConfigured(project, textIn(input.remote)) : null;
  const isUnused = (object: ObjectName) => !used.has(keyOf(object));
  const unusedThere = remote !== null && input.cloud === true ? (await remote.list(context)).filter(isUnused) : [];
  if (remote !== null && input.notInRemote === true)
    for (const safe of await remote.present(Array.from(used, objectOfKey), context)) used.delete(keyOf(safe));
  return {
    isUnused,
    unusedThere: unusedThere.map(({ hash, hashName }) => ({ hash, hashName })),
  };
}

/** Another repository, or another worktree, has files and commits that are called as those here: whatever is said of it names it. */
async function sayingOf(
  one: Project,
  { project, context }: { project: Project; context: Context },
  work: (context: Context) => Promise<void>,
): Promise<void> {
  if (one === project) return work(context);
  const name = relative(context.cwd, one.dvcRoot ?? one.root);
  const report: Context["report"] = (event) =>
    context.report(event.kind === "warning" ? { ...event, text: `${name}: ${event.text}` } : event);
  try {
    await work({ ...context, report });
  } catch (error) {
    throwUnlessFailure(error);
    const { code, message, hint, details, cause } = error;
    throw new ExpverError(code, `${name}: ${message}`, { hint, details, cause });
  }
}

/** Adds the keys of what these pointers name. */
async function addObjects(
  keys: Set<string>,
  project: Project,
  context: Context,
  { pointers, input }: { pointers: readonly Pointer[]; input: Input },
): Promise<void> {
  await eachOf(pointers, context.connections ?? LISTINGS_AT_ONCE, async ({ path, hash, hashName, remote, files }) => {
    if (hash === null) return;
    keys.add(keyOf({ hash, hashName }));
    if (!hash.endsWith(".dir")) return;
    const keep = (entries: readonly ListingEntry[]) => {
      for (const { md5 } of entries) keys.add(keyOf({ hash: md5, hashName }));
    };
    const object = { hash, hashName };
    // With nothing to wait for, so that of those in the cache only one is in memory.
    const here = files ?? readListing(openCache(project).dir, object);
    if (here !== null) return keep(here);
    const name = remote ?? textIn(input.remote);
    const entries = await listingThere(project, context, { object, name }).catch((error: unknown) =>
      orWithout(error, context, { path, isTyped: remote === undefined && name !== undefined, input }),
    );
    if (entries === null) tellAbsent(context, path, input);
    keep(entries ?? []);
  });
}

/** Null only when it is certain that it is nowhere: a remote that does not answer ends the command. */
async function listingThere(
  project: Project,
  context: Context,
  { object, name }: { object: ObjectName; name: string | undefined },
): Promise<ListingEntry[] | null> {
  if (name === undefined && readDvcConfig(project).defaultRemote === null) return null;
  const bytes = await openRemote(project, name).read(object, context);
  return bytes === null ? null : parseListing(bytes, object.hash);
}

/**
 * A remote that does not answer knows what is not known here: only who says so goes on, and only with what the trash keeps. `isTyped`: with the
 * name of the remote, which may be mistyped then. Throws E_REMOTE….
 */
function orWithout(
  error: unknown,
  context: Context,
  { path, isTyped, input }: { path: string; isTyped: boolean; input: Input },
): ListingEntry[] {
  if (!(error instanceof ExpverError) || !error.code.startsWith("E_REMOTE") || input.cloud === true || input.purge === true) throw error;
  if (isTyped && error.code === "E_REMOTE") throw error;
  const { code, message, hint = "", details, cause } = error;
  if (input.skipFailed !== true)
    throw new ExpverError(code, message, {
      hint: `${hint} Or go on without the listing of ${path}: --skip-failed.`.trim(),
      details,
      cause,
    });
  context.report({ kind: "warning", text: `what was in ${path} cannot be told: ${message}` });
  return [];
}

/** Its members may be in the cache all the same, and would go: without --force that is too much to guess. */
function tellAbsent(context: Context, path: string, { force, skipFailed }: Input): void {
  const text = `the listing of ${path} that a commit in scope names is nowhere: what was in it cannot be told`;
  if (force !== true && skipFailed !== true)
    throw new ExpverError("E_NOT_STORED", `${text}; nothing was removed`, {
      hint: "Fetch it from where it is, or go on without it: --skip-failed.",
      details: { path, exitCode: 255 },
    });
  context.report({ kind: "warning", text });
}

async function moveToTrash(project: Project, context: Context, unused: readonly CacheFile[]): Promise<void> {
  if (unused.length === 0) return;
  const trash = cacheTrash(openCache(project));
  await perform(project, context, {
    command: "data gc",
    argv: ["data", "gc"],
    summary: `move ${unused.length} unused objects to ${trash}`,
    work: (operation) => {
      const work = movingAway(project, operation, unused);
      return paceWork(work, context, { label: "moving objects to the trash", total: unused.length });
    },
  });
}

// What is written down about so many at once is not much beside what is known of all.
const AT_ONCE = 100_000;

/** So many each into a folder of their own. */
function* movingAway(project: Project, operation: OpenOperation, unused: readonly CacheFile[]): Work<void> {
  const cache = openCache(project);
  const folder = cache.dir;
  for (let from = 0; from < unused.length; from += AT_ONCE) {
    const trash = join(cacheTrash(cache), randomBytes(8).toString("hex"));
    const names = unused.slice(from, from + AT_ONCE).map(({ name }) => name);
    operation.record({ kind: "objects", folder, trash, names });
    let made = "";
    for (const name of names) {
      try {
        const place = dirname(join(trash, name));
        // They come folder by folder.
        if (place !== made) makeFolder(cache, place);
        made = place;
        renameSync(join(folder, name), join(trash, name));
      } catch (error) {
        throw fromSystemError(error, `cannot move ${join(folder, name)} to the trash`);
      }
      yield { files: 1, bytes: 0 };
    }
  }
}

function emptyTrash(project: Project, context: Context): Promise<void> {
  return paceWork(removingFolder(cacheTrash(openCache(project))), context, { label: "freeing the trash" });
}

/** What is not to be kept goes on a full disk too, where there is no room to write down what goes. */
async function moveOrDelete(project: Project, context: Context, unused: readonly CacheFile[]): Promise<void> {
  try {
    await moveToTrash(project, context, unused);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    await paceWork(deleting(openCache(project).dir, unused), context, { label: "deleting objects", total: unused.length });
  }
}

function* deleting(dir: string, files: readonly CacheFile[]): Work<void> {
  for (const { name } of files) {
    removePath(join(dir, name));
    yield { files: 1, bytes: 0 };
  }
}

async function removeThere(
  project: Project,
  context: Context,
  { input, objects }: { input: Input; objects: readonly ObjectName[] },
): Promise<void> {
  if (objects.length === 0) return;
  const remote = openConfigured(project, textIn(input.remote));
  // What is gone there is gone, whatever becomes of the others.
  const failures = await perform(project, context, {
    command: "data gc",
    argv: ["data", "gc", "--cloud"],
    summary: `remove ${objects.length} unused objects from ${remote.name}`,
    work: async (operation) => {
      operation.record({ kind: "remote", remote: remote.name, detail: `removed ${objects.length} unused objects` });
      // Listings first: others take one as proof of its members.
      const order = [...objects].sort((one, other) => Number(other.hash.endsWith(".dir")) - Number(one.hash.endsWith(".dir")));
      return remote.remove(order, context);
    },
  });
  const [first] = failures.flatMap(({ error }) => error ?? []);
  if (first === undefined) return;
  const text = `${failures.length} of ${counted(objects.length, "unused object")} could not be removed from ${remote.name}: ${first.message}`;
  throw new ExpverError(first.code, text, { hint: first.hint, details: first.details });
}
