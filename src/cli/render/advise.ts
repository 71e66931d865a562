/** Advice as a person reads it: what, why, what to type. */
import { counted } from "../../platform/words.ts";
import type { Advice } from "../../workflows/advise/advise.ts";
import type { CleanupAdvice } from "../../workflows/advise/cleanup.ts";
import type { DescriptionAdvice } from "../../workflows/advise/description.ts";
import type { GetAdvice } from "../../workflows/advise/get.ts";
import type { MergeAdvice } from "../../workflows/advise/merge.ts";
import { formatBytes } from "../amounts.ts";
import type { Terminal } from "../terminal.ts";

export function renderAdvise(advice: Advice, terminal: Terminal): string {
  const { workflow, branching, engine, reasons, questions, version, description, commands, warnings } = advice;
  return lines(
    `${terminal.style("bold", `${workflow} workflow`)}: ${branching}, engine ${engine}`,
    ...reasons.map((reason) => `  because ${reason}`),
    ...questions.map(({ asks, answer }) => `${terminal.style("yellow", "?")} ${asks}  ${answer}`),
    `${terminal.style("bold", version.next)}: ${version.level}${version.certainty === "guess" ? ", a guess" : ""}`,
    ...version.reasons.map((reason) => `  because ${reason}`),
    ...(description === "" ? [] : [`message: ${description}`]),
    ...warnings.map((warning) => `${terminal.style("yellow", "!")} ${warning}`),
    ...commandLines(commands, terminal),
  );
}

export function renderAdviseDescription({ version, against, description, parts, commands }: DescriptionAdvice, terminal: Terminal): string {
  const lacking = Object.entries(parts).flatMap(([name, value]) => (value === null ? [name] : []));
  return lines(
    `${description === "" ? "nothing has changed that could be named" : description}${against === null ? "" : `  (against ${against})`}`,
    ...(version === null || lacking.length === 0 ? [] : [`its line has no ${lacking.join(", no ")}`]),
    ...commandLines(commands, terminal),
  );
}

export function renderAdviseMerge({ artifacts, commands }: MergeAdvice, terminal: Terminal): string {
  return lines(
    ...artifacts.flatMap(({ artifact, path, advice, certainty, evidence }) => [
      `${terminal.style("bold", advice)}  ${path ?? artifact}${certainty === "guess" ? ", a guess" : ""}`,
      ...evidence.map((one) => `  because ${one}`),
    ]),
    ...commandLines(commands, terminal),
  );
}

export function renderAdviseGet({ strategy, reasons, files, bytes, toFetch, commands }: GetAdvice, terminal: Terminal): string {
  const amount =
    strategy === "worktree" ? "" : `: ${counted(files, "file")}, ${formatBytes(bytes)}${toFetch > 0 ? `, ${toFetch} to fetch` : ""}`;
  return lines(
    `${terminal.style("bold", strategy)}${amount}`,
    ...reasons.map((reason) => `  because ${reason}`),
    ...commandLines(commands, terminal),
  );
}

export function renderAdviseCleanup({ items }: CleanupAdvice, terminal: Terminal): string {
  return lines(
    ...items.flatMap(({ what, blockedBy, command }) => [
      `${blockedBy.length === 0 ? terminal.style("green", "can go") : terminal.style("yellow", "not yet")}  ${what}`,
      ...blockedBy.map((reason) => `  ${reason}`),
      `  ${terminal.style("cyan", command)}`,
    ]),
  );
}

function commandLines(commands: readonly string[], terminal: Terminal): string[] {
  return commands.map((command) => `  ${terminal.style("cyan", `$ ${command}`)}`);
}

function lines(...all: string[]): string {
  return all.join("\n");
}
