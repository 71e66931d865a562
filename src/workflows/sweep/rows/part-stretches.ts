/**
 * Programs that run at once under one fixed track id leave rows that lie between each other's in time. A run's stretches hold its own
 * rows alone, so they are parted wherever another run's row lies between.
 */
import { type Database, quoteName, readOnlyUri } from "../../../platform/sqlite.ts";
import { addRunTracks } from "../../../results/runs.ts";
import { sameKey } from "../../../results/same-key.ts";
import { RUN_TRACKS_TABLE } from "../../../results/schema.ts";
import type { TrackRows } from "../../../results/types.ts";

/** `db` has the rows of all `files`, in each of which a run's stretches hold no row of another. */
export function partStretches(db: Database, files: readonly { path: string }[]): void {
  const tangled = tangledTracks(db);
  if (tangled.length === 0) return;
  db.exec(`CREATE TEMP TABLE expver_owners ("table" TEXT, track_id TEXT, timestamp TEXT, run_id TEXT)`);
  for (const { path } of files) rememberOwners(db, path, tangled);
  db.write(() => {
    for (const { table, track } of tangled) {
      const runs = stretchesByRun(db, table, track);
      db.run(`DELETE FROM ${RUN_TRACKS_TABLE} WHERE "table" = ? AND track_id = ?`, [table, track]);
      for (const [run, stretches] of runs) addRunTracks(db, run, stretches);
    }
  });
  db.exec("DROP TABLE temp.expver_owners");
}

interface Track {
  table: string;
  track: string;
}

/** In which a stretch begins before another one of them has ended. */
function tangledTracks(db: Database): Track[] {
  return db
    .arrays(
      `SELECT DISTINCT "table", track_id FROM (
         SELECT "table", track_id, first, max(last) OVER (
           PARTITION BY "table", track_id ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
         FROM ${RUN_TRACKS_TABLE}) WHERE first <= before`,
    )
    .map(([table, track]) => ({ table: String(table), track: String(track) }));
}

function rememberOwners(db: Database, path: string, tracks: readonly Track[]): void {
  db.run("ATTACH ? AS part", [readOnlyUri(path)]);
  try {
    for (const { table, track } of tracks) {
      if (db.get("SELECT 1 FROM part.sqlite_schema WHERE name = ? COLLATE NOCASE", [table]) === undefined) continue;
      db.run(
        `INSERT INTO temp.expver_owners SELECT t."table", e.track_id, e.timestamp, t.run_id FROM part.${RUN_TRACKS_TABLE} AS t
         JOIN part.${quoteName(table)} AS e ON ${sameKey("e", "t", { columns: ["track_id"], by: "=" })} AND e.timestamp BETWEEN t.first AND t.last
         WHERE t."table" = ? AND t.track_id = ?`,
        [table, track],
      );
    }
  } finally {
    db.exec("DETACH part");
  }
}

function stretchesByRun(db: Database, table: string, track: string): Map<string, TrackRows[]> {
  const rows = db.arrays(
    `SELECT run_id, min(timestamp), max(timestamp), count(*) FROM (
       SELECT *, sum(begins) OVER (ORDER BY timestamp) AS number FROM (
         SELECT run_id, timestamp, run_id IS NOT lag(run_id) OVER (ORDER BY timestamp) AS begins
         FROM temp.expver_owners WHERE "table" = ? AND track_id = ?))
     GROUP BY number ORDER BY number`,
    [table, track],
  );
  const found = new Map<string, TrackRows[]>();
  for (const [run, first, last, count] of rows) {
    const stretch = { table, track_id: track, first: String(first), last: String(last), rows: Number(count) };
    found.set(String(run), [...(found.get(String(run)) ?? []), stretch]);
  }
  return found;
}
