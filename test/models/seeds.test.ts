/** Promoting behind the mean over seeds: what is compared, what is refused, and that the answer says so. */
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import type { TestRepository } from "../support/repository.ts";
import { makeModels, modelOf, must } from "./story.ts";

const PRODUCTION = "models/production/model.json";
const LIKE = ["--group-by", "all but seed"];

// Losses of one target are 0.001 apart.
const TRAIN = `
const fs = require("fs");
const { target, seed } = JSON.parse(process.env.EXPVER_PARAMS);
fs.mkdirSync("models", { recursive: true });
fs.writeFileSync("models/model.json", JSON.stringify({ trained: String(target), seed }));
fs.writeFileSync("metrics.json", JSON.stringify({ loss: Number(target) + seed / 1000, steps: 7 + seed }));
`;

// How long it took stands among the parameters, as nothing says it is none.
const TIMED = `${TRAIN}
require("child_process").execFileSync(process.execPath, [${JSON.stringify(MAIN)}, "log", "took=" + (7 + seed)]);
`;

interface SweptRun {
  run: string;
  settings: Record<string, string>;
}

/** Three targets, four seeds each. Answers runs by target and seed. */
function sweepSeeds(repo: TestRepository, program = TRAIN): (target: string, seed: number) => string {
  repo.write("train.js", program);
  repo.commit("seeds");
  const options = ["--grid", "target=0.40,0.402,0.50", "--repeat", "4", "--seed", "1", "--jobs", "2", "--keep", "12", "--no-promote"];
  const { runs } = must(repo, "sweep", ...options, "--metrics", "metrics.json", "--", "node", "train.js") as { runs: SweptRun[] };
  return (target, seed) =>
    runs.find(({ settings }) => settings.target === target && settings.seed === String(seed))?.run ?? `no run ${target} ${seed}`;
}

it("passes with the better mean, refuses a difference that chance explains, and says what it compared", () => {
  const repo = makeModels();
  const run = sweepSeeds(repo);
  const promote = (of: string, ...options: string[]) => repo.expverJson(["models", "promote", of, ...options, "--yes"]);

  const first = promote(run("0.50", 1), "--seeds", "4", ...LIKE);
  expect(first.data.gates).toMatchObject([{ found: expect.stringContaining("nothing is in production"), comparison: { other: null } }]);

  const better = promote(run("0.402", 3), "--seeds", "4", ...LIKE);
  expect(better.error).toBeNull();
  const [{ gate, found, comparison }] = better.data.gates;
  expect(gate).toBe("--better-than production --seeds 4 --confidence 0.95");
  expect(found).toContain(`${run("0.402", 3)}: loss 0.404500 ± 0.0013 over 4 seeds`);
  expect(found).toContain(`${run("0.50", 1)}: loss 0.502500 ± 0.0013 over 4 seeds`);
  expect(comparison).toMatchObject({
    metric: "loss",
    direction: "min",
    own: { params: { target: "0.402" } },
    other: { params: { target: "0.50" } },
  });
  expect(comparison.own.values.map(({ seed }: { seed: string }) => seed).sort()).toEqual(["1", "2", "3", "4"]);
  expect(comparison.test.confidence).toBeGreaterThan(0.999);
  expect(repo.read(PRODUCTION)).toContain('"0.402"');

  // t = 2.19 with 6 degrees of freedom: 0.964.
  const asks = (confidence: string, ...options: string[]) =>
    promote(run("0.40", 1), "--seeds", "4", "--confidence", confidence, ...LIKE, ...options);
  const chance = asks("0.99");
  expect(chance).toMatchObject({ code: 4, error: { code: "E_GATE", details: { comparison: { test: { freedom: 6 } } } } });
  expect(chance.error?.message).toMatch(/loss 0\.402500 .* against .* loss 0\.404500 .* confidence 0\.96/);
  expect(repo.read(PRODUCTION)).toContain('"0.402"');
  expect(asks("0.95", "--dry-run").data.gates[0].comparison.test.confidence).toBeCloseTo(0.9645, 4);
  expect(promote(run("0.50", 2), "--seeds", "4", ...LIKE).code).toBe(4);

  // One seed is better than another: that is no better model.
  expect(promote(run("0.402", 1), "--seeds", "4", ...LIKE).error?.message).toMatch(/of one group .* differ in the seed alone/);
  expect(promote(run("0.40", 1), "--seeds", "5", ...LIKE).error?.message).toContain("has 4 seeds, not 5");
  expect(asks("0.95", "--better-than", run("0.50", 4)).code).toBe(0);
});

it("other code is another group; what is measured and stands among the parameters is named", () => {
  const repo = makeModels();
  const run = sweepSeeds(repo, TIMED);
  const split = repo.expverJson(["models", "promote", run("0.40", 1), "--seeds", "4"]);
  expect(split.error).toMatchObject({
    code: "E_GATE",
    message: expect.stringContaining("has 1 seed, not 4"),
    hint: expect.stringContaining("--group-by 'all but seed,took'"),
  });
  repo.write("train.js", `${TIMED}// another program\n`);
  const other = must(
    repo,
    "run",
    "--param",
    "target=0.40",
    "--param",
    "seed=5",
    "--metrics",
    "metrics.json",
    "--",
    "node",
    "train.js",
  ).run_id;
  const answer = repo.expverJson(["models", "promote", other, "--seeds", "2", "--group-by", "all but seed,took"]);
  expect(answer.error?.message).toContain("has 1 seed, not 2 (4 more ran other code, or code that no commit here has)");
  // The same program again, and a run without a version.
  repo.write("train.js", TIMED);
  must(repo, "run", "--no-tag", "--param", "target=0.40", "--param", "seed=6", "--metrics", "metrics.json", "--", "node", "train.js");
  const five = repo.expverJson(["models", "promote", run("0.40", 1), "--seeds", "5", "--group-by", "all but seed,took", "--dry-run"]);
  expect(five.error).toBeNull();
  expect(five.data.gates[0].comparison.own.summary.n).toBe(5);
});

it.each([
  [["--confidence", "0.9"], 2],
  [["--seeds", "1"], 2],
  [["--seeds", "3", "--confidence", "95"], 2],
  [["--seeds", "3", "--group-by", "all but nothing"], 1],
  [["--seeds", "3"], 4],
])("%j: exit %i, and nothing is promoted", (options, code) => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  expect(repo.expverJson(["models", "promote", "e0.2.0", ...options]).code).toBe(code);
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.5"));
});

it("--best with seeds is the best mean, not the luckiest run", () => {
  const repo = makeModels();
  repo.write("train.js", TRAIN.replace("Number(target) + seed / 1000", 'target === "lucky" ? [0.01, 0.9][seed - 1] : 0.3 + seed / 1000'));
  repo.commit("seeds");
  const options = [
    "--grid",
    "target=lucky,steady",
    "--repeat",
    "2",
    "--seed",
    "1",
    "--jobs",
    "2",
    "--no-promote",
    "--metrics",
    "metrics.json",
  ];
  const { runs } = must(repo, "sweep", ...options, "--", "node", "train.js") as { runs: SweptRun[] };
  const answer = repo.expverJson(["models", "promote", "--best", "--seeds", "2", ...LIKE]);
  expect(answer.error).toBeNull();
  expect(answer.data.run).toBe(runs.find(({ settings }) => settings.target === "steady" && settings.seed === "1")?.run);
});

it("a run that had no seed is said to have had none, with what to type", () => {
  const repo = makeModels();
  const { error } = repo.expverJson(["models", "promote", "e0.2.0", "--seeds", "3"]);
  expect(error).toMatchObject({
    code: "E_GATE",
    message: expect.stringMatching(/ ran without a seed, so nothing tells its repetitions apart$/),
    hint: expect.stringContaining("expver sweep --repeat 3 "),
  });
});

it("code of which this repository has no commit, as after a history was rewritten, is other code", () => {
  const repo = makeModels();
  const run = sweepSeeds(repo);
  const settings = ["--param", "target=0.40", "--param", "seed=5"];
  const { version } = must(repo, "run", ...settings, "--metrics", "metrics.json", "--", "node", "train.js");
  const message = repo.git("for-each-ref", "--format=%(contents)", `refs/tags/${version}`);
  const rewritten = message.replace(/^Code: .*$/m, `Code: ${"1".repeat(40)}`);
  repo.run("git", ["tag", "-f", "-a", version, `${version}^{}`, "--cleanup=verbatim", "-F", "-"], { input: rewritten });
  const promote = (of: string) => repo.expverJson(["models", "promote", of, "--seeds", "4", ...LIKE, "--dry-run"]);
  const { error, data } = promote(run("0.40", 1));
  expect([error, data.gates[0].comparison.own.summary.n]).toEqual([null, 4]);
  expect(promote(version).error?.message).toContain("has 1 seed, not 4 (4 more ran other code, or code that no commit here has)");
});
