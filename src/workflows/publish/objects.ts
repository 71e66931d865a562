/** The objects a publish must see on the data remote: those of every commit that becomes public with it. */

import { typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError, failedWith } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { commitsWithEveryState, type Stretch } from "../../git/history.ts";
import type { Context } from "../../platform/context.ts";
import { counted, someOf } from "../../platform/words.ts";
import { changedImports, type PointerAt } from "../../store/pointers/changed-imports.ts";
import { POINTER_PATHSPECS, readPointersOf } from "../../store/pointers/pointers.ts";
import { isPushable } from "../../store/transfer/by-remote.ts";
import { type PushSurvey, surveyPush } from "../../store/transfer/transfer.ts";
import type { Pointer } from "../../store/types.ts";

export interface NamedObjects {
  /** Each output in each of its states once; bound to the remote that was asked for unless its own entry names one. */
  pointers: Pointer[];
  /** By key: the versions that name it; none for what only other commits of the branch name. */
  versions: Map<string, string[]>;
}

export interface ObjectQuestion {
  /** Commit → version. Their objects are looked for whether the remote has the commit or not. */
  tagged: ReadonlyMap<string, string>;
  /** What the Git remote gets, and what it has. */
  stretch: Stretch;
  /** Name of a data remote; undefined: the default one. */
  remote: string | undefined;
}

/** Throws E_POINTER for a version with a pointer that cannot be read; other commits of the branch only lose that one. */
export function objectsOf(project: Project, repository: Repository, context: Context, question: ObjectQuestion): NamedObjects {
  const { tagged, stretch, remote } = question;
  const commits = [...new Set([...tagged.keys(), ...commitsWithEveryState(repository, stretch, POINTER_PATHSPECS)])];
  const pointers = new Map<string, Pointer>();
  const versions = new Map<string, string[]>();
  const onUnreadable = (error: ExpverError, commit: string) => {
    if (tagged.has(commit)) throw error;
    context.report({ kind: "warning", text: `in commit ${commit.slice(0, 12)}: ${error.message}; what it names is not published` });
  };
  const imports: PointerAt[] = [];
  const take = (pointer: Pointer, version: string | undefined) => {
    const key = keyOf(pointer);
    const bound = pointer.remote ?? remote;
    const known = pointers.get(`${key}\0${bound}`);
    // Of the same bytes one commit may say which version they are, and an earlier one not yet.
    if (known?.files === undefined) pointers.set(`${key}\0${bound}`, bound === undefined ? pointer : { ...pointer, remote: bound });
    if (version !== undefined) versions.set(key, [...(versions.get(key) ?? []), version]);
  };
  for (const [commit, found] of readPointersOf(project, commits, onUnreadable)) {
    for (const pointer of found.filter(isPushable)) take(pointer, tagged.get(commit));
    imports.push(...found.filter(({ cache, source }) => cache && source !== undefined).map((pointer) => ({ pointer, commit })));
  }
  const changed = changedImports(repository, imports);
  for (const pointer of changed) {
    const { path, hash } = pointer;
    const inVersions = imports
      .filter((one) => one.pointer.path === path && one.pointer.hash === hash)
      .map(({ commit }) => tagged.get(commit));
    for (const version of new Set(inVersions)) take({ ...pointer, isImport: false }, version);
  }
  if (changed.length > 0) tellSent(project, context, changed);
  return { pointers: [...pointers.values()], versions };
}

/** Where they were imported from nobody has them. */
function tellSent(project: Project, context: Context, changed: readonly Pointer[]): void {
  const outputs = [...new Map(changed.map((pointer) => [pointer.path, pointer])).values()];
  const again = outputs.map(
    ({ path, file }) => `expver data remove ${typedPath(project, file)} && expver data add ${typedPath(project, path)}`,
  );
  const paths = outputs.map(({ path }) => path);
  context.report({
    kind: "warning",
    text: `${someOf(paths, 5)}: imported, and changed here; published like data of your own, which expver finds there and dvc does not`,
    hint: `For who has dvc only, in the next version: ${again.join(" && ")}`,
  });
}

const NOTHING: PushSurvey = { remotes: [], there: 0, lacking: 0, bytes: 0, missing: [], unsaid: [] };

/** How the data remote stands. Throws E_PUBLISH when there is none to use, or when bytes that a version names are nowhere. */
export async function surveyObjects(project: Project, context: Context, { pointers, versions }: NamedObjects): Promise<PushSurvey> {
  if (pointers.length === 0) return NOTHING;
  const survey = await onRemote(() => surveyPush(project, pointers, context), pointers);
  const ofVersions = (some: PushSurvey["missing"]) =>
    some.flatMap(({ path, pointer }) => (versions.get(keyOf(pointer)) ?? []).map((version) => ({ path, version })));
  const lost = ofVersions(survey.missing);
  if (lost.length > 0) throw lostObjects(lost, survey.remotes);
  const unsaid = ofVersions(survey.unsaid);
  if (unsaid.length > 0) throw unsaidVersions(unsaid, survey.remotes);
  return { ...survey, lacking: survey.lacking - survey.unsaid.length };
}

/** What no version names is no reason to keep a version back. */
export function warnLost(context: Context, { missing, remotes }: PushSurvey): void {
  if (missing.length === 0) return;
  const paths = [...new Set(missing.map(({ path }) => path))];
  context.report({
    kind: "warning",
    text: `${someOf(paths, 5)}: bytes that earlier commits of the branch name are neither in the cache nor on ${remotes.join(", ")}`,
    hint: "No version needs them. Push them from where they were stored, if they still are somewhere.",
  });
}

/** A remote that cannot be used is a reason not to publish. */
async function onRemote<Value>(work: () => Promise<Value>, pointers: readonly Pointer[]): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!failedWith(error, "E_REMOTE", "E_REMOTE_KIND")) throw error;
    const isNone = Array.isArray(error.details.remotes) && error.details.remotes.length === 0;
    const message = isNone
      ? `${counted(pointers.length, "output")} must be stored where others can get them, and there is no data remote`
      : error.message;
    throw new ExpverError("E_PUBLISH", `nothing was published: ${message}`, {
      hint: isNone ? "Add one: expver data remote add -d NAME FOLDER" : error.hint,
      details: error.details,
      cause: error,
    });
  }
}

function lostObjects(lost: readonly { path: string; version: string }[], remotes: readonly string[]): ExpverError {
  const texts = [...new Set(lost.map(({ path, version }) => `${path} (${version})`))];
  return new ExpverError(
    "E_PUBLISH",
    `nothing was published: the bytes of ${someOf(texts, 5)} are neither in the cache nor on ${remotes.join(", ")}`,
    {
      hint: `Push them from the clone they were stored in: expver data push --all-tags. If they are on another remote: expver data fetch --all-tags -r NAME`,
      details: { missing: lost },
    },
  );
}

/** Which version of a file on the remote is meant stands in the commit, and that is made. */
function unsaidVersions(unsaid: readonly { path: string; version: string }[], remotes: readonly string[]): ExpverError {
  const texts = [...new Set(unsaid.map(({ path, version }) => `${path} (${version})`))];
  return new ExpverError(
    "E_PUBLISH",
    `nothing was published: ${remotes.join(", ")} keeps files by version, and the pointers of ${someOf(texts, 5)} name none that is there`,
    {
      hint: "Data of such a remote is pushed before it is committed: expver data push, commit the pointers, then make the version.",
      details: { unsaid },
    },
  );
}

function keyOf({ path, hash, hashName }: Pick<Pointer, "path" | "hash" | "hashName">): string {
  return `${path}\0${hash}\0${hashName}`;
}
