/** `.dvcignore`: what DVC leaves out of tracked folders. Gitignore patterns, every line stripped at both ends. */
import { dirname, join, relative } from "node:path";
import ignore from "ignore";
import type { Project } from "../../config/project.ts";
import { isFolder, readTextIfExists } from "../../platform/files.ts";

export type IgnoreTest = (path: string, isFolder: boolean) => boolean;

export const IGNORES_NOTHING: IgnoreTest = () => false;

/**
 * The test for what lies in the folder of the output at this absolute path, or below: files from the DVC root down to there, the last
 * match wins. Whoever walks must not enter ignored folders: nothing in them can be taken back.
 */
export function dvcIgnore(project: Project, output: string): IgnoreTest {
  const root = project.dvcRoot ?? project.root;
  // Patterns say nothing about what is elsewhere.
  if (!output.startsWith(`${root}/`)) return IGNORES_NOTHING;
  return testOf(foldersDownTo(root, dirname(output)).flatMap((folder) => levelsOf(folder)));
}

/**
 * The test for absolute paths whether dvc, going through the whole repository, does not come upon them. `textIn`: what the `.dvcignore` of a
 * folder says, when it is not the one that stands there.
 */
export function leavingOut(project: Project, textIn = standingIn): IgnoreTest {
  const root = project.dvcRoot ?? project.root;
  const folders = new Map<string, Level[] | null>();
  /** Patterns that hold in a folder; null: it is not entered. */
  const within = (folder: string): Level[] | null => {
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const above = folder === root ? [] : within(dirname(folder));
    const found = above === null || testOf(above)(folder, true) ? null : [...above, ...levelsOf(folder, textIn)];
    folders.set(folder, found);
    return found;
  };
  return (path, isFolder) => {
    if (!path.startsWith(`${root}/`)) return false;
    const levels = within(isFolder ? path : dirname(path));
    return levels === null || (!isFolder && testOf(levels)(path, false));
  };
}

/** The patterns of one folder's file. */
interface Level {
  folder: string;
  rules: ReturnType<typeof ignore>;
}

function standingIn(folder: string): string | null {
  return readTextIfExists(join(folder, ".dvcignore"));
}

function levelsOf(folder: string, textIn = standingIn): Level[] {
  const patterns = readPatterns(textIn(folder));
  return patterns.length === 0 ? [] : [{ folder, rules: ignore({ ignorecase: false, allowRelativePaths: false }).add(patterns) }];
}

function testOf(levels: readonly Level[]): IgnoreTest {
  if (levels.length === 0) return IGNORES_NOTHING;
  return (path, isFolder) => {
    let ignored = false;
    for (const { folder, rules } of levels) {
      const answer = rules.test(`${relative(folder, path)}${isFolder ? "/" : ""}`);
      if (answer.ignored) ignored = true;
      else if (answer.unignored) ignored = false;
    }
    return ignored;
  };
}

/** All patterns that {@link dvcIgnore} goes by, as a text to compare. */
export function ignoreRules(project: Project, output: string): string {
  const folders = foldersDownTo(project.dvcRoot ?? project.root, dirname(output));
  return JSON.stringify(folders.map((folder) => readPatterns(readTextIfExists(join(folder, ".dvcignore")))));
}

export interface MatchingPattern {
  /** `.dvcignore:3:*.log`, the file relative to the DVC root; `:.git` for what DVC always leaves out; `in sub_repo:FOLDER`. */
  shown: string;
  /** False: the pattern takes a path back in (`!keep.log`). */
  ignores: boolean;
}

/** The pattern that decides about this absolute path, for `check-ignore`; null when none does, and for paths outside. */
export function matchingPattern(project: Project, path: string): MatchingPattern | null {
  const root = project.dvcRoot ?? project.root;
  if (!path.startsWith(`${root}/`)) return null;
  const patterns = foldersDownTo(root, dirname(path)).flatMap((folder) => patternsOf(root, folder));
  const all = [...ALWAYS.map((pattern) => onePattern(root, pattern, `:${pattern}`)), ...patterns].reverse();
  const parts = path.slice(root.length + 1).split("/");
  let last: MatchingPattern | null = null;
  for (let length = 1; length <= parts.length; length += 1) {
    const part = join(root, ...parts.slice(0, length));
    const isFolderThere = length < parts.length || isFolder(part);
    // Another DVC repository is no part of this one.
    if (isFolder(join(part, ".dvc"))) return { shown: `in sub_repo:${relative(root, part)}`, ignores: true };
    last = all.find(({ fits }) => fits(part, isFolderThere)) ?? null;
    // Nothing below an ignored folder can be taken back in.
    if (last?.ignores) return last;
  }
  return last;
}

const ALWAYS = [".hg/", ".git/", ".git", ".dvc/"];

function patternsOf(root: string, folder: string) {
  const file = join(folder, ".dvcignore");
  return (readTextIfExists(file) ?? "").split("\n").flatMap((line, index) => {
    const [pattern] = readPatterns(line);
    return pattern === undefined ? [] : [onePattern(folder, pattern, `${relative(root, file)}:${index + 1}:${pattern}`)];
  });
}

function onePattern(folder: string, pattern: string, shown: string): MatchingPattern & { fits: IgnoreTest } {
  const ignores = !pattern.startsWith("!");
  const rules = ignore({ ignorecase: false, allowRelativePaths: false }).add(ignores ? pattern : pattern.slice(1));
  const fits: IgnoreTest = (path, isFolder) =>
    path.startsWith(`${folder}/`) && rules.ignores(`${relative(folder, path)}${isFolder ? "/" : ""}`);
  return { shown, ignores, fits };
}

/** Patterns of one file's text. */
function readPatterns(text: string | null): string[] {
  return (text ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Outermost first; only the root when `inner` is not inside it. */
function foldersDownTo(root: string, inner: string): string[] {
  const folders: string[] = [];
  for (let folder = inner; folder.startsWith(`${root}/`); folder = dirname(folder)) folders.unshift(folder);
  return [root, ...folders];
}
