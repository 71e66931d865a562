/** The columns of a merged file, settled before a row is read. */
import { ExpverError } from "../../errors.ts";
import { foldName } from "../../platform/sqlite.ts";
import { type DataColumn, type DataFile, WITHOUT_VALUES } from "./data-file.ts";

export interface SettledColumn extends DataColumn {
  /** `added`: the base lacks it. `widened`: a type that holds the values of all. `to text`, `lossy`: only when allowed. */
  change: "same" | "added" | "widened" | "to text" | "lossy";
}

/**
 * The base's columns in their order, then new ones as they come. Throws E_SCHEMA, with both types, where values would turn into
 * text or lose digits and that is not allowed.
 */
export function settleSchema(files: readonly DataFile[], { allowWiden }: { allowWiden: boolean }): SettledColumn[] {
  const [base] = files;
  const settled = new Map<string, SettledColumn & { from: string }>();
  const refused: string[] = [];
  for (const file of files) {
    for (const { name, type } of file.columns) {
      const id = foldName(name);
      const known = settled.get(id);
      if (known === undefined) {
        settled.set(id, { name, type, change: file === base ? "same" : "added", from: file.name });
        continue;
      }
      const wider = widen(known.type, type);
      if (wider.type === known.type && wider.kind === "same") continue;
      if ((wider.kind === "to text" || wider.kind === "lossy") && !allowWiden) {
        refused.push(
          `${name} is ${known.type} in ${known.from} and ${type} in ${file.name}${wider.kind === "lossy" ? `: ${wider.type} would lose digits` : ""}`,
        );
        continue;
      }
      settled.set(id, { ...known, type: wider.type, change: known.change === "added" ? "added" : wider.kind });
    }
  }
  if (refused.length > 0) {
    throw new ExpverError("E_SCHEMA", `columns do not fit together: ${refused.join("; ")}`, { details: { columns: refused } });
  }
  // Of files without a row that would name one: what stands for them is never written.
  if (settled.size === 0) settled.set("json", { name: "json", type: "JSON", change: "same", from: base?.name ?? "" });
  const stored = (type: string) => (type === "HUGEINT" ? `DECIMAL(${DIGITS.HUGEINT},0)` : type);
  return [...settled.values()].map(({ name, type, change }) => ({ name, type: stored(type), change }));
}

const INTEGERS = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"];
const UNSIGNED = ["UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"];
/** Parquet has no wider integers, DuckDB would write them as DOUBLE: they are decimals without a fraction. */
const DIGITS: Record<string, number> = {
  TINYINT: 3,
  SMALLINT: 5,
  INTEGER: 10,
  BIGINT: 19,
  UTINYINT: 3,
  USMALLINT: 5,
  UINTEGER: 10,
  UBIGINT: 20,
  HUGEINT: 38,
};
const REALS = ["FLOAT", "DOUBLE"];

/** The narrowest type that holds every value of both. */
function widen(one: string, other: string): { type: string; kind: SettledColumn["change"] } {
  if (one === other || other === WITHOUT_VALUES) return { type: one, kind: "same" };
  if (one === WITHOUT_VALUES) return { type: other, kind: "widened" };
  const pair = [one, other];
  const all = (types: readonly string[]) => pair.every((type) => types.includes(type));
  if (all(INTEGERS)) return ranked(INTEGERS, pair);
  if (all(UNSIGNED)) return ranked(UNSIGNED, pair);
  if (all(REALS)) return ranked(REALS, pair);
  if (all([...INTEGERS, ...UNSIGNED])) {
    const signed = pair.find((type) => INTEGERS.includes(type)) ?? "";
    const unsigned = pair.find((type) => UNSIGNED.includes(type)) ?? "";
    const needed = INTEGERS[Math.max(INTEGERS.indexOf(signed), UNSIGNED.indexOf(unsigned) + 1)];
    if (needed !== undefined) return { type: needed, kind: needed === one ? "same" : "widened" };
  }
  const decimal = widerDecimal(one, other);
  if (decimal !== null) return { type: decimal, kind: decimal === one ? "same" : "widened" };
  if (all([...INTEGERS, ...UNSIGNED, ...REALS])) {
    const whole = pair.find((type) => !REALS.includes(type)) ?? "";
    // A DOUBLE holds whole numbers of 32 bits exactly.
    const exact = /^U?(?:TINYINT|SMALLINT|INTEGER)$/.test(whole);
    return { type: "DOUBLE", kind: exact ? (one === "DOUBLE" ? "same" : "widened") : "lossy" };
  }
  if (all(["DATE", "TIMESTAMP"])) return { type: "TIMESTAMP", kind: one === "TIMESTAMP" ? "same" : "widened" };
  return { type: "VARCHAR", kind: "to text" };
}

/** As many digits before and after the point as either has; null when that is more than there can be, or one is no exact number. */
function widerDecimal(one: string, other: string): string | null {
  const [a, b] = [one, other].map((type) =>
    type in DIGITS ? [DIGITS[type] ?? 0, 0] : /^DECIMAL\((\d+),(\d+)\)$/.exec(type)?.slice(1).map(Number),
  );
  if (a === undefined || b === undefined) return null;
  const scale = Math.max(a[1] ?? 0, b[1] ?? 0);
  const whole = Math.max((a[0] ?? 0) - (a[1] ?? 0), (b[0] ?? 0) - (b[1] ?? 0));
  return whole + scale > 38 ? null : `DECIMAL(${whole + scale},${scale})`;
}

function ranked(order: readonly string[], [one = "", other = ""]: readonly string[]): { type: string; kind: SettledColumn["change"] } {
  const wider = order[Math.max(order.indexOf(one), order.indexOf(other))] ?? one;
  return { type: wider, kind: wider === one ? "same" : "widened" };
}
