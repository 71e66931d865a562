/**
 * Stages of pipelines as far as `status` needs them: what each depends on, as `dvc.yaml` says it and as `dvc.lock` remembers it. Of a stage
 * with expressions that only DVC can resolve, no more is known than what the lock remembers.
 */

import { posix } from "node:path";
import { loadYaml } from "../config/yaml.ts";
import { fieldsOf, isMapping, itemsOf } from "../platform/mapping.ts";
import { isVaried, type ReadText, type StageTemplate, type StageTemplates, stageTemplates } from "../store/pointers/stage-templates.ts";
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
  /** As it is defined now; null: a list, or what only DVC can resolve. */
  command: string | null;
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
  const path = posix.join(folder, "dvc.yaml");
  const read = loadYaml(pipeline, path);
  refuseNoPipeline(read, path);
  const defined = fieldsOf(fieldsOf(read).stages);
  const top = fieldsOf(lock === null ? undefined : loadYaml(lock, file));
  const locked = fieldsOf(top.schema === undefined ? top : top.stages);
  const templates = stageTemplates(fieldsOf(loadYaml(pipeline, path, { exact: true })), path, textOf);
  const definitions = new Map<string, Fields>();
  for (const [stage, body] of Object.entries(defined).flatMap(([name, value]) => stagesOf(name, fieldsOf(value), templates))) {
    const definition = resolvedStage(body, templates.of(stage));
    if (definition !== null) definitions.set(stage, definition);
  }
  const remembered = Object.keys(locked).filter((stage) => templates.has(stage));
  return [...new Set([...definitions.keys(), ...remembered])].map((stage) => {
    const value = fieldsOf(defined[stage] ?? defined[stage.split("@")[0] ?? ""]);
    const body = fieldsOf(value.do ?? value);
    const record = Object.hasOwn(locked, stage) ? fieldsOf(locked[stage]) : null;
    const at = { file, stage, folder: posix.join(folder, templates.of(stage).folder) };
    return stageOf(at, { definition: definitions.get(stage) ?? null, body, record });
  });
}

/** Those that one entry of `dvc.yaml` makes, each with the body they share; none when only DVC can tell. */
function stagesOf(name: string, body: Fields, templates: StageTemplates): [stage: string, body: Fields][] {
  if (!isVaried(body)) return [[name, body]];
  return (templates.keysOf(name) ?? []).map((key) => [`${name}@${key}`, fieldsOf(body.do ?? body)]);
}

/** Null when only DVC can resolve it. Without a command where that is so of the command alone. */
function resolvedStage(body: Fields, { resolve }: StageTemplate): Fields | null {
  const { cmd, ...others } = Object.fromEntries(["cmd", "deps", "params", "outs", "metrics", "plots"].map((key) => [key, body[key]]));
  const rest = resolvedValue(others, resolve);
  const command = resolvedValue(cmd, resolve);
  return rest === UNRESOLVED ? null : { ...fieldsOf(rest), ...(command === UNRESOLVED ? {} : { cmd: command }) };
}

const UNRESOLVED = Symbol("unresolved");

function resolvedValue(value: unknown, resolve: StageTemplate["resolve"]): unknown {
  if (typeof value === "string") return resolve(value) ?? UNRESOLVED;
  if (Array.isArray(value)) {
    const items = value.map((one) => resolvedValue(one, resolve));
    return items.includes(UNRESOLVED) ? UNRESOLVED : items;
  }
  if (!isMapping(value)) return value;
  const entries = Object.entries(value).map(([key, one]) => [resolve(key), resolvedValue(one, resolve)] as const);
  return entries.some(([key, one]) => key === null || one === UNRESOLVED) ? UNRESOLVED : Object.fromEntries(entries);
}

function stageOf(
  { file, stage, folder }: { file: string; stage: string; folder: string },
  { definition, body, record }: { definition: Fields | null; body: Fields; record: Fields | null },
): Stage {
  // URLs and absolute paths stay what they are, to be told from ours.
  const place = (path: string) => (/^(?:\w+:)?\//.test(path) ? path : posix.join(folder, path));
  const recorded = new Map(itemsOf(record?.deps).map((dep) => [place(String(fieldsOf(dep).path)), fieldsOf(dep)]));
  const dependencies = definition === null ? [...recorded.keys()] : pathsOf(definition.deps).map(place);
  const bare = (path: string) => place(path).replace(/(?<=.)\/$/, "");
  const outputs = new Set(itemsOf(record?.outs).map((out) => bare(String(fieldsOf(out).path))));
  const described = ["outs", "metrics", "plots"].flatMap((kind) => outputsOf(definition?.[kind]));
  const command = definition?.cmd;
  return {
    file,
    stage,
    isLocked: record !== null,
    isFrozen: body.frozen === true,
    // What needs nothing and makes nothing is run whenever it is asked.
    isAlwaysChanged: body.always_changed === true || (definition !== null && isCallback(definition)),
    hasOtherCommand: record !== null && command !== undefined && JSON.stringify(command) !== JSON.stringify(record.cmd),
    command: typeof command === "string" ? command : null,
    files: dependencies.filter(isInside).map((path) => hashIn(path, recorded.get(path))),
    params: paramsOf({ definition, record, place }),
    newOutputs: described
      .filter(({ path }) => isInside(place(path)) && !outputs.has(bare(path)))
      .map(({ path, isCached }) => ({ path: bare(path), isCached })),
  };
}

function isCallback(definition: Fields): boolean {
  return ["deps", "params", "outs", "metrics", "plots"].every((kind) => itemsOf(definition[kind]).length === 0);
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
  for (const item of itemsOf(definition.params)) {
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
  return itemsOf(list).flatMap((item) => (typeof item === "string" ? [item] : Object.keys(fieldsOf(item))));
}

export function outputsOf(list: unknown): Stage["newOutputs"] {
  return itemsOf(list).flatMap((item) =>
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
