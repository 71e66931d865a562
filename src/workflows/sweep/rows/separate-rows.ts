/** Two runs may give a row of theirs the same name (a track id the program fixes, a clock that stands): both rows are kept. */
import { type Database, openDatabase, quoteName, readOnlyUri } from "../../../platform/sqlite.ts";
import { eventsTables, hasTable, RUN_TRACKS_TABLE, RUNS_TABLE, tableColumns } from "../../../results/schema.ts";

/**
 * Moves rows of the shard whose key is taken in `db` on in time, a microsecond each, until it is free. Rows of runs that `db` knows are
 * those that are there.
 */
export function separateRows(db: Database, shard: string): void {
  if (clashes(db, shard).length === 0) return;
  const own = openDatabase(shard);
  try {
    for (const { table, track, timestamps } of clashesByTrack(db, shard)) {
      const stretches = rowsOfStretches(own, table, track);
      const isTaken = (text: string) =>
        [db, own].some(
          (one) =>
            tableColumns(one, table).length > 0 &&
            one.get(`SELECT 1 FROM ${quoteName(table)} WHERE track_id = ? AND timestamp = ?`, [track, text]) !== undefined,
        );
      own.write(() => {
        const moved = new Map<string, string>();
        for (const timestamp of timestamps) {
          let next = later(timestamp);
          while (isTaken(next)) next = later(next);
          own.run(`UPDATE ${quoteName(table)} SET timestamp = ? WHERE track_id = ? AND timestamp = ?`, [next, track, timestamp]);
          moved.set(timestamp, next);
        }
        for (const { id, rows } of stretches) {
          const now = rows.map((row) => moved.get(row) ?? row).sort();
          own.run(`UPDATE ${RUN_TRACKS_TABLE} SET first = ?, last = ? WHERE rowid = ?`, [now[0] ?? null, now.at(-1) ?? null, id]);
        }
      });
    }
  } finally {
    own.close();
  }
}

/** The stretches of a track, with the timestamps in each. */
function rowsOfStretches(db: Database, table: string, track: string): { id: bigint; rows: string[] }[] {
  if (!hasTable(db, RUN_TRACKS_TABLE)) return [];
  return db
    .arrays(`SELECT rowid, first, last FROM ${RUN_TRACKS_TABLE} WHERE "table" = ? AND track_id = ?`, [table, track])
    .map(([id, first, last]) => ({
      id: id as bigint,
      rows: db
        .arrays(`SELECT timestamp FROM ${quoteName(table)} WHERE track_id = ? AND timestamp BETWEEN ? AND ?`, [
          track,
          first ?? null,
          last ?? null,
        ])
        .map(([timestamp]) => String(timestamp)),
    }))
    .filter(({ rows }) => rows.length > 0);
}

const OF_KNOWN_RUN = `EXISTS (SELECT 1 FROM before.${RUN_TRACKS_TABLE} AS t JOIN main.${RUNS_TABLE} USING (run_id)
  WHERE t."table" = ? AND t.track_id = b.track_id AND b.timestamp BETWEEN t.first AND t.last)`;

function clashesByTrack(db: Database, shard: string): { table: string; track: string; timestamps: string[] }[] {
  const found = new Map<string, { table: string; track: string; timestamps: string[] }>();
  for (const { table, track, timestamp } of clashes(db, shard)) {
    const key = JSON.stringify([table, track]);
    const one = found.get(key) ?? { table, track, timestamps: [] };
    one.timestamps.push(timestamp);
    found.set(key, one);
  }
  return [...found.values()];
}

/** The latest first, so that a row that moves on does not land on the next one of its own. */
function clashes(db: Database, shard: string): { table: string; track: string; timestamp: string }[] {
  db.run("ATTACH ? AS before", [readOnlyUri(shard)]);
  try {
    const knowsRuns =
      hasTable(db, RUNS_TABLE) && db.get("SELECT 1 FROM before.sqlite_schema WHERE name = ?", [RUN_TRACKS_TABLE]) !== undefined;
    return eventsTables(db, "before")
      .filter(({ name, keyed }) => keyed && tableColumns(db, name).length > 0)
      .flatMap(({ name }) => {
        const table = quoteName(name);
        const sql = `SELECT track_id, timestamp FROM before.${table} AS b WHERE EXISTS
          (SELECT 1 FROM main.${table} AS m WHERE m.track_id = b.track_id AND m.timestamp = b.timestamp)${knowsRuns ? ` AND NOT ${OF_KNOWN_RUN}` : ""}
          ORDER BY timestamp DESC`;
        return db
          .arrays(sql, knowsRuns ? [name] : [])
          .map(([track, timestamp]) => ({ table: name, track: String(track), timestamp: String(timestamp) }));
      });
  } finally {
    db.exec("DETACH before");
  }
}

/** `12:00:00.000009` → `12:00:00.000010`; what is no such time gets digits behind it, which sort right. */
function later(timestamp: string): string {
  const [, whole, digits] = /^(.*\.)(\d{6})$/.exec(timestamp) ?? [];
  if (whole !== undefined && digits !== undefined && digits !== "999999") return whole + String(Number(digits) + 1).padStart(6, "0");
  const [, before = timestamp, count = "0"] = /^(.*)~(\d{6})$/.exec(timestamp) ?? [];
  return `${before}~${String(Number(count) + 1).padStart(6, "0")}`;
}
