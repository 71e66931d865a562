/** `dvc.lock`: the outputs of pipeline stages, read as tracked data. */
import { posix } from "node:path";
import { asFields, readMapping, toPointer } from "./pointer-file.ts";
import type { Pointer } from "./types.ts";

/** Outputs of every stage. `wdirOf` tells a stage's working folder relative to the lock file (`dvc.yaml` has it, the lock has not). */
export function parseLockFile(text: string, file: string, wdirOf: (stage: string) => string = () => "."): Pointer[] {
  const top = readMapping(text, file);
  // Before schema 2.0 the stages stood at the top.
  const stages = top.stages === undefined && top.schema === undefined ? top : asFields(top.stages ?? {}, file, "stages");
  return Object.entries(stages).flatMap(([stage, value]) => {
    const outs = asFields(value, file, `stage ${stage}`).outs;
    if (!Array.isArray(outs)) return [];
    const folder = posix.join(posix.dirname(file), wdirOf(stage));
    return outs.map((out) => toPointer(asFields(out, file, `outs of ${stage}`), { file, folder, isImport: false, stage }));
  });
}
