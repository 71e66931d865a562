/** DVC's own lock files: what its programs hold is left alone, what dead ones left is no hindrance. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { withDvcLock } from "../../src/store/dvc-lock.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

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
    takeFor(-5); // some grace: clocks of machines that share the folder differ
    await expect(lock(repository, [])).rejects.toMatchObject({ code: "E_BUSY" });
    expect(readdirSync(dirname(path)).filter((name) => name.endsWith("lock"))).toEqual(["lock", "theirs.lock"]);
    expect(readFileSync(path, "utf8")).toBe(theirs);
    for (const one of [path, theirs]) rmSync(one);

    takeFor(-60);
    // While we work another one breaks our lock: what it has then is not ours to take away.
    await withDvcLock(openProject(repository.context), () => {
      expect(readFileSync(path, "utf8")).not.toBe(theirs);
      for (const one of [path, theirs]) rmSync(one);
      takeFor(60);
    });
    expect(existsSync(path) && readFileSync(path, "utf8")).toBe(theirs);
  });
});
