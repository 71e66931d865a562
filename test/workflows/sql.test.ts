/** `expver sql`: answers exact, reads nothing else, changes nothing. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { queryData } from "../../src/merge/data/query-data.ts";
import type { SqlAnswer } from "../../src/workflows/sql.ts";
import { MAIN } from "../support/command-line.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;

beforeAll(() => {
  const base = openTestRepository(makeFolder("sql"));
  expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
  repo = openTestRepository(join(base.root, "demo"));
});

const ask = (...args: string[]) => repo.expverJson(["sql", ...args]);
const answer = (...args: string[]) => {
  const { code, data, error } = ask(...args);
  expect({ code, error }).toEqual({ code: 0, error: null });
  return data as SqlAnswer;
};
const digest = () =>
  createHash("md5")
    .update(readFileSync(join(repo.root, "results/experiments.db")))
    .digest("hex");

describe("the results database", () => {
  it("answers with exact values", () => {
    const { columns, rows } = answer(
      "SELECT 1 AS one, 9007199254740993 AS big, 1e-05 AS small, 9e999 AS inf, NULL AS none, x'00ff' AS bytes, 'a;b' AS text",
    );
    expect(columns).toEqual(["one", "big", "small", "inf", "none", "bytes", "text"]);
    expect(rows).toEqual([[1, "9007199254740993", 1e-5, "Infinity", null, "<2 bytes>", "a;b"]]);
  });

  it("as it is now, and as a version has it", () => {
    expect(answer("SELECT count(*) AS n FROM expver_runs").rows).toEqual([[2]]);
    expect(answer("SELECT count(*) AS n FROM expver_runs", "--version", "e0.1.0")).toMatchObject({
      rows: [[1]],
      of: { version: "e0.1.0" },
    });
    expect(answer("WITH r AS (SELECT version FROM expver_runs) SELECT * FROM r ORDER BY 1 DESC;", "-n", "1")).toMatchObject({
      rows: [["e0.2.0"]],
      more: true,
    });
    expect(answer("VALUES (1), (2)").rows).toHaveLength(2);
  });

  it("takes no statement that writes, attaches or follows another", () => {
    const before = digest();
    const outside = join(repo.root, "../outside.db");
    for (const question of [
      "DELETE FROM expver_runs",
      "SELECT 1; DELETE FROM expver_runs",
      "WITH a AS (SELECT 1) DELETE FROM expver_runs",
      `ATTACH '${outside}' AS other`,
      "PRAGMA journal_mode = wal",
      "VACUUM INTO 'copy.db'",
      "/* x */ UPDATE expver_runs SET version = NULL",
      "SELECT 1) LIMIT 1; DELETE FROM expver_runs; SELECT * FROM (SELECT 1",
      "SELECT load_extension('/tmp/x.so')",
      "SELECT 1 /* ; */; /*",
      "",
      "SELECT * FROM nowhere",
    ]) {
      const { code, error } = ask(question);
      expect({ question, code, error: error?.code }).toEqual({
        question,
        code: question.endsWith("/*") ? 0 : 2,
        error: question.endsWith("/*") ? undefined : "E_USAGE",
      });
    }
    expect(digest()).toBe(before);
    expect(existsSync(outside)).toBe(false);
    expect(repo.expver(["verify"]).code).toBe(0);
  });

  it("says where the bytes of a version are when the cache lacks them", () => {
    expect(ask("SELECT 1", "--version", "e9.0.0").code).toBe(1);
  });
});

describe("data files", () => {
  it("are tables of their names, now and at a version", () => {
    expect(answer("SELECT count(*) AS n, max(petal_length) AS longest FROM train", "--data", "data/train.csv").rows).toEqual([[100, 6.9]]);
    expect(
      answer(
        "SELECT a.n + b.n AS all_rows FROM (SELECT count(*) n FROM train) a, (SELECT count(*) n FROM test) b",
        "--data",
        "data/train.csv",
        "--data",
        "data/test.csv",
      ).rows,
    ).toEqual([[150]]);
    expect(answer("FROM train LIMIT 1", "--data", "data/train.csv", "--version", "e0.1.0").rows).toHaveLength(1);
  });

  it("are all that DuckDB sees", () => {
    const secret = join(repo.root, "secret.csv");
    writeFileSync(secret, "a\n1\n");
    for (const question of [
      `SELECT * FROM read_csv('${secret}')`,
      `SELECT * FROM '${secret}'`,
      "SELECT * FROM read_text('/etc/hostname')",
      "SELECT * FROM glob('/etc/*')",
      "SELECT getenv('HOME')",
    ]) {
      expect({ question, code: ask(question, "--data", "data/train.csv").code }).not.toMatchObject({ code: 0 });
    }
    for (const question of [
      "COPY train TO 'out.csv'",
      "INSTALL httpfs",
      "SET enable_external_access = true",
      "CREATE TABLE x AS SELECT 1",
    ]) {
      expect(ask(question, "--data", "data/train.csv").code).toBe(2);
    }
    for (const question of ["SELECT nope FROM train", "SELECT FROM FROM train"]) {
      expect(ask(question, "--data", "data/train.csv")).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
    }
    expect(ask("SELECT 1", "--data", "../outside.csv")).toMatchObject({ code: 4, error: { code: "E_OUTSIDE" } });
    expect(ask("SELECT 1", "--data", "nowhere.csv")).toMatchObject({
      code: 1,
      error: { code: "E_NOT_FOUND", hint: expect.stringContaining("Check the spelling") },
    });
    expect(ask("SELECT 1", "--data", "train.js")).toMatchObject({ code: 2 });
  });

  it("are only read, whatever hides a second statement", async () => {
    const path = join(repo.root, "data/train.csv");
    const before = readFileSync(path);
    const target = `$$${path}$$`;
    for (const question of [
      `SELECT 1 -- '\n; COPY (SELECT 666 AS x) TO ${target} (FORMAT csv, USE_TMP_FILE false); -- '`,
      `SELECT E'\\''; COPY (SELECT 666 AS x) TO ${target} (FORMAT csv, USE_TMP_FILE false); --'`,
      `SELECT $$'$$; COPY (SELECT 666 AS x) TO ${target} (FORMAT csv, USE_TMP_FILE false); SELECT '$$'`,
    ]) {
      expect(ask(question, "--data", "data/train.csv")).toMatchObject({ code: 2 });
      // The engine's own look at it, without the one before.
      const table = { name: "train", path, kind: "csv" as const, file: "t.csv" };
      await expect(queryData([table], question, { limit: 1, memory: "200MB" })).rejects.toMatchObject({ code: "E_USAGE" });
      expect(readFileSync(path).equals(before)).toBe(true);
    }
    for (const question of [
      `SELECT * FROM enable_logging(storage='file', storage_path='${path}')`,
      `SELECT * FROM train WHERE EXISTS (FROM enable_profiling(save_location='${path}'))`,
      "SELECT * FROM query('SELECT * FROM duckdb_settings()')",
      "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    ]) {
      expect(ask(question, "--data", "data/train.csv")).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
    }
    expect(answer("SELECT count(*) AS n, $$;'$$ AS text FROM train, range(2)", "--data", "data/train.csv").rows).toEqual([[200, ";'"]]);
  });

  it("are those very files, also where DuckDB would look for others, or for a column in the folder's name", () => {
    repo.write("odd/lr=1/t[1].csv", "id\n7\n");
    repo.write("odd/lr=1/t1.csv", "id\n8\n");
    expect(answer('SELECT * FROM "t[1]"', "--data", "odd/lr=1/t[1].csv")).toMatchObject({ columns: ["id"], rows: [[7]] });
  });

  it("have their values under their own columns, also those called by numbers", () => {
    repo.write("pixels.csv", "label,7,3\ncat,70,30\n");
    expect(answer("--data", "pixels.csv", "FROM pixels")).toMatchObject({ columns: ["label", "7", "3"], rows: [["cat", 70, 30]] });
  });

  it("of one name are told apart by their folders", () => {
    mkdirSync(join(repo.root, "old"), { recursive: true });
    copyFileSync(join(repo.root, "data/train.csv"), join(repo.root, "old/train.csv"));
    const both = answer('SELECT count(*) AS n FROM "data/train", "old/train"', "--data", "data/train.csv", "--data", "old/train.csv");
    expect(both.rows).toEqual([[10_000]]);
  });

  it("leave nothing of a question that was broken off, which may have spilled gigabytes", async () => {
    const folder = makeFolder("spill");
    const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    const env = { ...repo.context.env, TMPDIR: folder } as NodeJS.ProcessEnv;
    const child = spawn(process.execPath, [MAIN, "sql", endless, "--data", "data/train.csv"], { cwd: repo.root, env });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on("close", (_, signal) => resolve(signal)));
    const spilled = () => readdirSync(folder).filter((name) => name.startsWith("expver-sql-"));
    await expect.poll(() => spilled().length, { timeout: 60_000 }).toBe(1);
    child.kill("SIGINT");
    expect(await ended).toBe("SIGINT");
    expect(spilled()).toEqual([]);
  });
});
