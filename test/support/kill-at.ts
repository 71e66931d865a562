/** kill -9 at every point where a command changes something. */
import { join } from "node:path";
import type { CommandResult, TestRepository } from "./repository.ts";

const PRELOAD = join(import.meta.dirname, "kill-at.cjs");
export const SIGKILLED = 137;

/** For an expver that something else starts. */
export function killEnvironment(at: number): Record<string, string> {
  return { NODE_OPTIONS: `--require ${JSON.stringify(PRELOAD)}`, EXPVER_KILL_AT: String(at), NODE_COMPILE_CACHE: "" };
}

/** Runs a command and kills it just before its `at`-th change; code 137 then, the command's own when it made fewer. */
export function runKilledAt(repo: TestRepository, args: string[], at: number): CommandResult {
  const result = repo.expver(args, { env: killEnvironment(at) });
  return { ...result, code: result.code === 128 ? SIGKILLED : result.code };
}

/** Plays a scene once for every point (or a share of them) at which the command can be killed, until it gets through. Answers how many there were. */
export function atEveryKill(play: (at: number) => CommandResult, { step = 1, from = 1 }: Partial<Points> = {}): number {
  for (let at = from; ; at += step) {
    if (play(at).code === SIGKILLED) continue;
    // For the log of a round over all of them.
    if (process.env.EXPVER_KILL_STEP !== undefined) console.log(`${at - 1} points`);
    return at - 1;
  }
}

export interface Points {
  step: number;
  from: number;
}

/** Every `step`-th point, the same ones each time; others with EXPVER_KILL_FROM, all of them with EXPVER_KILL_STEP=1. */
export function sampledPoints(step: number): Points {
  return { step: Number(process.env.EXPVER_KILL_STEP ?? step), from: Number(process.env.EXPVER_KILL_FROM ?? 1) };
}
