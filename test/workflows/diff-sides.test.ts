/** `expver diff` with what is no version: this worktree now, other worktrees, commits; and tables row by row. */
import { rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { compareTables } from "../../src/merge/data/compare-data.ts";
import { openDuckDb } from "../../src/merge/data/duckdb.ts";
import { openResults } from "../../src/results/database.ts";
import { makeFolder, makeRepository, openTestRepository, seededRandom, type TestRepository } from "../support/repository.ts";

const TRAIN = `mkdir -p models
printf '{"accuracy": %s}' "$ACCURACY" > metrics.json
cat data/train.csv > models/model.bin
`;

function must(repo: TestRepository, args: string[], env: Record<string, string> = {}): void {
  const { code, stderr } = repo.expver(args, { env });
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

it("now has a change of the same size in the second in which Git last looked", () => {
  const repo = makeRepository();
  // So that what the change does to a file beside its bytes can be hidden from Git, as one second hides it.
  repo.git("config", "core.trustctime", "false");
  const second = Math.floor(Date.now() / 1000) - 10;
  const hide = (path: string) => utimesSync(join(repo.root, path), second, second);
  repo.write("params.yaml", "lr: 0.1\n");
  hide("params.yaml");
  repo.commit("first");
  hide(".git/index");
  repo.write("params.yaml", "lr: 0.3\n");
  hide("params.yaml");
  const { data } = repo.expverJson(["diff", "HEAD", "now"]);
  expect(data.code[0].files.map(({ path }: { path: string }) => path)).toEqual(["params.yaml"]);
});

describe("worktrees and commits", () => {
  let repo: TestRepository;
  const train = (where: TestRepository, accuracy: string) =>
    must(where, ["run", "--metrics", "metrics.json", "--", "sh", "train.sh"], { ACCURACY: accuracy });
  const diff = (...args: string[]) => repo.expverJson(["diff", ...args]);

  beforeAll(() => {
    repo = makeRepository();
    must(repo, ["init"]);
    repo.write("data/train.csv", "id,age\n1,10\n2,20\n3,30\n");
    must(repo, ["data", "add", "data/train.csv"]);
    repo.commit("first", {
      "expver.yaml": "metrics: { accuracy: max }\nparams: params.yaml\n",
      "params.yaml": "lr: 0.1\n",
      "train.sh": TRAIN,
      ".gitignore": `${repo.read(".gitignore")}metrics.json\n`,
    });
    train(repo, "0.5");
    must(repo, ["worktree", "create", "other"]);
    const other = openTestRepository(join(repo.root, "../exp-other"));
    other.write("params.yaml", "lr: 0.2\n");
    train(other, "0.6");
    other.write("notes.txt", "in no commit\n");
  });

  it("now is what stands here, committed or not, and looking leaves nothing behind", () => {
    expect(diff("e0.1.0", "now")).toMatchObject({
      code: 0,
      data: { differs: false, versions: [{ kind: "version" }, { kind: "worktree", version: "now" }] },
    });
    const objects = repo.git("count-objects", "-v");
    repo.write("params.yaml", "lr: 0.3\n");
    repo.write("src/new.py", "new\n");
    rmSync(join(repo.root, "data/train.csv"));
    repo.write("data/train.csv", "id,age\n2,20\n3,31\n4,40\n");
    const { data } = diff("e0.1.0", "now", "--code", "--key-columns", "id");
    expect(data.params).toEqual([{ name: "lr", values: ["0.1", "0.3"], differs: true }]);
    expect(data.metrics[0]).toMatchObject({ name: "accuracy", verdicts: ["same"] });
    expect(data.code[0].files.map(({ path }: { path: string }) => path)).toEqual(["params.yaml", "src/new.py"]);
    expect(data.code[0].patch).toContain("+new");
    expect(data.tables[0].difference).toMatchObject({
      before: 3,
      after: 3,
      added: 1,
      removed: 1,
      changed: 1,
      cells: { age: 1 },
      examples: [{ key: { id: "3" }, column: "age", from: "30", to: "31" }],
    });
    expect(repo.expver(["diff", "e0.1.0", "now", "--key-columns", "id"]).stdout).toContain("id=3  age 30 → 31");
    expect(repo.git("count-objects", "-v")).toBe(objects);
    expect(repo.git("status", "--porcelain")).toContain("?? src/");
    repo.git("checkout", "-q", "params.yaml");
    rmSync(join(repo.root, "src"), { recursive: true });
    must(repo, ["data", "checkout", "--force"]);
  });

  it("another worktree by name or path, from here and from there", () => {
    for (const name of ["other", "../exp-other"]) {
      const { data } = diff("now", name);
      expect(data.params).toEqual([{ name: "lr", values: ["0.1", "0.2"], differs: true }]);
      expect(data.metrics[0]).toMatchObject({ values: ["0.5", "0.6"], deltas: ["+0.1"], verdicts: ["better"] });
      expect(data.code[0].files.map(({ path }: { path: string }) => path)).toEqual(["notes.txt", "params.yaml"]);
    }
    const other = openTestRepository(join(repo.root, "../exp-other"));
    expect(other.expverJson(["diff", "e0.2.0", "now"]).data.code[0].files).toMatchObject([{ path: "notes.txt" }]);
  });

  it("now has the numbers of the run behind HEAD: not of a failed one, of another branch, or of a sweep's last", () => {
    const here = makeRepository();
    must(here, ["init"]);
    here.commit("first", {
      "expver.yaml": "metrics: { accuracy: max }\n",
      "train.sh": "mkdir -p models\necho $1$ACCURACY > models/model.bin\nprintf '{\"accuracy\": %s}' $1$ACCURACY > metrics.json\n",
    });
    const now = () => here.expverJson(["diff", "e0.1.0", "now"]).data.metrics[0].values[1];
    train(here, "0.5");
    here.git("switch", "-q", "-c", "other");
    here.commit("other", { "other.txt": "" });
    train(here, "0.6");
    expect(now()).toBe("0.6");
    here.expver(["run", "--metrics", "metrics.json", "--", "sh", "-c", "sh train.sh 0.1; exit 3"]);
    expect(now()).toBe("0.6");
    here.git("switch", "-q", "main");
    expect(now()).toBe("0.5");
    must(here, ["data", "checkout", "--force"]);
    must(here, ["sweep", "--grid", "a=0.9,0.2", "-m", "x", "--metrics", "metrics.json", "--", "sh", "train.sh", "{a}"]);
    expect(here.expverJson(["diff", "e0.1.0", "now"]).data).toMatchObject({
      params: [{ name: "a", values: [null, "0.9"] }],
      metrics: [{ values: ["0.5", "0.9"] }],
    });
    expect(here.expver(["diff", "e0.1.0", "now"]).stdout).toMatch(/now: best run of e0\.3\.0: \S+/);
  });

  it("now has no numbers of a run that another branch began at the very commit this one is at", () => {
    const here = makeRepository();
    must(here, ["init"]);
    here.commit("first", {
      "train.sh": "mkdir -p models\necho $ACCURACY > models/model.bin\nprintf '{\"accuracy\": %s}' $ACCURACY > metrics.json\n",
    });
    const now = () => here.expverJson(["diff", "e0.1.0", "now"]).data.metrics[0].values[1];
    train(here, "0.5");
    here.git("branch", "idea");
    train(here, "0.6");
    here.git("switch", "-q", "idea");
    must(here, ["data", "checkout", "--force", "models/model.bin.dvc"]);
    expect(now()).toBe("0.5");
    must(here, ["restore", "e0.2.0", "models"]);
    expect(now()).toBe("0.6");
  });

  it("now has the numbers of a run before the first commit, but of one that failed only when there is no other", () => {
    const run = (accuracy: string, code: number) => ["sh", "-c", `printf '{"accuracy": ${accuracy}}' > metrics.json; exit ${code}`];
    const begun = (accuracy: string, code: number) => {
      const here = makeRepository();
      must(here, ["init"]);
      here.write("expver.yaml", "metrics: { accuracy: max }\n");
      here.expver(["run", "--no-commit", "--metrics", "metrics.json", "--", ...run(accuracy, code)]);
      here.commit("first");
      return here;
    };
    const now = (here: TestRepository) => here.expverJson(["diff", "HEAD", "now"]).data.metrics[0].values[1];
    const good = begun("0.3", 0);
    good.expver(["run", "--metrics", "metrics.json", "--", ...run("0.1", 3)]);
    expect([now(good), now(begun("0.2", 3))]).toEqual(["0.3", "0.2"]);
  });

  it("now says whose model lies here, when it is not that of the run whose numbers are shown", () => {
    const here = makeRepository();
    must(here, ["init"]);
    here.commit("first");
    for (const lr of ["1", "2"])
      must(here, ["run", "--param", `lr=${lr}`, "--", "sh", "-c", "mkdir -p models && echo {lr} > models/model.bin"]);
    const now = () => here.expverJson(["diff", "e0.2.0", "now"]).data.versions[1].description;
    expect(now()).toMatch(/^latest run: \S+$/);
    must(here, ["restore", "e0.1.0"]);
    expect(now()).toMatch(/^latest run: \S+; models\/model.bin is that of e0\.1\.0$/);
    here.write("models/other.bin", "x");
    rmSync(join(here.root, "models/model.bin"));
    expect(now()).toMatch(/^latest run: \S+$/);
  });

  it("any commit; a word that is nothing is told to be no version", () => {
    expect(diff("HEAD~1", "e0.1.0").data).toMatchObject({ versions: [{ kind: "commit", version: "HEAD~1" }, { kind: "version" }] });
    expect(diff("e0.1.0", "nothing").error?.code).toBe("E_NOT_FOUND");
    expect(diff("e0.1.0").error).toMatchObject({ code: "E_USAGE", hint: expect.stringContaining("expver diff e0.1.0 now") });
  });

  it("a record of a run that somebody has spoilt says nothing, and stops nothing", () => {
    const db = openResults(join(repo.root, "results/experiments.db"));
    const spoil = (params: string, metrics: string) => db.run("UPDATE expver_runs SET params = ?, metrics = ?", [params, metrics]);
    const [before] = db.all("SELECT params, metrics FROM expver_runs");
    spoil("{", '[1, "x"]');
    const { code, data } = diff("e0.1.0", "now");
    spoil(String(before?.params), String(before?.metrics));
    db.close();
    expect(code).toBe(0);
    expect(data.metrics).toMatchObject([{ name: "accuracy", values: ["0.5", null] }]);
  });

  it("rows whose bytes are not here are not guessed at; a key that is none is refused", () => {
    expect(diff("e0.1.0", "now", "--key-columns", "nothing").data.tables).toEqual([]);
    rmSync(join(repo.root, "data/train.csv"));
    repo.write("data/train.csv", "id,age\n1,10\n1,20\n");
    expect(diff("e0.1.0", "now", "--key-columns", "id").error).toMatchObject({ code: "E_KEY", message: expect.stringContaining("id=1") });
    expect(diff("e0.1.0", "now", "--rows").data.tables[0].difference).toMatchObject({ added: 1, removed: 2, changed: null });
    rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
    expect(diff("e0.1.0", "now", "--rows").data.tables[0]).toMatchObject({ difference: null, missing: ["e0.1.0"] });
  });
});

it("keyed changes are those of brute force, in every kind of file", async () => {
  const random = seededRandom(11);
  const whole = (below: number) => Math.floor(random() * below);
  const folder = openTestRepository(makeFolder("tables"));
  for (let round = 0; round < 12; round += 1) {
    const table = () =>
      new Map(Array.from({ length: whole(30) }, () => [whole(20), [whole(3), random() < 0.2 ? null : `t'${whole(3)}`] as const]));
    const [before, after] = [table(), table()];
    const csv = (rows: typeof before) =>
      `id,a "n",b\n${[...rows].map(([id, [n, b]]) => `${id},${n},${b ?? ""}`).join("\n")}\n`.replace('a "n"', '"a ""n"""');
    const lines = (rows: typeof before) => [...rows].map(([id, [n, b]]) => `${JSON.stringify({ id, 'a "n"': n, b })}\n`).join("");
    const isCsv = round % 2 === 0;
    if (!isCsv && (before.size === 0 || after.size === 0)) continue;
    folder.write("before", isCsv ? csv(before) : lines(before));
    folder.write("after", isCsv ? csv(after) : lines(after));
    const paths = { before: join(folder.root, "before"), after: join(folder.root, "after"), name: isCsv ? "x.csv" : "x.jsonl" };
    const found = await compareTables({ ...paths, key: ["id"] });
    const both = [...before].filter(([id]) => after.has(id));
    const differing = (column: 0 | 1) => both.filter(([id, row]) => row[column] !== after.get(id)?.[column]).length;
    const changed = both.filter(([id, row]) => JSON.stringify(row) !== JSON.stringify(after.get(id))).length;
    expect(found).toMatchObject({ added: after.size - both.length, removed: before.size - both.length, changed });
    expect([found.cells['a "n"'] ?? 0, found.cells.b ?? 0]).toEqual([differing(0), differing(1)]);
    const byValues = await compareTables({ ...paths, key: [] });
    expect(byValues.added).toBe(found.added + changed);
    expect(byValues.removed).toBe(found.removed + changed);
  }
});

it("whole numbers among floats are the numbers they were; a row without a key is the row without it", async () => {
  const folder = openTestRepository(makeFolder("floats"));
  const paths = { before: join(folder.root, "before"), after: join(folder.root, "after"), name: "x.parquet" };
  const db = await openDuckDb({ spill: folder.root, memory: "100MB" });
  const write = (file: string, type: string, rows: string) =>
    db.run(`COPY (SELECT id::${type} AS id, age::${type} AS age FROM (VALUES ${rows}) AS t(id, age)) TO '${file}' (FORMAT parquet)`);
  const before = "(1, 34), (NULL, 9007199254740993), (3, -5), (4, 2)";
  await write(paths.before, "BIGINT", before);
  await write(paths.after, "DOUBLE", "(1, 34), (NULL, 9007199254740993), (3.5, -5), (4, 'nan'::DOUBLE)");
  expect(await compareTables({ ...paths, key: ["id"] })).toMatchObject({ added: 1, removed: 1, changed: 2, cells: { age: 2 } });
  expect(await compareTables({ ...paths, key: [] })).toMatchObject({ added: 3, removed: 3 });
  await write(paths.after, "BIGINT", before);
  expect(await compareTables({ ...paths, key: ["id"] })).toMatchObject({ added: 0, removed: 0, changed: 0 });
  db.close();
});
