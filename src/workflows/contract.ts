/** What every workflow looks like, so that every face can offer every command without knowing it. */
import type { Recovered } from "../journal/recover.ts";
import type { Context } from "../platform/context.ts";

/** One thing a plan will do, in order. Pure data: printed, sent as JSON, shown in a page. */
export interface Step {
  /** Present-tense verb: "write", "store", "commit", "tag", "push", "delete" … */
  verb: string;
  /** What changes: a path, a ref, a table, a remote. */
  target: string;
  /** The rest of the line a person reads. */
  detail?: string;
  /** How many things (files, rows, objects). */
  count?: number;
  bytes?: number;
  /** Where replaced or removed bytes stay. */
  keeps?: string;
}

/** What a writing command would do. Made by reading only. Workflows extend it with what their `apply` needs. */
export interface Plan {
  /** What `command` does not tell of it. */
  about?: string;
  command: string;
  steps: Step[];
  /** Asks for confirmation: bytes or rows would be replaced or removed. */
  destructive: boolean;
  /** Digest of exactly the refs, pointers, files and row counts the steps touch. */
  fingerprint: string;
}

/** A command that only looks. */
export interface ReadWorkflow<Input, Data> {
  read(context: Context, input: Input): Promise<Data>;
}

/** A command that writes. `apply` is the only writer and refuses when the plan's fingerprint no longer holds. */
export interface WriteWorkflow<Input, P extends Plan, Data> {
  /** Begins what the plan will need and takes long, to go on while the repository is looked for. Looks at nothing, and never throws. */
  ahead?(input: Input): Promise<void>;
  plan(context: Context, input: Input): Promise<P>;
  apply(context: Context, plan: P): Promise<Data>;
  /** Looks at what a killed command's repair, which comes before the plan, has done: its data where that was what was asked for. */
  repaired?(repaired: readonly Recovered[], input: Input): Data | null;
  /** The part of the plan that is shown and sent; drops what only `apply` needs. Default: the four fields of Plan. */
  show?(plan: P): Plan & Record<string, unknown>;
}

/**
 * Parsed command line: arguments by their lower-cased name (`VERSION` → `version`, `PATH…` → `path`), options by their camel-cased
 * long name. Where both have one name, the argument wins when it was given. Values stay the text that was typed.
 */
export type Input = Record<string, string | string[] | boolean | undefined>;

/** What a shell offers for a value; without it what the placeholder says: `<version>`, `RUN`, `PATH…`. */
export type Completes = KnownValues | "nothing" | readonly string[];

/** What the repository knows. */
export type KnownValues = "version" | "run" | "sweep" | "metric" | "operation" | "remote" | "worktree";

export interface ArgumentSpec {
  /** `VERSION`, `PATH…`; as shown in help. */
  name: string;
  help: string;
  completes?: Completes;
  required?: boolean;
  variadic?: boolean;
}

export interface OptionSpec {
  /** Commander flags: `-m, --message <text>`, `--json`. */
  flags: string;
  help: string;
  completes?: Completes;
  /** May be given several times; the value is a list. */
  repeatable?: boolean;
  /** Accepted but not shown in help: the original skill's spellings. */
  hidden?: boolean;
}

/** One command in the catalogue that all faces read. */
export interface Command {
  /** `run`, `data add`, `runs list`. */
  name: string;
  /** One line, starts with a verb, no full stop. */
  summary: string;
  /** Further paragraphs of the help. */
  description?: string;
  /** Heading in `expver --help`. */
  group: "start" | "experiments" | "data" | "share" | "safety" | "tools";
  arguments?: ArgumentSpec[];
  options?: OptionSpec[];
  /** Command line after `expver `, and what it does. */
  examples: [line: string, does: string][];
  /** Everything after `--` is a program's own command line, untouched. */
  passThrough?: boolean;
  /** Further full names: `models upload`; `runs` makes the bare group mean this command. */
  aliases?: string[];
  /** Not listed in help. */
  hidden?: boolean;
  /** "dvc": dvc's exit codes (`failureExit` for a failed command), `-f` confirms, `-q`, `-v` and `--cd` are understood. */
  dialect?: "dvc";
  /**
   * `--json` prints the bare data (its `json` field when there is one) as Python would, no envelope, and errors as text on stderr: for
   * verbs that have `--json` in dvc.
   */
  bareJson?: boolean;
  /** Exit code of a failure in dvc's dialect: 1 where dvc's command catches its own errors, else 255. */
  failureExit?: number;
  kind: "read" | "write";
  /** Its text may be long: on a terminal it goes through a pager, unless `--no-pager`. */
  paged?: true;
  /** Exit codes beyond the usual ones, for the help: 5 where differences are an answer. */
  exits?: number[];
  /** False: faces do not repair what killed commands left before its plan, because it wants to show that. */
  repairsFirst?: false;
  /** Answers a protocol until its input ends, instead of one answer: the entry point has the servers. */
  serves?: "mcp";
  /** Loads the workflow when, and only when, the command is used. */
  // biome-ignore lint/suspicious/noExplicitAny: the catalogue is heterogeneous; each face checks `kind` and treats data as unknown.
  load: () => Promise<ReadWorkflow<any, unknown> | WriteWorkflow<any, any, unknown>>;
  /** Loads the function that turns the returned data into text for a terminal; without it data prints as indented JSON. */
  render?: string;
}
