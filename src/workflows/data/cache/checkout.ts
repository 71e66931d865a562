/** `expver data checkout`: the worktree's data becomes what the pointers say, from the cache. */

import { shownPath } from "../../../config/paths.ts";
import { type Project, topOf } from "../../../config/project.ts";
import { beginOperation, type OpenOperation } from "../../../journal/operations.ts";
import { perform } from "../../../journal/perform.ts";
import { moveToTrash, trashPlace } from "../../../journal/trash.ts";
import type { Effect } from "../../../journal/types.ts";
import type { Context } from "../../../platform/context.ts";
import { batchesOf, paceWork, type Work } from "../../../platform/pace.ts";
import { counted, someOf } from "../../../platform/words.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { onePerOutput } from "../../../store/pointers/contested.ts";
import { applyingCheckout, pathsToLose, refuseUnsaved } from "../../../store/worktree/apply-checkout.ts";
import { type OutputCheckout, type Placement, planningCheckout } from "../../../store/worktree/checkout.ts";
import { askUnchangedOutputs } from "../../../store/worktree/unchanged.ts";
import type { Input, Plan, Step, WriteWorkflow } from "../../contract.ts";
import { fingerprintOfEach } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { type Change, checkoutEffects } from "../checkout-effects.ts";
import { settleDatabases } from "../databases.ts";
import { openData, type Selection, selectPointers, targetsOf } from "../open-data.ts";
import { warnNotedOnly } from "../transfer/bring-noted.ts";
import { warnLeftRuns } from "./left-runs.ts";

export interface CheckoutPlan extends Plan {
  outputs: OutputCheckout[];
  /** Outputs that were never stored, as they are shown. */
  unstored: string[];
  allowMissing: boolean;
  isForced: boolean;
  relink: boolean;
  summary: boolean;
}

export interface CheckoutResult {
  /** Outputs, relative to where the command was typed; folders end in `/`. */
  added: string[];
  modified: string[];
  deleted: string[];
  /** Outputs left as they were because bytes are missing. */
  failed: string[];
  /** Files. */
  stats: { modified: number; added: number; deleted: number };
  /** Files that were right already were made anew, as links or copies. */
  relinked: boolean;
  summary: boolean;
  exitCode: number;
}

export const dataCheckout: WriteWorkflow<Input, CheckoutPlan, CheckoutResult> = {
  async plan(context, input) {
    const project = openData(context);
    const selection = selectPointers(project, context, { ...targetsOf(input), dataOnly: true });
    return planCheckout(project, context, { selection, input });
  },

  async apply(context, plan) {
    const project = openData(context);
    await prepareWriting(project, context);
    const { outputs } = plan;
    const result = await withDvcLock(project, () => applyCheckout(project, context, plan, "data checkout"), {
      writes: outputs.map(({ pointer }) => pointer.path),
    });
    if (outputs.some(({ missing }) => missing.length > 0) && !plan.allowMissing) warnMissing(context, result.failed, outputs);
    return result;
  },
};

function warnMissing(context: Context, failed: readonly string[], outputs: readonly OutputCheckout[]): void {
  const missing = outputs.flatMap((output) => output.missing);
  const damaged = outputs.reduce((sum, output) => sum + output.damaged.length, 0);
  const but = damaged === 0 ? "" : ` (${counted(damaged, "damaged object")} moved to the cache's trash)`;
  const text = `checkout failed for ${failed.join(", ")}: bytes of ${counted(missing.length, "file")} are not in the cache${but}, first ${missing[0]}`;
  context.report({ kind: "warning", text, hint: "Fetch them: expver data pull" });
}

/** Throws E_UNSAVED unless forced. */
export async function planCheckout(
  project: Project,
  context: Context,
  { selection, input }: { selection: Selection; input: Input },
): Promise<CheckoutPlan> {
  const pointers = onePerOutput(project, selection.pointers);
  const options = { relink: input.relink === true, only: selection.only, mayBeUnproven: context.exactPlans !== true };
  const noted = warnNotedOnly(project, context, pointers);
  const unstored = pointers.filter(({ hash, cache }) => hash === null && cache);
  for (const { path } of unstored.filter((one) => !noted.has(one)))
    context.report({ kind: "warning", text: `${shownPath(project, path)} was never stored, so there is nothing to check out` });
  await settleDatabases(
    project,
    pointers.map(({ path }) => path),
  );
  const unchanged = await askUnchangedOutputs(project, options.relink ? [] : pointers, ["files"]);
  const planning = planningCheckout(project, pointers, { ...options, unchanged });
  const outputs = await paceWork(planning, context, { label: "comparing data" });
  const ready = outputs.filter(({ missing }) => missing.length === 0);
  if (input.force !== true) refuseUnsaved(project, outputs);
  await warnLeftRuns(project, context, ready);
  return {
    command: "data checkout",
    steps: outputs.flatMap(stepsOf),
    destructive: pathsToLose(outputs).length > 0,
    fingerprint: fingerprintOfEach(factsOf(outputs)),
    outputs,
    unstored: unstored.map(({ path }) => shownPath(project, path)),
    allowMissing: input.allowMissing === true,
    isForced: input.force === true,
    relink: options.relink,
    summary: input.summary === true,
  };
}

function* factsOf(outputs: readonly OutputCheckout[]): Generator<unknown> {
  for (const { pointer, places, removes, unsaved } of outputs) {
    yield [pointer.path, pointer.hash, places.length, removes.length];
    for (const { path, md5 } of unsaved) yield [path, md5];
  }
}

/**
 * Files nobody has stored go to the trash; of the others that are replaced or removed the journal remembers which objects they were.
 * `command`: what was typed, where somebody may want to undo it.
 */
export async function applyCheckout(
  project: Project,
  context: Context,
  plan: CheckoutPlan,
  command: string | null = null,
): Promise<CheckoutResult> {
  const { outputs, unstored, allowMissing, relink, summary, destructive, isForced } = plan;
  const pace = {
    label: "checking out",
    total: outputs.reduce((sum, { places, removes }) => sum + places.length + removes.length, 0),
    totalBytes: outputs.reduce((sum, { places }) => places.reduce((bytes, { size }) => bytes + size, sum), 0),
  };
  const options = { discardJournal: (path: string) => void moveToTrash(project, path), replacesLinks: isForced };
  const changed = outputs.filter(losesFiles);
  // What only makes files that were not there loses nothing.
  if (!destructive && changed.length === 0) {
    await paceWork(applyingCheckout(project, outputs, options), context, pace);
    if (command !== null) noteMade(project, context, { command, outputs });
  } else {
    const unsaved = outputs.reduce((sum, output) => sum + output.unsaved.length, 0);
    const names = changed.map(({ pointer }) => pointer.path).join(", ");
    await perform(project, context, {
      command: "data checkout",
      argv: ["data", "checkout", ...(destructive ? ["--force"] : [])],
      summary: destructive ? `replace ${unsaved} files that were stored nowhere` : `make ${names} what the pointers say`,
      work: async (operation) => {
        await paceWork(recordingChanges(project, operation, { changed, discarded: destructive ? outputs : [] }), context, pace);
        const discard = (path: string, isPlanned: boolean) => {
          const trash = trashed(project, operation, path);
          if (!isPlanned) operation.record(trash);
          moveToTrash(project, path, trash.trash);
        };
        await paceWork(applyingCheckout(project, outputs, { ...(destructive ? { discard } : {}), ...options }), context, pace);
      },
    });
  }
  const result = resultOf(project, plan);
  const hasFailed = result.failed.length + unstored.length > 0;
  return { ...result, relinked: relink, summary, exitCode: hasFailed && !allowMissing ? 255 : 0 };
}

/** There is nothing to be undone, but whoever undoes next must not undo what came before it. */
function noteMade(project: Project, context: Context, { command, outputs }: { command: string; outputs: readonly OutputCheckout[] }): void {
  const made = outputs.filter(({ missing, places }) => missing.length === 0 && places.length > 0).map(({ pointer }) => pointer.path);
  if (made.length === 0) return;
  const names = someOf(made, 3);
  beginOperation(project, context, {
    command,
    argv: command.split(" "),
    summary: `make files of ${names} that were not there`,
    notes: { onlyMade: names },
  }).finish();
}

type Trashed = Extract<Effect, { kind: "trash" }>;

function trashed(project: Project, operation: Pick<OpenOperation, "id">, path: string): Trashed {
  return { kind: "trash", path: path.slice(topOf(project).length + 1), trash: trashPlace(project, path, operation.id) };
}

/** Batch by batch: a line of its own on the disk for each of many files takes longer than all the rest, and kept they would be most of the memory. */
function* recordingChanges(
  project: Project,
  operation: OpenOperation,
  { changed, discarded }: { changed: readonly OutputCheckout[]; discarded: readonly OutputCheckout[] },
): Work<void> {
  for (const output of changed) {
    for (const some of changesOf(project, output)) {
      operation.record(...some);
      yield { files: 0, bytes: 0 };
    }
  }
  for (const output of discarded.filter(({ missing }) => missing.length === 0)) {
    for (const some of discardsOf(project, operation, output)) {
      operation.record(...some);
      yield { files: 0, bytes: 0 };
    }
  }
}

/** What is stored nowhere, and what takes its place. */
function* discardsOf(project: Project, operation: OpenOperation, { unsaved, places }: OutputCheckout): Generator<Trashed[]> {
  const left = new Set(unsaved);
  for (const batch of batchesOf(left.size > 0 ? places : [])) {
    yield batch.flatMap(({ path, object, replaces }): Trashed[] => {
      if (replaces === null || !left.delete(replaces)) return [];
      const trash = trashed(project, operation, path);
      // DVC 2's hash of a text is not that of its bytes.
      return [object.hashName === "md5" ? { ...trash, placed: object.hash } : trash];
    });
  }
  for (const batch of batchesOf([...left])) yield batch.map(({ path }) => trashed(project, operation, path));
}

/** Files of it are replaced or removed whose bytes the cache has. Those that go to the trash have effects of their own. */
function losesFiles({ places, removes, unsaved, missing, isNew }: OutputCheckout): boolean {
  if (isNew) return false;
  const lost = new Set(unsaved);
  const isReplaced = ({ object, replaces }: Placement) => replaces !== null && !lost.has(replaces) && replaces.md5 !== object.hash;
  return missing.length === 0 && (places.some(isReplaced) || removes.some((file) => !lost.has(file)));
}

/** What is replaced, made and removed. */
function* changesOf(project: Project, { pointer, path, places, removes, unsaved }: OutputCheckout): Generator<Effect[]> {
  const lost = new Set(unsaved);
  const below = (file: string) => file.slice(path.length + 1);
  const effectsOf = (changes: readonly Change[]) => checkoutEffects(project, pointer, changes);
  // Taken back last: a folder may have come in the place of a file.
  for (const batch of batchesOf(removes.filter((file) => !lost.has(file))))
    yield effectsOf(batch.map(({ path: file, md5 }): Change => [below(file), md5, null]));
  for (const batch of batchesOf(places)) {
    const changed = batch.filter(({ object, replaces }) => replaces === null || (!lost.has(replaces) && replaces.md5 !== object.hash));
    yield effectsOf(changed.map(({ path: file, object, replaces }): Change => [below(file), replaces?.md5 ?? null, object.hash]));
  }
}

function stepsOf({ pointer, places, removes, missing, unsaved, isNew, isUnproven }: OutputCheckout): Step[] {
  if (missing.length > 0) return [{ verb: "leave", target: pointer.path, detail: "bytes are not in the cache", count: missing.length }];
  if (places.length + removes.length === 0) return [];
  const steps: Step[] = [];
  if (places.length > 0) {
    const bytes = isUnproven ? (pointer.size ?? 0) : places.reduce((sum, { size }) => sum + size, 0);
    steps.push({ verb: isNew ? "create" : "write", target: pointer.path, count: places.length, bytes });
  }
  if (removes.length > 0)
    steps.push({ verb: "delete", target: pointer.path, count: removes.length, keeps: unsaved.length > 0 ? "cache and trash" : "cache" });
  return steps;
}

function resultOf(project: Project, { outputs, relink }: CheckoutPlan): Omit<CheckoutResult, "relinked" | "summary" | "exitCode"> {
  const shown = ({ pointer, isFolder }: OutputCheckout) => `${shownPath(project, pointer.path)}${isFolder ? "/" : ""}`;
  const done = outputs.filter(({ missing }) => missing.length === 0);
  const isChange = ({ object, replaces }: Placement) => !relink || replaces?.md5 !== object.hash;
  const changed = done.filter(
    ({ places, removes, emptyFolders, isNew, isFolder }) =>
      removes.length + emptyFolders.length > 0 || places.some(isChange) || (isNew && isFolder),
  );
  const counts = (pick: (output: OutputCheckout) => number) => done.reduce((sum, output) => sum + pick(output), 0);
  return {
    added: changed
      .filter(({ isNew }) => isNew)
      .map(shown)
      .sort(foldersFirst),
    modified: changed
      .filter(({ isNew }) => !isNew)
      .map(shown)
      .sort(foldersFirst),
    deleted: [],
    failed: outputs
      .filter(({ missing }) => missing.length > 0)
      .map(shown)
      .sort(foldersFirst),
    stats: {
      modified: counts(({ places }) => places.filter((place) => place.replaces !== null && isChange(place)).length),
      added: counts(({ places }) => places.filter(({ replaces }) => replaces === null).length),
      deleted: counts(({ removes }) => removes.length),
    },
  };
}

function foldersFirst(one: string, other: string): number {
  const byKind = Number(other.endsWith("/")) - Number(one.endsWith("/"));
  return byKind !== 0 ? byKind : one < other ? -1 : 1;
}
