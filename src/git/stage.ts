/** What goes into the index, as `git add` puts it there. */
import { gitResult, type Repository } from "./git.ts";

/** Those of the files (absolute) that Git ignores, and has not, stay out, as with dvc: one that is named would end `git add` half-way. */
export function stageFiles(repository: Repository, paths: readonly string[]): void {
  const ignored = new Set(untrackedIgnored(repository, paths));
  const staged = paths.filter((path) => !ignored.has(path));
  if (staged.length > 0) gitResult(repository, ["--literal-pathspecs", "add", "--", ...staged]);
}

function untrackedIgnored(repository: Repository, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const answer = gitResult(repository, ["check-ignore", "-z", "--stdin"], { input: paths.join("\0"), allow: [1] });
  return answer.stdout.toString("utf8").split("\0").filter(Boolean);
}
