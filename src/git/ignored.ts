/** Which paths Git's ignore files leave out. */
import { gitResult, type Repository } from "./git.ts";

/** Those of the paths (absolute, there or not) that are ignored, tracked ones too. One git process. */
export function ignoredByGit(repository: Repository, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const args = ["check-ignore", "-z", "--no-index", "--stdin"];
  const answer = gitResult(repository, args, { input: paths.join("\0"), allow: [1] });
  return answer.stdout.toString("utf8").split("\0").filter(Boolean);
}

export interface IgnoringRule {
  /** The ignore file, relative to the top or absolute; its line, from 1, and what that says. */
  file: string;
  line: number;
  pattern: string;
}

/** The rule that decides about a path (absolute); null when none does. */
export function ignoringRule(repository: Repository, path: string): IgnoringRule | null {
  const args = ["check-ignore", "-v", "-z", "--no-index", "--stdin"];
  const [file, line, pattern] = gitResult(repository, args, { input: path, allow: [1] })
    .stdout.toString("utf8")
    .split("\0");
  return file === undefined || pattern === undefined ? null : { file, line: Number(line), pattern };
}
