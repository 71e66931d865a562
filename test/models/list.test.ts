/** Which models there are, and which one is in production: by run, by hash, in the direction of the metric. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { bestFirst } from "../../src/workflows/models/metric-choice.ts";
import { runMeant } from "../../src/workflows/models/pick-model.ts";
import { LOSSES, makeModels, md5, modelOf, must, runOfVersion, train } from "./story.ts";

it("every model once, lowest loss first, with its bytes' places", () => {
  const repo = makeModels();
  const { models, by, production } = must(repo, "models", "list");
  expect(by).toEqual({ metric: "loss", direction: "min", source: "config" });
  expect(models.map(({ version, value, rank }: Record<string, unknown>) => [version, value, rank])).toEqual([
    ["e0.2.0", "0.2", 1],
    ["e0.1.0", "0.5", 2],
    ["e0.3.0", "0.9", 3],
  ]);
  for (const model of models) {
    expect(model).toMatchObject({ hash: md5(modelOf(model.value)), run: runOfVersion(repo, model.version), bytesAre: ["cache"] });
    expect(model.size).toBe(modelOf(model.value).length);
  }
  expect(production.state).toBe("none");
  const other = must(repo, "models", "--metric", "accuracy").models;
  expect(other.map(({ version }: { version: string }) => version)).toEqual(["e0.2.0", "e0.1.0", "e0.3.0"]);
});

it("of a run that left several models each is named by its file", () => {
  const repo = makeModels();
  expect(repo.expver(["models", "list"]).stdout).not.toContain("file");
  const program = "mkdir -p models && echo a > models/a.bin && echo b > models/b.bin";
  expect(repo.expver(["run", "--yes", "-m", "two", "--", "sh", "-c", program]).code).toBe(0);
  expect(repo.expver(["models", "list"]).stdout).toMatch(/file[\s\S]*models\/a\.bin[\s\S]*models\/b\.bin/);
});

it("a merge has no model of its own, unless nobody else has it", () => {
  const repo = makeModels();
  const merge = (version: string, hash: string, loss: string) =>
    repo.git(
      "tag",
      "-a",
      version,
      "e0.2.0^{}",
      "-m",
      `merge\n\nKind: merge\nMerged: e0.2.0\nModel: ${hash} 3 models/model.json\nMetric: loss=${loss} min`,
    );
  merge("e0.4.0", md5(modelOf("0.2")), "0.2");
  merge("e0.5.0", "0".repeat(32), "0.3");
  const { models, withoutModel } = must(repo, "models", "list");
  expect(models.map(({ version }: { version: string }) => version)).toEqual(["e0.2.0", "e0.5.0", "e0.1.0", "e0.3.0"]);
  expect(withoutModel).toEqual([]);
  // It can be taken from it all the same.
  expect(must(repo, "models", "get", "e0.4.0", "-o", "merged.json")).toMatchObject({ hash: md5(modelOf("0.2")) });
});

it("what lies in production is told by its bytes, not by the nearest tag", () => {
  const repo = makeModels();
  repo.write("models/production/model.json", modelOf("0.5"));
  const { models } = must(repo, "models", "list");
  expect(models.filter(({ isProduction }: { isProduction: boolean }) => isProduction)).toMatchObject([{ version: "e0.1.0" }]);
  expect(repo.expver(["models", "list", "-n", "1"]).stdout).toContain(`in production: e0.1.0 ${runOfVersion(repo, "e0.1.0")} rank 2\n`);
  const info = must(repo, "models", "info");
  expect(info.production.state).toBe("untracked");
  expect(info.is).toMatchObject([{ version: "e0.1.0", run: runOfVersion(repo, "e0.1.0") }]);
  repo.write("models/production/model.json", "something else");
  expect(must(repo, "models", "info").is).toEqual([]);
  expect(repo.expver(["models", "info"]).stdout).toMatch(/of no version, run or candidate/);
});

it("candidates belong to runs, to tracks of other programs, or to nobody", () => {
  const repo = makeModels();
  const run = runOfVersion(repo, "e0.3.0");
  must(repo, "log", "loss=0.1", "--track-id", "my_track");
  repo.write(`models/candidates/${run}_model.json`, modelOf("0.9"));
  repo.write(`models/candidates/${run}_head.json`, "another part");
  repo.write("models/candidates/my_track_model.bin", "by another program");
  repo.write("models/candidates/calm-fox-0001_model.bin", "of a run nobody knows");
  repo.write("models/candidates/best.bin", "whose?");
  const { models, strays } = must(repo, "models", "list");
  expect(strays).toEqual(["models/candidates/best.bin"]);
  const rows = models.map(({ run, value, path, candidate }: Record<string, string>) => [run, value, path, candidate]);
  expect(rows).toContainEqual([run, "0.9", "models/model.json", `models/candidates/${run}_model.json`]);
  expect(rows).toContainEqual([run, "0.9", `models/candidates/${run}_head.json`, `models/candidates/${run}_head.json`]);
  expect(rows).toContainEqual(["calm-fox-0001", null, ...Array(2).fill("models/candidates/calm-fox-0001_model.bin")]);
  expect(rows[0]).toEqual(["my_track", "0.1", ...Array(2).fill("models/candidates/my_track_model.bin")]);
  expect(models).toHaveLength(LOSSES.length + 3);
});

it("a run without a version has its model in the list; one that left none does not get that of another", () => {
  const repo = makeModels();
  const run = train(repo, "0.4", "--no-tag");
  expect(repo.expver(["run", "--", "node", "-e", "process.exit(3)"]).code).toBe(1);
  must(repo, "run", "--no-tag", "--", "node", "-e", "");
  const { models } = must(repo, "models", "list");
  expect(models.filter(({ version }: { version: string | null }) => version === null)).toMatchObject([
    { run, value: "0.4", hash: md5(modelOf("0.4")) },
  ]);
});

it("reads the runs of a database that an older expver made", () => {
  const repo = makeModels();
  const db = openResults(join(repo.root, "results/experiments.db"), {});
  db.exec("ALTER TABLE expver_runs DROP COLUMN git_commit");
  db.close();
  expect(must(repo, "models", "list").models).toHaveLength(3);
});

it("names a metric that nobody has", () => {
  const repo = makeModels();
  expect(repo.expverJson(["models", "list", "--metric", "los"]).error).toMatchObject({
    code: "E_NOT_FOUND",
    hint: "expver models list --metric loss",
  });
});

it("of equal ones the older is first, whatever they are called; the beginning of two runs names none", () => {
  const model = (path: string, date: string) => ({ path, date, metrics: { loss: "0.5" } });
  const models = [model("a", "2026-02-01T00:00:00Z"), model("b", "2026-01-01T00:00:00Z"), model("c", "")];
  const by = { metric: "loss", direction: "min", source: "config" } as const;
  for (const some of [models, models.toReversed()]) expect(bestFirst(some, by).map(({ path }) => path)).toEqual(["b", "a", "c"]);
  const known = { runs: new Set(["quiet-otter-0412", "quiet-fox-0001"]), folder: { path: "", candidates: [] } };
  expect(["quiet", "quiet-f", "quiet-otter-0412", ""].map((asked) => runMeant(known as never, asked))).toEqual([
    null,
    "quiet-fox-0001",
    "quiet-otter-0412",
    null,
  ]);
});

it("of equal ones the older is the best, also when its tag was made anew", () => {
  const repo = makeModels();
  train(repo, LOSSES[1] as string);
  const best = () => must(repo, "models", "promote", "--best", "--dry-run").model.version;
  expect(best()).toBe("e0.2.0");
  repo.setTime("2026-12-01T12:00:00Z");
  const message = repo.git("for-each-ref", "--format=%(contents)", "refs/tags/e0.2.0");
  repo.run("git", ["tag", "-f", "-a", "e0.2.0", "e0.2.0^{}", "--cleanup=verbatim", "-F", "-"], { input: message });
  expect(best()).toBe("e0.2.0");
});
