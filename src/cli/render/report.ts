/** A report as it is, or where it was written. */
import type { Report } from "../../workflows/report/report.ts";

export function renderReport({ markdown, written }: Report): string {
  return written.length === 0 ? markdown : written.join("\n");
}
