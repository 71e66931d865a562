/** What a tool is: a question with arguments, as a command line of expver. */
import type * as z from "zod";

export interface Tool {
  name: string;
  title: string;
  /** What it is for and when to use it; below 2 KB, clients cut the rest. */
  description: string;
  input: Record<string, z.ZodType>;
  /** Words after `expver`. Throws nothing: the command itself refuses what makes no sense. */
  words: (input: Values) => string[];
  /** Those it may be, by the names `schemas/v1.json` has for their data. */
  commands?: string[];
  /** The list of the answer that is paged: the first of these it has. */
  rows?: string[];
  /** The text of the answer of which the end counts. */
  tail?: string;
  /** Arguments that may be paths: none may lead out of the folders the server was started for. */
  paths?: string[];
  /** The command pages by itself: this field of its answer says how many there are. */
  counted?: string;
  /** What to do when an answer takes too long; default: ask for less. */
  patience?: string;
  /** It asks a server: Git or data remote. */
  openWorld?: true;
}

/** Arguments as validated by `input`. */
export type Values = Record<string, unknown>;
