/** kill -9 before any change of every kind of run, and of the commands that make versions of what is there. */
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { peer } from "../support/peers.ts";
import { awaitProgramsEnded } from "../support/programs-ended.ts";
import type { TestRepository } from "../support/repository.ts";
import { checkWhole, makeExperiment, openOperations, runRows } from "./story.ts";

// A share of the points each time: every one takes seconds.
const POINTS = sampledPoints(23);
const dvc = peer("dvc");

/** A folder with one pointer, a report Git tracks, a metrics file; all of them different each time. */
const WRITES = `
const fs = require("fs");
const what = fs.readFileSync("data.csv", "utf8");
fs.writeFileSync("models/parts/one", what);
fs.writeFileSync("models/parts/" + what.trim(), what);
fs.writeFileSync("models/model.json", what);
fs.writeFileSync("reports/kept.json", what);
fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: 0.5 }));
`;

function makeRich(): TestRepository {
  const repo = makeExperiment();
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.write("job.js", WRITES);
  repo.write("data.csv", "0\n");
  repo.write("models/parts/one", "0");
  repo.write("reports/kept.json", "0");
  for (const path of ["data.csv", "models/parts"]) expect(repo.expver(["data", "add", path]).code).toBe(0);
  repo.commit("a folder of model parts, data and a report");
  return repo;
}

/** What differs from the version in HEAD goes back, so that the next scene begins clean. */
function startAnew(repo: TestRepository): void {
  repo.git("checkout", "-q", "--", ".");
  repo.git("clean", "-q", "-f", "-d", "-e", "results");
  expect(repo.expver(["data", "checkout", "--force", "data.csv", "models/parts"]).code).toBe(0);
  repo.run("rm", ["-f", "models/model.json"]);
  repo.expver(["data", "checkout", "--force", "models/model.json"]);
}

function expectWholeOrNone(repo: TestRepository, before: { head: string; tags: string; runs: number }, about: string): boolean {
  const made = runRows(repo).slice(before.runs);
  expect(made.length, about).toBeLessThanOrEqual(1);
  expect(openOperations(repo), about).toEqual([]);
  expect(repo.git("for-each-ref", "refs/expver/reserved"), about).toBe("");
  const version = made[0]?.version;
  if (version) {
    checkWhole(repo, before.head, about);
    const tag = repo.git("cat-file", "-p", String(version));
    expect(tag, about).toContain("Metric: accuracy=0.5 max");
    expect(repo.git("show", `${version}:reports/kept.json`), about).toBe(repo.read("data.csv").trim());
    expect(repo.git("diff", "--name-only", `${version}~1`, String(version)), about).toContain("models/parts.dvc");
    return true;
  }
  expect([repo.git("rev-parse", "HEAD"), repo.git("tag")], about).toEqual([before.head, before.tags]);
  if (made[0] !== undefined) expect(["killed", "finished"], about).toContain(made[0].status);
  return false;
}

const before = (repo: TestRepository) => ({ head: repo.git("rev-parse", "HEAD"), tags: repo.git("tag"), runs: runRows(repo).length });

function expectUpToDate(repo: TestRepository): void {
  if (dvc !== null) expect(repo.run(dvc, ["status"]).stdout).toContain("up to date");
}

it("a run with a metrics file, a folder as output, changed data and a report in Git", { timeout: 900_000 }, () => {
  const repo = makeRich();
  let late = 0;
  const points = atEveryKill((at) => {
    repo.write("data.csv", `${at}\n`);
    repo.write("code.py", `${at}`);
    const then = before(repo);
    const killed = runKilledAt(repo, ["run", "--metrics", "metrics.json", "-m", `at ${at}`, "--", "node", "job.js"], at);
    awaitProgramsEnded(repo.root);
    const repaired = repo.expver(["doctor", "--fix"]);
    const about = JSON.stringify({
      at,
      said: killed.stderr,
      repaired: repaired.stdout + repaired.stderr,
      status: repo.git("status", "--porcelain"),
    });
    if (expectWholeOrNone(repo, then, about) && killed.code === 137) late += 1;
    startAnew(repo);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(100);
  expect(late).toBeGreaterThan(0);
  expectUpToDate(repo);
});

it("a detached run: whoever of the two is killed", { timeout: 900_000 }, () => {
  const repo = makeRich();
  const ends: string[] = [];
  for (let at = POINTS.from; ; at += POINTS.step) {
    repo.write("data.csv", `${at}\n`);
    const then = before(repo);
    const started = runKilledAt(repo, ["run", "--metrics", "metrics.json", "-m", `at ${at}`, "--detach", "--", "node", "job.js"], at);
    const closed = awaitEnd(repo, then.runs);
    const repaired = repo.expver(["doctor", "--fix"]);
    const about = JSON.stringify({
      at,
      started,
      closed,
      repaired: repaired.stdout + repaired.stderr,
      status: repo.git("status", "--porcelain"),
    });
    const whole = expectWholeOrNone(repo, then, about);
    ends.push(whole ? "version" : "none");
    startAnew(repo);
    if (started.code === 0 && closed) break;
  }
  expect(ends.at(-1)).toBe("version");
  expect(ends.filter((end) => end === "none").length).toBeGreaterThan(1);
  expectUpToDate(repo);
});

/** Waits until nothing of a detached run goes on; true when it was closed by its own expver. */
function awaitEnd(repo: TestRepository, known: number): boolean {
  awaitProgramsEnded(repo.root);
  const states = (repo.expverJson(["runs", "list"]).data.runs as { status: string }[]).map(({ status }) => status);
  expect(states).not.toContain("running");
  return states.length > known && !states.includes("lost");
}

it("a version made by hand, and one made of a run", { timeout: 900_000 }, () => {
  const repo = makeRich();
  const state = () =>
    JSON.stringify([
      repo.git("for-each-ref", "--format=%(refname)", "refs/tags", "refs/expver/runs"),
      runRows(repo).map(({ version }) => version),
    ]);
  expect(repo.expver(["run", "--", "node", "-e", "process.exit(1)"]).code).toBe(1);
  const runId = String(runRows(repo)[0]?.run_id);
  for (const args of [
    ["tag", "e7.0.0", "-d", "by hand"],
    ["tag", "e8.0.0", "--run", runId],
  ]) {
    const none = state();
    let seen = 0;
    const points = atEveryKill((at) => {
      const killed = runKilledAt(repo, args, at);
      const repaired = repo.expver(["doctor", "--fix"]);
      expect(openOperations(repo), repaired.stdout).toEqual([]);
      if (state() !== none) {
        seen += 1;
        expect(repo.git("cat-file", "-t", args[1] ?? ""), repaired.stdout).toBe("tag");
        if (args.includes("--run")) expect(runRows(repo)[0]?.version, repaired.stdout).toBe(args[1]);
        expect(repo.expver(["undo"]).code, `${at} ${repaired.stdout}`).toBe(0);
      }
      expect(state(), `${at} ${repaired.stdout}`).toBe(none);
      expect(repo.git("status", "--porcelain")).toBe("");
      return killed;
    }, sampledPoints(7));
    expect(points).toBeGreaterThan(10);
    expect(seen).toBeGreaterThan(0);
  }
});

it("doctor and the next run say what a killed one left", () => {
  const repo = makeRich();
  expect(runKilledAt(repo, ["run", "--", "node", "job.js"], 60).code).toBe(137);
  awaitProgramsEnded(repo.root);
  expect(repo.expver(["doctor"]).stdout).toMatch(/problem +`expver run`/);
  const next = repo.expverJson(["run", "-m", "next", "--", "true"]);
  expect(next).toMatchObject({ code: 0, data: { version: expect.stringMatching(/^e0\.[12]\.0$/) } });
  expect(next.warnings.map(({ text }) => text).join()).toContain("was killed");
  expect(repo.expver(["doctor"]).stdout).not.toContain("problem");
});
