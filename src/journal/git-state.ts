/** Refs and index entries of the worktree an operation ran in. */
import { git, gitResult, type Repository } from "../git/git.ts";
import type { IndexEntry } from "./types.ts";

export function readRef(repository: Repository, ref: string): string | null {
  const answer = gitResult(repository, ["rev-parse", "--verify", "--quiet", "--end-of-options", ref], { allow: [1, 128] });
  return answer.code === 0 ? answer.stdout.toString("utf8").trim() : null;
}

/** All or none; `before` null: must not exist, `after` null: delete. */
export function updateRefs(repository: Repository, updates: readonly { ref: string; before: string | null; after: string | null }[]): void {
  const zero = "0".repeat(40);
  const lines = updates.map(({ ref, before, after }) =>
    after === null ? `delete ${ref}\0${before ?? zero}\0` : `update ${ref}\0${after}\0${before ?? zero}\0`,
  );
  git(repository, ["update-ref", "--stdin", "-z", "--no-deref", "-m", "expver: undo"], { input: lines.join("") });
}

export function readIndexEntries(repository: Repository, paths: readonly string[]): Map<string, IndexEntry> {
  const entries = new Map<string, IndexEntry>();
  const text = git(repository, ["--literal-pathspecs", "ls-files", "-s", "-z", "--", ...paths]);
  for (const record of text.split("\0")) {
    const [, mode, object, path] = /^(\d+) ([0-9a-f]+) \d\t(.*)$/s.exec(record) ?? [];
    if (mode !== undefined && object !== undefined && path !== undefined) entries.set(path, { mode, object });
  }
  return entries;
}

export function setIndexEntries(repository: Repository, entries: readonly { path: string; entry: IndexEntry | null }[]): void {
  const zero = "0".repeat(40);
  const input = entries.map(({ path, entry }) => `${entry?.mode ?? "0"} ${entry?.object ?? zero}\t${path}\0`).join("");
  git(repository, ["update-index", "-z", "--index-info"], { input });
}
