/**
 * `expver data update` of data on a worktree remote: people put files there under their own names, and what is newest becomes the data here.
 */

import { basename, join, relative } from "node:path";
import { absolutePath, typedPath } from "../../../config/paths.ts";
import { type Project, topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import type { Context } from "../../../platform/context.ts";
import { makeFolders, readTextIfExists, removePath } from "../../../platform/files.ts";
import { paceWork } from "../../../platform/pace.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { beginIngest } from "../../../store/objects/ingest.ts";
import { listingHash, renderListing } from "../../../store/objects/listing.ts";
import { makeStaging } from "../../../store/objects/staging.ts";
import { renderFiles } from "../../../store/pointers/pointer-versions.ts";
import { dvcFolder, readDvcConfig } from "../../../store/settings/dvc-config.ts";
import { openUrl, type There, type UrlSource } from "../../../store/sources/url-source.ts";
import { fetchObjects } from "../../../store/transfer/transfer.ts";
import type { Pointer, VersionedFile } from "../../../store/types.ts";
import { applyFileEdits } from "../../plan.ts";
import { applyCheckout, planCheckout } from "../cache/checkout.ts";

/** The worktree remote an output is on; null: it was never pushed. Throws E_DATA for one that is on another kind of remote. */
export function worktreeOf(project: Project, pointer: Pointer): string | null {
  const name = pointer.remote ?? pointer.files?.find(({ remote }) => remote !== undefined)?.remote;
  if (name === undefined || !pointer.cache || !pointer.push) return null;
  const { options } = readDvcConfig(project).remotes.get(name.toLowerCase()) ?? { options: new Map<string, string>() };
  if (options.get("worktree")?.toLowerCase() === "true") return name;
  throw new ExpverError("E_DATA", `${pointer.file} is no import, and remote ${name} is no worktree: there is nothing newer to take`, {
    hint: `If people put files there under their own names: expver data remote modify ${name} worktree true`,
    details: { exitCode: 1, remote: name },
  });
}

/** True when it became something else. What is not there is a warning. Throws E_UNSAVED where that would lose what is stored nowhere. */
export async function updateFromWorktree(
  project: Project,
  context: Context,
  { pointer, remote, operation }: { pointer: Pointer; remote: string; operation: OpenOperation },
): Promise<boolean> {
  const path = relative(project.dvcRoot ?? project.root, join(topOf(project), pointer.path));
  const source = openUrl(`remote://${remote}/${path}`, { place: project, env: context.env, options: new Map() });
  const there = await source.look(context);
  if (there === null) {
    context.report({ kind: "warning", text: `${pointer.path} is not on ${remote}: it stays what it is` });
    return false;
  }
  const known = new Map((pointer.files ?? []).map((file) => [file.relpath, file]));
  const isKept = ({ relpath, tag }: There["files"][number]) => tag !== undefined && known.get(relpath)?.etag === tag;
  const other = there.files.filter((file) => !isKept(file));
  if (other.length === 0 && there.files.length === known.size) return false;
  const came = await bringIntoCache(project, context, { source, files: other, isFolder: there.isFolder });
  const files = there.files.map(
    (file) => came.get(file.relpath)?.(remote, known.get(file.relpath)) ?? (known.get(file.relpath) as VersionedFile),
  );
  const at = absolutePath(project, pointer.file);
  const before = readTextIfExists(at) ?? "";
  const after = renderFiles(before, { file: pointer.file, stage: pointer.stage, path: pointer.path, files });
  const next = meaning(pointer, files, there.isFolder);
  // What stayed the same need not be here either.
  const { failed, missing } = await fetchObjects(project, [next], context, { remote });
  if (failed.length + missing.length > 0)
    throw new ExpverError(
      "E_NOT_STORED",
      `${failed[0]?.path ?? missing[0]} could not be had from ${remote}: ${failed[0]?.reason ?? "its version is gone"}`,
      {
        details: { failed, missing },
      },
    );
  const selection = { pointers: [next], only: new Map<string, string[]>() };
  // Before anything is written: what stands there may be stored nowhere.
  const checkout = await planCheckout(project, context, { selection, input: {} });
  applyFileEdits(project, operation, [{ path: at, before, after }]);
  await applyCheckout(project, context, checkout);
  return true;
}

type Entry = (remote: string, known: VersionedFile | undefined) => VersionedFile;

/** By relpath: what the pointer is to say of it. */
async function bringIntoCache(
  project: Project,
  context: Context,
  { source, files, isFolder }: { source: UrlSource; files: There["files"]; isFolder: boolean },
): Promise<Map<string, Entry>> {
  const staging = makeStaging(join(dvcFolder(project), "tmp"));
  const ingest = beginIngest(openCache(project));
  try {
    const target = join(staging, "made");
    if (isFolder) makeFolders(target);
    const came = await source.copy(files, target, context);
    const entries = new Map<string, Entry>();
    for (const { relpath, tag, version } of files) {
      const { md5, size } = came.get(relpath) ?? { md5: "", size: 0 };
      await paceWork(ingest.object({ hash: md5, hashName: "md5" }, relpath === "" ? target : join(target, relpath)), context, {
        label: `storing ${basename(source.path)}`,
      });
      entries.set(relpath, (remote, known) => ({
        relpath,
        md5,
        size,
        ...(known?.isexec ? { isexec: true } : {}),
        remote,
        ...(version === undefined ? {} : { version }),
        ...(tag === undefined ? {} : { etag: tag }),
      }));
    }
    ingest.commit();
    return entries;
  } finally {
    ingest.abort();
    removePath(staging);
  }
}

/** The pointer as its new text says it. */
function meaning(pointer: Pointer, files: readonly VersionedFile[], isFolder: boolean): Pointer {
  const size = files.reduce((sum, one) => sum + (one.size ?? 0), 0);
  const { nfiles: _, ...rest } = pointer;
  if (!isFolder) return { ...rest, hash: files[0]?.md5 ?? null, size, files };
  return { ...rest, hash: listingHash(renderListing(files)), size, nfiles: files.length, files };
}

/** Of a command line that asks for more than there is. Throws E_DATA. */
export function refuseForWorktree({ rev, download, toRemote }: { rev: unknown; download: boolean; toRemote: boolean }, file: string): void {
  const flag = rev !== undefined ? "--rev" : download ? (toRemote ? "--to-remote" : null) : "--no-download";
  if (flag === null) return;
  throw new ExpverError("E_DATA", `${flag} is for imports, and ${file} is none`, { details: { exitCode: 1 } });
}

export function warnNeverPushed(project: Project, context: Context, { path, file }: Pointer): void {
  context.report({
    kind: "warning",
    text: `${path} is no import, and was never pushed to a worktree remote: there is nothing to update it from`,
    hint: `What changed here is stored by: expver data add ${typedPath(project, file.endsWith(".dvc") ? path : file)}`,
  });
}
