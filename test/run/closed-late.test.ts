/** A run whose expver was killed is closed by the next command: what others have written meanwhile is not the run's. */
import { readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runKilledAt, SIGKILLED } from "../support/kill-at.ts";
import type { TestRepository } from "../support/repository.ts";
import { makeExperiment, runRows } from "./story.ts";

const PROGRAM = `
const fs = require("fs");
fs.writeFileSync("params.yaml", "lr: 1\\n");
fs.writeFileSync("metrics.json", '{"accuracy": 0.5}');
if (process.argv[2] === "die") process.kill(process.ppid, "SIGKILL");
`;

function begin(): TestRepository {
  const repo = makeExperiment();
  repo.write(".gitignore", `${repo.read(".gitignore")}params.yaml\nmetrics.json\n`);
  repo.commit("program", { "program.js": PROGRAM });
  return repo;
}

/** A minute after whatever has happened so far. */
function writeByHand(repo: TestRepository, file: string, text: string): void {
  repo.write(file, text);
  const later = Date.now() / 1000 + 60;
  utimesSync(join(repo.root, file), later, later);
}

const numbersOf = (repo: TestRepository) =>
  runRows(repo).map(({ status, version, params, metrics }) => ({
    status,
    version,
    params: JSON.parse(String(params)),
    metrics: JSON.parse(String(metrics)),
  }));

const RUN = ["run", "--metrics", "metrics.json", "--param", "seed=3", "--", "node", "program.js"];

it("of a program that was killed what it wrote counts, and nothing that was written after it was dead", () => {
  const repo = begin();
  repo.expver([...RUN, "die"]);
  expect(repo.expver(["doctor", "--fix"]).code).toBe(0);
  const killed = { status: "killed", version: null };
  expect(numbersOf(repo)).toEqual([{ ...killed, params: { lr: "1", seed: "3" }, metrics: { accuracy: "0.5" } }]);

  repo.expver([...RUN, "die"]);
  writeByHand(repo, "metrics.json", '{"accuracy": 0.9}');
  writeByHand(repo, "params.yaml", "lr: 9\n");
  const { stderr } = repo.expver(["doctor", "--fix"]);
  expect(stderr).toContain("metrics.json was written after the last sign of the program and counts for nothing");
  expect(stderr).toContain("params.yaml was written after the last sign of the program: what it says counts for nothing");
  expect(numbersOf(repo)[1]).toEqual({ ...killed, params: { seed: "3" }, metrics: {} });
});

it("a parameter file of the snapshot that is changed for the next run then is no matter of this one", () => {
  const repo = begin();
  repo.commit("parameters", { ".gitignore": "", "params.yaml": "lr: 0\n", "program.js": "process.kill(process.ppid, 'SIGKILL')" });
  repo.expver(["run", "--", "node", "program.js"]);
  writeByHand(repo, "params.yaml", "lr: 9\n");
  expect(repo.expver(["doctor", "--fix"]).stderr).not.toContain("params.yaml");
  expect(numbersOf(repo)).toMatchObject([{ params: { lr: "0" } }]);
});

it.each(["metrics.json", "params.yaml"])("a program that has ended well gets no version late with a %s of somebody else's", (file) => {
  const repo = begin();
  const phaseOf = () => {
    const [run = ""] = readdirSync(join(repo.root, ".git/expver/runs"));
    return run === "" ? "" : JSON.parse(readFileSync(join(repo.root, ".git/expver/runs", run, "run.json"), "utf8")).phase;
  };
  for (let at = 40; ; at += 10) {
    expect(runKilledAt(repo, RUN, at).code).toBe(SIGKILLED);
    if (phaseOf() === "closing") break;
    repo.expver(["doctor", "--fix"]);
    repo.run("rm", ["-rf", ".git/expver/runs"]);
  }
  writeByHand(repo, file, file === "metrics.json" ? '{"accuracy": 0.9}' : "lr: 9\n");
  expect(repo.expver(["doctor", "--fix"]).stderr).toContain("is recorded as finished, without a version");
  expect(repo.git("tag")).toBe("");
  expect(JSON.stringify(numbersOf(repo).at(-1))).not.toContain("9");
});
