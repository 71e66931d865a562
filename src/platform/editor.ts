/** A person's editor, in the terminal we have. */
import { spawn } from "node:child_process";
import { isatty } from "node:tty";

interface EditorPlace {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a shell line with one file behind it, as Git runs its editor; answers its exit code. The terminal is the editor's meanwhile:
 * a Ctrl-C typed there is not meant for us.
 */
export async function runEditor(line: string, file: string, { cwd, env }: EditorPlace): Promise<number> {
  const ours = process.listeners("SIGINT");
  const ignore = () => {};
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", ignore);
  try {
    // Standard output is the answer's: the editor draws on the other one where only that is a terminal.
    const drawsOn = isatty(1) ? "inherit" : 2;
    const child = spawn("sh", ["-c", `${line} "$@"`, line, file], { cwd, env, stdio: ["inherit", drawsOn, "inherit"] });
    return await new Promise<number>((resolve) => {
      child.once("error", () => resolve(127));
      child.once("close", (code) => resolve(code ?? 128));
    });
  } finally {
    // A signal that has arrived is delivered at the end of a turn.
    for (let turns = 0; turns < 2; turns += 1) await new Promise((done) => setImmediate(done));
    process.off("SIGINT", ignore);
    for (const listener of ours) process.on("SIGINT", listener as NodeJS.SignalsListener);
  }
}
