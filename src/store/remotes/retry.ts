/** Trying again what can heal, after a pause that grows and is never the same for two. */
import { setTimeout as pause } from "node:timers/promises";
import { ExpverError } from "../../errors.ts";

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
const LONGEST_WISH_MS = 60_000;

/** Statuses after which the same request may succeed. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Failures that may be gone a moment later. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof ExpverError)) return false;
  if (error.code === "E_REMOTE_TIMEOUT") return true;
  if (error.code === "E_REMOTE_UNREACHABLE") return error.details.errno !== "ENOTFOUND";
  if (error.code === "E_REMOTE_ANSWER" && error.details.passing === true) return true;
  return error.code === "E_REMOTE_ANSWER" && typeof error.details.status === "number" && PASSING.has(error.details.status);
}

/** Failures that every other object would meet as well. */
export function concernsAll(error: ExpverError): boolean {
  return [
    "E_REMOTE_AUTH",
    "E_REMOTE_ABSENT",
    "E_REMOTE_UNREACHABLE",
    "E_REMOTE_TIMEOUT",
    "E_REMOTE_CERTIFICATE",
    "E_REMOTE_CLOCK",
    "E_REMOTE_FULL",
    "E_REMOTE_KIND",
    "E_DISK_FULL",
    "E_IO",
    "E_CONFIG",
    "E_INTERRUPTED",
  ].includes(error.code);
}

export async function retrying<T>(attempt: () => Promise<T>, { signal }: { signal: AbortSignal }): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (failures >= ATTEMPTS || !isTransient(error) || signal.aborted) throw error;
      const wish = error instanceof ExpverError && typeof error.details.retryAfterMs === "number" ? error.details.retryAfterMs : 0;
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
      // By chance, so that two clients do not come back at the same moment.
      await pause(Math.max(Math.min(wish, LONGEST_WISH_MS), longest * Math.random()), undefined, { signal }).catch(() => {});
    }
  }
}
