/** A plan as text: one line a step. */
import type { Plan, Step } from "../../workflows/contract.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine, padText, textWidth } from "../text-width.ts";

/** Nobody reads more; a question behind thousands of lines would not be understood. */
const MOST_STEPS = 1000;

export function renderPlan(plan: Plan, terminal: Terminal): string {
  const head = `${terminal.style("bold", "plan")} ${oneLine(plan.command)} · ${plan.fingerprint}${plan.destructive ? terminal.style("yellow", " · destructive") : ""}`;
  const width = plan.steps.reduce((most, { verb }) => Math.max(most, verb.length), 0);
  const lines = plan.steps
    .slice(0, MOST_STEPS)
    .map((step) => `  ${padText(step.verb, width)}  ${flowed(partsOf(step), terminal.width - width - 4, width + 4)}`);
  if (plan.steps.length > MOST_STEPS) lines.push(`  and ${plan.steps.length - MOST_STEPS} more steps; all of them: --dry-run --json`);
  const about = plan.about === undefined ? [] : [`  ${oneLine(plan.about)}`];
  return `${[head, ...about, ...(lines.length > 0 ? lines : ["  nothing to do"])].join("\n")}\n`;
}

function partsOf({ target, detail, count, bytes, keeps }: Step): string[] {
  const amounts = [count === undefined ? "" : String(count), bytes === undefined ? "" : formatBytes(bytes)].filter(Boolean);
  const parts = [target, amounts.length > 0 ? `(${amounts.join(", ")})` : "", detail ?? "", keeps ? `[kept: ${keeps}]` : ""];
  return parts.filter(Boolean).map(oneLine);
}

/** Beside each other while there is room, else below. */
function flowed(parts: readonly string[], room: number, indent: number): string {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(last) + 2 + textWidth(part) <= room) lines[lines.length - 1] = `${last}  ${part}`;
    else lines.push(part);
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
