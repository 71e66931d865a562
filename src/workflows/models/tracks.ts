/** Numbers of tracks that no run owns: a program that was started without expver left them. */
import type { Config } from "../../config/config.ts";
import { quoteName } from "../../platform/sqlite.ts";
import { openResults } from "../../results/database.ts";
import { aggregateRows } from "../../results/numbers.ts";
import { runTracks } from "../../results/runs.ts";
import { eventsTables } from "../../results/schema.ts";
import type { TrackRows } from "../../results/types.ts";

export interface TrackNumbers {
  has(track: string): boolean;
  numbersOf(track: string): Record<string, string> | undefined;
}

export function openTrackNumbers(path: string, config: Pick<Config, "metrics" | "aggregate">): TrackNumbers {
  const db = openResults(path, { readonly: true });
  try {
    const owned = new Set(runTracks(db).map(({ table, track_id: id }) => `${table} ${id}`));
    const tracks = new Map<string, TrackRows[]>();
    for (const { name } of eventsTables(db)) {
      const sql = `SELECT track_id, min(timestamp), max(timestamp), count(*) FROM ${quoteName(name)} WHERE track_id IS NOT NULL GROUP BY track_id`;
      for (const [id, first, last, rows] of db.arrays(sql)) {
        const track = { table: name, track_id: String(id), first: String(first), last: String(last), rows: Number(rows) };
        if (!owned.has(`${name} ${track.track_id}`)) tracks.set(track.track_id, [...(tracks.get(track.track_id) ?? []), track]);
      }
    }
    const numbers = new Map([...tracks].map(([id, rows]) => [id, aggregateRows(db, rows, config).metrics]));
    return { has: (track) => numbers.has(track), numbersOf: (track) => numbers.get(track) };
  } finally {
    db.close();
  }
}
