/** The row that was written, as one line. */
import type { LoggedValues } from "../../workflows/log.ts";
import type { Terminal } from "../terminal.ts";

export function renderLog({ table, track_id: trackId, values }: LoggedValues, { style }: Terminal): string {
  const shown = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return `${style("dim", `${table}  ${trackId}`)}  ${shown.join("  ")}\n`;
}
