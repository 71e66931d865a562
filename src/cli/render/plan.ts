/** A plan as text: one line a step. */
import type { Plan, Step } from "../../workflows/contract.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "../text-width.ts";

export function renderPlan(plan: Plan, terminal: Terminal): string {
  const head = `${terminal.style("bold", "plan")} ${oneLine(plan.command)} · ${plan.fingerprint}${plan.destructive ? terminal.style("yellow", " · destructive") : ""}`;
  const width = Math.max(...plan.steps.map((step) => step.verb.length), 0);
  const lines = plan.steps.map((step) => `  ${step.verb.padEnd(width)}  ${stepText(step)}`);
  return `${[head, ...(lines.length > 0 ? lines : ["  nothing to do"])].join("\n")}\n`;
}

function stepText({ target, detail, count, bytes, keeps }: Step): string {
  const amounts = [count === undefined ? "" : String(count), bytes === undefined ? "" : formatBytes(bytes)].filter(Boolean);
  return [target, amounts.length > 0 ? `(${amounts.join(", ")})` : "", detail ?? "", keeps ? `[kept: ${keeps}]` : ""]
    .filter(Boolean)
    .map(oneLine)
    .join("  ");
}
