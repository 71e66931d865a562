/** What has finished is never lost and never run again, whatever ends the sweep. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inBackground, openOperations, rowsOf, runRows, until } from "../run/story.ts";
import { runKilledAt, SIGKILLED } from "../support/kill-at.ts";
import type { TestRepository } from "../support/repository.ts";
import { smallDisk, unfill } from "../support/small-disk.ts";
import { leftovers, makeSweepExperiment, rowsByRun } from "./story.ts";

/** Counts how often each setting was begun, in a folder all runs share. */
function counting(repo: TestRepository, more: string): void {
  const folder = join(repo.root, "../counts");
  repo.write("../counts/.keep", "");
  repo.write(
    "train.js",
    `const fs = require("fs");
    const { n } = JSON.parse(process.env.EXPVER_PARAMS);
    fs.appendFileSync(${JSON.stringify(`${folder}/`)} + n, "x");
    const times = fs.readFileSync(${JSON.stringify(`${folder}/`)} + n, "utf8").length;
    ${more}
    fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: n / 100 }));`,
  );
  repo.commit("counts");
}

function timesBegun(repo: TestRepository): Record<string, number> {
  const folder = join(repo.root, "../counts");
  const names = readdirSync(folder).filter((name) => /^\d+$/.test(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8").length]));
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const sweepOf = (count: number, ...more: string[]) => [
  ...["sweep", "--grid", `n=${numbers(count).join(",")}`, "--metrics", "metrics.json", ...more],
  ...["--", "node", "train.js"],
];

/** Every setting has finished once, and has one row. */
function expectAll(repo: TestRepository, count: number, version: string): void {
  const finished = rowsByRun(repo).filter(({ status }) => status === "finished");
  expect(finished.map(({ n }) => String(n)).sort()).toEqual(numbers(count).sort());
  expect(new Set(finished.map((row) => row.version))).toEqual(new Set([version]));
  expect(leftovers(repo)).toEqual([]);
  expect(openOperations(repo)).toEqual([]);
  expect(repo.git("status", "--porcelain")).toBe("");
}

describe("many runs", { timeout: 600_000 }, () => {
  it("64 with 8 at once, three of them killed, one hanging: none that finished is lost, the rest comes with --resume", () => {
    const repo = makeSweepExperiment();
    counting(
      repo,
      `if (times === 1 && ["3", "20", "41"].includes(String(n))) process.kill(process.pid, "SIGKILL");
      if (times === 1 && String(n) === "50") { setTimeout(() => {}, 600_000); return; }`,
    );
    const first = repo.expverJson(sweepOf(64, "--jobs", "8", "--time-limit", "20s"));
    expect(first).toMatchObject({ code: 1, error: { code: "E_SWEEP" } });
    expect(first.data.counts).toBe("64 runs · 60 finished · 1 failed · 3 missing");
    expect(repo.git("tag")).toBe("");
    // What has finished is in the database already.
    expect(rowsByRun(repo).filter(({ status }) => status === "finished").length).toBe(60);
    const second = repo.expverJson(["sweep", "--resume", "--retry-failed", "--jobs", "4"]);
    expect(second.data).toMatchObject({ counts: "64 runs · 64 finished", version: "e0.1.0", best: { settings: { n: "63" } } });
    expect(second.code).toBe(0);
    expectAll(repo, 64, "e0.1.0");
    const begun = timesBegun(repo);
    expect(numbers(64).filter((n) => begun[n] !== 1)).toEqual(["3", "20", "41", "50"]);
  });

  it("fails fast when asked, retries when asked, and makes a version of part of it when asked", () => {
    const repo = makeSweepExperiment();
    counting(repo, `if (n === 1 && times < 3) process.exit(7);`);
    const fast = repo.expverJson(sweepOf(4, "--fail-fast"));
    expect(fast.data.counts).toBe("4 runs · 1 finished · 1 failed · 2 missing");
    const partial = repo.expverJson(["sweep", "--resume", "--partial"]);
    expect(partial).toMatchObject({ code: 1, data: { version: "e0.1.0", counts: "4 runs · 1 finished · 1 failed · 2 missing" } });
    expect(timesBegun(repo)).toEqual({ 0: 1, 1: 1 });
    const retried = repo.expverJson(sweepOf(4, "--retry", "1"));
    expect(retried).toMatchObject({ code: 0, data: { version: "e0.2.0", counts: "4 runs · 4 finished" } });
    expect(timesBegun(repo)[1]).toBe(3);
  });
});

describe("what --resume is asked for", () => {
  it("--partial runs nothing, also where a run was killed with its sweep", async () => {
    const repo = makeSweepExperiment();
    counting(repo, `if (n === 1 && times === 1) { setTimeout(() => {}, 600_000); return; }`);
    const sweep = inBackground(repo, sweepOf(3));
    await until(() => timesBegun(repo)[1] === 1);
    const running = () => repo.expverJson(["runs"]).data.runs.find(({ pid }: { pid: number | null }) => pid !== null);
    await until(() => running() !== undefined);
    sweep.kill("SIGKILL");
    await sweep.ended;
    process.kill(-running().pid, "SIGKILL");
    const partial = repo.expverJson(["sweep", "--resume", "--partial"]);
    expect(partial).toMatchObject({ code: 1, data: { version: "e0.1.0", counts: "3 runs · 1 finished · 2 missing" } });
    expect(timesBegun(repo)).toEqual({ 0: 1, 1: 1 });
  });

  it("says of an option that would be ignored that it is", () => {
    const repo = makeSweepExperiment();
    counting(repo, `if (n === 0 && times === 1) process.exit(1);`);
    expect(repo.expver(sweepOf(2, "--fail-fast")).code).toBe(1);
    for (const option of [
      ["--grid", "n=7"],
      ["--keep", "1"],
      ["--no-promote"],
      ["--publish"],
      ["--param", "a=b"],
      ["--version", "e7.0.0"],
    ]) {
      const { code, error } = repo.expverJson(["sweep", "--resume", ...option]);
      expect({ code, message: error?.message }, option.join(" ")).toMatchObject({
        code: 2,
        message: expect.stringContaining(`${option[0]} is settled`),
      });
    }
    expect(timesBegun(repo)).toEqual({ 0: 1 });
    expect(repo.expverJson(["sweep", "--resume", "--retry-failed", "--jobs", "2", "-m", "now"]).data.counts).toBe("2 runs · 2 finished");
  });

  it("a run that leaves its workspace locked for Git does not stop the others", () => {
    const repo = makeSweepExperiment();
    counting(
      repo,
      `const lock = require("child_process").execSync("git rev-parse --git-path index.lock", { encoding: "utf8" }).trim();
      fs.writeFileSync(lock, "");`,
    );
    expect(repo.expverJson(sweepOf(3))).toMatchObject({ code: 0, data: { counts: "3 runs · 3 finished" } });
    expectAll(repo, 3, "e0.1.0");
  });
});

describe("a sweep that ends early", { timeout: 600_000 }, () => {
  it.each([
    ["kill -9 of the sweep: programs end by themselves, and their ends are not lost", false],
    ["kill -9 of one that Ctrl-Z has stopped: its programs, stopped too, go on with it", true],
  ])("%s", async (_what, isSuspended) => {
    const repo = makeSweepExperiment();
    const gate = join(repo.root, "../gate");
    counting(repo, `while (!fs.existsSync(${JSON.stringify(gate)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);`);
    const sweep = inBackground(repo, sweepOf(4, "--jobs", "2"));
    await until(() => Object.keys(timesBegun(repo)).length === 2);
    await until(() => repo.expverJson(["runs"]).data.runs.filter(({ pid }: { pid: number | null }) => pid !== null).length === 2);
    if (isSuspended) {
      sweep.kill("SIGTSTP");
      await until(() => /\) T /.test(readFileSync(`/proc/${sweep.pid}/stat`, "utf8")));
    }
    sweep.kill("SIGKILL");
    await sweep.ended;
    expect(repo.expver(["sweep", "list"]).stdout).toContain("waiting");
    repo.write("../gate", "");
    const resumed = repo.expverJson(["sweep", "--resume", "--jobs", "2"]);
    expect(resumed).toMatchObject({ code: 0, data: { version: "e0.1.0", counts: "4 runs · 4 finished" } });
    expect(timesBegun(repo)).toEqual({ 0: 1, 1: 1, 2: 1, 3: 1 });
    expectAll(repo, 4, "e0.1.0");
  });

  it("Ctrl-C once lets running programs end, twice stops them; both are recorded and gone on with", async () => {
    const repo = makeSweepExperiment();
    const gate = join(repo.root, "../gate");
    counting(
      repo,
      `while (times === 1 && !fs.existsSync(${JSON.stringify(gate)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);`,
    );
    const once = inBackground(repo, sweepOf(3));
    await until(() => timesBegun(repo)[0] === 1);
    once.kill("SIGINT");
    repo.write("../gate", "");
    expect((await once.ended).code).toBe(130);
    expect(repo.expverJson(["sweep", "show"]).data).toMatchObject({ state: "waiting", counts: "3 runs · 1 finished · 2 missing" });
    expect(repo.expver(["__complete", "--", "sweep", "show", ""]).stdout).toMatch(/^sweep-\S+\t3 runs · 1 finished/);
    const [advised] = repo.expverJson(["advise"]).data.warnings;
    expect(advised).toMatch(/^a sweep was left before its end \(3 runs · 1 finished · 2 missing\): expver sweep --resume sweep-/);
    repo.run("rm", [gate]);
    const twice = inBackground(repo, ["sweep", "--resume"]);
    await until(() => timesBegun(repo)[1] === 1);
    expect(repo.expver(["sweep", "stop", "--now"]).code).toBe(0);
    expect((await twice.ended).stderr).toContain("3 runs · 1 finished · 2 missing");
    expect(runRows(repo).map(({ status }) => status)).toEqual(["finished", "killed"]);
    expect(repo.expverJson(["sweep", "show"]).data.runs[1]).toMatchObject({ status: "killed", cause: "stopped" });
    repo.write("../gate", "");
    expect(repo.expverJson(["sweep", "--resume"])).toMatchObject({ code: 0, data: { counts: "3 runs · 3 finished" } });
    expect(timesBegun(repo)).toEqual({ 0: 1, 1: 2, 2: 1 });
    expectAll(repo, 3, "e0.1.0");
  });

  it("a full disk stops it; what its program had finished is recorded once there is room", () => {
    const disk = smallDisk(40_000);
    if (disk === null) return;
    const repo = makeSweepExperiment();
    repo.run("mkdir", [`${disk}/state`]);
    repo.run("mv", [".git/expver", `${disk}/state/expver`]);
    repo.run("ln", ["-s", `${disk}/state/expver`, ".git/expver"]);
    // The program itself fills the disk once; nothing that comes after it can be written.
    counting(
      repo,
      `fs.mkdirSync("models", { recursive: true }); fs.writeFileSync("models/model.json", String(n));
      fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: n / 100 }));
      if (n === 2 && times === 1) for (const size of [65536, 4096]) { let i = 0; try { for (;;) fs.writeFileSync(${JSON.stringify(disk)} + "/ballast-" + size + "-" + i++, Buffer.alloc(size)); } catch {} }
      return;`,
    );
    const full = repo.expver(sweepOf(4));
    expect(full.code, full.stderr).not.toBe(0);
    expect(full.stderr).toContain("sweep --resume");
    expect(repo.git("tag")).toBe("");
    unfill(disk);
    const resumed = repo.expverJson(["sweep", "--resume", "--retry-failed"]);
    expect(resumed).toMatchObject({ code: 0, data: { counts: "4 runs · 4 finished", version: "e0.1.0" } });
    expect(timesBegun(repo)).toMatchObject({ 0: 1, 1: 1 });
    expect(rowsByRun(repo).filter(({ status }) => status === "finished").length).toBe(4);
  });

  // A point takes seconds: a share of them each time.
  const STEP = Number(process.env.EXPVER_KILL_STEP ?? 60);

  it("killed before any of its changes, --resume or the same command again comes to one version with one row each", () => {
    let points = 0;
    for (let at = 3; ; at += STEP) {
      const repo = makeSweepExperiment();
      const args = ["sweep", "--grid", "lr=0.1,0.2", "--metrics", "metrics.json", "--no-promote", "--", "node", "train.js"];
      const killed = runKilledAt(repo, args, at);
      const began = repo.expverJson(["sweep", "list"]).data.sweeps.length === 1;
      const isOver = began && repo.expverJson(["sweep", "list"]).data.sweeps[0].state === "over";
      repo.expver(["doctor", "--fix"]);
      // Neither a half of its end nor an empty database is left.
      expect(repo.git("status", "--porcelain"), String(at)).toBe("");
      const again = repo.expverJson(began ? ["sweep", "--resume"] : args);
      const about = JSON.stringify({ at, killed, again });
      const stands = repo.git("tag") === "e0.1.0" || repo.git("tag") === "e0.2.0";
      expect(stands, about).toBe(true);
      if (killed.code === SIGKILLED && !isOver) expect(again.data?.counts ?? again.error?.message, about).toMatch(/2 finished|is over/);
      const rows = rowsOf(repo);
      expect(rows.map(({ lr }) => lr).sort(), about).toEqual([0.1, 0.2]);
      expect(runRows(repo).filter(({ status }) => status === "finished").length, about).toBe(2);
      expect(
        leftovers(repo).filter((one) => one.includes("workspaces")),
        about,
      ).toEqual([]);
      points += 1;
      if (killed.code !== SIGKILLED) break;
    }
    expect(points).toBeGreaterThan(3);
  });
});
