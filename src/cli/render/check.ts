/** `expver check` as text: each place, and what in it is nowhere else. */
import type { Checked } from "../../workflows/check.ts";
import type { Finding } from "../../workflows/worktree/inventory/finding.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { wrapText } from "../text-width.ts";

export function renderCheck({ checked }: Checked, terminal: Terminal): string {
  if (checked.length === 0) return "there are no worktrees beside the main one\n";
  const { style } = terminal;
  const blocks = checked.flatMap(({ name, root, branch, findings }) => {
    const place = root ?? "checked out nowhere";
    const head = `${style("bold", name)}  ${branch === null || branch === name ? "" : `${branch}  `}${style("dim", place)}`;
    if (findings.length === 0) return [head, `  ${style("green", "nothing in it is nowhere else")}`];
    return [head, ...findings.flatMap((finding) => findingLines(finding, terminal))];
  });
  return `${blocks.join("\n")}\n`;
}

function findingLines({ category, what, bytes, examples, remedy }: Finding, { style, width }: Terminal): string[] {
  const wrapped = (text: string) => wrapText(text, width - INDENT).replaceAll("\n", `\n${" ".repeat(INDENT)}`);
  const size = bytes > 0 ? `  ${formatBytes(bytes)}` : "";
  const shown = examples.length === 0 ? "" : `: ${examples.join(", ")}`;
  return [
    `  ${style("yellow", category.padEnd(INDENT - 4))}  ${wrapped(`${what}${size}${shown}`)}`,
    `${" ".repeat(INDENT)}${style("dim", wrapped(remedy))}`,
  ];
}

/** Beside the longest category. */
const INDENT = 14;
