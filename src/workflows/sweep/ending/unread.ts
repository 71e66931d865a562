/** Said of a sweep whose settings made no difference: mostly its program was never told them. */
import type { OpenSweep } from "../open-sweep.ts";
import type { Ended } from "../state.ts";

export function warnUnread({ context, argv, state }: OpenSweep, runs: readonly Ended[]): void {
  const settings = runs.map(({ job }) => state().jobs[job] ?? {});
  const names = [...new Set(settings.flatMap((one) => Object.keys(one)))];
  const varied = names.filter((name) => new Set(settings.map((one) => one[name])).size > 1);
  const isTold = varied.some((name) => argv.some((word) => word.includes(`{${name}}`)));
  const [first, ...others] = runs.map(({ end: { metrics } }) => JSON.stringify(metrics));
  if (varied.length === 0 || isTold || first === "{}" || others.some((metrics) => metrics !== first)) return;
  const words = varied.map((name) => `{${name}}`).join(", ");
  context.report({
    kind: "warning",
    text: `all ${runs.length} runs have the same numbers, and the command has no ${words}: did the program read ${varied.join(", ")}?`,
    hint: `Take the version back (expver undo), then write ${words} into the command, or read EXPVER_PARAMS in the program.`,
  });
}
