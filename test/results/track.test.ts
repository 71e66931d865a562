import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatabase, type SqlRow } from "../../src/platform/sqlite.ts";
import { openTrack, type TrackOptions } from "../../src/results/track.ts";
import { makeFolder, makeRepository, openTestRepository } from "../support/repository.ts";

const LIBRARY = join(import.meta.dirname, "../../dist/index.js");

function opened(options: TrackOptions = {}, env: Record<string, string> = {}) {
  const folder = makeFolder("track");
  const { context } = openTestRepository(folder);
  const t = openTrack({ ...context, env: { ...context.env, ...env } }, { database: "results/r.db", ...options });
  const rows = (sql = `SELECT * FROM "${t.table}"`): SqlRow[] => {
    const db = openDatabase(join(folder, "results/r.db"), { readonly: true });
    try {
      return db.all(sql);
    } finally {
      db.close();
    }
  };
  return { t, folder, rows };
}

describe("track()", () => {
  it("writes rows as xetrack's tables have them, parameters in each, and nothing else into the file", () => {
    const { t, rows, folder } = opened({ params: { lr: 0.1, epoch: 9 } });
    expect(t.trackId).toMatch(/^[a-z]+-[a-z]+-\d{4}$/);
    const key = t.log({ epoch: 1, loss: 0.5 });
    t.close();
    expect(key).toEqual({ table: "default", trackId: t.trackId, timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d [\d:]{8}\.\d{6}$/) });
    expect(rows()).toEqual([{ track_id: t.trackId, timestamp: key.timestamp, lr: 0.1, epoch: 1n, loss: 0.5 }]);
    expect(rows("SELECT name FROM sqlite_schema WHERE type = 'table'")).toEqual([{ name: "default" }]);
    expect(readdirSync(join(folder, "results"))).toEqual(["r.db"]);
  });

  it("keeps values exactly and hides secrets, in objects too", () => {
    const { t, rows } = opened();
    t.log({
      big: 2n ** 53n + 1n,
      nan: Number.NaN,
      inf: -Infinity,
      tiny: 1e-5,
      api_key: "abc",
      cfg: { hf_token: "abc", on: true },
      no: null,
    });
    expect(rows()).toMatchObject([
      { big: 9007199254740993n, nan: "NaN", inf: -Infinity, tiny: 1e-5, api_key: "***", cfg: '{"hf_token":"***","on":true}' },
    ]);
    expect(Object.keys(rows()[0] ?? {})).not.toContain("no");
  });

  it("takes database, table and track of the run it is in", () => {
    const { t } = opened(
      { database: undefined },
      { EXPVER_DB: join(makeFolder("run"), "x.db"), EXPVER_TABLE: "epochs", EXPVER_RUN_ID: "quiet-otter-0412" },
    );
    expect([t.database.endsWith("/x.db"), t.table, t.trackId]).toEqual([true, "epochs", "quiet-otter-0412"]);
  });

  it("takes those of expver.yaml outside of a run, from a sub-folder too, and needs one of both", () => {
    const repo = makeRepository();
    repo.write("expver.yaml", "results: { database: out/all.db, table: predictions }\n");
    repo.write("sub/a.txt", "");
    const t = openTrack({ ...repo.context, cwd: join(repo.root, "sub") });
    expect([t.database, t.table]).toEqual([join(repo.root, "out/all.db"), "predictions"]);
    t.close();
    const { context } = openTestRepository(makeFolder("nowhere"));
    expect(() => openTrack(context)).toThrow(expect.objectContaining({ code: "E_NO_PROJECT" }));
  });

  it("refuses what is no database, and the two names of a row's key", () => {
    const repo = openTestRepository(makeFolder("track"));
    repo.write("no.db", "text that is long enough to be looked at as a database header, and is none of one");
    expect(() => openTrack(repo.context, { database: "no.db" }).log({ a: 1 })).toThrow(expect.objectContaining({ code: "E_DATABASE" }));
    const { t } = opened();
    expect(() => t.log({ "track-id": 1, track_id: "x" })).toThrow(expect.objectContaining({ code: "E_USAGE" }));
  });
});

describe("a column that meets a value of another class", () => {
  const typed = (values: unknown[]) => {
    const { t, rows } = opened();
    t.log({ before: 1 });
    for (const x of values) t.log({ x, after: 1 });
    const column = rows("SELECT type FROM pragma_table_info('default') WHERE name = 'x'")[0]?.type;
    return [column, ...rows(`SELECT x FROM "default" WHERE after ORDER BY timestamp`).map(({ x }) => x)];
  };

  it.each<[string, unknown[], unknown[]]>([
    ["whole numbers, then a fraction", [1, 0.5, 2], ["REAL", 1, 0.5, 2]],
    ["a fraction, then whole numbers", [0.5, 2], ["REAL", 0.5, 2]],
    ["an integer beyond 53 bits, then a fraction", [2n ** 53n + 1n, 0.5], ["", 9007199254740993n, 0.5]],
    ["a fraction, then an integer beyond 53 bits", [0.5, 2n ** 53n + 1n], ["", 0.5, 9007199254740993n]],
    ["a number, then NaN", [0.5, Number.NaN, 0.25], ["", 0.5, "NaN", 0.25]],
    ["NaN, then numbers", [Number.NaN, 0.1 + 0.2, 3], ["", "NaN", 0.30000000000000004, 3n]],
    ["a number, then a text of digits", [7, "007"], ["", 7n, "007"]],
    ["a text, then numbers of many digits", ["a", 0.1 + 0.2, 2n ** 53n + 1n], ["TEXT", "a", "0.30000000000000004", "9007199254740993"]],
    ["a text, then bytes", ["a", new Uint8Array([1])], ["", "a", new Uint8Array([1])]],
  ])("%s", (_what, values, expected) => {
    expect(typed(values)).toEqual(expected);
  });

  it("keeps its index, and every row", () => {
    const { t, rows, folder } = opened();
    t.log({ x: 1 });
    const db = openDatabase(join(folder, "results/r.db"));
    db.exec('CREATE INDEX mine ON "default" (x)');
    db.close();
    t.log({ x: 0.5 });
    expect(rows(`SELECT x FROM "default" ORDER BY timestamp`)).toEqual([{ x: 1 }, { x: 0.5 }]);
    expect(rows("SELECT name FROM sqlite_schema WHERE type = 'index' AND name = 'mine'")).toHaveLength(1);
  });
});

it("eight processes with columns of their own lose nothing and never share a timestamp", async () => {
  const folder = makeFolder("track");
  const program = `
    import { track } from ${JSON.stringify(LIBRARY)};
    const me = process.argv[1];
    const t = track({ database: "r.db", trackId: "fixed" });
    for (let n = 0; n < 50; n++) t.log({ n, ["own_" + me + "_" + (n % 10)]: n, shared: n % 2 === 0 ? n : n + 0.5 });
  `;
  const ends = [..."12345678"].map(
    (name) =>
      new Promise<{ code: number | null; text: string }>((resolve) => {
        const child = spawn(process.execPath, ["--input-type=module", "-e", program, name], { cwd: folder });
        let text = "";
        child.stderr.on("data", (chunk) => (text += chunk));
        child.on("close", (code) => resolve({ code, text }));
      }),
  );
  for (const end of await Promise.all(ends)) expect(end).toEqual({ code: 0, text: "" });
  const db = openDatabase(join(folder, "r.db"), { readonly: true });
  const rows = db.all('SELECT * FROM "default"');
  db.close();
  expect(rows).toHaveLength(400);
  expect(new Set(rows.map(({ timestamp }) => timestamp)).size).toBe(400);
  for (const name of "12345678") {
    const own = rows.filter((row) => Object.entries(row).some(([column, value]) => column.startsWith(`own_${name}_`) && value !== null));
    expect(own.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    for (const row of own) expect(row.shared).toBe(Number(row.n) % 2 === 0 ? Number(row.n) : Number(row.n) + 0.5);
  }
});
