/**
 * `expver sync`: versions others have published. Tags come with their results databases, data of the versions that are named.
 * Objects come into the cache; of branches only what this clone remembers of the remote's (`origin/main`) changes, no index and no worktree file.
 */

import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { fetchBranches, fetchTags } from "../git/fetch.ts";
import type { Repository } from "../git/git.ts";
import { updateRefs } from "../git/refs.ts";
import { listRemotes, readRemoteRefs, sourceRemotes } from "../git/remotes.ts";
import { type MovedBranch, movedBranches } from "../git/tracking-branches.ts";
import { perform } from "../journal/perform.ts";
import type { Context } from "../platform/context.ts";
import { shellWord } from "../platform/shell-word.ts";
import { counted, someOf } from "../platform/words.ts";
import { otherRemotes } from "../store/settings/dvc-config.ts";
import { seenChanges } from "../versions/published.ts";
import { readVersions } from "../versions/registry.ts";
import type { Version } from "../versions/types.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { textIn, wordsOf } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { rowHooks } from "./row-hooks.ts";
import { bringObjects, type FetchedObjects, wantedPointers } from "./sync/objects.ts";
import { type Correction, correctStamps, findCorrections } from "./sync/stamps.ts";
import { compareTags, namesOf, type RemoteTags, tagsHere, warnDiffering } from "./sync/tags.ts";

/** What one Git remote has that is not here, or other than here. */
interface Source {
  remote: string;
  tags: RemoteTags;
  branches: MovedBranch[];
}

export interface SyncPlan extends Plan {
  sources: Source[];
  /** Versions of which all data is wanted; "all": every version. */
  whole: string[] | "all";
  dataRemote: string | undefined;
}

export interface Synced {
  /** Git remote that versions are published to; null: there is none, only data was fetched. */
  remote: string | null;
  /** Git remotes that have been asked: that one, and what it is a fork of. */
  remotes: string[];
  /** Tags that are new here. */
  fetched: string[];
  /** Of the remotes, that were elsewhere when it was last looked at: `origin/main`. */
  branches: string[];
  differing: { version: string; here: string; there: string }[];
  objects: FetchedObjects;
  /** Runs whose rows said another version than the tags. */
  corrected: Correction[];
  next: string[];
}

export const sync: WriteWorkflow<Input, SyncPlan, Synced> = {
  async plan(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    const versions = readVersions(project);
    const sources = readSources(project, repository, context, versions);
    const fresh = sources.flatMap(({ tags }) => tags.fresh);
    const whole = input.data === true ? "all" : namesOf(project, wordsOf(input.version), { versions, fresh });
    const corrections = await findCorrections(project, versions);
    return {
      command: "sync",
      steps: [
        ...sources.flatMap(({ remote, tags, branches }) => [
          ...tags.fresh.map(({ name }) => ({ verb: "fetch", target: `tag ${name}`, detail: `from ${remote}` })),
          ...branches.map((branch) => ({ verb: "fetch", target: `branch ${nameOf(branch)}`, detail: `from ${remote}; your own stay` })),
        ]),
        { verb: "fetch", target: "results databases", detail: "of every version, into the cache" },
        ...(whole === "all" ? ["every version"] : whole).map((name) => ({
          verb: "fetch",
          target: `data of ${name}`,
          detail: "into the cache",
        })),
        ...corrections.map(({ run, from, to }) => ({ verb: "stamp", target: `rows of ${run}`, detail: `${from ?? "no version"} → ${to}` })),
      ],
      destructive: false,
      fingerprint: fingerprintOf({ tags: sources.map(({ tags }) => tags), whole, corrections }),
      sources,
      whole,
      dataRemote: textIn(input.remote),
    };
  },

  async apply(context, plan) {
    const project = openProject(context);
    const repository = requireRepository(project);
    await prepareWriting(project, context);
    const { sources, whole } = plan;
    await takeTags(project, repository, context, sources);
    const branches = sources.flatMap((source) => takeBranches(repository, context, source));
    const versions = readVersions(project);
    const pointers = wantedPointers(project, versions, whole === "all" ? versions : versions.filter(({ name }) => whole.includes(name)));
    const objects = await bringObjects(project, context, { pointers, remote: plan.dataRemote, asked: whole === "all" || whole.length > 0 });
    if (objects.missing.length > 0) warnMissing(context, objects, otherRemotes(project, plan.dataRemote));
    const corrected = await findCorrections(project, versions);
    await correct(project, context, corrected);
    const fetched = sources.flatMap(({ tags }) => tags.fresh.map(({ name }) => name));
    const differing = sources.flatMap(({ tags }) => tags.differing.map(({ version, here, there }) => ({ version, here, there })));
    const remotes = sources.map(({ remote }) => remote);
    return { remote: remotes[0] ?? null, remotes, fetched, branches, differing, objects, corrected, next: nextOf(plan, fetched) };
  },
};

/** A fork's original may be out of reach, or gone: what is published in the fork comes all the same. */
function readSources(project: Project, repository: Repository, context: Context, versions: readonly Version[]): Source[] {
  const remotes = sourceRemotes(repository);
  if (remotes.length === 0) saySomethingAboutRemotes(context, repository);
  const here = tagsHere(versions);
  return remotes.flatMap((remote, index) => {
    const isOwn = index === 0;
    const refs = isOwn ? readRemoteRefs(repository, remote) : refsIfItAnswers(repository, context, remote);
    if (refs === null) return [];
    const tags = compareTags(project, here, refs);
    warnDiffering(context, { remote, isOwn, differing: tags.differing, versions });
    return [{ remote, tags, branches: movedBranches(repository, remote, refs) }];
  });
}

function refsIfItAnswers(repository: Repository, context: Context, remote: string): Map<string, string> | null {
  try {
    return readRemoteRefs(repository, remote);
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    context.report({ kind: "warning", text: `nothing was fetched from ${remote}: ${error.message}` });
    return null;
  }
}

function nextOf({ whole }: SyncPlan, fetched: readonly string[]): string[] {
  const last = fetched.at(-1);
  if (last === undefined) return [];
  return ["expver list", ...(whole.length === 0 ? [`expver sync ${last}`] : [])];
}

/** `origin/main`. */
function nameOf({ tracking }: MovedBranch): string {
  return tracking.replace(/^refs\/remotes\//, "");
}

/** So that a version that others have published from a branch is on one here too. The tags are here whatever becomes of it. */
function takeBranches(repository: Repository, context: Context, { remote, branches }: Source): string[] {
  try {
    fetchBranches(repository, remote, branches);
    return branches.map(nameOf);
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    context.report({
      kind: "warning",
      text: `the branches of ${remote} were not fetched: ${error.message}`,
      hint: `Versions on them pass for off-branch until they are: git fetch --prune ${shellWord(remote)}`,
    });
    return [];
  }
}

/** Undo takes the tags away again; objects stay in the cache, where they harm nobody. */
async function takeTags(project: Project, repository: Repository, context: Context, sources: readonly Source[]): Promise<void> {
  const giving = sources.filter(({ tags }) => tags.fresh.length > 0);
  const fresh = giving.flatMap(({ tags }) => tags.fresh);
  if (fresh.length > 0) {
    await perform(project, context, {
      command: "sync",
      argv: ["sync"],
      summary: `${counted(fresh.length, "tag")} from ${giving.map(({ remote }) => remote).join(", ")}`,
      work(operation) {
        operation.record(
          ...fresh.map(({ name, object }) => ({ kind: "ref" as const, ref: `refs/tags/${name}`, before: null, after: object })),
        );
        for (const { remote, tags } of giving) {
          fetchTags(
            repository,
            remote,
            tags.fresh.map(({ name }) => name),
          );
        }
      },
    });
  }
  const seen = sources.flatMap(({ tags }) => tags.toMark);
  updateRefs(repository, seenChanges(repository, seen), { reason: "expver: sync" });
}

async function correct(project: Project, context: Context, corrections: readonly Correction[]): Promise<void> {
  if (corrections.length === 0) return;
  await perform(project, context, {
    command: "sync",
    argv: ["sync"],
    summary: `rows of ${counted(corrections.length, "run")} say the version of their tag`,
    work: (operation) => correctStamps(project, operation, corrections),
    rows: (effects) => rowHooks(project, effects),
  });
}

function saySomethingAboutRemotes(context: Context, repository: Repository): void {
  const all = listRemotes(repository);
  if (all.length === 0) {
    context.report({ kind: "warning", text: "there is no Git remote: no tags to fetch", hint: "Add one: git remote add origin URL" });
    return;
  }
  throw new ExpverError("E_PUBLISH", `there are ${all.length} Git remotes (${all.join(", ")}) and nothing says which to use`, {
    hint: `Say it once: git config remote.pushDefault ${all[0]}`,
    details: { remotes: all },
  });
}

function warnMissing(context: Context, { missing, remotes }: FetchedObjects, others: readonly string[]): void {
  const elsewhere = others.length === 0 ? "" : ` Another remote may have them: expver sync --remote ${shellWord(others[0] ?? "")}.`;
  context.report({
    kind: "warning",
    text: `${someOf(missing, 5)}: some of their bytes are neither in the cache nor on ${remotes.join(", ") || "the remote"}`,
    hint: `Whoever made those versions has them: expver publish VERSION, there.${elsewhere}`,
  });
}
