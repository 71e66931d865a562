/** The rows of a version, in the database object of its own commit, against what its tag says of them. */

import { type Database, quoteName } from "../platform/sqlite.ts";
import { counted } from "../platform/words.ts";
import { readRuns, runTracks } from "../results/runs.ts";
import { eventsTables, hasColumn } from "../results/schema.ts";
import type { Version } from "../versions/types.ts";
import type { Link } from "./chain.ts";

export function verifyRows(db: Database, { name, message }: Version): Link[] {
  const records = new Map(readRuns(db).map((record) => [record.run_id, record]));
  const tracks = runTracks(db);
  const links: Link[] = [];
  for (const { run } of message.runs) {
    const record = records.get(run);
    const link = (state: Link["state"], detail: string) => links.push({ kind: "run", target: run, state, detail });
    const differing =
      record === undefined
        ? []
        : [
            record.status !== "finished" && `its status is ${record.status}`,
            record.version !== name && `it says version ${record.version ?? "none"}`,
            message.code !== null && record.git_commit !== message.code && `it says code ${record.git_commit ?? "none"}`,
            message.dataHash !== null && record.dvc_hash !== message.dataHash && `it says data ${record.dvc_hash ?? "none"}`,
          ].filter((text) => text !== false);
    if (record === undefined) link("missing", "the version's database does not know it");
    else if (differing.length > 0) link("wrong", differing.join("; "));
    else link("proven", "finished, with the tag's version, code and data");
    const own = tracks.filter((track) => track.run_id === run);
    if (own.length > 0) links.push(verifyStamps(db, { run, name, message }, own));
  }
  links.push(...strangers(db, { name, message }, tracks));
  return links;
}

/** Every row of the run is there and carries the version's stamps. */
function verifyStamps(
  db: Database,
  { run, name, message }: { run: string } & Pick<Version, "name" | "message">,
  tracks: readonly { table: string; track_id: string; first: string; last: string; rows: number }[],
): Link {
  const tables = new Map(eventsTables(db).map((table) => [table.name, table]));
  let rows = 0;
  let lost = 0;
  let differing = 0;
  for (const { table, track_id: track, first, last, rows: recorded } of tracks) {
    const known = tables.get(table);
    const stamps = Object.entries({ version: name, git_commit: message.code, dvc_hash: message.dataHash }).filter(
      ([column, value]) => value !== null && known !== undefined && hasColumn(known.columns, column),
    );
    const agrees = stamps.map(([column]) => `${quoteName(column)} IS ?`).join(" AND ") || "true";
    const [found = 0, right = 0] =
      known === undefined
        ? []
        : (
            db.arrays(`SELECT count(*), total(${agrees}) FROM ${quoteName(table)} WHERE track_id = ? AND timestamp BETWEEN ? AND ?`, [
              ...stamps.map(([, value]) => value),
              track,
              first,
              last,
            ])[0] ?? []
          ).map(Number);
    rows += found;
    differing += found - right;
    lost += Math.max(0, recorded - found);
  }
  const link = (state: Link["state"], detail: string): Link => ({ kind: "rows", target: run, state, detail });
  if (lost > 0) return link("missing", `${lost} of ${rows + lost} rows are gone`);
  if (differing > 0) return link("wrong", `${differing} of ${rows} rows carry other stamps than the tag`);
  return link("proven", `${rows} ${rows === 1 ? "row carries" : "rows carry"} its version, code and data`);
}

/** And back: rows that carry the version belong to its runs. */
function strangers(
  db: Database,
  { name, message }: Pick<Version, "name" | "message">,
  tracks: readonly { run_id: string; table: string; track_id: string; first: string; last: string }[],
): Link[] {
  const runs = new Set(message.runs.map(({ run }) => run));
  const stamped = eventsTables(db).filter(({ columns }) => hasColumn(columns, "version"));
  return stamped.flatMap(({ name: table }): Link[] => {
    const own = tracks.filter((track) => runs.has(track.run_id) && track.table === table);
    const isOwn = own.map(() => "(track_id = ? AND timestamp BETWEEN ? AND ?)").join(" OR ") || "false";
    const values = own.flatMap(({ track_id, first, last }) => [track_id, first, last]);
    const [foreign = 0] = (
      db.arrays(`SELECT count(*) FROM ${quoteName(table)} WHERE version = ? AND NOT (${isOwn})`, [name, ...values])[0] ?? []
    ).map(Number);
    if (foreign === 0 || message.kind === null || runs.size === 0) return [];
    return [
      { kind: "rows", target: table, state: "wrong", detail: `${counted(foreign, "row")} with ${name} that belong to none of its runs` },
    ];
  });
}
