/** `expver data fetch` and `expver data pull`: objects the cache lacks; pull then checks them out. */
import { absolutePath, isWithin } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { hasRole, type Role } from "../../../pipelines/measured.ts";
import type { Context } from "../../../platform/context.ts";
import { counted } from "../../../platform/words.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { isDamageMet } from "../../../store/objects/damaged.ts";
import { readPipelines } from "../../../store/pointers/pointers.ts";
import { openRemote } from "../../../store/remotes/open-remote.ts";
import { readDvcConfig } from "../../../store/settings/dvc-config.ts";
import { fetchRuns } from "../../../store/transfer/run-cache.ts";
import { fetchObjects, type TransferReport } from "../../../store/transfer/transfer.ts";
import type { Pointer } from "../../../store/types.ts";
import { isHere } from "../../../store/worktree/status.ts";
import type { Input, WriteWorkflow } from "../../contract.ts";
import { textIn, wordsOf } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { applyCheckout, type CheckoutPlan, type CheckoutResult, planCheckout } from "../cache/checkout.ts";
import { openData, pointersMeant, type Selection, selectPointers } from "../open-data.ts";
import { pointersOfRevisions } from "../revisions.ts";
import { expandedTargets } from "../tracking/expand-globs.ts";
import { bringNoted, warnNotedOnly } from "./bring-noted.ts";
import { fetchImports } from "./fetch-imports.ts";
import { refuseMissingMembers, sayMissing, warnUnknownMembers } from "./missing.ts";
import { movedRuns, NO_RUNS, refuseFailed, runCacheStep, type TransferPlan, warnMissing, withRuns } from "./push.ts";

export interface FetchResult extends TransferReport {
  fetched: number;
}

export interface PullResult {
  fetched: number;
  checkout: CheckoutResult;
  exitCode: number;
}

export const dataFetch: WriteWorkflow<Input, TransferPlan, FetchResult> = {
  async plan(context, input) {
    return planFetch(context, input, "data fetch");
  },
  async apply(context, plan) {
    const project = openData(context);
    const report = await withDvcLock(project, () => fetchAll(project, context, plan));
    warnMissing(project, context, { ...report, ...plan });
    warnNotedOnly(project, context, plan.selection.pointers);
    refuseMissingMembers({ ...report, ...plan });
    return { ...report, fetched: report.objects };
  },
};

interface PullPlan extends TransferPlan {
  input: Input;
  /** Of the worktree only: other commits are fetched, not checked out. */
  worktree: Selection;
}

export const dataPull: WriteWorkflow<Input, PullPlan, PullResult> = {
  async plan(context, input) {
    const project = openData(context);
    const targets = expandedTargets(context, input);
    return { ...planFetch(context, input, "data pull"), input, worktree: selectPointers(project, context, { ...targets, dataOnly: true }) };
  },
  async apply(context, plan) {
    const project = openData(context);
    await prepareWriting(project, context);
    return withDvcLock(
      project,
      async () => {
        let report = await fetchAll(project, context, plan);
        const noted = await bringNoted(project, context, plan.worktree.pointers);
        // What was never stored and stands there is the user's.
        const isOurs = (one: Pointer) => !noted.pointers.has(one) && (one.hash !== null || !isHere(absolutePath(project, one.path)));
        const selection = { ...plan.worktree, pointers: plan.worktree.pointers.filter(isOurs) };
        const bring = async () => {
          const checkout = await planCheckout(project, context, { selection, input: plan.input });
          return { checkout, result: await applyCheckout(project, context, checkout, "data pull") };
        };
        const first = await unlessDamaged(context, bring);
        if (first === null) {
          const again = await fetchAll(project, context, plan);
          report = { ...again, objects: report.objects + again.objects };
        }
        const { result, checkout } = first ?? (await bring());
        if (result.exitCode !== 0) throw pullError(project, { report, plan, checkout });
        if (plan.input.allowMissing === true) warnMissing(project, context, { ...report, ...plan });
        else if (noted.failed.length > 0) throw notBrought(noted.failed);
        const added = result.added.concat(noted.added);
        const stats = { ...result.stats, added: result.stats.added + noted.files };
        return { fetched: report.objects + noted.files, checkout: { ...result, added, stats }, exitCode: 0 };
      },
      { writes: plan.worktree.pointers.map(({ path }) => path) },
    );
  },
};

/** Null, once it is said, when objects that the cache had were damaged, and are there no more. */
async function unlessDamaged<T extends { checkout: CheckoutPlan }>(context: Context, bring: () => Promise<T>): Promise<T | null> {
  const tell = (text: string) => context.report({ kind: "warning", text, hint: "They are fetched again." });
  try {
    const brought = await bring();
    const damaged = brought.checkout.outputs.flatMap((output) => output.damaged);
    if (damaged.length === 0) return brought;
    tell(`${counted(damaged.length, "damaged object")} moved out of the cache, into its trash`);
  } catch (error) {
    if (!isDamageMet(error)) throw error;
    tell(error.message);
  }
  return null;
}

function notBrought(failed: readonly string[]): ExpverError {
  return new ExpverError("E_NOT_STORED", `what is imported could not be brought: ${failed.join(", ")}`, { hint: "The warnings say why." });
}

/** What could not be checked out, and why: what is on no remote, named with what to do, else what no import brought. */
function pullError(
  project: Project,
  { report, plan, checkout: { outputs, unstored } }: { report: TransferReport; plan: PullPlan; checkout: CheckoutPlan },
): ExpverError {
  const missing = outputs.flatMap((output) => output.missing);
  const { text, hint } = sayMissing(project, { ...report, ...plan }) ?? {
    text:
      missing.length > 0
        ? `bytes of ${counted(missing.length, "file")} could not be had, first ${missing[0]}`
        : `${unstored.join(", ")}: never stored, so there is nothing to pull`,
    hint: "The warnings say why.",
  };
  return new ExpverError("E_NOT_STORED", text, { hint, details: { missing } });
}

function planFetch(context: Context, input: Input, command: string): TransferPlan {
  const project = openData(context);
  const remote = textIn(input.remote);
  // Also when nothing is to be fetched: a name that names nothing is a mistake all the same.
  if (remote !== undefined) openRemote(project, remote);
  const wantedAt = ofRoles(project, wordsOf(input.type));
  const targets = expandedTargets(context, input);
  const [here, others] = [pointersMeant(project, targets.targets), pointersOfRevisions(project, input, wantedAt)];
  const selected = selectPointers(project, context, { ...targets, dataOnly: true, pointers: [...here, ...others] });
  const meant = new Set([...here.filter(wantedAt(null)), ...others].filter(smallerThan(input.maxSize)));
  const selection = { ...selected, pointers: selected.pointers.filter((one) => meant.has(one)) };
  return {
    command,
    steps: [
      ...runCacheStep("fetch", input),
      ...selection.pointers.map(({ path, hash, nfiles = 1 }) => ({
        verb: "fetch",
        target: path,
        detail: hash?.slice(0, 6) ?? "",
        count: nfiles,
      })),
    ],
    destructive: false,
    fingerprint: fingerprintOf(selection.pointers.map(({ path, hash }) => [path, hash])),
    selection,
    remote,
    runCache: input.runCache === true,
  };
}

/** `--type`, as typed; of a commit, or of the worktree (null). Throws E_USAGE. */
function ofRoles(project: Project, typed: readonly string[]): (rev: string | null) => (pointer: Pointer) => boolean {
  const wrong = typed.find((word) => !["metrics", "plots"].includes(word));
  if (wrong !== undefined)
    throw new ExpverError("E_USAGE", `--type is ${JSON.stringify(wrong)}; expected metrics or plots`, { details: { dialect: "dvc" } });
  if (typed.length === 0) return () => () => true;
  return (rev) => hasRole(typed as Role[], readPipelines(project, rev));
}

/** `--max-size`, as typed: what an output has in all, as its pointer says. Throws E_USAGE. */
function smallerThan(typed: Input[string]): (pointer: Pointer) => boolean {
  if (typeof typed !== "string") return () => true;
  if (!/^[0-9]+$/.test(typed))
    throw new ExpverError("E_USAGE", `--max-size is ${JSON.stringify(typed)}; expected bytes`, { details: { dialect: "dvc" } });
  const limit = Number(typed);
  return ({ size = 0 }) => limit === 0 || size < limit;
}

async function fetchAll(project: Project, context: Context, plan: TransferPlan): Promise<TransferReport> {
  const { selection, remote } = plan;
  // Without any remote, what a bucket keeps by version comes from there.
  const hasRemote = remote !== undefined || readDvcConfig(project).defaultRemote !== null;
  const ours = hasRemote ? selection.pointers : selection.pointers.filter(({ origin }) => origin === undefined);
  // What can come, comes, also when something else makes the lack of a remote an error.
  const early = hasRemote ? null : await fetchImports(project, context, selection.pointers);
  const runs = await movedRuns(context, plan, async () => (hasRemote ? fetchRuns(project, context, remote) : NO_RUNS));
  const report = withRuns(runs, await fetchObjects(project, ours, context, { remote, only: selection.only }));
  const imported = early ?? (await fetchImports(project, context, selection.pointers));
  const hasCome = (path: string) => imported.whole.some((one) => isWithin(path, one.path));
  const missing = report.missing.filter((path) => !hasCome(path));
  refuseFailed(context, report, "fetch");
  warnUnknownMembers(project, context, selection);
  return { ...report, missing, objects: report.objects + imported.objects };
}
