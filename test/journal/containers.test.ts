/** Containers that are called as the machine is (`--network=host`): a pid there is another process than here. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { openOperations } from "../../src/journal/operations.ts";
import { identityOf, lifeOf, type ProcessIdentity } from "../../src/platform/processes.ts";
import { newOwnName, sweepStagings } from "../../src/store/staging.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

async function waitFor(isTime: () => boolean): Promise<void> {
  while (!isTime()) await pause(20);
}

const MAIN = join(import.meta.dirname, "../../dist/main.cjs");
const CONTAINER = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const CAN_CONTAIN = spawnSync("unshare", [...CONTAINER, "true"]).status === 0;

const running = new Set<() => unknown>();
afterAll(() => {
  for (const end of running) end();
});

/** Begins a run there, and waits until its program has started; answers how to end all of it. */
async function beginRun({ root, context }: TestRepository): Promise<() => Promise<unknown>> {
  const command = [process.execPath, MAIN, "run", "--", "sh", "-c", "touch started; sleep 300"];
  const env = context.env as NodeJS.ProcessEnv;
  const child = spawn("unshare", [...CONTAINER, ...command], { cwd: root, env, stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const end = () => {
    child.kill("SIGKILL");
    return ended;
  };
  running.add(end);
  await waitFor(() => {
    expect(child.exitCode).toBeNull();
    return existsSync(join(root, "started"));
  });
  return end;
}

describe.skipIf(!CAN_CONTAIN)("a run in a container", { timeout: 120_000 }, () => {
  it("is left alone while it goes on, and closed when it was killed", async () => {
    const repository = makeRepository();
    expect(repository.expver(["init"]).code).toBe(0);
    repository.commit("start");
    const { context } = repository;
    const end = await beginRun(repository);
    repository.write("x", "data");
    expect(repository.expver(["data", "add", "x"]).code).toBe(0);
    expect(repository.expverJson(["ops"]).data.operations).toEqual(
      expect.arrayContaining([expect.objectContaining({ command: "run", state: "running" })]),
    );
    expect(repository.expver(["run", "--", "true"])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("goes on in this worktree"),
    });
    // Another container sees neither.
    const add = ["unshare", ...CONTAINER, process.execPath, MAIN, "data", "add", "x"];
    expect(repository.run(add[0] as string, add.slice(1)).code).toBe(0);
    expect(openOperations(openProject(context))).toHaveLength(1);
    await end();
    await waitFor(() => openOperations(openProject(context)).every(({ owner }) => lifeOf(owner) === "dead"));
    expect(repository.expver(["data", "add", "x"])).toMatchObject({ stderr: expect.stringContaining("is recorded as killed") });
    expect(openOperations(openProject(context))).toEqual([]);
  });
});

it.skipIf(!CAN_CONTAIN)("a run in a container is stopped from outside", { timeout: 120_000 }, async () => {
  const repository = makeRepository();
  expect(repository.expver(["init"]).code).toBe(0);
  repository.commit("start");
  const { context } = repository;
  const end = await beginRun(repository);
  const [{ run_id: run }] = repository.expverJson(["runs"]).data.runs;
  expect(repository.expver(["runs", "stop", run])).toMatchObject({ code: 0 });
  await waitFor(() => openOperations(openProject(context)).length === 0);
  expect(repository.expverJson(["runs"]).data.runs).toEqual([expect.objectContaining({ run_id: run, signal: "SIGTERM" })]);
  await end();
});

it("what is left of another machine or container goes when nobody has written to it for a week", () => {
  const folder = makeFolder();
  const [fresh, old, busy] = ["0123abcd", "1123abcd", "2123abcd"].map((host) => `.${newOwnName().replace(/[0-9a-f]{8}/, host)}`);
  const long = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  for (const name of [fresh, old, busy] as string[]) {
    mkdirSync(join(folder, name, "00"), { recursive: true });
    writeFileSync(join(folder, name, "object-1"), "bytes");
    if (name === fresh) continue;
    if (name === old) utimesSync(join(folder, name, "object-1"), long, long);
    utimesSync(join(folder, name, "00"), long, long);
    utimesSync(join(folder, name), long, long);
  }
  sweepStagings(folder);
  expect([fresh, old, busy].map((name) => existsSync(join(folder, name as string)))).toEqual([true, false, true]);
});

it("who wrote no space is judged by the number alone", () => {
  const { space: _, ...old }: ProcessIdentity = identityOf(process.pid);
  expect(lifeOf(old)).toBe("alive");
  expect(lifeOf({ ...deadIdentity(), space: "" })).toBe("dead");
});
