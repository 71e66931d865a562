import { execFileSync, spawn } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { acquireLease } from "../../src/journal/lease.ts";
import { fileNameOf } from "../../src/platform/files.ts";
import { identityOf } from "../../src/platform/processes.ts";
import { applyProjectMerge, planProjectMerge } from "../../src/workflows/merge/project-merge.ts";
import { runFolder } from "../../src/workflows/run/run-facts.ts";
import { applyVersionOfRun, planVersionOfRun } from "../../src/workflows/run/version/version-of-run.ts";
import { leaseName, whileNoRun } from "../../src/workflows/second-run.ts";
import { MAIN } from "../support/command-line.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { checkWhole, exists, inBackground, makeExperiment, rowsOf, runRows, TRAIN, until } from "./story.ts";

/** Says that it runs, and goes on until a file `go` appears. */
const WAITING = `
const fs = require("fs");
fs.writeFileSync("../running.new", process.env.EXPVER_RUN_ID);
fs.renameSync("../running.new", "running");
const timer = setInterval(() => { if (fs.existsSync("go")) { clearInterval(timer); ${"FINISH"} } }, 20);
`;
const waiting = (finish = TRAIN) => WAITING.replace("FINISH", () => finish);

interface Surroundings {
  env?: Record<string, string>;
  input?: number;
  shell?: string[];
}

const isStopped = (pid: number) => execFileSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" }).startsWith("T");

function makeWaiting(finish?: string): TestRepository {
  const repo = makeExperiment();
  repo.write("wait.js", waiting(finish));
  repo.write(".gitignore", `${repo.read(".gitignore")}running\ngo\nmetrics.json\n`);
  repo.commit("waiting program");
  return repo;
}

const refs = (repo: TestRepository) =>
  repo.git("for-each-ref", "--format=%(refname)", "refs/expver/runs", "refs/expver/reserved", "refs/tags");

describe("while a run goes on", () => {
  it("a second one in the worktree is refused by name, one in another worktree is not", async () => {
    const repo = makeWaiting();
    repo.git("worktree", "add", "-q", "../other");
    const first = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    const runId = repo.read("running");
    const second = repo.expverJson(["run", "--", "touch", "second"]);
    expect(second).toMatchObject({ code: 4, error: { code: "E_BUSY", details: { run: runId, pid: first.pid } } });
    expect(second.error?.message).toContain(runId);
    expect(exists(repo, "second")).toBe(false);
    const beside = repo.expverJson(["run", "--", "true"], { cwd: "../other" });
    expect(beside).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
    repo.write("go", "");
    expect(JSON.parse((await first.ended).stdout).data).toMatchObject({ version: "e0.1.0", run_id: runId });
    expect(repo.git("tag")).toBe("e0.1.0\ne0.2.0");
  });

  it("an undo of what it began with is refused, one of a tag is not", async () => {
    const repo = makeWaiting();
    expect(repo.expver(["run", "-m", "before", "--", "node", "-e", TRAIN])).toMatchObject({ code: 0 });
    expect(repo.expver(["tag", "e9.0.0", "-m", "by hand"])).toMatchObject({ code: 0 });
    const [tag, before] = repo.expverJson(["ops", "list"]).data.operations.map(({ id }: { id: string }) => id);
    const run = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    const head = repo.git("rev-parse", "HEAD");
    expect(repo.expverJson(["undo", before])).toMatchObject({ code: 4, error: { code: "E_BUSY" } });
    expect(repo.expverJson(["undo", tag])).toMatchObject({ code: 0 });
    expect(repo.git("rev-parse", "HEAD")).toBe(head);
    repo.write("go", "");
    expect(JSON.parse((await run.ended).stdout)).toMatchObject({ ok: true, data: { onBranch: true, status: "finished" } });
  });

  it("a merge that was planned before it began is refused; and no run begins while one is made", async () => {
    const repo = makeWaiting();
    const other = makeExperiment();
    expect(repo.expver(["run", "--", "node", "-e", TRAIN])).toMatchObject({ code: 0 });
    expect(other.expver(["run", "--", "node", "-e", TRAIN])).toMatchObject({ code: 0 });
    const plan = await planProjectMerge(repo.context, { names: [join(other.root, "results/experiments.db")], rules: {} });
    const run = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    await expect(applyProjectMerge(repo.context, plan)).rejects.toMatchObject({ code: "E_BUSY" });
    repo.write("go", "");
    expect(JSON.parse((await run.ended).stdout)).toMatchObject({ ok: true, data: { rows: 1, status: "finished" } });
    await whileNoRun(openProject(repo.context), "merge", async () => {
      expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 4, error: { code: "E_BUSY" } });
    });
    expect(repo.expver(["run", "--", "true"])).toMatchObject({ code: 0 });
  });

  it("a commit of the user stays where it is; the tag is off the branch and can be merged", async () => {
    const repo = makeWaiting();
    const first = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    repo.write("mine.py", "1");
    repo.git("add", "mine.py");
    repo.git("commit", "-q", "-m", "mine");
    const head = repo.git("rev-parse", "HEAD");
    repo.write("go", "");
    const { data, warnings } = JSON.parse((await first.ended).stdout);
    expect(data).toMatchObject({ version: "e0.1.0", onBranch: false });
    expect(warnings.map(({ text }: { text: string }) => text).join()).toContain("main moved while the run went on");
    expect(repo.git("rev-parse", "HEAD")).toBe(head);
    expect(repo.git("branch", "--contains", "e0.1.0")).toBe("");
    expect(repo.git("diff", "--cached", "--name-only")).toBe("");
    repo.git("merge", "-q", "--no-edit", "e0.1.0");
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.git("ls-files")).toContain("results/experiments.db.dvc");
  });

  it("a commit of the program itself is treated the same", async () => {
    const repo = makeExperiment();
    const program = 'echo 1 > own.txt && git add own.txt && git commit -qm "by the program"';
    const { data } = repo.expverJson(["run", "--", "sh", "-c", program]);
    expect(data).toMatchObject({ version: "e0.1.0", onBranch: false, status: "finished" });
    expect(repo.git("log", "-1", "--format=%s")).toBe("by the program");
    expect(repo.git("ls-tree", "-r", "--name-only", "e0.1.0")).not.toContain("own.txt");
  });

  it("another branch checked out keeps its place", async () => {
    const repo = makeWaiting();
    repo.git("branch", "side");
    const first = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    const main = repo.git("rev-parse", "main");
    repo.git("checkout", "-q", "side");
    repo.write("go", "");
    expect(JSON.parse((await first.ended).stdout).data).toMatchObject({ onBranch: false });
    expect([repo.git("rev-parse", "main"), repo.git("rev-parse", "side")]).toEqual([main, main]);
    expect(repo.git("status", "--porcelain")).toBe("?? models/");
  });

  it("edits of code and inputs are recorded, never part of the version, never lost", async () => {
    const repo = makeWaiting();
    repo.write("data.csv", "1\n");
    expect(repo.expver(["data", "add", "data.csv"]).code).toBe(0);
    repo.commit("data");
    const first = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    repo.write("train.js", "// edited");
    repo.write("data.csv", "2\n");
    repo.git("add", "train.js");
    repo.write("go", "");
    const { data } = JSON.parse((await first.ended).stdout);
    expect(data.changed_during_run.sort()).toEqual(["data.csv", "train.js"]);
    expect(data.onBranch).toBe(true);
    expect(JSON.parse(String(runRows(repo)[0]?.changed_during_run)).sort()).toEqual(["data.csv", "train.js"]);
    expect(repo.git("show", "e0.1.0:train.js")).toBe(TRAIN.trimEnd());
    expect(repo.read("train.js")).toBe("// edited");
    expect(repo.git("show", "e0.1.0:data.csv.dvc")).toContain("b026324c6904b2a9cb4b88d6d61c81d1"); // md5 of "1\n"
    expect(repo.git("status", "--porcelain")).toBe("M  train.js");
  });

  it("a file of the snapshot that is staged anew meanwhile stays as it was staged", async () => {
    const repo = makeWaiting();
    repo.write("code.py", "of the run");
    const first = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    repo.write("code.py", "of the user");
    repo.git("add", "code.py");
    repo.write("go", "");
    expect(JSON.parse((await first.ended).stdout).data).toMatchObject({ version: "e0.1.0", onBranch: true });
    expect(repo.git("show", "e0.1.0:code.py")).toBe("of the run");
    expect(repo.git("show", ":code.py")).toBe("of the user");
    expect(repo.git("status", "--porcelain")).toBe("M  code.py");
  });

  it("a tag made by hand under its number does not get lost, and neither does the run", async () => {
    const repo = makeWaiting();
    const first = inBackground(repo, ["run", "--json", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running"));
    repo.git("tag", "e0.1.0");
    repo.write("go", "");
    const { error, data } = JSON.parse((await first.ended).stdout);
    expect(error).toMatchObject({ code: "E_VERSION_TAKEN" });
    expect(data).toMatchObject({ status: "finished", version: null });
    expect(repo.git("cat-file", "-t", "e0.1.0")).toBe("commit");
    expect(rowsOf(repo)).toMatchObject([{ version: null }]);
    expect(repo.git("for-each-ref", "refs/expver/reserved")).toBe("");
  });
});

describe("stopping a run", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s reaches the program and all it started; the run is killed, not failed",
    async (signal) => {
      const repo = makeExperiment();
      // In node: a shell makes its background jobs deaf to SIGINT.
      const listen = (text: string) =>
        `process.on("${signal}", () => { console.log("${text}"); process.exit(0); }); setInterval(() => {}, 1000);`;
      repo.write("child.js", `${listen("child told")} require("fs").writeFileSync("running", "");`);
      repo.write("job.js", `${listen("told")} require("child_process").spawn(process.execPath, ["child.js"], { stdio: "inherit" });`);
      const first = inBackground(repo, ["run", "--json", "--", "node", "job.js"]);
      await until(() => exists(repo, "running"));
      first.kill(signal);
      const { code, stdout } = await first.ended;
      const { data, error } = JSON.parse(stdout);
      expect({ code, error: error.code, status: data.status, version: data.version }).toEqual({
        code: 1,
        error: "E_RUN_KILLED",
        status: "killed",
        version: null,
      });
      const told = () => readFileSync(data.log, "utf8").split("\n");
      await until(() => told().includes("told") && told().includes("child told"));
      expect(runRows(repo)).toMatchObject([{ status: "killed", version: null }]);
      expect(refs(repo)).toBe(`refs/expver/runs/${data.run_id}`);
    },
  );

  it.each(["SIGUSR1", "SIGUSR2"] as const)("%s, which batch systems send, reaches the program alone and ends nothing", async (signal) => {
    const repo = makeExperiment();
    // The child does not listen: it would end.
    const child = 'setInterval(() => {}, 1000); require("fs").writeFileSync("running", "");';
    repo.write("child.js", child);
    repo.write(
      "job.js",
      `const child = require("child_process").spawn(process.execPath, ["child.js"], { stdio: "inherit" });
       process.on("${signal}", () => { console.log("told", child.exitCode, child.signalCode); child.kill(); });`,
    );
    const first = inBackground(repo, ["run", "--json", "--", "node", "job.js"]);
    await until(() => exists(repo, "running"));
    first.kill(signal);
    const { code, stdout, stderr } = await first.ended;
    const { data } = JSON.parse(stdout);
    expect({ code, status: data.status, version: data.version }).toEqual({ code: 0, status: "finished", version: "e0.1.0" });
    expect(readFileSync(data.log, "utf8")).toContain("told null null");
    expect(stderr).not.toContain("ebugger");
  });

  it.each([
    ["by nohup, of which a shell tells in the environment", { env: { _: "/usr/bin/nohup" } }],
    ["by nohup, which gives a script an input nobody can read", { input: openSync("/dev/null", "w") }],
    ["by a script that ignores it", { shell: ["sh", "-c", "trap '' HUP; \"$@\"; exit $?", "sh"] }],
  ])("a terminal that closes ends no run that was started %s", async (_how, options: Surroundings) => {
    const repo = makeWaiting();
    const [program = "", ...args] = [...(options.shell ?? []), process.execPath, MAIN, "run", "--", "node", "wait.js"];
    const child = spawn(program, args, {
      cwd: repo.root,
      env: { ...repo.context.env, ...options.env },
      stdio: [options.input ?? "ignore", "ignore", "ignore"],
      detached: true,
    });
    const ended = new Promise((done) => child.once("exit", done));
    await until(() => exists(repo, "running"));
    process.kill(-(child.pid ?? 0), "SIGHUP");
    // Time to hear of it.
    await sleep(300);
    repo.write("go", "");
    expect(await ended).toBe(0);
    expect(repo.git("tag")).toBe("e0.1.0");
  });

  it("Ctrl-Z stops the program and all it started, until it is to go on", async () => {
    const repo = makeExperiment();
    const child = 'setInterval(() => require("fs").appendFileSync("running", "."), 20);';
    repo.write("child.js", child);
    repo.write(
      "job.js",
      `const child = require("child_process").spawn(process.execPath, ["child.js"], { stdio: "inherit" });
       setInterval(() => { if (require("fs").existsSync("go")) { child.kill(); process.exit(0); } }, 20);`,
    );
    repo.write(".gitignore", `${repo.read(".gitignore")}running\ngo\n`);
    repo.commit("programs");
    const first = inBackground(repo, ["run", "--json", "--", "node", "job.js"]);
    await until(() => exists(repo, "running"));
    const marks = () => repo.read("running").length;
    first.kill("SIGTSTP");
    await until(() => isStopped(first.pid));
    const seen = marks();
    repo.write("go", "");
    await sleep(300);
    // What was on its way.
    expect(marks()).toBeLessThanOrEqual(seen + 1);
    first.kill("SIGCONT");
    expect(await first.ended).toMatchObject({ code: 0 });
  });

  it("a second interrupt kills what does not listen", async () => {
    const repo = makeExperiment();
    const deaf = "trap 'echo > told' INT; echo > running; while :; do sleep 0.1; done";
    const first = inBackground(repo, ["run", "--json", "--", "sh", "-c", deaf]);
    // Signals that come before the first one was looked at count as one; a third would end expver itself.
    for (const heard of ["running", "told"]) {
      await until(() => exists(repo, heard));
      first.kill("SIGINT");
    }
    expect(JSON.parse((await first.ended).stdout).data).toMatchObject({ status: "killed", signal: "SIGKILL" });
  });

  it("`runs stop` is recorded as killed even when the program ends politely; `runs wait` and `runs list` tell", async () => {
    const repo = makeExperiment();
    const started = repo.expverJson([
      "run",
      "--detach",
      "--",
      "sh",
      "-c",
      "trap 'exit 0' TERM; echo > ../listens; while :; do sleep 0.05; done",
    ]);
    expect(started).toMatchObject({ code: 0, data: { detached: true, status: "running", version: "e0.1.0" } });
    const runId = started.data.run_id;
    await until(() => exists(repo, "../listens"));
    expect(repo.expverJson(["runs", "list"]).data.runs).toMatchObject([{ run_id: runId, status: "running" }]);
    expect(repo.expverJson(["runs", "stop", runId])).toMatchObject({ code: 0, data: { status: "killed", version: null } });
    expect(repo.expverJson(["runs", "wait", runId])).toMatchObject({ code: 1, data: { status: "killed" } });
    expect(repo.expverJson(["runs", "stop", runId])).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
    expect(runRows(repo)).toMatchObject([{ status: "killed" }]);
  });
});

describe("a detached run", () => {
  it("ends as any other, and its output can be followed", async () => {
    const repo = makeWaiting(`console.log("end"); ${TRAIN}`);
    const { data } = repo.expverJson(["run", "-m", "behind me", "--param", "lr=-1", "--detach", "--", "node", "wait.js"]);
    const follow = inBackground(repo, ["runs", "logs", "-f", data.run_id]);
    repo.write("go", "");
    expect(repo.expverJson(["runs", "wait"])).toMatchObject({ code: 0, data: { status: "finished", version: "e0.1.0" } });
    const followed = await follow.ended; // On stdout when the run had ended before it could be followed.
    expect(followed.stderr + followed.stdout).toContain("end\ntraining -1");
    expect(repo.git("cat-file", "-p", "e0.1.0")).toContain("lr=-1 | behind me");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("that cannot start says why, to the one who asked", () => {
    const repo = makeExperiment();
    repo.write("noexec", "#!/no/such/interpreter\n");
    repo.run("chmod", ["+x", "noexec"]);
    const answer = repo.expverJson(["run", "--detach", "--", "./noexec"]);
    expect(answer).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
    expect(readdirSync(join(repo.root, ".git/expver/runs"))).toEqual([]);
    expect(refs(repo)).toBe("");
    expect(runRows(repo)).toEqual([]);
  });

  it("that is overtaken by another run says so, with its code, and leaves no folder", () => {
    const repo = makeExperiment();
    const folder = makeFolder("bin");
    const [git, lease] = [repo.run("sh", ["-c", "command -v git"]).stdout.trim(), leaseName(openProject(repo.context))];
    const other = acquireLease(openProject(repo.context), "other", { run: "other-run-0001", since: "now" });
    const leases = join(repo.root, ".git/expver/leases");
    const taken = readFileSync(join(leases, "other.json"), "utf8").replace('"name":"other"', `"name":"${lease}"`);
    writeFileSync(join(folder, "lease.json"), taken);
    // The detached process is the first that has this variable.
    const take = `cp '${folder}/lease.json' '${leases}/${fileNameOf(lease)}.json'`;
    writeFileSync(join(folder, "git"), `#!/bin/sh\n[ -z "$EXPVER_SUPERVISED_RUN" ] || ${take}\nexec '${git}' "$@"\n`, { mode: 0o755 });
    const env = { PATH: `${folder}:${process.env.PATH}` };
    const answer = repo.expverJson(["run", "--detach", "--", "touch", "second"], { env });
    expect(answer).toMatchObject({ code: 4, error: { code: "E_BUSY", message: expect.stringContaining("other-run-0001") } });
    expect(readdirSync(join(repo.root, ".git/expver/runs"))).toEqual([]);
    expect(exists(repo, "second")).toBe(false);
    other.release();
  });
});

describe("kill -9 of expver", () => {
  it("does not kill the program; a second run is refused while it lives; then it is recorded with its rows", async () => {
    const repo = makeWaiting();
    const first = inBackground(repo, ["run", "--param", "lr=3", "--", "node", "wait.js"]);
    await until(() => exists(repo, "running") && readState(repo).includes('"running"'));
    first.kill("SIGKILL");
    await first.ended;
    const runId = repo.read("running");
    expect(repo.expverJson(["runs", "list"]).data.runs).toMatchObject([{ run_id: runId, status: "running" }]);
    expect(repo.expverJson(["run", "--", "touch", "second"])).toMatchObject({
      code: 4,
      error: { code: "E_BUSY", details: { run: runId } },
    });
    expect(exists(repo, "second")).toBe(false);
    repo.write("go", "");
    await until(() => exists(repo, "metrics.json"));
    await until(() => repo.expverJson(["runs", "list"]).data.runs[0].status !== "running");
    expect(repo.expverJson(["runs", "list"]).data.runs).toMatchObject([{ run_id: runId, status: "lost" }]);
    const next = repo.expverJson(["run", "--", "true"]);
    expect(next).toMatchObject({ code: 0, data: { version: "e0.1.0" } });
    expect(next.warnings.map(({ text }) => text).join()).toContain(`run ${runId} is recorded as killed`);
    expect(runRows(repo)).toMatchObject([
      { run_id: runId, status: "killed", version: null },
      { status: "finished", version: "e0.1.0" },
    ]);
    expect(rowsOf(repo)).toMatchObject([{ track_id: runId, lr: 3n, version: null }, { version: "e0.1.0" }]);
    expect(refs(repo)).toBe(`refs/expver/runs/${runId}\nrefs/tags/e0.1.0`);

    const plan = await planVersionOfRun(repo.context, { run: runId, version: "e5.0.0", description: "saved" });
    const made = await applyVersionOfRun(repo.context, plan);
    expect(made).toMatchObject({ version: "e5.0.0", run_id: runId });
    expect(repo.git("rev-parse", "e5.0.0^{commit}^")).toBe(runRows(repo)[0]?.git_commit);
    expect(rowsOf(repo)).toMatchObject([{ version: "e5.0.0" }, { version: "e0.1.0" }]);
    expect(repo.git("cat-file", "-p", "e5.0.0")).toContain("lr=3 | saved");
    expect(refs(repo)).toBe("refs/tags/e0.1.0\nrefs/tags/e5.0.0");
  });

  it("that has recorded its run and not given up its place: the next one begins, whoever has the program's number now", async () => {
    const repo = makeExperiment();
    const { data } = repo.expverJson(["run", "--", "node", "train.js"]);
    const project = openProject(repo.context);
    const folder = runFolder(project, data.run_id);
    // Where a disk was full for a moment how it ended is not written down; a number may be given again.
    rmSync(join(folder, "end.json"));
    writeFileSync(join(folder, "process.json"), JSON.stringify(identityOf(process.pid)));
    acquireLease(project, leaseName(project), { run: data.run_id }, deadIdentity());
    expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
  });

  it("at any moment leaves either a whole version or none, and the next run works", { timeout: 300_000 }, async () => {
    const repo = makeExperiment();
    let number = 0;
    for (let delay = 60; delay < 900; delay += 35) {
      number += 1;
      repo.write("code.py", `${number}`);
      const head = repo.git("rev-parse", "HEAD");
      const first = inBackground(repo, ["run", "-m", `try ${number}`, "--", "node", "train.js"]);
      await sleep(delay);
      first.kill("SIGKILL");
      await first.ended;
      // The program, if it was started, ends.
      await until(() => !repo.expverJson(["runs", "list"]).data.runs.some(({ status }: { status: string }) => status === "running"));
      const after = repo.expverJson(["run", "-m", `after ${number}`, "--", "node", "train.js"]);
      expect(after.code, JSON.stringify(after)).toBe(0);
      checkWhole(repo, head, JSON.stringify({ delay, after, ops: repo.expver(["ops", "list"]).stdout }, null, 1));
    }
  });
});

function readState(repo: TestRepository): string {
  const runs = join(repo.root, ".git/expver/runs");
  if (!existsSync(runs)) return "";
  return readdirSync(runs)
    .map((name) =>
      existsSync(join(runs, name, "run.json"))
        ? (JSON.parse(readFileSync(join(runs, name, "run.json"), "utf8")) as { phase: string }).phase
        : "",
    )
    .map((phase) => JSON.stringify(phase))
    .join();
}
