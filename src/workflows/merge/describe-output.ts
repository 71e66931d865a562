/** What became of one output of a merged pointer, in one line. */
import type { MergedOutput } from "../../merge/pointers/merge-output.ts";
import { changesTable } from "../../merge/results/merge-files.ts";
import { counted } from "../../platform/words.ts";
import { describeChanges } from "./database-part.ts";

/** Null for a conflict, which says more than a line. */
export function describeOutput(output: MergedOutput): string | null {
  switch (output.kind) {
    case "conflict":
      return null;
    case "rows": {
      const tables = output.report.tables.filter(changesTable);
      return tables.length === 0
        ? "everything is in ours already"
        : tables.map((table) => `${table.table} ${describeChanges(table)}`).join(", ");
    }
    case "entries": {
      const { added, changed, removed, decided } = output.listing;
      const parts = [
        added > 0 && `${counted(added, "file")} added`,
        changed > 0 && `${changed} changed`,
        removed > 0 && `${removed} removed`,
        decided > 0 && `${decided} decided`,
      ];
      return parts.filter(Boolean).join(" · ") || "everything is in ours already";
    }
    default:
      return `${output.kind} taken`;
  }
}

/** Whether the output should now be other than ours was. */
export function bringsNews(output: MergedOutput): boolean {
  if (output.kind === "rows") return output.report.tables.some(changesTable);
  if (output.kind === "entries") return output.listing.added + output.listing.changed + output.listing.removed > 0;
  return output.kind === "theirs";
}
