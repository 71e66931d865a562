/** Where we are: the root, Git, DVC, our own state folder and the configuration. Every workflow starts by opening it. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ExpverError, fromSystemError } from "../errors.ts";
import { findRepository, type Repository } from "../git/git.ts";
import { textLeftOut } from "../git/sparse.ts";
import type { Context } from "../platform/context.ts";
import { isFile, isFolder, readableNamesIn, readTextIfExists } from "../platform/files.ts";
import { type Config, DEFAULTS } from "./config.ts";
import { parseConfig } from "./read-config.ts";

export const CONFIG_FILE = "expver.yaml";

export interface Project {
  /** Nearest `expver.yaml`, else DVC root, else Git root. Absolute, symbolic links resolved. */
  readonly root: string;
  /** Null in a DVC repository without Git (`core.no_scm`). */
  readonly repository: Repository | null;
  /** The folder holding `.dvc/`, at or above `root` (or equal to it); null when there is none yet. */
  readonly dvcRoot: string | null;
  /** Our own state, per repository and machine: `<common git dir>/expver`, or `.dvc/tmp/expver` without Git. */
  readonly stateDir: string;
  /** Where the person stands, symbolic links resolved: what is shown for typing is relative to it. */
  readonly cwd: string;
  /** DVC's settings that go before those of every file, by section and option; of a repository that is read otherwise than it says. */
  readonly settings?: ReadonlyMap<string, ReadonlyMap<string, string | string[]>>;
  /** How to wait for another process that works here; without it for a few seconds. */
  readonly waiting?: Waiting;
  readonly config: Config;
}

type Waiting = Pick<Context, "signal" | "report"> & { readonly patience: number };

/** Everything of a project but its configuration, which may be broken. */
export type Place = Omit<Project, "config">;

/** Opens the project around `context.cwd`. Writes nothing. Throws E_NO_PROJECT, E_CONFIG. */
export function openProject(context: Context): Project {
  const project = findProject(context);
  if (project === null) {
    throw new ExpverError("E_NO_PROJECT", `no expver.yaml, .dvc folder or Git repository at or above ${context.cwd}`, {
      hint: "Run `expver init` in the folder of your experiment.",
      details: { cwd: context.cwd },
    });
  }
  return project;
}

/** Like {@link openProject}, but null when there is no project. */
export function findProject(context: Context): Project | null {
  const place = findPlace(context);
  return place === null ? null : { ...place, config: readConfig(place) };
}

/** The project around `folder` of a worktree that is known already. Starts no process. Throws E_CONFIG. */
export function projectIn(repository: Repository, folder: string): Project {
  const place = placeOf(repository, physical(folder));
  if (place === null) throw new TypeError("a repository is a place");
  return { ...place, config: readConfig(place) };
}

/** The same without reading `expver.yaml`: for commands that must work when it has a mistake. */
export function findPlace(context: Context): Place | null {
  const cwd = physical(context.cwd);
  const place = placeOf(repositoryOf(context, cwd), cwd);
  const { patience, report, signal } = context;
  return place === null || patience === undefined ? place : { ...place, waiting: { patience, report, ...(signal ? { signal } : {}) } };
}

/** The place of the project around a folder (from the top) of the same worktree: a repository may have several. The same where that folder is gone. */
export function placeAround(place: Place, folder: string | undefined): Place {
  const { repository } = place;
  if (folder === undefined || folder.startsWith("..") || repository === null || repository.bare) return place;
  const inside = join(physical(repository.root), folder);
  const other = isFolder(inside) ? placeOf(repository, physical(inside)) : null;
  return other === null || other.root === place.root ? place : { ...place, ...other, cwd: place.cwd };
}

function placeOf(repository: Repository | null, cwd: string): Place | null {
  if (repository?.bare)
    return { root: repository.root, repository, dvcRoot: null, stateDir: join(physical(repository.commonDir), "expver"), cwd };
  const top = repository === null ? null : physical(repository.root);
  const configRoot = nearest(cwd, top, (folder) => isFile(join(folder, CONFIG_FILE)));
  const dvcRoot = nearest(configRoot ?? cwd, top, (folder) => isFolder(join(folder, ".dvc")));
  const root = configRoot ?? dvcRoot ?? top;
  if (root === null) return null;
  const usesGit = repository !== null && !keepsGitOut(dvcRoot);
  return {
    root,
    repository: usesGit ? repository : null,
    dvcRoot,
    stateDir: usesGit ? join(physical(repository.commonDir), "expver") : join(dvcRoot ?? root, ".dvc", "tmp", "expver"),
    cwd,
  };
}

// A context is one command, and its repository stays where it is meanwhile. Where there was none, `init` makes one.
const repositories = new WeakMap<Context, Repository | null>();

function repositoryOf(context: Context, cwd: string): Repository | null {
  const known = repositories.get(context);
  if (known && existsSync(known.gitDir)) return known;
  if (known === null && context.env.GIT_DIR === undefined && nearest(cwd, null, hasGit) === null) return null;
  const found = findRepository({ ...context, cwd });
  repositories.set(context, found);
  return found;
}

function hasGit(folder: string): boolean {
  return existsSync(join(folder, ".git"));
}

/** Text of `expver.yaml`; null when there is none. */
export function configText({ repository, root }: Place): string | null {
  const file = join(root, CONFIG_FILE);
  const here = repository?.bare ? null : readTextIfExists(file);
  return here ?? (repository && textLeftOut(repository, relative(physical(repository.root), file)));
}

/** `expver.yaml` of the project, or Git's where the worktree is without it on purpose; defaults when there is none. Throws E_CONFIG. */
export function readConfig(place: Place): Config {
  const text = configText(place);
  const config = text === null ? structuredClone(DEFAULTS) : parseConfig(text, CONFIG_FILE);
  const { models } = config;
  const only = models.namesProduction ? null : onlyTracked(place.root, dirname(models.production));
  return only === null ? config : { ...config, models: { ...models, production: only, namesProduction: true } };
}

/** A program may have put its model into production under another name than anybody gave. Null: nothing is tracked in the folder, or several things are. */
function onlyTracked(root: string, folder: string): string | null {
  const pointers = readableNamesIn(join(root, folder)).filter((name) => /^[^.].*\.dvc$/.test(name));
  return pointers.length === 1 ? `${folder}/${pointers[0]?.slice(0, -".dvc".length)}` : null;
}

/** The repository, for commands that cannot do without Git. Throws E_NO_GIT. */
export function requireRepository(project: Place): Repository {
  if (project.repository !== null) return project.repository;
  const { root, dvcRoot } = project;
  const file = dvcRoot === null ? null : noScmFile(dvcRoot);
  const [problem, first] =
    file === null
      ? [`${root} is not under Git`, "Run `expver init` (it makes the Git repository too)"]
      : [`core.no_scm in .dvc/${file} keeps Git out of ${root}`, `${LETTING_GIT_IN[file]}, then expver init`];
  throw new ExpverError("E_NO_GIT", problem, { hint: `${first}. Or use only \`expver data …\` here.`, details: { root } });
}

/** What all stored paths are relative to: the Git root, or the DVC root without Git. Absolute. */
export function topOf(project: Place): string {
  return project.repository?.root ?? project.dvcRoot ?? project.root;
}

/** The first folder from `start` upwards, not above `limit`, that fits. */
function nearest(start: string, limit: string | null, fits: (folder: string) => boolean): string | null {
  for (let folder = start; ; folder = dirname(folder)) {
    if (fits(folder)) return folder;
    if (folder === limit || dirname(folder) === folder) return null;
  }
}

/** What to type where a file of `.dvc` says `core.no_scm`. */
const LETTING_GIT_IN = {
  config: "Let Git in: expver data config --unset core.no_scm",
  "config.local": "Let Git in: expver data config --local core.no_scm false",
};

/** Whether DVC's settings say that there is to be no Git here. */
export function keepsGitOut(dvcRoot: string | null): boolean {
  return dvcRoot !== null && noScmFile(dvcRoot) !== null;
}

/** The file of `.dvc` whose `core.no_scm` holds, the one DVC setting that decides where we are; null: Git is used. */
function noScmFile(dvcRoot: string): keyof typeof LETTING_GIT_IN | null {
  let answer: keyof typeof LETTING_GIT_IN | null = null;
  for (const name of ["config", "config.local"] as const) {
    let section = "";
    for (const line of (readTextIfExists(join(dvcRoot, ".dvc", name)) ?? "").split("\n")) {
      section = (/^\s*\[+\s*['"]?([^\]'"]*?)['"]?\s*\]/.exec(line)?.[1] ?? section).toLowerCase();
      const value = /^\s*['"]?no_scm['"]?\s*=\s*['"]?(\w+)/i.exec(line)?.[1];
      if (value !== undefined && section === "core") answer = value.toLowerCase() === "true" ? name : null;
    }
  }
  return answer;
}

function physical(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw fromSystemError(error, `cannot open the folder ${path}`);
  }
}
