/** Ctrl-C in the middle of work that nothing else waits for. */
import { join } from "node:path";
import type { CommandResult, TestRepository } from "./repository.ts";

const PRELOAD = join(import.meta.dirname, "interrupt-at.cjs");

/** Interrupts a command at its `at`-th rename or removal of a path that contains `text`. */
export function runInterrupted(repo: TestRepository, args: string[], { at, text }: { at: number; text: string }): CommandResult {
  const env = { NODE_OPTIONS: `--require ${JSON.stringify(PRELOAD)}`, EXPVER_INTERRUPT: `${at} ${text}`, NODE_COMPILE_CACHE: "" };
  return repo.expver(args, { env });
}
