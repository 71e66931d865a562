/** `expver data config` and `expver data cache dir`: DVC's settings, read and written as dvc does. */

import { relative } from "node:path";
import { type Place, topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { CONFIG_LEVELS, type ConfigLevel, configFile, isPathOption, readDvcConfig, readLevel } from "../../../store/settings/dvc-config.ts";
import type { Input } from "../../contract.ts";
import { textIn } from "../../input.ts";
import {
  type ConfigAnswer,
  configError,
  configWorkflow,
  editLevel,
  levelOf,
  requirePlace,
  sectionOf,
  storedConfigPath,
  textOf,
} from "./config-plan.ts";

export const dataConfig = configWorkflow("data config", (project, context, input) => {
  const level = levelOf(input);
  refuseContradiction(input);
  if (input.list === true) return listAll(project, level, input.showOrigin === true);
  const { section, option } = parseName(input.name);
  // As dvc: to unset says it all, whatever else is said.
  const value = input.unset === true ? undefined : textIn(input.value);
  if (level !== null) requirePlace(project, level);
  if (value === undefined && input.unset !== true)
    return readOne(project, { level, section, option, showOrigin: input.showOrigin === true });
  return { edits: [setOne(project, context, { level: level ?? "repo", section, option, value })] };
});

/** With the code of dvc's command, which looks at this itself. Throws E_USAGE. */
function refuseContradiction({ list, showOrigin, unset, name, value }: Input): void {
  const refuse = (message: string, hint: string) => new ExpverError("E_USAGE", message, { hint, details: { dialect: "dvc", exitCode: 1 } });
  if (showOrigin === true && (unset === true || value !== undefined))
    throw refuse("--show-origin only reads", "Leave out --unset and the value.");
  if (list === true && (unset === true || name !== undefined)) throw refuse("--list takes no name", "Leave out --list, or the rest.");
  if (list !== true && name === undefined)
    throw refuse("which option?", "Names are section.option or remote.NAME.option; --list shows them.");
}

export const dataCacheDir = configWorkflow("data cache dir", (project, context, input) => {
  const level = levelOf(input);
  const value = input.unset === true ? undefined : textIn(input.value);
  if (value !== undefined || input.unset === true)
    return { edits: [setOne(project, context, { level: level ?? "repo", section: "cache", option: "dir", value })] };
  if (level === null && project.dvcRoot !== null) return { lines: [readDvcConfig(project).cache.dir] };
  const [dir] = (level === null ? CONFIG_LEVELS : [level])
    .map((one) => readLevel(project, one).get("cache")?.get("dir"))
    .filter((one) => one !== undefined)
    .reverse();
  if (dir === undefined) throw configError("option 'dir' doesn't exist in section 'cache'");
  return { lines: [textOf(dir)] };
});

interface Name {
  /** As in the file: `core`, `remote "x"`. */
  section: string;
  option: string;
}

/** `section.option` or `remote.name.option`. */
function parseName(typed: Input[string]): Name {
  const [, top, section, option] = /^(?:(remote|db)\.)?([^.]*)\.([^.]*)$/.exec(typeof typed === "string" ? typed : "") ?? [];
  if (section === undefined || option === undefined) {
    throw new ExpverError("E_USAGE", `${JSON.stringify(typed ?? "")} is no option name`, {
      hint: "Names are section.option or remote.NAME.option; --list shows those that are set.",
      details: { dialect: "dvc" },
    });
  }
  const name = section.toLowerCase();
  return { section: top === undefined ? name : `${top} "${name}"`, option: option.toLowerCase() };
}

/** `remote.NAME` is all that is said of that remote. */
function wholeSection(section: string, option: string): string | null {
  return ["remote", "machine", "db"].includes(section) ? `${section} "${option}"` : null;
}

/** A mapping as dvc prints it. */
function asPython(options: ReadonlyMap<string, string | string[]>): string {
  const quoted = (text: string) => {
    const escaped = text.replaceAll("\\", "\\\\");
    return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
  };
  const shown = (value: string | string[]) => (typeof value === "string" ? quoted(value) : `[${value.map(quoted).join(", ")}]`);
  return `{${Array.from(options, ([key, value]) => `${quoted(key)}: ${shown(value)}`).join(", ")}}`;
}

function setOne(
  project: Place,
  context: Context,
  { level, section, option, value }: Name & { level: ConfigLevel; value: string | undefined },
) {
  const isPath = isPathOption(section, option);
  return editLevel(project, level, (sections) => {
    const whole = wholeSection(section, option);
    if (value === undefined && whole !== null && sections.delete(whole)) return;
    if (value === undefined) {
      if (!sections.get(section)?.has(option)) throw configError(`option '${option}' doesn't exist in section '${section}'`);
      sections.get(section)?.delete(option);
    } else sectionOf(sections, section).set(option, isPath ? storedConfigPath(project, context, { level, typed: value }) : value);
  });
}

function readOne(
  project: Place,
  { level, section, option, showOrigin }: Name & { level: ConfigLevel | null; showOrigin: boolean },
): ConfigAnswer {
  for (const one of level === null ? [...CONFIG_LEVELS].reverse() : [level]) {
    const sections = readLevel(project, one);
    const whole = sections.get(wholeSection(section, option) ?? "");
    const value = whole === undefined ? sections.get(section)?.get(option) : asPython(whole);
    if (value !== undefined) return { lines: [`${showOrigin ? origin(project, one) : ""}${textOf(value)}`] };
  }
  if (level !== null) throw configError(`option '${option}' doesn't exist in section '${section}'`);
  return {};
}

function listAll(project: Place, level: ConfigLevel | null, showOrigin: boolean): ConfigAnswer {
  if (level !== null) requirePlace(project, level);
  const lines = (level === null ? CONFIG_LEVELS : [level]).flatMap((one) =>
    [...readLevel(project, one)].flatMap(([section, options]) => {
      const [, kind, name] = /^(remote|machine|db)\s*"(.*)"$/.exec(section) ?? [];
      const prefix = kind === undefined ? section : `${kind}.${name}`;
      return [...options].map(([key, value]) => `${showOrigin ? origin(project, one) : ""}${prefix}.${key}=${textOf(value)}`);
    }),
  );
  return { lines };
}

function origin(project: Place, level: ConfigLevel): string {
  const file = configFile(project, level);
  return `${level === "repo" || level === "local" ? relative(project.dvcRoot ?? topOf(project), file) : file}\t`;
}
