/** `expver undo` as text. */
import type { UndoResult } from "../../workflows/undo.ts";
import type { Terminal } from "../terminal.ts";

export function renderUndo({ operation, undone, repaired, takenBack, stays }: UndoResult, { style }: Terminal): string {
  if (undone === null) {
    const lines = repaired.map(({ id, command, outcome }) => `${style("green", "repaired")}  ${command} ${id}: ${outcome}`);
    return `${[...lines, "          nothing else was undone; the operation before it: expver undo"].join("\n")}\n`;
  }
  const lines = [
    `${style("green", "undone")}  ${undone.command} ${undone.id}${undone.summary ? `: ${undone.summary}` : ""}`,
    ...takenBack.map((target) => `        ${target}`),
    ...stays.map((target) => `${style("yellow", "stays")}   ${target} (on a remote)`),
  ];
  return `${[...lines, style("dim", `operation ${operation}`)].join("\n")}\n`;
}
