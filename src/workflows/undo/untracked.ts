/** Data that is nobody's output any more, since what had tracked it is taken back. */
import { absolutePath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Effect, Operation } from "../../journal/types.ts";
import type { Work } from "../../platform/pace.ts";
import { parsePointerFile } from "../../store/pointers/pointer-file.ts";
import { walkingOutput } from "../../store/worktree/scan.ts";
import { isHere } from "../../store/worktree/status.ts";
import { releasing } from "../data/cache/unprotect.ts";

/** A `.dvc` file that was made or rewritten. */
export function isOfPointer(effect: Effect): boolean {
  return effect.kind === "file" && effect.after !== null && effect.path.endsWith(".dvc");
}

/** It may be links into the cache, where nothing names its bytes now: it becomes files. Safe to repeat. */
export function* releasingUntracked(project: Project, { effects }: Operation): Work<void> {
  for (const effect of effects) {
    if (effect.kind !== "file" || !isOfPointer(effect)) continue;
    const still = outputsIn(effect.before, effect.path);
    for (const path of outputsIn(effect.after, effect.path)) {
      const absolute = absolutePath(project, path);
      if (still.includes(path) || !isHere(absolute)) continue;
      const { files } = yield* walkingOutput(project, absolute, { mayLack: true });
      yield* releasing(project, files);
    }
  }
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
