/** Which changed files enter the snapshot commit S, and which are held back, with the reason and what to do about it. */

import { basename, dirname, relative } from "node:path/posix";
import { isOutputBeside } from "../../../config/outputs-beside.ts";
import { configPath, isUnder, isWithin, typedPath, underAny } from "../../../config/paths.ts";
import { type Project, requireRepository, topOf } from "../../../config/project.ts";
import { isSecretFile } from "../../../config/secrets.ts";
import { yamlSource } from "../../../config/yaml-text.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { cacheDir } from "../../../store/settings/dvc-config.ts";
import type { Pointer } from "../../../store/types.ts";
import type { Places } from "../places.ts";
import { readNotedLeft } from "./noted-left.ts";
import { type Renamed, renamedAs, renamedData } from "./renamed-data.ts";
import { runLog } from "./run-logs.ts";

/** One path that differs from HEAD. All paths relative to the Git root, with `/`. */
export interface Change {
  path: string;
  /** In the index or in HEAD. */
  tracked: boolean;
  deleted: boolean;
  bytes: number;
  /** In the index and not in HEAD: somebody said `git add`. */
  staged?: true;
  /** Its bytes go to Git LFS, not into Git's history. */
  lfs?: true;
  /** A repository of its own: a submodule, or one that lies here unregistered. */
  repository?: "moved" | "dirty" | "foreign";
  /** Its name is not UTF-8. */
  illegible?: true;
  /** Git was told not to look at it (`--assume-unchanged`, `--skip-worktree`), and it is another than Git has. */
  overlooked?: true;
}

export interface HeldBack {
  /** The file, or the folder that stands for all in it. */
  path: string;
  reason: "large" | "secret" | "environment" | "log" | "output" | "left" | "repository" | "name" | "data" | "overlooked";
  /** What to type, or why nothing need be. */
  advice: string;
  files: number;
  bytes: number;
}

/** What would have been held back, had it not been staged. */
interface Unusual {
  path: string;
  reason: "large" | "secret";
  advice: string;
  bytes: number;
}

export interface SnapshotRules {
  /** The results database. */
  database: string;
  /** Models folders and files. */
  models: readonly string[];
  /** What pointers track, and the cache: never Git's. */
  isData: (path: string) => boolean;
  /** Such data under other names than their pointers say. */
  renamedIn: (changes: readonly Change[]) => readonly Renamed[];
  /** Globs of `track`, and the file of `--metrics`: what the run is to write. */
  isOutput: (path: string) => boolean;
  /** The same of other projects of the repository, their models and databases too. */
  isOutputBeside: (path: string) => boolean;
  /** What earlier runs of the program have left: the unit of each file. */
  left: ReadonlyMap<string, string>;
  /** A path as a word of a command line, for where the person stands. */
  typed: (path: string) => string;
  /** A path as `expver.yaml` names it. */
  named: (path: string) => string;
}

export interface Selection {
  included: Change[];
  heldBack: HeldBack[];
  /** Of the included ones. */
  unusual: Unusual[];
  /** Data held back for its pointer says another name. */
  renamed: readonly Renamed[];
}

/** `script`: of the run, as `scriptOf` says; without one what any has left is left out. */
export function snapshotRules(project: Project, places: Places, pointers: readonly Pointer[], script?: string): SnapshotRules {
  return {
    database: places.database,
    models: places.models,
    isData: underAny([...pointers.filter(({ cache }) => cache).map(({ path }) => path), relative(topOf(project), cacheDir(project))]),
    renamedIn: (changes) => renamedData(project, pointers, changes),
    isOutput: (path) => places.isTracked(path) || places.isMetrics(path),
    isOutputBeside: isOutputBeside(project),
    left: readNotedLeft(requireRepository(project), script),
    typed: (path) => typedPath(project, path),
    named: (path) => configPath(project, path),
  };
}

export const LARGE_BYTES = 2 ** 20;
const ENVIRONMENT_FOLDERS = new Set(
  "node_modules .venv venv __pycache__ .tox .nox .mypy_cache .pytest_cache .ruff_cache .ipynb_checkpoints .conda site-packages .eggs".split(
    " ",
  ),
);

export function selectSnapshot(changes: readonly Change[], rules: SnapshotRules): Selection {
  const seen: Seen = { environments: virtualEnvironments(changes), renamed: rules.renamedIn(changes) };
  const included: Change[] = [];
  const held = new Map<string, HeldBack>();
  for (const change of changes) {
    const verdict = judge(change, rules, seen);
    if (verdict === "in") included.push(change);
    else if (verdict !== "out") {
      const known = held.get(verdict.path);
      if (known === undefined) held.set(verdict.path, { ...verdict, files: 1, bytes: change.bytes });
      else held.set(verdict.path, { ...known, files: known.files + 1, bytes: known.bytes + change.bytes });
    }
  }
  const { renamed } = seen;
  return { included, heldBack: [...held.values()], unusual: included.flatMap((change) => unusual(change, rules) ?? []), renamed };
}

type Verdict = "in" | "out" | Pick<HeldBack, "path" | "reason" | "advice">;

/** What all changes together tell. */
interface Seen {
  environments: ReadonlySet<string>;
  renamed: readonly Renamed[];
}

function judge(change: Change, rules: SnapshotRules, { environments, renamed }: Seen): Verdict {
  const { path, tracked, repository, bytes } = change;
  const { typed } = rules;
  const ignoring = (pattern: string) => `echo ${shellWord(pattern)} >> ${typed(".gitignore")}`;
  if (change.illegible) return { path, reason: "name", advice: "its name is not UTF-8: rename it" };
  if (change.overlooked) {
    if (isUnder(path, rules.models) || rules.isOutput(path)) return "out";
    const again = `git update-index --no-assume-unchanged --no-skip-worktree -- ${typed(path)}`;
    return { path, reason: "overlooked", advice: `Git was told to overlook its changes: ${again}` };
  }
  const environment = tracked ? null : environmentFolder(path, environments);
  if (isGitOwn(path) && environment === null) return "in";
  if (isWithin(path, rules.database) || ["-wal", "-shm", "-journal"].some((end) => path === rules.database + end)) return "out";
  if (rules.isData(path)) return "out";
  if (isUnder(path, rules.models)) {
    const advice = tracked
      ? `commit it yourself: git commit -- ${typed(path)}`
      : `a new model file becomes an output; to keep this one: expver data add ${typed(path)}`;
    return { path, reason: "output", advice };
  }
  if (repository === "moved") return "in";
  if (repository === "dirty")
    return { path, reason: "repository", advice: `the submodule has changes of its own: commit them in ${typed(path)}` };
  if (repository === "foreign")
    return {
      path,
      reason: "repository",
      advice: `a Git repository of its own: add it as a submodule, or ignore it: ${ignoring(`/${path}`)}`,
    };
  if (tracked) return "in";
  if (rules.isOutput(path) || rules.isOutputBeside(path)) return "out";
  if (environment !== null) {
    return {
      path: environment,
      reason: "environment",
      advice: `installed or generated files: ${ignoring(`${basename(environment)}/`)}`,
    };
  }
  const log = runLog(path);
  if (log !== null) return { path: log.path, reason: "log", advice: `what a tool wrote about a run: ${ignoring(log.pattern)}` };
  const data = renamedAs(renamed, path);
  if (data !== undefined) return { path: data.path, reason: "data", advice: `${data.from} under another name: ${moving(data, typed)}` };
  if (isSecretFile(path)) return { path, reason: "secret", advice: `looks like a secret: ${ignoring(`/${path}`)}` };
  const left = rules.left.get(path);
  if (left !== undefined) {
    const glob = yamlSource(left === path ? rules.named(path) : `${rules.named(left)}/**`);
    const advice = `an earlier run wrote it; where the program goes on from it, or to keep what runs write there: track: [${glob}] in expver.yaml; if it only reads it: git add ${typed(left)}`;
    return { path: left, reason: "left", advice };
  }
  if (bytes >= LARGE_BYTES) return { path, reason: "large", advice: `expver data add ${typed(path)}` };
  return "in";
}

/** Into a folder that is there already it would be moved. */
function moving({ path, from, isFolder }: Renamed, typed: SnapshotRules["typed"]): string {
  const move = `expver data move ${typed(from)} ${typed(path)}`;
  return isFolder ? `mv ${typed(path)} ${typed(from)} && ${move}` : move;
}

/** Somebody's own `git add` is obeyed; what it leads to is said before it is in Git's history. */
function unusual({ path, staged, lfs, deleted, bytes }: Change, { typed }: SnapshotRules): Unusual | null {
  if (!staged || deleted) return null;
  const unstage = `git rm --cached -- ${typed(path)}`;
  if (isSecretFile(path)) {
    return {
      path,
      reason: "secret",
      bytes,
      advice: `to keep it out: ${unstage} && echo ${shellWord(`/${path}`)} >> ${typed(".gitignore")}`,
    };
  }
  if (bytes < LARGE_BYTES || lfs) return null;
  return { path, reason: "large", bytes, advice: `as data instead: ${unstage} && expver data add ${typed(path)}` };
}

/** Pointers and ignore files are text about data; wherever they lie they belong to Git. */
function isGitOwn(path: string): boolean {
  const name = basename(path);
  return (
    name === ".gitignore" ||
    name === ".dvcignore" ||
    name === "dvc.yaml" ||
    name === "dvc.lock" ||
    (name.endsWith(".dvc") && name !== ".dvc")
  );
}

function environmentFolder(path: string, environments: ReadonlySet<string>): string | null {
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join("/");
    const name = parts[depth - 1] ?? "";
    if (ENVIRONMENT_FOLDERS.has(name) || name.endsWith(".egg-info") || environments.has(folder)) return folder;
  }
  return null;
}

/** A folder with a `pyvenv.cfg` is a virtual environment whatever its name. */
function virtualEnvironments(changes: readonly Change[]): Set<string> {
  return new Set(changes.filter(({ path }) => basename(path) === "pyvenv.cfg").map(({ path }) => dirname(path)));
}
