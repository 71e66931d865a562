/** A metric that is better when lower, from the first run to the last prune: every command keeps the lowest. */
import { expect, it } from "vitest";
import { makeModels, modelOf, must, train } from "./story.ts";

const PRODUCTION = "models/production/model.json";

interface Row {
  version: string;
  rank: number | null;
}

it("run, list, sweep, promote, prune and info", () => {
  const repo = makeModels();
  // Losses 0.5, 0.2, 0.9 are there already; accuracy, which the tags have too, is not the first metric.
  train(repo, "0.15", "--no-tag");
  expect(must(repo, "list").versions.map(({ version, rank }: Row) => `${rank} ${version}`)).toEqual(["1 e0.2.0", "2 e0.1.0", "3 e0.3.0"]);
  must(repo, "models", "promote", "e0.1.0");

  const sweep = (targets: string) =>
    must(repo, "sweep", "--grid", `target=${targets}`, "--jobs", "2", "--keep", "2", "--metrics", "metrics.json", "--", "node", "train.js");
  const better = sweep("0.8,0.3,0.4");
  expect(better).toMatchObject({ direction: "min", best: { value: "0.3" }, promotion: { promoted: true }, kept: 2 });
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.3"));
  const worse = sweep("0.7,0.6");
  expect(worse).toMatchObject({ best: { value: "0.6" }, promotion: { promoted: false } });
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.3"));

  const { by, models } = must(repo, "models", "list");
  expect(by).toMatchObject({ metric: "loss", direction: "min" });
  const losses = models.map(({ value }: { value: string }) => Number(value));
  expect(losses).toEqual(losses.toSorted((one: number, other: number) => one - other));
  expect(losses.slice(0, 3)).toEqual([0.15, 0.2, 0.3]);

  expect(repo.expverJson(["models", "promote", "e0.1.0", "--better-than", "production"]).code).toBe(4);
  expect(must(repo, "models", "promote", "--best", "--better-than", "production", "--max", "loss=0.15")).toMatchObject({ version: null });
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.15"));
  expect(must(repo, "models", "info").is).toMatchObject([{ metrics: { loss: "0.15" } }]);

  // Of the folder's 0.3, 0.4, 0.6 and 0.7 the lowest stays.
  const pruned = must(repo, "models", "prune", "--keep", "1", "--to-trash", "--yes");
  expect(pruned.stays.map(({ value, why }: Record<string, string>) => [value, why])).toEqual([["0.3", "the best"]]);
  expect(pruned.removed.map(({ value }: Record<string, string>) => value).sort()).toEqual(["0.4", "0.6", "0.7"]);
  const history = must(repo, "models", "history").entries;
  expect(history.map(({ value }: { value: string }) => value)).toEqual(["0.15", "0.3", "0.5"]);
});
