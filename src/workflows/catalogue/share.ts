/** Commands that talk to remotes: publish, sync. */
import type { Command } from "../contract.ts";

export const SHARE: Command[] = [];
