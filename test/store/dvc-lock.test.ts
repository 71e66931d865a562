/** DVC's own lock files: what its programs hold is left alone, what dead ones left is no hindrance. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import type { ProgressEvent } from "../../src/platform/context.ts";
import { withDvcLock } from "../../src/store/dvc-lock.ts";
import { inBackground, until } from "../run/story.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function living(): number {
  const child = spawn("sleep", ["60"]);
  started.push(child);
  return child.pid as number;
}

function withDvc(config = ""): TestRepository {
  const repository = makeRepository();
  expect(repository.expver(["data", "init", "-q"]).code).toBe(0);
  if (config !== "") repository.write(".dvc/config", config);
  return repository;
}

const lock = (repository: TestRepository, writes: string[], patience = 0) =>
  withDvcLock(openProject(repository.context), () => "done", { writes, patience });

describe("a file system without locks", () => {
  /** As flock(1) says it on an NFS whose lock service does not answer. */
  function withoutLocks(): TestRepository & { env: Record<string, string> } {
    const repository = withDvc();
    const programs = makeFolder("programs");
    writeFileSync(join(programs, "flock"), "#!/bin/sh\necho 'flock: 3: No locks available' >&2\nexit 71\n", { mode: 0o755 });
    return { ...repository, env: { PATH: `${programs}:${process.env.PATH}` } };
  }

  it("is said, with a way out, and not that somebody else is at work", () => {
    const repository = withoutLocks();
    const { env } = repository;
    repository.write("a.csv", "1\n");
    const { code, stderr } = repository.expver(["data", "add", "a.csv"], { env });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^error E_IO: .*tmp\/lock cannot be locked: No locks available\n {2}hint: .*core\.hardlink_lock true/);
    expect(repository.expver(["data", "config", "core.hardlink_lock", "true"], { env }).code).toBe(0);
    // What the other kind of lock has left is stale a few seconds later.
    utimesSync(join(repository.root, ".dvc/tmp/lock"), 0, 0);
    expect(repository.expver(["data", "add", "a.csv"], { env }).code).toBe(0);
  });

  it("costs no run that has ended its version", () => {
    const repository = withoutLocks();
    repository.expver(["init"]);
    repository.commit("start");
    const { code, warnings } = repository.expverJson(
      ["run", "-m", "one", "--", "sh", "-c", "mkdir models; echo m > models/m.bin"],
      repository,
    );
    expect({ code, tag: repository.git("tag") }).toEqual({ code: 0, tag: "e0.1.0" });
    expect(warnings.map(({ text }) => text)).toContainEqual(expect.stringContaining("No locks available: stored without it"));
  });
});

describe("a path that a stage of dvc reads or writes", () => {
  const hold = (repository: TestRepository, held: object) => repository.write(".dvc/tmp/rwlock", JSON.stringify(held));
  const entry = (pid: number) => ({ pid, cmd: "dvc repro train" });

  it("is not written to while that process lives; what lies above or below it is the same", async () => {
    const repository = withDvc();
    const pid = living();
    for (const held of [
      { write: { [join(repository.root, "data/a")]: entry(pid) }, read: {} },
      { read: { [join(repository.root, "data/a")]: [entry(deadIdentity().pid), entry(pid)] } },
    ]) {
      hold(repository, held);
      for (const path of ["data/a", "data", "data/a/below"])
        await expect(lock(repository, ["other", path])).rejects.toMatchObject({
          code: "E_BUSY",
          message: `${path} is in use by process ${pid} (dvc repro train)`,
        });
      for (const path of ["data/ab", "dat", "other"]) expect(await lock(repository, [path])).toBe("done");
    }
  });

  it("is free again when the process is gone, when it is ours, and when nobody can read who has it", async () => {
    const repository = withDvc();
    const path = join(repository.root, "data");
    for (const held of [
      { write: { [path]: entry(deadIdentity().pid) } },
      { write: { [path]: entry(process.pid) } },
      { write: { [path]: { cmd: "x" } } },
    ]) {
      hold(repository, held);
      expect(await lock(repository, ["data"])).toBe("done");
    }
    for (const text of ["", "{", "[]", "null"]) {
      repository.write(".dvc/tmp/rwlock", text);
      expect(await lock(repository, ["data"])).toBe("done");
    }
  });
});

it("a command that a stage of dvc runs may write what the stage writes: dvc waits for it", () => {
  const repository = withDvc();
  repository.write("data", "1");
  const add = (pid: number) => {
    const held = { write: { [join(repository.root, "data")]: { pid, cmd: "dvc repro train" } } };
    repository.write(".dvc/tmp/rwlock", JSON.stringify(held));
    return repository.expver(["data", "add", "data", "--wait", "0"]);
  };
  expect(add(process.pid)).toMatchObject({ code: 0 });
  expect(add(living())).toMatchObject({ code: 1, stderr: expect.stringContaining("is in use by process") });
});

describe("core.hardlink_lock", () => {
  const HARD = "[core]\n    hardlink_lock = true\n";

  it("is a link to a claim that holds the claim's own path and is good for a year; nothing stays of it", async () => {
    const repository = withDvc(HARD);
    const path = join(repository.root, ".dvc/tmp/lock");
    await withDvcLock(openProject(repository.context), () => {
      const claim = readFileSync(path, "utf8");
      expect(claim).toMatch(new RegExp(`^${repository.root}/\\.dvc/tmp/[0-9a-f]{32}\\.lock$`));
      expect(lstatSync(claim).ino).toBe(lstatSync(path).ino);
      expect(lstatSync(path).mtimeMs).toBeGreaterThan(Date.now() + 364 * 24 * 3600 * 1000);
    });
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith("lock"))).toEqual([]);
  });

  it("of somebody else is waited for until its time is over, and only what is ours is taken away", async () => {
    const repository = withDvc(HARD);
    const path = join(repository.root, ".dvc/tmp/lock");
    const theirs = join(repository.root, ".dvc/tmp/theirs.lock");
    const takeFor = (seconds: number) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(theirs, theirs);
      linkSync(theirs, path);
      const until = Date.now() / 1000 + seconds;
      utimesSync(path, until, until);
    };
    takeFor(-1); // some grace: clocks of machines that share the folder differ
    await expect(lock(repository, [])).rejects.toMatchObject({ code: "E_BUSY" });
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith("lock"))).toEqual(["lock", "theirs.lock"]);
    expect(readFileSync(path, "utf8")).toBe(theirs);
    for (const one of [path, theirs]) rmSync(one);

    takeFor(-60);
    // While we work another one breaks our lock: what it has then is not ours to take away.
    await withDvcLock(openProject(repository.context), () => {
      expect(readFileSync(path, "utf8")).not.toBe(theirs);
      expect(existsSync(theirs)).toBe(false);
      rmSync(path);
      takeFor(60);
    });
    expect(existsSync(path) && readFileSync(path, "utf8")).toBe(theirs);
  });
});

describe("--wait", () => {
  /** Another program that has the lock for so long. */
  const takeElsewhere = async (repository: TestRepository, seconds: number) => {
    const path = join(repository.root, ".dvc/tmp/lock");
    mkdirSync(dirname(path), { recursive: true });
    const child = spawn("flock", ["-F", "-x", path, "sh", "-c", `echo " $$" > '${path}'; echo taken; exec sleep ${seconds}`]);
    started.push(child);
    await new Promise((taken) => child.stdout.once("data", taken));
  };

  /** Gives the lock free when a command says that it waits for it; answers the command's code. */
  const givenWhenSaid = async (repository: TestRepository, args: string[]): Promise<number | null> => {
    const { ended, said } = inBackground(repository, args);
    await until(() => said().includes("waiting: another dvc or expver process"));
    for (const child of started.splice(0)) child.kill("SIGKILL");
    return (await ended).code;
  };

  it("waits as long as it says for the lock, naming its owner; without it for three seconds", async () => {
    const repository = withDvc();
    repository.write("f", "1");
    await takeElsewhere(repository, 60);
    const busy = { code: 1, stderr: expect.stringMatching(/E_BUSY.*process \(\d+\)[\s\S]*--wait/) };
    expect(repository.expver(["data", "add", "f", "--wait", "0"])).toMatchObject(busy);
    expect(repository.expver(["data", "add", "f"])).toMatchObject(busy);
    for (const child of started.splice(0)) child.kill("SIGKILL");
    for (const args of [
      ["data", "add", "f", "--wait", "600"],
      ["data", "--wait-for-lock", "add", "f"],
    ]) {
      await takeElsewhere(repository, 600);
      expect(await givenWhenSaid(repository, args)).toBe(0);
    }
    expect(repository.expver(["data", "add", "f", "--wait", "long"])).toMatchObject({
      code: 254,
      stderr: expect.stringContaining("seconds"),
    });
  });

  it("waits for a path that a stage of dvc writes, and ends at Ctrl-C", async () => {
    const repository = withDvc();
    const entry = { pid: living(), cmd: "dvc repro train" };
    repository.write(".dvc/tmp/rwlock", JSON.stringify({ write: { [join(repository.root, "data")]: entry } }));
    const told: string[] = [];
    const signal = new AbortController();
    let then: () => void = () => {};
    const report = (event: ProgressEvent) => {
      told.push("text" in event ? event.text : event.kind);
      then();
    };
    const project = (patience: number) => openProject({ ...repository.context, patience, report, signal: signal.signal });
    const stage = started.at(-1) as ChildProcess;
    const gone = new Promise((exit) => stage.once("exit", exit));
    then = () => void stage.kill("SIGKILL");
    expect(await withDvcLock(project(60_000), () => "done", { writes: ["data"] })).toBe("done");
    await gone;
    expect(told).toEqual([`waiting: data is in use by process ${entry.pid} (dvc repro train)`]);
    repository.write(".dvc/tmp/rwlock", JSON.stringify({ write: { [join(repository.root, "data")]: { ...entry, pid: living() } } }));
    then = () => signal.abort();
    await expect(withDvcLock(project(60_000), () => "done", { writes: ["data"] })).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  });
});
