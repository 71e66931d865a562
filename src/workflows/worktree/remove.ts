/** Removing a worktree expver made: only when its inventory is empty, or each thing that would go has been named. */
import { existsSync } from "node:fs";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, gitResult, type Repository } from "../../git/git.ts";
import { readRef, updateRefs } from "../../git/refs.ts";
import { perform } from "../../journal/perform.ts";
import { moveToTrash, trashPlace } from "../../journal/trash.ts";
import type { Context } from "../../platform/context.ts";
import type { Input } from "../contract.ts";
import { CATEGORIES, type Category, type Finding } from "./inventory/finding.ts";
import { dropRecord, type WorktreeRecord } from "./records.ts";

export interface Removal {
  record: WorktreeRecord;
  /** What goes to the trash because it was named; nothing else is there. */
  forced: Finding[];
}

export interface Removed {
  name: string;
  root: string;
  branch: string | null;
  /** Where the folder is now, when there was something in it. */
  trash: string | null;
}

/** Throws E_WOULD_LOSE with every finding that was not named. */
export function requireNothingLost(
  { name, root, kind }: WorktreeRecord,
  findings: readonly Finding[],
  forced: ReadonlySet<Category>,
): void {
  const left = findings.filter(({ category }) => !forced.has(category));
  if (left.length === 0) return;
  const lines = left.map(
    ({ category, what, examples, remedy }) => `  ${category}: ${what}${examples.length > 0 ? ` (${examples.join(", ")})` : ""}; ${remedy}`,
  );
  const again = kind === "exploration" ? `expver cleanup ${name}` : `expver worktree remove ${name}`;
  throw new ExpverError("E_WOULD_LOSE", [`${root} has what is nowhere else:`, ...lines].join("\n"), {
    hint: `Give it up by name: ${again} --force ${left.map(({ category }) => category).join(" ")}`,
    details: { worktree: root, findings: left },
  });
}

export function forcedCategories(input: Input): Set<Category> {
  const words = (Array.isArray(input.force) ? input.force : []).flatMap((word) => word.split(","));
  for (const word of words) {
    if (!(CATEGORIES as readonly string[]).includes(word)) {
      throw new ExpverError("E_USAGE", `--force names what may be lost: ${CATEGORIES.join(", ")}; not ${JSON.stringify(word)}`, {
        details: { received: word },
      });
    }
  }
  return new Set(words as Category[]);
}

export async function removeWorktree(
  project: Project,
  repository: Repository,
  context: Context,
  { record, forced }: Removal,
): Promise<Removed> {
  const { root, branch, kind, name } = record;
  const command = kind === "exploration" ? "cleanup" : "worktree remove";
  return perform(project, context, {
    command,
    argv: [...command.split(" "), name],
    summary: `remove ${root}`,
    work(operation) {
      let trash: string | null = null;
      if (forced.length > 0 && existsSync(root)) {
        trash = trashPlace(project, root);
        operation.note("trash", trash);
        moveToTrash(project, root, trash);
      }
      // What Git would not remove by itself is in the trash now, or was made by us.
      if (existsSync(root)) git(repository, ["worktree", "remove", "--force", "--", root]);
      gitResult(repository, ["worktree", "prune"]);
      if (branch !== null) deleteBranch(branch);
      dropRecord(project, record);
      return { name, root, branch, trash };

      function deleteBranch(short: string): void {
        const ref = `refs/heads/${short}`;
        const before = readRef(repository, ref);
        if (before === null) return;
        operation.record({ kind: "ref", ref, before, after: null });
        updateRefs(repository, [{ ref, before, after: null }], { reason: `expver: ${command}` });
      }
    },
  });
}
