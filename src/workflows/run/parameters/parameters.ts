/** Parameters of a run: what was typed and what `params.yaml` says, as exact text, and how they reach the command. */

import { basename, join } from "node:path";
import type { Project } from "../../../config/project.ts";
import { isSecretKey } from "../../../config/secrets.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { stringSource, typedSource } from "../../../config/yaml-text.ts";
import { ambiguousScalars } from "../../../config/yaml-versions.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { isMapping } from "../../../platform/mapping.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { canonicalParameter } from "../../../versions/exact-numbers.ts";
import { flatten, namesOfMany } from "./flatten.ts";
import { withoutSettings } from "./sweep-keys.ts";

/** `k=v` texts of the command line. The last of a name wins, as in most programs. */
export function parseGiven(
  texts: readonly string[],
  { option, example } = { option: "--param ", example: "--param lr=0.1" },
): Record<string, string> {
  const entries = texts.map((text): [string, string] => {
    const at = text.indexOf("=");
    const name = text.slice(0, Math.max(at, 0)).trim();
    if (name === "") {
      throw new ExpverError("E_USAGE", `${option}${JSON.stringify(text)} is not of the form name=value`, {
        hint: `Write ${example}`,
        details: { received: text },
      });
    }
    return [name, text.slice(at + 1)];
  });
  return Object.fromEntries(entries);
}

/** The parameters of the project's `params:` file, nested keys joined with dots; none when the project names no file. */
export function readParameterFile({ root, config }: Project): Record<string, string> {
  if (config.params === null) return {};
  const text = readTextIfExists(join(root, config.params));
  return text === null ? {} : parametersIn(text, basename(config.params));
}

/** Those of one text of it. */
export function parametersIn(text: string, file: string): Record<string, string> {
  return isForeign(file) ? {} : flatten(withoutSettings(loadYaml(text, file, { exact: true })));
}

/** dvc reads these too. */
function isForeign(file: string): boolean {
  return /\.(?:toml|py)$/i.test(file);
}

/** What would else be missing in every version, and in the environment of the program, without a word. */
export function warnUnread(
  { root, config }: Project,
  { report }: Pick<Context, "report">,
  parameters: Readonly<Record<string, string>>,
): void {
  const file = config.params;
  const text = file === null ? null : readTextIfExists(join(root, file));
  if (file === null || text === null) return;
  const value = isForeign(file) ? text : loadYaml(text, basename(file), { exact: true });
  if (value !== undefined && !isMapping(value)) {
    report({
      kind: "warning",
      text: `no parameters are read from ${file}: they come from the names in a YAML or JSON file`,
      hint: `Name such a file in expver.yaml: params: params.yaml. Or give what varies: --param lr=0.1`,
    });
  }
  if (!isForeign(file)) warnOfMany(file, namesOfMany(withoutSettings(value)), report);
  if (isShort(parameters)) return;
  report({
    kind: "warning",
    text: `${file} has too many parameters for the environment of a program: EXPVER_PARAMS has those only that were given`,
    hint: `The program finds all of them in ${file}.`,
  });
}

function warnOfMany(file: string, found: ReturnType<typeof namesOfMany>, report: Context["report"]): void {
  const [first] = found;
  if (first === undefined) return;
  const named = found.slice(0, 5).map(([name, values]) => `${name} (${values.join(", ")})`);
  const more = found.length > 5 ? `, and ${found.length - 5} more` : "";
  report({
    kind: "warning",
    text: `${file} has more than one value of ${named.join(", ")}${more}: the version has the last one only`,
    hint: `A key ${first[0]} and keys below one another are one name. Keep one of them, or rename it.`,
  });
}

/** In place the file stays the user's: a program that reads it runs with what it says, whatever the version says. */
export function warnContradicted(
  project: Project,
  { report }: Pick<Context, "report">,
  { given, argv }: { given: Readonly<Record<string, string>>; argv: readonly string[] },
): void {
  const inFile = readParameterFile(project);
  const found = Object.entries(given).flatMap(([name, value]): Contradiction[] => {
    const typed = parametersIn(`${stringSource(name)}: ${typedSource(value)}\n`, "typed.yaml");
    const inside = saidOf(inFile, name, { isWhole: /^[[{]/.test(typedSource(value)) });
    const isSame = inside.length === 0 || isAlike(inside, Object.entries(typed));
    return isSame || argv.some((word) => word.includes(`{${name}}`)) ? [] : [{ name, value, inside }];
  });
  const [first] = found;
  if (first === undefined) return;
  const file = project.config.params;
  const { name, value } = first;
  const said = found.flatMap(({ inside }) => inside.map(([one, text]) => (isSecretKey(one) ? one : `${one}: ${text}`))).join(", ");
  report({
    kind: "warning",
    text: `${file} says ${said}: a program that reads the file runs with that, and not with what --param says`,
    hint: `Change the file instead, or write {${name}} into the command. In a sweep the file is changed for each run: expver sweep --grid ${shellWord(`${name}=${isSecretKey(name) ? "…" : value}`)}`,
  });
}

interface Contradiction {
  name: string;
  value: string;
  /** What the file has of it. */
  inside: [name: string, value: string][];
}

/** `isWhole`: with those of a list or mapping, where one is given: `model=bert` does not speak of `model.depth`. */
function saidOf(
  parameters: Readonly<Record<string, string>>,
  name: string,
  { isWhole }: { isWhole: boolean },
): [name: string, value: string][] {
  return Object.entries(parameters).filter(([one]) => one === name || (isWhole && one.startsWith(`${name}.`)));
}

function isAlike(one: readonly [string, string][], other: readonly [string, string][]): boolean {
  const isSame = (a: string, b: string) => canonicalParameter(a) === canonicalParameter(b);
  return (
    one.length === other.length && one.every(([name, value], index) => name === other[index]?.[0] && isSame(value, other[index]?.[1] ?? ""))
  );
}

/** What Python reads as something else than programs with YAML 1.2 do; nothing is changed. */
export function warnAmbiguous({ root, config }: Project, { report }: Pick<Context, "report">): void {
  const text = config.params === null ? null : readTextIfExists(join(root, config.params));
  const found = text === null || config.params === null || isForeign(config.params) ? [] : ambiguousScalars(text, basename(config.params));
  const [first] = found;
  if (first === undefined) return;
  const named = found.slice(0, 5).map(({ name, text: value, old }) => `${name}: ${value} (${old} to Python's PyYAML)`);
  const more = found.length > 5 ? `, and ${found.length - 5} more` : "";
  report({
    kind: "warning",
    text: `${config.params} has values that YAML 1.1 and 1.2 read differently: ${named.join(", ")}${more}`,
    hint: `Write what both read alike, such as ${first.name}: ${first.clear}, or quote what is a text.`,
  });
}

/** `{name}` of a known parameter becomes its value; all other braces stay (JSON, templates of the program). */
export function substitute(argv: readonly string[], parameters: Readonly<Record<string, string>>): { argv: string[]; unknown: string[] } {
  const unknown = new Set<string>();
  const filled = argv.map((argument) =>
    argument.replace(/\{([A-Za-z_][\w.-]*)\}/g, (whole, name: string) => {
      if (Object.hasOwn(parameters, name)) return parameters[name] ?? "";
      if (argument === whole || argument.endsWith(`=${whole}`)) unknown.add(name);
      return whole;
    }),
  );
  return { argv: filled, unknown: [...unknown] };
}

/**
 * `EXPVER_PARAM_<NAME>` for each and `EXPVER_PARAMS`, a JSON object in which numbers keep the digits they were written with. Of more than a
 * system starts a program with, only those that were given.
 */
export function parameterEnvironment(
  parameters: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>> = parameters,
): Record<string, string> {
  const passed = isShort(parameters) ? parameters : given;
  const names = Object.entries(passed).map(([name, value]) => [`EXPVER_PARAM_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`, value]);
  return { ...Object.fromEntries(names), EXPVER_PARAMS: jsonText(passed) };
}

// Linux takes 128 KiB for one variable.
const LONGEST = 100_000;

function isShort(parameters: Readonly<Record<string, string>>): boolean {
  return Buffer.byteLength(jsonText(parameters)) <= LONGEST;
}

function jsonText(parameters: Readonly<Record<string, string>>): string {
  const members = Object.entries(parameters).map(([name, value]) => `${JSON.stringify(name)}: ${jsonOf(value)}`);
  return `{${members.join(", ")}}`;
}

function jsonOf(value: string): string {
  return /^(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|true|false|null)$/.test(value) ? value : JSON.stringify(value);
}
