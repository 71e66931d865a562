/**
 * `expver log k=v…`: one row of results from a shell.
 *
 * It writes as the program's own tracker does: no operation is journaled and nothing is repaired first. So it is quick, is not
 * in the way of the run that calls it, and goes on working when that run's expver was killed.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { findProject, openProject } from "../config/project.ts";
import { resultsDatabase } from "../config/results-place.ts";
import { HIDDEN_VALUE, isSecretKey } from "../config/secrets.ts";
import { ExpverError, fromSystemError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { descendsFrom } from "../platform/processes.ts";
import { runName } from "../platform/run-name.ts";
import { type Database, openDatabase } from "../platform/sqlite.ts";
import { formatCell, parseCell } from "../results/cells.ts";
import { nameColumns } from "../results/column-names.ts";
import { appendRow } from "../results/rows.ts";
import { hasColumn, mainTable, tableColumns } from "../results/schema.ts";
import { databaseFor, openForRows } from "../results/track.ts";
import type { Cell } from "../results/types.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";
import type { LackingRows } from "./run/database/lacking-rows.ts";
import { noteOutsideTrack, outsideTracks } from "./run/database/outside-tracks.ts";
import { parseGiven } from "./run/parameters/parameters.ts";
import { runFolder } from "./run/run-facts.ts";

interface LogPlan extends Plan {
  database: string;
  table: string;
  trackId: string;
  values: Record<string, Cell>;
  lacking: LackingRows | null;
  /** A run that goes on here and is not to count the row: its folder. */
  notOf: string | null;
}

export interface LoggedValues {
  database: string;
  table: string;
  track_id: string;
  timestamp: string;
  /** Exact texts by name; secrets hidden. */
  values: Record<string, string>;
}

export const log: WriteWorkflow<Input, LogPlan, LoggedValues> = {
  async plan(context, input) {
    const values = await valuesOf(context, input);
    if (Object.keys(values).length === 0) {
      throw new ExpverError("E_USAGE", "there is nothing to log", { hint: "expver log accuracy=0.93 loss=0.2" });
    }
    const { database, tables } = databaseFor(context, textIn(input.db));
    const isOutside = !context.env.EXPVER_DB && database === ownDatabase(context);
    const lacking = isOutside ? await lackingOf(context) : null;
    const { table, columns } = placeIn(database, { tables, named: textIn(input.table), values });
    const given = textIn(input.trackId) ?? (context.env.EXPVER_RUN_ID || undefined);
    const trackId = given ?? runName(context.random);
    const notOf = isOutside ? await runBeside(context, given) : null;
    const steps: Step[] = [
      ...(lacking === null ? [] : [{ verb: "bring in", target: database, count: lacking.rows, detail: "rows of the version in HEAD" }]),
      ...(columns.length === 0 ? [] : [{ verb: "add columns", target: table, detail: columns.join(", ") }]),
      { verb: "append", target: table, count: 1, detail: `${trackId}: ${shown(textsOf(values))}` },
    ];
    const fingerprint = fingerprintOf({ database, table, columns, values: textsOf(values), lacking: lacking?.rows });
    return { command: "log", steps, destructive: false, fingerprint, database, table, trackId, values, lacking, notOf };
  },

  async apply(context, { database, table, trackId, values, lacking, notOf }) {
    if (notOf !== null) noteOutsideTrack(notOf, trackId);
    if (lacking !== null) (await import("./run/database/bring-in-lacking.ts")).bringInLacking(openProject(context), lacking, database);
    const db = openForRows(database);
    try {
      const { first: timestamp } = appendRow(db, table, { trackId, values, at: context.clock() });
      return { database, table, track_id: trackId, timestamp, values: textsOf(values) };
    } finally {
      db.close();
    }
  },
};

/** What the command line says comes before what the file says. Secrets are hidden from here on. */
async function valuesOf(context: Context, { value, file }: Input): Promise<Record<string, Cell>> {
  const given = parseGiven(Array.isArray(value) ? value : [], { option: "", example: "accuracy=0.93" });
  const typed = Object.fromEntries(Object.entries(given).map(([name, word]) => [name, parseCell(word)]));
  const values = { ...(await fromFile(context, textIn(file))), ...typed };
  return Object.fromEntries(Object.entries(values).map(([name, cell]) => [name, isSecretKey(name) ? HIDDEN_VALUE : cell]));
}

async function fromFile(context: Context, path: string | undefined): Promise<Record<string, Cell>> {
  if (path === undefined) return {};
  const { valuesOfFile } = await import("./log/values-file.ts");
  return valuesOfFile(read(resolve(context.cwd, path)), path);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fromSystemError(error, "cannot read the values");
  }
}

/** The results database of the project one is in. */
function ownDatabase(context: Context): string | null {
  const project = findProject(context);
  return project === null ? null : resultsDatabase(project);
}

/**
 * The folder of a run that goes on here and has not started us: it would count the row as its own, as it does those of trackers, which do
 * not say whose run they are. A track that was given may be the run's.
 */
async function runBeside(context: Context, track: string | undefined): Promise<string | null> {
  const { runAtWork } = await import("./second-run.ts");
  const project = openProject(context);
  const found = await runAtWork(project);
  // Also a program whose environment was taken away.
  if (found === null || found.run === track || (found.pid !== undefined && descendsFrom(found.pid))) return null;
  const { run } = found;
  const folder = runFolder(project, run);
  if (track !== undefined && outsideTracks(folder).has(track)) return null;
  const counts = track !== undefined;
  context.report({
    kind: "warning",
    text: `run ${run} goes on in this worktree: it ${counts ? "counts this row as its own" : "does not count this row as its own"}`,
    hint: counts
      ? "Log when it has ended (expver runs wait), or into another database: --db FILE."
      : `If it is the run's: expver log --track-id ${run} …`,
  });
  return counts ? null : folder;
}

/** Outside of a run, which has seen to it: a pull may have moved the pointer and not the file. */
async function lackingOf(context: Context): Promise<LackingRows | null> {
  const { lackingRows } = await import("./run/database/lacking-rows.ts");
  const { placesOf } = await import("./run/places.ts");
  const { pointerBeside } = await import("../store/pointers/pointers.ts");
  const project = openProject(context);
  const places = placesOf(project, null);
  const pointer = pointerBeside(project, places.database);
  return pointer === null ? null : lackingRows(project, places, [pointer]);
}

function placeIn(
  database: string,
  { tables, named, values }: { tables: readonly string[]; named: string | undefined; values: Record<string, Cell> },
): { table: string; columns: string[] } {
  const find = (db: Database | null) => {
    const table = named ?? mainTable(db, tables);
    const present = db === null ? [] : tableColumns(db, table);
    const names = nameColumns(values, present).flatMap(([name, cell]) => (cell === null || hasColumn(present, name) ? [] : [name]));
    return { table, columns: names };
  };
  if (!existsSync(database)) return find(null);
  const db = openDatabase(database, { readonly: true });
  try {
    return find(db);
  } finally {
    db.close();
  }
}

function textsOf(values: Record<string, Cell>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, cell]) => [name, formatCell(cell)]));
}

function shown(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}
