/** Commands about experiment versions: tag, list, show. */
import type { Command } from "../contract.ts";

export const VERSIONS: Command[] = [];
