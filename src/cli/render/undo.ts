/** `expver undo` as text. */
import type { UndoResult } from "../../workflows/undo.ts";
import type { Terminal } from "../terminal.ts";

export function renderUndo({ operation, undone, takenBack, stays }: UndoResult, { style }: Terminal): string {
  const lines = [
    `${style("green", "undone")}  ${undone.command} ${undone.id}${undone.summary ? `: ${undone.summary}` : ""}`,
    ...takenBack.map((target) => `        ${target}`),
    ...stays.map((target) => `${style("yellow", "stays")}   ${target} (on a remote)`),
  ];
  return `${[...lines, style("dim", `operation ${operation}`)].join("\n")}\n`;
}
