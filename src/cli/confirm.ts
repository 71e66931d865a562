/** Destructive plans need a yes: typed on a terminal, `--yes`, or `--plan FINGERPRINT`. Harmless ones pass. */
import { ExpverError } from "../errors.ts";
import { shellWord } from "../platform/shell-word.ts";
import type { Plan } from "../workflows/contract.ts";
import type { Face } from "./face.ts";
import { renderPlan } from "./render/plan.ts";
import { terminalOf } from "./terminal.ts";

export async function confirmPlan(plan: Plan, face: Face, argv: readonly string[]): Promise<void> {
  if (face.plan !== undefined && face.plan !== plan.fingerprint) {
    throw new ExpverError(
      "E_PLAN_STALE",
      `the plan ${face.plan} no longer holds: what it would change has moved; it would be ${plan.fingerprint} now`,
      {
        hint: `If the plan as it is now is right: ${commandLine(argv, plan.fingerprint)}`,
        details: { asked: face.plan, now: plan.fingerprint, data: plan },
      },
    );
  }
  if (!plan.destructive || face.yes || face.plan !== undefined) return;
  if (!canAsk(face)) throw needsConfirmation(plan, argv, false);
  process.stderr.write(renderPlan(plan, terminalOf(process.stderr, process.env, face.colour)));
  const answer = await askPerson("Apply this plan? [y/N]");
  if (!/^y(es)?$/i.test(answer.trim())) throw needsConfirmation(plan, argv, true);
}

export function canAsk({ json }: Pick<Face, "json">): boolean {
  // In this order: standard input has to be loaded first.
  return !json && process.stderr.isTTY && process.stdin.isTTY;
}

/** Ctrl-C and Ctrl-D at a question are an empty answer. */
export async function askPerson(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((answer) => lines.once("close", () => answer("")));
  try {
    return await Promise.race([lines.question(`${question} `), closed]);
  } finally {
    lines.close();
  }
}

function needsConfirmation(plan: Plan, argv: readonly string[], asked: boolean): ExpverError {
  return new ExpverError("E_CONFIRM", `\`${plan.command}\` would replace or remove something and was not confirmed; nothing was changed`, {
    hint: `To apply exactly this plan: ${commandLine(argv, plan.fingerprint)}${inStage()}`,
    details: { data: plan, asked, command: commandLine(argv, plan.fingerprint) },
  });
}

/** A pipeline has nobody to ask each time. */
function inStage(): string {
  const stage = process.env.DVC_STAGE;
  return stage === undefined ? "" : `\nOr, if ${stage} may do that whenever it runs: write --yes into its cmd in dvc.yaml.`;
}

/** The same command line with the plan's fingerprint, ready to be pasted into a shell. */
function commandLine(argv: readonly string[], fingerprint: string): string {
  const end = argv.indexOf("--");
  const ours = end < 0 ? [...argv] : argv.slice(0, end);
  const stale = ours.indexOf("--plan");
  if (stale >= 0) ours.splice(stale, 2);
  const kept = ours.filter((word) => !word.startsWith("--plan=") && word !== "--dry-run");
  return ["expver", ...kept, "--plan", fingerprint, ...(end < 0 ? [] : argv.slice(end))].map(shellWord).join(" ");
}
