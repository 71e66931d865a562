/** Destructive plans need a yes: typed on a terminal, `--yes`, or `--plan FINGERPRINT`. Harmless ones pass. */
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import type { Plan } from "../workflows/contract.ts";
import type { Face } from "./face.ts";
import { renderPlan } from "./render/plan.ts";
import { terminalOf } from "./terminal.ts";

export async function confirmPlan(_context: Context, plan: Plan, face: Face): Promise<void> {
  if (face.plan !== undefined && face.plan !== plan.fingerprint) {
    throw new ExpverError("E_PLAN_STALE", `the plan ${face.plan} no longer holds; it would be ${plan.fingerprint} now`, {
      details: { asked: face.plan, now: plan.fingerprint, data: plan },
    });
  }
  if (!plan.destructive || face.yes || face.plan !== undefined) return;
  if (!process.stdin.isTTY || face.json) throw needsConfirmation(plan);
  process.stderr.write(renderPlan(plan, terminalOf(process.stderr, process.env)));
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question("Apply this plan? [y/N] ");
    if (!/^y(es)?$/i.test(answer.trim())) throw needsConfirmation(plan);
  } finally {
    lines.close();
  }
}

function needsConfirmation(plan: Plan): ExpverError {
  return new ExpverError("E_CONFIRM", `\`${plan.command}\` would replace or remove something and was not confirmed; nothing was changed`, {
    hint: `Repeat with --plan ${plan.fingerprint} (or --yes).`,
    details: { data: plan },
  });
}
