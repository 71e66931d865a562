/** What this worktree has that the last version had not: parameters, code, data. The ground of every advice about the next version. */

import { existsSync } from "node:fs";
import { absolutePath, storedPath, underAny } from "../../config/paths.ts";
import { type Project, requireRepository } from "../../config/project.ts";
import { gitResult, type Repository } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { readStatus } from "../../git/status.ts";
import type { Context } from "../../platform/context.ts";
import { dataHash, inputPointers } from "../../store/pointers/data-hash.ts";
import { readPointers, readPointersAt } from "../../store/pointers/pointers.ts";
import type { Pointer } from "../../store/types.ts";
import { outputStatus } from "../../store/worktree/status.ts";
import { artifactEntries } from "../../versions/artifacts.ts";
import { canonicalParameter } from "../../versions/exact-numbers.ts";
import { metricNames, paramsOf } from "../../versions/metrics.ts";
import { readVersions } from "../../versions/registry.ts";
import { compareAge } from "../../versions/tag-name.ts";
import type { ArtifactEntry, Version } from "../../versions/types.ts";
import { readParameterFile } from "../run/parameters/parameters.ts";
import { placesOf } from "../run/places.ts";
import { readFileChanges } from "../run/snapshot/changes.ts";
import { selectSnapshot, snapshotRules } from "../run/snapshot/snapshot-selection.ts";

export interface ChangedValue {
  name: string;
  /** Exact texts; null: not there. */
  before: string | null;
  now: string | null;
}

export interface SinceLast {
  /** The version HEAD comes from, or else the newest; null when there is none. */
  last: string | null;
  /** Git's files that differ from that version's code, relative to the Git root: no pointers, no ignore files, no settings or parameters. */
  code: string[];
  /** Of those, the ones that are in no commit. A run takes them into its snapshot; what it would hold back is not among them. */
  uncommitted: string[];
  /** What a run would leave out though it may belong to it: large new files, and data under another name. */
  heldBack: { path: string; advice: string }[];
  /** Inputs whose files are not here, though they may be in the cache or on a remote. */
  absent: string[];
  /** Inputs whose bytes differ from that version's, or that it had not. */
  data: string[];
  /** Inputs of that version that are none any more. */
  goneData: string[];
  /** Values of the `params:` file that differ from that version's. */
  params: ChangedValue[];
}

export async function sinceLastVersion(project: Project, context: Context): Promise<SinceLast> {
  const repository = requireRepository(project);
  const versions = readVersions(project);
  const last = lastVersion(repository, versions, "HEAD");
  const { heldBack } = selectSnapshot(readFileChanges(repository), snapshotRules(project, placesOf(project, null), readPointers(project)));
  const isHeld = underAny(heldBack.map(({ path }) => path));
  const uncommitted = readStatus(repository)
    .map(({ path }) => path)
    .filter((path) => isCode(path) && !isHeld(path));
  const left = heldBack.flatMap(({ path, reason, advice }) => (reason === "large" || reason === "data" ? [{ path, advice }] : []));
  const inputs = inputPointers(project, readPointers(project));
  const absent = inputs.map(({ path }) => path).filter((path) => !existsSync(absolutePath(project, path)));
  const facts = { uncommitted, heldBack: left, absent };
  if (last === null) return { last: null, code: uncommitted, ...facts, data: [], goneData: [], params: [] };
  const params = paramsOf(last.message, metricNames(project.config, versions));
  const head = resolveCommit(repository, "HEAD");
  const { params: file } = project.config;
  // Its values are told apart below.
  const settings = new Set(["expver.yaml", ...(file === null ? [] : [file])].map((path) => storedPath(project, path)));
  return {
    last: last.name,
    code: [...new Set([...(head === null ? [] : codeBetween(repository, last.commit, head)), ...uncommitted])]
      .filter((path) => !settings.has(path))
      .sort(),
    ...facts,
    ...(await changedData(project, context, { last, inputs })),
    params: changedValues(params, readParameterFile(project)),
  };
}

/** The latest version among a commit's ancestors, by when its own commit was made; else the latest of all. */
export function lastVersion(repository: Repository, versions: readonly Version[], commit: string): Version | null {
  const merged = gitResult(repository, ["for-each-ref", `--merged=${commit}`, "--format=%(refname:strip=2)", "refs/tags"], {
    allow: [128, 129],
  });
  const names = new Set(merged.stdout.toString("utf8").split("\n"));
  const byDate = versions
    .map((version) => ({ version, date: version.committed, number: version.number }))
    .sort((one, other) => compareAge(other, one))
    .map(({ version }) => version);
  return byDate.find(({ name }) => names.has(name)) ?? byDate[0] ?? null;
}

/** Files that differ between two commits and are code. A version's own commit has what its run wrote: that is no change after it. */
export function codeBetween(repository: Repository, version: string, commit: string): string[] {
  if (version === "") return [];
  const names = gitResult(repository, ["diff", "--no-ext-diff", "--no-relative", "--name-only", "-z", version, commit]).stdout.toString(
    "utf8",
  );
  return names.split("\0").filter((path) => path !== "" && isCode(path));
}

/** Pointers stand for data, and ignore files follow them. */
function isCode(path: string): boolean {
  return !/(^|\/)(\.gitignore|\.dvcignore|dvc\.lock|[^/]+\.dvc)$/.test(path) && !/^\.dvc\//.test(path);
}

/**
 * Paths of inputs whose bytes a version had not: it names others, or none and its commit has others. A run in a sparse worktree names only
 * what was there.
 */
export function dataNotOf(
  project: Project,
  { message, commit }: Version,
  inputs: readonly Pick<ArtifactEntry, "path" | "hash">[],
): string[] {
  const named = new Map(message.data.map(({ path, hash }) => [path, hash]));
  const differ = inputs.filter(({ path, hash }) => named.get(path) !== hash);
  if (commit === "" || differ.every(({ path }) => named.has(path))) return differ.map(({ path }) => path);
  const committed = new Map(readPointersAt(project, commit).map(({ path, hash }) => [path, hash]));
  return differ.filter(({ path, hash }) => named.has(path) || committed.get(path) !== hash).map(({ path }) => path);
}

async function changedData(
  project: Project,
  context: Context,
  { last, inputs }: { last: Version; inputs: readonly Pointer[] },
): Promise<Pick<SinceLast, "data" | "goneData">> {
  const { message } = last;
  const states = await outputStatus(project, inputs, context);
  const edited = new Set(states.flatMap(({ pointer, state }) => (state === "modified" ? [pointer.path] : [])));
  const isSame = edited.size === 0 && message.dataHash !== null && dataHash(inputs) === message.dataHash;
  if (isSame) return { data: [], goneData: [] };
  if (message.data.length === 0) return { data: [...edited].sort(), goneData: [] };
  const paths = new Set(inputs.map(({ path }) => path));
  return {
    data: [...new Set([...dataNotOf(project, last, artifactEntries(inputs)), ...edited])].sort(),
    goneData: message.data.map(({ path }) => path).filter((path) => !paths.has(path)),
  };
}

/**
 * Only names both sides speak of, or that are new here: what a run logs besides its parameters file is not known beforehand. 0.001 and 1e-3
 * are the same.
 */
export function changedValues(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): ChangedValue[] {
  return Object.entries(now).flatMap(([name, value]) => {
    const old = Object.hasOwn(before, name) ? (before[name] ?? null) : null;
    return old !== null && canonicalParameter(old) === canonicalParameter(value) ? [] : [{ name, before: old, now: value }];
  });
}
