/**
 * What a run has of stages that dvc found up to date. They write nothing, and what was not written counts for nothing; but what they have
 * made belongs to this state of code, data and parameters as if they had made it again.
 */
import { absolutePath, isWithin } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { failedWith } from "../../../errors.ts";
import { isOfStage, isUpToDate, type StageChange, stageChanges } from "../../../pipelines/stage-changes.ts";
import type { Work } from "../../../platform/pace.ts";
import type { Tracked } from "../../../store/pointers/pointers.ts";
import type { Pointer } from "../../../store/types.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";
import type { ClosingRun } from "../open-run.ts";
import { trackedNow } from "./tracked-now.ts";

/** True of a file that a stage has made which is up to date, and which still is what the stage has made. */
export function* isOfStageUpToDate({ project, facts }: ClosingRun, path: string): Work<boolean> {
  const tracked = trackedNow(project, facts().closing.pointers);
  const holding = tracked.pointers.filter((pointer) => isWithin(path, pointer.path));
  for (const pointer of yield* outputsUpToDate(project, { ...tracked, pointers: holding })) {
    const { content } = yield* scanOutput(project, absolutePath(project, pointer.path), pointer);
    if (content.hash === pointer.hash) return true;
  }
  return false;
}

/** Those of the pointers that are of stages which dvc would leave alone. What is there of them is not looked at. */
export function* outputsUpToDate(project: Project, { pointers, pipelines }: Tracked): Work<Pointer[]> {
  const wanted = pointers.filter(({ stage }) => stage !== undefined);
  if (wanted.length === 0) return [];
  const upToDate = (yield* changesOf(project, { pointers: wanted, pipelines })).filter(isUpToDate);
  return wanted.filter((pointer) => upToDate.some(({ stage }) => isOfStage(pointer, stage)));
}

/** Of a `dvc.yaml` that somebody has spoilt since the run ended nothing is known. */
function* changesOf(project: Project, { pointers: wanted, pipelines }: Tracked): Work<StageChange[]> {
  try {
    return yield* stageChanges(project, pipelines(), { wanted });
  } catch (error) {
    if (!failedWith(error, "E_POINTER")) throw error;
    return [];
  }
}
