/** What the runs of a sweep lack of submodules: no program shall run without a word where something it reads is not. */
import { join } from "node:path";
import type { Repository } from "../../../git/git.ts";
import { findSubmodules } from "../../../git/submodules.ts";
import type { Context } from "../../../platform/context.ts";
import { isFolder } from "../../../platform/files.ts";

export function reportSubmodules(context: Context, repository: Repository, commit: string | null): void {
  if (commit === null) return;
  const found = findSubmodules(context, repository, commit);
  const warn = (paths: string[], text: string, hint: string) => {
    if (paths.length > 0) context.report({ kind: "warning", text: `${text}: ${paths.join(", ")}`, hint });
  };
  warn(
    found.flatMap(({ path, repository: inner }) => (inner === null ? [path] : [])),
    "submodules that are not here are empty in the runs of a sweep",
    "git submodule update --init --recursive",
  );
  warn(
    found.flatMap(({ path, repository: inner }) => (inner !== null && isFolder(join(inner.root, ".dvc")) ? [path] : [])),
    "the runs of a sweep have no data of submodules, only their files of Git",
    "What they read, have as data of this repository: expver data import SUBMODULE PATH.",
  );
}
