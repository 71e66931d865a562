/** What has changed of a stage's dependencies since it ran, in DVC's words. */
import { isDeepStrictEqual } from "node:util";
import { absolutePath } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { loadYaml } from "../config/yaml.ts";
import { readTextIfExists } from "../platform/files.ts";
import { valueAt } from "../platform/mapping.ts";
import type { Work } from "../platform/pace.ts";
import type { PipelineTexts } from "../store/pointers/pointers.ts";
import type { Pointer } from "../store/types.ts";
import { scanOutput } from "../store/worktree/scan.ts";
import { isHere } from "../store/worktree/status.ts";
import { type Params, readStages, type Stage } from "./stages.ts";

type Change = "modified" | "deleted" | "new";

export interface StageChange {
  stage: Stage;
  /** By path from the top. */
  deps: Map<string, Change | Record<string, Change>>;
  /** Outputs that no lock knows. */
  outs: Map<string, Change>;
}

/** Of all stages, or of those that pointers are of. `known`: hashes of what was just read, by path. Throws E_POINTER for what is no pipeline. */
export function* stageChanges(
  project: Project,
  pipelines: readonly PipelineTexts[],
  { wanted = null, known = new Map() }: { wanted?: readonly Pointer[] | null; known?: ReadonlyMap<string, string> } = {},
): Work<StageChange[]> {
  const found: StageChange[] = [];
  for (const texts of pipelines) {
    if (wanted?.some(({ file }) => file === texts.file) === false) continue;
    for (const stage of readStages(texts.file, texts)) {
      if (wanted?.some((pointer) => isOfStage(pointer, stage)) === false) continue;
      found.push(yield* changesOf(project, stage, known));
    }
  }
  return found;
}

export function isOfStage(pointer: Pointer, { file, stage }: Pick<Stage, "file" | "stage">): boolean {
  return pointer.file === file && pointer.stage === stage;
}

/** Whether what the stage came from is as it was: dvc leaves what it made then, if that is as it was, too. */
export function isUpToDate({ stage, deps, outs }: StageChange): boolean {
  return stage.isLocked && !stage.hasOtherCommand && !stage.isAlwaysChanged && deps.size === 0 && outs.size === 0;
}

function* changesOf(project: Project, stage: Stage, known: ReadonlyMap<string, string>): Work<StageChange> {
  const deps: StageChange["deps"] = new Map();
  // A frozen stage does not look at what it came from.
  for (const { path, hash, hashName } of stage.isFrozen ? [] : stage.files) {
    const absolute = absolutePath(project, path);
    if (!isHere(absolute)) deps.set(path, "deleted");
    else if (hash === null) deps.set(path, "modified");
    else if ((known.get(path) ?? (yield* scanOutput(project, absolute, { hashName })).content.hash) !== hash) deps.set(path, "modified");
  }
  for (const params of stage.isFrozen ? [] : stage.params) {
    const changed = paramsChange(params, readTextIfExists(absolutePath(project, params.path)));
    if (changed !== null) deps.set(params.path, changed);
  }
  const outs = new Map(stage.newOutputs.map(({ path }) => [path, isHere(absolutePath(project, path)) ? "modified" : "deleted"] as const));
  return { stage, deps, outs };
}

function paramsChange({ path, names, recorded }: Params, text: string | null): Change | Record<string, Change> | null {
  // Parameters may also be Python or TOML: DVC's own to read.
  if (!/\.(?:ya?ml|json)$/.test(path)) return null;
  if (text === null) return "deleted";
  if (recorded === null) return "new";
  const now = loadYaml(text, path);
  const wanted = names ?? [...new Set([...Object.keys(typeof now === "object" && now !== null ? now : {}), ...Object.keys(recorded)])];
  const changes = wanted.flatMap((name): [string, Change][] => {
    const value = valueAt(now, name.split("."));
    if (value === undefined) return [[name, "deleted"]];
    if (!Object.hasOwn(recorded, name)) return [[name, "new"]];
    return isDeepStrictEqual(value, recorded[name]) ? [] : [[name, "modified"]];
  });
  return changes.length === 0 ? null : Object.fromEntries(changes);
}
