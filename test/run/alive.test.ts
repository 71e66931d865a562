/** The results database while a run goes on: stamps, what a pull left out, other programs, links. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { openTrack } from "../../src/results/track.ts";
import { openTestRepository, type TestRepository } from "../support/repository.ts";
import { makeExperiment, rowsOf, runRows } from "./story.ts";

const DB = "results/experiments.db";
const SQLITE = join(import.meta.dirname, "../../node_modules/@photostructure/sqlite");
/** A program with `db` open. */
const withDb = (code: string) => [
  "node",
  "-e",
  `const { DatabaseSync } = require("${SQLITE}"); const db = new DatabaseSync(process.env.EXPVER_DB); ${code}`,
];

function objectOf(repo: TestRepository, revision: string): string {
  const md5 = /md5: (\w+)/.exec(repo.git("show", `${revision}:${DB}.dvc`))?.[1] ?? "";
  return join(repo.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2));
}

function rowsIn(path: string, table = "default"): Record<string, unknown>[] {
  const db = openDatabase(path, { immutable: true });
  try {
    return db.all(`SELECT * FROM "${table}"`);
  } finally {
    db.close();
  }
}

describe("stamps", () => {
  it("have their columns in every table before the program starts", () => {
    const repo = makeExperiment();
    repo.write("expver.yaml", "results: { tables: [predictions, epochs] }\n");
    const before = openTrack(repo.context, { table: "older" });
    before.log({ a: 1 });
    before.close();
    const columns = `SELECT m.name AS t, group_concat(c.name) AS names FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'expver%' GROUP BY 1 ORDER BY 1`;
    const { code } = repo.expverJson(["run", "--", ...withDb(`console.log(JSON.stringify(db.prepare(${JSON.stringify(columns)}).all()))`)]);
    expect(code).toBe(0);
    const stamps = "version,git_commit,dvc_hash";
    expect(JSON.parse(repo.expverJson(["runs", "logs"]).data.text)).toEqual([
      { t: "epochs", names: `track_id,timestamp,${stamps}` },
      { t: "older", names: `track_id,timestamp,a,${stamps}` },
      { t: "predictions", names: `track_id,timestamp,${stamps}` },
    ]);
  });

  it("the program wrote itself are kept, and it is said when they differ", () => {
    const repo = makeExperiment();
    const insert = `db.exec("CREATE TABLE t (track_id TEXT, timestamp TEXT, version TEXT, git_commit TEXT, PRIMARY KEY (track_id, timestamp)); INSERT INTO t VALUES ('x', '2026-01-01', 'mine', NULL)")`;
    const { data, warnings } = repo.expverJson(["run", "--", ...withDb(insert)]);
    expect(data).toMatchObject({ version: "e0.1.0", rows: 1 });
    expect(rowsOf(repo, "t")).toMatchObject([{ version: "mine", git_commit: data.snapshot, dvc_hash: null }]);
    expect(warnings.map(({ text }) => text)).toContainEqual(expect.stringMatching(/stamped 1 row of t itself: version stays mine/));
    expect(repo.git("cat-file", "-p", "e0.1.0")).toContain(`Run: ${data.run_id}`); // the tag is the authority
  });

  it("reach the program as well, the data's digest too", () => {
    const repo = makeExperiment();
    repo.write("data.csv", "1\n");
    repo.expver(["data", "add", "data.csv"]);
    repo.commit("data");
    const { data } = repo.expverJson(["run", "--", "sh", "-c", "echo $EXPVER_VERSION $EXPVER_GIT_COMMIT $EXPVER_DVC_HASH $EXPVER_TABLE"]);
    expect(data.dvc_hash).toBe("b026324c6904b2a9cb4b88d6d61c81d1");
    expect(repo.expverJson(["runs", "logs"]).data.text).toBe(`e0.1.0 ${data.snapshot} ${data.dvc_hash} default\n`);
  });
});

describe("a database that another program has open during the whole run", () => {
  it.each(["delete", "wal"])("keeps its file and its journal mode (%s); the version has every row, also those of the -wal", (mode) => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--", "true"]).code).toBe(0);
    const path = join(repo.root, DB);
    const other = openDatabase(path);
    expect(other.get(`PRAGMA journal_mode = ${mode}`)).toEqual({ journal_mode: mode });
    other.exec(`CREATE TABLE notes (track_id TEXT, timestamp TEXT, n INTEGER, PRIMARY KEY (track_id, timestamp))`);
    other.exec(`INSERT INTO notes VALUES ('before', '2026-01-01', 1)`);
    const { ino } = lstatSync(path);
    const { data } = repo.expverJson([
      "run",
      "--",
      ...withDb(`db.exec("INSERT INTO notes (track_id, timestamp, n) VALUES ('during', '2026-01-02', 2)")`),
    ]);
    expect(data).toMatchObject({ version: "e0.2.0", rows: 1 });
    expect(lstatSync(path).ino).toBe(ino);
    expect(other.get("PRAGMA journal_mode")).toEqual({ journal_mode: mode });
    expect(rowsIn(objectOf(repo, "e0.2.0"), "notes")).toMatchObject([
      { track_id: "before", version: null },
      { track_id: "during", version: "e0.2.0", git_commit: data.snapshot },
    ]);
    expect(other.all("SELECT n FROM notes")).toEqual([{ n: 1n }, { n: 2n }]);
    other.close();
  });

  it("and reads in a transaction of its own is not in the way of the copies", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--", "true"]).code).toBe(0);
    const reader = openDatabase(join(repo.root, DB));
    reader.get("PRAGMA journal_mode = wal");
    reader.exec("BEGIN");
    reader.get("SELECT count(*) FROM expver_runs");
    expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
    expect(rowsIn(objectOf(repo, "e0.2.0"), "expver_runs")).toMatchObject([{ version: "e0.1.0" }, { version: "e0.2.0" }]);
    expect(reader.get("SELECT count(*) AS n FROM expver_runs")).toEqual({ n: 1n });
    reader.close();
  });
});

describe("a pull that moved the pointer and not the file", () => {
  /** Two clones of one version each made a run; the second has pulled the first's commit. */
  function pulled(): { repo: TestRepository; theirs: string } {
    const repo = makeExperiment();
    repo.expver(["run", "-m", "common", "--", "true"]);
    const other = openTestRepository(join(repo.root, "../other"), { ...repo.context.env } as Record<string, string>);
    repo.run("git", ["clone", "-q", repo.root, "../other"]);
    const cache = join(repo.root, ".dvc/cache");
    other.write(".dvc/config.local", `[cache]\n    dir = ${cache}\n`);
    other.expver(["data", "checkout"]);
    expect(other.expverJson(["run", "-m", "theirs", "--", "true"]).data.version).toBe("e0.2.0");
    repo.git("pull", "-q", "--tags", join(repo.root, "../other"), "main");
    return { repo, theirs: String(runRows(other)[1]?.run_id) };
  }

  it("the rows are brought in before the run starts, as a step of its plan", () => {
    const { repo, theirs } = pulled();
    expect(rowsOf(repo)).toHaveLength(1);
    const { steps } = repo.expverJson(["run", "--dry-run", "--", "true"]).data;
    expect(steps).toContainEqual(expect.objectContaining({ verb: "bring in", target: DB }));
    const { data } = repo.expverJson([
      "run",
      "-m",
      "ours",
      "--",
      ...withDb(`console.log(db.prepare('SELECT count(*) AS n FROM "default"').get().n)`),
    ]);
    expect(data).toMatchObject({ version: "e0.3.0", rows: 1 });
    expect(repo.expverJson(["runs", "logs"]).data.text).toBe("2\n"); // the program sees them
    expect(rowsOf(repo).map(({ version }) => version)).toEqual(["e0.1.0", "e0.2.0", "e0.3.0"]);
    expect(runRows(repo)).toContainEqual(expect.objectContaining({ run_id: theirs, version: "e0.2.0" }));
    expect(rowsIn(objectOf(repo, "e0.3.0")).map(({ version }) => version)).toEqual(["e0.1.0", "e0.2.0", "e0.3.0"]);
  });

  it("a file that is gone is made from the version in HEAD, without the -wal that lies where it was", () => {
    const { repo } = pulled();
    const killed = `db.exec("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0; CREATE TABLE stray (n)"); process.kill(process.pid, "SIGKILL")`;
    repo.run("node", withDb(killed).slice(1), { env: { EXPVER_DB: DB } });
    expect(readdirSync(join(repo.root, "results"))).toContain("experiments.db-wal");
    repo.run("rm", [DB]);
    expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.3.0" } });
    expect(rowsOf(repo).map(({ version }) => version)).toEqual(["e0.1.0", "e0.2.0", "e0.3.0"]);
    expect(() => rowsOf(repo, "stray")).toThrow(/no such table/);
  });

  it("it is refused when the version's rows are not here to be brought in", () => {
    const { repo } = pulled();
    repo.run("rm", ["-f", objectOf(repo, "e0.2.0")]);
    expect(repo.expverJson(["run", "--", "touch", "ran"])).toMatchObject({
      code: 4,
      error: { code: "E_DATABASE_BEHIND", hint: expect.stringContaining("data fetch") },
    });
    expect(readdirSync(repo.root)).not.toContain("ran");
  });
});

it("a failed run's database is stored too, and its journal names the object", () => {
  const repo = makeExperiment();
  const { data } = repo.expverJson(["run", "--param", "lr=7", "--", "false"]);
  const folder = join(repo.root, ".git/expver/operations");
  const journal = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  const ours = journal.find((text) => text.includes(`"${data.run_id}"`)) ?? "";
  const hash = /^\{"note":\["database","(\w+)"\]\}$/m.exec(ours)?.[1] ?? "";
  expect(rowsIn(join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2)))).toMatchObject([{ lr: 7n, version: null }]);
});

it("databases, models and tracked outputs are files of their own, whatever links the cache may be made of", () => {
  const repo = makeExperiment();
  repo.expver(["data", "config", "cache.type", "hardlink,symlink"]);
  repo.write("data.csv", "1\n");
  repo.expver(["data", "add", "data.csv"]);
  repo.commit("links");
  expect(lstatSync(join(repo.root, "data.csv")).nlink).toBe(2);
  const program = `mkdir -p models/candidates reports; for f in models/model.json models/candidates/a.bin reports/r.json; do echo $f > $f; done`;
  expect(repo.expver(["run", "--", "sh", "-c", program]).code).toBe(0);
  const outputs = [DB, "models/model.json", "models/candidates/a.bin", "reports/r.json"];
  const own = () => outputs.map((path) => [path, lstatSync(join(repo.root, path)).nlink, lstatSync(join(repo.root, path)).isFile()]);
  expect(own()).toEqual(outputs.map((path) => [path, 1, true]));
  repo.run("rm", outputs);
  expect(repo.expver(["data", "checkout"]).code).toBe(0);
  expect(own()).toEqual(outputs.map((path) => [path, 1, true]));
  for (const path of outputs) expect(lstatSync(join(repo.root, path)).mode & 0o200, path).toBe(0o200);
});

it("a database that was there before the first run never enters the snapshot, and its rows stay without a version", () => {
  const repo = makeExperiment();
  const t = openTrack(repo.context);
  t.log({ old: 1 });
  t.close();
  expect(repo.expverJson(["run", "--dry-run", "--", "true"]).data.included).toEqual([]);
  const { data, warnings } = repo.expverJson(["run", "--", "true"]);
  expect(data.snapshot).toBe(repo.git("rev-parse", "HEAD^"));
  expect(repo.git("ls-tree", "-r", "--name-only", "HEAD")).not.toMatch(/experiments\.db$/m);
  expect(rowsOf(repo)).toMatchObject([{ old: 1n, version: null }, { version: "e0.1.0" }]);
  expect(warnings).toMatchObject([{ text: expect.stringContaining("left no number") }]);
  expect(repo.git("status", "--porcelain")).toBe("");
});
