/**
 * What a `dvc.yaml` says of a stage in expressions: its `${…}` are resolved as dvc does, from `params.yaml`, `vars` and what `foreach` and
 * `matrix` vary. So is `wdir`, where the stage works, which `dvc.lock` does not repeat.
 */
import { posix } from "node:path";
import { loadYaml } from "../../config/yaml.ts";
import { ExpverError } from "../../errors.ts";
import { fieldsOf, isMapping, itemsOf, valueAt } from "../../platform/mapping.ts";

/** Text of a file by its path from the top; null: there is none. */
export type ReadText = (path: string) => string | null;

type Scope = Record<string, unknown>;

export interface StageTemplate {
  /** Relative to the file; what cannot be resolved is the file's own folder. */
  folder: string;
  /** A text of the stage's definition; null when it cannot be resolved, or Python writes a value in it otherwise than YAML has it. */
  resolve(text: string): string | null;
}

export interface StageTemplates {
  /** Of a stage by its name in `dvc.lock`. */
  of(stage: string): StageTemplate;
  /** What the stages that come from this one are called after its `@`; null: it is one stage, or only DVC knows. */
  keysOf(name: string): string[] | null;
  /** False for a stage that was renamed or removed, and for what is no item of a `foreach` or `matrix` any more. */
  has(stage: string): boolean;
}

/** Of `file`, a `dvc.yaml`, as it was read: `exact`. Files of its variables are read only when an expression asks for them. */
export function stageTemplates(top: Scope, file: string, textOf: ReadText): StageTemplates {
  const stages = fieldsOf(top.stages);
  let shared: Scope | undefined;
  const scope = () => {
    shared ??= varsOf(top.vars, file, textOf);
    return shared;
  };
  const bodyOf = (name: string) => (Object.hasOwn(stages, name) ? fieldsOf(stages[name]) : null);
  const keysOf = (name: string) => namesIn(bodyOf(name) ?? {}, scope);
  return {
    keysOf,
    has(stage) {
      const own = bodyOf(stage);
      if (own !== null) return !isVaried(own);
      const [name, key] = parted(stage);
      const around = bodyOf(name);
      return around !== null && isVaried(around) && keysOf(name)?.includes(key) !== false;
    },
    of(stage) {
      const [name, key] = parted(stage);
      const body = bodyOf(stage) ?? bodyOf(name) ?? {};
      const { wdir, vars } = fieldsOf(body.do ?? body);
      let all: Scope | undefined;
      const own = () => {
        all ??= { ...itemsOf(vars).filter(isMapping).reduce(merged, scope()), ...variedBy(body, key, scope()) };
        return all;
      };
      const fill = (text: string, write: typeof asText) => (text.includes("${") ? resolved(text, own(), write) : text);
      return {
        folder: typeof wdir === "string" ? (fill(wdir, asText) ?? ".") : ".",
        resolve: (text) => fill(text, asSureText),
      };
    },
  };
}

/** `name@key` comes from `name`. */
function parted(stage: string): [name: string, key: string] {
  const at = stage.indexOf("@");
  return at < 0 ? [stage, ""] : [stage.slice(0, at), stage.slice(at + 1)];
}

/** Several stages come from it. */
export function isVaried({ foreach: varied, matrix }: Scope): boolean {
  return varied !== undefined || matrix !== undefined;
}

function namesIn({ foreach: varied, matrix }: Scope, scope: () => Scope): string[] | null {
  const valued = (value: unknown) => (JSON.stringify(value ?? null).includes("${") ? valueIn(value, scope()) : value);
  const axes = valued(matrix);
  if (isMapping(axes)) {
    const names = Object.entries(axes).map(([axis, values]) => namesOf(values, axis));
    return names.reduce(
      (all, more) =>
        all === null || more === null ? null : all.flatMap((one) => more.map((name) => [one, name].filter(Boolean).join("-"))),
      [""],
    );
  }
  const values = valued(varied);
  return namesOf(isMapping(values) ? Object.keys(values) : values, "");
}

/** Values that have parts are counted. */
function namesOf(values: unknown, axis: string): string[] | null {
  if (!Array.isArray(values)) return null;
  const isCounted = axis === "" && values.some(hasParts);
  const names = values.map((value: unknown, index) => (isCounted || hasParts(value) ? `${axis}${index}` : asSureText(value)));
  return names.every((name) => name !== null) ? names : null;
}

function hasParts(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Null for what Python might write in its own way (`1e-3`, `0.10`, nothing at all). */
function asSureText(value: unknown): string | null {
  const text = asText(value);
  if (text === null || /^(?:|~|null|[-+]?\.inf|\.nan)$/i.test(text)) return null;
  return Number.isNaN(Number(text.replaceAll("_", ""))) || isPlainNumber(text) ? text : null;
}

/** Python writes it as it stands here. */
function isPlainNumber(text: string): boolean {
  const size = Math.abs(Number(text));
  return [text, text.replace(/\.0$/, "")].includes(String(Number(text))) && (size === 0 || size >= 1e-4) && size < 1e16;
}

function varsOf(vars: unknown, file: string, textOf: ReadText): Scope {
  const folder = posix.dirname(file);
  const read = (name: string): Scope => {
    const path = posix.join(folder, name);
    // Python and TOML are dvc's own to read.
    const text = /\.(?:ya?ml|json)$/i.test(path) && !path.startsWith("../") ? textOf(path) : null;
    return text === null ? {} : valuesIn(text, path);
  };
  const all = itemsOf(vars).map((item: unknown) => {
    if (typeof item !== "string") return fieldsOf(item);
    const [name = "", keys] = item.split(":");
    const values = read(name);
    return keys === undefined ? values : Object.fromEntries(keys.split(",").map((key) => [key.trim(), values[key.trim()]]));
  });
  return [read("params.yaml"), ...all].reduce(merged, {});
}

/** Of a file that cannot be read nothing is known; whoever reads it for itself says why. */
function valuesIn(text: string, path: string): Scope {
  try {
    return fieldsOf(loadYaml(text, path, { exact: true }));
  } catch (error) {
    if (error instanceof ExpverError) return {};
    throw error;
  }
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
    const axes = Object.entries(fieldsOf(valueIn(body.matrix, scope))).map(([axis, values]) => ({ axis, values: itemsOf(values) }));
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
  if (typeof value !== "string" || !value.includes("${")) return value;
  const [, whole] = /^\s*\$\{([^}]*)\}\s*$/.exec(value) ?? [];
  return whole === undefined ? (resolved(value, scope, asText) ?? value) : found(whole, scope);
}

/** What a value says is no expression again; `\\${` stands for itself. */
function resolved(text: string, scope: Scope, write: typeof asText): string | null {
  let isWhole = true;
  const result = text.replaceAll(/(?<!\\)\$\{([^}]*)\}/g, (_all, inner: string) => {
    const value = write(found(inner, scope));
    isWhole &&= value !== null;
    return value ?? "";
  });
  return isWhole ? result.replaceAll("\\${", "${") : null;
}

/** `a.b[0]`, `a[b]`. */
function found(expression: string, scope: Scope): unknown {
  return valueAt(scope, expression.trim().replaceAll("[", ".").replaceAll("]", "").split("."));
}

/** Of a scalar as it is written; null of others. */
function asText(value: unknown): string | null {
  if (typeof value !== "string") return null;
  return /^(?:true|false)$/i.test(value) ? value.toLowerCase() : value;
}
