/** `expver hooks`: installed on request only, chained before what is there, and taken out again as they came. */
import { chmodSync, existsSync, linkSync, mkdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, gitResult, type Repository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists, syncFolder, writeFileAtomic } from "../../platform/files.ts";
import type { Input, Plan, ReadWorkflow, Step, WriteWorkflow } from "../contract.ts";
import { fingerprintOf } from "../plan.ts";
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
  async apply(_context, { folder, changing }) {
    refuseChanged(folder, changing);
    mkdirSync(folder, { recursive: true });
    for (const { name, path, state } of changing) {
      if (state === "not ours") linkBeside(path, path + BEFORE);
      if (state === "edited") linkBeside(path, editedName(path));
      writeFileAtomic(path, hookScript(name), { mode: 0o755 });
      chmodSync(path, 0o755);
    }
    syncFolder(folder);
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
  async apply(_context, { folder, changing }) {
    refuseChanged(folder, changing);
    for (const { path, chained, state } of changing) {
      if (state === "edited") linkBeside(path, editedName(path));
      if (chained) renameSync(path + BEFORE, path);
      else rmSync(path, { force: true });
    }
    if (existsSync(folder)) syncFolder(folder);
    return { hooks: lookAtHooks(folder) };
  },
};

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

/** At no moment is there no hook; where there are no hard links, for one only. */
function linkBeside(path: string, beside: string): void {
  try {
    linkSync(path, beside);
  } catch {
    renameSync(path, beside);
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
