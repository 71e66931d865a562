/** The built command line, as tests call it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { afterAll } from "vitest";

export const MAIN = join(import.meta.dirname, "../../dist/main.cjs");

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandLine {
  args: string[];
  cwd: string;
  env: Record<string, string>;
  input?: string | Uint8Array | undefined;
}

interface Asker {
  port: MessagePort;
  flag: Int32Array;
  worker: Worker;
}

const LONGEST_MS = 600_000;

let asker: Asker | null = null;
let isEachOwn = process.env.EXPVER_OWN_PROCESS === "1";

afterAll(async () => {
  await asker?.worker.terminate();
  asker = null;
});

/** For a test file in which it matters that the process of a command has ended: a run that goes on is told from one that was left by it. */
export function giveEachItsProcess(): void {
  isEachOwn = true;
}

/**
 * Runs a command line and waits for it: in a process that runs many of them, one by one, or in one of its own where how Node starts or what
 * it reads is part of the test, and everywhere with EXPVER_OWN_PROCESS=1. Both give the same; the former in a third of the time.
 */
export function runCommandLine(line: CommandLine): CommandResult {
  const isOwn = isEachOwn || (line.input?.length ?? 0) > 0 || needsProcess(line.env);
  return isOwn ? inOwnProcess(line) : inSharedProcess(line);
}

function needsProcess(env: Record<string, string>): boolean {
  return Object.keys(env).some((name) => name.startsWith("NODE_") && env[name] !== process.env[name]);
}

function inOwnProcess({ args, cwd, env, input = "" }: CommandLine): CommandResult {
  const result = spawnSync(process.execPath, [MAIN, ...args], { cwd, env, input, encoding: "utf8", maxBuffer: 2 ** 30 });
  if (result.error) throw result.error;
  return { code: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
}

function inSharedProcess({ args, cwd, env }: CommandLine): CommandResult {
  asker ??= startAsking();
  const { port, flag } = asker;
  Atomics.store(flag, 0, 0);
  port.postMessage({ argv: args, cwd, env });
  if (Atomics.wait(flag, 0, 0, LONGEST_MS) === "timed-out") throw new Error(`expver ${args.join(" ")}: no answer`);
  const answer = receiveMessageOnPort(port)?.message as CommandResult | null;
  return answer ?? { code: 128, stdout: "", stderr: "" };
}

function startAsking(): Asker {
  const { port1, port2 } = new MessageChannel();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(join(import.meta.dirname, "command-thread.mjs"), {
    workerData: { port: port2, flag, main: MAIN },
    transferList: [port2],
    execArgv: [],
  });
  worker.unref();
  port1.unref();
  return { port: port1, flag, worker };
}
