/** Putting a copy under its name: it appears whole or not at all, and what it replaces goes to the trash where there is one. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { findPlace, topOf } from "../../../config/project.ts";
import { ExpverError, fromSystemError } from "../../../errors.ts";
import { perform } from "../../../journal/perform.ts";
import { moveToTrash, moveWhole, removeWhole, trashPlace } from "../../../journal/trash.ts";
import type { Context } from "../../../platform/context.ts";
import { isFile, isFolder, isThere, readTextIfExists } from "../../../platform/files.ts";
import { md5Of } from "../../../platform/hashing.ts";
import { paceWork } from "../../../platform/pace.ts";
import { identityOf, lifeOf, type ProcessIdentity } from "../../../platform/processes.ts";
import { digestingTree } from "../../../platform/tree-digest.ts";

/** The name a copy gets here: as asked, inside an existing folder, or the source's own. Throws E_DATA when it is taken. */
export function deliveryPath(context: Context, { from, out, force }: { from: string; out: string | undefined; force: boolean }): string {
  const name = basename(from.replace(/\/+$/, ""));
  const asked = resolve(context.cwd, out === undefined || out === "" ? name : out);
  const path = out !== undefined && isFolder(asked) ? join(asked, name) : asked;
  if (path === asked && (out === undefined || out === "") && /^\.{0,2}$/.test(name))
    throw new ExpverError("E_USAGE", `${from} names no file or folder`);
  if (existsSync(path) && !force)
    throw new ExpverError("E_DATA", `${path} exists already`, {
      hint: "Replace it with --force, or choose another name with --out.",
      details: { path },
    });
  return path;
}

/** Of a URL only the path names something: neither the host nor what follows a question mark. */
export function nameInUrl(url: string): string {
  return /^\w+:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? url;
}

/** `make` fills the path it is given; the folder around that one may hold what is on its way. */
export async function deliver(
  context: Context,
  path: string,
  { command, make }: { command: string; make: (target: string, staging: string) => Promise<void> },
): Promise<void> {
  const staging = stagingFor(path);
  try {
    const target = join(staging, "made");
    await make(target, staging);
    if (!isThere(path)) moveWhole(target, path);
    else await replace(context, path, { command, target });
    rmSync(staging, { recursive: true, force: true });
  } catch (error) {
    if (error instanceof ExpverError && /^E_REMOTE|^E_INTERRUPTED/.test(error.code) && existsSync(join(staging, RECEIVED))) {
      rmSync(join(staging, OWNER), { force: true });
      context.report({ kind: "warning", text: `what has come stays in ${staging}`, hint: "Repeat the command: it goes on from there." });
    } else rmSync(staging, { recursive: true, force: true });
    throw fromSystemError(error, `cannot write ${path}`);
  }
}

/** Where objects of a remote arrive. */
const RECEIVED = "objects";
const OWNER = "owner";

/** Beside the output and named after it: what one that was cut off has brought is found again. */
function stagingFor(path: string): string {
  const named = (name: string) => join(dirname(path), `.expver-${name}.tmp`);
  const usual = named(md5Of(Buffer.from(path)).slice(0, 12));
  const staging = isTaken(usual) ? named(randomBytes(6).toString("hex")) : usual;
  mkdirSync(staging, { recursive: true });
  for (const name of readdirSync(staging)) if (name !== RECEIVED) rmSync(join(staging, name), { recursive: true, force: true });
  writeFileSync(join(staging, OWNER), JSON.stringify(identityOf(process.pid)));
  return staging;
}

/** Another process, which may be alive, is at the same output. */
export function isTaken(staging: string): boolean {
  const text = readTextIfExists(join(staging, OWNER));
  if (text === null) return false;
  try {
    return lifeOf(JSON.parse(text) as ProcessIdentity) !== "dead";
  } catch {
    return false; // it was killed while it wrote that
  }
}

/** Outside of every project there is no trash: --force was asked for, and the old file goes with the new one's coming. */
async function replace(context: Context, path: string, { command, target }: { command: string; target: string }): Promise<void> {
  const place = findPlace({ ...context, cwd: dirname(path) });
  if (place === null || place.dvcRoot === null) {
    // A file takes the place of a file in one step.
    if (!isFile(path) || !isFile(target)) removeWhole(path);
    moveWhole(target, path);
    return;
  }
  const [replaced, waiting] = [trashPlace(place, path), trashPlace(place, path)];
  const inside = (absolute: string) => relative(topOf(place), absolute);
  await perform(place, context, {
    command,
    argv: [...command.split(" "), inside(path)],
    summary: `replace ${inside(path)}`,
    work: async (operation) => {
      // Undo puts the copy back where it waited.
      const digest = await paceWork(digestingTree(target), context, { label: "hashing data" });
      mkdirSync(dirname(waiting), { recursive: true });
      moveWhole(target, waiting);
      operation.record({ kind: "move", from: inside(waiting), to: inside(path), replaced, digest, isCopy: true });
      moveToTrash(place, path, replaced);
      moveWhole(waiting, path);
    },
  });
}

/** Throws E_DATA. */
export function refusePointerName(out: string): void {
  if (!/(?:\.dvc|(?:^|\/)dvc\.yaml)$/.test(out)) return;
  throw new ExpverError("E_DATA", `${out} would be taken for a pointer file`, {
    hint: "Name the data itself, or another name for it here.",
  });
}
