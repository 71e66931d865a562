/** `expver init`: makes a folder a project, or adopts one that exists. Writes files; stages and commits nothing. */

import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { DEFAULTS } from "../config/config.ts";
import { storedPath, typedPath } from "../config/paths.ts";
import { CONFIG_FILE, findPlace, keepsGitOut, openProject, type Place, readConfig, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { gitResult, type Repository } from "../git/git.ts";
import { initRepository } from "../git/init.ts";
import { DRIVER_ATTRIBUTES, installDriver, mergeAttribute, readDriver } from "../git/merge-driver.ts";
import { perform } from "../journal/perform.ts";
import type { Context } from "../platform/context.ts";
import { isFolder, readTextIfExists } from "../platform/files.ts";
import { counted } from "../platform/words.ts";
import { parsePointerFile } from "../store/pointers/pointer-file.ts";
import type { RemoteProbes } from "../store/remotes/probe.ts";
import { cacheDir } from "../store/settings/dvc-config.ts";
import { ignoreLine } from "../store/settings/gitignore.ts";
import type { FileEdit } from "../store/types.ts";
import { objectFile } from "../store/worktree/contents.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import { moveCache, tryRemote } from "./init/apply-store.ts";
import { askStore } from "./init/ask-store.ts";
import { planStore, type StoreSettings } from "./init/store-settings.ts";
import { type Survey, survey } from "./init/survey.ts";
import { configText, DVC_GITIGNORE, DVCIGNORE, withLines } from "./init/texts.ts";
import { ourDriver } from "./merge/our-driver.ts";
import { applyFileEdits, fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { sharedCacheEdit } from "./shared-cache.ts";
import { sparseHint } from "./without-dvc.ts";

export interface InitPlan extends Plan {
  /** Absolute. */
  root: string;
  makesRepository: boolean;
  /** False: `core.no_scm` keeps Git out. */
  usesGit: boolean;
  edits: FileEdit[];
  /** This clone has no command for the driver that .gitattributes names. */
  installsDriver: boolean;
  found: Survey | null;
  tracked: Survey["tracked"];
  store: StoreSettings;
}

export interface InitResult {
  /** Absolute; may be above the folder the command was typed in. */
  root: string;
  madeRepository: boolean;
  /** Relative to the root. */
  written: string[];
  /** Git now calls expver for pointers that two branches have changed. */
  installedDriver: boolean;
  adopted: { database: string | null; tables: string[]; params: string | null; models: string[] };
  /** The cache that `--cache` asked for, and how many objects it got from the one before. */
  cache: { dir: string; shared: boolean; copied: number } | null;
  /** What could be done on the remote that `--remote` asked for. */
  remote: RemoteProbes | null;
  /** Commands to type next. */
  next: string[];
  /** 1 when the remote does not allow what is needed. */
  exitCode: number;
}

export const init: WriteWorkflow<Input, InitPlan, InitResult> = {
  async plan(context, typed) {
    const cwd = realpathSync(context.cwd);
    const place = ownPlace(findPlace({ ...context, cwd }), cwd);
    if (place?.repository?.bare) {
      throw new ExpverError("E_GIT", `${place.root} is a bare repository: it has no files to set up`, {
        hint: "Run `expver init` in a clone of it.",
      });
    }
    if (place !== null && place.dvcRoot === null) refuseSparse(place);
    const root = place?.root ?? cwd;
    if (place !== null) readConfig(place); // a mistake in it comes first
    if (root !== cwd) {
      context.report({
        kind: "warning",
        text: `the project is ${root}: set up there, not in ${cwd}`,
        hint: "To make this folder a project of its own in the same Git repository: expver data init --subdir && expver init",
      });
    }
    const makesRepository = place === null || (place.repository === null && !keepsGitOut(place.dvcRoot));
    const hasConfig = statSync(join(root, CONFIG_FILE), { throwIfNoEntry: false }) !== undefined;
    const found = await survey(root, DEFAULTS.results.database, (pointer) => (place === null ? null : objectOf(place, pointer)));
    const scene = { root, place, found, hasConfig, makesRepository };
    const where: Place = place ?? { root, repository: null, dvcRoot: null, stateDir: "", cwd };
    const input = typed.ask === true ? await askStore(where, { ...context, cwd }, typed) : typed;
    const store = planStore(where, { ...context, cwd }, input);
    const edits = withStore(plannedEdits(scene), store.edits);
    const installsDriver = lacksDriver(scene);
    reportLeftOut(context, found, hasConfig);
    reportTracked(context, place, found);
    return {
      command: "init",
      steps: [
        ...(makesRepository ? [{ verb: "create", target: join(root, ".git"), detail: "Git repository" }] : []),
        ...edits.map((edit) => stepOf(root, edit)),
        ...(installsDriver ? [{ verb: "configure", target: ".git/config", detail: "merges .dvc pointers by what they point to" }] : []),
        ...store.steps,
      ],
      destructive: false,
      fingerprint: fingerprintOf({ root, makesRepository, edits, installsDriver, cache: store.cache, remote: store.remote }),
      root,
      makesRepository,
      usesGit: makesRepository || place?.repository !== null,
      edits,
      installsDriver,
      tracked: found.tracked,
      found: hasConfig ? null : found,
      store,
    };
  },

  show({ command, steps, destructive, fingerprint, root }) {
    return { command, steps, destructive, fingerprint, root };
  },

  async apply(context, plan) {
    if (plan.makesRepository) initRepository(context, plan.root);
    // Before it is named: a cache that is not filled would seem to have lost everything.
    if (plan.store.cache !== null) await moveCache(context, plan.store.cache);
    if (plan.edits.length > 0) {
      const project = openProject({ ...context, cwd: plan.root });
      await prepareWriting(project, context);
      await perform(project, context, {
        command: "init",
        argv: ["init"],
        summary: `set up ${counted(plan.edits.length, "file")}`,
        work: (operation) => applyFileEdits(project, operation, plan.edits),
      });
    }
    if (plan.installsDriver) installDriver(requireRepository(openProject({ ...context, cwd: plan.root })), ourDriver());
    return resultOf(plan, plan.store.remote === null ? null : await tryRemote(context, plan.root, plan.store.remote));
  },
};

/** Whoever has made a `.dvc` in this folder wants a project here, below one that is set up too. */
function ownPlace(place: Place | null, cwd: string): Place | null {
  return place !== null && place.root !== cwd && isFolder(join(cwd, ".dvc")) ? { ...place, root: cwd, dvcRoot: cwd } : place;
}

/** An empty configuration would lie where Git has one. */
function refuseSparse(place: Place): void {
  const hint = sparseHint(place);
  if (hint !== null) throw new ExpverError("E_DATA", `Git has a .dvc that ${place.root} is without`, { hint });
}

/** Settings of the store go into files that are made or changed anyway, or are edits of their own. */
function withStore(edits: readonly FileEdit[], settings: readonly FileEdit[]): FileEdit[] {
  const paths = new Set(settings.map(({ path }) => path));
  return [...edits.filter(({ path }) => !paths.has(path)), ...settings];
}

/** In the cache; null when it is not, or the pointer cannot be read: that is no failure of `init`. */
function objectOf(place: Place, pointer: string): string | null {
  try {
    const [{ hash } = { hash: null }] = parsePointerFile(readTextIfExists(join(place.root, pointer)) ?? "", pointer);
    const object = hash === null ? null : objectFile(cacheDir(place), hash);
    return object !== null && existsSync(object) ? object : null;
  } catch (error) {
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

interface Scene {
  root: string;
  place: Place | null;
  found: Survey;
  hasConfig: boolean;
  makesRepository: boolean;
}

function plannedEdits(scene: Scene): FileEdit[] {
  const { root, place, found, hasConfig } = scene;
  const edits: FileEdit[] = [];
  const create = (path: string, after: string) => {
    if (readTextIfExists(path) === null) edits.push({ path, before: null, after });
  };
  // An existing .dvc is another tool's and stays exactly as it is.
  if (place?.dvcRoot === null || place === null) {
    create(join(root, ".dvc/config"), "");
    create(join(root, ".dvc/.gitignore"), DVC_GITIGNORE);
    create(join(root, ".dvcignore"), DVCIGNORE);
  }
  const cache = place === null ? null : sharedCacheEdit(place);
  if (cache !== null) edits.push(cache);
  if (!hasConfig) create(join(root, CONFIG_FILE), configText(found));
  const append = (path: string, lines: string[]) => {
    const before = readTextIfExists(path);
    const after = withLines(before, lines);
    if (after !== before) edits.push({ path, before, after });
  };
  append(join(root, ".gitignore"), ignoreLines(scene));
  append(join(root, ".gitattributes"), driverLines(scene));
  return edits;
}

/** Who merges files of this name here. Null without Git. */
function driverOf({ root, place, makesRepository }: Scene, name = "any.dvc"): string | null {
  if (makesRepository) return "unspecified";
  const repository = place?.repository ?? null;
  return repository === null ? null : mergeAttribute(repository, relative(repository.root, join(root, name)));
}

/** Somebody else's driver stays, for `dvc.lock` too. */
function driverLines(scene: Scene): string[] {
  if (!["unspecified", "expver"].includes(driverOf(scene) ?? "")) return [];
  return Object.entries(DRIVER_ATTRIBUTES).flatMap(([name, line]) => (driverOf(scene, name) === "unspecified" ? [line] : []));
}

function lacksDriver(scene: Scene): boolean {
  const repository = scene.place?.repository ?? null;
  return ["unspecified", "expver"].includes(driverOf(scene) ?? "") && (repository === null || readDriver(repository) === null);
}

/**
 * Environment folders Git would show, the results database, and the files SQLite keeps beside it while it is in use. A run that does well has the
 * database ignored as DVC does; one that fails, a row that is logged, leave it where `git add -A` would take it.
 */
function ignoreLines({ root, place, found, hasConfig }: Scene): string[] {
  const database =
    hasConfig && place !== null ? readConfig(place).results.database : (found.databases[0]?.path ?? DEFAULTS.results.database);
  const repository = place?.repository ?? null;
  const line = ignoreLine(database);
  return [
    ...(isIgnored(repository, join(root, database)) ? [] : [line]),
    ...(isIgnored(repository, join(root, `${database}-journal`)) ? [] : [`${line}-*`]),
    ...found.environment.filter((name) => !isIgnored(repository, join(root, name)) && !isTracked(repository, name)),
  ];
}

/** Somebody committed it on purpose: not ours to hide. */
function isTracked(repository: Repository | null, name: string): boolean {
  if (repository === null) return false;
  return gitResult(repository, ["ls-files", "-z", "--", `:(glob)**/${name}`, `:(glob)**/${name}/**`]).stdout.length > 0;
}

/** By any rule, the user's global ones too. Without a repository nothing is. */
function isIgnored(repository: Repository | null, path: string): boolean {
  if (repository === null) return false;
  return gitResult(repository, ["check-ignore", "--quiet", "--no-index", "--", path], { allow: [1, 128] }).code === 0;
}

function reportLeftOut(context: Context, found: Survey, hasConfig: boolean): void {
  const [used, ...others] = found.databases;
  if (hasConfig || used === undefined || others.length === 0) return;
  const text = `${found.databases.length} results databases found; ${used.path} is used, not ${others.map((other) => other.path).join(", ")}`;
  context.report({ kind: "warning", text, hint: `Change results.database in ${CONFIG_FILE} if that is the wrong one.` });
}

/** A run would refuse it. */
function reportTracked(context: Context, place: Place | null, { databases: [database] }: Survey): void {
  if (database === undefined || place === null) return;
  const stored = storedPath(place, database.path);
  if (!isTracked(place.repository, stored)) return;
  context.report({
    kind: "warning",
    text: `${database.path} is tracked by Git: every version would put all of it into the history`,
    hint: `git rm --cached -- ${typedPath(place, stored)}; then commit: the file stays where it is`,
  });
}

function stepOf(root: string, { path, before, after }: FileEdit): Step {
  const target = relative(root, path);
  if (before === null) return { verb: "write", target };
  const added = (after ?? "").split("\n").length - before.split("\n").length;
  return { verb: "append", target, count: added, detail: added === 1 ? "line" : "lines" };
}

const DATA_NEXT = { none: ["expver data add PATH"], here: [], absent: ["expver data pull"] };

function resultOf(
  { root, makesRepository, usesGit, edits, installsDriver, tracked, found, store }: InitPlan,
  remote: RemoteProbes | null,
): InitResult {
  const database = found?.databases[0];
  return {
    root,
    madeRepository: makesRepository,
    written: edits.map(({ path }) => relative(root, path)),
    installedDriver: installsDriver,
    adopted: {
      database: database?.path ?? null,
      tables: database?.tables ?? [],
      params: found?.params ?? null,
      models: [...new Set(Object.values(found?.models ?? {}).flatMap((path) => (path === null ? [] : [placeOf(path)])))],
    },
    cache: store.cache === null ? null : { ...store.cache.to, copied: store.cache.objects.length },
    remote,
    next: edits.length === 0 ? [] : [...DATA_NEXT[tracked], ...(usesGit ? ['expver run -m "first" -- COMMAND'] : [])],
    exitCode: remote?.probes.some(({ state }) => state === "failed") ? 1 : 0,
  };
}

/** The folder of a model; of one at the top, itself. */
function placeOf(path: string): string {
  return dirname(path) === "." ? path : dirname(path);
}
