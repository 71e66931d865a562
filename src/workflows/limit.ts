/** `-n` and `--all`, the same for every list. */
import { ExpverError } from "../errors.ts";
import type { Input } from "./contract.ts";

/** How many to show: `otherwise` when nothing was asked. Throws E_USAGE. */
export function limitOf({ limit, all }: Input, otherwise: number): number {
  if (all === true) return Number.POSITIVE_INFINITY;
  if (limit === undefined) return otherwise;
  if (typeof limit === "string" && /^\d{1,9}$/.test(limit)) return Number(limit);
  throw new ExpverError("E_USAGE", `-n takes a whole number from 0 on, not ${JSON.stringify(limit)}`, { details: { received: limit } });
}
