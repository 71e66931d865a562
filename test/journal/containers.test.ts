/** Containers that are called as the machine is (`--network=host`): a pid there is another process than here. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { acquireLease, readLease } from "../../src/journal/lease.ts";
import { beginOperation, openOperations, readOperation } from "../../src/journal/operations.ts";
import { identityOf, lifeOf, type ProcessIdentity, spaceOfPids } from "../../src/platform/processes.ts";
import { newOwnName, sweepStagings } from "../../src/store/objects/staging.ts";
import { leaseName } from "../../src/workflows/second-run.ts";
import { MAIN } from "../support/command-line.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

async function waitFor(isTime: () => boolean): Promise<void> {
  while (!isTime()) await pause(20);
}

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

describe.skipIf(!CAN_CONTAIN)("a run in a container", () => {
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

it.skipIf(!CAN_CONTAIN)("a run in a container is stopped from outside", async () => {
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

describe.skipIf(identityOf(process.pid).machine === "")("two machines of one name that share a disk", () => {
  const here = identityOf(process.pid);
  const rebooted: ProcessIdentity = { ...here, boot: "another boot", at: 0 };
  const namesake: ProcessIdentity = { ...rebooted, machine: "another machine" };

  it("are told apart, and each knows what its own last boot left, also by records that named no machine", () => {
    const { machine: _, ...earlier } = rebooted;
    expect([namesake, rebooted, earlier].map(lifeOf)).toEqual(["unknown", "dead", "dead"]);
    // One kernel is one machine, whatever id a container's image brings.
    expect(lifeOf({ ...here, machine: "an image's" })).toBe("alive");
  });

  it("are told apart with one id from one image, where the other wrote while this one was up", () => {
    const { at: _, ...earlier } = rebooted;
    expect([{ ...rebooted, at: Date.now() }, rebooted, earlier].map(lifeOf)).toEqual(["unknown", "dead", "dead"]);
    const folder = makeFolder();
    const [fresh, old] = ["00000001", "00000002"].map(
      (end) => `.${newOwnName().replace(/-[0-9a-f]{8}-(\d+-\d*)-.*/, `-0123abcd-$1-${end}.tmp`)}`,
    );
    for (const name of [fresh, old] as string[]) mkdirSync(join(folder, name));
    utimesSync(join(folder, old as string), 0, 0);
    sweepStagings(folder);
    expect([fresh, old].map((name) => existsSync(join(folder, name as string)))).toEqual([true, false]);
  });

  it("do not take each other's leases and operations for what a reboot left", () => {
    const repository = makeRepository();
    expect(repository.expver(["init"]).code).toBe(0);
    repository.commit("start");
    const project = openProject(repository.context);
    const held = (owner: ProcessIdentity) => {
      const lease = acquireLease(project, leaseName(project), { run: "quiet-otter-0412" }, owner);
      const operation = beginOperation(project, repository.context, {
        command: "data add",
        argv: ["data", "add"],
        summary: "track x",
        owner,
      });
      return { lease, operation };
    };
    const { lease, operation } = held(namesake);
    const refused = repository.expverJson(["run", "--", "true"]);
    expect([refused.code, refused.error?.code]).toEqual([4, "E_BUSY"]);
    expect(refused.error?.message).toContain(`${here.host}, another machine of that name`);
    expect(openOperations(project).map(({ id }) => id)).toEqual([operation.id]);
    expect(readLease(project, leaseName(project))?.token).toBe(lease.token);
    lease.release();
    const own = held(rebooted);
    expect(repository.expver(["run", "--", "true"]).code).toBe(0);
    expect(openOperations(project).map(({ id }) => id)).toEqual([operation.id]);
    expect(readOperation(project, own.operation.id).state).toBe("recovered");
  });

  it("leave each other's staging folders alone, also those by an earlier version", () => {
    const folder = makeFolder();
    const digest = (text: string) => createHash("md5").update(text).digest("hex").slice(0, 8);
    const [, space, boot, rest] = /^(expver-[0-9a-f]{8})-([0-9a-f]{8})-(.*)$/.exec(newOwnName()) ?? [];
    const dead = `${deadIdentity().pid}-1-0123abcd.tmp`;
    const earlier = `expver-${digest(spaceOfPids().replace(String(here.machine), ""))}`;
    const names = {
      alive: `.${space}-${boot}-${rest}`,
      killed: `.${space}-${boot}-${dead}`,
      "before a reboot": `.${space}-0123abcd-${dead}`,
      namesake: `.expver-0123abcd-0123abcd-${dead}`,
      "killed, earlier version": `.${earlier}-${boot}-${dead}`,
      "perhaps a namesake, earlier version": `.${earlier}-0123abcd-${dead}`,
    };
    for (const name of Object.values(names)) mkdirSync(join(folder, name));
    utimesSync(join(folder, names["before a reboot"]), 0, 0);
    sweepStagings(folder);
    expect(Object.entries(names).flatMap(([what, name]) => (existsSync(join(folder, name)) ? [what] : []))).toEqual([
      "alive",
      "namesake",
      "perhaps a namesake, earlier version",
    ]);
  });
});

it("who wrote no space is judged by the number alone", () => {
  const { space: _, ...old }: ProcessIdentity = identityOf(process.pid);
  expect(lifeOf(old)).toBe("alive");
  expect(lifeOf({ ...deadIdentity(), space: "" })).toBe("dead");
});
