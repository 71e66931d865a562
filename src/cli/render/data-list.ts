/** `expver data list` as a list, a table or a tree, in dvc's layout. */
import { posix } from "node:path";
import type { DuResult } from "../../workflows/data/sources/du.ts";
import type { ListEntry, ListResult } from "../../workflows/data/sources/list.ts";
import { oneLine } from "../text-width.ts";

/** Of `expver data du`. */
export function renderDataDu({ entries }: DuResult): string {
  const width = Math.max(...entries.map(({ size }) => dvcSize(size).length));
  return entries.map(({ path, size }) => `${dvcSize(size).padEnd(width)}  ${oneLine(path)}`.trimEnd()).join("\n");
}

export function renderDataList({ json, tree, size, hash }: ListResult): string {
  const all = tree === null ? json : [tree, ...json];
  const sizeWidth = size ? all.reduce((most, entry) => Math.max(most, sizeOf(entry).length), 0) : 0;
  const hashWidth = all.reduce((most, { md5 }) => Math.max(most, md5?.length ?? 1), 0);
  const lines: string[] = [];
  for (const [entry, shown] of rowsOf(json, tree)) {
    const cells = [...(size ? [sizeOf(entry).padStart(sizeWidth)] : []), ...(hash ? [(entry.md5 ?? "-").padEnd(hashWidth)] : []), shown];
    lines.push(cells.length === 1 ? shown : cells.join("  ").trimEnd());
  }
  return lines.join("\n");
}

function* rowsOf(entries: readonly ListEntry[], tree: ListEntry | null): Generator<[entry: ListEntry, shown: string]> {
  if (tree === null) for (const entry of entries) yield [entry, oneLine(entry.path)];
  else {
    yield [tree, oneLine(tree.path)];
    const inside = new Map<string, ListEntry[]>();
    for (const entry of entries) {
      const folder = posix.dirname(entry.path);
      const others = inside.get(folder);
      if (others === undefined) inside.set(folder, [entry]);
      else others.push(entry);
    }
    yield* branches(inside);
  }
}

/** Sorted entries become lines with the branch they hang on. */
function* branches(inside: ReadonlyMap<string, readonly ListEntry[]>, folder = ".", before = ""): Generator<[ListEntry, string]> {
  const here = inside.get(folder) ?? [];
  for (const [index, entry] of here.entries()) {
    const isLast = index === here.length - 1;
    yield [entry, `${before}${isLast ? "└── " : "├── "}${oneLine(posix.basename(entry.path))}`];
    if (entry.isdir) yield* branches(inside, entry.path, `${before}${isLast ? "    " : "│   "}`);
  }
}

const UNITS = ["", "k", "M", "G", "T", "P", "E"];

function sizeOf({ size, isdir }: ListEntry): string {
  return size === null || (isdir && size === 0) ? "" : dvcSize(size);
}

/** `4.00k`, as dvc writes it: three digits. */
function dvcSize(size: number): string {
  if (size < 1024) return String(size);
  let [amount, unit] = [size, 0];
  while (amount >= 999.5 && unit < UNITS.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${amount.toFixed(amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0)}${UNITS[unit]}`;
}
