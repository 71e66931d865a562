/** Hashing one output, and storing its bytes in the cache. What a pointer would say comes back unwritten. */
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { absolutePath } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { ExpverError, fromSystemError } from "../errors.ts";
import { gitResult } from "../git/git.ts";
import type { Context } from "../platform/context.ts";
import { readTextIfExists, writeAll } from "../platform/files.ts";
import { syncFiles, syncFolders } from "../platform/sync.ts";
import { cacheDir } from "./dvc-config.ts";
import { listingHash, renderListing } from "./listing.ts";
import { renderPointerFile } from "./pointer-file.ts";
import type { FileEdit, OutputContent } from "./types.ts";
import { walkFiles } from "./walk.ts";

export interface StoredOutput {
  content: OutputContent;
  pointer: FileEdit;
  /** Null when Git ignores the output already, or there is no Git. */
  ignore: FileEdit | null;
}

/** Hash, size and kind of an output of the worktree, read only. `path` is relative to the Git root. */
export function hashOutput(project: Project, path: string): OutputContent {
  return ingest(absolutePath(project, path), null, () => {});
}

/**
 * Puts the bytes of an output into the cache: temporaries in the shard folders, hashed while copied, synced together, renamed,
 * read-only. `bytesFrom` names a file to take them from instead (the consistent copy of a live database).
 */
export function storeOutput(project: Project, path: string, context: Context, { bytesFrom }: { bytesFrom?: string } = {}): StoredOutput {
  const target = absolutePath(project, path);
  const found = ingest(bytesFrom ?? target, cacheDir(project), (done) =>
    context.report({ kind: "progress", label: `storing ${path}`, done, unit: "files" }),
  );
  const file = `${target}.dvc`;
  const old = readTextIfExists(file);
  const pointer = { path: file, before: old, after: renderPointerFile(old, basename(target), found) };
  return { content: found, pointer, ignore: ignoreEdit(project, target) };
}

/** Where an object of DVC 3's layout is, or would be. */
export function objectFile(cache: string, hash: string): string {
  return join(cache, "files", "md5", hash.slice(0, 2), hash.slice(2));
}

/** The line DVC adds to the `.gitignore` beside an output, unless Git ignores the output already. */
export function ignoreEdit(project: Project, target: string): FileEdit | null {
  const { repository } = project;
  if (repository === null) return null;
  if (gitResult(repository, ["check-ignore", "-q", "--no-index", "--", target], { allow: [1] }).code === 0) return null;
  const path = join(dirname(target), ".gitignore");
  const before = readTextIfExists(path);
  const start = before === null || before === "" || before.endsWith("\n") ? (before ?? "") : `${before}\n`;
  return { path, before, after: `${start}/${basename(target).replace(/[[\]!*#?]/g, "\\$&")}\n` };
}

function ingest(source: string, cache: string | null, progress: (files: number) => void): OutputContent {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined) throw new ExpverError("E_NOT_FOUND", `there is no ${source}`, { details: { path: source } });
  const batch = cache === null ? null : createBatch(cache);
  try {
    if (stat.isDirectory()) return ingestFolder(source, batch, progress);
    const { md5, size } = digest(source, batch);
    batch?.finish();
    return { hash: md5, size, ...((stat.mode & 0o111) === 0 ? {} : { isexec: true }) };
  } catch (error) {
    batch?.drop();
    throw fromSystemError(error, `cannot store ${source}`);
  }
}

function ingestFolder(source: string, batch: Batch | null, progress: (files: number) => void): OutputContent {
  let size = 0;
  const entries = walkFiles(source).map((relpath, index) => {
    const member = digest(join(source, relpath), batch);
    size += member.size;
    progress(index + 1);
    return { relpath, md5: member.md5 };
  });
  const listing = renderListing(entries);
  const hash = listingHash(listing);
  // Members first: a listing in the cache means that all its members are there.
  batch?.finish();
  batch?.add(hash, listing);
  batch?.finish();
  return { hash, size, nfiles: entries.length };
}

const CHUNK = Buffer.allocUnsafeSlow(1024 * 1024);

function digest(file: string, batch: Batch | null): { md5: string; size: number } {
  const hash = createHash("md5");
  const copy = batch?.open();
  const descriptor = openSync(file, "r");
  let size = 0;
  try {
    for (;;) {
      const count = readSync(descriptor, CHUNK, 0, CHUNK.length, null);
      if (count === 0) break;
      const chunk = CHUNK.subarray(0, count);
      hash.update(chunk);
      copy?.write(chunk);
      size += count;
    }
  } finally {
    closeSync(descriptor);
  }
  const md5 = hash.digest("hex");
  copy?.close(md5);
  return { md5, size };
}

interface Batch {
  open(): { write(bytes: Uint8Array): void; close(hash: string): void };
  add(hash: string, bytes: Uint8Array): void;
  /** Syncs what was written and gives it its names. */
  finish(): void;
  drop(): void;
}

/** Objects on their way into the cache: one sync for many files costs a fraction of one each. */
function createBatch(cache: string): Batch {
  const folder = join(cache, "files", "md5");
  const waiting = new Map<string, string>();
  const open = () => {
    mkdirSync(folder, { recursive: true });
    const temporary = join(folder, `.${randomBytes(9).toString("hex")}.tmp`);
    const descriptor = openSync(temporary, "wx", 0o666);
    waiting.set(temporary, "");
    return {
      write: (bytes: Uint8Array) => writeAll(descriptor, bytes),
      close: (hash: string) => {
        closeSync(descriptor);
        const known = seen.has(hash) || isStored(objectFile(cache, hash));
        if (known) {
          rmSync(temporary);
          waiting.delete(temporary);
        } else waiting.set(temporary, hash);
        seen.add(hash);
      },
    };
  };
  const seen = new Set<string>();
  return {
    open,
    add(hash, bytes) {
      const file = open();
      file.write(bytes);
      file.close(hash);
    },
    finish() {
      syncFiles([...waiting.keys()]);
      const shards = new Set<string>();
      for (const [temporary, hash] of waiting) {
        const object = objectFile(cache, hash);
        if (!shards.has(dirname(object))) mkdirSync(dirname(object), { recursive: true });
        shards.add(dirname(object));
        renameSync(temporary, object);
        chmodSync(object, 0o444);
      }
      if (shards.size > 0) syncFolders([...shards, folder]);
      waiting.clear();
    },
    drop() {
      for (const temporary of waiting.keys()) rmSync(temporary, { force: true });
    },
  };
}

/** Mode 0444 means "verified" to DVC and to us; any other file of that name is replaced by good bytes. */
function isStored(object: string): boolean {
  return existsSync(object) && (lstatSync(object).mode & 0o777) === 0o444;
}
