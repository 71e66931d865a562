/** Trying again what can heal, after a pause that grows and is never the same for two. */
import { setTimeout as pause } from "node:timers/promises";
import { ExpverError } from "../../errors.ts";
import type { Pacing } from "../../platform/pace.ts";

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
const LONGEST_WISH_MS = 60_000;
// Less may come from a server that leads on without end.
const WORTH_GOING_ON = 2 ** 20;

/** Statuses after which the same request may succeed. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Tried again until that made no sense: who tries again around it does not. */
const givenUp = new WeakSet<ExpverError>();

/** Failures that may be gone a moment later. */
function isTransient(error: unknown): error is ExpverError {
  if (!(error instanceof ExpverError) || givenUp.has(error)) return false;
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

/** A failure after which this remote need not be asked for anything else, and others may. */
export function isOfRemote(error: ExpverError): boolean {
  return concernsAll(error) && error.code.startsWith("E_REMOTE_");
}

// Fewer are over before anybody wonders.
const WORTH_SAYING = 3;

/** What is waited for, on a terminal: where nothing gets on nobody else says a word. `over`: it goes on, or is given up. */
export function tellingOfTries({ report }: Pacing, label: string): { again: NonNullable<Retrying["again"]>; over(): void } {
  let isSaid = false;
  const say = (lines: string[]) => {
    isSaid = lines.length > 0;
    report?.({ kind: "board", lines });
  };
  return {
    again({ message }, failures) {
      if (failures >= WORTH_SAYING) say([`${label}: ${message}; it is tried again`]);
    },
    over() {
      if (isSaid) say([]);
    },
  };
}

interface Retrying {
  signal: AbortSignal;
  /** Bytes that are here, where the next attempt goes on behind them: while these grow it is not given up. */
  come?: () => number;
  /** Told of a failure after which it is tried again; how many it were so far. */
  again?: (error: ExpverError, failures: number) => void;
}

export async function retrying<T>(attempt: () => Promise<T>, { signal, come = () => 0, again }: Retrying): Promise<T> {
  let most = 0;
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error) || signal.aborted) throw error;
      if (come() >= most + WORTH_GOING_ON) failures = 1;
      most = Math.max(most, come());
      if (failures >= ATTEMPTS) {
        givenUp.add(error);
        throw error;
      }
      again?.(error, failures);
      const wish = typeof error.details.retryAfterMs === "number" ? error.details.retryAfterMs : 0;
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
      // By chance, so that two clients do not come back at the same moment.
      await pause(Math.max(Math.min(wish, LONGEST_WISH_MS), longest * Math.random()), undefined, { signal }).catch(() => {});
    }
  }
}
