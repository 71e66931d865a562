/** `expver data list` as a list, a table or a tree, in dvc's layout. */
import type { ListEntry, ListResult } from "../../workflows/data/sources/list.ts";
import { oneLine } from "../text-width.ts";

export function renderDataList({ json, tree, size, hash }: ListResult): string {
  const rows: [entry: ListEntry, shown: string][] =
    tree === null ? json.map((entry) => [entry, oneLine(entry.path)]) : [[tree, oneLine(tree.path)], ...branches(json)];
  if (!size && !hash) return rows.map(([, shown]) => shown).join("\n");
  const sizes = rows.map(([entry]) => sizeOf(entry));
  const width = Math.max(...sizes.map((text) => text.length));
  const hashWidth = Math.max(...rows.map(([entry]) => entry.md5?.length ?? 1));
  return rows
    .map(([entry, shown], index) => {
      const cells = [
        ...(size ? [(sizes[index] ?? "").padStart(width)] : []),
        ...(hash ? [(entry.md5 ?? "-").padEnd(hashWidth)] : []),
        shown,
      ];
      return cells.join("  ").trimEnd();
    })
    .join("\n");
}

/** Sorted entries become lines with the branch they hang on. */
function branches(entries: readonly ListEntry[], folder = "", before = ""): [ListEntry, string][] {
  const prefix = folder === "" ? "" : `${folder}/`;
  const here = entries.filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes("/"));
  return here.flatMap((entry, index): [ListEntry, string][] => {
    const isLast = index === here.length - 1;
    const line = `${before}${isLast ? "└── " : "├── "}${oneLine(entry.path.slice(prefix.length))}`;
    return [[entry, line], ...(entry.isdir ? branches(entries, entry.path, `${before}${isLast ? "    " : "│   "}`) : [])];
  });
}

const UNITS = ["", "k", "M", "G", "T", "P", "E"];

/** `4.00k`, as dvc writes it: three digits. */
function sizeOf(entry: ListEntry): string {
  if (entry.size === null || (entry.isdir && entry.size === 0)) return "";
  if (entry.size < 1024) return String(entry.size);
  let [amount, unit] = [entry.size, 0];
  while (amount >= 999.5 && unit < UNITS.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${amount.toFixed(amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0)}${UNITS[unit]}`;
}
