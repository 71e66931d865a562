/** What every data command begins with: the project with its `.dvc`, and what the typed targets mean. */
import { dirname, resolve } from "node:path";
import { nearestWord } from "../../config/nearest.ts";
import { isWithin, pathFromUser, shownPath } from "../../config/paths.ts";
import { openProject, type Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readStages } from "../../pipelines/stages.ts";
import { promisedOutputs, stagesWithoutOutputs, unrunOutputs } from "../../pipelines/unrun-outputs.ts";
import type { Context } from "../../platform/context.ts";
import { isFolder } from "../../platform/files.ts";
import { comingUpon } from "../../store/pointers/come-upon.ts";
import { readPipelines, readPointers } from "../../store/pointers/pointers.ts";
import type { Pointer } from "../../store/types.ts";
import type { Input } from "../contract.ts";
import { wordsOf } from "../input.ts";
import { sparseHint } from "../without-dvc.ts";

/** Throws E_NO_PROJECT without a `.dvc` folder. */
export function openData(context: Context): Project {
  const project = openProject(context);
  if (project.dvcRoot === null) {
    throw new ExpverError("E_NO_PROJECT", `you are not inside of a DVC repository: no .dvc folder at or above ${context.cwd}`, {
      hint: sparseHint(project) ?? "Run `expver init` (or `expver data init`, for DVC's files only).",
      details: { cwd: context.cwd },
    });
  }
  return project;
}

export interface Targets {
  /** As typed; none: all. */
  targets: readonly string[];
  /** A folder means what lies in it. */
  recursive: boolean;
  /** A stage means those too whose outputs it needs. */
  withDeps: boolean;
}

export function targetsOf(input: Input): Targets {
  return { targets: wordsOf(input.target), recursive: input.recursive === true, withDeps: input.withDeps === true };
}

export interface Selection {
  pointers: Pointer[];
  /** Outputs of which only some members are meant: relative paths. */
  only: Map<string, string[]>;
}

/**
 * Pointers meant by targets: a `.dvc` file, `dvc.yaml`, an output, a file in a tracked folder, a stage. No target means all; with
 * `recursive` a folder means what lies in it, with `withDeps` a stage what it needs. Throws E_NOT_FOUND.
 */
export function selectPointers(
  project: Project,
  context: Context,
  {
    targets,
    recursive = false,
    withDeps = false,
    dataOnly = false,
    pointers = pointersMeant(project, targets),
  }: Partial<Targets> & {
    targets: readonly string[];
    /** A stage that makes no data is nothing to do, as for dvc; else it is refused. */
    dataOnly?: boolean;
    pointers?: Pointer[];
  },
): Selection {
  if (targets.length === 0) return { pointers, only: new Map() };
  const chosen = new Set<Pointer>();
  const whole = new Set<string>();
  const only = new Map<string, string[]>();
  for (const target of targets) {
    const found = meaning(project, context, { target, recursive, pointers });
    // Nothing has to be tracked in a folder.
    const isNothing = (recursive && isFolder(resolve(context.cwd, target))) || (dataOnly && makesNoData(project, context, target));
    if (found.length === 0 && !isNothing) throw unknownTarget(project, context, { target, pointers });
    for (const { pointer, member } of found) {
      chosen.add(pointer);
      if (member === null) whole.add(pointer.path);
      else only.set(pointer.path, [...(only.get(pointer.path) ?? []), member]);
    }
  }
  for (const path of whole) only.delete(path);
  // As with dvc, an output stands for itself only.
  const isStage = (one: Pointer) => targets.some((target) => stageAddresses(project, one).includes(target));
  const needed = withDeps ? neededBy(project, [...chosen].filter(isStage), pointers) : [];
  return { pointers: [...new Set([...chosen, ...needed])], only };
}

/** Those of the worktree; where none is named, those that dvc comes upon. */
export function pointersMeant(project: Project, targets: readonly string[]): Pointer[] {
  return targets.length === 0 ? pointersComeUpon(project, readPointers(project)) : readPointers(project);
}

export function pointersComeUpon(project: Project, pointers: readonly Pointer[]): Pointer[] {
  const comesUpon = comingUpon(project);
  return pointers.filter(({ file }) => comesUpon(file));
}

/** Outputs of the stages that the stages of `chosen` depend on, however far up. */
function neededBy(project: Project, chosen: readonly Pointer[], pointers: readonly Pointer[]): Pointer[] {
  const stages = new Map(
    readPipelines(project, null)
      .flatMap(({ file, ...texts }) => readStages(file, texts))
      .map(({ file, stage, files }) => [stageKey({ file, stage }), files.map(({ path }) => path)]),
  );
  const found = new Set<Pointer>();
  for (let wave = chosen; wave.length > 0; ) {
    const paths = wave.flatMap((one) => stages.get(stageKey(one)) ?? []);
    const isNeeded = ({ path }: Pointer) => paths.some((one) => isWithin(one, path) || isWithin(path, one));
    const direct = new Set(pointers.filter(isNeeded).map(stageKey));
    wave = pointers.filter((one) => direct.has(stageKey(one)) && !found.has(one));
    for (const one of wave) found.add(one);
  }
  return [...found];
}

function stageKey({ file, stage }: Pick<Pointer, "file" | "stage">): string {
  return `${file}\0${stage ?? ""}`;
}

interface Meant {
  pointer: Pointer;
  /** Relative to the output; null: all of it. */
  member: string | null;
}

function meaning(
  project: Project,
  context: Context,
  { target, recursive, pointers }: { target: string; recursive: boolean; pointers: readonly Pointer[] },
): Meant[] {
  const all = (some: readonly Pointer[]) => some.map((pointer) => ({ pointer, member: null }));
  const ofStage = pointers.filter((pointer) => stageAddresses(project, pointer).includes(target));
  if (ofStage.length > 0) return all(ofStage);
  const path = pathFromUser(project, context, target === ":" ? "dvc.yaml" : target);
  const ofFile = pointers.filter(({ file }) => targetOf(file) === path);
  if (ofFile.length > 0) return all(ofFile);
  const inside = recursive ? pointers.filter((one) => path === "" || one.path.startsWith(`${path}/`)) : [];
  // More than one where pointers are those of several commits. What is called like a pointer file is meant as one, which is not there.
  const named = /(?:\.dvc|(?:^|\/)dvc\.yaml)$/.test(path) ? [] : pointers.filter((one) => isWithin(path, one.path));
  if (named.length === 0) return all(inside);
  return named.map((pointer) => ({ pointer, member: pointer.path === path ? null : path.slice(pointer.path.length + 1) }));
}

/** `name` beside the user, `folder/dvc.yaml:name` elsewhere; a generated `name@key` is meant by `name` too. */
export function stageAddresses(project: Project, { stage, file }: Pick<Pointer, "stage" | "file">): string[] {
  if (stage === undefined) return [];
  const folder = dirname(shownPath(project, file));
  const names = [stage, ...(stage.includes("@") ? [stage.split("@")[0] ?? ""] : [])];
  const there = names.flatMap((name) => [`${folder}/dvc.yaml:${name}`, `${folder}:${name}`]);
  return folder === "." ? names.flatMap((name) => [name, `:${name}`, `dvc.yaml:${name}`]) : there;
}

/** A pipeline goes by its `dvc.yaml`, as with dvc. */
function targetOf(file: string): string {
  return file.replace(/(^|\/)dvc\.lock$/, "$1dvc.yaml");
}

/** It is a stage, or an output of one, that never ran and has nothing for the cache. */
function makesNoData(project: Project, context: Context, target: string): boolean {
  const pipelines = readPipelines(project, null);
  const path = pathFromUser(project, context, target);
  const isMeant = (one: Pointer) => one.path === path || stageAddresses(project, one).includes(target);
  const meant = [...unrunOutputs(pipelines), ...stagesWithoutOutputs(pipelines, readPointers(project))].filter(isMeant);
  return meant.length > 0 && meant.every(({ cache }) => !cache);
}

function unknownTarget(
  project: Project,
  context: Context,
  { target, pointers }: { target: string; pointers: readonly Pointer[] },
): ExpverError {
  const path = pathFromUser(project, context, target);
  const promised = promisedOutputs(readPipelines(project, null)).find(
    (one) => one.path === path || targetOf(one.file) === path || stageAddresses(project, one).includes(target),
  );
  if (promised?.stage !== undefined) {
    const [address = ""] = stageAddresses(project, promised);
    return new ExpverError("E_NOT_FOUND", `${target} is of stage ${promised.stage}, of which no dvc.lock knows: it has never run`, {
      hint: `Run it: dvc repro ${address}. Where its outputs are there already: dvc commit ${address}`,
      details: { target },
    });
  }
  const known = pointers.flatMap(({ path, file }) => [path, targetOf(file)].map((one) => shownPath(project, one)));
  const near = targetOf(target) === target ? nearestWord(target, known) : targetOf(target);
  return new ExpverError("E_NOT_FOUND", `${target} is no tracked data: no output, .dvc file or stage has that name`, {
    hint: near === undefined ? "`expver data status` and the .dvc files show what is tracked." : `Did you mean ${near}?`,
    details: { target },
  });
}
