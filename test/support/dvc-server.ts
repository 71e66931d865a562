/** Many real dvc commands without starting dvc many times: see `dvc-server.py`. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll } from "vitest";
import { peer } from "./peers.ts";
import { type CommandResult, makeFolder } from "./repository.ts";

export interface DvcCall {
  argv: string[];
  cwd: string;
  env: Record<string, string>;
}

/** Starts the server; the function it answers runs one command after another. It ends with the test file. */
export function startDvc(): (call: DvcCall) => CommandResult {
  const folder = makeFolder("dvc-server");
  const [requests, answers] = [join(folder, "requests"), join(folder, "answers")];
  for (const pipe of [requests, answers]) spawnSync("mkfifo", [pipe]);
  const server = spawn(peer("python") ?? "python3", [join(import.meta.dirname, "dvc-server.py"), requests, answers], { stdio: "ignore" });
  afterAll(() => void server.kill("SIGKILL"));
  return (call) => {
    // A shell waits for both pipes, so that this stays as synchronous as any other command.
    const asked = spawnSync("sh", ["-c", 'cat > "$1" && cat "$2"', "sh", requests, answers], {
      input: JSON.stringify(call),
      encoding: "utf8",
      timeout: 200_000,
      maxBuffer: 2 ** 28,
    });
    if (asked.error !== undefined) throw new Error(`dvc ${call.argv.join(" ")}: no answer`, { cause: asked.error });
    return JSON.parse(asked.stdout) as CommandResult;
  };
}
