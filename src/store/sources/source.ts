/** Another repository as a place to read from: a folder on this machine or a Git URL, as it is or at any revision. */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULTS } from "../../config/config.ts";
import { fromTop } from "../../config/paths.ts";
import { findPlace, type Place, type Project, topOf } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { cloneBare } from "../../git/clone.ts";
import { contextIn, gitResult, type Repository } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { shownAddress } from "../../git/shown-address.ts";
import { readTree } from "../../git/tree.ts";
import type { Context } from "../../platform/context.ts";
import { isFolder, removePath, writeFileAtomic } from "../../platform/files.ts";
import type { ObjectFolder } from "../objects/layout.ts";
import { makeTemporary } from "../objects/staging.ts";
import { type Tracked, trackedOf } from "../pointers/pointers.ts";
import { isUrl } from "../settings/dvc-config.ts";

export interface Source extends Tracked {
  /** For its cache, remotes and Git objects. */
  project: Project;
  /** Null: the files as they stand there now. */
  commit: string | null;
  /** What typed paths are relative to, from the top, with `/`; empty for the top itself. */
  base: string;
  /** Nothing of it is on this machine but what is needed. */
  isClone?: true;
  /** Ours as long as this takes: its own cache is left as it is. */
  scratch?: Scratch;
  /** Removes what was cloned and brought. */
  close(): void;
}

/** Throws E_NOT_FOUND (no repository there, no such revision), E_GIT. Close it when done. */
export function openSource(context: Context, url: string, { settings, ...asked }: OpenOptions = {}): Source {
  const source = opened(context, url, asked);
  return settings === undefined ? source : { ...source, project: { ...source.project, settings: settings(source.project) } };
}

interface OpenOptions {
  rev?: string | undefined;
  /** What will be looked for, as typed: a folder on the way there may be a DVC repository of its own, and is what is opened then. */
  path?: string | undefined;
  /** Paths of a folder on this machine are relative to it at any revision, as those of imports are; else only as it stands there now. */
  isImport?: boolean;
  /** DVC's settings that go before those of that repository. */
  settings?: ((project: Project) => NonNullable<Project["settings"]>) | undefined;
}

/** A typed path from the source's top; `..` leads no further than there. */
export function sourcePath({ base }: Pick<Source, "base">, typed: string | undefined): string {
  const path = posix.join("/", base, typed ?? "").replace(/\/$/, "");
  return path.slice(1);
}

function opened(context: Context, url: string, { rev: asked, path, isImport = false }: OpenOptions): Source {
  const folder = localFolder(context, url);
  const outer = folder === null ? null : placeOf(context, folder);
  const rev = asked ?? (url.startsWith("file://") ? "HEAD" : undefined);
  const base = rev === undefined && outer !== null ? baseOf(context, outer) : isImport ? baseIn(outer, folder) : "";
  const under = sourcePath({ base }, path);
  const place = outer?.repository ? innermost(context, outer, under) : outer;
  if (place?.dvcRoot) return openHere(place, { url, rev, base });
  const isWorktree = outer?.repository?.bare === false && folder !== null && isFolder(folder);
  if (isWorktree && rev === undefined) return openGitFolder(context, { ...outer, root: folder });
  // One without a DVC folder of its own is read at a commit in a copy, a bare one always.
  if (folder !== null && !outer?.repository) throw notThere(url);
  if (folder === null && !isUrl(url) && !/^[\w.@-]+:(?!\\)/.test(url)) throw notThere(url);
  const holding = scratchFolder();
  const into = holding.scratch.path();
  try {
    // Nothing stands there but settings.
    const repository = {
      ...cloneBare(context, outer?.repository?.root ?? folder ?? url, { into: join(into, "repository"), rev }),
      root: join(into, "top"),
    };
    mkdirSync(repository.root);
    const commit = commitOf(repository, rev ?? "HEAD");
    const inner = innermostAt(repository, commit, under);
    const root = join(repository.root, inner);
    // The configuration stands where that of a worktree would.
    const config = gitResult(repository, ["cat-file", "blob", `${commit}:${posix.join(inner, ".dvc/config")}`], { allow: [128] });
    mkdirSync(join(root, ".dvc"), { recursive: true });
    if (config.code === 0) writeFileAtomic(join(root, ".dvc", "config"), config.stdout);
    const project: Project = { root, repository, dvcRoot: root, stateDir: join(into, "state"), cwd: root, config: DEFAULTS };
    return { project, commit, base, ...trackedOf(project, commit), isClone: true, ...holding };
  } catch (error) {
    holding.close();
    throw error;
  }
}

function placeOf(context: Context, folder: string): Place | null {
  return findPlace(contextIn(context, isFolder(folder) ? folder : dirname(folder)));
}

/** The DVC repository nearest to a path of this Git repository. */
function innermost(context: Context, outer: Place, path: string): Place {
  const top = topOf(outer);
  let folder = join(top, path);
  while (folder !== top && !isFolder(join(folder, ".dvc"))) folder = dirname(folder);
  const place = folder === top ? outer : findPlace(contextIn(context, folder));
  return place?.repository?.root === outer.repository?.root && place?.dvcRoot === folder ? place : outer;
}

/** The same of a commit, from its top; empty for the top itself. */
function innermostAt(repository: Repository, commit: string, path: string): string {
  const parts = path.split("/");
  const folders = parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
  const configs = new Set(
    readTree(
      repository,
      commit,
      folders.map((folder) => posix.join(folder, ".dvc/config")),
    ).map((one) => one.path),
  );
  return folders.find((folder) => configs.has(`${folder}/.dvc/config`)) ?? "";
}

function openHere(place: Place, { url, rev, base }: { url: string; rev: string | undefined; base: string }): Source {
  const project: Project = { ...place, config: DEFAULTS };
  const holding = scratchFolder();
  if (rev === undefined) return { project, commit: null, base, ...trackedOf(project, null), ...holding };
  if (place.repository === null) throw notThere(url);
  const commit = commitOf(place.repository, rev);
  return { project, commit, base, ...trackedOf(project, commit), ...holding };
}

/** Without DVC: Git's files as they stand. */
function openGitFolder(context: Context, place: Place): Source {
  const project: Project = { ...place, config: DEFAULTS };
  return { project, commit: null, base: baseOf(context, place), pointers: [], pipelines: () => [], ...scratchFolder() };
}

interface Scratch {
  /** Absolute path; made when it is first asked for. */
  path(): string;
  /** There is one. */
  isMade(): boolean;
}

/** One that is made when it is first asked for, and goes on close. */
export function scratchFolder(): Required<Pick<Source, "scratch" | "close">> {
  let made: string | null = null;
  const path = () => {
    made ??= makeTemporary();
    return made;
  };
  const close = () => {
    if (made !== null) removePath(made);
  };
  return { scratch: { path, isMade: () => made !== null }, close };
}

/** For objects that must be brought to read a source. */
export function broughtInto({ scratch }: Source): ObjectFolder | null {
  return scratch === undefined ? null : { dir: join(scratch.path(), "brought"), shared: false };
}

/** What may have been brought so far. */
export function broughtFor(source: Source): ObjectFolder[] {
  const folder = source.scratch?.isMade() === true ? broughtInto(source) : null;
  return folder === null ? [] : [folder];
}

/** Where the user is, if that is inside; else the root of the DVC repository. */
function baseOf(context: Context, place: Place): string {
  const root = place.dvcRoot ?? place.root;
  const cwd = realpathSync(context.cwd);
  return fromTop(place, `${cwd}/`.startsWith(`${root}/`) ? cwd : root);
}

/** Of a folder of a worktree: the DVC repository it is in, else itself, from the top. */
function baseIn(outer: Place | null, folder: string | null): string {
  if (outer?.repository?.bare !== false || folder === null || !isFolder(folder)) return "";
  return fromTop(outer, outer.dvcRoot ?? folder);
}

/** Null for what is no path of this machine. */
function localFolder(context: Context, url: string): string | null {
  const path = url.startsWith("file://") ? fileURLToPath(url) : resolve(context.cwd, url);
  return existsSync(path) ? realpathSync(path) : null;
}

function commitOf(repository: Repository, rev: string): string {
  const commit = resolveCommit(repository, rev) ?? resolveCommit(repository, `refs/remotes/origin/${rev}`);
  if (commit !== null) return commit;
  throw new ExpverError("E_NOT_FOUND", `${rev} names no commit there`, { details: { revision: rev, exitCode: 1 } });
}

function notThere(url: string): ExpverError {
  return new ExpverError("E_NOT_FOUND", `${shownAddress(url)} is no repository`, {
    hint: "Name a folder of a Git or DVC repository, or a Git URL.",
    details: { url: shownAddress(url), exitCode: 1 },
  });
}
