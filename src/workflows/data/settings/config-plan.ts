/** What the commands that read and edit DVC's configuration have in common. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fromTop } from "../../../config/paths.ts";
import { findPlace, type Place, topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { perform } from "../../../journal/perform.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists, writeFileAtomic } from "../../../platform/files.ts";
import { homeFolder } from "../../../platform/home.ts";
import { CONFIG_LEVELS, type ConfigLevel, configFile, isUrl, mergeLevels, readLevel } from "../../../store/settings/dvc-config.ts";
import { parseDvcConfig, renderDvcConfig, type Sections } from "../../../store/settings/dvc-config-file.ts";
import { checkDvcConfig } from "../../../store/settings/dvc-options.ts";
import type { FileEdit } from "../../../store/types.ts";
import type { Input, Plan, ReadWorkflow, WriteWorkflow } from "../../contract.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";

export interface ConfigAnswer {
  edits?: FileEdit[];
  /** What the command says on stdout. */
  lines?: string[];
  exitCode?: number;
}

export interface ConfigResult {
  lines: string[];
  /** Files that were changed, as far as they lie in the repository relative to it. */
  changed: string[];
  exitCode: number;
}

type ConfigPlan = Plan & Required<ConfigAnswer>;

/** A workflow from one function that decides what to say and what to change. */
export function configWorkflow(
  command: string,
  decide: (project: Place, context: Context, input: Input) => ConfigAnswer,
): WriteWorkflow<Input, ConfigPlan, ConfigResult> & ReadWorkflow<Input, ConfigResult> {
  return {
    async read(context, input) {
      const { lines = [], exitCode = 0 } = decide(settingsPlace(context), context, input);
      return { lines, changed: [], exitCode };
    },

    async plan(context, input) {
      const project = settingsPlace(context);
      const { edits = [], lines = [], exitCode = 0 } = decide(project, context, input);
      const changes = edits.filter(({ before, after }) => before !== after);
      return {
        command,
        steps: changes.map(({ path, before }) => ({ verb: before === null ? "create" : "write", target: path })),
        destructive: false,
        fingerprint: fingerprintOf({ changes, lines }),
        edits: changes,
        lines,
        exitCode,
      };
    },
    async apply(context, { edits, lines, exitCode }) {
      const project = settingsPlace(context);
      if (edits.length > 0) await write(project, context, { command, edits });
      return { lines, changed: edits.map(({ path }) => fromTop(project, path)), exitCode };
    },
  };
}

/** Also where there is no repository: the user's settings and the machine's are everywhere. */
function settingsPlace(context: Context): Place {
  const { cwd } = context;
  return findPlace(context) ?? { root: cwd, repository: null, dvcRoot: null, stateDir: join(cwd, ".dvc/tmp/expver"), cwd };
}

/** Files of the user or the machine lie outside the repository and its journal. */
async function write(project: Place, context: Context, { command, edits }: { command: string; edits: FileEdit[] }): Promise<void> {
  const isInside = ({ path }: FileEdit) => path.startsWith(`${topOf(project)}/`);
  const inside = edits.filter(isInside);
  const names = inside.map(({ path }) => fromTop(project, path)).join(", ");
  if (inside.length > 0) {
    await prepareWriting(project, context);
    await perform(project, context, {
      command,
      argv: command.split(" "),
      summary: `edit ${names}`,
      work: (operation) => applyFileEdits(project, operation, inside),
    });
  }
  for (const edit of edits) if (!isInside(edit)) writeFileAtomic(throughLinks(edit.path), edit.after ?? "");
}

/** The user's settings are often a link to where they are kept (dotfiles), and have to stay one. */
function throughLinks(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** The level named by --global, --system, --project or --local; null when none was. Throws E_USAGE for two. */
export function levelOf(input: Input): ConfigLevel | null {
  const named = (["global", "system", "project", "local"] as const).filter((level) => input[level] === true);
  if (named.length > 1) {
    throw new ExpverError("E_USAGE", `--${named[0]} and --${named[1]} exclude each other`, { details: { dialect: "dvc" } });
  }
  const [level] = named;
  return level === undefined ? null : level === "project" ? "repo" : level;
}

/** Throws E_CONFIG where a level of the repository is meant, and there is none. */
export function requirePlace({ dvcRoot, cwd }: Place, level: ConfigLevel): void {
  if (dvcRoot !== null || (level !== "repo" && level !== "local")) return;
  throw configError(`Not inside a DVC repo: ${cwd}`, "Name --global or --system, or go there; `expver init` makes one.");
}

/**
 * The edit of one level's file: the whole file anew, as DVC writes it (comments do not survive there either). Throws E_CONFIG when
 * DVC would refuse the result. `weakerEdits`: those of weaker levels that are to be made together with it.
 */
export function editLevel(
  project: Place,
  level: ConfigLevel,
  change: (sections: Sections) => void,
  weakerEdits: readonly FileEdit[] = [],
): FileEdit {
  requirePlace(project, level);
  const path = configFile(project, level);
  const before = readTextIfExists(path);
  const sections = parseDvcConfig(before ?? "", path);
  const untouched = renderDvcConfig(sections);
  change(sections);
  const weaker = CONFIG_LEVELS.slice(0, CONFIG_LEVELS.indexOf(level)).map((one) => {
    const file = configFile(project, one);
    const planned = weakerEdits.find((edit) => edit.path === file);
    return planned === undefined ? readLevel(project, one) : parseDvcConfig(planned.after ?? "", file);
  });
  checkDvcConfig(mergeLevels([...weaker, sections]));
  const after = renderDvcConfig(sections);
  // What dvc could not read again would end each of its commands.
  parseDvcConfig(after, path);
  return { path, before, after: after === untouched ? before : after };
}

/** A path as it goes into a level's file: one typed relative to the user's folder becomes relative to the file. */
export function storedConfigPath(project: Place, context: Context, { level, typed }: { level: ConfigLevel; typed: string }): string {
  const isHome = typed === "~" || typed.startsWith("~/");
  if (isUrl(typed) || isAbsolute(typed) || (isHome && homeFolder() !== "")) return typed;
  return relative(dirname(configFile(project, level)), resolve(context.cwd, typed)) || ".";
}

export function sectionOf(sections: Sections, name: string): Map<string, string | string[]> {
  const found = sections.get(name) ?? new Map<string, string | string[]>();
  sections.set(name, found);
  return found;
}

export function configError(message: string, hint?: string): ExpverError {
  return new ExpverError("E_CONFIG", message, hint === undefined ? {} : { hint });
}

export function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
