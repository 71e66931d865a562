/**
 * Where a stage works: the `wdir` of `dvc.yaml`, which `dvc.lock` does not repeat. Its `${…}` are resolved as dvc does, from `params.yaml`, `vars` and
 * what `foreach` and `matrix` vary.
 */
import { posix } from "node:path";
import { loadYaml } from "../../config/yaml.ts";
import { fieldsOf, isMapping } from "../../platform/mapping.ts";

/** Text of a file by its path from the top; null: there is none. */
export type ReadText = (path: string) => string | null;

type Scope = Record<string, unknown>;

/** Of each stage of `file`, a `dvc.yaml`, by its name in `dvc.lock`: relative to that file. What cannot be resolved is the file's own folder. */
export function stageFolders(pipeline: string | null, file: string, textOf: ReadText): (stage: string) => string {
  if (pipeline === null || !/\bwdir\b/.test(pipeline)) return () => ".";
  const top = fieldsOf(loadYaml(pipeline, file, { exact: true }));
  const stages = fieldsOf(top.stages);
  let shared: Scope | undefined;
  const scope = () => {
    shared ??= varsOf(top.vars, file, textOf);
    return shared;
  };
  return (stage) => {
    const at = stage.indexOf("@");
    const [name, key] = at < 0 ? [stage, ""] : [stage.slice(0, at), stage.slice(at + 1)];
    const body = fieldsOf(Object.hasOwn(stages, stage) ? stages[stage] : stages[name]);
    const { wdir } = fieldsOf(body.do ?? body);
    if (typeof wdir !== "string") return ".";
    if (!wdir.includes("${")) return wdir;
    return resolved(wdir, { ...scope(), ...variedBy(body, key, scope()) }) ?? ".";
  };
}

function varsOf(vars: unknown, file: string, textOf: ReadText): Scope {
  const folder = posix.dirname(file);
  const read = (name: string): Scope => {
    const path = posix.join(folder, name);
    // Python and TOML are dvc's own to read.
    const text = /\.(?:ya?ml|json)$/i.test(path) && !path.startsWith("../") ? textOf(path) : null;
    return text === null ? {} : fieldsOf(loadYaml(text, path, { exact: true }));
  };
  const all = (Array.isArray(vars) ? vars : []).map((item: unknown) => {
    if (typeof item !== "string") return fieldsOf(item);
    const [name = "", keys] = item.split(":");
    const values = read(name);
    return keys === undefined ? values : Object.fromEntries(keys.split(",").map((key) => [key.trim(), values[key.trim()]]));
  });
  return [read("params.yaml"), ...all].reduce(merged, {});
}

function merged(one: Scope, other: Scope): Scope {
  const result = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const before = result[key];
    result[key] = isMapping(before) && isMapping(value) ? merged(before, value) : value;
  }
  return result;
}

/** `item` and `key` of the stage that is called so. */
function variedBy(body: Record<string, unknown>, key: string, scope: Scope): Scope {
  if (body.matrix !== undefined) {
    const axes = Object.entries(fieldsOf(valueIn(body.matrix, scope))).map(([axis, values]) => ({ axis, values: listOf(values) }));
    return { key, item: pointOf(axes, key) ?? {} };
  }
  const varied = valueIn(body.foreach, scope);
  if (isMapping(varied)) return { key, item: varied[key] };
  const isComposite = Array.isArray(varied) && varied.some((one) => typeof one === "object" && one !== null);
  return { key, item: isComposite ? varied[Number(key)] : key };
}

interface Axis {
  axis: string;
  values: unknown[];
}

/** The values of all axes that together are called `name`. */
function pointOf([first, ...others]: readonly Axis[], name: string): Scope | null {
  if (first === undefined) return name === "" ? {} : null;
  for (const [index, value] of first.values.entries()) {
    const part = typeof value === "object" && value !== null ? `${first.axis}${index}` : asText(value);
    const end = others.length === 0 ? "" : "-";
    if (part === null || !name.startsWith(part + end) || (end === "" && name !== part)) continue;
    const rest = pointOf(others, name.slice(part.length + end.length));
    if (rest !== null) return { [first.axis]: value, ...rest };
  }
  return null;
}

function valueIn(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((one) => valueIn(one, scope));
  if (isMapping(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, valueIn(one, scope)]));
  const [, whole] = (typeof value === "string" && /^\s*\$\{([^}]*)\}\s*$/.exec(value)) || [];
  return whole === undefined ? value : found(whole, scope);
}

function resolved(text: string, scope: Scope): string | null {
  let isWhole = true;
  const result = text.replaceAll(/(?<!\\)\$\{([^}]*)\}/g, (_all, inner: string) => {
    const value = asText(found(inner, scope));
    isWhole &&= value !== null;
    return value ?? "";
  });
  return isWhole ? result : null;
}

/** `a.b[0]`, `a[b]`. */
function found(expression: string, scope: Scope): unknown {
  const names = expression.trim().replaceAll("[", ".").replaceAll("]", "").split(".");
  return names.reduce((value: unknown, name) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    return (value as Record<string, unknown>)[name];
  }, scope);
}

/** Of a scalar as it is written; null of others. */
function asText(value: unknown): string | null {
  if (typeof value !== "string") return null;
  return /^(?:true|false)$/i.test(value) ? value.toLowerCase() : value;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
