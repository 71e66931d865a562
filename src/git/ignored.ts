/** Which paths Git's ignore files leave out. */
import { gitResult, type Repository } from "./git.ts";

/** Those of the paths (absolute, there or not) that are ignored, tracked ones too. One git process. */
export function ignoredByGit(repository: Repository, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const args = ["check-ignore", "-z", "--no-index", "--stdin"];
  const answer = gitResult(repository, args, { input: paths.join("\0"), allow: [1] });
  return answer.stdout.toString("utf8").split("\0").filter(Boolean);
}
