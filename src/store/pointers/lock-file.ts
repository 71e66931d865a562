/** `dvc.lock`: the outputs of pipeline stages, read as tracked data. `dvc.yaml` tells where a stage works and what it does not cache. */

import { posix } from "node:path";
import { setYamlSource } from "../../config/edit-yaml.ts";
import { isMapping, itemsOf, own } from "../../platform/mapping.ts";
import type { OutputContent, Pointer } from "../types.ts";
import { editLockEntry } from "./pointer-edit.ts";
import {
  asFields,
  asList,
  type Fields,
  liesElsewhere,
  readMapping,
  refuseUnknown,
  text as scalar,
  toPointer,
  truth,
} from "./pointer-fields.ts";
import { contentFields } from "./pointer-file.ts";
import { type ReadText, stageTemplates } from "./stage-templates.ts";

const TOP_KEYS = new Set(["schema", "stages", "datasets"]);
const STAGE_KEYS = new Set(["cmd", "deps", "params", "outs"]);

const NO_FILES: ReadText = () => null;

/**
 * Outputs of every stage. `pipeline` is the text of the `dvc.yaml` beside it, null when there is none; `textOf` reads the files of its `vars`.
 * What the stage's definition makes no more (renamed, or taken out, and not run since) is none, as for dvc. Throws E_POINTER.
 */
export function parseLockFile(text: string, file: string, pipeline: string | null = null, textOf = NO_FILES): Pointer[] {
  const top = readMapping(text, file);
  // Before schema 2.0 the stages stood at the top.
  const isOldest = top.stages === undefined && top.schema === undefined;
  if (!isOldest) refuseUnknown(top, TOP_KEYS, file);
  const stages = isOldest ? top : asFields(top.stages || {}, file, "stages");
  const definitions = readPipeline(pipeline, posix.join(posix.dirname(file), "dvc.yaml"), textOf);
  return Object.entries(stages).flatMap(([stage, value]) => {
    const fields = asFields(value, file, `stage ${stage}`);
    refuseUnknown(fields, STAGE_KEYS, file);
    const { isDefined, wdir, makes, flagsOf } = definitions(stage);
    // Left over from a stage that was renamed or removed: dvc does not look at it either.
    if (!isDefined) return [];
    const folder = posix.join(posix.dirname(file), wdir);
    return asList(fields.outs, file, `outs of ${stage}`).flatMap((out) => {
      const path = scalar(asFields(out, file, `an output of ${stage}`).path) ?? "";
      const flags = flagsOf(path);
      if (flags.cache === false && liesElsewhere(path, folder)) return [];
      const pointer = toPointer(out, { file, folder, isImport: false, stage });
      return makes(path) ? [{ ...pointer, ...flags }] : [];
    });
  });
}

/** The text saying of a stage's output what its bytes are now, as `dvc commit` would; nothing else of it changes. Throws E_POINTER. */
export function renderLockFile(
  text: string,
  { pipeline, textOf }: { pipeline: string | null; textOf: ReadText },
  { file, stage, path }: Pointer,
  content: OutputContent,
): string {
  const top = readMapping(text, file);
  const stages = top.stages === undefined && top.schema === undefined ? [] : ["stages"];
  const around = stages.length === 0 ? top : asFields(top.stages, file, "stages");
  const outs = asList(asFields(around[stage ?? ""], file, `stage ${stage}`).outs, file, `outs of ${stage}`);
  const { wdir } = readPipeline(pipeline, posix.join(posix.dirname(file), "dvc.yaml"), textOf)(stage ?? "");
  const folder = posix.join(posix.dirname(file), wdir);
  const isMeant = (one: unknown) =>
    !liesElsewhere(asFields(one, file, `an output of ${stage}`).path, folder) &&
    toPointer(one, { file, folder, isImport: false }).path === path;
  const out = outs.find(isMeant);
  const name = scalar(asFields(out, file, `an output of ${stage}`).path) ?? "";
  return editLockEntry(text, name, { stages: [...stages, stage ?? ""], fields: contentFields(content) });
}

/** What a stage was made of, as it is to be said. */
export interface LockedStage {
  file: string;
  stage: string;
  /** By path from the top; those that are not named stay. */
  deps: ReadonlyMap<string, OutputContent>;
  /** `path` of the file from the top; `source`: YAML, on one line. */
  params: { path: string; name: string; source: string }[];
  /** YAML, on one line; null: the same. */
  command: string | null;
}

/** The text saying it; nothing else of it changes. Throws E_POINTER, E_CONFIG. */
export function renderLockedStage(
  text: string,
  { pipeline, textOf }: { pipeline: string | null; textOf: ReadText },
  { file, stage, deps, params, command }: LockedStage,
): string {
  const top = readMapping(text, file);
  const at = top.stages === undefined && top.schema === undefined ? [stage] : ["stages", stage];
  const fields = asFields(asFields(top.stages ?? top, file, "stages")[stage], file, `stage ${stage}`);
  const { wdir } = readPipeline(pipeline, posix.join(posix.dirname(file), "dvc.yaml"), textOf)(stage);
  const place = (path: string) => posix.join(posix.dirname(file), wdir, path).replace(/(?<=.)\/$/, "");
  let after = text;
  for (const dep of asList(fields.deps, file, `deps of ${stage}`)) {
    const path = scalar(asFields(dep, file, `a dependency of ${stage}`).path) ?? "";
    const content = deps.get(place(path));
    if (content !== undefined) after = editLockEntry(after, path, { stages: at, list: "deps", fields: contentFields(content) });
  }
  const files = Object.keys(asFields(fields.params ?? {}, file, `params of ${stage}`));
  for (const { path, name, source } of params) {
    const written = files.find((one) => place(one) === path);
    if (written !== undefined) after = setYamlSource(after, [...at, "params", written, name], source);
  }
  return command === null ? after : setYamlSource(after, [...at, "cmd"], command);
}

interface Definition {
  isDefined: boolean;
  wdir: string;
  /** Of a path in `dvc.lock`: whether it is still an output of the stage. */
  makes: (path: string) => boolean;
  flagsOf: (path: string) => Partial<Pointer>;
}

function readPipeline(text: string | null, file: string, textOf: ReadText): (stage: string) => Definition {
  const top = text === null ? {} : readMapping(text, file);
  const templates = stageTemplates(top, file, textOf);
  const stages = asFields(top.stages || {}, file, "stages");
  return (stage) => {
    // `name@key` comes from `name`, a `foreach` or `matrix` of stages.
    const [name = ""] = stage.split("@");
    const found = own(stages, stage) ?? own(stages, name);
    const body = found === undefined ? {} : asFields(found, file, `stage ${name}`);
    const { folder, resolve } = templates.of(stage);
    const definition = body.do === undefined ? body : asFields(body.do, file, `do of ${name}`);
    const outputs = outputsSaid(definition, resolve);
    return {
      isDefined: text === null || templates.has(stage),
      wdir: folder,
      // `live` of DVC 2 named several at once.
      makes: (path) => text === null || definition.live !== undefined || outputs(path) !== undefined,
      flagsOf: (path) => flagsOf(outputs(path), file),
    };
  };
}

interface SaidOutput {
  /** As it is written, expressions and all. */
  written: string;
  flags: unknown;
  kind: "outs" | "metrics" | "plots";
}

function outputsIn(definition: Fields): SaidOutput[] {
  return (["outs", "metrics", "plots"] as const).flatMap((kind) => {
    const items = definition[kind];
    return itemsOf(items).flatMap((item: unknown) => {
      const named =
        typeof item === "string" ? [[item, null] as const] : typeof item === "object" && item !== null ? Object.entries(item) : [];
      return named.map(([written, flags]) => ({ written, flags, kind }));
    });
  });
}

/** What is said of a path in `dvc.lock`: of what only DVC can resolve, by its shape. */
function outputsSaid(definition: Fields, resolve: (text: string) => string | null): (path: string) => SaidOutput | undefined {
  let known: { resolved: Map<string, SaidOutput>; unresolved: SaidOutput[] } | undefined;
  const all = () => {
    const said = outputsIn(definition);
    return {
      resolved: new Map(said.toReversed().map((one) => [plain(resolve(one.written) ?? one.written), one])),
      unresolved: said.filter(({ written }) => resolve(written) === null),
    };
  };
  return (path) => {
    known ??= all();
    return known.resolved.get(plain(path)) ?? known.unresolved.find(({ written }) => hasShape(written, path));
  };
}

function flagsOf(said: SaidOutput | undefined, file: string): Partial<Pointer> {
  const role = said === undefined || said.kind === "outs" ? {} : { role: said.kind };
  const flags = said?.flags;
  if (!isMapping(flags)) return role;
  const remote = scalar(flags.remote);
  return {
    ...role,
    cache: truth(flags.cache, file, "cache", true),
    push: truth(flags.push, file, "push", true),
    ...(remote === undefined ? {} : { remote }),
  };
}

/** `models/${item}.bin` stands for every path of that shape. */
function hasShape(written: string, named: string): boolean {
  const path = plain(named);
  const [first = "", ...rest] = plain(written).split(/\$\{[^}]*\}/);
  const last = rest.pop();
  if (last === undefined) return first === path;
  if (!path.startsWith(first) || !path.endsWith(last) || path.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    at = path.indexOf(part, at);
    if (at < 0) return false;
    at += part.length;
  }
  return at <= path.length - last.length;
}

function plain(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, "");
}
