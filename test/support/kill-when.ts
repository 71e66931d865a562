/** kill -9 of a command when something outside has happened. */
import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { MAIN } from "./command-line.ts";
import type { TestRepository } from "./repository.ts";

/** A command that does not hold up servers of this process. */
export function begin(repository: TestRepository, args: string[]): { kill(): void; ended: Promise<number | null> } {
  const printed = repository.run(process.execPath, ["-p", "JSON.stringify(process.env)"]).stdout;
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: repository.root,
    env: JSON.parse(printed) as NodeJS.ProcessEnv,
    stdio: "ignore",
  });
  return { kill: () => void child.kill("SIGKILL"), ended: new Promise((resolve) => child.on("exit", resolve)) };
}

export async function killWhen(repository: TestRepository, args: string[], isTime: () => boolean): Promise<void> {
  const { kill, ended } = begin(repository, args);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isTime()) {
    expect(isOver).toBe(false);
    await pause(10);
  }
  kill();
  expect(await ended).toBeNull();
}
