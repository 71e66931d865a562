/** `expver restore` as text. */
import { counted } from "../../platform/words.ts";
import type { Restored } from "../../workflows/restore.ts";
import type { Terminal } from "../terminal.ts";

const MOST = 20;

export function renderRestore({ version, restored, removed, leftOut }: Restored, { style }: Terminal): string {
  if (restored.length + removed.length === 0) return `everything is as in ${version} already\n`;
  const all = [...restored.map((path) => `  ${path}`), ...removed.map((path) => `  ${path}  (not in ${version}: in the trash)`)];
  return [
    `${counted(restored.length + removed.length, "path")} as in ${style("bold", version)}; HEAD and index are as they were`,
    ...all.slice(0, MOST),
    ...(all.length > MOST ? [`  and ${all.length - MOST} more`] : []),
    ...(leftOut === null ? [] : [`  ${style("dim", "left")}  ${leftOut}: name it to bring it back too`]),
    `  ${style("dim", "back")}  expver undo`,
    "",
  ].join("\n");
}
