/** A plan as a client is shown it. */
import * as z from "zod";
import { shellWord } from "../../platform/shell-word.ts";
import { fitAnswer } from "../answer.ts";
import { withOptions } from "../command.ts";
import type { ShownPlan } from "../plans.ts";
import { SOURCE, source } from "./answering.ts";

export const PLAN = z.object({
  source,
  plan: z.string().describe("id for expver_apply"),
  command: z.string(),
  steps: z.array(z.unknown()),
  steps_total: z.number(),
  destructive: z.boolean(),
  fingerprint: z.string(),
  terminal: z.string().describe("the command line that does exactly this"),
});

export function shownPlan(plan: ShownPlan): z.infer<typeof PLAN> {
  const { data } = fitAnswer({ steps: plan.steps }, { rows: ["steps"], offset: 0, limit: 40, detail: "short" });
  return {
    source: SOURCE,
    plan: plan.id,
    command: plan.command,
    steps: (data as { steps: unknown[] }).steps,
    steps_total: plan.steps.length,
    destructive: plan.destructive,
    fingerprint: plan.fingerprint,
    terminal: terminalLine(plan),
  };
}

export function terminalLine({ argv, repository, fingerprint }: ShownPlan): string {
  return ["expver", "-C", repository, ...withOptions(argv, ["--plan", fingerprint])].map(shellWord).join(" ");
}
