/** Settings that lack a seed, its run having failed: their mean is of the runs that are left, and that is no way to win. */
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import type { Ended } from "../../src/workflows/sweep/state.ts";
import { rankRuns } from "../../src/workflows/sweep/winner.ts";
import { makeRepository } from "../support/repository.ts";
import { makeSweepExperiment } from "./story.ts";

/** Losses by `lr` and seed; null: the run fails, "none": it ends without a number. */
const program = (losses: Record<string, (number | null | "none")[]>) => `
const { lr, seed } = JSON.parse(process.env.EXPVER_PARAMS);
const loss = ${JSON.stringify(losses)}[lr][seed];
if (loss === null) throw new Error("diverged");
require("fs").writeFileSync("metrics.json", JSON.stringify(loss === "none" ? { step: 1 } : { loss }));
require("fs").mkdirSync("models", { recursive: true });
require("fs").writeFileSync("models/model.json", JSON.stringify({ lr, seed }));
`;
const sweepOf = (values: string) => [
  "sweep",
  "--grid",
  `lr=${values}`,
  "--repeat",
  "3",
  "--metrics",
  "metrics.json",
  "--",
  "node",
  "train.js",
];

it("does not win while another setting has them all; it is listed with what it lacks, here, in show, and once the metric is settled later", () => {
  const repo = makeSweepExperiment();
  repo.write("expver.yaml", repo.read("expver.yaml").replace("accuracy: max", "loss: min"));
  // The one seed of lr=4 that is left has the lowest loss, then lr=2 without its bad seed; lr=3 has all.
  repo.write("train.js", program({ 2: [0.1, 0.1, null], 3: [0.5, 0.25, 0.3], 4: [0.01, "none", null] }));
  repo.commit("losses");
  const { code, data } = repo.expverJson(sweepOf("2,3,4"));
  expect(code).toBe(1);
  const best = { settings: { lr: "3", seed: "1" }, value: "0.25", mean: "0.35", runs: 3, asked: 3 };
  const settings = [
    { settings: { lr: "3" }, mean: "0.35", runs: 3, asked: 3, lacks: null },
    { settings: { lr: "2" }, mean: "0.1", runs: 2, asked: 3, lacks: "1 failed" },
    { settings: { lr: "4" }, mean: "0.01", runs: 1, asked: 3, lacks: "1 failed, 1 without loss" },
  ];
  expect(data).toMatchObject({ best, settings, promotion: { promoted: true }, version: "e0.1.0" });
  expect(JSON.parse(repo.read("models/production/model.json"))).toEqual({ lr: 3, seed: 1 });
  expect(repo.git("tag", "-n99", "-l", "e0.1.0")).toContain(`Best-Run: ${data.best.run}`);
  expect(repo.expverJson(["sweep", "show"]).data).toMatchObject({ best, settings });
  const text = repo.expver(["sweep", "show"]).stdout;
  expect(text).toMatch(/\nlr=2 +0\.1 +2 of 3 +1 failed\n/);
  expect(text).toContain("a setting that lacks a run does not win while another has them all");
  // Across seeds the means stand as they are; that the best is one of fewer runs is said.
  const groups = ["list", "--group-by", "all but seed"];
  expect(repo.expverJson(groups).data.groups).toMatchObject({
    fewer: { runs: 1, most: 3 },
    groups: [{ by: { lr: "4" }, rank: 1 }, {}, {}],
  });
  expect(repo.expver(groups).stdout).toContain("the best mean is of 1 run; others are of up to 3");
});

it("wins when no setting has them all, and it has most of them; that is said", () => {
  const repo = makeSweepExperiment();
  repo.write("expver.yaml", repo.read("expver.yaml").replace("metrics: { accuracy: max }\n", ""));
  repo.write("train.js", program({ 2: [0.1, null, null], 3: [0.5, 0.3, null] }));
  repo.commit("losses");
  // Nobody has said which way is better: settled by list, once it is said.
  expect(repo.expverJson(sweepOf("2,3")).data).toMatchObject({ best: null, version: "e0.1.0" });
  repo.write("expver.yaml", `${repo.read("expver.yaml")}metrics: { loss: min }\n`);
  repo.commit("the direction");
  expect(repo.expverJson(["list"]).data.versions[0]).toMatchObject({ params: { lr: "3", seed: "1" }, metrics: { loss: "0.3" } });
  const { stdout } = repo.expver(sweepOf("2,3"));
  expect(stdout).toContain("best loss=0.4 (mean of 2 of 3) (lr=3 seed=1)");
  expect(stdout).toMatch(
    /no setting has all its runs; the best of those with most wins:\n {4}lr=3: 2 of 3 runs \(1 failed\), mean loss=0\.4\n/,
  );
});

it("a seed whose number is none is one that lacks, not one of the mean", () => {
  const { context } = makeRepository();
  const ended = (job: number, accuracy: string) => ({ run: `r${job}`, job, end: { metrics: { accuracy } } }) as unknown as Ended;
  const jobs = ["1", "2"].map((seed) => ({ lr: "0.1", seed }));
  const input = { runs: [ended(0, "NaN"), ended(1, "0.5")], jobs, repeat: 2, metric: "accuracy", versions: [] };
  expect(rankRuns(openProject(context), input)?.groups).toMatchObject([{ mean: "0.5", counted: 1, asked: 2 }]);
});
