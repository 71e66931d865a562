/** What a stage of `dvc.yaml` promises that has not run, and a program has made without it. */
import { isWithin, shownPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { promisedOutputs } from "../../../pipelines/unrun-outputs.ts";
import type { Context } from "../../../platform/context.ts";
import { fileBeside, type PipelineTexts } from "../../../store/pointers/pointers.ts";

/** A stored path that got a pointer of its own, and is, or has in it, what this stage promises. */
export interface Promised {
  path: string;
  stage: string;
}

export function promisedAmong(pipelines: readonly PipelineTexts[], paths: readonly string[]): Promised[] {
  const promised = promisedOutputs(pipelines);
  return paths.flatMap((path) => {
    const found = promised.find((one) => isWithin(one.path, path) || isWithin(path, one.path));
    return found?.stage === undefined ? [] : [{ path, stage: found.stage }];
  });
}

/** dvc takes no repository in which two files name one output, nor before the stage has run. */
export function warnPromised({ report }: Context, project: Project, promised: readonly Promised[]): void {
  for (const { path, stage } of promised)
    report({
      kind: "warning",
      text: `${shownPath(project, path)} is an output of stage ${stage} in dvc.yaml, which has not run, and has a pointer of its own now: dvc refuses both`,
      hint: `expver data remove ${typedPath(project, fileBeside(path))} && dvc commit -f ${stage}; and run it as a stage: expver run -- dvc repro`,
    });
}
