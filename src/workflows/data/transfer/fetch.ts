/** `expver data fetch` and `expver data pull`: objects the cache lacks; pull then checks them out. */
import type { Project } from "../../../config/project.ts";
import type { Context } from "../../../platform/context.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { readPointers } from "../../../store/pointers.ts";
import { openRemote } from "../../../store/remotes/open-remote.ts";
import { fetchObjects, type TransferReport } from "../../../store/transfer.ts";
import type { Input, WriteWorkflow } from "../../contract.ts";
import { textIn, wordsOf } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { applyCheckout, type CheckoutResult, missingError, planCheckout } from "../cache/checkout.ts";
import { openData, type Selection, selectPointers } from "../open-data.ts";
import { pointersOfRevisions } from "../revisions.ts";
import { fetchImports } from "./fetch-imports.ts";
import { jobsOf, refuseFailed, type TransferPlan, warnMissing } from "./push.ts";

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
    warnMissing(context, report);
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
    const targets = { targets: wordsOf(input.target), recursive: input.recursive === true };
    return { ...planFetch(context, input, "data pull"), input, worktree: selectPointers(project, context, targets) };
  },
  async apply(context, plan) {
    const project = openData(context);
    await prepareWriting(project, context);
    return withDvcLock(
      project,
      async () => {
        const report = await fetchAll(project, context, plan);
        const checkout = await planCheckout(project, context, { selection: plan.worktree, input: plan.input });
        const result = await applyCheckout(project, context, checkout);
        if (result.exitCode !== 0) throw missingError(checkout.outputs);
        return { fetched: report.objects, checkout: result, exitCode: 0 };
      },
      { writes: plan.worktree.pointers.map(({ path }) => path) },
    );
  },
};

function planFetch(context: Context, input: Input, command: string): TransferPlan {
  const project = openData(context);
  const remote = textIn(input.remote);
  // Also when nothing is to be fetched: a name that names nothing is a mistake all the same.
  if (remote !== undefined) openRemote(project, remote);
  const pointers = [...readPointers(project), ...pointersOfRevisions(project, input)];
  const selection = selectPointers(project, context, { targets: wordsOf(input.target), recursive: input.recursive === true, pointers });
  return {
    command,
    steps: selection.pointers.map(({ path, hash, nfiles = 1 }) => ({
      verb: "fetch",
      target: path,
      detail: hash?.slice(0, 6) ?? "",
      count: nfiles,
    })),
    destructive: false,
    fingerprint: fingerprintOf(selection.pointers.map(({ path, hash }) => [path, hash])),
    selection,
    remote,
    jobs: jobsOf(input),
  };
}

async function fetchAll(project: Project, context: Context, { selection, remote, jobs }: TransferPlan): Promise<TransferReport> {
  const report = await fetchObjects(project, selection.pointers, context, { remote, only: selection.only, jobs });
  const imported = await fetchImports(project, context, selection.pointers);
  refuseFailed(context, report, "fetch");
  return { ...report, objects: report.objects + imported };
}
