/** A plan as a client is shown it. */
import { shellWord } from "../../platform/shell-word.ts";
import { fitAnswer } from "../answer.ts";
import { withOptions } from "../command.ts";
import type { ShownPlan } from "../plans.ts";
import { SOURCE } from "./answering.ts";
import { answerOf, listOf, NUMBER, TEXT, YES_OR_NO } from "./output.ts";

export const PLAN = answerOf({
  plan: { ...TEXT, description: "id for expver_apply" },
  command: TEXT,
  steps: listOf({ verb: TEXT, target: TEXT, detail: TEXT, count: NUMBER, bytes: NUMBER, keeps: TEXT }),
  steps_total: NUMBER,
  destructive: YES_OR_NO,
  fingerprint: TEXT,
  terminal: { ...TEXT, description: "the command line that does exactly this" },
});

export function shownPlan(plan: ShownPlan): Record<string, unknown> {
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
