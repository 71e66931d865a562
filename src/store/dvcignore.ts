/** `.dvcignore`: what DVC leaves out of tracked folders. Gitignore patterns, every line stripped at both ends. */
import { dirname, join, relative } from "node:path";
import ignore from "ignore";
import type { Project } from "../config/project.ts";
import { readTextIfExists } from "../platform/files.ts";

export type IgnoreTest = (path: string, isFolder: boolean) => boolean;

/**
 * The test for what lies in the folder of the output at this absolute path, or below: files from the DVC root down to there, the last
 * match wins. Whoever walks must not enter ignored folders: nothing in them can be taken back.
 */
export function dvcIgnore(project: Project, output: string): IgnoreTest {
  const levels = foldersDownTo(project.dvcRoot ?? project.root, dirname(output)).flatMap((folder) => {
    const patterns = readPatterns(readTextIfExists(join(folder, ".dvcignore")));
    return patterns.length === 0 ? [] : [{ folder, rules: ignore({ ignorecase: false, allowRelativePaths: false }).add(patterns) }];
  });
  if (levels.length === 0) return () => false;
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
