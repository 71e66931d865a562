import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drain, followLog } from "../../src/launchers/follow-log.ts";
import type { Job } from "../../src/launchers/launcher.ts";
import { localLauncher } from "../../src/launchers/local.ts";
import { systemContext } from "../../src/platform/context.ts";
import { findByEnvironment, identityOf } from "../../src/platform/processes.ts";
import { execute } from "../../src/workflows/run/program/execute.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "expver-launch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

const job = (script: string, more: Partial<Job> = {}): Job => ({
  id: `brave-fox-${Math.floor(Math.random() * 1e9)}`,
  folder,
  argv: [process.execPath, "-e", script],
  cwd: folder,
  env: { PATH: process.env.PATH },
  ...more,
});

describe("local launcher", () => {
  it("writes both streams into the log and remembers how the program ended", async () => {
    const launcher = localLauncher();
    const one = job("console.log('out'); console.error('err'); process.exitCode = 7");
    expect((await launcher.submit(one)).state).toBe("running");
    expect(await launcher.wait(one)).toMatchObject({ state: "ended", exitCode: 7, signal: null });
    expect(readFileSync(launcher.log(one), "utf8")).toBe("out\nerr\n");
    // Another process asks later: the files answer.
    expect((await localLauncher().states([one])).get(one.id)).toMatchObject({ state: "ended", exitCode: 7 });
  });

  it("stops a program whose start could not be written down: nobody would know that it goes on", async () => {
    const one = job("setTimeout(() => {}, 20000)");
    const full = new Error("the disk is full");
    const onStart = () => {
      throw full;
    };
    const launcher = localLauncher();
    await expect(execute(systemContext({ cwd: folder, report: () => {} }), { launcher, job: one, onStart })).rejects.toBe(full);
    expect(await launcher.wait(one)).toMatchObject({ state: "ended", signal: "SIGKILL" });
  });

  it("starts nothing when the id is already there", async () => {
    const launcher = localLauncher();
    const one = job("console.log('once')");
    await launcher.submit(one);
    await launcher.wait(one);
    await localLauncher().submit(one);
    await sleep(200);
    expect(readFileSync(launcher.log(one), "utf8")).toBe("once\n");
  });

  it("knows the end of a job that outlives its submitter, though nobody saw it", async () => {
    const ends = [
      { script: "process.exitCode = 3", exitCode: 3, signal: null },
      { script: "process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 20000)", exitCode: null, signal: "SIGKILL" },
    ];
    for (const { script, ...end } of ends) {
      const own = mkdtempSync(join(folder, "job-"));
      const one = job(script, { outlives: true, folder: own });
      const launcher = localLauncher();
      await launcher.submit(one);
      expect(await launcher.wait(one)).toMatchObject({ state: "ended", ...end });
      // What a submitter that was killed meanwhile would not have written.
      rmSync(join(own, "end.json"));
      expect((await localLauncher().states([one])).get(one.id)).toMatchObject({ state: "ended", ...end });
    }
  });

  it("passes signals to the program of a job that outlives its submitter", async () => {
    const launcher = localLauncher();
    const one = job(
      "process.on('SIGTERM', () => { console.log('asked'); process.exit(5); }); console.log('up'); setTimeout(() => {}, 20000)",
      {
        outlives: true,
      },
    );
    await launcher.submit(one);
    while (!readFileSync(launcher.log(one), "utf8").includes("up")) await sleep(20);
    expect(await launcher.stop(one, "SIGTERM")).toBe(true);
    expect(await launcher.wait(one)).toMatchObject({ state: "ended", exitCode: 5, signal: null });
    expect(readFileSync(launcher.log(one), "utf8")).toContain("asked");
  });

  it("ends a program that has been stopped meanwhile", async () => {
    const launcher = localLauncher();
    const one = job("console.log('up'); setTimeout(() => {}, 20000)");
    await launcher.submit(one);
    while (!readFileSync(launcher.log(one), "utf8").includes("up")) await sleep(20);
    await launcher.stop(one, "SIGSTOP");
    await launcher.stop(one, "SIGTERM");
    expect(await launcher.wait(one)).toMatchObject({ state: "ended", signal: "SIGTERM" });
  });

  it.each(["SIGUSR1", "SIGUSR2"] as const)("is not ended by a %s that everything of a job gets", async (signal) => {
    const launcher = localLauncher();
    const one = job(`process.on("${signal}", () => process.exit(5)); console.log("up"); setTimeout(() => {}, 20000)`, { outlives: true });
    await launcher.submit(one);
    while (!readFileSync(launcher.log(one), "utf8").includes("up")) await sleep(20);
    await launcher.stop(one, signal);
    expect(await launcher.wait(one)).toMatchObject({ state: "ended", exitCode: 5, signal: null });
  });

  it.runIf(process.platform === "linux")("leaves no program behind when what records its end is killed alone", async () => {
    const launcher = localLauncher();
    const one = job("console.log(process.pid); setTimeout(() => {}, 60000)", { outlives: true });
    await launcher.submit(one);
    while (!readFileSync(launcher.log(one), "utf8").includes("\n")) await sleep(20);
    const recorder = (await launcher.states([one])).get(one.id)?.process?.pid ?? 0;
    process.kill(recorder, "SIGKILL");
    expect(await launcher.wait(one)).toMatchObject({ state: "ended", signal: "SIGKILL" });
    while (findByEnvironment("EXPVER_RUN_ID", one.id).length > 0) await sleep(20);
  });

  it.runIf(process.platform === "linux")("knows a program whose recorder was killed while nobody watched, and stops it", async () => {
    const one = job("console.log(process.pid); setTimeout(() => {}, 60000)", { outlives: true });
    // As a submitter that is gone had started it: nobody here sees the recorder's end.
    const recorder = spawn("sh", ["-c", '"$@"; true', "sh", ...one.argv], {
      env: { ...one.env, EXPVER_RUN_ID: one.id },
      stdio: ["ignore", openSync(join(folder, "log"), "a"), "ignore"],
      detached: true,
    });
    writeFileSync(join(folder, "process.json"), JSON.stringify({ ...identityOf(recorder.pid ?? 0), outlives: true }));
    const launcher = localLauncher();
    while (!readFileSync(launcher.log(one), "utf8").includes("\n")) await sleep(20);
    const program = Number(readFileSync(launcher.log(one), "utf8"));
    recorder.kill("SIGKILL");
    while ((await launcher.states([one])).get(one.id)?.process?.pid !== program) await sleep(20);
    expect((await launcher.states([one])).get(one.id)?.state).toBe("running");
    expect(await launcher.stop(one, "SIGKILL")).toBe(true);
    expect(await launcher.wait(one)).toMatchObject({ state: "lost" });
  });

  it("does not wait for a grandchild that keeps the log open", async () => {
    const launcher = localLauncher();
    const one = job(
      "require('child_process').spawn(process.execPath, ['-e', 'setTimeout(()=>{}, 600000)'], { stdio: 'inherit' }).unref(); process.exit(0)",
    );
    await launcher.submit(one);
    expect(await launcher.wait(one)).toMatchObject({ exitCode: 0 });
    // The grandchild is still there to be killed.
    process.kill(-(JSON.parse(readFileSync(join(folder, "process.json"), "utf8")).pid as number), "SIGKILL");
  });

  it("signals the whole group", async () => {
    const launcher = localLauncher();
    const one = job(
      "require('child_process').spawnSync('sh', ['-c', 'trap \"echo got it; exit 3\" TERM; echo ready; while :; do sleep 0.05; done'], { stdio: 'inherit' })",
    );
    await launcher.submit(one);
    while (!readFileSync(launcher.log(one), "utf8").includes("ready")) await sleep(20);
    expect(await launcher.stop(one, "SIGTERM")).toBe(true);
    expect(await launcher.wait(one)).toMatchObject({ exitCode: null, signal: "SIGTERM" });
    while (!readFileSync(launcher.log(one), "utf8").includes("got it")) await sleep(20);
    expect(await launcher.stop(one, "SIGTERM")).toBe(false);
  });

  it("signals nobody here for a job of another machine", async () => {
    const launcher = localLauncher();
    const one = job("0");
    await launcher.submit(one);
    await launcher.wait(one);
    rmSync(join(folder, "end.json"));
    // The same number is another program's here.
    const bystander = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
    const told = { ...identityOf(bystander.pid ?? 0), host: "elsewhere" };
    writeFileSync(join(folder, "process.json"), JSON.stringify(told));
    expect((await launcher.states([one])).get(one.id)?.state).toBe("running");
    expect(await localLauncher().stop(one, "SIGKILL")).toBe(false);
    await sleep(100);
    expect([bystander.exitCode, bystander.signalCode]).toEqual([null, null]);
    bystander.kill("SIGKILL");
  });

  it("says which program does not exist", async () => {
    await expect(localLauncher().submit(job("", { argv: ["no-such-program-xyz"] }))).rejects.toMatchObject({
      code: "E_NOT_FOUND",
      message: expect.stringContaining("no-such-program-xyz"),
    });
  });

  it.runIf(process.platform === "linux")("finds a program whose pid nobody wrote down", async () => {
    const launcher = localLauncher();
    const one = job("setTimeout(() => {}, 20000)");
    await launcher.submit(one);
    rmSync(join(folder, "process.json"));
    const status = (await localLauncher().states([one])).get(one.id);
    expect(status?.state).toBe("running");
    await localLauncher().stop(one, "SIGKILL");
    expect(await launcher.wait(one)).toMatchObject({ signal: "SIGKILL" });
  });

  it("calls a job lost that is gone without an end record", async () => {
    const launcher = localLauncher();
    const one = job("0");
    await launcher.submit(one);
    await launcher.wait(one);
    rmSync(join(folder, "end.json"));
    expect((await localLauncher().states([one])).get(one.id)).toMatchObject({ state: "lost", exitCode: null });
  });
});

describe("following a log", () => {
  it("delivers every byte in order, the last ones included", async () => {
    const launcher = localLauncher();
    const one = job("for (let i = 0; i < 5000; i++) console.log('line ' + i)");
    await launcher.submit(one);
    const chunks: Uint8Array[] = [];
    await followLog(launcher.log(one), (chunk) => chunks.push(chunk), { ended: launcher.wait(one) });
    expect(Buffer.concat(chunks).toString()).toBe(readFileSync(launcher.log(one), "utf8"));
    expect(Buffer.concat(chunks).toString().split("\n")).toHaveLength(5001);
  });

  it("hears signals, and comes to an end, though something writes on faster than it reads", async () => {
    const launcher = localLauncher();
    const one = job('require("child_process").spawn("yes", { stdio: ["ignore", "inherit", "inherit"] }); setInterval(() => {}, 1000)');
    await launcher.submit(one);
    let heard = false;
    setTimeout(() => {
      heard = true;
      // The program alone: what it started goes on to write.
      void launcher.tell(one, "SIGKILL");
    }, 300);
    let read = 0;
    const count = ({ length }: Uint8Array) => {
      read += length;
    };
    const offset = await followLog(launcher.log(one), count, { ended: launcher.wait(one) });
    const { process: group } = (await launcher.states([one])).get(one.id) ?? {};
    process.kill(-(group?.pid ?? 0), "SIGKILL");
    expect({ heard, offset }).toEqual({ heard: true, offset: read });
  });

  it("lets signals be heard while it hands on what has long been there", async () => {
    const log = join(folder, "long");
    writeFileSync(log, Buffer.alloc(8 * 1024 * 1024, "line\n"));
    let read = 0;
    let readWhenHeard = 0;
    setImmediate(() => {
      readWhenHeard = read;
    });
    const count = ({ length }: Uint8Array) => {
      read += length;
    };
    await followLog(log, count, { ended: Promise.resolve() });
    expect(read).toBe(8 * 1024 * 1024);
    expect(readWhenHeard).toBeLessThan(read);
  });

  it("begins where it is told and takes a missing file for an empty one", () => {
    expect(drain(join(folder, "nothing"), 3, () => {})).toBe(3);
  });
});
