/** The results commit of a version that got another number: the old one with another results database. */
import { join } from "node:path";
import { type Project, topOf } from "../../config/project.ts";
import { resultsPath } from "../../config/results-place.ts";
import { git, type Repository } from "../../git/git.ts";
import { readIndexEntries, writeTreeWith } from "../../git/index-file.ts";
import { commitTree, hashBlob } from "../../git/objects.ts";
import { headBranch, readRef } from "../../git/refs.ts";
import { catFiles, readTree } from "../../git/tree.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { renderPointerFile } from "../../store/pointers/pointer-file.ts";
import { readPointersAt } from "../../store/pointers/pointers.ts";
import { entryName } from "../../store/worktree/contents.ts";
import type { Version } from "../../versions/types.ts";
import type { FileEffect, IndexEdit } from "../place-commit.ts";
import { type NewNumber, storeRestamped } from "./restamp.ts";

export interface RenumberedCommit {
  commit: string;
  /** What follows the branch in index and worktree; empty when it does not move. */
  index: IndexEdit[];
  files: FileEffect[];
}

/** HEAD's branch when it ends at this commit and no remote is known to have it: then the new commit may take its place. */
export function movableBranch(repository: Repository, commit: string): string | null {
  if (readRef(repository, "HEAD") !== commit) return null;
  const elsewhere = git(repository, ["for-each-ref", "--count=1", `--contains=${commit}`, "refs/remotes"]);
  return elsewhere === "" ? (headBranch(repository) ?? "HEAD") : null;
}

/** Null: the version's commit has no results database of its own kind of pointer, so there is nothing to say otherwise in it. */
export async function renumberedCommit(
  project: Project,
  repository: Repository,
  { version, number, branch }: { version: Version; number: NewNumber; branch: string | null },
): Promise<RenumberedCommit | null> {
  const path = resultsPath(project);
  const pointer = readPointersAt(project, version.commit).find((one) => one.path === path);
  if (pointer === undefined || pointer.hash === null || pointer.stage !== undefined) return null;
  const entry = readTree(repository, version.commit, [pointer.file])[0];
  if (entry === undefined) return null;
  const before = catFiles(repository, [entry.object]).get(entry.object)?.toString("utf8") ?? "";
  const content = await storeRestamped(project, pointer, number);
  const after = renderPointerFile(before, entryName(before, pointer, path), content);
  const blob = { path: pointer.file, mode: entry.mode, object: hashBlob(repository, after) };
  const [parents = "", ...message] = git(repository, ["log", "-1", "--no-show-signature", "--format=%P%n%B", version.commit]).split("\n");
  const commit = commitTree(repository, {
    tree: writeTreeWith(repository, version.commit, [blob]),
    parents: parents.split(" ").filter(Boolean),
    message: renamed(message.join("\n").trimEnd(), number),
  });
  if (branch === null) return { commit, index: [], files: [] };
  const old = { mode: entry.mode, object: entry.object };
  const staged = readIndexEntries(repository, [pointer.file]).get(pointer.file);
  const isOld = staged?.object === old.object && staged.mode === old.mode;
  const inWorktree = readTextIfExists(join(topOf(project), pointer.file)) === before;
  return {
    commit,
    index: isOld ? [{ path: pointer.file, before: old, after: { mode: blob.mode, object: blob.object } }] : [],
    files: inWorktree ? [{ kind: "file", path: pointer.file, before, after }] : [],
  };
}

/** The title of a results commit begins with its version. */
function renamed(message: string, { from, to }: NewNumber): string {
  return message.startsWith(`${from}:`) ? to + message.slice(from.length) : message;
}
