/** Changes that `git status` does not show: somebody told Git not to look (`update-index --assume-unchanged`, `--skip-worktree`). */
import { join } from "node:path";
import { isThere } from "../platform/files.ts";
import { git, type Repository } from "./git.ts";
import { hashesHere } from "./hashes-here.ts";

/** Files so marked that are there with other bytes than the index has. One git process where nothing is so marked. */
export function overlookedChanges(repository: Repository): string[] {
  const marked = new Map(
    git(repository, ["ls-files", "-s", "-v", "-z"])
      .split("\0")
      .flatMap((line) => {
        const [, mark, object, path] = /^(.) \d+ (\w+) \d\t(.*)$/s.exec(line) ?? [];
        return mark !== undefined && object !== undefined && path !== undefined && /[a-zS]/.test(mark) ? [[path, object] as const] : [];
      })
      .filter(([path]) => isThere(join(repository.root, path))),
  );
  const here = hashesHere(repository, [...marked.keys()]);
  return [...marked].filter(([path, object]) => here.get(path) !== object).map(([path]) => path);
}
