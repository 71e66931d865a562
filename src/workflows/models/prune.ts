/**
 * `expver models prune --keep K`: candidates beyond the best K runs leave the folder, if they are provably kept elsewhere. What is removed
 * is in the trash until that is emptied, so undo brings it back.
 */
import { basename } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readRef } from "../../git/refs.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import { perform } from "../../journal/perform.ts";
import { moveToTrash, trashPlace } from "../../journal/trash.ts";
import type { Candidate } from "../../models/types.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { readPointers } from "../../store/pointers/pointers.ts";
import { scanOutput } from "../../store/worktree/scan.ts";
import { commitPaths, requireCommittable, requireHead } from "../commit-paths.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { openData } from "../data/open-data.ts";
import { refuseUntrackable } from "../data/tracking/trackable.ts";
import { textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { whileNoRun } from "../second-run.ts";
import { folderEdits } from "./candidates-pointer.ts";
import { proofsOf } from "./kept-elsewhere.ts";
import { knownDirection, type RankedBy } from "./metric-choice.ts";
import { reasonsToStay } from "./reasons-to-stay.ts";
import { surveyModels } from "./survey.ts";

export interface PrunedCandidate {
  run: string;
  /** From the top. */
  path: string;
  hash: string;
  /** Bytes. */
  size: number;
  /** Exact text of the metric; null when unknown. */
  value: string | null;
  /** Why it stays, or where it is kept. */
  why: string;
}

interface PrunePlan extends Plan {
  by: RankedBy;
  keep: number;
  removes: PrunedCandidate[];
  stays: PrunedCandidate[];
  head: string | null;
  /** The folder has a pointer. */
  isTracked: boolean;
}

export interface Pruned {
  by: RankedBy;
  keep: number;
  removed: PrunedCandidate[];
  stays: PrunedCandidate[];
  /** Null when the folder had no pointer, or nothing went. */
  commit: string | null;
}

export const modelsPrune: WriteWorkflow<Input, PrunePlan, Pruned> = {
  async plan(context, input) {
    openData(context);
    const survey = await surveyModels(context);
    const { project, repository, folder } = survey;
    await requireCommittable(survey);
    const pointers = readPointers(project);
    const by = knownDirection(survey, textIn(input.metric));
    const keep = keepOf(input, project.config.models.keep);
    const reasons = reasonsToStay(survey, by, keep);
    const beyond = folder.candidates.filter(({ path }) => !reasons.has(path));
    if (beyond.length > 0) refuseUntrackable(project, [folder.path], pointers);
    const proofs = await proofsOf(context, survey, { candidates: beyond, remote: textIn(input.remote) });
    const toTrash = input.toTrash === true;
    const sayWhy = (candidate: Candidate, why: string): PrunedCandidate => {
      const { run, path, hash, size } = candidate;
      return { run, path, hash, size, value: survey.metricsOf(run)[by.metric] ?? null, why };
    };
    const judged = folder.candidates.map((candidate) => {
      const proof = proofs.get(candidate.path);
      const reason =
        reasons.get(candidate.path) ?? (proof?.where != null || toTrash ? null : `not proven to be kept elsewhere: ${proof?.lacks}`);
      return reason === null
        ? { goes: true, one: sayWhy(candidate, proof?.where == null ? "the trash only" : `${proof.where}; the trash`) }
        : { goes: false, one: sayWhy(candidate, reason) };
    });
    const removes = judged.filter(({ goes }) => goes).map(({ one }) => one);
    const stays = judged.filter(({ goes }) => !goes).map(({ one }) => one);
    const head = readRef(repository, "HEAD");
    return {
      command: "models prune",
      steps: stepsOf({ by, removes, stays, folder: folder.path }),
      destructive: removes.length > 0,
      fingerprint: fingerprintOf({ head, removes: removes.map(({ path, hash }) => [path, hash]) }),
      by,
      keep,
      removes,
      stays,
      head,
      isTracked: pointers.some(({ path }) => path === folder.path),
    };
  },

  async apply(context, plan) {
    const { by, keep, removes, stays } = plan;
    const answer = { by, keep, removed: removes, stays };
    if (removes.length === 0) return { ...answer, commit: null };
    const project = openProject(context);
    await prepareWriting(project, context);
    const paths = removes.map(({ path }) => path);
    const start = {
      command: "models prune",
      argv: ["models", "prune", "--keep", String(keep)],
      summary: paths.length === 1 ? `remove candidate ${basename(paths[0] ?? "")}` : `remove ${paths.length} candidates`,
    };
    const work = () => perform(project, context, { ...start, work: (operation) => removeAll(context, plan, operation) });
    return { ...answer, commit: await whileNoRun(project, "models prune", () => withDvcLock(project, work, { writes: paths })) };
  },

  show({ command, steps, destructive, fingerprint, by, keep, removes, stays }) {
    return { command, steps, destructive, fingerprint, by, keep, removes, stays };
  },
};

async function removeAll(context: Context, { removes, head, isTracked }: PrunePlan, operation: OpenOperation): Promise<string | null> {
  const project = openProject(context);
  const repository = requireRepository(project);
  requireHead(repository, head);
  for (const { path, hash } of removes) {
    const { content } = await paceWork(scanOutput(project, absolutePath(project, path)), context, { label: `reading ${path}` });
    if (content.hash === hash) continue;
    throw new ExpverError("E_PLAN_STALE", `${path} was changed since the plan was made; nothing was removed`, {
      hint: "Repeat the command.",
    });
  }
  const moves = removes.map(({ path }) => ({ path, trash: trashPlace(project, absolutePath(project, path)) }));
  operation.record(...moves.map((move) => ({ kind: "trash" as const, ...move })));
  for (const { path, trash } of moves) moveToTrash(project, absolutePath(project, path), trash);
  if (!isTracked) return null;
  const names = removes.map(({ path }) => basename(path));
  const edits = await folderEdits(project, context, names);
  const message = `Remove ${names.length === 1 ? "a candidate" : `${names.length} candidates`}\n\n${names.join("\n")}\n`;
  return commitPaths(project, { repository, operation, edits, message, reason: "expver: prune candidates" });
}

function stepsOf({ by, removes, stays, folder }: Pick<PrunePlan, "by" | "removes" | "stays"> & { folder: string }): Plan["steps"] {
  const value = ({ value: text }: PrunedCandidate) => `${by.metric}=${text ?? "?"}`;
  return [
    ...removes.map((one) => ({ verb: "remove", target: one.path, bytes: one.size, detail: value(one), keeps: one.why })),
    ...stays.map((one) => ({ verb: "leave", target: one.path, bytes: one.size, detail: `${value(one)}, ${one.why}` })),
    ...(removes.length === 0 ? [] : [{ verb: "commit", target: `${folder}.dvc`, detail: "this and nothing else" }]),
  ];
}

function keepOf(input: Input, otherwise: number): number {
  const asked = textIn(input.keep);
  if (asked === undefined) return otherwise;
  if (/^\d{1,9}$/.test(asked)) return Number(asked);
  throw new ExpverError("E_USAGE", `--keep takes a whole number from 0 on, not ${JSON.stringify(asked)}`, { details: { received: asked } });
}
