/** `expver data push`: objects the remote lacks. */
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { resolveCommit } from "../../../git/refs.ts";
import type { Context } from "../../../platform/context.ts";
import { counted } from "../../../platform/words.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { changedImports } from "../../../store/pointers/changed-imports.ts";
import { openRemote } from "../../../store/remotes/open-remote.ts";
import type { PushedOutput } from "../../../store/transfer/push-versions.ts";
import { type MovedRuns, pushRuns } from "../../../store/transfer/run-cache.ts";
import { pushObjects, type TransferReport } from "../../../store/transfer/transfer.ts";
import type { Pointer } from "../../../store/types.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { textIn } from "../../input.ts";
import { fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { openData, pointersMeant, type Selection, selectPointers } from "../open-data.ts";
import { pointersOfRevisions } from "../revisions.ts";
import { warnOfImports } from "../tracking/changed-import.ts";
import { expandedTargets } from "../tracking/expand-globs.ts";
import { sayMissing, warnUnknownMembers } from "./missing.ts";
import { recordVersions } from "./record-versions.ts";

export interface TransferPlan extends Plan {
  selection: Selection;
  remote: string | undefined;
  /** DVC's run cache goes too. */
  runCache: boolean;
}

export interface PushResult extends TransferReport {
  pushed: number;
  /** Pointer files that say now which versions a remote that keeps them has, to be committed. */
  recorded: string[];
}

export const dataPush: WriteWorkflow<Input, TransferPlan, PushResult> = {
  async plan(context, input) {
    const project = openData(context);
    refuseOtherCommits(project, input);
    const targets = expandedTargets(context, input);
    const pointers = [...pointersMeant(project, targets.targets), ...pointersOfRevisions(project, input)];
    const selection = selectPointers(project, context, { ...targets, dataOnly: true, pointers });
    const remote = textIn(input.remote);
    const wanted = selection.pointers.filter(({ push, cache, isImport, hash }) => push && cache && !isImport && hash !== null);
    if (wanted.length === 0) openRemote(project, remote);
    tellChangedImports(project, context, selection.pointers);
    return {
      command: "data push",
      steps: [
        ...runCacheStep("push", input),
        ...wanted.map(({ path, hash, nfiles = 1, size }) => ({
          verb: "push",
          target: path,
          detail: hash?.slice(0, 6) ?? "",
          count: nfiles,
          ...(size === undefined ? {} : { bytes: size }),
        })),
      ],
      destructive: false,
      fingerprint: fingerprintOf(wanted.map(({ path, hash }) => [path, hash])),
      selection,
      remote,
      runCache: input.runCache === true,
    };
  },

  async apply(context, plan) {
    const { selection, remote } = plan;
    const project = openData(context);
    await prepareWriting(project, context);
    let recorded: string[] = [];
    const report = await withDvcLock(project, async () => {
      const pushed: PushedOutput[] = [];
      const record = (some: PushedOutput[]) => void pushed.push(...some);
      const runs = await movedRuns(context, plan, () => pushRuns(project, context, remote));
      try {
        return withRuns(runs, await pushObjects(project, selection.pointers, context, { remote, only: selection.only, record }));
      } finally {
        // What is there stays there, whatever became of the rest.
        recorded = await recordVersions(project, context, pushed);
      }
    });
    warnMissing(project, context, { ...report, ...plan });
    warnUnknownMembers(project, context, selection);
    refuseFailed(context, report, "push");
    return { ...report, pushed: report.objects, recorded };
  },
};

export function runCacheStep(verb: "push" | "fetch", { runCache }: Input): Plan["steps"] {
  return runCache === true ? [{ verb, target: "runs", detail: "DVC's run cache" }] : [];
}

/** What became of the run cache; nothing where it was not asked for, or where this kind of remote has none. */
export async function movedRuns(context: Context, { runCache }: TransferPlan, move: () => Promise<MovedRuns | null>): Promise<MovedRuns> {
  const moved = runCache ? await move() : NO_RUNS;
  if (moved === null) context.report({ kind: "warning", text: "this kind of remote has no run cache, so --run-cache does nothing" });
  return moved ?? NO_RUNS;
}

export const NO_RUNS: MovedRuns = { objects: 0, failed: [] };

export function withRuns({ objects, failed }: MovedRuns, report: TransferReport): TransferReport {
  return { ...report, objects: report.objects + objects, failed: failed.concat(report.failed) };
}

/** As with dvc they are left out, which does not say so. */
function tellChangedImports(project: Project, context: Context, pointers: readonly Pointer[]): void {
  const { repository } = project;
  const commit = repository === null ? null : resolveCommit(repository, "HEAD");
  if (repository === null || commit === null) return;
  warnOfImports(
    project,
    context,
    changedImports(
      repository,
      pointers.map((pointer) => ({ pointer, commit })),
    ),
  );
}

/** As with dvc: the versions would have to be written into commits that are made. */
function refuseOtherCommits(project: Project, input: Input): void {
  if (![input.allBranches, input.allTags, input.allCommits].includes(true)) return;
  const { name, versions } = openRemote(project, textIn(input.remote));
  if (versions === null) return;
  throw new ExpverError(
    "E_REMOTE",
    `remote ${name} keeps versions of files, which pointers name: of other commits they cannot be changed`,
    {
      hint: "Push each before it is committed: expver data push.",
      details: { remote: name },
    },
  );
}

export function warnMissing(project: Project, context: Context, moved: Parameters<typeof sayMissing>[1]): void {
  const said = sayMissing(project, moved);
  if (said !== null) context.report({ kind: "warning", ...said });
}

/** Names every file that is left, then throws the first one's error: what went well stays. */
export function refuseFailed(context: Context, { failed, missing }: TransferReport, verb: "push" | "fetch"): void {
  const [first] = failed;
  if (first === undefined) return;
  for (const { path, reason } of failed) context.report({ kind: "warning", text: `failed to ${verb} ${path}: ${reason}` });
  throw new ExpverError(first.code, `${counted(failed.length, "file")} failed to ${verb}; first ${first.path}: ${first.reason}`, {
    hint: first.hint,
    details: { failed, missing },
  });
}
