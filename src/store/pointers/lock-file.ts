/** `dvc.lock`: the outputs of pipeline stages, read as tracked data. `dvc.yaml` tells where a stage works and what it does not cache. */

import { posix } from "node:path";
import { isMapping } from "../../platform/mapping.ts";
import type { OutputContent, Pointer } from "../types.ts";
import { editLockEntry } from "./pointer-edit.ts";
import { asFields, asList, type Fields, readMapping, refuseUnknown, text as scalar, toPointer, truth } from "./pointer-fields.ts";
import { contentFields } from "./pointer-file.ts";
import { type ReadText, stageFolders } from "./stage-folder.ts";

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
      const pointer = toPointer(out, { file, folder, isImport: false, stage });
      const path = scalar(asFields(out, file, `an output of ${stage}`).path) ?? "";
      return makes(path) ? [{ ...pointer, ...flagsOf(path) }] : [];
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
  const out = outs.find((one) => toPointer(one, { file, folder, isImport: false }).path === path);
  const name = scalar(asFields(out, file, `an output of ${stage}`).path) ?? "";
  return editLockEntry(text, name, { stages: [...stages, stage ?? ""], fields: contentFields(content) });
}

interface Definition {
  isDefined: boolean;
  wdir: string;
  /** Of a path in `dvc.lock`: whether it is still an output of the stage. */
  makes: (path: string) => boolean;
  flagsOf: (path: string) => Partial<Pointer>;
}

function readPipeline(text: string | null, file: string, textOf: ReadText): (stage: string) => Definition {
  const folderOf = stageFolders(text, file, textOf);
  const stages = text === null ? {} : asFields(readMapping(text, file).stages || {}, file, "stages");
  return (stage) => {
    // `name@key` comes from `name`, a `foreach` or `matrix` of stages.
    const at = stage.indexOf("@");
    const name = at < 0 ? stage : stage.slice(0, at);
    const found = own(stages, stage) ?? own(stages, name);
    const body = found === undefined ? {} : asFields(found, file, `stage ${name}`);
    const keys = keysOf(body);
    const definition = body.do === undefined ? body : asFields(body.do, file, `do of ${name}`);
    const said = outputsIn(definition);
    return {
      isDefined: text === null || (found !== undefined && (at < 0 || keys === null || keys.includes(stage.slice(at + 1)))),
      wdir: folderOf(stage),
      // `live` of DVC 2 named several at once.
      makes: (path) => text === null || definition.live !== undefined || said.some(({ written }) => hasShape(written, path)),
      flagsOf: flagsOf(said, file),
    };
  };
}

/** What the stages of a `foreach` or `matrix` are called; null: DVC knows, or there is none. */
function keysOf({ foreach: varied, matrix }: Fields): string[] | null {
  if (isMapping(matrix)) {
    const axes = Object.entries(matrix).map(([axis, values]) => namesOf(values, axis));
    return axes.reduce(
      (all, names) => all && names && (all.length === 0 ? names : all.flatMap((one) => names.map((more) => `${one}-${more}`))),
      [],
    );
  }
  return isMapping(varied) ? Object.keys(varied) : namesOf(varied, "");
}

/** Values that have parts are counted. What Python writes otherwise than YAML has it (numbers with a point) is DVC's to name. */
function namesOf(values: unknown, axis: string): string[] | null {
  if (!Array.isArray(values)) return null;
  const hasParts = (value: unknown) => typeof value === "object" && value !== null;
  const isCounted = axis === "" && values.some(hasParts);
  const names = values.map((value: unknown, index) => (isCounted || hasParts(value) ? `${axis}${index}` : nameOf(scalar(value) ?? "")));
  return names.every((name) => name !== null) ? names : null;
}

function nameOf(text: string): string | null {
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase();
  const isInteger = /^(?:0|[1-9]\d*)$/.test(text);
  const isSure = text !== "" && !text.includes("${") && !/^(?:null|~)$/i.test(text) && (isInteger || Number.isNaN(Number(text)));
  return isSure ? text : null;
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
    return (Array.isArray(items) ? items : []).flatMap((item: unknown) => {
      const named =
        typeof item === "string" ? [[item, null] as const] : typeof item === "object" && item !== null ? Object.entries(item) : [];
      return named.map(([written, flags]) => ({ written, flags, kind }));
    });
  });
}

/** What is said of a path beyond its name. */
function flagsOf(said: readonly SaidOutput[], file: string): (path: string) => Partial<Pointer> {
  return (path) => {
    const found = said.find(({ written }) => hasShape(written, path));
    const role = found === undefined || found.kind === "outs" ? {} : { role: found.kind };
    const flags = found?.flags;
    if (!isMapping(flags)) return role;
    const remote = scalar(flags.remote);
    return {
      ...role,
      cache: truth(flags.cache, file, "cache", true),
      push: truth(flags.push, file, "push", true),
      ...(remote === undefined ? {} : { remote }),
    };
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

function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}
