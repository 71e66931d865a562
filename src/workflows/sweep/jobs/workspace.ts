/**
 * Where one job of a sweep runs: a detached worktree of S inside the state folder, used again by the next job. Nothing a program
 * does in it is seen by another one or by the user's worktree.
 */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { setYamlTyped } from "../../../config/edit-yaml.ts";
import { storedPath } from "../../../config/paths.ts";
import { openProject, type Project, requireRepository, topOf } from "../../../config/project.ts";
import { loadYaml } from "../../../config/yaml.ts";
import { typedSource } from "../../../config/yaml-text.ts";
import { ExpverError } from "../../../errors.ts";
import { contextIn, git, type Repository } from "../../../git/git.ts";
import { fillSubmodules, findSubmodules } from "../../../git/submodules.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists, removePath, writeFileAtomic } from "../../../platform/files.ts";
import { isMapping } from "../../../platform/mapping.ts";
import { paceWork } from "../../../platform/pace.ts";
import { readPointers } from "../../../store/pointers/pointers.ts";
import { configFile, linkSetting, readLevel } from "../../../store/settings/dvc-config.ts";
import { renderDvcConfig } from "../../../store/settings/dvc-config-file.ts";
import type { Pointer } from "../../../store/types.ts";
import { applyingCheckout } from "../../../store/worktree/apply-checkout.ts";
import { planningCheckout } from "../../../store/worktree/checkout.ts";
import { parametersIn } from "../../run/parameters/parameters.ts";
import { addWorktree, dropWorktree } from "../../worktree/make.ts";
import { dataOf, inputLinks } from "./input-links.ts";

export interface Workspace {
  root: string;
  project: Project;
  repository: Repository;
  /** Where the program starts. */
  cwd: string;
  pointers: Pointer[];
}

export interface WorkspaceInput {
  /** The user's worktree. */
  project: Project;
  root: string;
  /** Snapshot commit S. */
  commit: string;
  /** The caller's folder, relative to the top. */
  folder: string;
  /** Stored path of the parameter file, from the top; null when there is none. */
  paramsFile: string | null;
  /** As {@link inputLinks} is told. */
  mayLink: boolean;
}

/** As S and its data are, whatever the last job left there. */
export async function freshWorkspace(context: Context, input: WorkspaceInput): Promise<Workspace> {
  const { project, root, commit } = input;
  const repository = requireRepository(project);
  if (!(isWhole(root) && isCleaned(openWorkspace(context, input), commit))) {
    dropWorktree(repository, root);
    mkdirSync(dirname(root), { recursive: true });
    addWorktree(project, repository, context, { root, branch: null, commit });
  }
  linkLocal(project, root);
  const opened = openWorkspace(context, input);
  fillSubmodules(opened.repository, findSubmodules(context, repository, commit));
  const workspace = setLinks(opened, input) ? openWorkspace(context, input) : opened;
  mkdirSync(workspace.cwd, { recursive: true });
  await placeData(context, workspace);
  writeFileSync(readyFile(root), "");
  return workspace;
}

/** As it stands: its program may be running in it. */
export function openWorkspace(context: Context, { project: main, root, folder, paramsFile }: WorkspaceInput): Workspace {
  const cwd = join(root, folder);
  const opened = openProject(contextIn(context, existsSync(cwd) ? cwd : root));
  const params = paramsFile === null ? null : relative(opened.root, join(root, paramsFile));
  const project = { ...opened, config: { ...main.config, params } };
  return { root, project, repository: requireRepository(project), cwd, pointers: readPointers(project) };
}

/** Values of names the file has; what else is set reaches the program in its command line and environment. */
export function writeParameters(
  { root }: Pick<Workspace, "root">,
  paramsFile: string | null,
  settings: Readonly<Record<string, string>>,
): void {
  if (paramsFile === null) return;
  const path = join(root, paramsFile);
  const text = readTextIfExists(path);
  if (text === null) return;
  const edited = parametersWith(text, paramsFile, settings);
  if (edited !== text) writeFileSync(path, edited);
}

/**
 * Single values, and lists and mappings that are set whole (`layers=[64, 32]`). Throws E_CONFIG where the file's shape does not let one of them be
 * changed alone.
 */
export function parametersWith(text: string, file: string, settings: Readonly<Record<string, string>>): string {
  const known = parametersIn(text, file);
  const values = Object.keys(settings).length === 0 ? undefined : loadYaml(text, file, { exact: true });
  return Object.entries(settings).reduce((sofar, [name, value]) => {
    const words = name.split(".");
    const place = placeOf(values, words);
    const isSet = Object.hasOwn(known, name) || (place !== null && isOfKind(place.value, value));
    return isSet ? setYamlTyped(sofar, place?.path ?? words, value, file) : sofar;
  }, text);
}

/** What a name leads to; one of the keys on the way may itself have a dot (`opt.lr: 0.1`). */
function placeOf(value: unknown, words: readonly string[]): { path: string[]; value: unknown } | null {
  if (words.length === 0) return { path: [], value };
  if (typeof value !== "object" || value === null) return null;
  const ends = words.map((_word, index) => index + 1);
  for (const end of ends) {
    const key = words.slice(0, end).join(".");
    const rest = Object.hasOwn(value, key) ? placeOf(value[key as keyof typeof value], words.slice(end)) : null;
    if (rest !== null) return { ...rest, path: [key, ...rest.path] };
  }
  return null;
}

/** A list for a list, a mapping for a mapping: `model=bert` may be the command's alone, where the file has `model: { depth: 2 }`. */
function isOfKind(old: unknown, typed: string): boolean {
  const source = typedSource(typed);
  return Array.isArray(old) ? source.startsWith("[") : isMapping(old) && source.startsWith("{");
}

export function dropWorkspace(project: Project, root: string): void {
  removePath(readyFile(root));
  dropWorktree(requireRepository(project), root);
}

/** One whose making was interrupted is made anew. */
function isWhole(root: string): boolean {
  return existsSync(readyFile(root)) && existsSync(join(root, ".git"));
}

function readyFile(root: string): string {
  return `${root}.ready`;
}

/**
 * Inputs stay: they are compared and put right afterwards, which is cheaper than a new copy. False: it has to be made anew, for instance
 * because a git that the program had started was killed in the middle of its work.
 */
function isCleaned({ root, repository, project, pointers }: Workspace, commit: string): boolean {
  removePath(readyFile(root));
  const kept = dataOf(project, pointers).flatMap(({ path }) => ["-e", `/${path.replace(/[*?[\]\\!#]/g, "\\$&")}`]);
  try {
    git(repository, ["reset", "--quiet", "--hard", "--no-recurse-submodules", commit]);
    git(repository, ["clean", "-ffdxq", "-e", ".dvc", ...kept]);
    return true;
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return false;
  }
}

/** Environments and secrets of this machine, that no commit has. */
function linkLocal(project: Project, root: string): void {
  for (const path of project.config.link.map((one) => storedPath(project, one))) {
    const [from, to] = [join(topOf(project), path), join(root, path)];
    if (!existsSync(from) || existsSync(to)) continue;
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(from, to);
  }
}

/** Where real dvc reads it too. A setting of the user's own main worktree counts here, which Git does not bring. False: it is so already. */
function setLinks({ project, pointers }: Workspace, { project: main, mayLink }: WorkspaceInput): boolean {
  const { setting } = inputLinks(main, pointers, { mayLink });
  if (setting === linkSetting(project)) return false;
  const level = readLevel(project, "local");
  const cache = new Map(level.get("cache"));
  if (setting === null) cache.delete("type");
  else cache.set("type", setting);
  writeFileAtomic(configFile(project, "local"), renderDvcConfig(new Map(level).set("cache", cache)));
  return true;
}

async function placeData(context: Context, workspace: Workspace): Promise<void> {
  const { project } = workspace;
  const plans = await paceWork(planningCheckout(project, dataOf(project, workspace.pointers)), context, { label: "comparing data" });
  await paceWork(applyingCheckout(project, plans, { discard: removePath }), context, { label: "placing data" });
}
