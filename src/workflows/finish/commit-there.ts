/** Changed files that Git tracks and changed outputs of the experiment's worktree, as one commit on its branch. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fromTop } from "../../config/paths.ts";
import { git } from "../../git/git.ts";
import { readIndexEntries, requireIndexFree } from "../../git/index-file.ts";
import { updateRefs } from "../../git/refs.ts";
import { readTree } from "../../git/tree.ts";
import { perform } from "../../journal/perform.ts";
import { removePath } from "../../platform/files.ts";
import { paceWork } from "../../platform/pace.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { hasLeftSource, pointerEdits, storingOutputs, trackedBy } from "../../store/worktree/contents.ts";
import { databaseCopier } from "../data/databases.ts";
import { requireCommittable } from "../models/commit-paths.ts";
import { bringAlong, type FileEffect, type IndexEdit } from "../run/closing/finish.ts";
import { makeSnapshot } from "../run/snapshot/snapshot.ts";
import type { Scene } from "./scene.ts";

export async function commitThere({ there, record, tip, changed }: Scene, message: string): Promise<void> {
  const { project, repository, context } = there;
  await requireCommittable(there);
  const { files, outputs } = changed;
  const commit = () =>
    perform(project, context, {
      command: "worktree finish",
      argv: ["worktree", "finish", record.name],
      summary: `commit what was changed in ${record.root}`,
      work: async (operation) => {
        const copyDatabase = await databaseCopier();
        const scans = await paceWork(storingOutputs(project, outputs, { copyDatabase }), context, { label: "storing outputs" });
        const pointers = trackedBy(project);
        const stored = outputs.flatMap((path, index) => {
          const content = scans[index]?.content;
          if (content === undefined) throw new TypeError("every output was stored");
          const pointer = pointers.get(path);
          // What was only not in the cache: its entry is right.
          if (pointer?.stage !== undefined && pointer.hash === content.hash) return [];
          return [{ path, content, pointer, leavesSource: pointer !== undefined && hasLeftSource(pointer, content) }];
        });
        const { edits } = pointerEdits(project, stored);
        const texts = edits.flatMap(({ path, after }) => (after === null ? [] : [{ path: fromTop(project, path), text: after }]));
        const paths = [...new Set([...files, ...texts.map(({ path }) => path)])];
        const folder = mkdtempSync(join(repository.gitDir, "expver-"));
        try {
          const head = { commit: tip, tree: git(repository, ["rev-parse", `${tip}^{tree}`]).trim() };
          const snapshot = makeSnapshot(repository, { folder, head, paths: files, texts, message, verify: true });
          if (!snapshot.isNew) return;
          requireIndexFree(repository);
          const now = readIndexEntries(repository, paths);
          const then = new Map(readTree(repository, snapshot.commit, paths).map(({ path, mode, object }) => [path, { mode, object }]));
          const index = paths.map((path): IndexEdit => ({ path, before: now.get(path) ?? null, after: then.get(path) ?? null }));
          const written = edits.map(
            ({ path, before, after }): FileEffect => ({ kind: "file", path: fromTop(project, path), before, after }),
          );
          const refs = [{ ref: `refs/heads/${record.branch}`, before: tip, after: snapshot.commit }];
          operation.record(...refs.map((change) => ({ kind: "ref" as const, ...change })), { kind: "index", entries: index }, ...written);
          updateRefs(repository, refs, { reason: `expver: finish ${record.name}` });
          bringAlong(project, repository, { index, files: written });
        } finally {
          removePath(folder);
        }
      },
    });
  await (project.dvcRoot === null ? commit() : withDvcLock(project, commit, { writes: outputs }));
}
