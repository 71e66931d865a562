/** `expver models demote`: what was in production before comes back, or nothing is in production. One commit, which undo takes back. */
import { absolutePath } from "../../config/paths.ts";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readRef } from "../../git/refs.ts";
import type { OperationStart } from "../../journal/operations.ts";
import { perform } from "../../journal/perform.ts";
import { isCutOff, isHeld, isModelOf, predecessorOf, productionHistory, productionMessage } from "../../models/production-history.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { readPointers, trackedOf } from "../../store/pointers/pointers.ts";
import type { Source } from "../../store/sources/source.ts";
import { sourceTree } from "../../store/sources/source-tree.ts";
import type { OutputContent } from "../../store/types.ts";
import { commitPaths, requireCommittable } from "../commit-paths.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { openData } from "../data/open-data.ts";
import { refuseUntrackable } from "../data/tracking/trackable.ts";
import { textIn } from "../input.ts";
import { placeCopies } from "../place-copies.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { whileNoRun } from "../second-run.ts";
import { type Before, beforeOf, keptAfter, type Origin, putInProduction, requireUnchanged } from "./put-in-production.ts";
import { requireBytes } from "./require-bytes.ts";
import { type Survey, surveyModels } from "./survey.ts";

/** One that is or was in production. */
interface Named {
  version: string | null;
  run: string | null;
  hash: string;
}

interface DemotePlan extends Plan {
  path: string;
  demotes: Named;
  /** What comes back; null: nothing was there before. */
  back: (Named & { origin: Origin }) | null;
  head: string | null;
  before: Before;
}

export interface Demoted {
  path: string;
  demoted: Named;
  /** What is in production now. */
  back: Named | null;
  /** Null: HEAD has it so already. */
  commit: string | null;
}

export const modelsDemote: WriteWorkflow<Input, DemotePlan, Demoted> = {
  async plan(context, input) {
    openData(context);
    const survey = await surveyModels(context);
    const { project, repository, production } = survey;
    await requireCommittable(survey);
    const { path } = production;
    const before = beforeOf(production);
    const hash = before.recorded ?? before.there;
    if (hash === null) {
      throw new ExpverError("E_NOT_FOUND", `nothing is in production (${path})`, {
        hint: "`expver models history` shows what was.",
        details: { path },
      });
    }
    const history = productionHistory(project, path, survey.versions);
    const demotes = named(survey, history.filter(isHeld).find((tenure) => tenure.hash === hash) ?? { hash, version: null, run: null });
    const previous = predecessorOf(history, hash);
    if (previous === null && isCutOff(project, history)) {
      throw new ExpverError("E_GIT", `what was in production before is not known: this shallow clone has only a part of the history`, {
        hint: "git fetch --unshallow, then repeat.",
        details: { path },
      });
    }
    let back: DemotePlan["back"] = null;
    if (previous !== null) {
      refuseUntrackable(project, [path], readPointers(project));
      const { commit } = previous;
      const remote = textIn(input.remote);
      const source: Source = { project, commit, base: "", ...trackedOf(project, commit), close: () => {} };
      const nodes = await sourceTree(source, path, { remote });
      await requireBytes(context, source, { nodes, path, remote });
      back = { ...named(survey, previous), origin: { source, from: path, nodes, remote } };
    }
    const { isUnsaved, keeps } = keptAfter(survey, back?.hash ?? null);
    const head = readRef(repository, "HEAD");
    return {
      command: "models demote",
      steps: [
        back === null
          ? { verb: "remove", target: path, detail: `${nameOf(demotes)}: nothing was in production before it`, ...keeps }
          : {
              verb: "replace",
              target: path,
              detail: `${nameOf(demotes)} by ${nameOf(back)} (${back.hash.slice(0, 6)}), as before`,
              ...keeps,
            },
        { verb: "commit", target: `${path}.dvc`, detail: "this and nothing else" },
      ],
      destructive: isUnsaved,
      fingerprint: fingerprintOf({ head, before, back: back?.hash }),
      ...{ path, demotes, back, head, before },
    };
  },

  async apply(context, plan) {
    const { path, demotes, back, head, before } = plan;
    const project = openProject(context);
    await prepareWriting(project, context);
    const name = nameOf(demotes);
    const start = {
      command: "models demote",
      argv: ["models", "demote"],
      summary: `${name} → ${back === null ? "nothing in production" : nameOf(back)}`,
    };
    const message = (content: OutputContent | null) =>
      productionMessage({
        subject: `Demote ${name} from ${path}`,
        model: back === null ? null : { ...back, size: content?.size ?? 0 },
        path,
        demoted: demotes.hash,
      });
    const reason = `expver: demote ${name}`;
    const work = () =>
      back === null
        ? takeOut(context, plan, { start, message: message(null), reason })
        : putInProduction(context, { ...{ path, hash: back.hash, head, before, origin: back.origin }, start, message, reason });
    const commit = await whileNoRun(project, "models demote", () => withDvcLock(project, work, { writes: [path] }));
    return { path, demoted: demotes, back: back === null ? null : named(null, back), commit };
  },

  show({ command, steps, destructive, fingerprint, path, demotes, back }) {
    return { command, steps, destructive, fingerprint, path, demotes, back: back === null ? null : named(null, back) };
  },
};

/** File and pointer go; the ignore line stays for the next one. */
async function takeOut(
  context: Context,
  { path, head, before }: DemotePlan,
  { start, message, reason }: { start: OperationStart; message: string; reason: string },
): Promise<string | null> {
  const project = openProject(context);
  await requireUnchanged(context, project, { path, head, before });
  return perform(project, context, {
    ...start,
    work: (operation) => {
      if (before.there !== null) placeCopies(project, operation, { copies: [], removes: [path] });
      const file = absolutePath(project, `${path}.dvc`);
      const edits = [{ path: file, before: readTextIfExists(file), after: null }];
      return commitPaths(project, { repository: requireRepository(project), operation, edits, message, reason });
    },
  });
}

/** What a commit does not say is told by the hash. */
function named(survey: Survey | null, { hash, version, run }: Named): Named {
  const model = survey?.models.find((one) => isModelOf({ hash, version, run }, one));
  return { hash, version: version ?? model?.version ?? null, run: run ?? model?.run ?? null };
}

function nameOf({ version, run, hash }: Named): string {
  return version ?? run ?? hash.slice(0, 6);
}
