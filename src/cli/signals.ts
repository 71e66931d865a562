/** Interruption: the first signal asks the command to stop, a further one stops it. */

import { isUnheard, onMessage } from "../platform/interrupts.ts";

export interface Interruption {
  readonly signal: AbortSignal;
  /** Which signal came; null while none has. Waits until signals that arrived during synchronous work are delivered. */
  arrived(): Promise<NodeJS.Signals | null>;
  /** Synchronous waiting, during which the first signal ends the process as it ends one that does not listen. */
  unheard<T>(wait: () => T): T;
  /** Takes the handlers away: the system's own behaviour is back. */
  stop(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const EXIT: Record<(typeof SIGNALS)[number], number> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * Starts listening. The `patience`-th signal ends the process at once: 2 for our own work, more where a program of the user's
 * gets the same signals and may take its time; what was open then is repaired by the next writing command. Signals for programs are not
 * for us: between a run's plan and its record they reach nobody.
 */
export function listenForSignals(patience: number): Interruption {
  const controller = new AbortController();
  let first: NodeJS.Signals | null = null;
  let count = 0;
  const listeners = SIGNALS.map((name) => {
    const listener = () => {
      if (isUnheard(name)) return;
      count += 1;
      first ??= name;
      if (count >= patience) process.exit(EXIT[name]);
      controller.abort(name);
    };
    return [name, listener] as const;
  });
  const listen = (which = listeners) => {
    for (const [name, listener] of which) process.on(name, listener);
  };
  const stop = (which = listeners) => {
    for (const [name, listener] of which) process.off(name, listener);
  };
  listen();
  const stopMessages = onMessage(() => {});
  return {
    signal: controller.signal,
    arrived: async () => {
      // One turn may end before the loop has looked for signals.
      for (let turns = 0; turns < 2; turns += 1) await new Promise((done) => setImmediate(done));
      return first;
    },
    unheard: (wait) => {
      // The system's own behaviour would end also whoever is to outlive the terminal.
      const ending = listeners.filter(([name]) => !isUnheard(name));
      stop(ending);
      try {
        return wait();
      } finally {
        listen(ending);
      }
    },
    stop() {
      stop();
      stopMessages();
    },
  };
}

/** What the shell expects of a process that a signal ended. */
export function exitCodeOfSignal(name: NodeJS.Signals): number {
  return EXIT[name as keyof typeof EXIT] ?? 130;
}
