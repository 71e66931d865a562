/** Rows as a table. */
import type { SqlAnswer } from "../../workflows/sql.ts";
import type { Terminal } from "../terminal.ts";
import { renderTable } from "./table.ts";

export function renderSql({ columns, rows, more }: SqlAnswer, terminal: Terminal): string {
  if (columns.length === 0) return "no rows";
  const cells = columns.map((title, index) => ({
    title,
    text: (row: SqlAnswer["rows"][number]) => String(row[index] ?? ""),
    align: rows.some((row) => typeof row[index] === "number") ? ("right" as const) : ("left" as const),
  }));
  const { text } = renderTable(cells, rows, { ...terminal, width: Number.POSITIVE_INFINITY });
  return more ? `${text}there are more rows: -n takes how many` : text;
}
