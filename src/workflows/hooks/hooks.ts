/** `expver hooks`: installed on request only, chained before what is there, and taken out again as they came. */
import { existsSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, gitResult, type Repository } from "../../git/git.ts";
import { perform } from "../../journal/perform.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists } from "../../platform/files.ts";
import type { Input, Plan, ReadWorkflow, Step, WriteWorkflow } from "../contract.ts";
import { fingerprintOf } from "../plan.ts";
import { prepareWriting } from "../prepare.ts";
import { openPlacedHooks, type PlacedHooks } from "./place-hooks.ts";
import { BEFORE, HOOKS, type HookName, hookScript, isAsWritten } from "./scripts.ts";

export interface HookState {
  name: HookName;
  /** Absolute. */
  path: string;
  /** "edited": ours, with lines of somebody else. */
  state: "missing" | "current" | "other release" | "edited" | "not ours";
  /** Another hook runs before ours. */
  chained: boolean;
}

export interface HooksState {
  hooks: HookState[];
}

export interface HooksPlan extends Plan {
  folder: string;
  changing: HookState[];
}

export const hooksList: ReadWorkflow<Input, HooksState> = {
  read: async (context) => ({ hooks: lookAtHooks(hooksFolder(repositoryOf(context))) }),
};

export const hooksInstall: WriteWorkflow<Input, HooksPlan, HooksState> = {
  async plan(context) {
    const repository = repositoryOf(context);
    const folder = hooksFolder(repository);
    refuseShared(repository, folder);
    const changing = lookAtHooks(folder).filter(({ state }) => state !== "current");
    for (const { path, state } of changing) if (state === "not ours" && existsSync(path + BEFORE)) throw twoBefore(path);
    const steps = changing.map(
      ({ path, state }): Step => ({
        verb: "write",
        target: path,
        ...(state === "not ours" ? { detail: "before it runs the hook that is there", keeps: path + BEFORE } : keptEdited(path, state)),
      }),
    );
    return { command: "hooks install", steps, destructive: false, fingerprint: fingerprintOf({ changing }), folder, changing };
  },
  async apply(context, { folder, changing }) {
    await changeHooks(context, { command: "hooks install", folder, changing, change: installHook });
    return { hooks: lookAtHooks(folder) };
  },
};

export const hooksRemove: WriteWorkflow<Input, HooksPlan, HooksState> = {
  async plan(context) {
    const folder = hooksFolder(repositoryOf(context));
    const changing = lookAtHooks(folder).filter(({ state }) => state !== "missing" && state !== "not ours");
    const steps = changing.map(
      ({ path, chained, state }): Step => ({
        verb: "remove",
        target: path,
        ...keptEdited(path, state),
        ...(chained ? { detail: "the hook from before comes back" } : {}),
      }),
    );
    return { command: "hooks remove", steps, destructive: false, fingerprint: fingerprintOf({ changing }), folder, changing };
  },
  async apply(context, { folder, changing }) {
    await changeHooks(context, { command: "hooks remove", folder, changing, change: removeHook });
    return { hooks: lookAtHooks(folder) };
  },
};

interface HooksChange {
  command: string;
  folder: string;
  changing: readonly HookState[];
  change: (hook: HookState, changes: PlacedHooks) => void;
}

/** What stood there is in the trash, and at no moment is a hook gone that somebody relies on. */
async function changeHooks(context: Context, { command, folder, changing, change }: HooksChange): Promise<void> {
  const project = openProject(context);
  await prepareWriting(project, context);
  refuseChanged(folder, changing);
  if (changing.length === 0) return;
  await perform(project, context, {
    command,
    argv: command.split(" "),
    summary: `${command} ${changing.map(({ name }) => name).join(", ")}`,
    work: (operation) => {
      const placed = openPlacedHooks(project, operation);
      for (const hook of changing) change(hook, placed);
    },
  });
}

function installHook({ name, path, state }: HookState, { put, copy }: PlacedHooks): void {
  if (state === "not ours") copy(path, path + BEFORE);
  if (state === "edited") copy(path, editedName(path));
  put(path, hookScript(name));
}

function removeHook({ path, chained, state }: HookState, { copy, discard }: PlacedHooks): void {
  if (state === "edited") copy(path, editedName(path));
  if (!chained) {
    discard(path);
    return;
  }
  copy(path + BEFORE, path);
  discard(path + BEFORE);
}

function repositoryOf(context: Context): Repository {
  return requireRepository(openProject(context));
}

/** Where Git looks: core.hooksPath counts. */
function hooksFolder(repository: Repository): string {
  return resolve(repository.root, git(repository, ["rev-parse", "--git-path", "hooks"]).replace(/\n$/, ""));
}

function lookAtHooks(folder: string): HookState[] {
  return HOOKS.map((name) => {
    const path = join(folder, name);
    const text = readTextIfExists(path);
    const state = text === null ? "missing" : stateOf(name, text);
    return { name, path, state, chained: state !== "missing" && state !== "not ours" && existsSync(path + BEFORE) };
  });
}

function stateOf(name: HookName, text: string): HookState["state"] {
  const isWhole = isAsWritten(text);
  if (isWhole === null) return "not ours";
  if (!isWhole) return "edited";
  return text === hookScript(name) ? "current" : "other release";
}

function keptEdited(path: string, state: HookState["state"]): Pick<Step, "keeps"> {
  return state === "edited" ? { keeps: editedName(path) } : {};
}

function editedName(path: string): string {
  for (let count = 0; ; count += 1) {
    const name = `${path}.edited${count === 0 ? "" : `-${count}`}`;
    if (!existsSync(name)) return name;
  }
}

function refuseChanged(folder: string, planned: readonly HookState[]): void {
  const now = lookAtHooks(folder);
  const other = planned.find(({ name, state }) => !now.some((one) => one.name === name && one.state === state));
  if (other !== undefined) throw new ExpverError("E_PLAN_STALE", `${other.path} has changed meanwhile; nothing was changed`);
}

/** A folder of hooks that other repositories use, or that Git tracks, is not changed for this clone's sake. */
function refuseShared(repository: Repository, folder: string): void {
  const way = relative(realpathSync(repository.commonDir), existsSync(folder) ? realpathSync(folder) : folder);
  if (way !== ".." && !way.startsWith("../") && !isAbsolute(way)) return;
  const where = gitResult(repository, ["config", "--show-origin", "--get", "core.hooksPath"], { allow: [1] })
    .stdout.toString("utf8")
    .trim();
  const why = where === "" ? `${folder} is a link` : `core.hooksPath leads (${where})`;
  throw new ExpverError("E_GATE", `the hooks are outside of this clone's own Git folder: ${why}`, {
    hint: `Add a line to the hooks there yourself: ${HOOKS.map((name) => `expver hooks run ${name} -- "$@"  (in ${name})`).join(", ")}`,
    details: { folder },
  });
}

function twoBefore(path: string): ExpverError {
  return new ExpverError("E_UNSAVED", `${path} is not of expver, and ${path}${BEFORE} is there, too`, {
    hint: `Put both into one hook, or remove ${path}${BEFORE}.`,
    details: { path },
  });
}
