/** The snapshot commit S: HEAD, the chosen files and the pointers of changed inputs, built beside the user's index. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { ExpverError } from "../../../errors.ts";
import { git, gitResult, type Repository } from "../../../git/git.ts";
import { mayHaveHook, runHook } from "../../../git/hooks.ts";
import { copyIndex } from "../../../git/index-file.ts";
import { commitTree, hashBlob } from "../../../git/objects.ts";
import { emptyTree, textsAt, withLineEndsOf } from "../../../git/tree.ts";
import { bytesFor } from "../../../platform/kept-bytes.ts";

export interface SnapshotInput {
  /** Where the index of S is kept while the run goes on. */
  folder: string;
  head: { commit: string | null; tree: string | null };
  /** Paths whose worktree state goes in (or out, when deleted). */
  paths: readonly string[];
  /** Files that go in with another text than they have: pointers of changed inputs. */
  texts: readonly { path: string; text: string }[];
  message: string;
  /** Run the pre-commit hook. */
  verify: boolean;
}

export interface Snapshot {
  commit: string;
  /** False: S is HEAD. */
  isNew: boolean;
}

/** Writes objects only: no ref, no file of the worktree, not the user's index. Throws E_HOOK when pre-commit refuses. */
export function makeSnapshot(repository: Repository, input: SnapshotInput): Snapshot {
  const { folder, head, paths, texts, verify } = input;
  const index = indexOf(folder);
  const env = { GIT_INDEX_FILE: index };
  copyIndex(repository, index);
  git(repository, head.commit === null ? ["read-tree", "--empty"] : ["read-tree", "--reset", head.commit], { env });
  if (paths.length > 0) {
    git(repository, ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"], {
      env,
      input: paths.map((path) => `${path}\0`).join(""),
    });
  }
  const stored = textsAt(
    repository,
    head.commit,
    texts.flatMap(({ path, text }) => (text.includes("\r\n") ? [path] : [])),
  );
  const entries = texts.map(({ path, text }) => {
    const bytes = bytesFor(join(repository.root, path), withLineEndsOf(stored.get(path), text));
    return `100644 ${hashBlob(repository, bytes)} 0\t${path}\0`;
  });
  if (entries.length > 0) git(repository, ["update-index", "-z", "--add", "--replace", "--index-info"], { env, input: entries.join("") });
  if (verify && mayHaveHook(repository, "pre-commit")) runPreCommit(repository, env);
  const tree = git(repository, ["write-tree"], { env }).trim();
  if (head.commit !== null && tree === head.tree) return { commit: head.commit, isNew: false };
  return {
    commit: commitTree(repository, { tree, parents: head.commit === null ? [] : [head.commit], message: input.message }),
    isNew: true,
  };
}

/** Paths of S that no longer are in the worktree what they were; `ignored` are those S holds with a text of its own. */
export function changedSince(repository: Repository, folder: string, ignored: ReadonlySet<string>): string[] {
  const index = indexOf(folder);
  if (!existsSync(index)) return [];
  const env = { GIT_INDEX_FILE: index };
  // Without -q it says by its exit code whether anything has changed.
  if (gitResult(repository, ["update-index", "--refresh"], { env, allow: [1] }).code === 0) return [];
  const text = git(repository, ["diff-files", "--name-only", "--ignore-submodules=dirty", "-z"], { env });
  return text.split("\0").filter((path) => path !== "" && !ignored.has(path));
}

/** The patch of a worktree that was not to be committed, its new files named (but not held) in the end. */
export function worktreePatch(repository: Repository, head: string | null, untracked: readonly string[]): string {
  const from = head ?? emptyTree(repository);
  const patch = git(repository, ["diff", "--binary", "--no-color", "--no-ext-diff", "--src-prefix=a/", "--dst-prefix=b/", from, "--"]);
  return patch + untracked.map((path) => `# not in this patch: ${JSON.stringify(path)}\n`).join("");
}

function runPreCommit(repository: Repository, env: Record<string, string>): void {
  const answer = runHook(repository, "pre-commit", env);
  if (answer.code === 0) return;
  const said = `${answer.stdout.toString("utf8")}${answer.stderr}`.trim();
  throw new ExpverError("E_HOOK", `the pre-commit hook refused the snapshot (exit ${answer.code})${said === "" ? "" : `:\n${said}`}`, {
    hint: "Correct what it says, or run without it: expver run --no-verify …",
    details: { hook: "pre-commit", code: answer.code, output: said },
  });
}

function indexOf(folder: string): string {
  return join(folder, "index");
}
