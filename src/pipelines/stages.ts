/**
 * Stages of pipelines as far as `status` needs them: what each depends on, as `dvc.yaml` says it and as `dvc.lock` remembers it. Expressions
 * (`${…}`, `foreach`, `matrix`) are DVC's to resolve: of such a stage only what the lock remembers is known.
 */

import { posix } from "node:path";
import { loadYaml } from "../config/yaml.ts";
import { fieldsOf } from "../platform/mapping.ts";
import { type ReadText, stageFolders } from "../store/pointers/stage-folder.ts";
import type { HashName } from "../store/types.ts";
import { refuseNoPipeline } from "./pipeline-shape.ts";

export interface Stage {
  /** The `dvc.lock` beside its `dvc.yaml`, from the top. */
  file: string;
  stage: string;
  /** False: it has never run. */
  isLocked: boolean;
  isFrozen: boolean;
  isAlwaysChanged: boolean;
  /** Another command than the one that made its outputs. */
  hasOtherCommand: boolean;
  files: { path: string; hash: string | null; hashName: HashName }[];
  params: Params[];
  /** Outputs the lock does not know. */
  newOutputs: { path: string; isCached: boolean }[];
}

export interface Params {
  /** From the top. */
  path: string;
  /** Null: all of the file. */
  names: string[] | null;
  /** As the stage has read them; null: it has not. */
  recorded: Record<string, unknown> | null;
}

type Fields = Record<string, unknown>;

/** `pipeline`: text of the `dvc.yaml`; `lock`: of the `dvc.lock` beside it. Throws E_POINTER for what is no pipeline. */
export function readStages(
  file: string,
  { pipeline, lock, textOf = () => null }: { pipeline: string; lock: string | null; textOf?: ReadText },
): Stage[] {
  const folder = posix.dirname(file);
  const folderOf = stageFolders(pipeline, posix.join(folder, "dvc.yaml"), textOf);
  const read = loadYaml(pipeline, posix.join(folder, "dvc.yaml"));
  refuseNoPipeline(read, posix.join(folder, "dvc.yaml"));
  const defined = fieldsOf(fieldsOf(read).stages);
  const top = fieldsOf(lock === null ? undefined : loadYaml(lock, file));
  const locked = fieldsOf(top.schema === undefined ? top : top.stages);
  const plain = Object.entries(defined).filter(([, body]) => isPlainStage(body));
  const names = new Set([
    ...plain.map(([name]) => name),
    ...Object.keys(locked).filter((name) => Object.hasOwn(defined, name.split("@")[0] ?? "")),
  ]);
  return [...names].map((stage) => {
    const definition = fieldsOf(plain.find(([name]) => name === stage)?.[1] ?? undefined);
    const body = fieldsOf(defined[stage] ?? defined[stage.split("@")[0] ?? ""]);
    const record = Object.hasOwn(locked, stage) ? fieldsOf(locked[stage]) : null;
    return stageOf(
      { file, stage, folder: posix.join(folder, folderOf(stage)) },
      { definition: isPlainStage(body) ? definition : null, body, record },
    );
  });
}

function stageOf(
  { file, stage, folder }: { file: string; stage: string; folder: string },
  { definition, body, record }: { definition: Fields | null; body: Fields; record: Fields | null },
): Stage {
  // URLs and absolute paths stay what they are, to be told from ours.
  const place = (path: string) => (/^(?:\w+:)?\//.test(path) ? path : posix.join(folder, path));
  const recorded = new Map(listOf(record?.deps).map((dep) => [place(String(fieldsOf(dep).path)), fieldsOf(dep)]));
  const dependencies = definition === null ? [...recorded.keys()] : pathsOf(definition.deps).map(place);
  const outputs = new Set(listOf(record?.outs).map((out) => place(String(fieldsOf(out).path))));
  const described = ["outs", "metrics", "plots"].flatMap((kind) => outputsOf(definition?.[kind]));
  return {
    file,
    stage,
    isLocked: record !== null,
    isFrozen: body.frozen === true,
    // What needs nothing and makes nothing is run whenever it is asked.
    isAlwaysChanged: body.always_changed === true || (definition !== null && isCallback(definition)),
    hasOtherCommand: record !== null && definition !== null && JSON.stringify(definition.cmd) !== JSON.stringify(record.cmd),
    files: dependencies.filter(isInside).map((path) => hashIn(path, recorded.get(path))),
    params: paramsOf({ definition, record, place }),
    newOutputs: described
      .map(({ path, isCached }) => ({ path: place(path), isCached }))
      .filter(({ path }) => isInside(path) && !outputs.has(path)),
  };
}

function isCallback(definition: Fields): boolean {
  return ["deps", "params", "outs", "metrics", "plots"].every((kind) => listOf(definition[kind]).length === 0);
}

function hashIn(path: string, dep: Fields | undefined): Stage["files"][number] {
  const hash = typeof dep?.md5 === "string" ? dep.md5 : null;
  return { path, hash, hashName: hash !== null && dep?.hash === undefined ? "md5-dos2unix" : "md5" };
}

function paramsOf({
  definition,
  record,
  place,
}: {
  definition: Fields | null;
  record: Fields | null;
  place: (path: string) => string;
}): Params[] {
  const recorded = new Map(Object.entries(fieldsOf(record?.params)).map(([path, values]) => [place(path), fieldsOf(values)]));
  if (definition === null) {
    return [...recorded]
      .filter(([path]) => isInside(path))
      .map(([path, values]) => ({ path, names: Object.keys(values), recorded: values }));
  }
  const wanted = new Map<string, string[] | null>();
  for (const item of listOf(definition.params)) {
    const files = typeof item === "string" ? [["params.yaml", [item]] as const] : Object.entries(fieldsOf(item));
    for (const [file, names] of files) {
      const before = wanted.get(place(file));
      const more = Array.isArray(names) ? names.map(String) : null;
      wanted.set(place(file), before === undefined ? more : before === null || more === null ? null : [...before, ...more]);
    }
  }
  return [...wanted].filter(([path]) => isInside(path)).map(([path, names]) => ({ path, names, recorded: recorded.get(path) ?? null }));
}

/** Paths of a list whose items are texts, or texts with flags. */
function pathsOf(list: unknown): string[] {
  return listOf(list).flatMap((item) => (typeof item === "string" ? [item] : Object.keys(fieldsOf(item))));
}

export function outputsOf(list: unknown): Stage["newOutputs"] {
  return listOf(list).flatMap((item) =>
    typeof item === "string"
      ? [{ path: item, isCached: true }]
      : Object.entries(fieldsOf(item)).map(([path, flags]) => ({ path, isCached: fieldsOf(flags).cache !== false })),
  );
}

/** URLs and paths elsewhere are DVC's own to ask. */
export function isInside(path: string): boolean {
  return path !== ".." && !path.startsWith("../") && !/^(?:\w+:)?\//.test(path);
}

/** Nothing in it is left to DVC to resolve. */
export function isPlainStage(body: unknown): boolean {
  return !JSON.stringify(body ?? null).includes("${") && fieldsOf(body).foreach === undefined && fieldsOf(body).matrix === undefined;
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
