/** `expver data remote …`: edits of DVC's configuration that name places to push to. */
import type { Place } from "../../../config/project.ts";
import { isSecretKey } from "../../../config/secrets.ts";
import { CONFIG_LEVELS, type ConfigLevel, isPathOption, mergeLevels, readLevel, remoteName } from "../../../store/settings/dvc-config.ts";
import type { Sections } from "../../../store/settings/dvc-config-file.ts";
import type { FileEdit } from "../../../store/types.ts";
import type { Input } from "../../contract.ts";
import { configError, configWorkflow, editLevel, levelOf, sectionOf, storedConfigPath, textOf } from "./config-plan.ts";

/** A key's name or the place of its file may be known. */
const NO_SECRETS = /(_id|path|file)$/;

export const remoteAdd = configWorkflow("data remote add", (project, context, input) => {
  const name = nameOf(input.name);
  const level = levelOf(input) ?? "repo";
  const url = storedConfigPath(project, context, { level, typed: wordOf(input.url) });
  const edit = editLevel(project, level, (sections) => {
    if (sections.has(header(name)) && input.force !== true)
      throw configError(`remote '${name}' already exists`, "Overwrite it with --force, or choose another name.");
    sections.delete(header(name));
    sections.set(header(name), new Map([["url", url]]));
    if (input.default === true) sectionOf(sections, "core").set("remote", name);
  });
  return { edits: [edit], lines: input.default === true ? [`Setting '${name}' as a default remote.`] : [] };
});

export const remoteList = configWorkflow("data remote list", (project, _context, input) => {
  const level = levelOf(input);
  const sections = level === null ? merged(project) : readLevel(project, level);
  const chosen = textOf(sections.get("core")?.get("remote"));
  return {
    lines: [...sections].flatMap(([section, options]) => {
      const name = remoteName(section);
      if (name === null) return [];
      const cells = [name, textOf(options.get("url")), ...(name === chosen ? ["(default)"] : [])];
      return [cells.map((cell, index) => (index < cells.length - 1 ? toNextStop(cell) : cell)).join("")];
    }),
  };
});

/** dvc prints a tab as the spaces up to the next multiple of eight. */
function toNextStop(cell: string): string {
  const width = [...cell].length;
  return cell + " ".repeat(8 - (width % 8));
}

export const remoteModify = configWorkflow("data remote modify", (project, context, input) => {
  const name = nameOf(input.name);
  const level = levelOf(input) ?? "repo";
  const option = wordOf(input.option);
  const value = wordOf(input.value);
  const edit = editLevel(project, level, (sections) => {
    if (!mergeLevels([...weakerThan(project, level), sections]).has(header(name))) throw noRemote(name);
    const section = sectionOf(sections, header(name));
    if (input.unset === true) section.delete(option);
    else section.set(option, isPathOption(header(name), option) ? storedConfigPath(project, context, { level, typed: value }) : value);
  });
  if (level === "repo" && input.unset !== true && isSecretKey(option) && !NO_SECRETS.test(option)) {
    context.report({
      kind: "warning",
      text: `${option} goes into .dvc/config, which Git tracks: the next commit publishes it`,
      hint: `Keep it to this clone: expver data remote modify --unset ${name} ${option} && expver data remote modify --local ${name} ${option} …`,
    });
  }
  return { edits: [edit] };
});

export const remoteRemove = configWorkflow("data remote remove", (project, _context, input) => {
  const name = nameOf(input.name);
  const level = levelOf(input) ?? "repo";
  const forget = (sections: Sections) => {
    if (textOf(sections.get("core")?.get("remote")) === name) sections.get("core")?.delete("remote");
  };
  return {
    edits: fromLevelOn(project, level, (sections, one) => {
      if (one === level && !sections.has(header(name))) throw noRemote(name);
      if (one === level || isAddition(sections, name)) sections.delete(header(name));
      forget(sections);
    }),
  };
});

export const remoteRename = configWorkflow("data remote rename", (project, _context, input) => {
  const name = nameOf(input.name);
  const next = nameOf(input.new);
  const level = levelOf(input) ?? "repo";
  if (merged(project).has(header(next))) throw configError(`Rename failed. Remote name '${next}' already exists.`);
  return {
    edits: fromLevelOn(project, level, (sections, one) => {
      const section = sections.get(header(name));
      if (one === level && section === undefined) throw noRemote(name);
      if (section !== undefined && (one === level || isAddition(sections, name))) {
        sections.delete(header(name));
        sections.set(header(next), section);
      }
      if (textOf(sections.get("core")?.get("remote")) === name) sectionOf(sections, "core").set("remote", next);
    }),
  };
});

export const remoteDefault = configWorkflow("data remote default", (project, _context, input) => {
  const level = levelOf(input);
  if (input.name === undefined && input.unset !== true) {
    const chosen = (level === null ? merged(project) : readLevel(project, level)).get("core")?.get("remote");
    return chosen === undefined ? { lines: ["No default remote set"], exitCode: 1 } : { lines: [textOf(chosen)] };
  }
  const target = level ?? "repo";
  const edit = editLevel(project, target, (sections) => {
    if (input.unset === true) {
      sections.get("core")?.delete("remote");
      return;
    }
    const name = nameOf(input.name);
    if (!mergeLevels([...weakerThan(project, target), sections]).has(header(name)))
      throw configError("default remote must be present in remote list.", "`expver data remote list` shows them.");
    sectionOf(sections, "core").set("remote", name);
  });
  return { edits: [edit] };
});

/** Edits of this level and of the stronger ones, which may add options to the same remote, and name it as default. */
function fromLevelOn(project: Place, level: ConfigLevel, change: (sections: Sections, level: ConfigLevel) => void): FileEdit[] {
  const edits: FileEdit[] = [];
  for (const one of CONFIG_LEVELS.slice(CONFIG_LEVELS.indexOf(level))) {
    const edit = editLevel(project, one, (sections) => change(sections, one), edits);
    if (edit.before !== edit.after) edits.push(edit);
  }
  return edits;
}

/** Left alone, options without a url would be a remote that dvc refuses, with everything else. */
function isAddition(sections: Sections, name: string): boolean {
  return sections.get(header(name))?.has("url") === false;
}

function weakerThan(project: Place, level: ConfigLevel): Sections[] {
  return CONFIG_LEVELS.slice(0, CONFIG_LEVELS.indexOf(level)).map((one) => readLevel(project, one));
}

function merged(project: Place): Sections {
  return mergeLevels(CONFIG_LEVELS.map((level) => readLevel(project, level)));
}

/** DVC's names of remotes have no capitals. */
function nameOf(typed: Input[string]): string {
  return wordOf(typed).toLowerCase();
}

function wordOf(typed: Input[string]): string {
  return typeof typed === "string" ? typed : "";
}

function header(name: string): string {
  return `remote "${name}"`;
}

function noRemote(name: string) {
  return configError(`remote '${name}' doesn't exist.`, "`expver data remote list` shows those there are.");
}
