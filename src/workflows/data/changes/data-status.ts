/** `expver data data status`: dvc's `data status`: what changed since HEAD's pointers, and since the pointers here. */

import { join, posix, relative } from "node:path";
import { absolutePath, shownFrom } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { git } from "../../../git/git.ts";
import { readRef } from "../../../git/refs.ts";
import { readStatus } from "../../../git/status.ts";
import { promisedOutputs } from "../../../pipelines/unrun-outputs.ts";
import type { Context } from "../../../platform/context.ts";
import { paceWork } from "../../../platform/pace.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { keyOf } from "../../../store/objects/layout.ts";
import { readPointersAt, trackedOf } from "../../../store/pointers/pointers.ts";
import type { Expected } from "../../../store/remotes/remote.ts";
import { Member } from "../../../store/transfer/bundles.ts";
import { byRemote, isPushable, withEach } from "../../../store/transfer/by-remote.ts";
import { type FindListing, listingFinder } from "../../../store/transfer/listings.ts";
import type { HashName, Pointer } from "../../../store/types.ts";
import { type Changes, compareTracked, type Tracked } from "../../../store/worktree/compare.ts";
import { type OutputStatus, readingStatus } from "../../../store/worktree/status.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { openConfigured } from "../exit-codes.ts";
import { openData, pointersComeUpon } from "../open-data.ts";
import { warnUncompared } from "./status.ts";
import { notCached, type States, trackedStates } from "./tracked.ts";

type Group = Partial<Record<"added" | "deleted" | "modified" | "unknown", string[]>> & { renamed?: { old: string; new: string }[] };

/** dvc's shape: keys only where there is something to say; folders end in `/`. */
export interface DataChanges {
  not_in_cache?: string[];
  not_in_remote?: string[];
  committed?: Group;
  uncommitted?: Group;
  untracked?: string[];
  unchanged?: string[];
}

export interface DataStatusResult {
  json: DataChanges;
  /** Git has no commit yet. */
  isEmpty: boolean;
  /** Git sees changes too. */
  isDirty: boolean;
  /** 1 where a remote could not be asked, and others could. */
  exitCode: number;
}

export const dataDataStatus: ReadWorkflow<Input, DataStatusResult> = {
  async read(context, input) {
    const project = openData(context);
    const cache = openCache(project);
    const granular = input.granular === true;
    const targets = [input.target].flat().filter((word) => typeof word === "string");
    const keep = (path: string) =>
      targets.length === 0 || targets.some((target) => path === clean(target) || path.startsWith(`${clean(target)}/`));
    const fromRoot = shownFrom(project, project.dvcRoot ?? project.root);
    const shown = ({ path, isFolder }: Tracked) => `${fromRoot(path)}${isFolder ? "/" : ""}`;
    const tracked = trackedOf(project, null);
    const stored = pointersComeUpon(project, tracked.pointers).filter(({ cache: isCached }) => isCached);
    const promised = promisedOutputs(tracked.pipelines()).filter(({ cache: isCached }) => isCached);
    const pointers = [...stored, ...pointersComeUpon(project, promised)];
    const listings = granular ? listingFinder(project, context) : null;
    const tell = (changes: Changes) => groupOf(changes, shown, keep);
    const { committed, settled } = await committedChanges(project, stored, { listings, all: input.unchanged === true, tell });
    const states = await paceWork(readingStatus(project, pointers), context, { label: "hashing data" });

    const { said, here } = trackedStates(listings);
    const index = await said(known(pointers));
    const uncommitted = compareTracked(index, await here(states));
    const incomplete = await said(known(states.filter(({ inCache }) => !inCache).map(({ pointer }) => pointer)));
    const absent = await paceWork(notCached(cache.dir, incomplete), context, { label: "looking into the cache" });
    const paths = (some: readonly Tracked[]) => some.map(shown).filter(keep);
    const asked = input.notInRemote === true ? await lacking(project, context, { said, pointers, input }) : null;
    const result: DataChanges = {
      not_in_cache: paths(absent),
      not_in_remote: paths(index.filter((one) => asked?.lacks.has(one) === true)),
      committed,
      uncommitted: tell({ ...uncommitted, unknown: [...unknownFolders(project, index, states), ...uncommitted.unknown] }),
      untracked: untrackedFiles(project, context, input).filter(keep),
      unchanged: input.unchanged === true ? paths(uncommitted.unchanged.filter(({ path }) => settled === null || settled.has(path))) : [],
    };
    const { repository } = project;
    return {
      exitCode: asked?.isWhole === false ? 1 : 0,
      isEmpty: repository !== null && readRef(repository, "HEAD") === null,
      isDirty: repository !== null && readStatus(repository, { untracked: (result.untracked ?? []).length > 0 }).length > 0,
      json: Object.fromEntries(Object.entries(result).filter(([, value]) => Object.keys(value ?? {}).length > 0)),
    };
  },
};

/** Folders in those of which nobody has the listing. */
function unknownFolders(project: Project, index: readonly Tracked[], states: readonly OutputStatus[]): Tracked[] {
  const unlisted = new Set(index.filter((one) => one.unlisted === true).map(({ path }) => path));
  return states.flatMap(({ pointer: { path, hashName }, scan }) => {
    if (!unlisted.has(path) || scan === null) return [];
    const folders = new Set<string>();
    const addWithParents = (folder: string) => {
      for (let one = folder; one !== "." && !folders.has(one); one = posix.dirname(one)) folders.add(one);
    };
    for (const { relpath } of scan.files) addWithParents(posix.dirname(relpath));
    const top = absolutePath(project, path);
    for (const folder of scan.emptyFolders) addWithParents(folder.slice(top.length + 1));
    return [...folders].map((folder): Tracked => ({ path: `${path}/${folder}`, hash: null, hashName, isFolder: true }));
  });
}

/**
 * The pointers here against HEAD's; without Git nothing is committed. Compared before anything else is read, and forgotten: of a million
 * files, listings and what differs are half the memory of the command. `all`: also which paths are `settled`, the same in both (null: all, there being nothing to compare with).
 */
async function committedChanges(
  project: Project,
  pointers: readonly Pointer[],
  { listings, all, tell }: { listings: FindListing | null; all: boolean; tell: (changes: Changes) => Group },
): Promise<{ committed: Group; settled: ReadonlySet<string> | null }> {
  const head = headPointers(project);
  const isNothing = project.repository === null || (!all && areSame(head, pointers));
  const { said } = trackedStates(listings);
  const changes = isNothing ? compareTracked([], []) : compareTracked(await said(known(head)), await said(known(pointers)));
  if (project.repository === null) return { committed: {}, settled: null };
  return { committed: tell(changes), settled: new Set(all ? changes.unchanged.map(({ path }) => path) : []) };
}

/** Of what is yet to be brought, what its source says about it; nothing where that is not known either, as with dvc. */
function known(pointers: readonly Pointer[]): Pointer[] {
  return pointers.flatMap((pointer) => {
    const hash = pointer.hash ?? pointer.awaited ?? null;
    return hash === null ? [] : [hash === pointer.hash ? pointer : { ...pointer, hash }];
  });
}

function areSame(some: readonly Pointer[], others: readonly Pointer[]): boolean {
  const keyOf = ({ path, hash, hashName }: Pointer) => JSON.stringify([path, hash, hashName]);
  const keys = new Set(others.map(keyOf));
  return some.length === others.length && some.every((pointer) => keys.has(keyOf(pointer)));
}

function clean(target: string): string {
  return target.replace(/^\.\//, "").replace(/\/$/, "");
}

function headPointers(project: Project): Pointer[] {
  if (project.repository === null || readRef(project.repository, "HEAD") === null) return [];
  const inside = relative(project.repository.root, project.dvcRoot ?? project.root);
  return pointersComeUpon(project, readPointersAt(project, "HEAD")).filter(
    ({ path, cache }) => cache && (inside === "" || path.startsWith(`${inside}/`)),
  );
}

function groupOf(changes: Changes, shown: (one: Tracked) => string, keep: (path: string) => boolean): Group {
  const group: Group = {};
  const lists = { ...changes, modified: changes.modified.map(({ to }) => to) };
  const moved = changes.renamed.map(({ from, to }) => ({ old: shown(from), new: shown(to) }));
  // A name whose other one was not asked for has just come, or gone.
  const alone = {
    added: moved.filter((one) => !keep(one.old)).map((one) => one.new),
    deleted: moved.filter((one) => !keep(one.new)).map(({ old }) => old),
  };
  for (const kind of ["modified", "added", "deleted", "unknown"] as const) {
    const some = kind === "added" || kind === "deleted" ? alone[kind] : [];
    const paths = [...lists[kind].map(shown), ...some].filter(keep);
    if (paths.length > 0) group[kind] = some.length > 0 ? paths.sort() : paths;
  }
  const renamed = moved.filter((one) => keep(one.old) && keep(one.new));
  return renamed.length > 0 ? { ...group, renamed } : group;
}

/** What remotes lack: each output's own, else the one that is asked for. */
async function lacking(
  project: Project,
  context: Context,
  { said, pointers, input }: { said: States["said"]; pointers: readonly Pointer[]; input: Input },
): Promise<{ lacks: ReadonlySet<Tracked>; isWhole: boolean }> {
  const asked = textIn(input.remote);
  const groups = byRemote(pointers.filter(isPushable), undefined);
  // Named, it must be one.
  if (groups.size === 0 && asked !== undefined) openConfigured(project, asked);
  const lacks = new Set<Tracked>();
  const failed = await withEach(groups, async (own, outputs) => {
    const remote = openConfigured(project, own ?? asked);
    const wanted = (await said(outputs)).filter(({ hash }) => hash !== null);
    const objects: Expected[] =
      remote.versions === null
        ? wanted.map(({ hash, hashName }) => ({ hash: hash ?? "", hashName }))
        : outputs.flatMap((output) => (output.files ?? []).map((file) => new Member(output, file)));
    const there = new Set((await remote.present(objects, context)).map(keyOf));
    const isThere = ({ hash, hashName }: { hash: string | null; hashName: HashName }) => there.has(keyOf({ hash: hash ?? "", hashName }));
    // Where files have their own names a folder is there when they are.
    const files = new Map(remote.versions === null ? [] : outputs.map((output) => [output.path, output.files]));
    const isKept = (one: Tracked) =>
      one.isFolder && remote.versions !== null
        ? files.get(one.path)?.every(({ md5: hash }) => isThere({ hash, hashName: one.hashName })) === true
        : isThere(one);
    for (const one of wanted) if (!isKept(one)) lacks.add(one);
  });
  return { lacks, isWhole: !warnUncompared(project, context, failed) };
}

/** Git's untracked files, relative to where the user is; only with `--untracked-files`. */
function untrackedFiles(project: Project, context: Context, { untrackedFiles: mode }: Input): string[] {
  const { repository } = project;
  if (mode !== undefined && mode !== true && mode !== "no" && mode !== "all")
    throw new ExpverError("E_USAGE", `--untracked-files is ${JSON.stringify(mode)}; expected no or all`, { details: { dialect: "dvc" } });
  if (repository === null || mode === undefined || mode === "no") return [];
  const root = project.dvcRoot ?? project.root;
  const files = git(repository, ["ls-files", "-z", "--others", "--exclude-standard", "--full-name"]).split("\0").filter(Boolean);
  return files
    .map((file) => join(repository.root, file))
    .filter((file) => file.startsWith(`${root}/`))
    .map((file) => relative(context.cwd, file));
}
