/** Outputs that a `dvc.yaml` promises and no `dvc.lock` knows: as pointers to nothing yet. */
import type { PipelineTexts } from "../store/pointers.ts";
import type { Pointer } from "../store/types.ts";
import { readStages } from "./stages.ts";

export function unrunOutputs(pipelines: readonly PipelineTexts[]): Pointer[] {
  return pipelines.flatMap(({ file, ...texts }) =>
    readStages(file, texts).flatMap(({ stage, newOutputs }) =>
      newOutputs.map(
        ({ path, isCached }): Pointer => ({
          file,
          stage,
          path,
          hash: null,
          hashName: "md5",
          // As dvc says it.
          size: 0,
          cache: isCached,
          push: true,
          isImport: false,
        }),
      ),
    ),
  );
}
