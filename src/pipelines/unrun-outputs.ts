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

/** Stages that no pointer is of and that make nothing (tests, uploads): each by its `dvc.yaml`, so that it can be named like others. */
export function stagesWithoutOutputs(pipelines: readonly PipelineTexts[], pointers: readonly Pointer[]): Pointer[] {
  const known = new Set(pointers.map(({ file, stage }) => `${file}\0${stage ?? ""}`));
  return pipelines.flatMap(({ file, ...texts }) =>
    readStages(file, texts)
      .filter(({ stage, newOutputs }) => newOutputs.length === 0 && !known.has(`${file}\0${stage}`))
      .map(({ stage }) => promised({ file, stage, path: file.replace(/lock$/, "yaml"), cache: false })),
  );
}

export function unrunOutputs(pipelines: readonly PipelineTexts[]): Pointer[] {
  return pipelines.flatMap(({ file, ...texts }) =>
    readStages(file, texts).flatMap(({ stage, newOutputs }) =>
      newOutputs.map(({ path, isCached }) => promised({ file, stage, path, cache: isCached })),
    ),
  );
}

function promised(which: Pick<Pointer, "file" | "stage" | "path" | "cache">): Pointer {
  // The size as dvc says it.
  return { ...which, hash: null, hashName: "md5", size: 0, push: true, isImport: false };
}
