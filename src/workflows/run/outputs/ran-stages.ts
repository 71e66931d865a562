/** What shows only at the end of a run: that stages ran in it (`make`, a script), and which inputs they have made anew. */
import type { Context } from "../../../platform/context.ts";
import { dataHash, inputPointers } from "../../../store/pointers/data-hash.ts";
import type { ClosingRun } from "../open-run.ts";
import { trackedNow } from "./tracked-now.ts";

/** What a stage makes in the run is its output, no input. The program was told the hash of what was there when it began. */
export function noteStages(context: Context, { project, runId, isShard, facts, save }: ClosingRun): void {
  const { closing, inputs } = facts();
  const before = new Map(closing.pointers.map(({ file, path, hash }) => [`${file} ${path}`, hash]));
  const made = trackedNow(project, closing.pointers).pointers.filter(
    ({ stage, file, path, hash }) => stage !== undefined && before.get(`${file} ${path}`) !== hash,
  );
  if (made.length === 0) return;
  if (!closing.pipeline && !isShard) {
    const names = [...new Set(made.map(({ stage }) => stage))].join(", ");
    context.report({ kind: "step", text: `stages  ${names} ran in ${runId}: what they made is output of it` });
  }
  const ofStages = new Set(made.map(({ path }) => path));
  const read = inputPointers(project, inputs, { runsStages: true }).filter(({ path }) => !ofStages.has(path));
  save({
    closing: { ...closing, pipeline: true },
    inputs: read,
    dvcHash: read.length === inputs.length ? facts().dvcHash : dataHash(read),
  });
}
