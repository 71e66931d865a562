/** The command line: find the command, parse, plan, confirm, apply, render. */
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { systemContext } from "../platform/context.ts";
import type { Command, Input, Plan, ReadWorkflow, WriteWorkflow } from "../workflows/contract.ts";
import { confirmPlan } from "./confirm.ts";
import { envelopeOf, toJson } from "./envelope.ts";
import { EXIT_BUG, exitCodeOf } from "./exit-codes.ts";
import type { Face } from "./face.ts";
import { parseArguments } from "./parse.ts";
import { renderPlan } from "./render/plan.ts";
import { RENDERERS } from "./renderers.ts";
import { stderrReporter } from "./reporter.ts";
import { terminalOf } from "./terminal.ts";

/** Runs one command line and answers its exit code. Never throws. */
export async function main(argv: string[]): Promise<number> {
  const json = wantsJson(argv);
  const reporter = stderrReporter(process.stderr, { json, now: Date.now });
  const interrupted = new AbortController();
  process.on("SIGINT", () => interrupted.abort());
  const context = systemContext({ report: reporter.report, signal: interrupted.signal });
  process.stdout.on("error", quitOnBrokenPipe);
  try {
    const parsed = await parseArguments(argv, context);
    if (parsed.kind === "text") {
      process.stdout.write(parsed.text);
      return 0;
    }
    const { command, input, face, cwd } = parsed;
    const outcome = await runCommand({ ...context, cwd }, command, input, face);
    reporter.end();
    if (json) process.stdout.write(`${toJson(envelopeOf(outcome.data, reporter.warnings))}\n`);
    else process.stdout.write(await renderOutcome(command, outcome));
    return outcome.exitCode;
  } catch (error) {
    reporter.end();
    if (json) process.stdout.write(`${toJson(envelopeOf(dataOf(error), reporter.warnings, error))}\n`);
    else process.stderr.write(describe(error, argv.includes("--debug")));
    return exitCodeOf(error);
  }
}

interface Outcome {
  data: unknown;
  /** The data is a plan that was only shown. */
  planned: boolean;
  exitCode: number;
}

async function runCommand(context: Context, command: Command, input: Input, face: Face): Promise<Outcome> {
  const workflow = await command.load();
  if (command.kind === "read") {
    const data = await (workflow as ReadWorkflow<Input, unknown>).read(context, input);
    return { data, planned: false, exitCode: exitCodeIn(data) };
  }
  const writer = workflow as WriteWorkflow<Input, Plan, unknown>;
  if (command.repairsFirst !== false) {
    const { repairFirst } = await import("../workflows/prepare.ts");
    await repairFirst(context, { dryRun: face.dryRun });
  }
  const plan = await writer.plan(context, input);
  const shown = writer.show?.(plan) ?? {
    command: plan.command,
    steps: plan.steps,
    destructive: plan.destructive,
    fingerprint: plan.fingerprint,
  };
  if (face.dryRun) return { data: shown, planned: true, exitCode: 0 };
  await confirmPlan(context, shown, face);
  const data = await writer.apply(context, plan);
  return { data, planned: false, exitCode: exitCodeIn(data) };
}

/** A workflow that found differences or a failed child says so in its data rather than throwing. */
function exitCodeIn(data: unknown): number {
  if (typeof data !== "object" || data === null || !("exitCode" in data)) return 0;
  return typeof data.exitCode === "number" ? data.exitCode : 0;
}

async function renderOutcome(command: Command, { data, planned }: Outcome): Promise<string> {
  const terminal = terminalOf(process.stdout, process.env);
  if (planned) return renderPlan(data as Plan, terminal);
  const load = command.render === undefined ? undefined : RENDERERS[command.render];
  if (load === undefined) return data === undefined || data === null ? "" : `${toJson(data)}\n`;
  const text = (await load())(data as never, terminal);
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function describe(error: unknown, debug: boolean): string {
  const style = terminalOf(process.stderr, process.env).style;
  if (error instanceof ExpverError) {
    const trace = debug ? `${error.stack ?? ""}\n` : "";
    return `${style("red", "error")} ${style("dim", error.code)}: ${error.message}\n  ${style("cyan", "hint")}: ${error.hint}\n${trace}`;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `expver has a bug (exit ${EXIT_BUG}). Please report this text:\n${trace}\n`;
}

/** Plans and findings ride in the error's details and come out as data. */
function dataOf(error: unknown): unknown {
  return error instanceof ExpverError ? (error.details.data ?? null) : null;
}

/** Only what stands before `--` is ours. */
function wantsJson(argv: string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}

function quitOnBrokenPipe(error: Error): void {
  if ("code" in error && error.code === "EPIPE") process.exit(0);
}
