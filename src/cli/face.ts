/** Options every command has, whatever it does. */
import type { OptionSpec } from "../workflows/contract.ts";

export interface Face {
  json: boolean;
  dryRun: boolean;
  yes: boolean;
  /** Fingerprint of the plan to apply. */
  plan?: string;
  /** How long to wait for another process that works here, in milliseconds. */
  patience?: number;
  /** Connections to a server at once. */
  connections?: number;
  /** Directory to run in, as typed. */
  directory?: string;
  debug: boolean;
  colour: boolean;
  quiet: boolean;
}

export const NO_FACE: Face = { json: false, dryRun: false, yes: false, debug: false, colour: true, quiet: false };

/** Understood before and after the command's own name. */
export const EVERYWHERE: OptionSpec[] = [
  { flags: "--json", help: "print the result as JSON on stdout, and nothing else there" },
  { flags: "-C <dir>", help: "run as if started in DIR" },
  { flags: "--no-color", help: "print without colours (so does the variable NO_COLOR)" },
  { flags: "--debug", help: "show stack traces of errors" },
  { flags: "-h, --help", help: "show this help" },
];

/** Further ones of commands that write. */
export const OF_WRITERS: OptionSpec[] = [
  { flags: "--dry-run", help: "show the plan, change nothing" },
  { flags: "--yes", help: "confirm a plan that replaces or removes something" },
  { flags: "--plan <fingerprint>", help: "apply exactly the plan that was shown, or refuse" },
  {
    flags: "--wait <seconds>",
    help: "wait so long for another dvc or expver that works here (default: 3), and for a run in this worktree (default: not)",
  },
];

/** Accepted where habits from dvc expect them. */
export const OF_DVC: OptionSpec[] = [
  { flags: "-q, --quiet", help: "print nothing but errors" },
  { flags: "-v, --verbose", help: "accepted for dvc's sake", hidden: true },
  { flags: "--cd <path>", help: "same as -C", hidden: true },
  { flags: "--wait-for-lock", help: "--wait without an end", hidden: true },
];
