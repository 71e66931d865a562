/** Data that is nobody's output any more, since what had tracked it is taken back. */
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Effect, Operation } from "../../journal/types.ts";
import type { Work } from "../../platform/pace.ts";
import { parsePointerFile } from "../../store/pointers/pointer-file.ts";
import { isHere } from "../../store/worktree/status.ts";
import { needRoomToRelease, releasing, walkingOutputs } from "../data/cache/unprotect.ts";

/** A `.dvc` file that was made or rewritten. */
export function isOfPointer(effect: Effect): boolean {
  return effect.kind === "file" && effect.after !== null && effect.path.endsWith(".dvc");
}

/** It may be links into the cache, where nothing names its bytes now: it becomes files. Safe to repeat. */
export function* releasingUntracked(project: Project, operation: Operation): Work<void> {
  const files = yield* walkingOutputs(project, untrackedBy(project, operation), { mayLack: true });
  yield* releasing(project, files.flat());
}

/** Asked before anything is taken back; `going`: stored paths that will be taken away before. Throws E_DISK_FULL. */
export function* needingRoomForUntracked(project: Project, operation: Operation, going: readonly string[]): Work<void> {
  const goes = new Set(going.map((path) => absolutePath(project, path)));
  const paths = untrackedBy(project, operation).filter((path) => !goes.has(path));
  const files = yield* walkingOutputs(project, paths, { mayLack: true });
  needRoomToRelease(project, files.flat());
}

/** Absolute paths of the outputs that are there and that no pointer names when the operation is taken back. */
export function untrackedBy(project: Project, { effects }: Operation): string[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== "file" || !isOfPointer(effect)) return [];
    const still = outputsIn(effect.before, effect.path);
    const gone = outputsIn(effect.after, effect.path).filter((path) => !still.includes(path));
    return gone.map((path) => absolutePath(project, path)).filter(isHere);
  });
}

/** None in what is no pointer: undo has other things to take back. */
function outputsIn(text: string | null, file: string): string[] {
  try {
    return text === null ? [] : parsePointerFile(text, file).map(({ path }) => path);
  } catch (error) {
    if (error instanceof ExpverError) return [];
    throw error;
  }
}
