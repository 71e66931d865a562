/** What `expver run` would do: reads only. */

import { existsSync } from "node:fs";
import { basename } from "node:path/posix";
import { nearestWord } from "../../../config/nearest.ts";
import { absolutePath, typedPath } from "../../../config/paths.ts";
import { openProject, type Project, requireRepository, topOf } from "../../../config/project.ts";
import { hideSecretArguments, isSecretKey } from "../../../config/secrets.ts";
import { ExpverError } from "../../../errors.ts";
import { readHead } from "../../../git/refs.ts";
import { shownAddress } from "../../../git/shown-address.ts";
import { stageMetrics } from "../../../pipelines/named-outputs.ts";
import { promisedOutputs } from "../../../pipelines/unrun-outputs.ts";
import type { Context } from "../../../platform/context.ts";
import { paceWork } from "../../../platform/pace.ts";
import { refuseAnothers } from "../../../platform/sqlite.ts";
import { refuseContested } from "../../../store/pointers/contested.ts";
import { inputPointers } from "../../../store/pointers/data-hash.ts";
import { pipelinesHere, readTracked } from "../../../store/pointers/pointers.ts";
import type { Pointer } from "../../../store/types.ts";
import { refuseOfStage } from "../../../store/worktree/contents.ts";
import { type OutputStatus, readingStatus } from "../../../store/worktree/status.ts";
import type { Input, Plan } from "../../contract.ts";
import { refuseSecondRun } from "../../second-run.ts";
import { lackingRows } from "../database/lacking-rows.ts";
import { readParameterFile, substitute, warnAmbiguous, warnContradicted, warnUnread } from "../parameters/parameters.ts";
import { metricsPlace, placesOf } from "../places.ts";
import { scriptOf } from "../program/script-of.ts";
import { readChanges } from "../snapshot/changes.ts";
import { type Selection, selectSnapshot, snapshotRules } from "../snapshot/snapshot-selection.ts";
import { chooseVersion } from "../version/version-choice.ts";
import type { RunFindings } from "./findings.ts";
import { describePlan } from "./plan-steps.ts";
import { refuseReadOnlyCache, refuseStrangeDatabase, refuseUnfit, refuseWithoutDvc, reportHiddenPlaces } from "./refuse-unfit.ts";
import { type RunRequest, readRequest } from "./request.ts";
import { warnStaleInputs } from "./stale-inputs.ts";

export type RunPlan = Plan & RunFindings;

/** Throws what stands in the way before anything is written: no identity, a merge in progress, a run that goes on, … */
export async function planRun(context: Context, input: Input): Promise<RunPlan> {
  const [request, project] = [readRequest(context, input), openProject(context)];
  const findings = await findForRun(context, { input, request, project });
  warnContradicted(project, context, { given: request.params, argv: request.argv });
  return { ...findings, ...describePlan(findings) };
}

export interface RunQuestion {
  input: Input;
  request: RunRequest;
  project: Project;
  /** Parameters that get their values later: those of a sweep. */
  varied?: readonly string[];
}

/** What stands before a run, or before all runs of a sweep. Throws as {@link planRun}. */
export async function findForRun(context: Context, { input, request, project, varied = [] }: RunQuestion): Promise<RunFindings> {
  const repository = requireRepository(project);
  refuseUnfit(repository, request);
  refuseWithoutDvc(project, repository);
  refuseReadOnlyCache(project);
  await refuseSecondRun(project);
  const asked = metricsPlace(project, context, request.metrics);
  const { pointers, pipelines } = readTracked(project);
  const staged = asked === null ? stageMetrics(project, pipelines) : null;
  const places = placesOf(project, asked ?? staged?.path ?? null);
  const promised = promisedOutputs(pipelinesHere(project, pipelines));
  refuseAnothers(places.databaseFile);
  refuseStrangeDatabase(project, repository, { places, pointers: [...pointers, ...promised] });
  reportHiddenPlaces(project, context, places);
  const parameters = { ...readParameterFile(project), ...request.params };
  warnAmbiguous(project, context);
  warnUnread(project, context, parameters);
  const { argv, unknown } = substitute(request.argv, parameters);
  for (const name of unknown.filter((one) => !varied.includes(one))) {
    const near = nearestWord(name, [...varied, ...Object.keys(parameters)]);
    const text = `the command has {${name}}, which is no parameter`;
    const hint = near === undefined ? `--param ${name}=VALUE` : `Did you mean {${near}}?`;
    // Given for this run, and the command has it nowhere else: every run would be one of the text with the braces.
    const isMistyped = near !== undefined && [...varied, ...Object.keys(request.params)].includes(near);
    if (isMistyped && !request.argv.some((word) => word.includes(`{${near}}`)))
      throw new ExpverError("E_USAGE", `${text}, and has {${near}} nowhere`, { hint, details: { name, near } });
    context.report({ kind: "warning", text: `${text}; it stays as it is`, hint });
  }
  const changes = readChanges(repository);
  const head = readHead(repository);
  refuseContested(project, pointers);
  const script = scriptOf(argv, { cwd: context.cwd, top: topOf(project) });
  const selection = selectSnapshot(changes, snapshotRules(project, places, pointers, script));
  const { changed, ...inputs } = await readInputs(project, context, { pointers, argv, renamed: selection.renamed });
  const edited = new Set(changes.map(({ path }) => path));
  if (head.commit !== null) warnStaleInputs(project, repository, context, { changed, edited });
  const secrets = Object.entries(parameters).flatMap(([name, value]) => (isSecretKey(name) ? [value] : []));
  return {
    input,
    request,
    project,
    repository,
    places,
    metricsOfStage: staged === null ? null : staged.isCached ? "dvc" : "git",
    head,
    version: chooseVersion({ project, repository, context, wanted: request.version }),
    selection,
    pointers,
    ...inputs,
    lacking: await lackingRows(project, places, pointers),
    parameters,
    argv,
    script,
    shownArgv: hideSecretArguments(argv, secrets),
  };
}

interface InputsQuestion {
  pointers: Pointer[];
  argv: readonly string[];
  renamed: Selection["renamed"];
}

async function readInputs(
  project: Project,
  context: Context,
  { pointers, argv, renamed }: InputsQuestion,
): Promise<Pick<RunFindings, "inputs" | "changedInputs"> & { changed: OutputStatus[] }> {
  const asked = inputPointers(project, pointers, { runsStages: runsPipeline(argv) });
  const read = await paceWork(readingStatus(project, asked), context, { label: "looking at data" });
  const states = read.map((one) => ({ ...one, isHere: existsSync(absolutePath(project, one.pointer.path)) }));
  const missing = states.filter(({ isHere }) => !isHere).map(({ pointer }) => pointer.path);
  if (missing.length > 0) {
    // Of what has another name now it is said what to type.
    const away = missing.filter((path) => !renamed.some(({ from }) => from === path)).slice(0, 5);
    context.report({
      kind: "warning",
      text: `inputs that are not here count as not read: ${missing.join(", ")}`,
      ...(away.length === 0 ? {} : { hint: `expver data pull ${away.map((path) => typedPath(project, path)).join(" ")}` }),
    });
  }
  const present = states.filter(({ isHere }) => isHere);
  for (const { pointer, worktree } of present) {
    if (worktree !== "modified") continue;
    refuseOfStage(pointer);
    if (pointer.source !== undefined) warnLeft(project, context, pointer);
  }
  return {
    inputs: present.map(({ pointer }) => pointer),
    // One whose object is nowhere in the cache may have changed too, and must be stored for the chain to hold.
    changedInputs: present.filter(({ state }) => state !== "same").map(({ pointer }) => pointer),
    changed: present.filter(({ worktree }) => worktree === "modified"),
  };
}

/** Nobody pushes what is imported: others would not get what the run read. */
function warnLeft(project: Project, context: Context, { path, source }: Pointer): void {
  context.report({
    kind: "warning",
    text: `${path} was imported from ${shownAddress(source?.url ?? "")} and has been changed here: the version has it as data of its own`,
    hint: `What was imported comes back with: expver data checkout --force ${typedPath(project, path)}`,
  });
}

/** `dvc repro`, also through a runner or in a line for a shell: then what stages write is output. */
export function runsPipeline(argv: readonly string[]): boolean {
  const words = argv.flatMap((word) => word.split(/[\s;&|()]+/));
  return words.some((word, index) => {
    if (basename(word) !== "dvc") return false;
    const [verb] = words.slice(index + 1).filter((one) => !one.startsWith("-"));
    return verb !== undefined && ["repro", "exp"].includes(verb);
  });
}
