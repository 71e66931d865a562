/** `expver models add RUN|FILE`: a copy in the candidates folder, named after its run; the folder's one pointer, and one commit. */

import { constants, copyFileSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readRef } from "../../git/refs.ts";
import { perform } from "../../journal/perform.ts";
import { ownerOf } from "../../models/candidates.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork, type Work } from "../../platform/pace.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { readPointers } from "../../store/pointers/pointers.ts";
import { sourceTree } from "../../store/sources/source-tree.ts";
import { scanOutput } from "../../store/worktree/scan.ts";
import { isHere } from "../../store/worktree/status.ts";
import { commitPaths, requireCommittable, requireHead } from "../commit-paths.ts";
import type { Input, Plan, WriteWorkflow } from "../contract.ts";
import { openData } from "../data/open-data.ts";
import { refuseUntrackable } from "../data/tracking/trackable.ts";
import { copyChecked } from "../get.ts";
import { textIn } from "../input.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { whileNoRun } from "../second-run.ts";
import { committedHash, folderEdits } from "./candidates-pointer.ts";
import { pickModel, runMeant, sourceOf, unknownName } from "./pick-model.ts";
import { type PublishedCandidate, publishCandidate, publishingStep } from "./publish-candidate.ts";
import { putCopy } from "./put-copy.ts";
import { requireBytes } from "./require-bytes.ts";
import { type Survey, surveyModels, versionsByRun } from "./survey.ts";

interface AddPlan extends Plan {
  run: string;
  hash: string;
  /** Stored path it gets. */
  path: string;
  head: string | null;
  /** Fills the path it is given; null when the very bytes are there already. */
  make: Make | null;
  /** HEAD has it already. */
  isDone: boolean;
  /** `--publish`, with the version of the run that goes along. */
  publish: { version: string | null } | null;
}

type Make = (target: string, staging: string) => Promise<void>;

export interface AddedCandidate {
  run: string;
  /** From the top. */
  path: string;
  hash: string;
  /** Null: HEAD has it already. */
  commit: string | null;
  /** `--publish`. */
  published: PublishedCandidate | null;
}

export const modelsAdd: WriteWorkflow<Input, AddPlan, AddedCandidate> = {
  async plan(context, input) {
    openData(context);
    const survey = await surveyModels(context);
    const { project, repository, folder } = survey;
    await requireCommittable(survey);
    refuseUntrackable(project, [folder.path], readPointers(project));
    const { run, name, hash, make } = await whatToAdd(context, survey, input);
    const path = `${folder.path}/${run}_${name}`;
    const there = folder.candidates.find((one) => one.path === path);
    const isSame = there?.hash === hash;
    if (there !== undefined && !isSame && input.force !== true) {
      throw new ExpverError("E_DATA", `${path} is there already, with other bytes`, {
        hint: "Replace it with --force (the old one goes to the trash), or add a file of another name.",
        details: { path },
      });
    }
    const head = readRef(repository, "HEAD");
    const isDone = isSame && committedHash(project, `${run}_${name}`) === hash;
    const version = versionsByRun(survey.versions).get(run);
    const publish = input.publish === true ? { version: version?.unpublished === true ? version.name : null } : null;
    return {
      command: "models add",
      steps: [
        ...(isSame
          ? []
          : [{ verb: there === undefined ? "write" : "replace", target: path, ...(there === undefined ? {} : { keeps: "the trash" }) }]),
        ...(isDone ? [] : [{ verb: "commit", target: `${folder.path}.dvc`, detail: "this and nothing else" }]),
        ...(publish === null ? [] : [publishingStep(project, repository, publish.version)]),
      ],
      // --force is the yes, and what had the name goes to the trash.
      destructive: false,
      fingerprint: fingerprintOf({ head, path, hash, there: there?.hash }),
      run,
      hash,
      path,
      head,
      make: isSame ? null : make,
      isDone,
      publish,
    };
  },

  async apply(context, plan) {
    const { run, path, hash, isDone, publish } = plan;
    const added = { run, path, hash, commit: isDone ? null : await addCandidate(context, plan), published: null };
    if (publish === null) return added;
    try {
      return { ...added, published: await publishCandidate(context, publish.version) };
    } catch (error) {
      if (!(error instanceof ExpverError)) throw error;
      const { code, hint, details } = error;
      const message = `candidate ${basename(path)} is added, but not published: ${error.message}`;
      throw new ExpverError(code, message, { hint, details: { ...details, data: added }, cause: error });
    }
  },

  show({ command, steps, destructive, fingerprint, run, path }) {
    return { command, steps, destructive, fingerprint, run, path };
  },
};

async function addCandidate(context: Context, plan: AddPlan): Promise<string | null> {
  const { run, path, head } = plan;
  const project = openProject(context);
  const repository = requireRepository(project);
  await prepareWriting(project, context);
  const name = basename(path);
  const add = () => {
    requireHead(repository, head);
    return perform(project, context, {
      command: "models add",
      argv: ["models", "add", run],
      summary: `candidate ${name}`,
      work: async (operation) => {
        if (plan.make !== null) await putCopy(project, operation, { path, make: plan.make, pacing: context });
        const edits = await folderEdits(project, context, [name]);
        const message = `Add candidate ${name}\n\nRun: ${run}\n`;
        return commitPaths(project, { repository, operation, edits, message, reason: `expver: add ${name}` });
      },
    });
  };
  return whileNoRun(project, "models add", () => withDvcLock(project, add, { writes: [path] }));
}

interface Addition {
  run: string;
  /** Without `RUN_`. */
  name: string;
  hash: string;
  make: Make;
}

async function whatToAdd(context: Context, survey: Survey, input: Input): Promise<Addition> {
  const typed = textIn(input.model) ?? textIn(input.file);
  if (typed === undefined) {
    throw new ExpverError("E_USAGE", "models add needs a run, a version or a file", { hint: "expver models add quiet-otter-0412" });
  }
  const file = resolve(context.cwd, typed);
  // No run is called so, and no version unless all are.
  if (!isHere(file) && typed.includes("/") && !survey.project.config.versions.prefix.includes("/")) {
    throw new ExpverError("E_NOT_FOUND", `there is no file or folder ${typed}`, {
      hint: "That of a version is had by the version's name: expver models add e0.1.0; or get it first: expver get.",
      details: { asked: typed },
    });
  }
  return isHere(file) ? fileToAdd(context, survey, { file, input }) : modelToAdd(context, survey, { typed, input });
}

/** A file or folder, also from outside of the repository. */
async function fileToAdd(context: Context, survey: Survey, { file, input }: { file: string; input: Input }): Promise<Addition> {
  const asked =
    textIn(input.run) ?? textIn(input.runId) ?? ownerOf(basename(file), (id) => survey.runs.has(id)) ?? context.env.EXPVER_RUN_ID;
  if (asked === undefined) {
    throw new ExpverError("E_USAGE", `whose model is ${file}? Its name begins with no run's`, {
      hint: `expver models add ${shellWord(textIn(input.model) ?? textIn(input.file) ?? file)} --run RUN`,
    });
  }
  const run = runMeant(survey, asked) ?? (survey.isTrack(asked) ? asked : null);
  if (run === null) throw unknownName(survey, asked);
  const base = basename(file);
  const { content } = await paceWork(scanOutput(survey.project, file), context, { label: `reading ${file}` });
  return {
    run,
    name: base.startsWith(`${run}_`) ? base.slice(run.length + 1) : base,
    hash: content.hash,
    make: (target) => paceWork(copyingTree(file, target), context, { label: `copying ${file}` }),
  };
}

/** Links as what they lead to. */
function* copyingTree(from: string, target: string): Work<void> {
  if (!statSync(from).isDirectory()) {
    copyFileSync(from, target, constants.COPYFILE_FICLONE);
    yield { files: 1, bytes: 0 };
    return;
  }
  mkdirSync(target);
  for (const name of readdirSync(from)) yield* copyingTree(join(from, name), join(target, name));
}

/** The model of a version or run that is stored already. */
async function modelToAdd(context: Context, survey: Survey, { typed, input }: { typed: string; input: Input }): Promise<Addition> {
  const model = await pickModel(survey, typed, textIn(input.path));
  const asked = textIn(input.run) ?? textIn(input.runId) ?? model.run;
  if (asked === null) {
    throw new ExpverError("E_USAGE", `${typed} does not say which run its model is of`, {
      hint: `expver models add ${shellWord(typed)} --run RUN`,
    });
  }
  const run = runMeant(survey, asked);
  if (run === null) throw unknownName(survey, asked);
  const remote = textIn(input.remote);
  const { source, path } = sourceOf(survey, model);
  const nodes = await sourceTree(source, path, { remote });
  await requireBytes(context, source, { nodes, path, remote });
  const base = basename(model.path);
  return {
    run,
    name: base.startsWith(`${run}_`) ? base.slice(run.length + 1) : base,
    hash: model.hash,
    make: async (target, staging) => {
      await copyChecked(context, { source, nodes, path, remote }, { target, staging });
    },
  };
}
