/** A file or folder that is somebody else's, by path or URL: looked at, copied, or sent on to a remote of ours. */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Project } from "../../../config/project.ts";
import { findPlace } from "../../../config/project.ts";
import { ExpverError, failedWith } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { copyingFiles } from "../../../platform/copy-files.ts";
import { makeFolders, removePath } from "../../../platform/files.ts";
import { batchesBySize, paceWork, type Work } from "../../../platform/pace.ts";
import { refuseCopiesWithoutRoom } from "../../../platform/room.ts";
import { counted } from "../../../platform/words.ts";
import { listingHash, renderListing } from "../../../store/objects/listing.ts";
import { makeStaging } from "../../../store/objects/staging.ts";
import type { SourceFields } from "../../../store/pointers/import-file.ts";
import type { Parcel, Remote } from "../../../store/remotes/remote.ts";
import { dvcFolder } from "../../../store/settings/dvc-config.ts";
import {
  fieldsOfContent,
  openUrl,
  pathHere,
  type There,
  takenOf,
  type UrlOptions,
  type UrlSource,
} from "../../../store/sources/url-source.ts";
import { notArrived } from "../../../store/transfer/transfer.ts";
import type { ListingEntry, OutputContent, TakenVersion } from "../../../store/types.ts";
import { rememberRead } from "../../../store/worktree/remember.ts";
import { hasChanged } from "../../../store/worktree/remove-files.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";
import { type WalkedFile, walkingFiles } from "../../../store/worktree/walk.ts";

export interface Elsewhere {
  /** For messages. */
  location: string;
  /**
   * Fills a path with a copy. `tracked`: whether it will be, which takes MD5s that cost more than the copy, and what can never be is left
   * out or refused.
   */
  copy(target: string, will: { tracked: boolean }): Promise<CopiedFiles>;
  /** What a `.dvc` file says about it; `content`: of the copy that was just made. */
  fields(project: Project, content: OutputContent | null): Promise<SourceFields>;
  /** A server's files as they are now, where each is to be known by its version. */
  versions: readonly TakenVersion[] | null;
  /** Those go with the next. */
  isPassing: boolean;
  /** Puts the bytes on a remote; nothing stays here. */
  send(project: Project, remote: Remote): Promise<OutputContent>;
}

export interface CopiedFiles {
  files: number;
  /** By path below the copy; of a file by itself "". */
  md5s: ReadonlyMap<string, string>;
}

/** Throws E_NOT_FOUND when nothing is there, E_REMOTE_… */
export async function lookElsewhere(context: Context, url: string, asked: Partial<UrlOptions> = {}): Promise<Elsewhere> {
  const place = findPlace(context);
  const path = pathHere(url, { cwd: context.cwd, place });
  if (path !== null) return atPath(context, path);
  const source = openUrl(url, { place, env: context.env, options: new Map(), ...asked });
  const there = await source.look(context);
  if (there === null) throw notThere(source.location, asked.version);
  return atServer(context, source, there);
}

function notThere(path: string, version: string | undefined): ExpverError {
  if (version === undefined) return new ExpverError("E_NOT_FOUND", `there is no ${path}`, { details: { path } });
  return new ExpverError("E_NOT_FOUND", `${path} has no version ${version}`, { details: { path, version, exitCode: 255 } });
}

/** Throws E_CONFIG where versions are asked for and none are kept: the data would be nowhere that is sure to have it. */
export function refuseUnkept({ location, versions, isPassing }: Omit<Elsewhere, "copy" | "fields" | "send">): void {
  if (versions === null || (!isPassing && versions.every(({ version }) => version !== undefined))) return;
  throw new ExpverError("E_CONFIG", `${location} keeps no versions of its files: what is imported by version stays there only`, {
    hint: "Without --version-aware the data goes to our own remote too; or turn versioning on for the bucket.",
    details: { url: location },
  });
}

function atPath(context: Context, path: string): Elsewhere {
  if (!existsSync(path)) throw new ExpverError("E_NOT_FOUND", `there is no ${path}`, { details: { path } });
  const scan = (project: Project) => paceWork(scanOutput(project, path), context, { label: "hashing data" });
  let copied: CopiedHere | null = null;
  // Our .dvcignore is about what lies here: there may be more files than the copy is said to have.
  const isAllOf = (content: OutputContent) => copied === null || copied.files.length === (content.nfiles ?? 1);
  return {
    location: path,
    versions: null,
    isPassing: false,
    async copy(target, { tracked }) {
      copied = await paceWork(copying(path, target, tracked), context, { label: "copying" });
      const { files, md5s } = copied;
      return { files: files.length, md5s };
    },
    async fields(project, content) {
      if (content === null || !isAllOf(content)) return fieldsOfContent((await scan(project)).content);
      // The next `update` looks there, and need not read what was read for the copy.
      if (copied !== null) rememberRead(project, path, { ...copied, content });
      // A copy is no program.
      return fieldsOfContent({ ...content, isexec: isProgram(path) });
    },
    async send(project, remote) {
      const { content, files, isFolder } = await scan(project);
      const parcels = files.map(({ md5, path: from, stat }) => ({
        object: { hash: md5, hashName: "md5" as const },
        from,
        size: stat.size,
      }));
      await sendAll(context, remote, parcels).catch((error: unknown) => {
        throw isBadObject(error) && files.some(hasChanged) ? changedMeanwhile(path) : error;
      });
      if (isFolder) await sendListing(project, context, remote, files);
      const { isexec: _, ...plain } = content;
      return plain;
    },
  };
}

function isBadObject(error: unknown): boolean {
  return failedWith(error, "E_OBJECT");
}

function changedMeanwhile(path: string): ExpverError {
  return new ExpverError("E_DATA", `${path} was changed while it was sent`, {
    hint: "Repeat the command when nobody writes there.",
    details: { path },
  });
}

function atServer(context: Context, source: UrlSource, there: There): Elsewhere {
  const contentOf = (entries: (ListingEntry & { size: number })[]): OutputContent => {
    const size = entries.reduce((sum, one) => sum + one.size, 0);
    const hash = there.isFolder ? listingHash(renderListing(entries)) : (entries[0]?.md5 ?? "");
    return { hash, size, ...(there.isFolder ? { nfiles: entries.length } : {}) };
  };
  return {
    location: source.location,
    versions: source.isVersioned ? there.files.map(takenOf) : null,
    isPassing: there.isPassing === true,
    async copy(target) {
      if (there.isFolder) makeFolders(target);
      const came = await source.copy(there.files, target, context);
      return { files: came.size, md5s: md5sOf(came) };
    },
    async fields(project, content) {
      const known = source.fields(there);
      if (known !== null) return known;
      return fieldsOfContent(content ?? contentOf(await readThrough(project, context, { source, there })));
    },
    async send(project, remote) {
      const entries = await readThrough(project, context, { source, there, each: (parcels) => sendAll(context, remote, parcels) });
      if (there.isFolder) await sendListing(project, context, remote, entries);
      return contentOf(entries);
    },
  };
}

// So much of somebody's data lies here for a moment when it is only passed on, or one file.
const BATCH_BYTES = 2 ** 28;
const BATCH_FILES = 500;

/** Reads everything, a batch after the other, each gone before the next comes. */
async function readThrough(
  project: Project,
  context: Context,
  { source, there, each }: { source: UrlSource; there: There; each?: (parcels: Parcel[]) => Promise<void> },
): Promise<(ListingEntry & { size: number })[]> {
  const entries: (ListingEntry & { size: number })[] = [];
  const bytesOf = ({ size }: There["files"][number]) => size ?? BATCH_BYTES;
  for (const batch of batchesBySize(there.files, { bytesOf, bytes: BATCH_BYTES, items: BATCH_FILES })) {
    const staging = makeStaging(join(dvcFolder(project), "tmp"));
    try {
      const target = join(staging, "made");
      const came = [...(await source.copy(batch, target, context))].map(([relpath, digest]) => ({ relpath, ...digest }));
      entries.push(...came);
      await each?.(came.map(({ relpath, md5, size }) => ({ object: { hash: md5, hashName: "md5" }, from: join(target, relpath), size })));
    } finally {
      removePath(staging);
    }
  }
  return entries;
}

/** Those that are not there yet. Nothing of them stays here, so what was sent must be seen there. Throws the first failure. */
async function sendAll(context: Context, remote: Remote, parcels: readonly Parcel[]): Promise<void> {
  const each = [...new Map(parcels.map((parcel) => [parcel.object.hash, parcel])).values()];
  const there = new Set(
    (
      await remote.present(
        each.map(({ object, size }) => ({ ...object, size })),
        context,
        { mayGuess: true },
      )
    ).map(({ hash }) => hash),
  );
  const lacking = each.filter(({ object }) => !there.has(object.hash));
  const [failure] = await remote.send(lacking, context);
  if (failure !== undefined)
    throw failure.error ?? new ExpverError("E_REMOTE_ANSWER", `${failure.object.hash} did not arrive on ${remote.name}`);
  const [unseen] = await notArrived(remote, lacking, { failures: [], context });
  if (unseen?.error) throw new ExpverError(unseen.error.code, `${unseen.object.hash} ${unseen.error.message}`, { hint: UNSEEN_HINT });
}

const UNSEEN_HINT = "Repeat the command; `expver data remote check` tells whether the remote keeps what is sent to it.";

/** The listing last: it is never there without its members. */
async function sendListing(project: Project, context: Context, remote: Remote, entries: readonly ListingEntry[]): Promise<void> {
  const bytes = renderListing(entries);
  const staging = makeStaging(join(dvcFolder(project), "tmp"));
  try {
    const from = join(staging, "listing");
    writeFileSync(from, bytes);
    await sendAll(context, remote, [{ object: { hash: listingHash(bytes), hashName: "md5" }, from, size: bytes.length }]);
  } finally {
    removePath(staging);
  }
}

export function md5sOf(came: ReadonlyMap<string, { md5: string }>): Map<string, string> {
  return new Map([...came].map(([relpath, { md5 }]) => [relpath, md5]));
}

function isProgram(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && (stat.mode & 0o111) !== 0;
}

interface CopiedHere extends Pick<CopiedFiles, "md5s"> {
  isFolder: boolean;
  files: WalkedFile[];
  /** When reading began, in milliseconds since 1970. */
  readAt: number;
}

function* copying(from: string, target: string, tracked: boolean): Work<CopiedHere> {
  const own = statSync(from);
  const isFolder = own.isDirectory();
  const files: WalkedFile[] = isFolder
    ? yield* walkingFiles(from, { everything: !tracked })
    : [{ relpath: "", path: from, stat: own, size: own.size, isLink: false }];
  const [first] = files;
  if (first !== undefined) {
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    refuseCopiesWithoutRoom(dirname(target), { what: `${counted(files.length, "file")} of ${from}`, bytes, example: first.path });
  }
  if (isFolder) mkdirSync(target);
  let made = dirname(target);
  for (const { relpath } of files) {
    // They come folder by folder.
    const folder = dirname(join(target, relpath));
    if (folder !== made) makeFolders(folder);
    made = folder;
  }
  const readAt = Date.now();
  const work = copyingFiles(
    files.map(({ relpath, path, size }) => ({ from: path, to: join(target, relpath), size })),
    { hashed: tracked },
  );
  const md5s = new Map<string, string>();
  for (const [index, md5] of (yield* work).entries()) if (md5 !== null) md5s.set((files[index] as WalkedFile).relpath, md5);
  return { isFolder, files, md5s, readAt };
}
