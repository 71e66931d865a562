/** What a run was told otherwise than the one before, where its command line alone says so. */
import type { ChangedValue } from "../advise/since-last.ts";

/** The words of two command lines that differ, named by the option before them. Null: they are the same. */
export function commandChange(before: string, now: string): ChangedValue | null {
  if (before === now) return null;
  const [old, others] = [before.split(" "), now.split(" ")];
  const shortest = Math.min(old.length, others.length);
  let start = 0;
  while (start < shortest && old[start] === others[start]) start += 1;
  let end = 0;
  while (end < shortest - start && old.at(-1 - end) === others.at(-1 - end)) end += 1;
  const middle = (words: string[]) => words.slice(start, words.length - end).join(" ") || null;
  const option = others[start - 1] ?? "";
  return { name: option.startsWith("-") ? option : "command", before: middle(old), now: middle(others) };
}
