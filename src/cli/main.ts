/** The command line: find the command, parse, plan, confirm, apply, render. */

import { resolve } from "node:path";
import { ExpverError } from "../errors.ts";
import { type Context, systemContext } from "../platform/context.ts";
import { isFolder } from "../platform/files.ts";
import { setDeafWait } from "../platform/interrupts.ts";
import { CATALOGUE } from "../workflows/catalogue/index.ts";
import type { Command, Input, Plan, ReadWorkflow, WriteWorkflow } from "../workflows/contract.ts";
import { askPerson, canAsk, confirmPlan } from "./confirm.ts";
import { envelopeOf, toJson } from "./envelope.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { type Face, NO_FACE } from "./face.ts";
import { describe, toFailure } from "./failures.ts";
import { watchOutput } from "./output.ts";
import { parseArguments } from "./parse.ts";
import { renderPlan } from "./render/plan.ts";
import { rendererOf } from "./renderers.ts";
import { type Reporter, stderrReporter } from "./reporter.ts";
import { exitCodeOfSignal, type Interruption, listenForSignals } from "./signals.ts";
import { terminalOf } from "./terminal.ts";

/** Faces that go on until their input ends; handed in, for faces do not know each other. */
export interface Servers {
  mcp(context: Context, input: Input): Promise<void>;
}

/** Runs one command line and answers its exit code. Never throws. */
export async function main(argv: string[], catalogue: readonly Command[] = CATALOGUE, servers?: Servers): Promise<number> {
  const onStray = (error: unknown) => void tellFailure(error, { face, command, reporter }).finally(() => process.exit(255));
  process.on("uncaughtException", onStray);
  let face: Face = { ...NO_FACE, ...guessFace(argv) };
  let command: Command | undefined;
  let reporter: Reporter | undefined;
  let interruption: Interruption | undefined;
  let code: number | undefined;
  watchOutput({ writes: () => command?.kind === "write", exitCode: () => code });
  try {
    const parsed = await parseArguments(argv, catalogue, { width: Math.min(process.stdout.columns || 100, 100) });
    if (parsed.kind === "text") {
      code = parsed.exitCode ?? 0;
      process.stdout.write(face.json ? `${toJson(envelopeOf(parsed.data, []))}\n` : parsed.text);
      return code;
    }
    ({ command, face } = parsed);
    // JSON of dvc's shape has no place for warnings.
    const isBare = face.json && command.bareJson === true;
    reporter = stderrReporter(process.stderr, {
      json: face.json && !isBare,
      quiet: face.quiet || isBare,
      colour: face.colour,
      now: Date.now,
      answer: process.stdout,
    });
    // A command that only looks may simply die of a signal; one that writes is asked to stop.
    if (command.kind === "write") interruption = listenForSignals(command.passThrough ? 3 : 2);
    const context = contextOf(face, reporter, interruption);
    listenWhileWaiting(context, interruption);
    if (command.serves !== undefined && servers !== undefined) {
      await servers[command.serves](context, parsed.input);
      return 0;
    }
    const outcome = await runCommand(context, command, { input: parsed.input, face, argv });
    code = outcome.exitCode;
    reporter.end();
    if (face.json && command.bareJson && !face.quiet) {
      await print(await dvcJson(outcome.data));
      return outcome.exitCode;
    }
    const text = await textOf(command, outcome, { face, reporter });
    if (!(await isPaged(text, command, { input: parsed.input, face, context }))) process.stdout.write(text);
    return outcome.exitCode;
  } catch (thrown) {
    reporter?.end();
    const signal = (await interruption?.arrived()) ?? null;
    const error = toFailure(thrown, signal, command);
    const isDvcInterrupt = command?.dialect === "dvc" && signal === "SIGINT";
    code =
      signal !== null && !isDvcInterrupt && exitCodeOf(error, undefined) === 130 ? exitCodeOfSignal(signal) : exitCodeOf(error, command);
    await tellFailure(error, { face, command, reporter });
    return code;
  } finally {
    interruption?.stop();
    process.off("uncaughtException", onStray);
  }
}

interface Outcome {
  data: unknown;
  /** The data is a plan that was only shown. */
  planned: boolean;
  exitCode: number;
}

interface Call {
  input: Input;
  face: Face;
  argv: readonly string[];
}

/** Who waits for another program's transaction is told so once, and can be stopped. */
function listenWhileWaiting({ report }: Context, interruption: Interruption | undefined): void {
  const said = new Set<string>();
  setDeafWait((whatFor, wait) => {
    const tell = () => {
      if (!said.has(whatFor)) report({ kind: "step", text: `waiting for ${whatFor}` });
      said.add(whatFor);
    };
    return interruption === undefined ? wait(tell) : interruption.unheard(() => wait(tell));
  });
}

function contextOf(face: Face, reporter: Reporter, interruption: Interruption | undefined): Context {
  const { coloured, width } = terminalOf(process.stderr, process.env, face.colour);
  const context = systemContext({
    report: reporter.report,
    ...(coloured ? { columns: width } : {}),
    ...(canAsk(face) ? { ask: askPerson } : {}),
    ...(interruption ? { signal: interruption.signal } : {}),
    ...(face.patience === undefined ? {} : { patience: face.patience }),
    ...(face.connections === undefined ? {} : { connections: face.connections }),
    exactPlans: face.dryRun || face.plan !== undefined,
  });
  if (face.directory === undefined) return context;
  const cwd = resolve(context.cwd, face.directory);
  if (!isFolder(cwd)) {
    throw new ExpverError("E_NOT_FOUND", `-C: there is no folder ${cwd}`, { details: { path: cwd, exitCode: 255 } });
  }
  return { ...context, cwd };
}

async function runCommand(context: Context, command: Command, { input, face, argv }: Call): Promise<Outcome> {
  const workflow = await command.load();
  if (command.kind === "read") {
    const data = await (workflow as ReadWorkflow<Input, unknown>).read(context, input);
    return { data, planned: false, exitCode: exitCodeIn(data) };
  }
  const writer = workflow as WriteWorkflow<Input, Plan, unknown>;
  await writer.ahead?.(input);
  if (command.repairsFirst !== false) {
    const { repairFirst } = await import("../workflows/prepare.ts");
    const repaired = await repairFirst(context, { dryRun: face.dryRun });
    const data = repaired.length === 0 ? null : (writer.repaired?.(repaired, input) ?? null);
    if (data !== null) return { data, planned: false, exitCode: exitCodeIn(data) };
  }
  const plan = await writer.plan(context, input);
  const shown = writer.show?.(plan) ?? {
    command: plan.command,
    steps: plan.steps,
    destructive: plan.destructive,
    fingerprint: plan.fingerprint,
  };
  if (face.dryRun) return { data: shown, planned: true, exitCode: 0 };
  await confirmPlan(shown, face, argv);
  const data = await writer.apply(context, plan);
  return { data, planned: false, exitCode: exitCodeIn(data) };
}

/** A workflow that found differences or a failed child says so in its data rather than throwing. */
function exitCodeIn(data: unknown): number {
  if (typeof data !== "object" || data === null || !("exitCode" in data)) return 0;
  return typeof data.exitCode === "number" ? data.exitCode : 0;
}

async function print(pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) {
    const error = await new Promise((done) => process.stdout.write(piece, done));
    // Said by who watches the output.
    if (error) return;
  }
  process.stdout.write("\n");
}

/** What goes to stdout. */
async function textOf(
  command: Command,
  { data, planned, exitCode }: Outcome,
  { face, reporter }: { face: Face; reporter: Reporter },
): Promise<string> {
  // As with dvc, also of JSON.
  if (face.quiet && command.bareJson) return "";
  if (face.json) return `${toJson({ ...envelopeOf(data, reporter.warnings), ok: exitCode === 0 })}\n`;
  if (face.quiet) return "";
  const terminal = terminalOf(process.stdout, process.env, face.colour);
  if (planned) return renderPlan(data as Plan, terminal);
  const render = command.render === undefined ? undefined : await rendererOf(command.render);
  if (render === undefined) return data === undefined || data === null ? "" : `${toJson(data)}\n`;
  const text = render(data, terminal);
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** What does not fit on the terminal goes through the person's pager, where the command is one to be read at length. */
async function isPaged(
  text: string,
  command: Command,
  { input, face, context }: { input: Input; face: Face; context: Context },
): Promise<boolean> {
  if (!command.paged || input.pager === false || face.json || process.stdout.isTTY !== true) return false;
  if (text.split("\n").length <= (process.stdout.rows || 24)) return false;
  const { pageText } = await import("../git/pager.ts");
  return pageText(text, context);
}

/** dvc prints the bare value. */
async function dvcJson(data: unknown): Promise<Iterable<string>> {
  const { pythonJson } = await import("./python-json.ts");
  return pythonJson(typeof data === "object" && data !== null && "json" in data ? data.json : data);
}

interface Telling {
  face: Face;
  command: Command | undefined;
  reporter: Reporter | undefined;
}

async function tellFailure(error: unknown, { face, command, reporter }: Telling): Promise<void> {
  if (face.json && !command?.bareJson) process.stdout.write(`${toJson(envelopeOf(dataOf(error), reporter?.warnings ?? [], error))}\n`);
  else {
    const terminal = terminalOf(process.stderr, process.env, face.colour);
    const plan = dataOf(error);
    // What an operation found to have moved under it comes without one.
    if (isUnconfirmed(error) && plan !== null && !face.quiet) process.stderr.write(renderPlan(plan as Plan, terminal));
    process.stderr.write(describe(error, terminal, { debug: face.debug, command }));
  }
}

/** Plans and findings ride in the error's details and come out as data. */
function dataOf(error: unknown): unknown {
  return error instanceof ExpverError ? (error.details.data ?? null) : null;
}

/** On a terminal the plan has just been shown with the question. */
function isUnconfirmed(error: unknown): boolean {
  if (!(error instanceof ExpverError)) return false;
  return (error.code === "E_CONFIRM" && error.details.asked !== true) || error.code === "E_PLAN_STALE";
}

/** How to speak about a command line that does not parse. Only what stands before `--` is ours. */
function guessFace(argv: readonly string[]): Partial<Face> {
  const end = argv.indexOf("--");
  const ours = end < 0 ? argv : argv.slice(0, end);
  return { json: ours.includes("--json"), debug: ours.includes("--debug"), colour: !ours.includes("--no-color") };
}
