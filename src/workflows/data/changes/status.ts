/** `expver data status`: which outputs differ from their pointers; with a remote, which objects it lacks. Shapes are dvc's. */
import { dirname } from "node:path";
import { shownPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { unfinished } from "../../../git/status.ts";
import { readUnmerged } from "../../../git/unmerged.ts";
import { type StageChange, stageChanges } from "../../../pipelines/stage-changes.ts";
import { stagesWithoutOutputs, unrunOutputs } from "../../../pipelines/unrun-outputs.ts";
import type { Context } from "../../../platform/context.ts";
import { paceWork } from "../../../platform/pace.ts";
import { eachOf } from "../../../platform/together.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { keyOf, trustedSizes } from "../../../store/objects/layout.ts";
import { comingUpon } from "../../../store/pointers/come-upon.ts";
import { warnContested } from "../../../store/pointers/contested.ts";
import { pipelinesHere, readTracked } from "../../../store/pointers/pointers.ts";
import { openRemote } from "../../../store/remotes/open-remote.ts";
import type { Remote } from "../../../store/remotes/remote.ts";
import { Member, type StoredPointer } from "../../../store/transfer/bundles.ts";
import { byRemote, type FailedRemote, isPushable, withEach } from "../../../store/transfer/by-remote.ts";
import { LISTINGS_AT_ONCE, listingFinder } from "../../../store/transfer/listings.ts";
import { firstOfEach, wholeIn } from "../../../store/transfer/whole.ts";
import type { Pointer } from "../../../store/types.ts";
import { type OutputStatus, readingStatus } from "../../../store/worktree/status.ts";
import { askUnchangedOutputs } from "../../../store/worktree/unchanged.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { openData, pointersComeUpon, pointersMeant, selectPointers, type Targets, targetsOf } from "../open-data.ts";
import { pointersOfRevisions } from "../revisions.ts";
import { type ImportChange, importChanges } from "../sources/import-changes.ts";

/** dvc's: by stage or pointer file, what changed. */
export type LocalStatus = Record<string, LocalChange[]>;
type LocalChange =
  | { "changed deps": Record<string, string | Record<string, string>> }
  | { "changed outs": Record<string, string> }
  | "changed checksum"
  | "changed command"
  | "always changed";
/** dvc's: by path, how cache and remote differ. */
export type CloudStatus = Record<string, "new" | "deleted" | "missing">;

export interface DataStatus {
  json: LocalStatus | CloudStatus;
  outputs: { path: string; file: string; hash: string | null; state: OutputStatus["state"] }[];
  /** Names of the remotes that were compared; null: none was to be. */
  remotes: string[] | null;
  exitCode: number;
}

export const dataStatus: ReadWorkflow<Input, DataStatus> = {
  async read(context, input) {
    const project = openData(context);
    const targets = targetsOf(input);
    if (input.cloud === true || typeof input.remote === "string") return cloudStatus(project, context, { input, targets });
    refuseMeaningless(input);
    const tracked = readTracked(project);
    const isAll = targets.targets.length === 0;
    const meant = isAll ? pointersComeUpon(project, tracked.pointers) : tracked.pointers;
    // A stage can be asked for before it has run, and when it makes nothing.
    const unstored = isAll ? [] : stageOnly(project, tracked);
    const selected = selectPointers(project, context, { ...targets, pointers: [...meant, ...unstored] }).pointers;
    const pointers = selected.filter((one) => !unstored.includes(one));
    warnUndecided(project, context);
    warnContested(project, context, pointers);
    const states = await paceWork(readingStatus(project, pointers, await askUnchangedOutputs(project, pointers)), context, {
      label: "hashing data",
    });
    const imports = await importChanges(project, context, { pointers, asks: input.updates !== false });
    const pipelines = isAll ? tracked.pipelines.filter(comingUpon(project)) : tracked.pipelines;
    const wanted = isAll ? null : selected;
    const known = new Map(states.flatMap(({ pointer, scan }) => (scan === null ? [] : [[pointer.path, scan.content.hash] as const])));
    const reading = stageChanges(project, pipelinesHere(project, pipelines), { wanted, known });
    const stages = await paceWork(reading, context, { label: "hashing what stages depend on" });
    const json = localStatus(project, { states, imports, stages });
    return {
      json,
      outputs: states.map(({ pointer, state }) => ({ path: pointer.path, file: pointer.file, hash: pointer.hash, state })),
      remotes: null,
      exitCode: quietly(input, json),
    };
  },
};

/** What only a `dvc.yaml` speaks of. */
function stageOnly(project: Project, { pointers, pipelines }: ReturnType<typeof readTracked>): Pointer[] {
  const texts = pipelinesHere(project, pipelines);
  return [...unrunOutputs(texts), ...stagesWithoutOutputs(texts, pointers)];
}

/** `--quiet` answers by the exit code, with `--json` not even so, as with dvc. */
function quietly({ quiet, json: isJson }: Input, json: object): number {
  return quiet === true && isJson !== true && Object.keys(json).length > 0 ? 1 : 0;
}

/** Such a pointer says what ours said: without a word it would look as if all were well. */
function warnUndecided(project: Project, context: Context): void {
  const { repository } = project;
  if (repository === null || unfinished(repository) === null) return;
  for (const { path } of readUnmerged(repository)) {
    if (!path.endsWith(".dvc")) continue;
    context.report({
      kind: "warning",
      text: `${path} is in conflict`,
      hint: `expver merge --resolve ours|theirs ${typedPath(project, path)}`,
    });
  }
}

function refuseMeaningless(input: Input): void {
  const given = ["allBranches", "allTags", "allCommits", "jobs"].filter((name) => input[name] !== undefined && input[name] !== false);
  if (given.length === 0) return;
  const flags = given.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`).join(", ");
  throw new ExpverError("E_USAGE", `${flags} ask about a remote`, { hint: "Add --cloud.", details: { dialect: "dvc", exitCode: 1 } });
}

interface Changed {
  deps: Record<string, string | Record<string, string>>;
  outs: Record<string, string>;
  also: Exclude<LocalChange, object>[];
}

function localStatus(
  project: Project,
  {
    states,
    imports,
    stages,
  }: { states: readonly OutputStatus[]; imports: ReadonlyMap<string, ImportChange>; stages: readonly StageChange[] },
): LocalStatus {
  const changes = new Map<string, Changed>();
  const at = (entry: Pick<Pointer, "file" | "stage">): Changed => {
    const address = addressOf(project, entry);
    const changed = changes.get(address) ?? { deps: {}, outs: {}, also: [] };
    changes.set(address, changed);
    return changed;
  };
  for (const { pointer, worktree, inCache } of states) {
    // As dvc: that the bytes are not in the cache says more than that the worktree has others.
    const said = pointer.hash !== null && pointer.cache && !inCache ? "not in cache" : worktree;
    const change = imports.get(pointer.file);
    if (change?.source !== undefined) at(pointer).deps[change.source[0]] = change.source[1];
    if (change?.isEdited === true) at(pointer).also = ["changed checksum"];
    if (said !== "same") at(pointer).outs[shownPath(project, pointer.path)] = said;
  }
  for (const { stage, deps, outs } of stages) {
    for (const [path, said] of deps) at(stage).deps[shownPath(project, path)] = said;
    for (const [path, said] of outs) at(stage).outs[shownPath(project, path)] = said;
    if (stage.hasOtherCommand) at(stage).also.push("changed command");
    if (stage.isAlwaysChanged) at(stage).also.push("always changed");
  }
  return Object.fromEntries(
    [...changes].map(([address, { deps, outs, also }]): [string, LocalChange[]] => [
      address,
      [
        ...(Object.keys(deps).length === 0 ? [] : [{ "changed deps": deps }]),
        ...(Object.keys(outs).length === 0 ? [] : [{ "changed outs": outs }]),
        ...also,
      ],
    ]),
  );
}

/** `data.csv.dvc`, `train` for a stage beside the user, `sub/dvc.yaml:train` elsewhere. */
function addressOf(project: Project, { file, stage }: Pick<Pointer, "file" | "stage">): string {
  const shown = shownPath(project, file);
  if (stage === undefined) return shown;
  return shown === "dvc.lock" ? stage : `${dirname(shown)}/dvc.yaml:${stage}`;
}

async function cloudStatus(
  project: Project,
  context: Context,
  { input, targets }: { input: Input; targets: Targets },
): Promise<DataStatus> {
  const asked = textIn(input.remote);
  const all = [...pointersMeant(project, targets.targets), ...pointersOfRevisions(project, input)];
  const { pointers } = selectPointers(project, context, { ...targets, dataOnly: true, pointers: all });
  const groups = byRemote(pointers.filter(isPushable), asked);
  // Without anything to compare the remote must still be one.
  if (groups.size === 0) groups.set(asked, []);
  const json: CloudStatus = {};
  const remotes: string[] = [];
  const failed = await withEach(groups, async (name, outputs) => {
    const remote = openRemote(project, name);
    await compareWith(remote, outputs, { project, context, json });
    remotes.push(remote.name);
  });
  return { json, outputs: [], remotes, exitCode: warnUncompared(project, context, failed) ? 1 : quietly(input, json) };
}

/** Names each output that could not be looked for on its remote; whether there is one. */
export function warnUncompared(project: Project, context: Context, failed: readonly FailedRemote[]): boolean {
  for (const { outputs, error } of failed)
    for (const { path } of outputs)
      context.report({ kind: "warning", text: `${shownPath(project, path)} was not compared: ${error.message}`, hint: error.hint });
  return failed.length > 0;
}

/** Those of which something may be missing, in a remote that is a folder here or in the cache. */
async function notWholeInBoth(
  { folder }: Remote,
  outputs: readonly StoredPointer[],
  { project, context }: { project: Project; context: Context },
): Promise<readonly StoredPointer[]> {
  if (folder === undefined) return outputs;
  const there = await wholeIn(project, folder, firstOfEach(outputs), { context, sized: true });
  const here = await wholeIn(project, openCache(project), [...there.whole], { context });
  return outputs.filter((output) => !here.whole.has(output));
}

async function compareWith(
  remote: Remote,
  outputs: readonly StoredPointer[],
  { project, context, json }: { project: Project; context: Context; json: CloudStatus },
): Promise<void> {
  const cache = openCache(project);
  const listing = listingFinder(project, { ...context, remoteName: remote.name });
  const doubtful = await notWholeInBoth(remote, outputs, { project, context });
  const members = await eachOf(doubtful, context.connections ?? LISTINGS_AT_ONCE, async (output) => {
    const { hash, files } = output;
    if (!hash.endsWith(".dir")) return [new Member(output, files?.[0] ?? { relpath: "", md5: hash })];
    const entries = (await listing(output)) ?? [];
    // A folder by itself is nothing where files have their own names.
    const own = remote.versions === null ? [{ relpath: "", md5: hash }] : [];
    return [...own, ...entries].map((entry) => new Member(output, entry));
  });
  const objects = members.flat();
  const there = new Map((await remote.present(objects, context)).map((one) => [keyOf(one), one.size]));
  const sizes = await paceWork(trustedSizes(cache.dir, objects), context, { label: "looking into the cache", total: objects.length });
  for (const [index, object] of objects.entries()) {
    const [size, key] = [sizes[index] ?? null, keyOf(object)];
    const isHere = size !== null;
    // What has another size there counts as not there: push replaces it.
    const isThere = there.has(key) && (size === null || size === (there.get(key) ?? size));
    if (isHere && isThere) continue;
    json[shownPath(project, object.path)] = isHere ? "new" : isThere ? "deleted" : "missing";
  }
}
