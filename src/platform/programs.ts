/** Child processes that go on while we do. */
import { spawn } from "node:child_process";

export interface StartedProgram {
  /** When it has ended and all its output is here; a program that cannot be started ends with 127. Never rejects. */
  ended: Promise<{ code: number; stdout: Buffer; stderr: string }>;
  signal(name: NodeJS.Signals): void;
}

interface StartOptions {
  cwd: string;
  env?: Readonly<Record<string, string | undefined>>;
}

/** Of stderr only the end is kept. */
const STDERR_KEPT = 16 * 1024;

/** Starts a program without input; its output is kept. Arguments are a list: no shell, no quoting. */
export function startProgram(program: string, args: readonly string[], { cwd, env = process.env }: StartOptions): StartedProgram {
  const child = spawn(program, [...args], { cwd, env: { ...env }, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-STDERR_KEPT);
  });
  const ended = new Promise<Awaited<StartedProgram["ended"]>>((resolve) => {
    child.once("error", (error) => resolve({ code: 127, stdout: Buffer.alloc(0), stderr: error.message }));
    child.once("close", (code) => resolve({ code: code ?? 128, stdout: Buffer.concat(stdout), stderr }));
  });
  return { ended, signal: (name) => void child.kill(name) };
}
