/** Putting a copy under its name: it appears whole or not at all, and what it replaces goes to the trash where there is one. */
import { existsSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fromTop } from "../../../config/paths.ts";
import { findPlace } from "../../../config/project.ts";
import { ExpverError, fromSystemError } from "../../../errors.ts";
import { removeEmptyFolder } from "../../../journal/file-edits.ts";
import { perform } from "../../../journal/perform.ts";
import { moveToTrash, moveWhole, removeWhole, trashPlace } from "../../../journal/trash.ts";
import type { Context } from "../../../platform/context.ts";
import { hasCode, isFile, isFolder, isThere, makeFolders, removePath } from "../../../platform/files.ts";
import { md5Of } from "../../../platform/hashing.ts";
import { paceWork } from "../../../platform/pace.ts";
import { digestingTree } from "../../../platform/tree-digest.ts";
import { newOwnName, ownerOf, sweepStagings } from "../../../store/objects/staging.ts";
import { bringToRest, journalsOfGone } from "../databases.ts";

/** The name a copy gets here: as asked, inside an existing folder, or the source's own. Throws E_DATA when it is taken. */
export function deliveryPath(context: Context, { from, out, force }: { from: string; out: string | undefined; force: boolean }): string {
  const name = basename(from.replace(/\/+$/, ""));
  const asked = resolve(context.cwd, out === undefined || out === "" ? name : out);
  const path = out !== undefined && isFolder(asked) ? join(asked, name) : asked;
  if (path === asked && (out === undefined || out === "") && /^\.{0,2}$/.test(name))
    throw new ExpverError("E_USAGE", `${from} names no file or folder`);
  if (existsSync(path) && !force) throw taken(path);
  return path;
}

function taken(path: string): ExpverError {
  return new ExpverError("E_DATA", `${path} exists already`, {
    hint: "Replace it with --force, or choose another name with --out.",
    details: { path },
  });
}

/** Of a URL only the path names something: neither the host nor what follows a question mark. */
export function nameInUrl(url: string): string {
  return /^\w+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? url;
}

interface Delivery {
  command: string;
  /** Whether what stands there may be replaced; when it was asked before, something may have come meanwhile. */
  force: boolean;
  /** Fills the path it is given; the folder around that one may hold what is on its way. */
  make: (target: string, staging: string) => Promise<void>;
}

/** Throws E_DATA where something stands that is not to be replaced. */
export async function deliver(context: Context, path: string, { command, force, make }: Delivery): Promise<void> {
  const { own, shared } = stagingFor(path);
  try {
    const target = join(own, "made");
    await make(target, own);
    if (!isThere(path)) {
      const place = findPlace({ ...context, cwd: dirname(path) });
      if (place !== null && place.dvcRoot !== null) for (const journal of journalsOfGone(path, target)) moveToTrash(place, journal);
      moveWhole(target, path);
    } else if (!force && existsSync(path)) throw taken(path);
    else await replace(context, path, { command, target });
  } catch (error) {
    const isPassing = error instanceof ExpverError && /^E_REMOTE|^E_INTERRUPTED/.test(error.code);
    if (isPassing && takeOver(own, shared))
      context.report({ kind: "warning", text: `what has come stays in ${shared}`, hint: "Repeat the command: it goes on from there." });
    throw fromSystemError(error, `cannot write ${path}`);
  } finally {
    removePath(own);
    removeEmptyFolder(shared);
  }
}

/** Where objects of a remote arrive. */
const RECEIVED = "objects";

/**
 * Beside the output and named after it: what one that was cut off has brought is found again. Each process has a folder of its own in it,
 * as another may be at the same output.
 */
function stagingFor(path: string): { own: string; shared: string } {
  const shared = join(dirname(path), `.expver-${md5Of(Buffer.from(path)).slice(0, 12)}.tmp`);
  const own = makeOwn(shared);
  sweepStagings(shared, { save: (left) => void takeOver(left, own) });
  takeOver(shared, own);
  return { own, shared };
}

function makeOwn(shared: string): string {
  const own = join(shared, `.${newOwnName()}`);
  makeFolders(own);
  return own;
}

/** What has arrived in one folder is in the other. False when there is nothing, or somebody else was faster. */
function takeOver(from: string, to: string): boolean {
  try {
    renameSync(join(from, RECEIVED), join(to, RECEIVED));
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTEMPTY", "EEXIST")) return false;
    throw error;
  }
}

/** A process, which may be alive, is at that output. */
export function isTaken(staging: string): boolean {
  try {
    return readdirSync(staging).some((name) => !["dead", null].includes(ownerOf(name)));
  } catch {
    return false; // not ours to read, or gone meanwhile
  }
}

/** Outside of every project there is no trash: --force was asked for, and the old file goes with the new one's coming. */
async function replace(context: Context, path: string, { command, target }: { command: string; target: string }): Promise<void> {
  await bringToRest([path]);
  const place = findPlace({ ...context, cwd: dirname(path) });
  if (place === null || place.dvcRoot === null) {
    // A file takes the place of a file in one step.
    if (!isFile(path) || !isFile(target)) removeThere(path);
    moveWhole(target, path);
    return;
  }
  const [replaced, waiting] = [trashPlace(place, path), trashPlace(place, path)];
  await perform(place, context, {
    command,
    argv: [...command.split(" "), fromTop(place, path)],
    summary: `replace ${fromTop(place, path)}`,
    work: async (operation) => {
      // Undo puts the copy back where it waited.
      const digest = await paceWork(digestingTree(target), context, { label: "hashing data" });
      makeFolders(dirname(waiting));
      moveWhole(target, waiting);
      operation.record({ kind: "move", from: fromTop(place, waiting), to: fromTop(place, path), replaced, digest, isCopy: true });
      moveToTrash(place, path, replaced);
      moveWhole(waiting, path);
    },
  });
}

/** Another process may do the same. */
function removeThere(path: string): void {
  try {
    removeWhole(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/** Throws E_DATA. */
export function refusePointerName(out: string): void {
  if (!/(?:\.dvc|(?:^|\/)dvc\.yaml)$/.test(out)) return;
  throw new ExpverError("E_DATA", `${out} would be taken for a pointer file`, {
    hint: "Name the data itself, or another name for it here.",
  });
}
