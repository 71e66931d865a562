/** Said of a run or a sweep that nothing can be ranked by: mostly its program's numbers went to the terminal only. */
import type { Context } from "../../../platform/context.ts";

export function warnNumberless(context: Context, what: string): void {
  context.report({
    kind: "warning",
    text: `${what} left no number that could rank it: no metrics file was named, and no row it logged has one`,
    hint:
      "A JSON or YAML file that the program writes: --metrics FILE before the --. Or the program logs: " +
      "expver log accuracy=0.9, track() from JavaScript, xetrack's Tracker.",
  });
}
