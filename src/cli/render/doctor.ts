/** `expver doctor` as text: problems first, each with what to do. */

import { counted } from "../../platform/words.ts";
import type { Level } from "../../workflows/doctor/check.ts";
import type { DoctorResult } from "../../workflows/doctor.ts";
import type { Terminal } from "../terminal.ts";
import { wrapText } from "../text-width.ts";

const COLOURS = { problem: "red", warning: "yellow", note: "cyan" } as const satisfies Record<Level, string>;
/** Beside the longest level. */
const INDENT = 9;
const LEVELS: Level[] = ["problem", "warning", "note"];

export function renderDoctor({ root, findings, looked, counts }: DoctorResult, { style, width }: Terminal): string {
  const wrapped = (text: string) =>
    text
      .split("\n")
      .map((line) => wrapText(line, width - INDENT))
      .join("\n")
      .replaceAll("\n", `\n${" ".repeat(INDENT)}`);
  const blocks = LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level)).map(({ level, what, remedy, fixed }) => {
    const head = fixed === undefined ? style(COLOURS[level], level.padEnd(INDENT - 2)) : style("green", "fixed".padEnd(INDENT - 2));
    return `${head}  ${wrapped(what)}\n${" ".repeat(INDENT)}${wrapped(fixed ?? remedy)}`;
  });
  const left = LEVELS.filter((level) => counts[level] > 0).map((level) => counted(counts[level], level));
  const verdict = left.length === 0 ? "nothing wrong found" : left.join(", ");
  const fixable = findings.some(({ fix, fixed }) => fix !== undefined && fixed === undefined)
    ? " · expver doctor --fix repairs what is safe"
    : "";
  return `${[...blocks, `${style("dim", root)}: ${looked.length} things looked at, ${verdict}${fixable}`].join("\n")}\n`;
}
