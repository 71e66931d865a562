import { describe, expect, it } from "vitest";
import { renderList } from "../../src/cli/render/list.ts";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { list } from "../../src/workflows/list.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { PIPE, testTerminal } from "../support/terminal.ts";

/** A version's tag with trailers. */
function record(repo: TestRepository, name: string, metrics: string[], { params = [] as string[], text = "text" } = {}): void {
  repo.commit(name);
  const trailers = ["Kind: run", `Run: run-${name}`, ...params.map((one) => `Param: ${one}`), ...metrics.map((one) => `Metric: ${one}`)];
  repo.git("tag", "-a", name, "--cleanup=verbatim", "-m", `${text}\n\n${trailers.join("\n")}\n`);
}

const order = async (repo: TestRepository, input = {}) =>
  (await list.read(repo.context, input)).versions.map(({ version, rank }) => [version, rank]);

describe("the order of the list", () => {
  it("is by the primary metric in its own direction, equal ones by time, NaN and missing last", async () => {
    const repo = makeRepository();
    repo.write("expver.yaml", "metrics: { loss: min, accuracy: max }\n");
    record(repo, "e0.1.0", ["loss=0.5 min", "accuracy=0.9 max"]);
    record(repo, "e0.2.0", ["loss=10 min"]);
    record(repo, "e0.3.0", ["loss=NaN min"]);
    record(repo, "e0.4.0", ["accuracy=1 max"]);
    record(repo, "e0.5.0", ["loss=1e-05 min", "accuracy=0.2 max"]);
    record(repo, "e0.6.0", ["loss=0.50 min"]);
    expect(await order(repo)).toEqual([
      ["e0.5.0", 1],
      ["e0.1.0", 2],
      ["e0.6.0", 2],
      ["e0.2.0", 4],
      ["e0.3.0", null],
      ["e0.4.0", null],
    ]);
    expect((await order(repo, { sort: "accuracy" })).slice(0, 3)).toEqual([
      ["e0.4.0", 1],
      ["e0.1.0", 2],
      ["e0.5.0", 3],
    ]);
    expect((await order(repo, { sort: "version", limit: "2" })).map(([name]) => name)).toEqual(["e0.6.0", "e0.5.0"]);
    expect((await order(repo, { sort: "date", limit: "1" })).map(([name]) => name)).toEqual(["e0.6.0"]);
  });

  it("ranks over all versions before it limits, and counts what it left out", async () => {
    const repo = makeRepository();
    for (const index of [1, 2, 3, 4, 5]) record(repo, `e0.${index}.0`, index === 4 ? [] : [`f1=0.${index} max`]);
    expect(await list.read(repo.context, { limit: "1" })).toMatchObject({
      versions: [{ version: "e0.5.0", rank: 1, metrics: { f1: "0.5" } }],
      total: 5,
      leftOut: 4,
      withoutMetric: 1,
      sort: { by: "metric", metric: "f1", direction: "max", source: "tag" },
    });
  });

  it("shows of many parameters those in which versions differ, and says what it has no room for", async () => {
    const repo = makeRepository();
    const params = (width: number) => Array.from({ length: 30 }, (_, index) => `p${index}=${index === 25 ? width : index}`);
    record(repo, "e0.1.0", ["f1=0.5 max"], { params: params(64) });
    record(repo, "e0.2.0", ["f1=0.6 max"], { params: params(128) });
    const text = renderList(await list.read(repo.context, {}), PIPE);
    expect(text).toMatch(/^# +version +f1 +p25 +p0 +p1 /m);
    expect(text).toMatch(/p7, p8, .* and \d+ more|p7, p8/);
    expect(text).toMatch(/e0\.2\.0 +0\.6 +128 /);
  });

  it("names the known ones when the column does not exist", async () => {
    const repo = makeRepository();
    record(repo, "e0.1.0", ["f1=0.5 max", "loss=1 min"]);
    await expect(list.read(repo.context, { sort: "accuracy" })).rejects.toMatchObject({
      code: "E_NOT_FOUND",
      message: expect.stringContaining("f1, loss, version, date"),
    });
    expect(await order(repo, { metric: "F1" })).toEqual([["e0.1.0", 1]]);
    await expect(list.read(repo.context, { limit: "-3" })).rejects.toMatchObject({ code: "E_USAGE" });
  });

  it("is by number when no version has a metric", async () => {
    const repo = makeRepository();
    repo.commit("first");
    for (const name of ["e0.9.0", "e0.10.0"]) repo.git("tag", name);
    expect(await list.read(repo.context, {})).toMatchObject({
      sort: { by: "version" },
      versions: [{ version: "e0.10.0", rank: null }, { version: "e0.9.0" }],
    });
  });
});

describe("what the list says", () => {
  it("reads the numbers of the original script's tags", async () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "-a", "e0.1.0", "-m", "model=bert-base | lr=1e-4 | F1=0.89 | data=3a2f1b | text");
    expect(await list.read(repo.context, {})).toMatchObject({
      sort: { metric: "F1", source: "guess" },
      versions: [
        { rank: 1, kind: null, metrics: { F1: "0.89" }, params: { model: "bert-base", lr: "1e-4" }, data: "3a2f1b", description: "text" },
      ],
    });
  });

  it("says not published only where a remote exists and the tag was made here", async () => {
    const repo = makeRepository();
    record(repo, "e0.1.0", []);
    record(repo, "e0.2.0", []);
    repo.git("update-ref", "refs/expver/unpublished/e0.1.0", "refs/tags/e0.1.0");
    const marks = async () => (await list.read(repo.context, {})).versions.map(({ version, unpublished }) => [version, unpublished]);
    expect(await marks()).toEqual([
      ["e0.2.0", null],
      ["e0.1.0", null],
    ]);
    repo.git("remote", "add", "origin", "/nowhere");
    expect(await marks()).toEqual([
      ["e0.2.0", false],
      ["e0.1.0", true],
    ]);
    repo.git("tag", "-f", "e0.1.0", "HEAD");
    expect(await marks()).toEqual([
      ["e0.2.0", null],
      ["e0.1.0", null],
    ]);
  });

  it("counts the runs that are no version, and lives without the database", async () => {
    const repo = makeRepository();
    record(repo, "e0.1.0", ["f1=1 max"]);
    expect((await list.read(repo.context, {})).unversioned).toBeNull();
    repo.write("results/keep", "");
    const db = openDatabase(`${repo.root}/results/experiments.db`, { create: true });
    db.run("CREATE TABLE expver_runs (run_id PRIMARY KEY, version, status)");
    db.run("INSERT INTO expver_runs VALUES ('a',NULL,'failed'),('b',NULL,'failed'),('c','e0.1.0','finished'),('d',NULL,'killed')");
    db.close();
    const data = await list.read(repo.context, {});
    expect(data.unversioned).toEqual([
      { status: "failed", runs: 2 },
      { status: "killed", runs: 1 },
    ]);
    expect(renderList(data, PIPE)).toContain("3 runs without a version (2 failed, 1 killed): expver runs");
    repo.write("results/experiments.db", "this is no database, whatever its name says");
    expect((await list.read(repo.context, {})).unversioned).toBeNull();
    expect(repo.warnings().join()).toContain("not counted");
  });
});

describe("the table", () => {
  async function wide() {
    const repo = makeRepository();
    record(repo, "e0.1.0", ["accuracy=0.86670000000000003 max", "loss=1e-05 min"], {
      params: ["model=logreg", "lr=0.1"],
      text: "first baseline",
    });
    record(repo, "e0.2.0", ["accuracy=0.9 max"], { params: ["lr=1"], text: "the second, which is better" });
    repo.git("tag", "-d", "e0.1.0");
    repo.git("tag", "e2");
    record(repo, "e0.3.0", ["accuracy=0.86670000000000003 max", "loss=1e-05 min"], { params: ["model=logreg", "lr=0.1"], text: "third" });
    repo.git("reset", "-q", "--hard", "HEAD~1");
    return list.read(repo.context, {});
  }

  it("shows every digit, and in a pipe everything", async () => {
    expect(renderList(await wide(), PIPE)).toBe(
      `2 versions, best accuracy first (highest is best)
#  version             accuracy   loss   model   lr  date        notes       description
1  e0.2.0                   0.9                   1  2026-03-01              the second, which is better
2  e0.3.0   0.86670000000000003  1e-05  logreg  0.1  2026-03-01  off-branch  third
e0.3.0 is on no branch: its tag alone keeps it, whole; git branch NAME e0.3.0 puts a branch there
not versions although they look like it: e2
`,
    );
  });

  it("fits a narrow terminal and names what does not", async () => {
    const text = renderList(await wide(), testTerminal({ width: 60 }));
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(text).toContain("0.86670000000000003");
    expect(text).toMatch(/not shown for width: .*model, lr.*; cut for width:\ndescription \(--all shows everything\)/);
  });

  it("limits rows on a terminal only, and says so", async () => {
    const repo = makeRepository();
    repo.commit("first");
    for (let index = 0; index < 40; index += 1) repo.git("tag", `e0.${index}.0`);
    const data = await list.read(repo.context, {});
    expect(renderList(data, testTerminal())).toContain("10 more: expver list --all");
    expect(
      renderList(data, PIPE)
        .split("\n")
        .filter((line) => line.startsWith("e0.")),
    ).toHaveLength(40);
    expect(renderList(await list.read(repo.context, { limit: "35" }), testTerminal())).toContain("5 more");
  });

  it("says when the direction is a guess", async () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "-a", "e0.1.0", "-m", "loss=0.1 | x");
    expect(renderList(await list.read(repo.context, {}), PIPE)).toMatch(
      /lowest is best, a guess from the name[\s\S]*settle the direction in expver.yaml: metrics: \{ loss: min \}/,
    );
  });

  it("lists tags one a line, highest first, when asked", async () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "-a", "e0.1.0", "-m", "lr=1 | a\tb");
    repo.git("tag", "-a", "e0.2.0", "-m", "second");
    expect(renderList(await list.read(repo.context, { tags: true }), PIPE)).toBe('e0.2.0  second\ne0.1.0  lr=1 | "a\\tb"');
  });

  it("points to the first step when there is nothing", async () => {
    expect(renderList(await list.read(makeRepository().context, {}), PIPE)).toMatch(/no versions yet: .*`expver sync` brings those/);
  });

  it("says of a repository whose tags are named otherwise that these are no versions, and what takes them", async () => {
    const repo = makeRepository();
    repo.commit("first");
    for (let index = 1; index < 13; index += 1) repo.git("tag", `v${index}.0`);
    const text = renderList(await list.read(repo.context, {}), testTerminal({ width: 80 }));
    expect(text).toContain("12 tags are no versions (v1.0, v10.0, v11.0");
    expect(text.replaceAll("\n", " ")).toContain("and 2 more): a version's name is e1.2.3; `expver get`, `diff`");
    const { error } = repo.expverJson(["show", "v1.0"]);
    expect(error).toMatchObject({ code: "E_NOT_FOUND", hint: expect.stringContaining("expver checkout v1.0") });
    expect(repo.expver(["diff", "v1.0", "v2.0"]).code).toBe(0);
  });

  it("is reached from the command line, as text and as JSON", () => {
    const repo = makeRepository();
    record(repo, "e0.1.0", ["f1=0.5 max"]);
    expect(repo.expver(["list"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n1 {2}e0\.1\.0 +0\.5/) });
    expect(repo.expverJson(["list", "-n", "1"])).toMatchObject({ ok: true, data: { total: 1, versions: [{ version: "e0.1.0" }] } });
    expect(repo.expver(["list", "--sort", "nope"])).toMatchObject({ code: 1, stdout: "" });
  });
});
