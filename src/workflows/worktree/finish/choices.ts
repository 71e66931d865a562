/** What was typed for `worktree finish`: a word for each kind of artifact, and which steps are not wanted. */
import { ExpverError } from "../../../errors.ts";
import type { Input } from "../../contract.ts";
import { choice, listOf, textIn } from "../../input.ts";
import type { Category } from "../inventory/finding.ts";
import { forcedCategories } from "../remove.ts";

export interface Choices {
  results: "merge" | "rebase" | "none";
  data: "merge" | "rebase" | "none";
  /** Null: a candidate when there is a model. */
  models: "candidate" | "promote" | "none" | null;
  code: "none" | "merge";
  keyColumns: string[];
  onConflict: "ours" | "theirs" | "newest" | undefined;
  commit: boolean;
  tag: boolean;
  /** Of the version on main. */
  version: string | undefined;
  publish: boolean;
  /** The worktree, and with it the branch, goes. */
  remove: boolean;
  /** For both versions. */
  message: string | undefined;
  /** That of the version on main is looked over in an editor first. */
  edit: boolean;
  forced: Set<Category>;
}

const MERGES = ["merge", "rebase", "none"] as const;

/** `isAutomatic`: expver.yaml says `publish: auto`. Throws E_USAGE. */
export function choicesIn(input: Input, isAutomatic: boolean): Choices {
  const results = choice(input.results, MERGES, "--results") ?? "merge";
  const keyColumns = listOf(input.keyColumns);
  if (results === "rebase" && keyColumns.length === 0) {
    throw new ExpverError("E_USAGE", "--results rebase needs the columns whose values say which rows replace which", {
      hint: "For example: --key-columns version",
    });
  }
  return {
    results,
    data: choice(input.data, MERGES, "--data") ?? "merge",
    models: choice(input.models, ["candidate", "promote", "none"] as const, "--models") ?? null,
    code: choice(input.code, ["none", "merge"] as const, "--code") ?? "none",
    keyColumns,
    onConflict: choice(input.onConflict, ["ours", "theirs", "newest"] as const, "--on-conflict"),
    commit: input.commit !== false,
    tag: input.tag !== false,
    version: textIn(input.version),
    publish: input.publish === true || (isAutomatic && input.publish !== false),
    remove: input.keep !== true,
    message: textIn(input.message),
    edit: input.edit === true,
    forced: forcedCategories(input),
  };
}
