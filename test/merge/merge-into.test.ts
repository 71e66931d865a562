/** Merging results databases: the algebra on random databases, and every rule once by example. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mergeInto } from "../../src/merge/results/merge-into.ts";
import { pickleCount, readPickle } from "../../src/merge/results/pickle.ts";
import type { MergeRules } from "../../src/merge/results/types.ts";
import { bindable, type Database, letGoOfClosed, openDatabase, placeholder, quoteName, type SqlValue } from "../../src/platform/sqlite.ts";
import { restoreDatabase } from "../../src/results/restore.ts";
import { ensureRunTables } from "../../src/results/schema.ts";

/** Times as many cases as usual: `EXPVER_MORE_CASES=10`. */
const MORE = Number(process.env.EXPVER_MORE_CASES ?? 1);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "expver-merge-"));
});
afterEach(async () => {
  rmSync(dir, { recursive: true, force: true });
  // Thousands of closed databases would otherwise keep their files open: more than some systems give to one process.
  await letGoOfClosed();
});

type Row = Record<string, SqlValue>;
interface Content {
  columns: Record<string, string>;
  rows: Row[];
}

/** A database file with one table as xetrack makes it, or without a key. */
function make(name: string, { columns, rows }: Content, { keyed = true, table = "predictions" } = {}): string {
  const path = join(dir, `${name}.db`);
  rmSync(path, { force: true });
  const db = openDatabase(path, { create: true });
  db.exec("PRAGMA synchronous = OFF");
  const declared = Object.entries(columns).map(([column, type]) => `, ${quoteName(column)} ${type}`);
  const key = keyed ? ", PRIMARY KEY (track_id, timestamp)" : "";
  db.exec(`CREATE TABLE ${quoteName(table)} (track_id TEXT, timestamp TEXT${declared.join("")}${key})`);
  for (const row of rows) {
    const names = Object.keys(row);
    const values = names.map((column) => row[column] ?? null);
    db.run(
      `INSERT INTO ${quoteName(table)} (${names.map(quoteName).join(", ")}) VALUES (${values.map(placeholder).join(", ")})`,
      values.map(bindable),
    );
  }
  db.close();
  return path;
}

/** Rows as sorted texts: numbers told apart from text (an integer equals its exact real), empty cells left out, so that column order and unions do not matter. */
function content(path: string, table = "predictions"): string[] {
  return using(path, (db) => db.all(`SELECT * FROM ${quoteName(table)}`).map(textOf)).sort();
}

function textOf(row: Row): string {
  const cells = Object.entries(row).filter(([, value]) => value !== null);
  return cells
    .map(([name, value]) => `${name.toLowerCase()}=${classOf(value)}`)
    .sort()
    .join(" ");
}

function using<T>(path: string, work: (db: Database) => T): T {
  const db = openDatabase(path, { create: true });
  db.exec("PRAGMA synchronous = OFF");
  try {
    return work(db);
  } finally {
    db.close();
  }
}

function merged(
  ours: string,
  theirs: string,
  rules: MergeRules & { ancestor?: string } = {},
): { path: string; report: ReturnType<typeof mergeInto> } {
  const path = join(dir, `merged-${Math.random()}.db`);
  copyFileSync(ours, path);
  const { ancestor, ...rest } = rules;
  const report = using(path, (db) => mergeInto(db, { path: theirs, name: "theirs", ancestor }, rest));
  return { path, report };
}

/** As Python's pickle has a text or a small number. */
function pickled(value: string | number): Buffer {
  if (typeof value === "number") return Buffer.from(pickleCount(value));
  return Buffer.concat([Buffer.from([0x80, 5, 0x8c, value.length]), Buffer.from(value), Buffer.from(".")]);
}

function conflictsOf(work: () => unknown): { count: number; conflicts: Row[] } {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ code: "E_CONFLICT" });
    return (error as { details: { count: number; conflicts: Row[] } }).details;
  }
  throw new Error("there was no conflict");
}

// Values of every class, chosen so that affinities would change some of them.
const cell = fc.constantFrom<SqlValue>(null, 1n, 0.5, 1e-5, "007", "NaN", "x", 9007199254740993n, "", 2n);
const NAMES = ["a", "b", "Order", "select"];
const columns = fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom("TEXT", "REAL", "INTEGER", "BLOB", ""), { maxKeys: 4 });
const contents: fc.Arbitrary<Content> = columns.chain((declared) =>
  fc
    .uniqueArray(
      fc.record({
        track_id: fc.constantFrom<SqlValue>("t1", "t2", "t3"),
        timestamp: fc.constantFrom<SqlValue>("1", "2"),
        ...Object.fromEntries(Object.keys(declared).map((name) => [name, cell])),
      }),
      { maxLength: 6, selector: (row: Row) => `${row.track_id} ${row.timestamp}` },
    )
    .map((rows) => ({ columns: declared, rows })),
);

describe("on random databases", () => {
  it("merging a database with itself changes nothing, byte for byte", () => {
    fc.assert(
      fc.property(contents, fc.boolean(), (some, keyed) => {
        const path = make("a", some, { keyed });
        const { path: out, report } = merged(path, path);
        expect(content(out)).toEqual(content(path));
        expect(report.tables.map(({ inserted, removed, resolved }) => [inserted, removed, resolved])).toEqual([[0, 0, 0]]);
      }),
      { numRuns: 40 * MORE },
    );
  });

  it("holds every row, column and value of both sides; repeating adds nothing; the order of the sides does not matter", () => {
    fc.assert(
      fc.property(contents, contents, (left, right) => {
        const [a, b] = [make("a", left), make("b", right)];
        const rowsOf = (path: string) => using(path, (db) => db.all("SELECT * FROM predictions"));
        const [rowsA, rowsB] = [rowsOf(a), rowsOf(b)];
        const expected = union(rowsA, rowsB);
        if (expected === null) {
          expect(() => merged(a, b)).toThrow(/differs? from those/);
          expect(() => merged(b, a)).toThrow(/differs? from those/);
          return;
        }
        const { path } = merged(a, b);
        expect(content(path)).toEqual(expected.map(textOf).sort());
        expect(content(merged(b, a).path)).toEqual(content(path));
        const again = merged(path, b);
        expect(content(again.path)).toEqual(content(path));
        expect(again.report.tables[0]).toMatchObject({ inserted: 0, filled: {}, updated: {}, removed: 0 });
      }),
      { numRuns: 150 * MORE },
    );
  });

  it("without a key the greater multiplicity stays", () => {
    const rows = fc.array(fc.record({ track_id: fc.constantFrom<SqlValue>("t1", null), a: cell }), { maxLength: 8 });
    fc.assert(
      fc.property(rows, rows, (left, right) => {
        const a = make("a", { columns: { a: "" }, rows: left }, { keyed: false });
        const b = make("b", { columns: { a: "" }, rows: right }, { keyed: false });
        const counts = new Map<string, number>();
        for (const side of [left, right]) {
          const own = new Map<string, number>();
          for (const row of side) own.set(textOf(row), (own.get(textOf(row)) ?? 0) + 1);
          for (const [text, count] of own) counts.set(text, Math.max(count, counts.get(text) ?? 0));
        }
        const expected = [...counts].flatMap(([text, count]) => Array<string>(count).fill(text)).sort();
        const { path } = merged(a, b);
        expect(content(path)).toEqual(expected);
        expect(content(merged(b, a).path)).toEqual(expected);
        expect(content(merged(path, b).path)).toEqual(expected);
      }),
      { numRuns: 40 * MORE },
    );
  });

  it("three-way: a side that changed nothing leaves the other side's state", () => {
    fc.assert(
      fc.property(contents, contents, fc.boolean(), (first, second, keyed) => {
        const base = make("base", first, { keyed });
        const changed = make("changed", second, { keyed });
        expect(content(merged(base, changed, { ancestor: base }).path)).toEqual(content(changed));
        expect(content(merged(changed, base, { ancestor: base }).path)).toEqual(content(changed));
      }),
      { numRuns: 40 * MORE },
    );
  });

  it("rebase leaves, for the keys of the last source, exactly its rows, and all others; repeating it changes nothing", () => {
    fc.assert(
      fc.property(contents, contents, contents, fc.boolean(), (first, second, third, matchNullKeys) => {
        // Sources of their own track ids, so that only the key columns decide.
        const named = (some: Content, who: string): Content => ({
          columns: { ...some.columns, a: "" },
          rows: some.rows.map((row) => ({ ...row, track_id: `${who}${row.track_id}` })),
        });
        const [a, b, c] = [make("a", named(first, "")), make("b", named(second, "b ")), make("c", named(third, "c "))];
        // As the file has them: a column's type may have changed them on their way in.
        const rowsOf = (path: string) => using(path, (db) => db.all("SELECT * FROM predictions"));
        const rules = { rebase: { keyColumns: ["a"], matchNullKeys } };
        const { path } = merged(merged(a, b, rules).path, c, rules);
        const replaced = (rows: Row[], by: Row[]) => {
          const keys = new Set(
            by
              .map((row) => row.a ?? null)
              .filter((key) => key !== null || matchNullKeys)
              .map(classOf),
          );
          return [...rows.filter((row) => !keys.has(classOf(row.a ?? null))), ...by];
        };
        expect(content(path)).toEqual(
          replaced(replaced(rowsOf(a), rowsOf(b)), rowsOf(c))
            .map(textOf)
            .sort(),
        );
        const again = merged(path, c, rules);
        expect(content(again.path)).toEqual(content(path));
        expect(again.report.tables[0]).toMatchObject({ replaced: 0, inserted: 0 });
      }),
      { numRuns: 60 * MORE },
    );
  });
});

/** Equal in SQLite's eyes: an integer equals its exact real. */
function classOf(value: SqlValue): string {
  return typeof value === "bigint" || typeof value === "number" ? `number:${value}` : `${typeof value}:${String(value)}`;
}

/** The contract in plain words, for rows with keys: null when two values of one cell differ. */
function union(left: Row[], right: Row[]): Row[] | null {
  const rows = new Map(left.map((row) => [`${row.track_id} ${row.timestamp}`, { ...row }]));
  for (const row of right) {
    const key = `${row.track_id} ${row.timestamp}`;
    const there = rows.get(key);
    if (there === undefined) {
      rows.set(key, { ...row });
      continue;
    }
    for (const [name, value] of Object.entries(row)) {
      const own = Object.keys(there).find((column) => column.toLowerCase() === name.toLowerCase()) ?? name;
      const mine = there[own] ?? null;
      if (mine === null) there[own] = value;
      else if (value !== null && classOf(mine) !== classOf(value)) return null;
    }
  }
  return [...rows.values()];
}

describe("one rule at a time", () => {
  it("tables that refer to each other are merged, and brought back, in whatever order they were made", () => {
    const family = (name: string, ids: readonly number[]) => {
      const path = join(dir, `${name}.db`);
      const db = openDatabase(path, { create: true });
      db.exec(`CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, of INTEGER REFERENCES parent (id));
        CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT)`);
      for (const id of ids) db.exec(`INSERT INTO parent VALUES (${id}, 'p${id}'); INSERT INTO child VALUES (${id}, ${id})`);
      // A number that was given away is not given again.
      db.exec(`INSERT INTO child VALUES (${ids.length * 10}, NULL); DELETE FROM child WHERE of IS NULL`);
      db.close();
      return path;
    };
    const [ours, theirs] = [family("ours", [1, 2]), family("theirs", [2, 3])];
    const given = (db: Database) => db.count("SELECT seq FROM sqlite_sequence WHERE name = 'child'");
    const { path } = merged(ours, theirs);
    const both = (...ids: number[]) => ids.map((id) => ({ child: BigInt(id), name: `p${id}` }));
    const rows = (db: Database) => db.all("SELECT child.id AS child, name FROM child JOIN parent ON of = parent.id ORDER BY 1");
    expect(using(path, rows)).toEqual(both(1, 2, 3));
    using(ours, (db) => db.exec("CREATE TABLE notes (x); INSERT INTO notes VALUES (1), (2), (3); DELETE FROM notes WHERE x = 2"));
    using(path, (db) => restoreDatabase(db, ours));
    // A search index, say, leads to rows by their numbers.
    expect(using(path, (db) => db.arrays("SELECT rowid, x FROM notes"))).toEqual([
      [1n, 1n],
      [3n, 3n],
    ]);
    expect([using(path, rows), using(path, given)]).toEqual([both(1, 2), 20]);
  });

  const row = (track: string, time: string, rest: Row = {}): Row => ({ track_id: track, timestamp: time, ...rest });

  it("fills what is empty and counts it; a new column is filled for known rows too", () => {
    const a = make("a", { columns: { x: "REAL" }, rows: [row("t", "1", { x: null }), row("t", "2", { x: 1.5 })] });
    const b = make("b", { columns: { x: "REAL", y: "TEXT" }, rows: [row("t", "1", { x: 0.5, y: "new" }), row("t", "2", { x: 1.5 })] });
    const { path, report } = merged(a, b);
    expect(report.tables[0]).toMatchObject({ inserted: 0, equal: 1, filled: { x: 1, y: 1 }, addedColumns: ["y"] });
    expect(content(path)).toEqual([
      "timestamp=string:1 track_id=string:t x=number:0.5 y=string:new",
      "timestamp=string:2 track_id=string:t x=number:1.5",
    ]);
  });

  it("refuses two values of one cell, naming each, and writes nothing", () => {
    const a = make("a", { columns: { x: "REAL", z: "TEXT" }, rows: [row("t", "1", { x: 0.1, z: "a" })] });
    const b = make("b", { columns: { x: "REAL", z: "TEXT" }, rows: [row("t", "1", { x: 0.2, z: "b" }), row("t", "2", {})] });
    const { count, conflicts } = conflictsOf(() => merged(a, b));
    expect(count).toBe(2);
    expect(conflicts).toMatchObject([
      { table: "predictions", key: { track_id: "t", timestamp: "1" }, column: "x", ours: "0.1", theirs: "0.2" },
      { column: "z", ours: "a", theirs: "b" },
    ]);
    expect(content(merged(a, b, { onConflict: "ours" }).path)[0]).toContain("x=number:0.1");
    expect(content(merged(a, b, { onConflict: "theirs" }).path)[0]).toContain("x=number:0.2");
    expect(merged(a, b, { onConflict: "theirs" }).report.tables[0]?.resolved).toBe(2);
  });

  it("newest takes the value of the run that ended later, and refuses where that is not known", () => {
    const runs = (path: string, end: string) =>
      using(path, (db) => {
        db.exec(`CREATE TABLE expver_runs (run_id TEXT PRIMARY KEY, status TEXT, "end" TEXT);
          CREATE TABLE expver_run_tracks (run_id TEXT, "table" TEXT, track_id TEXT, first TEXT, last TEXT, rows INTEGER, PRIMARY KEY (run_id, "table", track_id, first));
          INSERT INTO expver_run_tracks VALUES ('r', 'predictions', 't', '1', '1', 1)`);
        db.run(`INSERT INTO expver_runs VALUES ('r', 'finished', ?)`, [end]);
      });
    const rows = (x: number) => ({ columns: { x: "REAL" }, rows: [row("t", "1", { x }), row("u", "1", { x: 1 })] });
    const [a, b] = [make("a", rows(0.1)), make("b", rows(0.2))];
    runs(a, "2026-01-01T10:00:00+02:00");
    runs(b, "2026-01-01T09:00:00Z");
    expect(content(merged(a, b, { onConflict: "newest" }).path)[0]).toContain("x=number:0.2");
    expect(content(merged(b, a, { onConflict: "newest" }).path)[0]).toContain("x=number:0.2");
    const [c, d] = [make("c", rows(0.1)), make("d", rows(0.2))];
    expect(conflictsOf(() => merged(c, d, { onConflict: "newest" })).count).toBe(1);
    // Both ended in one moment.
    runs(c, "2026-01-01T10:00:00Z");
    runs(d, "2026-01-01T11:00:00+01:00");
    expect(conflictsOf(() => merged(c, d, { onConflict: "newest" })).count).toBe(1);
  });

  it("takes records of an older expver, that say neither status nor end", () => {
    const of = (name: string, x: number, table: string) => {
      const path = make(name, { columns: { x: "REAL" }, rows: [row("t", "1", { x }), row(name, "1", { x })] });
      using(path, (db) => db.exec(table));
      return path;
    };
    const older = `CREATE TABLE expver_runs (run_id TEXT PRIMARY KEY, command TEXT); INSERT INTO expver_runs VALUES ('r', 'train'), ('s', 'train')`;
    const newer = `CREATE TABLE expver_runs (run_id TEXT PRIMARY KEY, status TEXT, "end" TEXT); INSERT INTO expver_runs VALUES ('r', 'finished', '2026-01-01T10:00:00Z')`;
    const both = ["r finished train", "s null train"];
    const records = (path: string) =>
      using(path, (db) =>
        db.arrays("SELECT run_id, status, command FROM expver_runs ORDER BY run_id").map((all) => all.map(String).join(" ")),
      );
    expect(records(merged(of("a", 1, newer), of("b", 1, older)).path)).toEqual(both);
    expect(records(merged(of("c", 1, older), of("d", 1, newer)).path)).toEqual(both);
    expect(conflictsOf(() => merged(of("e", 1, newer), of("f", 2, older), { onConflict: "newest" })).count).toBe(1);
  });

  it("with an ancestor: records of runs one side deleted stay deleted, what the other changed outlives it", () => {
    const withRuns = (name: string, runs: Record<string, string>) => {
      const path = make(name, { columns: {}, rows: [] });
      using(path, (db) => {
        ensureRunTables(db);
        for (const [run, status] of Object.entries(runs)) {
          db.run(`INSERT INTO expver_runs (run_id, status) VALUES (?, ?)`, [run, status]);
          db.run(`INSERT INTO expver_run_tracks VALUES (?, 'predictions', ?, '1', '2', 2)`, [run, run]);
        }
      });
      return path;
    };
    const runsOf = (path: string) =>
      using(path, (db) => [
        db.all("SELECT run_id, status FROM expver_runs ORDER BY run_id").map(({ run_id, status }) => `${run_id} ${status}`),
        db.all("SELECT run_id FROM expver_run_tracks ORDER BY run_id").map(({ run_id }) => run_id),
      ]);
    const ancestor = withRuns("base", { here: "finished", there: "finished", kept: "running", both: "finished" });
    const ours = withRuns("ours", { there: "finished", kept: "running", mine: "finished", both: "finished" });
    const theirs = withRuns("theirs", { here: "finished", kept: "finished", yours: "failed", both: "finished" });
    const expected = [
      ["both finished", "kept finished", "mine finished", "yours failed"],
      ["both", "kept", "mine", "yours"],
    ];
    expect(runsOf(merged(ours, theirs, { ancestor }).path)).toEqual(expected);
    expect(runsOf(merged(theirs, ours, { ancestor }).path)).toEqual(expected);
    const changed = withRuns("changed", { here: "killed", there: "finished", kept: "running", both: "finished" });
    expect(runsOf(merged(ours, changed, { ancestor }).path)[0]).toContain("here killed");
    expect(runsOf(merged(changed, ours, { ancestor }).path)[0]).toContain("here killed");
  });

  it("of two records of a run one that has ended beats a running one, then the later end; what only one says stays", () => {
    type Records = Record<string, [status: string, end: string | null, host: string | null, last: string, rows: bigint]>;
    const withRuns = (name: string, runs: Records) => {
      const path = make(name, { columns: {}, rows: [] });
      using(path, (db) => {
        ensureRunTables(db);
        for (const [run, [status, end, host, last, rows]] of Object.entries(runs)) {
          db.run(`INSERT INTO expver_runs (run_id, status, "end", host) VALUES (?, ?, ?, ?)`, [run, status, end, host]);
          db.run(`INSERT INTO expver_run_tracks VALUES (?, 'predictions', 't', '1', ?, ?)`, [run, last, rows]);
        }
      });
      return path;
    };
    const runsOf = (path: string) =>
      using(path, (db) =>
        db.arrays(`SELECT run_id, status, "end", host, last, rows FROM expver_runs JOIN expver_run_tracks USING (run_id)`).sort(),
      );
    const [noon, eleven] = ["2026-01-01T12:00:00+02:00", "2026-01-01T11:00:00Z"];
    // By their texts the earlier would be the later.
    const ours = withRuns("ours", {
      later: ["finished", noon, "here", "3", 2n],
      said: ["failed", null, null, "3", 2n],
      ended: ["running", null, "here", "2", 5n],
    });
    const theirs = withRuns("theirs", {
      later: ["failed", eleven, null, "3", 5n],
      said: ["finished", eleven, "there", "4", 1n],
      ended: ["finished", noon, null, "3", 2n],
    });
    const expected = [
      ["ended", "finished", noon, "here", "3", 5n],
      ["later", "failed", eleven, "here", "3", 5n],
      ["said", "finished", eleven, "there", "4", 2n],
    ];
    expect(runsOf(merged(ours, theirs).path)).toEqual(expected);
    expect(runsOf(merged(theirs, ours).path)).toEqual(expected);
  });

  it("never has a conflict over a stamp", () => {
    const a = make("a", { columns: { version: "TEXT" }, rows: [row("t", "1", { version: "e0.1.0" })] });
    const b = make("b", { columns: { version: "TEXT" }, rows: [row("t", "1", { version: "e0.2.0" })] });
    expect(content(merged(a, b).path)[0]).toContain("e0.1.0");
  });

  it("keeps a value whose class the column's type would change", () => {
    // xetrack declares TEXT for a first None; a number in such a column would come back as text.
    const a = make("a", { columns: { x: "TEXT" }, rows: [row("t", "1", { x: null })] });
    const b = make("b", { columns: { x: "REAL" }, rows: [row("t", "2", { x: 0.1 })] });
    const { path, report } = merged(a, b);
    expect(content(path)[1]).toContain("x=number:0.1");
    expect(report.tables[0]?.widenedColumns).toEqual(["x"]);
    const real = make("real", { columns: { x: "REAL" }, rows: [row("t", "1", { x: 0.5 })] });
    for (const x of [2n ** 53n + 1n, -(2n ** 53n) - 1n]) {
      const large = make("large", { columns: { x: "INTEGER" }, rows: [row("t", "2", { x })] });
      expect(content(merged(real, large).path)[1]).toContain(`x=number:${x}`);
    }
  });

  it.each([
    ["index", "CREATE UNIQUE INDEX mine ON predictions (x)"],
    ["view", "CREATE VIEW mine AS SELECT x FROM predictions"],
    ["trigger", "CREATE TRIGGER mine AFTER INSERT ON predictions BEGIN SELECT new.x; END"],
  ])("keeps such a value, and what stands on its column: %s", (type, sql) => {
    const a = make("a", { columns: { x: "INTEGER" }, rows: [row("t", "1", { x: 5n })] });
    const b = make("b", { columns: { x: "TEXT" }, rows: [row("t", "2", { x: "007" }), row("t", "3", { x: "1.50" })] });
    const mine = openDatabase(a);
    mine.exec(sql);
    mine.close();
    const { path } = merged(a, b);
    expect(content(path).join()).toMatch(/x=number:5.*x=string:007.*x=string:1\.50/s);
    const db = openDatabase(path, { readonly: true });
    expect(db.arrays("SELECT type, sql FROM sqlite_schema WHERE name = 'mine'")).toEqual([[type, sql]]);
    db.close();
  });

  it("three-way: deleted on one side and unchanged on the other stays gone; changed is a conflict", () => {
    const base = make("base", {
      columns: { x: "INTEGER" },
      rows: [row("t", "1", { x: 1n }), row("t", "2", { x: 2n }), row("t", "3", { x: 3n })],
    });
    const ours = make("ours", { columns: { x: "INTEGER" }, rows: [row("t", "2", { x: 2n }), row("t", "3", { x: 3n }), row("u", "1")] });
    const theirs = make("theirs", { columns: { x: "INTEGER" }, rows: [row("t", "1", { x: 1n }), row("t", "3", { x: 3n }), row("v", "1")] });
    const { path, report } = merged(ours, theirs, { ancestor: base });
    expect(report.tables[0]).toMatchObject({ inserted: 1, removed: 1, keptGone: 1 });
    expect(content(path).length).toBe(3);
    const changed = make("changed", { columns: { x: "INTEGER" }, rows: [row("t", "1", { x: 7n }), row("t", "2", { x: 2n })] });
    const { count, conflicts } = conflictsOf(() => merged(ours, changed, { ancestor: base }));
    expect(count).toBe(1);
    expect(conflicts).toMatchObject([{ key: { track_id: "t", timestamp: "1" }, column: null, ours: "deleted", theirs: "changed" }]);
  });

  it("three-way: a row changed here and deleted there is a conflict; it outlives the deletion unless theirs is chosen", () => {
    const at = (x: bigint) => ({ columns: { x: "INTEGER" }, rows: [row("t", "1", { x })] });
    const base = make("base", at(1n));
    const ours = make("ours", at(2n));
    const theirs = make("theirs", { columns: { x: "INTEGER" }, rows: [] });
    expect(conflictsOf(() => merged(ours, theirs, { ancestor: base })).conflicts).toMatchObject([{ ours: "changed", theirs: "deleted" }]);
    const left = (onConflict: MergeRules["onConflict"]) => {
      const { path, report } = merged(ours, theirs, { ancestor: base, onConflict });
      expect(report.tables[0]?.resolved).toBe(1);
      return content(path).length;
    };
    expect([left("ours"), left("newest"), left("theirs")]).toEqual([1, 1, 0]);
    // The other way round: deleted here, changed there.
    const back = (onConflict: MergeRules["onConflict"]) => {
      const { path, report } = merged(theirs, ours, { ancestor: base, onConflict });
      expect(report.tables[0]).toMatchObject({ resolved: 1, keptGone: 0 });
      return content(path).length;
    };
    expect([back("ours"), back("newest"), back("theirs")]).toEqual([0, 1, 1]);
  });

  it("three-way: a cell only the source has changed is taken, emptied ones too", () => {
    const at = (x: SqlValue, y: SqlValue) => ({ columns: { x: "INTEGER", y: "INTEGER" }, rows: [row("t", "1", { x, y })] });
    const base = make("base", at(1n, 1n));
    const { path, report } = merged(make("ours", at(1n, 5n)), make("theirs", at(null, 1n)), { ancestor: base });
    expect(content(path)).toEqual(["timestamp=string:1 track_id=string:t y=number:5"]);
    expect(report.tables[0]?.updated).toEqual({ x: 1 });
    const two = (name: string, ...xs: (bigint | null)[]) =>
      make(name, { columns: { x: "INTEGER" }, rows: xs.map((x, index) => row("t", String(index), { x })) });
    const both = merged(two("ours", 1n, null), two("theirs", 2n, 5n), { ancestor: two("ancestor", 1n, null) });
    expect(both.report.tables[0]).toMatchObject({ updated: { x: 1 }, filled: { x: 1 } });
    // Emptied here and changed there: a value fills what is empty, as without an ancestor.
    const filled = merged(make("emptied", at(null, 1n)), make("changed", at(7n, 1n)), { ancestor: base });
    expect(content(filled.path)).toEqual(["timestamp=string:1 track_id=string:t x=number:7 y=number:1"]);
    expect(filled.report.tables[0]?.filled).toEqual({ x: 1 });
  });

  it("two cells are equal in their bits and class only, whatever their columns are declared", () => {
    // The only column, and one of several: rows are compared in another way than cells.
    for (const y of [{}, { y: "REAL" }]) {
      const one = make("one", { columns: { x: "INTEGER", ...y }, rows: [row("t", "1", { x: 1n })] });
      const text = make("text", { columns: { x: "TEXT", ...y }, rows: [row("t", "1", { x: "1" })] });
      expect(conflictsOf(() => merged(one, text)).count).toBe(1);
      expect(conflictsOf(() => merged(text, one)).count).toBe(1);
      const [lower = "", upper = ""] = ["a", "A"].map((x) =>
        make(`one ${x}`, { columns: { x: "TEXT COLLATE NOCASE", ...y }, rows: [row("t", "1", { x })] }),
      );
      expect(conflictsOf(() => merged(lower, upper)).count).toBe(1);
    }
  });

  it("keys of a rebase are equal in their bits only, too", () => {
    const columns = { model: "TEXT COLLATE NOCASE" };
    const ours = make("ours", { columns, rows: ["a", "A", "á"].map((model, at) => row("t", String(at), { model })) });
    const theirs = make("theirs", { columns, rows: ["A", "a"].map((model, at) => row("u", String(at), { model })) });
    const rebase = { keyColumns: ["model"], matchNullKeys: false };
    expect(merged(ours, theirs, { rebase }).report.tables[0]).toMatchObject({ replaced: 2, inserted: 2 });
    const upper = make("upper", { columns, rows: [row("u", "1", { model: "A" })] });
    expect(content(merged(ours, upper, { rebase }).path).map((text) => /model=string:(.)/.exec(text)?.[1])).toEqual(["A", "a", "á"]);
  });

  it("rows are told apart by the bits of their keys, whatever the columns take for the same", () => {
    const columns = { id: "TEXT COLLATE NOCASE", x: "INTEGER" };
    const side = (name: string, rows: Row[]) => make(name, { columns, rows }, { keyed: false });
    const xs = (path: string) => using(path, (db) => db.arrays("SELECT id, x FROM predictions ORDER BY id COLLATE BINARY"));
    const [ours, theirs] = [side("ours", [{ id: "a", x: 1n }]), side("theirs", [{ id: "A", x: null }])];
    expect(xs(merged(ours, theirs, { idColumn: "id" }).path)).toEqual([
      ["A", null],
      ["a", 1n],
    ]);
    const both = side("both", [
      { id: "a", x: 1n },
      { id: "A", x: 2n },
    ]);
    const once = side("once", [{ id: "A", x: 3n }]);
    const { path, report } = merged(both, once, { idColumn: "id", ancestor: both });
    expect(xs(path)).toEqual([["A", 3n]]);
    expect(report.tables[0]).toMatchObject({ removed: 1, updated: { x: 1 } });
  });

  it("an identity column is one though rows lack it; where one of its values is there twice, whole rows are told apart", () => {
    const side = (name: string, ...rows: Row[]) => make(name, { columns: { id: "TEXT", x: "INTEGER" }, rows }, { keyed: false });
    const nameless = [
      { id: null, x: 7n },
      { id: null, x: 8n },
    ];
    const identityOf = (ours: string, theirs: string) => merged(ours, theirs, { idColumn: "ID" }).report.tables[0]?.identity;
    const [once, other] = [side("once", { id: "a", x: 1n }, ...nameless), side("other", { id: "b", x: 1n }, ...nameless)];
    expect(identityOf(once, other)).toEqual(["id"]);
    const twice = side("twice", { id: "a", x: 1n }, { id: "a", x: 2n });
    expect([identityOf(once, twice), identityOf(twice, once)]).toEqual([[], []]);
  });

  it("three-way: an ancestor whose table lacks a column of the key leaves whole rows to be told apart", () => {
    const old = make("old", { columns: { x: "INTEGER" }, rows: [{ x: 1n }] }, { keyed: false });
    const path = join(dir, "without.db");
    using(path, (db) => db.exec("CREATE TABLE predictions (timestamp TEXT, x INTEGER); INSERT INTO predictions VALUES ('1', 1)"));
    const keyed = make("keyed", { columns: { x: "INTEGER" }, rows: [row("t", "1", { x: 1n })] });
    expect(merged(keyed, keyed, { ancestor: old }).report.tables[0]?.identity).toEqual(["track_id", "timestamp"]);
    expect(merged(keyed, keyed, { ancestor: path }).report.tables[0]?.identity).toEqual([]);
  });

  it("one source after the other, each with its ancestor; none of a rebase has anything to say when it is empty", () => {
    const side = (name: string, ...xs: bigint[]) =>
      make(name, { columns: { x: "INTEGER" }, rows: xs.map((x) => row("t", String(x), { x })) });
    const [ancestor, one, other] = [side("base", 1n, 2n, 3n), side("one", 2n, 3n), side("other", 1n, 2n)];
    const path = join(dir, "both.db");
    copyFileSync(ancestor, path);
    using(path, (db) => {
      for (const from of [one, other]) mergeInto(db, { path: from, name: from, ancestor });
    });
    expect(content(path)).toEqual(content(side("left", 2n)));
    const empty = join(dir, "empty.db");
    using(empty, (db) => db.exec("CREATE VIEW v AS SELECT 1"));
    const rebase = { keyColumns: ["x"], matchNullKeys: false };
    expect(merged(one, empty, { rebase }).report).toMatchObject({ tables: [], notes: ["view v was left alone"] });
  });

  it("a column that a table here computes takes no values", () => {
    const path = join(dir, "computing.db");
    using(path, (db) =>
      db.exec("CREATE TABLE predictions (track_id TEXT, x REAL, y REAL AS (2 * x)); INSERT INTO predictions VALUES ('t', 1)"),
    );
    const stored = make("stored", { columns: { x: "REAL", Y: "REAL" }, rows: [{ track_id: "u", x: 1, Y: 5 }] }, { keyed: false });
    const refused = { code: "E_DATABASE", message: "the table predictions computes its column Y: no value of it can be stored" };
    expect(() => merged(path, stored)).toThrow(expect.objectContaining(refused));
    expect(content(merged(stored, path).path)).toHaveLength(2);
  });

  it("conflicts are told in the order of their keys, however the rows were written", () => {
    const side = (name: string, xs: Record<string, bigint>) =>
      make(name, { columns: { x: "INTEGER" }, rows: Object.entries(xs).map(([track, x]) => row(track, "1", { x })) });
    const tracksOf = (work: () => unknown) => conflictsOf(work).conflicts.map(({ key }) => (key as unknown as Row).track_id);
    const [ours, theirs] = [side("ours", { b: 1n, c: 1n, a: 1n }), side("theirs", { c: 2n, b: 2n, a: 2n })];
    expect(tracksOf(() => merged(ours, theirs))).toEqual(["a", "b", "c"]);
    const [ancestor, empty] = [side("ancestor", { c: 0n, b: 0n, a: 0n }), side("empty", {})];
    expect(tracksOf(() => merged(ours, empty, { ancestor }))).toEqual(["a", "b", "c"]);
    expect(tracksOf(() => merged(empty, theirs, { ancestor }))).toEqual(["a", "b", "c"]);
  });

  it("rows that stay as they are are not written again, and keep their order", () => {
    const path = make("ours", {
      columns: { x: "INTEGER" },
      rows: ["1", "2", "3"].map((time) => row("t", time, { x: time === "2" ? null : 1n })),
    });
    using(path, (db) =>
      db.exec("CREATE TABLE log (time); CREATE TRIGGER t AFTER UPDATE ON predictions BEGIN INSERT INTO log VALUES (new.timestamp); END"),
    );
    const theirs = make("theirs", { columns: { x: "INTEGER" }, rows: ["1", "2"].map((time) => row("t", time, { x: 1n })) });
    expect(content(merged(path, theirs).path, "log")).toEqual(["time=string:2"]);
    const times = (name: string, ...xs: bigint[]) =>
      make(name, { columns: { x: "INTEGER" }, rows: xs.map((x) => ({ x })) }, { keyed: false });
    const left = merged(times("many", 1n, 2n, 1n), times("few", 1n, 2n), { ancestor: times("base", 1n, 2n, 1n) }).path;
    expect(using(left, (db) => db.arrays("SELECT x FROM predictions"))).toEqual([[1n], [2n]]);
  });

  it("rows that break a rule of the table here are refused with what SQLite says", () => {
    const table = (name: string, columns: string, values: string) => {
      const path = join(dir, `${name}.db`);
      using(path, (db) => db.exec(`CREATE TABLE predictions (${columns}); INSERT INTO predictions VALUES ${values}`));
      return path;
    };
    const nocase = "track_id TEXT COLLATE NOCASE, timestamp TEXT, x, PRIMARY KEY (track_id, timestamp)";
    const [lower, upper] = [table("lower", nocase, "('a', '1', 1)"), table("upper", nocase, "('A', '1', 2)")];
    const refused = { code: "E_CONFLICT", message: expect.stringContaining("UNIQUE constraint failed: predictions.track_id") };
    expect(() => merged(lower, upper)).toThrow(expect.objectContaining(refused));
    expect(() => merged(lower, upper, { onConflict: "theirs" })).toThrow(expect.objectContaining(refused));
    const checked = table("checked", "x CHECK (x < 5)", "(1)");
    const message = expect.stringMatching(/theirs does not fit into the table predictions .*CHECK constraint failed/);
    expect(() => merged(checked, table("free", "x", "(7)"))).toThrow(expect.objectContaining({ code: "E_CONFLICT", message }));
  });

  it("rows without a whole key are told apart by all their values, so that repeating adds none", () => {
    const a = make("a", { columns: { x: "INTEGER" }, rows: [{ track_id: null, timestamp: "1", x: 1n }] });
    const b = make("b", {
      columns: { x: "INTEGER" },
      rows: [
        { track_id: null, timestamp: "1", x: 1n },
        { track_id: null, timestamp: "1", x: 2n },
      ],
    });
    const { path } = merged(a, b);
    expect(content(path).length).toBe(2);
    expect(content(merged(path, b).path).length).toBe(2);
  });

  it("three-way: rows without a whole key that one side has deleted stay gone, also when it has no other such row", () => {
    const keyless = (x: bigint): Row => ({ track_id: null, timestamp: "1", x });
    const rows = (...some: Row[]) => ({ columns: { x: "INTEGER" }, rows: [row("t", "1", { x: 9n }), ...some] });
    const base = make("base", rows(keyless(1n)));
    const [kept, gone] = [make("kept", rows(keyless(1n))), make("gone", rows())];
    const there = merged(kept, gone, { ancestor: base });
    expect(content(there.path)).toHaveLength(1);
    expect(there.report.tables[0]).toMatchObject({ removed: 1, keptGone: 0 });
    const here = merged(gone, kept, { ancestor: base });
    expect(content(here.path)).toHaveLength(1);
    expect(here.report.tables[0]).toMatchObject({ inserted: 0, keptGone: 1 });
    // Without the ancestor nobody knows that it was deleted.
    expect(content(merged(kept, gone).path)).toHaveLength(2);
  });

  it("three-way: of a row without a key that both sides have more often than before, the greater number stays", () => {
    const times = (name: string, count: number) =>
      make(name, { columns: { x: "INTEGER" }, rows: Array.from({ length: count }, () => ({ x: 1n })) }, { keyed: false });
    const [base, two, three] = [times("base", 1), times("two", 2), times("three", 3)];
    expect(content(merged(three, two, { ancestor: base }).path)).toHaveLength(3);
    expect(content(merged(two, three, { ancestor: base }).path)).toHaveLength(3);
  });

  it("three-way: a row without a key that one side has deleted takes none with it that only looks the same", () => {
    const rows = (...notes: SqlValue[]) => ({ columns: { note: "TEXT COLLATE NOCASE" }, rows: notes.map((note) => ({ note })) });
    const [base, ours, theirs] = [rows("x", "X", "y"), rows("x", "X", "y"), rows("X", "y")].map((one, at) =>
      make(`side${at}`, one, { keyed: false }),
    );
    const { path } = merged(ours as string, theirs as string, { ancestor: base as string });
    expect(content(path)).toEqual(content(theirs as string));
  });

  it("three-way: a row without a key that one side has deleted takes none with it where a column is called rowid", () => {
    const rows = (...notes: string[]) => ({
      columns: { rowid: "INTEGER", note: "TEXT" },
      rows: notes.map((note) => ({ rowid: 1n, note })),
    });
    const [base, theirs] = [make("base", rows("a", "b", "c"), { keyed: false }), make("theirs", rows("a", "c"), { keyed: false })];
    const { path } = merged(base, theirs, { ancestor: base });
    expect(content(path)).toEqual(content(theirs));
  });

  it("columns and tables that differ in the case of letters beyond ASCII are two, as for SQLite", () => {
    const row = { track_id: "t1", timestamp: "1" };
    const a = make("a", { columns: { Ö: "REAL" }, rows: [{ ...row, Ö: null }] }, { table: "Я" });
    const b = make("b", { columns: { ö: "REAL" }, rows: [{ ...row, ö: 0.5 }] }, { table: "Я" });
    const c = make("c", { columns: { ö: "REAL" }, rows: [{ ...row, ö: 0.25 }] }, { table: "я" });
    const { path } = merged(merged(a, b).path, c);
    expect(using(path, (db) => db.all(`SELECT "Ö", "ö" FROM "Я"`))).toEqual([{ Ö: null, ö: 0.5 }]);
    expect(using(path, (db) => db.all(`SELECT "ö" FROM "я"`))).toEqual([{ ö: 0.25 }]);
  });

  it("a number that only our rows are given is none of their values", () => {
    const plain = (name: string, declared: string, rows: string[]) => {
      const path = join(dir, `${name}.db`);
      const db = openDatabase(path, { create: true });
      db.exec(`CREATE TABLE notes (${declared}text TEXT)`);
      for (const text of rows) db.run("INSERT INTO notes (text) VALUES (?)", [text]);
      db.close();
      return path;
    };
    const once = merged(plain("ours", "id INTEGER PRIMARY KEY, ", ["a", "b"]), plain("theirs", "", ["b", "c", "c"])).path;
    expect(content(once, "notes")).toEqual([
      "id=number:1 text=string:a",
      "id=number:2 text=string:b",
      "id=number:3 text=string:c",
      "id=number:4 text=string:c",
    ]);
    const again = merged(once, join(dir, "theirs.db"));
    expect(again.report.tables).toMatchObject([{ inserted: 0, equal: 3, removed: 0 }]);
    expect(content(again.path, "notes")).toEqual(content(once, "notes"));
  });

  it("an identity column tells rows apart where there is no key, unless it is not unique", () => {
    const a = make("a", { columns: { id: "TEXT", x: "REAL" }, rows: [{ id: "1", x: 0.1 }] }, { keyed: false });
    const b = make("b", { columns: { id: "TEXT", x: "REAL" }, rows: [{ id: "1", x: 0.2 }] }, { keyed: false });
    expect(conflictsOf(() => merged(a, b, { idColumn: "id" })).count).toBe(1);
    expect(content(merged(a, b).path).length).toBe(2);
    const twice = make(
      "c",
      {
        columns: { id: "TEXT", x: "REAL" },
        rows: [
          { id: "1", x: 0.2 },
          { id: "1", x: 0.3 },
        ],
      },
      { keyed: false },
    );
    expect(merged(a, twice, { idColumn: "id" }).report.tables[0]).toMatchObject({ identity: [], inserted: 2 });
  });

  it("names of any kind: reserved words, quotes, a table and a path with an apostrophe", () => {
    const table = 'it\'s a "group"';
    const a = make("o'a", { columns: { 'sel"ect': "TEXT" }, rows: [row("t", "1", { 'sel"ect': "x" })] }, { table });
    const b = make("o'b?mode=rwc", { columns: { "a.b": "TEXT" }, rows: [row("t", "2", { "a.b": "y" })] }, { table });
    expect(content(merged(a, b).path, table).length).toBe(2);
  });

  it.each([
    ["rows have no numbers here", ["", "WITHOUT ROWID"], ["", ""]],
    ["rows have no numbers there", ["", ""], ["", "WITHOUT ROWID"]],
    ["a column has the numbers' name, which says something else", ["rowid TEXT DEFAULT 'same',", ""], ["rowid TEXT DEFAULT 'same',", ""]],
    ["columns have all their names", ["rowid, oid, _rowid_,", ""], ["", ""]],
  ])("rows are filled and added where %s", (_, here, there) => {
    const table = (name: string, [columns, kind]: string[], rows: string) => {
      const path = join(dir, `${name}.db`);
      using(path, (db) => {
        db.exec(`CREATE TABLE predictions (track_id TEXT, ${columns} timestamp TEXT, x REAL, PRIMARY KEY (track_id, timestamp)) ${kind}`);
        db.exec(`INSERT INTO predictions (track_id, timestamp, x) VALUES ${rows}`);
      });
      return path;
    };
    const a = table("a", here, "('c', 'z', 1), ('b', 'z', NULL), ('a', 'z', NULL)");
    const b = table("b", there, "('d', 'z', 4), ('b', 'z', 2), ('c', 'z', 1)");
    const { path, report } = merged(a, b);
    expect(report.tables[0]).toMatchObject({ inserted: 1, equal: 1, filled: { x: 1 } });
    const rows = using(path, (db) => db.arrays("SELECT track_id, x FROM predictions ORDER BY track_id"));
    expect(rows.map(([track, x]) => [track, x === null ? null : Number(x)])).toEqual([
      ["a", null],
      ["b", 2],
      ["c", 1],
      ["d", 4],
    ]);
    expect(merged(path, b).report.tables[0]).toMatchObject({ inserted: 0, equal: 3, filled: {} });
  });

  it("a thousand columns", () => {
    const names = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`c${index}`, "REAL"]));
    const a = make("a", { columns: names, rows: [row("t", "1", { c7: 0.5 })] });
    const b = make("b", { columns: { ...names, more: "REAL" }, rows: [row("t", "1", { c7: 0.5, c1100: 2 }), row("t", "2", { more: 1 })] });
    expect(merged(a, b).report.tables[0]).toMatchObject({ inserted: 1, filled: { c1100: 1 } });
  });

  it("takes a table that is new, with its key, and tables of choice only", () => {
    const a = make("a", { columns: {}, rows: [row("t", "1")] });
    const b = make("b", { columns: { x: "REAL" }, rows: [row("t", "1", { x: 1 })] }, { table: "metrics" });
    const { path } = merged(a, b);
    expect(content(path, "metrics").length).toBe(1);
    expect(using(path, (db) => db.get("SELECT count(*) AS n FROM pragma_table_info('metrics') WHERE pk > 0"))?.n).toBe(2n);
    expect(merged(a, b, { tables: ["predictions"] }).report.tables).toEqual([]);
  });

  it("a table of one's own that is called as one of xetrack's keeps its rows, and takes theirs", () => {
    const make = (name: string, sql: string) => {
      const path = join(dir, name);
      const db = openDatabase(path, { create: true });
      db.exec(sql);
      db.close();
      return path;
    };
    const ours = make("own.db", "CREATE TABLE assets (id INTEGER, name TEXT); INSERT INTO assets VALUES (1, 'mine')");
    const tables = ["assets", "keys", "counts"].map((name) => `CREATE TABLE ${name} (key TEXT PRIMARY KEY, value BLOB);`).join("");
    const theirs = make("xetrack.db", `${tables} INSERT INTO assets VALUES ('hash', x'00'); INSERT INTO counts VALUES ('hash', x'8005')`);
    for (const time of ["once", "again"]) {
      using(ours, (db) => mergeInto(db, { path: theirs, name: "theirs" }));
      expect(content(ours, "assets"), time).toHaveLength(2);
      expect(content(ours, "counts"), time).toHaveLength(1);
    }
  });

  it("a rebase counts no row as replaced that both have as it is", () => {
    const columns = { model: "TEXT", score: "REAL" };
    const kept = row("t", "1", { model: "m", score: 0.5 });
    const ours = make("a", { columns, rows: [kept, row("t", "2", { model: "m", score: 0.6 }), row("t", "3", { model: "other" })] });
    const theirs = make("b", { columns, rows: [kept, row("u", "1", { model: "m", score: 0.7 })] });
    const rebase = { keyColumns: ["model"], matchNullKeys: false };
    const { path, report } = merged(ours, theirs, { rebase });
    expect(report.tables[0]).toMatchObject({ equal: 1, replaced: 1, inserted: 1 });
    expect(merged(path, theirs, { rebase }).report.tables[0]).toMatchObject({ equal: 2, replaced: 0, inserted: 0 });
  });

  it("a rebase replaces nothing of a table without its key: rows of that one are merged", () => {
    const withEpochs = (name: string, model: string, epoch: Row) => {
      const path = make(name, { columns: { model: "TEXT" }, rows: [row(name, "1", { model })] });
      using(path, (db) => {
        db.exec("CREATE TABLE epochs (track_id TEXT, timestamp TEXT, loss REAL, PRIMARY KEY (track_id, timestamp))");
        db.run("INSERT INTO epochs VALUES (?, '1', ?)", [epoch.track ?? null, epoch.loss ?? null]);
      });
      return path;
    };
    const [ours, theirs] = [withEpochs("ours", "m", { track: "o", loss: 1 }), withEpochs("theirs", "m", { track: "t", loss: 2 })];
    const { path, report } = merged(ours, theirs, { rebase: { keyColumns: ["model"], matchNullKeys: true } });
    expect(content(path)).toEqual(["model=string:m timestamp=string:1 track_id=string:theirs"]);
    expect(content(path, "epochs")).toHaveLength(2);
    expect(report.tables.map(({ table, replaced, inserted }) => [table, replaced, inserted])).toEqual([
      ["epochs", 0, 1],
      ["predictions", 1, 1],
    ]);
  });

  it("a rebase marks the runs of which no row is left, and no others; their records stay", () => {
    const columns = { model: "TEXT" };
    const runsOf = ["whole", "partly", "untouched", "before"];
    const rows = [
      row("whole", "1", { model: "m" }),
      row("partly", "1", { model: "m" }),
      row("partly", "5", { model: "other" }),
      row("untouched", "1", { model: "other" }),
    ];
    const ours = make("ours", { columns, rows });
    using(ours, (db) => {
      ensureRunTables(db);
      for (const run of runsOf) db.run("INSERT INTO expver_runs (run_id, status) VALUES (?, 'finished')", [run]);
      // Two stretches of one run: with rows of another one between them.
      for (const { track_id: run, timestamp } of rows) {
        db.run("INSERT INTO expver_run_tracks VALUES (?, 'predictions', ?, ?, ?, 1)", [
          run ?? null,
          run ?? null,
          timestamp ?? null,
          timestamp ?? null,
        ]);
      }
      // Its rows are gone since long; it had the same track id.
      db.run("INSERT INTO expver_run_tracks VALUES ('before', 'predictions', 'whole', '3', '4', 2)");
      // And one with rows, once, of that very track and time in another table.
      db.exec("CREATE TABLE epochs (track_id TEXT, timestamp TEXT)");
      db.run("INSERT INTO expver_runs (run_id, status) VALUES ('elsewhere', 'finished')");
      db.run("INSERT INTO expver_run_tracks VALUES ('elsewhere', 'epochs', 'whole', '1', '1', 1)");
      // Of a table that somebody has dropped since.
      db.run("INSERT INTO expver_run_tracks VALUES ('whole', 'dropped', 'whole', '1', '1', 1)");
    });
    const theirs = make("augment", { columns, rows: [row("new", "1", { model: "m" })] });
    const { path, report } = merged(ours, theirs, { rebase: { keyColumns: ["model"], matchNullKeys: false } });
    expect(using(path, (db) => db.arrays("SELECT run_id, superseded_by FROM expver_runs ORDER BY run_id"))).toEqual([
      ["before", null],
      ["elsewhere", null],
      ["partly", null],
      ["untouched", null],
      ["whole", "theirs"],
    ]);
    expect(report.tables).toMatchObject([
      { table: "predictions", replaced: 2 },
      { table: "expver_runs", replaced: 1 },
    ]);
    expect(content(path)).toHaveLength(3);
  });

  it("a rebase tells runs apart by the bits of their tracks, whatever the column takes for the same", () => {
    const path = join(dir, "nocase.db");
    using(path, (db) => {
      db.exec("CREATE TABLE predictions (track_id TEXT COLLATE NOCASE, timestamp TEXT, model TEXT)");
      ensureRunTables(db);
      for (const [track, model] of [
        ["a", "m"],
        ["A", "other"],
      ] as const) {
        db.run("INSERT INTO predictions VALUES (?, '1', ?)", [track, model]);
        db.run("INSERT INTO expver_runs (run_id, status) VALUES (?, 'finished')", [track]);
        db.run("INSERT INTO expver_run_tracks VALUES (?1, 'predictions', ?1, '1', '1', 1)", [track]);
      }
    });
    const theirs = make("theirs", { columns: { model: "TEXT" }, rows: [row("new", "1", { model: "m" })] }, { keyed: false });
    const after = merged(path, theirs, { rebase: { keyColumns: ["model"], matchNullKeys: false } }).path;
    expect(using(after, (db) => db.arrays("SELECT run_id, superseded_by FROM expver_runs ORDER BY run_id"))).toEqual([
      ["A", null],
      ["a", "theirs"],
    ]);
  });

  it("a name of an asset that both sides have leads to the hash of the newest row that uses it, whatever the order; unused, to the greater", () => {
    const named = (name: string, hash: string, times: string[]) => {
      const path = join(dir, `${name}.db`);
      rmSync(path, { force: true });
      using(path, (db) => {
        db.exec(`CREATE TABLE predictions (track_id TEXT, timestamp TEXT, weights TEXT, best TEXT, PRIMARY KEY (track_id, timestamp));
          CREATE TABLE assets (key TEXT PRIMARY KEY, value BLOB); CREATE TABLE keys (key TEXT PRIMARY KEY, value BLOB);
          CREATE TABLE counts (key TEXT PRIMARY KEY, value BLOB)`);
        for (const time of times) db.run("INSERT INTO predictions VALUES (?, ?, ?, ?)", [name, time, hash, hash]);
        db.run("INSERT INTO assets VALUES (?, ?)", [hash, Buffer.from(name)]);
        db.run("INSERT INTO counts VALUES (?, ?)", [hash, pickled(2 * times.length)]);
        db.run("INSERT INTO keys VALUES (?, ?)", [pickled("weights").toString("base64"), pickled(hash)]);
      });
      return path;
    };
    const [low, high] = ["a".repeat(16), "b".repeat(16)];
    const winner = (path: string) =>
      using(path, (db) => db.arrays("SELECT value FROM keys")).map(([value]) => readPickle(value as Uint8Array));
    for (const [lowTimes, highTimes, expected] of [
      [["1", "9"], ["2"], low],
      [["1"], ["2", "3"], high],
      [["5"], ["5"], high],
      [[], [], high],
      [["1"], [], low],
    ] as const) {
      const [one, other] = [named("low", low, [...lowTimes]), named("high", high, [...highTimes])];
      for (const { path } of [merged(one, other), merged(other, one)]) {
        expect(winner(path), JSON.stringify([lowTimes, highTimes])).toEqual([expected]);
        expect(using(path, (db) => db.arrays("SELECT key FROM assets ORDER BY key"))).toEqual([[low], [high]]);
        const counts = using(path, (db) => db.arrays("SELECT value FROM counts ORDER BY key"));
        expect(counts.map(([value]) => readPickle(value as Uint8Array))).toEqual(
          [lowTimes, highTimes].map((times) => BigInt(2 * times.length)),
        );
      }
    }
  });

  it("refuses a rebase by columns no table has, naming those there are", () => {
    const a = make("a", { columns: { model: "TEXT" }, rows: [row("t", "1")] });
    expect(() => merged(a, a, { rebase: { keyColumns: ["run_id"], matchNullKeys: false } })).toThrow(/track_id, timestamp, model/);
  });

  it("refuses a file that is no database, and leaves the connection usable", () => {
    const a = make("a", { columns: {}, rows: [row("t", "1")] });
    const copy = make("copy", { columns: {}, rows: [row("t", "1")] });
    using(a, (db) => {
      expect(() => mergeInto(db, { path: import.meta.filename, name: "x" })).toThrow(expect.objectContaining({ code: "E_DATABASE" }));
      expect(mergeInto(db, { path: copy, name: "copy" }).tables[0]?.equal).toBe(1);
    });
  });
});
