/** Signals: being asked to stop (by Ctrl-C, by a polite kill, by a terminal that closes, or by the caller's abort signal), and what is meant for a program. */
import type { Context } from "./context.ts";
import { outlivesTerminal } from "./hang-up.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type Interrupt = (typeof SIGNALS)[number];

/** Calls `handler` once for each request; while it listens, none of these signals ends the process. Answers how to stop listening. */
export function onInterrupt(context: Pick<Context, "signal">, handler: (signal: Interrupt) => void): () => void {
  // Ctrl-C arrives twice: as the face's abort and as the signal itself, within one turn.
  let justHandled = false;
  const handle = (signal: Interrupt) => {
    if (justHandled) return;
    justHandled = true;
    setImmediate(() => {
      justHandled = false;
    });
    if (!isUnheard(signal)) handler(signal);
  };
  const aborted = () => handle(SIGNALS.find((name) => name === context.signal?.reason) ?? "SIGINT");
  for (const signal of SIGNALS) process.on(signal, handle);
  context.signal?.addEventListener("abort", aborted);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, handle);
    context.signal?.removeEventListener("abort", aborted);
  };
}

/** A terminal that closes asks nothing of whoever was told to outlive it. */
export function isUnheard(signal: NodeJS.Signals): boolean {
  return signal === "SIGHUP" && outlivesTerminal();
}

const MESSAGES = ["SIGUSR1", "SIGUSR2"] as const;

/**
 * Signals that mean what a program makes of them: Slurm sends one some time before a job's end. While this listens, neither ends the
 * process, as the second one would, nor has Node open its debugger to everybody on this machine, as the first one would. Answers how to stop.
 */
export function onMessage(handler: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of MESSAGES) process.on(signal, handler);
  return () => {
    for (const signal of MESSAGES) process.removeListener(signal, handler);
  };
}

/**
 * Ctrl-Z, and what wakes one up again. Programs in sessions of their own do not get it from the terminal: `pass` hands them what stops
 * them, and what lets them go on. Answers how to stop listening.
 */
export function onSuspension(pass: (signal: "SIGSTOP" | "SIGCONT") => void): () => void {
  const suspend = () => {
    pass("SIGSTOP");
    process.kill(process.pid, "SIGSTOP");
  };
  const resume = () => pass("SIGCONT");
  process.on("SIGTSTP", suspend);
  process.on("SIGCONT", resume);
  return () => {
    process.removeListener("SIGTSTP", suspend);
    process.removeListener("SIGCONT", resume);
  };
}

type Wait = <T>(whatFor: string, wait: (tell: () => void) => T) => T;

let howToWait: Wait = (_, wait) => wait(() => {});

/**
 * Waits without a turn of the event loop, in which signals are not heard: whoever listens for them says what is to become of them meanwhile.
 * `tell`: it takes long enough for somebody to wonder.
 */
export function waitDeafly<T>(whatFor: string, wait: (tell: () => void) => T): T {
  return howToWait(whatFor, wait);
}

export function setDeafWait(how: Wait): void {
  howToWait = how;
}
