/** Changed files that Git tracks and changed outputs of the experiment's worktree, as one commit on its branch. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fromTop } from "../../../config/paths.ts";
import { git } from "../../../git/git.ts";
import { perform } from "../../../journal/perform.ts";
import { removePath } from "../../../platform/files.ts";
import { paceWork } from "../../../platform/pace.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { hasLeftSource, pointerEdits, storingOutputs, trackedBy } from "../../../store/worktree/contents.ts";
import { requireCommittable } from "../../commit-paths.ts";
import { databaseCopier } from "../../data/databases.ts";
import { fileEffects, indexEditsTo, placeCommit } from "../../place-commit.ts";
import { makeSnapshot } from "../../run/snapshot/snapshot.ts";
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
        const paths = [...files, ...texts.map(({ path }) => path)];
        const folder = mkdtempSync(join(repository.gitDir, "expver-"));
        try {
          const head = { commit: tip, tree: git(repository, ["rev-parse", `${tip}^{tree}`]).trim() };
          const snapshot = makeSnapshot(repository, { folder, head, paths: files, texts, message, verify: true });
          if (!snapshot.isNew) return;
          placeCommit(project, repository, {
            operation,
            refs: [{ ref: `refs/heads/${record.branch}`, before: tip, after: snapshot.commit }],
            index: indexEditsTo(repository, snapshot.commit, paths),
            files: fileEffects(project, edits),
            reason: `expver: finish ${record.name}`,
          });
        } finally {
          removePath(folder);
        }
      },
    });
  await (project.dvcRoot === null ? commit() : withDvcLock(project, commit, { writes: outputs }));
}
