/** What a workflow may know of the outside world; tests pass their own. */

export type ProgressEvent =
  /** A step of a plan has begun. */
  | { kind: "step"; text: string }
  /** Long work goes on; `total` is absent while it is unknown. Reporters draw it only when it lasts. */
  | { kind: "progress"; label: string; done: number; total?: number; unit: "files" | "rows"; bytes?: number; totalBytes?: number }
  /** How long work stands now, in the place of what was shown before; empty: it is over. Drawn on a terminal only. */
  | { kind: "board"; lines: string[] }
  /** Something the user should know that is no failure. Collected into `warnings` of the JSON envelope. */
  | { kind: "warning"; text: string; hint?: string }
  /** A command line that is about to be played, and why. */
  | { kind: "command"; text: string; says: string }
  /** A part of the command's own answer, as it comes. */
  | { kind: "answer"; chunk: Uint8Array }
  /** Bytes a child process wrote. */
  | { kind: "output"; chunk: Uint8Array };

export interface Context {
  /** Absolute working directory of the caller. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: () => Date;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The only way to speak while working. Never prints by itself. */
  readonly report: (event: ProgressEvent) => void;
  /** Width of the coloured terminal that reported output ends up on; absent when it ends up elsewhere. */
  readonly columns?: number;
  /** Asks the person at the terminal; absent where there is none. Ctrl-D is an empty answer. */
  readonly ask?: (question: string) => Promise<string>;
  /** Plans are shown, or compared with one that was: they may leave nothing to be found out later. */
  readonly exactPlans?: boolean;
  /** How long to wait for another process that works in the same place, in milliseconds; by default a few seconds. */
  readonly patience?: number;
  /** Connections to one server at once, whatever its configuration says. */
  readonly connections?: number;
  /** Aborts on Ctrl-C. */
  readonly signal?: AbortSignal;
}

/** The real world, silent: for library users and for faces to extend. */
export function systemContext(overrides: Partial<Context> = {}): Context {
  return {
    cwd: process.cwd(),
    env: process.env,
    clock: () => new Date(),
    random: Math.random,
    report: () => {},
    ...overrides,
  };
}
