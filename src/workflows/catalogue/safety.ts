/** Commands that look after the repository: ops, undo, doctor. */
import type { Command } from "../contract.ts";

export const SAFETY: Command[] = [];
