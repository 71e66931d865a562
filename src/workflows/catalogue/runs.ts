/** Commands that execute or record: run, runs, log. */
import type { Command } from "../contract.ts";

export const RUNS: Command[] = [];
