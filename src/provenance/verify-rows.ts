/** The rows of a version, in the database object of its own commit, against what its tag says of them. */

import { type Database, joined, quoteName } from "../platform/sqlite.ts";
import { counted } from "../platform/words.ts";
import { readRuns, tracksAbout } from "../results/runs.ts";
import { eventsTables, hasColumn } from "../results/schema.ts";
import { saidStatus } from "../versions/metrics.ts";
import type { Version } from "../versions/types.ts";
import type { Link } from "./chain.ts";

export function verifyRows(db: Database, { name, message }: Version): Link[] {
  const runs = message.runs.map(({ run }) => run);
  const records = new Map(readRuns(db, { only: runs }).map((record) => [record.run_id, record]));
  const tracks = tracksAbout(db, runs);
  const links: Link[] = [];
  for (const { run } of message.runs) {
    const record = records.get(run);
    const link = (state: Link["state"], detail: string) => links.push({ kind: "run", target: run, state, detail });
    if (record === undefined) {
      links.push(...verifyTrack(db, { run, name }, tracks));
      continue;
    }
    const status = saidStatus(message) ?? "finished";
    // A tag made by hand stands where somebody put it, and writes into no record.
    const isByHand = message.kind === "manual" && !record.version;
    const differing = [
      record.status !== status && `its status is ${record.status}`,
      !isByHand && record.version !== name && `it says version ${record.version ?? "none"}`,
      !isByHand && message.code !== null && record.git_commit !== message.code && `it says code ${record.git_commit ?? "none"}`,
      message.dataHash !== null && record.dvc_hash !== message.dataHash && `it says data ${record.dvc_hash ?? "none"}`,
    ].filter((text) => text !== false);
    if (differing.length > 0) link("wrong", differing.join("; "));
    else if (isByHand) link("unrecorded", "that it is this version's is the word of a tag made by hand");
    else link("proven", `${record.status}, with the tag's version, code and data`);
    const own = tracks.filter((track) => track.run_id === run);
    if (own.length > 0) links.push(verifyStamps(db, { run, name, message }, own));
  }
  links.push(...strangers(db, { name, message }, tracks));
  return links;
}

/** A tracker's own rows that no run owns: a version made by hand counts their track as a run, of which nothing more was recorded. */
function verifyTrack(db: Database, { run, name }: { run: string; name: string }, tracks: readonly { track_id: string }[]): Link[] {
  const owned = tracks.some(({ track_id: track }) => track === run);
  const [rows = 0, stamped = 0, foreign = 0] = owned ? [] : stampsOfTrack(db, run, name);
  const link = (kind: Link["kind"], state: Link["state"], detail: string): Link => ({ kind, target: run, state, detail });
  if (rows === 0) return [link("run", "missing", "the version's database does not know it")];
  const known = link("run", "unrecorded", "a tracker's own: what its rows came from is the tag's word");
  if (foreign > 0) return [known, link("rows", "wrong", `${foreign} of ${rows} rows carry another version`)];
  if (stamped === rows) return [known, link("rows", "proven", `${rows} ${rows === 1 ? "row carries" : "rows carry"} its version`)];
  return [known, link("rows", "unrecorded", `${rows - stamped} of ${rows} rows carry no version`)];
}

/** How many rows a track has in all tables; with this version; with another. */
function stampsOfTrack(db: Database, track: string, version: string): number[] {
  const sums = [0, 0, 0];
  for (const { name, columns } of eventsTables(db)) {
    const stamp = hasColumn(columns, "version") ? "NULLIF(version, '')" : "NULL";
    const sql = `SELECT count(*), total(${stamp} IS ?), total(${stamp} IS NOT NULL AND ${stamp} IS NOT ?) FROM ${quoteName(name)} WHERE track_id = ?`;
    for (const [at, value] of (db.arrays(sql, [version, version, track])[0] ?? []).entries()) sums[at] = (sums[at] ?? 0) + Number(value);
  }
  return sums;
}

/** Every row of the run is there and carries the version's stamps. */
function verifyStamps(
  db: Database,
  { run, name, message }: { run: string } & Pick<Version, "name" | "message">,
  tracks: readonly { table: string; track_id: string; first: string; last: string; rows: number }[],
): Link {
  const tables = new Map(eventsTables(db).map((table) => [table.name, table]));
  const isByHand = message.kind === "manual";
  // A program may log a version of its own, which no run overwrites: what is no name of ours is none.
  const isNone = isByHand ? "(version IS NULL OR version NOT GLOB ?)" : "version NOT GLOB ?";
  const ours = `${name.replace(/\d+\.\d+\.\d+$/, "")}[0-9]*.[0-9]*.[0-9]*`;
  let rows = 0;
  let lost = 0;
  let differing = 0;
  let odd = 0;
  for (const { table, track_id: track, first, last, rows: recorded } of tracks) {
    const known = tables.get(table);
    const stamps = Object.entries({ version: name, ...(isByHand ? {} : { git_commit: message.code, dvc_hash: message.dataHash }) }).filter(
      ([column, value]) => value !== null && known !== undefined && hasColumn(known.columns, column),
    );
    const hasVersion = stamps.some(([column]) => column === "version");
    const agrees =
      stamps.map(([column]) => (column === "version" ? `(version IS ? OR ${isNone})` : `${quoteName(column)} IS ?`)).join(" AND ") ||
      "true";
    const [found = 0, right = 0, own = 0] =
      known === undefined
        ? []
        : (
            db.arrays(
              `SELECT count(*), total(${agrees}), total(${hasVersion ? isNone : "false"}) FROM ${quoteName(table)}
               WHERE track_id = ? AND timestamp BETWEEN ? AND ?`,
              [
                ...stamps.flatMap(([column, value]) => (column === "version" ? [value, ours] : [value])),
                ...(hasVersion ? [ours] : []),
                track,
                first,
                last,
              ],
            )[0] ?? []
          ).map(Number);
    rows += found;
    differing += found - right;
    odd += own;
    lost += Math.max(0, recorded - found);
  }
  const link = (state: Link["state"], detail: string): Link => ({ kind: "rows", target: run, state, detail });
  if (lost > 0) return link("missing", `${lost} of ${rows + lost} rows are gone`);
  if (differing > 0) return link("wrong", `${differing} of ${rows} rows carry other stamps than the tag`);
  if (odd > 0) return link("unrecorded", `${odd} of ${rows} rows carry ${isByHand ? "no version" : "a version of their program's own"}`);
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
    // A track that no run owns is a run itself.
    const recorded = new Set(tracks.map(({ run_id: run }) => run));
    const loose = [...runs].filter((run) => !recorded.has(run));
    const isOwn = joined(
      [...own.map(() => "(track_id = ? AND timestamp BETWEEN ? AND ?)"), `track_id IN (${loose.map(() => "?").join(", ")})`],
      "OR",
    );
    const values = [...own.flatMap(({ track_id, first, last }) => [track_id, first, last]), ...loose];
    const [foreign = 0] = (
      db.arrays(`SELECT count(*) FROM ${quoteName(table)} WHERE version = ? AND NOT (${isOwn})`, [name, ...values])[0] ?? []
    ).map(Number);
    if (foreign === 0 || message.kind === null || runs.size === 0) return [];
    return [
      { kind: "rows", target: table, state: "wrong", detail: `${counted(foreign, "row")} with ${name} that belong to none of its runs` },
    ];
  });
}
