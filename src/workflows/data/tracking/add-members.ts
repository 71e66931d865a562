/** `data add FOLDER/FILE` where FOLDER is tracked: its listing changes at that place only; the rest of the folder is not read. */
import { statSync } from "node:fs";
import { absolutePath, isWithin, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import type { Context } from "../../../platform/context.ts";
import { paceWork, type Work } from "../../../platform/pace.ts";
import { type Cache, openCache } from "../../../store/objects/cache.ts";
import { beginIngest } from "../../../store/objects/ingest.ts";
import { readListing, trustedSize } from "../../../store/objects/layout.ts";
import { renderListing } from "../../../store/objects/listing.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import type { FileEdit, ListingEntry, OutputContent, Pointer } from "../../../store/types.ts";
import { pointerEdit } from "../../../store/worktree/contents.ts";
import type { CopyDatabase } from "../../../store/worktree/databases.ts";
import { relinkOutputs } from "../../../store/worktree/relink.ts";
import { type Scan, scanOutput } from "../../../store/worktree/scan.ts";
import { isHere } from "../../../store/worktree/status.ts";
import { applyFileEdits } from "../../plan.ts";
import { databaseCopier } from "../databases.ts";
import { warnOfImports } from "./changed-import.ts";

export interface AddedOutput extends OutputContent {
  /** Relative to the Git root. */
  path: string;
  changed: boolean;
}

export interface MemberTarget {
  /** Stored path. */
  path: string;
  /** Of the folder. */
  pointer: Pointer;
  /** Relative to the folder. */
  member: string;
}

interface AddMembers {
  targets: readonly MemberTarget[];
  operation: OpenOperation;
  relink: boolean;
}

export async function addMembers(
  project: Project,
  context: Context,
  { targets, operation, relink }: AddMembers,
): Promise<{ added: AddedOutput[]; edits: FileEdit[] }> {
  const added: AddedOutput[] = [];
  const edits: FileEdit[] = [];
  for (const pointer of new Set(targets.map((target) => target.pointer))) {
    const members = targets.filter((target) => target.pointer === pointer).map(({ member }) => member);
    refuseUnknown(project, pointer, members);
    const since = Date.now();
    const work = storingMembers(project, pointer, { members, copyDatabase: await databaseCopier() });
    const { content, scans } = await paceWork(work, context, { label: `storing ${pointer.path}` });
    const edit = pointerEdit(project, pointer.path, content, pointer);
    const path = absolutePath(project, pointer.path);
    // The pointer may have come without its line; Git would take the data.
    const ownEdits = [edit, ...(pointer.cache ? ignoreEdits(project, [path]) : [])];
    applyFileEdits(project, operation, ownEdits);
    edits.push(...ownEdits);
    const parts = scans.map((scan) => ({ path, scan }));
    if (relink) await paceWork(relinkOutputs(project, parts, { since }), context, { label: "linking data" });
    const changed = edit.before !== edit.after;
    if (changed) warnOfImports(project, context, [pointer]);
    added.push({ path: pointer.path, ...content, changed });
  }
  return { added, edits };
}

/** A member that is gone leaves the listing; one that was never in it is a slip of the pen. */
function refuseUnknown(project: Project, pointer: Pointer, members: readonly string[]): void {
  const gone = members.filter((member) => !isHere(`${absolutePath(project, pointer.path)}/${member}`));
  if (gone.length === 0) return;
  const stored = storedEntries(project, pointer);
  const unknown = gone.find((member) => !stored.some(({ relpath }) => isWithin(relpath, member)));
  if (unknown === undefined) return;
  const path = `${pointer.path}/${unknown}`;
  throw new ExpverError("E_NOT_FOUND", `${path} is neither there nor stored`, { details: { path } });
}

/** The listing with these members as they are now: new, changed, or gone. The others are not looked at. */
export function* storingMembers(
  project: Project,
  pointer: Pointer,
  { members, copyDatabase }: { members: readonly string[]; copyDatabase?: CopyDatabase },
): Work<{ content: OutputContent; scans: Scan[] }> {
  const cache = openCache(project);
  let entries = storedEntries(project, pointer);
  const ingest = beginIngest(cache);
  const scans: Scan[] = [];
  try {
    for (const member of members) {
      entries = entries.filter(({ relpath }) => !isWithin(relpath, member));
      const path = `${absolutePath(project, pointer.path)}/${member}`;
      if (!isHere(path)) continue;
      // What it lies in was a file before.
      entries = entries.filter(({ relpath }) => !isWithin(member, relpath));
      const scan = yield* scanOutput(project, path, { store: { ingest, into: cache }, copyDatabase });
      scans.push(scan);
      for (const { relpath, md5 } of scan.files) entries.push({ relpath: relpath === "" ? member : `${member}/${relpath}`, md5 });
    }
    // The members' own listing, made when one of them is a folder, is an object nobody names; it does no harm.
    const hash = ingest.listing(renderListing(entries));
    ingest.commit();
    return { content: { hash, size: sizeOf(project, cache, { pointer, entries }), nfiles: entries.length }, scans };
  } finally {
    ingest.abort();
  }
}

function storedEntries(project: Project, { hash, hashName, path, file }: Pointer): ListingEntry[] {
  if (hashName !== "md5") {
    throw new ExpverError("E_DATA", `${file} is of DVC 2: files can be added to it only with the whole folder`, {
      hint: `expver data add ${typedPath(project, path)}`,
      details: { path },
    });
  }
  const entries = hash === null ? null : readListing(openCache(project).dir, { hash, hashName });
  if (entries !== null) return entries;
  const typed = typedPath(project, path);
  throw new ExpverError("E_NOT_STORED", `the listing of ${path} is not in the cache, so single files cannot be added to it`, {
    hint: `Fetch it (expver data fetch ${typed}), or add the whole folder: expver data add ${typed}`,
    details: { path, hash },
  });
}

function sizeOf(project: Project, cache: Cache, { pointer, entries }: { pointer: Pointer; entries: readonly ListingEntry[] }): number {
  const folder = absolutePath(project, pointer.path);
  return entries.reduce((sum, { relpath, md5 }) => {
    const size =
      trustedSize(cache.dir, { hash: md5, hashName: "md5" }) ?? statSync(`${folder}/${relpath}`, { throwIfNoEntry: false })?.size;
    return sum + (size ?? 0);
  }, 0);
}
