/** Hook files put, copied and thrown away within an operation. */
import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fromTop } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import type { OpenOperation } from "../../journal/operations.ts";
import { moveToTrash, trashPlace } from "../../journal/trash.ts";
import { writeFileAtomic } from "../../platform/files.ts";
import { placeCopies } from "../place-copies.ts";

/** Absolute paths. */
export interface PlacedHooks {
  put(path: string, text: string): void;
  /** As it is: with its mode, a link as a link; what is at `to` goes to the trash. */
  copy(from: string, to: string): void;
  discard(path: string): void;
}

export function openPlacedHooks(project: Project, operation: OpenOperation): PlacedHooks {
  // The hooks of a linked worktree are in the main one's folder.
  const place = (to: string, make: (made: string) => void) => {
    const made = trashPlace(project, to);
    mkdirSync(dirname(made), { recursive: true });
    make(made);
    placeCopies(project, operation, { copies: [{ path: fromTop(project, to), made }], anywhere: true });
  };
  return {
    put: (path, text) =>
      place(path, (made) => {
        writeFileAtomic(made, text);
        chmodSync(made, 0o755);
      }),
    copy: (from, to) => place(to, (made) => cpSync(from, made, { verbatimSymlinks: true })),
    discard(path) {
      const trash = trashPlace(project, path);
      operation.record({ kind: "trash", path: fromTop(project, path), trash });
      moveToTrash(project, path, trash);
    },
  };
}
