/** One output of a merge: prepared beside it, shown, put in place or thrown away. */

import { existsSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";
import type { Input, Step } from "../contract.ts";
import { wordsOf } from "../input.ts";

export interface MergePart<Report> {
  report: Report;
  output: string;
  /** False: everything is there already. */
  changes: boolean;
  /** Rows go, or another file is replaced. */
  destructive: boolean;
  steps: Step[];
  /** What the plan was made from. */
  facts: unknown;
  /** Where the old bytes go before the new ones come; null: they are in the new ones. */
  keeps: string | null;
  keep(place: string): void;
  commit(): void;
  discard(): void;
}

export interface NamedPath {
  /** Absolute. */
  path: string;
  /** As it was typed. */
  name: string;
}

/** Puts a part in its place. */
export function commitPart({ changes, keeps, keep, commit, discard }: MergePart<unknown>): void {
  if (!changes) {
    discard();
    return;
  }
  if (keeps !== null) keep(keeps);
  commit();
}

/** Throws E_NOT_FOUND. */
export function existing(context: Context, typed: string): NamedPath {
  const path = resolve(context.cwd, typed);
  if (!existsSync(path)) throw new ExpverError("E_NOT_FOUND", `there is no file ${typed}`, { details: { path } });
  return { path, name: typed };
}

/** Throws E_USAGE when the base is among them. */
export function refuseBase(base: NamedPath, sources: readonly NamedPath[]): void {
  const same = sources.find(({ path }) => realpathSync(path) === realpathSync(base.path));
  if (same !== undefined) throw new ExpverError("E_USAGE", `${same.name} is the base itself`, { details: { path: same.path } });
}

export function isSameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other);
}

/** For fingerprints: another file, or other bytes, is another state. */
export function stateOf(path: string): unknown {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? [path] : [path, stat.size, stat.mtimeNs, stat.ino];
}

/** Throws E_USAGE with what was typed and the key that is meant most often. */
export function requireKeys(keyColumns: readonly string[], input: Input): void {
  if (keyColumns.length > 0) return;
  const typed = TYPED.flatMap(([flag, name]) => (wordsOf(input[name]).length === 0 ? [] : [flag, ...wordsOf(input[name])]));
  throw new ExpverError("E_USAGE", "a rebase needs the columns whose values say which rows replace which", {
    hint: `By version, for example: ${["expver", "merge", ...wordsOf(input.file), ...typed, "--key-columns", "version"].map(shellWord).join(" ")}`,
  });
}

const TYPED = [
  ["--strategy", "strategy"],
  ["--data-strategy", "dataStrategy"],
  ["--base-db", "baseDb"],
  ["--exp-db", "expDb"],
  ["--output-db", "outputDb"],
  ["--table", "table"],
  ["--base-data", "baseData"],
  ["--exp-data", "expData"],
  ["--output-data", "outputData"],
  ["--params", "params"],
] as const;
