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
import { makeFolder, makeRepository } from "../support/repository.ts";

async function waitFor(isTime: () => boolean): Promise<void> {
  while (!isTime()) await pause(20);
}

const MAIN = join(import.meta.dirname, "../../dist/main.js");
const CONTAINER = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const CAN_CONTAIN = spawnSync("unshare", [...CONTAINER, "true"]).status === 0;

const running = new Set<number>();
afterAll(() => {
  for (const pid of running) process.kill(pid, "SIGKILL");
});

/** Runs it there; answers how to end all of it. */
function contain(command: string[], { cwd, env }: { cwd: string; env: Record<string, string | undefined> }): () => Promise<void> {
  const child = spawn("unshare", [...CONTAINER, ...command], { cwd, env: env as NodeJS.ProcessEnv, stdio: "ignore" });
  const pid = child.pid as number;
  running.add(pid);
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  return () => {
    running.delete(pid);
    process.kill(pid, "SIGKILL");
    return ended;
  };
}

describe.skipIf(!CAN_CONTAIN)("a run in a container", { timeout: 120_000 }, () => {
  it("is left alone while it goes on, and closed when it was killed", async () => {
    const repository = makeRepository();
    expect(repository.expver(["init"]).code).toBe(0);
    repository.commit("start");
    const { root, context } = repository;
    const end = contain([process.execPath, MAIN, "run", "--", "sh", "-c", "touch started; sleep 300"], { cwd: root, env: context.env });
    await waitFor(() => existsSync(join(root, "started")));
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
  const { root, context } = repository;
  const end = contain([process.execPath, MAIN, "run", "--", "sh", "-c", "touch started; sleep 300"], { cwd: root, env: context.env });
  await waitFor(() => existsSync(join(root, "started")));
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
