/** A pull or a switch moves pointers, not data: a run would put the older data back without anybody having meant it. */
import { typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { git, type Repository } from "../../../git/git.ts";
import { catFilesIfThere } from "../../../git/tree.ts";
import { pointerIn } from "../../../models/pointer-in.ts";
import type { Context } from "../../../platform/context.ts";
import type { OutputStatus } from "../../../store/worktree/status.ts";

/** `changed`: inputs whose bytes are not what their pointer says. `edited`: files that are not as HEAD has them. */
export function warnStaleInputs(
  project: Project,
  repository: Repository,
  context: Context,
  { changed, edited }: { changed: readonly OutputStatus[]; edited: ReadonlySet<string> },
): void {
  for (const { pointer, scan } of changed) {
    const { path, file } = pointer;
    // Who has changed the pointer too has said what is meant.
    if (scan === null || edited.has(file)) continue;
    const past = git(repository, [
      "log",
      "--no-show-signature",
      `--max-count=${MOST}`,
      "--format=%H %h %s",
      "HEAD",
      "--",
      `:(top,literal)${file}`,
    ])
      .split("\n")
      .filter(Boolean)
      .map((line) => ({ commit: line.slice(0, line.indexOf(" ")), name: line.slice(line.indexOf(" ") + 1) }));
    const texts = catFilesIfThere(
      repository,
      past.map(({ commit }) => `${commit}:${file}`),
    );
    const hashIn = (commit: string) => pointerIn(texts.get(`${commit}:${file}`)?.toString("utf8") ?? "", { file, path })?.hash;
    const then = past.find(({ commit }) => hashIn(commit) === scan.content.hash);
    if (then === undefined) continue;
    context.report({
      kind: "warning",
      text: `${path} is what it was in ${then.name}, not what HEAD says: a pull or a switch moves the pointer, not the data`,
      hint: `For HEAD's: expver data pull ${typedPath(project, path)}. The run reads the older, and its version names it.`,
    });
  }
}

/** So many states of a pointer are looked at. */
const MOST = 100;
