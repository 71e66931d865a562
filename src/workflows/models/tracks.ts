/** Numbers of tracks that no run owns: a program that was started without expver left them. */
import type { Config } from "../../config/config.ts";
import { quoteName } from "../../platform/sqlite.ts";
import { openResults } from "../../results/database.ts";
import { aggregateRows } from "../../results/numbers.ts";
import { runTracks } from "../../results/runs.ts";
import { eventsTables } from "../../results/schema.ts";
import type { TrackRows } from "../../results/types.ts";

/** Metrics by track, of those of `ids` that are such tracks: rows of no other are read. */
export function readTracks(
  path: string,
  config: Pick<Config, "metrics" | "aggregate">,
  ids: readonly string[],
): Map<string, Record<string, string>> {
  if (ids.length === 0) return new Map();
  const db = openResults(path, { readonly: true });
  try {
    const owned = new Set(runTracks(db).map(({ table, track_id: id }) => `${table} ${id}`));
    const tracks = new Map<string, TrackRows[]>();
    for (const { name } of eventsTables(db)) {
      const sql = `SELECT track_id, min(timestamp), max(timestamp), count(*) FROM ${quoteName(name)}
        WHERE track_id IN (SELECT value FROM json_each(?)) GROUP BY track_id`;
      for (const [id, first, last, rows] of db.arrays(sql, [JSON.stringify(ids)])) {
        const track = { table: name, track_id: String(id), first: String(first), last: String(last), rows: Number(rows) };
        if (!owned.has(`${name} ${track.track_id}`)) tracks.set(track.track_id, [...(tracks.get(track.track_id) ?? []), track]);
      }
    }
    return new Map([...tracks].map(([id, rows]) => [id, aggregateRows(db, rows, config).metrics]));
  } finally {
    db.close();
  }
}
