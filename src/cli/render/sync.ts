/** `expver sync` as text. */
import { someOf } from "../../platform/words.ts";
import type { Synced } from "../../workflows/sync.ts";
import type { Terminal } from "../terminal.ts";

const SHOWN = 8;

export function renderSync({ remotes, fetched, branches, objects, corrected, next }: Synced, { style }: Terminal): string {
  const line = (word: string, text: string) => `  ${style("dim", word.padEnd(7))}  ${text}`;
  const lines: string[] = [];
  if (fetched.length > 0) lines.push(line("tags", `${style("bold", someOf(fetched, SHOWN))}  ← ${remotes.join(", ")}`));
  if (branches.length > 0) lines.push(line("branch", someOf(branches, SHOWN)));
  if (objects.objects > 0) lines.push(line("objects", `${objects.objects} fetched into the cache  ← ${objects.remotes.join(", ")}`));
  for (const { run, from, to } of corrected) lines.push(line("rows", `${run} is ${to} now (its rows said ${from ?? "nothing"})`));
  if (lines.length === 0) lines.push(remotes.length === 0 ? "  nothing new" : `  nothing new on ${remotes.join(", ")}`);
  return `${[...lines, ...next.map((one) => line("next", one))].join("\n")}\n`;
}
