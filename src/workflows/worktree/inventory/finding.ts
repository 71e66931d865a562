/** What an inventory says: one finding a category, each with the command that resolves it. */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { readableNamesIn } from "../../../platform/files.ts";

export const CATEGORIES = [
  "unreadable",
  "program",
  "tracked",
  "untracked",
  "ignored",
  "data",
  "commits",
  "stashes",
  "versions",
  "objects",
  "results",
  "model",
] as const;
export type Category = (typeof CATEGORIES)[number];

export interface Finding {
  category: Category;
  /** One sentence with the count. */
  what: string;
  count: number;
  bytes: number;
  examples: string[];
  /** The command that resolves it. */
  remedy: string;
}

const MOST_EXAMPLES = 5;

/** `found` are shown as examples; with `root` they are paths below it, and their sizes count. Empty: no finding. */
export function finding(
  category: Category,
  found: readonly string[],
  { what, remedy, root }: { what: (count: number) => string; remedy: string; root?: string },
): Finding[] {
  if (found.length === 0) return [];
  const bytes = root === undefined ? 0 : found.reduce((sum, path) => sum + sizeOf(join(root, path)), 0);
  return [{ category, what: what(found.length), count: found.length, bytes, examples: found.slice(0, MOST_EXAMPLES), remedy }];
}

/** One that has nothing to count. */
export function single(category: Category, what: string, remedy: string): Finding {
  return { category, what, count: 1, bytes: 0, examples: [], remedy };
}

function sizeOf(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  return stat.isDirectory() ? readableNamesIn(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : stat.size;
}
