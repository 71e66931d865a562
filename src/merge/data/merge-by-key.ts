/** Rows of one key are one row: empty cells are filled, new keys are new rows, two values of one cell a conflict. */
import { ExpverError } from "../../errors.ts";
import { quoteName } from "../../platform/sqlite.ts";
import { counted } from "../../platform/words.ts";
import { ownColumn } from "./columns-sql.ts";
import type { DataFile } from "./data-file.ts";
import type { DuckDb } from "./duckdb.ts";
import type { SettledColumn } from "./schema.ts";
import { addRows, addUnknown, fillCells, mergedRows } from "./standing-rows.ts";
import { hasRows, surplus } from "./surplus.ts";
import type { DataReport, MergeStep } from "./types.ts";

/** Throws E_CONFLICT for two values of one cell, unless it is said which stays. */
export async function mergeByKey(
  db: DuckDb,
  source: DataFile,
  step: MergeStep,
): Promise<Pick<DataReport["sources"][number], "inserted" | "filled" | "resolved">> {
  const { merge, standing, rows } = step;
  const keys = step.keys.map(quoteName);
  const sameKey = keys.map((key) => `i.${key} = m.${key}`).join(" AND ");
  const hasKey = keys.map((key) => `${key} IS NOT NULL`).join(" AND ");
  // What the source lacks can neither fill nor contradict.
  const shared = standing.columns.filter(({ name }) => !step.keys.includes(name) && ownColumn(source, name) !== undefined);
  const both = () => `FROM ${mergedRows(standing)} AS m JOIN incoming AS i ON ${sameKey}`;
  const counts = await compareCells(db, shared, both());
  const [filled, resolved] = [sum(counts.map(({ fills }) => fills)), sum(counts.map(({ clashes }) => clashes))];
  if (resolved > 0 && merge.onConflict === undefined) throw await conflict(db, source, { keys, both: both(), counts });
  const theirs = merge.onConflict === "theirs";
  const touched = counts.filter(({ fills, clashes }) => fills > 0 || (theirs && clashes > 0)).map(({ column }) => column);
  if (touched.length > 0) {
    const chosen = (name: string) => (theirs ? `coalesce(i.${name}, m.${name})` : `coalesce(m.${name}, i.${name})`);
    await fillCells(db, standing, { touched, chosen, sameKey });
  }
  const keyless = `NOT (${hasKey})`;
  const hasKeyless = await hasRows(db, keyless);
  const known = `SELECT i.expver_row ${both()}${hasKeyless ? ` UNION ALL SELECT expver_row FROM incoming WHERE ${keyless}` : ""}`;
  let inserted = await addUnknown(db, standing, { source, rows, known });
  if (hasKeyless) inserted += await addRows(db, standing, surplus(standing, keyless));
  return { inserted, filled, resolved };
}

interface CellCounts {
  column: SettledColumn;
  /** Empty cells that the source fills, and cells of which it has another value. */
  fills: number;
  clashes: number;
}

async function compareCells(db: DuckDb, columns: readonly SettledColumn[], both: string): Promise<CellCounts[]> {
  if (columns.length === 0) return [];
  const terms = columns.flatMap(({ name }, index) => [
    `count(*) FILTER (WHERE m.${quoteName(name)} IS NULL AND i.${quoteName(name)} IS NOT NULL) AS f${index}`,
    `count(*) FILTER (WHERE ${differ(name)}) AS c${index}`,
  ]);
  const [row] = await db.rows(`SELECT ${terms.join(", ")} ${both}`);
  return columns.map((column, index) => ({ column, fills: Number(row?.[`f${index}`]), clashes: Number(row?.[`c${index}`]) }));
}

/** Never so where one is NULL. */
function differ(name: string): string {
  return `m.${quoteName(name)} <> i.${quoteName(name)}`;
}

async function conflict(
  db: DuckDb,
  source: DataFile,
  { keys, both, counts }: { keys: readonly string[]; both: string; counts: readonly CellCounts[] },
): Promise<ExpverError> {
  const conflicts: Record<string, unknown>[] = [];
  const key = keys.map((one) => `m.${one}::VARCHAR`).join(" || ' ' || ");
  for (const { column, clashes } of counts) {
    if (conflicts.length >= 20) break;
    if (clashes === 0) continue;
    const [name, cell] = [column.name, quoteName(column.name)];
    const found = await db.rows(
      `SELECT ${key} AS key, m.${cell}::VARCHAR AS ours, i.${cell}::VARCHAR AS theirs ${both} WHERE ${differ(name)} ORDER BY 1 LIMIT 20`,
    );
    conflicts.push(...found.map((one) => ({ column: name, ...one })));
  }
  const all = sum(counts.map(({ clashes }) => clashes));
  const lines = conflicts.slice(0, 5).map(({ key: of, column, ours, theirs }) => `  ${of} ${column}: ${ours} here, ${theirs} there`);
  return new ExpverError(
    "E_CONFLICT",
    [`${counted(all, "cell")} of ${source.name} ${all === 1 ? "differs" : "differ"} from those that are there:`, ...lines].join("\n"),
    { details: { source: source.name, count: all, conflicts } },
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0);
}
