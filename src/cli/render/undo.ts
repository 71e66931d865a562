/** `expver undo` as text. */
import type { UndoResult } from "../../workflows/undo.ts";
import type { Terminal } from "../terminal.ts";
import { localTime } from "./time.ts";

/** A checkout may have thrown away a million files one by one. */
const MOST_LINES = 50;

export function renderUndo({ operation, undone, repaired, takenBack, stays, before }: UndoResult, { style }: Terminal): string {
  if (undone === null) {
    const lines = repaired.map(({ id, command, outcome }) => `${style("green", "repaired")}  ${command} ${id}: ${outcome}`);
    return `${[...lines, "          nothing else was undone; the operation before it: expver undo"].join("\n")}\n`;
  }
  const lines = [
    `${style("green", "undone")}  ${undone.command} ${undone.id} (${localTime(undone.startedAt)})${undone.summary ? `: ${undone.summary}` : ""}`,
    ...takenBack.slice(0, MOST_LINES).map((target) => `        ${target}`),
    ...(takenBack.length > MOST_LINES
      ? [`        and ${takenBack.length - MOST_LINES} more; all of them: expver ops show ${undone.id}`]
      : []),
    ...stays.map((target) => `${style("yellow", "stays")}   ${target} (on a remote)`),
  ];
  const next =
    before === null
      ? []
      : [style("dim", `expver undo would now take back ${before.command} ${before.id}${before.summary ? `: ${before.summary}` : ""}`)];
  return `${[...lines, style("dim", `operation ${operation}`), ...next].join("\n")}\n`;
}
