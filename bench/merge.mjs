/** `expver merge` beside the original script: databases and parquet files, merged and rebased; CSV and JSON lines, which it cannot read. See docs/benchmarks.md. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { least, measure, milliseconds, options, printTable, ratio } from "./measure.mjs";
import { DatabaseSync } from "./sqlite.mjs";

const { original, base, incoming, known, rounds, clock, on, only } = options({
  original: "",
  base: 400_000,
  incoming: 100_000,
  known: 40_000,
  rounds: 5,
  clock: "wall",
  on: tmpdir(),
  only: "",
});
const MAIN = join(import.meta.dirname, "../dist/main.cjs");
const PYTHON = join(process.env.EXPVER_PEERS ?? join(import.meta.dirname, "../.venv-peers"), "bin/python");
const cwd = mkdtempSync(join(on, "expver-bench-"));
const NEW = Array.from({ length: 10 }, (_, index) => `extra_${index}`);
try {
  makeDatabase("base.db", { from: 0, to: base, more: [] });
  makeDatabase("same.db", { from: base - known, to: base - known + incoming, more: [] });
  makeDatabase("wide.db", { from: base - known, to: base - known + incoming, more: NEW });
  await makeFiles();
  const db = (exp) => ["--base-db", "base.db", "--exp-db", exp, "--output-db", "out.db", "--table", "predictions"];
  const data = (exp, ending = "parquet") => [
    "--base-data",
    `base.${ending}`,
    "--exp-data",
    `${exp}.${ending}`,
    "--output-data",
    `out.${ending}`,
  ];
  const works = [
    ["merge, same columns", ["--strategy", "merge", ...db("same.db"), "--id-column", "track_id"]],
    ["merge, 10 new columns", ["--strategy", "merge", ...db("wide.db"), "--id-column", "track_id"]],
    ["rebase by version", ["--strategy", "rebase", ...db("same.db"), "--key-columns", "version"]],
    ["parquet merge", ["--strategy", "merge", ...data("more")]],
    ["parquet merge, 10 new columns", ["--strategy", "merge", ...data("wide")]],
    ["parquet rebase by id", ["--strategy", "rebase", ...data("more"), "--key-columns", "id"]],
    ["CSV merge", ["--strategy", "merge", ...data("more", "csv")]],
    ["CSV rebase by id", ["--strategy", "rebase", ...data("more", "csv"), "--key-columns", "id"]],
    ["JSON lines merge", ["--strategy", "merge", ...data("more", "jsonl")]],
    ["JSON lines rebase by id", ["--strategy", "rebase", ...data("more", "jsonl"), "--key-columns", "id"]],
  ].filter(([name]) => name.includes(only));
  const before = () => {
    for (const name of ["out.db", "out.parquet", "out.csv", "out.jsonl"]) rmSync(join(cwd, name), { force: true });
  };
  const isKnown = (name) => original !== "" && !/^(?:CSV|JSON)/.test(name);
  const cases = works.flatMap(([name, args]) => [
    { name: `expver ${name}`, program: process.execPath, args: [MAIN, "merge", ...args, "--yes"] },
    ...(!isKnown(name) ? [] : [{ name: `original ${name}`, program: PYTHON, args: [join(original, "merge_artifacts.py"), ...args] }]),
  ]);
  const full = cases.map((one) => ({ ...one, cwd, clock, before }));
  measure(full, 1);
  const times = measure(full, rounds);
  console.log(`${base} + ${incoming} rows, ${known} of them known; ${clock} time, least of ${rounds}`);
  const timeOf = (who, name) => (times.has(`${who} ${name}`) ? least(times.get(`${who} ${name}`)) : undefined);
  printTable([
    ["", "expver", "original", "original / expver"],
    ...works.map(([name]) => {
      const [ours, theirs] = [timeOf("expver", name), timeOf("original", name)];
      return [name, milliseconds(ours), milliseconds(theirs), ratio(theirs, ours)];
    }),
  ]);
} finally {
  rmSync(cwd, { recursive: true, force: true });
}

/** A track for each row, as the original script tells rows apart; ten rows a version. */
function makeDatabase(name, { from, to, more }) {
  const made = new DatabaseSync(join(cwd, name));
  made.exec(`
    BEGIN;
    CREATE TABLE predictions (track_id TEXT, timestamp TEXT, version TEXT, epoch INTEGER, loss REAL, accuracy REAL, git_commit TEXT,
      dvc_hash TEXT, ${more.map((column) => `${column} REAL, `).join("")}PRIMARY KEY (track_id, timestamp));
    WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${to})
      INSERT INTO predictions SELECT printf('track-%07d', i), printf('2026-01-01 00:00:%09d', i), 'e0.' || (i / 10) || '.0', i % 25,
      1.0 / (i + 1), 0.5, '${"0".repeat(40)}', '${"3a2f1b00".repeat(4)}'${more.map(() => ", 0.5").join("")} FROM n;
    COMMIT`);
  made.close();
}

async function makeFiles() {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const write = async (name, from, to, more = []) => {
    const rows = `(SELECT i AS id, 'label-' || (i % 10) AS label, ${Array.from({ length: 8 }, (_, k) => `hash(i * ${k + 1})::DOUBLE / 1e19 AS f${k}`).join(", ")}${more.map((column) => `, 0.5::DOUBLE AS ${column}`).join("")}
      FROM range(${from}, ${to}) AS r(i))`;
    for (const [ending, format] of [
      ["parquet", "parquet"],
      ["csv", "csv, HEADER"],
      ["jsonl", "json"],
    ])
      await connection.run(`COPY ${rows} TO '${join(cwd, `${name}.${ending}`).replaceAll("'", "''")}' (FORMAT ${format})`);
  };
  await write("base", 0, base);
  await write("more", base - known, base - known + incoming);
  await write("wide", base - known, base - known + incoming, NEW);
  connection.closeSync();
  if (process.env.EXPVER_BENCH_SIZES)
    console.log(["base.db", "base.parquet"].map((name) => `${name} ${statSync(join(cwd, name)).size}`).join(" "));
}
