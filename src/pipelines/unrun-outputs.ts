/** Outputs that a `dvc.yaml` promises and no `dvc.lock` knows: as pointers to nothing yet. */
import { ExpverError } from "../errors.ts";
import type { PipelineTexts } from "../store/pointers/pointers.ts";
import type { Pointer } from "../store/types.ts";
import { readStages } from "./stages.ts";

/** The same of those that can be read: what is no pipeline promises nothing. */
export function promisedOutputs(pipelines: readonly PipelineTexts[]): Pointer[] {
  return pipelines.flatMap((one) => {
    try {
      return unrunOutputs([one]);
    } catch (error) {
      if (!(error instanceof ExpverError)) throw error;
      return [];
    }
  });
}

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
