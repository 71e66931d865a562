/** A worktree whose making was killed. */

import { type Place, requireRepository } from "../../config/project.ts";
import { readRef, updateRefs } from "../../git/refs.ts";
import { worktreeState } from "../../git/worktrees.ts";
import { newestOperations } from "../../journal/operations.ts";
import type { RecoveryHandler } from "../../journal/recover.ts";
import { moveToTrash } from "../../journal/trash.ts";
import { removePath, removeTemporaries } from "../../platform/files.ts";
import { dropRecord, isThere, recordFile, saveRecord, type WorktreeRecord } from "./records.ts";

/** In another worktree of the repository, whose commands do not repair this one's. */
function isMadeSince(place: Place, id: string, root: string): boolean {
  for (const later of newestOperations(place)) {
    if (later.id <= id) return false;
    const wanted = later.notes.wanted as Partial<WorktreeRecord> | undefined;
    if (wanted?.root === root && (later.state === "done" || later.state === "open")) return true;
  }
  return false;
}

/**
 * What a killed making left goes, its folder to the trash: somebody may have put something into it. One whose branch went on stays, and
 * is ours from then on.
 */
export const recoverMaking: RecoveryHandler = (place, _context, { id, notes }) => {
  const { kind, name, root, branch, commit } = notes.wanted as WorktreeRecord;
  if (isMadeSince(place, id, root)) return `${root} was made by another command since, and stays`;
  const record = { kind, name, root, branch, commit, made: [] };
  const repository = requireRepository(place);
  const { admin } = worktreeState(repository, root);
  const ref = `refs/heads/${branch}`;
  removeTemporaries([recordFile(place, record)]);
  const tip = branch === null ? null : readRef(repository, ref);
  if (tip !== null && tip !== commit) {
    saveRecord(place, record);
    return `${root} was used meanwhile and stays`;
  }
  dropRecord(place, record);
  const trash = isThere(repository, record) ? moveToTrash(place, root) : null;
  if (admin !== null) removePath(admin);
  if (tip !== null) updateRefs(repository, [{ ref, before: tip, after: null }], { reason: "expver: a making that was killed" });
  return `the half-made worktree was taken back${trash === null ? "" : ` (${trash})`}`;
};
