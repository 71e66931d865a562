/** `expver merge --params params.yaml --yes` as the cmd of a stage, run by real dvc; and JSON lines. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { MAIN } from "../support/command-line.ts";
import { peer } from "../support/peers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const TEMPLATES = join(import.meta.dirname, "../../skills/expver/assets");

function makeDatabase(repo: TestRepository, path: string, rows: [track: string, version: string, loss: number][]): void {
  const db = openDatabase(join(repo.root, path), { create: true });
  db.exec('CREATE TABLE "default" (track_id TEXT, timestamp TEXT, version TEXT, loss REAL, PRIMARY KEY (track_id, timestamp))');
  for (const [track, version, loss] of rows) db.exec(`INSERT INTO "default" VALUES ('${track}', '2026-01-01', '${version}', ${loss})`);
  db.close();
}

function tracks(repo: TestRepository): string[] {
  const db = openDatabase(join(repo.root, "results/merged.db"), { immutable: true });
  try {
    return db.arrays('SELECT track_id FROM "default" ORDER BY 1').map(([track]) => String(track));
  } finally {
    db.close();
  }
}

it.skipIf(peer("dvc") === null)("runs once, then not again, and again when one line says rebase", { timeout: 300_000 }, () => {
  const repo = makeRepository();
  const dvc = (...args: string[]) => {
    const env = { PATH: `${join(repo.root, "bin")}:${dirname(peer("dvc") ?? "")}:${process.env.PATH}` };
    const result = repo.run(peer("dvc") ?? "", args, { env });
    expect(result.code, result.stderr + result.stdout).toBe(0);
    return result.stdout + result.stderr;
  };
  dvc("init", "-q");
  const stages = readFileSync(join(TEMPLATES, "dvc_yaml_template.yaml"), "utf8");
  repo.write("dvc.yaml", `stages:\n${stages.slice(stages.indexOf("  merge_results:"))}`);
  repo.write("params.yaml", readFileSync(join(TEMPLATES, "params_yaml_template.yaml"), "utf8"));
  repo.write("bin/expver", `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  repo.run("chmod", ["+x", "bin/expver"]);
  repo.write("results/.gitkeep", "");
  const ours: [string, string, number][] = [["old", "e0.1.0", 1]];
  makeDatabase(repo, "results/base.db", [...ours, ["other", "e0.2.0", 2]]);
  makeDatabase(repo, "results/incoming.db", [["new", "e0.1.0", 3]]);
  expect(dvc("repro")).toContain("Running stage 'merge_results'");
  expect(tracks(repo)).toEqual(["new", "old", "other"]);
  const before = statSync(join(repo.root, "results/merged.db")).mtimeMs;
  expect(dvc("repro")).toContain("didn't change, skipping");
  expect(statSync(join(repo.root, "results/merged.db")).mtimeMs).toBe(before);
  repo.write("params.yaml", repo.read("params.yaml").replace("strategy: merge", "strategy: rebase"));
  expect(dvc("repro")).toContain("Running stage 'merge_results'");
  expect(tracks(repo)).toEqual(["new", "other"]);
  expect(dvc("repro")).toContain("didn't change, skipping");
  expect(repo.expverJson(["merge", "--params", "params.yaml", "--yes"]).data.database).toMatchObject({ changed: false });
});

it("refuses a stage whose output is its base, databases and data, and what is not known or not one value", () => {
  const repo = makeRepository();
  makeDatabase(repo, "a.db", [["a", "e0.1.0", 1]]);
  makeDatabase(repo, "b.db", [["b", "e0.1.0", 1]]);
  for (const name of ["a", "b"]) repo.write(`${name}.csv`, `id\n${name}\n`);
  const run = (section: string, ...typed: string[]) => {
    repo.write("params.yaml", `merge:\n  ${section.replaceAll("; ", "\n  ")}\n`);
    return repo.expverJson(["merge", "--params", "params.yaml", "--yes", ...typed]);
  };
  for (const output of ["output_db: ./a.db", `output_db: ${join(repo.root, "a.db")}`, "strategy: merge"])
    expect(run(`base_db: a.db; exp_db: b.db; ${output}`).error).toMatchObject({
      code: "E_USAGE",
      message: expect.stringContaining("a.db"),
    });
  for (const output of ["output_data: ./a.csv", "strategy: merge"])
    expect(run(`base_data: a.csv; exp_data: b.csv; ${output}`).error).toMatchObject({
      code: "E_USAGE",
      message: expect.stringContaining("a.csv"),
    });
  expect(run("base_bd: a.db").error).toMatchObject({ code: "E_CONFIG", message: expect.stringContaining("base_db") });
  expect(run("base_db: [a.db, b.db]").error).toMatchObject({ code: "E_CONFIG", message: expect.stringContaining("base_db") });
  expect(run("exp_db: { a: b.db }").error).toMatchObject({ code: "E_CONFIG", message: expect.stringContaining("exp_db") });
  expect(existsSync(join(repo.root, "out.db"))).toBe(false);
  // What is typed wins.
  expect(run("base_db: a.db; exp_db: b.db; output_db: a.db", "--output-db", "out.db")).toMatchObject({ code: 0 });
  expect(existsSync(join(repo.root, "out.db"))).toBe(true);
});

it("merges JSON lines by key, cells as they are, and repeats nothing", () => {
  const repo = makeRepository();
  repo.write("a.jsonl", '{"id":1,"text":"2024-01-01"}\n{"id":2,"text":"007"}\n');
  repo.write("b.ndjson", '{"id":2,"text":"007","more":{"x":[1]}}\n{"id":3,"text":true}\n');
  const args = ["merge", "b.ndjson", "--base-data", "a.jsonl", "--key-columns", "id"];
  expect(repo.expverJson(args).data.data).toMatchObject({ before: 2, after: 3, changed: true });
  expect(
    repo
      .read("a.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { id: 1, text: "2024-01-01", more: null },
    { id: 2, text: "007", more: { x: [1] } },
    { id: 3, text: true, more: null },
  ]);
  expect(repo.expverJson(args).data.data).toMatchObject({ after: 3, changed: false });
});
