/** Commands to begin with: init, demo, completion. */
import type { Command } from "../contract.ts";

export const SETUP: Command[] = [];
