/** Advice as a person reads it: what, why, what to type. */
import { counted } from "../../platform/words.ts";
import type { Advice } from "../../workflows/advise/advise.ts";
import type { CleanupAdvice } from "../../workflows/advise/cleanup.ts";
import type { DescriptionAdvice } from "../../workflows/advise/description.ts";
import type { GetAdvice } from "../../workflows/advise/get.ts";
import type { MergeAdvice } from "../../workflows/advise/merge.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";
import { wrapText } from "../text-width.ts";

export function renderAdvise(advice: Advice, terminal: Terminal): string {
  const { workflow, branching, engine, reasons, questions, version, description, commands, warnings } = advice;
  return lines(
    hung(`${workflow} workflow: ${branching}, engine ${engine}`, 2, terminal).replace(/^.*?(?=:)/, (head) => terminal.style("bold", head)),
    ...because(reasons, terminal),
    ...questions.map(({ asks, answer }) => `${terminal.style("yellow", "?")} ${hung(`${asks} ${answer}`, 2, terminal)}`),
    `${terminal.style("bold", version.next)}: ${version.level}${version.certainty === "guess" ? ", a guess" : ""}`,
    ...because(version.reasons, terminal),
    ...(description === "" ? [] : [`message: ${hung(description, 9, terminal)}`]),
    ...warnings.map((warning) => `${terminal.style("yellow", "!")} ${hung(warning, 2, terminal)}`),
    ...commandLines(commands, terminal),
  );
}

export function renderAdviseDescription({ version, against, description, parts, commands }: DescriptionAdvice, terminal: Terminal): string {
  const lacking = Object.entries(parts).flatMap(([name, value]) => (value === null ? [name] : []));
  return lines(
    hung(
      `${description === "" ? "nothing has changed that could be named" : description}${against === null ? "" : ` (against ${against})`}`,
      0,
      terminal,
    ),
    ...(version === null || lacking.length === 0 ? [] : [`its line has no ${lacking.join(", no ")}`]),
    ...commandLines(commands, terminal),
  );
}

export function renderAdviseMerge({ artifacts, commands }: MergeAdvice, terminal: Terminal): string {
  return lines(
    ...artifacts.flatMap(({ artifact, path, advice, certainty, evidence }) => [
      `${terminal.style("bold", advice)}  ${path ?? artifact}${certainty === "guess" ? ", a guess" : ""}`,
      ...because(evidence, terminal),
    ]),
    ...commandLines(commands, terminal),
  );
}

export function renderAdviseGet({ strategy, reasons, files, bytes, toFetch, commands }: GetAdvice, terminal: Terminal): string {
  const amount =
    strategy === "worktree" ? "" : `: ${counted(files, "file")}, ${formatBytes(bytes)}${toFetch > 0 ? `, ${toFetch} to fetch` : ""}`;
  return lines(`${terminal.style("bold", strategy)}${amount}`, ...because(reasons, terminal), ...commandLines(commands, terminal));
}

export function renderAdviseCleanup({ items }: CleanupAdvice, terminal: Terminal): string {
  return lines(
    ...items.flatMap(({ what, blockedBy, command }) => [
      `${blockedBy.length === 0 ? terminal.style("green", "can go") : terminal.style("yellow", "not yet")}  ${hung(what, 9, terminal)}`,
      ...blockedBy.map((reason) => `  ${hung(reason, 2, terminal)}`),
      `  ${terminal.style("cyan", command)}`,
    ]),
  );
}

function commandLines(commands: readonly string[], terminal: Terminal): string[] {
  return commands.map((command) => `  ${terminal.style("cyan", `$ ${command}`)}`);
}

function because(reasons: readonly string[], terminal: Terminal): string[] {
  return reasons.map((reason) => `  because ${hung(reason, 10, terminal)}`);
}

/** Wrapped beside what comes before it in its first line. */
function hung(text: string, indent: number, { width }: Terminal): string {
  return wrapText(text, width - indent).replaceAll("\n", `\n${" ".repeat(indent)}`);
}

function lines(...all: string[]): string {
  return all.join("\n");
}
