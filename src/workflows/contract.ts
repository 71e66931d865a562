/** What every workflow looks like, so that every face can offer every command without knowing it. */
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
  plan(context: Context, input: Input): Promise<P>;
  apply(context: Context, plan: P): Promise<Data>;
  /** The part of the plan that is shown and sent; drops what only `apply` needs. Default: the four fields of Plan. */
  show?(plan: P): Plan & Record<string, unknown>;
}

/** Parsed command line: arguments by name, then options by their camel-cased long name. Values stay the text that was typed. */
export type Input = Record<string, string | string[] | boolean | undefined>;

export interface ArgumentSpec {
  /** `VERSION`, `PATH…`; as shown in help. */
  name: string;
  help: string;
  required?: boolean;
  variadic?: boolean;
}

export interface OptionSpec {
  /** Commander flags: `-m, --message <text>`, `--json`. */
  flags: string;
  help: string;
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
  aliases?: string[];
  /** Not listed in help. */
  hidden?: boolean;
  kind: "read" | "write";
  /** False: faces do not repair what killed commands left before its plan, because it wants to show that. */
  repairsFirst?: false;
  /** Loads the workflow when, and only when, the command is used. */
  // biome-ignore lint/suspicious/noExplicitAny: the catalogue is heterogeneous; each face checks `kind` and treats data as unknown.
  load: () => Promise<ReadWorkflow<any, unknown> | WriteWorkflow<any, any, unknown>>;
  /** Loads the function that turns the returned data into text for a terminal; without it data prints as indented JSON. */
  render?: string;
}
