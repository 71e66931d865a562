/** `expver hooks`: installed on request only, chained before what is there, and taken out again as they came. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { openProject, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, gitResult, type Repository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists, syncFolder, writeFileAtomic } from "../../platform/files.ts";
import type { Input, Plan, ReadWorkflow, Step, WriteWorkflow } from "../contract.ts";
import { fingerprintOf } from "../plan.ts";
import { BEFORE, HOOKS, type HookName, hookScript, MARK } from "./scripts.ts";

export interface HookState {
  name: HookName;
  /** Absolute. */
  path: string;
  state: "missing" | "current" | "other release" | "not ours";
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
        ...(state === "not ours" ? { detail: "before it runs the hook that is there", keeps: path + BEFORE } : {}),
      }),
    );
    return { command: "hooks install", steps, destructive: false, fingerprint: fingerprintOf({ changing }), folder, changing };
  },
  async apply(_context, { folder, changing }) {
    mkdirSync(folder, { recursive: true });
    for (const { name, path, state } of changing) {
      if (state === "not ours") renameSync(path, path + BEFORE);
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
    const changing = lookAtHooks(folder).filter(({ state }) => state === "current" || state === "other release");
    const steps = changing.map(
      ({ path, chained }): Step => ({ verb: "remove", target: path, ...(chained ? { detail: "the hook from before comes back" } : {}) }),
    );
    return { command: "hooks remove", steps, destructive: false, fingerprint: fingerprintOf({ changing }), folder, changing };
  },
  async apply(_context, { folder, changing }) {
    for (const { path, chained } of changing) {
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
    const isOurs = text?.split("\n")[1]?.startsWith(MARK) === true;
    const state = text === null ? "missing" : !isOurs ? "not ours" : text === hookScript(name) ? "current" : "other release";
    return { name, path, state, chained: isOurs && existsSync(path + BEFORE) };
  });
}

/** A folder of hooks that other repositories use, or that Git tracks, is not changed for this clone's sake. */
function refuseShared(repository: Repository, folder: string): void {
  const way = relative(repository.commonDir, folder);
  if (way !== ".." && !way.startsWith("../") && !isAbsolute(way)) return;
  const where = gitResult(repository, ["config", "--show-origin", "--get", "core.hooksPath"], { allow: [1] })
    .stdout.toString("utf8")
    .trim();
  throw new ExpverError("E_GATE", `core.hooksPath leads out of this clone's own Git folder, to ${folder} (${where})`, {
    hint: `Add a line to the hooks there yourself: ${HOOKS.map((name) => `expver hooks run ${name} "$@"  (in ${name})`).join(", ")}`,
    details: { folder },
  });
}

function twoBefore(path: string): ExpverError {
  return new ExpverError("E_UNSAVED", `${path} is not of expver, and ${path}${BEFORE} is there, too`, {
    hint: `Put both into one hook, or remove ${path}${BEFORE}.`,
    details: { path },
  });
}
