/** From a run's rows to its numbers: one value a column, parameters and metrics told apart. */
import type { Aggregation, Config, Direction } from "../config/config.ts";
import { guessDirection } from "../config/metric-direction.ts";
import { type Database, quoteName } from "../platform/sqlite.ts";
import { cellNumber, formatCell, numpyNumber } from "./cells.ts";
import { WITHIN, within } from "./rows.ts";
import { runTracks } from "./runs.ts";
import { hasColumn, STAMP_COLUMNS, tableColumns } from "./schema.ts";
import { compareTimestamps } from "./timestamps.ts";
import type { Cell, TrackRows } from "./types.ts";

export interface RunNumbers {
  /** Exact text by name. */
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** Directions nobody configured, told from the name alone: say so wherever they decide something. */
  guessed: Record<string, Direction>;
  /** Of metrics that several tracks have a value of their own of, and nobody has said which counts: how many have. */
  ofSeveral: Record<string, number>;
  /** Names of metrics that were logged as objects: nothing is unpickled to see what they are. */
  objects: string[];
}

// What xetrack writes beside the program's own values.
const SYSTEM = new Set([
  ..."track_id timestamp function_name args kwargs error function_time function_result cache git_commit_hash".split(" "),
  ..."cpu cpu_percent ram_percent memory_percent p_memory_percent disk_percent bytes_sent bytes_recv".split(" "),
  ...STAMP_COLUMNS,
]);

/** How far a run has come. What goes up from row to row nobody has set. */
const PROGRESS = new Set("epoch step global_step iteration iter batch".split(" "));

/**
 * Configured names are metrics. Of the others a number whose name is a known metric's is one, its direction guessed, and so is, without
 * one, a number that changes within a track: it was measured. What stays the same is a parameter. What else changes (the setting that each of several
 * tracks has its own of, a phase, what counts rows) says nothing of the run as a whole. A metric is aggregated as configured, by default its last value.
 */
export function aggregate(db: Database, runId: string, config: Pick<Config, "metrics" | "aggregate">): RunNumbers {
  return aggregateRows(db, runTracks(db, runId), config);
}

/** {@link aggregate} over rows that no run owns. */
export function aggregateRows(db: Database, tracks: readonly TrackRows[], config: Pick<Config, "metrics" | "aggregate">): RunNumbers {
  const numbers: RunNumbers = { params: {}, metrics: {}, guessed: {}, ofSeveral: {}, objects: [] };
  for (const [name, cells] of cellsByColumn(db, tracks)) {
    const values = cells.map(({ cell }) => cell);
    const configured = Object.hasOwn(config.metrics, name) ? config.metrics[name] : undefined;
    const last = values.at(-1) ?? null;
    if (isAsset(db, last)) {
      if ((configured ?? guessDirection(name)) !== undefined) numbers.objects.push(name);
      continue;
    }
    const direction = configured ?? directionOf(name, last);
    if (direction === undefined) {
      if (values.every((value) => isSame(value, last))) numbers.params[name] = formatCell(last);
      else if (isMeasured(cells) && !isProgress(name)) numbers.metrics[name] = formatCell(last);
      continue;
    }
    if (configured === undefined) numbers.guessed[name] = direction;
    const how = Object.hasOwn(config.aggregate, name) ? config.aggregate[name] : undefined;
    numbers.metrics[name] = aggregated(values, how ?? "last", direction);
    const lastOfTracks = new Map(cells.map(({ track, cell }) => [track, cell]));
    if (how === undefined && new Set(lastOfTracks.values()).size > 1) numbers.ofSeveral[name] = lastOfTracks.size;
  }
  return numbers;
}

/** Undefined when neither the name nor the values look like a metric. A hash in a metric's column (xetrack's asset) is no number. */
function directionOf(name: string, last: Cell): Direction | undefined {
  return cellNumber(last) === null ? undefined : guessDirection(name);
}

/** Each row has bytes of its own, which may be the same. */
function isSame(one: Cell, other: Cell): boolean {
  return one === other || (one instanceof Uint8Array && other instanceof Uint8Array && formatCell(one) === formatCell(other));
}

/** Where it changes from row to row. */
export function isProgress(name: string): boolean {
  return PROGRESS.has(name.toLowerCase());
}

/** Numbers only, and not one for each track. */
function isMeasured(cells: readonly Logged[]): boolean {
  const first = new Map(cells.toReversed().map(({ track, cell }) => [track, cell]));
  return cells.every(({ cell }) => cellNumber(cell) !== null) && cells.some(({ track, cell }) => cell !== first.get(track));
}

/** xetrack keeps an object in tables of its own and writes its hash into the cell: neither a parameter nor a metric. */
function isAsset(db: Database, cell: Cell): boolean {
  if (typeof cell !== "string" || !/^[0-9a-f]{16}$/.test(cell) || !hasColumn(tableColumns(db, "counts"), "key")) return false;
  return db.get("SELECT 1 FROM counts WHERE key = ?", [cell]) !== undefined;
}

interface Logged {
  at: Cell;
  cell: Cell;
  track: string;
}

/** Non-null cells of every column, in the order of time. */
function cellsByColumn(db: Database, tracks: readonly TrackRows[]): Map<string, Logged[]> {
  const found = new Map<string, Logged[]>();
  for (const track of tracks) {
    const { table, track_id: id } = track;
    const columns = tableColumns(db, table);
    const counter = rowCounter(db, table);
    const names = columns.map(({ name }) => name).filter((name) => name !== counter && !SYSTEM.has(name.toLowerCase()));
    if (names.length === 0 || !hasColumn(columns, "timestamp")) continue;
    const list = ["timestamp", ...names].map(quoteName).join(", ");
    const rows = db.arrays(`SELECT ${list} FROM ${quoteName(table)} WHERE ${WITHIN} ORDER BY timestamp`, within(track));
    for (const [at = null, ...cells] of rows) {
      for (const [index, stored] of cells.entries()) {
        const cell = stored instanceof Uint8Array ? (numpyNumber(stored) ?? stored) : stored;
        const name = names[index];
        if (cell === null || name === undefined) continue;
        const known = found.get(name);
        if (known === undefined) found.set(name, [{ at, cell, track: id }]);
        else known.push({ at, cell, track: id });
      }
    }
  }
  // Several tables or trackers may carry one column: time decides which value is the last.
  return new Map([...found].map(([name, cells]) => [name, inTime(cells)]));
}

/** A table of another tool may number its rows (`id INTEGER PRIMARY KEY`): nobody has set that. */
function rowCounter(db: Database, table: string): string | undefined {
  const key = db.arrays("SELECT name, type FROM pragma_table_info(?, 'main') WHERE pk > 0", [table]);
  const [[name, type] = []] = key;
  return key.length === 1 && String(type).toUpperCase() === "INTEGER" ? String(name) : undefined;
}

function inTime(cells: readonly Logged[]): Logged[] {
  return cells.toSorted((one, other) => compareTimestamps(one.at, other.at));
}

/** The exact text of one value for many, in the order of time: numbers, or texts that are some. */
export function aggregated(values: readonly Cell[], how: Aggregation, direction: Direction): string {
  const last = formatCell(values.at(-1) ?? null);
  if (how === "last") return last;
  const numbers = values.flatMap((cell) => {
    const value = cellNumber(cell);
    return value === null || Number.isNaN(value) ? [] : [{ cell, value }];
  });
  const [head] = numbers;
  if (head === undefined) return last;
  const sum = numbers.reduce((total, { value }) => total + value, 0);
  if (how === "sum") return formatCell(sum);
  if (how === "mean") return formatCell(sum / numbers.length);
  const wantsMax = how === "max" || (how === "best" && direction === "max");
  // The cell itself, not the number made of it: its digits stay exact.
  return formatCell(numbers.reduce((best, one) => ((wantsMax ? one.value > best.value : one.value < best.value) ? one : best), head).cell);
}
