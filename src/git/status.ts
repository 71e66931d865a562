/** What differs between HEAD, index and worktree, and what git is in the middle of. */
import { existsSync } from "node:fs";
import { startProgram } from "../platform/programs.ts";
import { eachOf } from "../platform/together.ts";
import { gitPath, gitResult, type Repository } from "./git.ts";

export interface StatusEntry {
  /** Relative to the worktree's top, with `/`; ends in `/` for an untracked repository inside this one. */
  path: string;
  /** HEAD against index: `.` same, `M` modified, `A` added, `D` deleted, `T` type changed; `U` and others in a conflict. */
  index: string;
  /** Index against worktree, the same letters; `?` untracked. */
  worktree: string;
  kind: "tracked" | "untracked" | "conflict" | "submodule";
  /** The name is not UTF-8: `path` only shows it, no file is found by it. */
  illegible?: true;
}

/** Every path that is not the same everywhere, untracked files one by one (not folders). One git process; writes nothing. */
export function readStatus(repository: Repository, options: { untracked?: boolean } = {}): StatusEntry[] {
  const untracked = options.untracked === false ? "no" : "all";
  return entriesOf(gitResult(repository, [...STATUS, `--untracked-files=${untracked}`]).stdout);
}

/** Of many worktrees, a few git processes at once. Null for one of which git has nothing to say. */
export async function readStatuses(repositories: readonly Repository[], { atOnce }: { atOnce: number }): Promise<(StatusEntry[] | null)[]> {
  return eachOf(repositories, atOnce, async ({ root: cwd, env }) => {
    const { code, stdout } = await startProgram("git", [...STATUS, "--untracked-files=all"], { cwd, env }).ended;
    return code === 0 ? entriesOf(stdout) : null;
  });
}

const STATUS = ["status", "--porcelain=v2", "-z", "--no-renames"];

function entriesOf(stdout: Buffer): StatusEntry[] {
  const text = stdout.toString("utf8");
  const legible = !text.includes(UNKNOWN) || Buffer.from(text).equals(stdout);
  return text.split("\0").flatMap((record) => {
    const entry = parseRecord(record);
    if (entry === null) return [];
    return legible || !entry.path.includes(UNKNOWN) ? [entry] : [{ ...entry, illegible: true as const }];
  });
}

/** The unfinished business of this worktree that a commit would get into the middle of. */
export function unfinished(repository: Repository): "merge" | "rebase" | "cherry-pick" | "revert" | "am" | null {
  const has = (name: string) => existsSync(gitPath(repository, name));
  if (has("MERGE_HEAD")) return "merge";
  if (has("rebase-apply/applying")) return "am";
  if (has("rebase-merge") || has("rebase-apply")) return "rebase";
  if (has("CHERRY_PICK_HEAD")) return "cherry-pick";
  if (has("REVERT_HEAD")) return "revert";
  return null;
}

/** What stands for bytes that are not UTF-8. */
const UNKNOWN = "\uFFFD";

// Fields before the path in a line of each kind: see "Porcelain Format Version 2" of git-status.
const FIELDS_BEFORE_PATH: Record<string, number> = { "1": 8, u: 10, "?": 1 };

function parseRecord(record: string): StatusEntry | null {
  const fields = FIELDS_BEFORE_PATH[record[0] ?? ""];
  if (fields === undefined) return null;
  const words = record.split(" ");
  const path = words.slice(fields).join(" ");
  if (record[0] === "?") return { path, index: ".", worktree: "?", kind: "untracked" };
  const [index = ".", worktree = "."] = words[1] ?? "";
  if (record[0] === "u") return { path, index, worktree, kind: "conflict" };
  return { path, index, worktree, kind: words[2]?.startsWith("S") ? "submodule" : "tracked" };
}
