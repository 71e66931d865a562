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
 * Throws E_POINTER.
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
    const { isDefined, wdir, flagsOf } = definitions(stage);
    // Left over from a stage that was renamed or removed: dvc does not look at it either.
    if (!isDefined) return [];
    const folder = posix.join(posix.dirname(file), wdir);
    return asList(fields.outs, file, `outs of ${stage}`).map((out) => {
      const flags = flagsOf(scalar(asFields(out, file, `an output of ${stage}`).path) ?? "");
      return { ...toPointer(out, { file, folder, isImport: false, stage }), ...flags };
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
  const index = parseLockFile(text, file, pipeline, textOf)
    .filter((one) => one.stage === stage)
    .findIndex((one) => one.path === path);
  const name = scalar(asFields(outs[index], file, `an output of ${stage}`).path) ?? "";
  return editLockEntry(text, name, { stages: [...stages, stage ?? ""], fields: contentFields(content) });
}

interface Definition {
  isDefined: boolean;
  wdir: string;
  flagsOf: (path: string) => Partial<Pointer>;
}

function readPipeline(text: string | null, file: string, textOf: ReadText): (stage: string) => Definition {
  const folderOf = stageFolders(text, file, textOf);
  const stages = text === null ? {} : asFields(readMapping(text, file).stages || {}, file, "stages");
  return (stage) => {
    // `name@key` comes from `name`, a `foreach` or `matrix` of stages.
    const [name = ""] = stage.split("@");
    const found = own(stages, stage) ?? own(stages, name);
    const body = found === undefined ? {} : asFields(found, file, `stage ${name}`);
    const definition = body.do === undefined ? body : asFields(body.do, file, `do of ${name}`);
    return { isDefined: text === null || found !== undefined, wdir: folderOf(stage), flagsOf: flagsIn(definition, file) };
  };
}

/** What `outs`, `metrics` and `plots` say of a path beyond its name. */
function flagsIn(definition: Fields, file: string): (path: string) => Partial<Pointer> {
  const said = (["outs", "metrics", "plots"] as const).flatMap((kind) => {
    const items = definition[kind];
    return (Array.isArray(items) ? items : []).flatMap((item: unknown) => {
      const named =
        typeof item === "string" ? [[item, null] as const] : typeof item === "object" && item !== null ? Object.entries(item) : [];
      return named.map(([written, flags]) => ({ written, flags, kind }));
    });
  });
  return (path) => {
    const found = said.find(({ written }) => hasShape(written, posix.normalize(path)));
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
function hasShape(written: string, path: string): boolean {
  const [first = "", ...rest] = posix.normalize(written).split(/\$\{[^}]*\}/);
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

function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}
