/** Commands about tracked data: `data …`. */
import type { Command } from "../contract.ts";

export const DATA: Command[] = [];
