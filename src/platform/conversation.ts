/** A program that is talked to: bytes to its input, bytes from its output, for as long as both want. */
import { spawn } from "node:child_process";
import { ExpverError } from "../errors.ts";

export interface Conversation {
  /** Of the program. */
  pid: number;
  /** False: it has enough for now, until `onDrain`. */
  write(bytes: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  /** Called with every piece of output. */
  onOutput(listener: (bytes: Buffer) => void): void;
  /** Called once, when the program has ended or could not be started. */
  onEnd(listener: (end: { code: number; stderr: string }) => void): void;
  /** While it is not busy, the program does not keep ours alive. */
  setBusy(busy: boolean): void;
  end(): void;
}

const STDERR_KEPT = 8192;

/** Throws E_IO when there is no such program. */
export function startConversation(
  program: string,
  args: readonly string[],
  { env }: { env: Readonly<Record<string, string | undefined>> },
): Promise<Conversation> {
  const child = spawn(program, [...args], { env: { ...env }, stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => {
    stderr = (stderr + bytes.toString("utf8")).slice(-STDERR_KEPT);
  });
  // A broken pipe is told by the end of the program.
  child.stdin.on("error", () => {});
  const handles = [child, child.stdin, child.stdout, child.stderr] as unknown as { ref?(): void; unref?(): void }[];
  return new Promise((resolve, reject) => {
    child.once("error", (error) =>
      reject(new ExpverError("E_IO", `cannot start ${program}: ${error.message}`, { details: { program }, cause: error })),
    );
    child.once("spawn", () =>
      resolve({
        pid: child.pid as number,
        write: (bytes) => child.stdin.write(bytes),
        onDrain: (listener) => void child.stdin.on("drain", listener),
        onOutput: (listener) => void child.stdout.on("data", listener),
        onEnd: (listener) => void child.once("close", (code) => listener({ code: code ?? 128, stderr })),
        setBusy(busy) {
          for (const handle of handles) {
            if (busy) handle.ref?.();
            else handle.unref?.();
          }
        },
        end: () => void child.kill(),
      }),
    );
  });
}
