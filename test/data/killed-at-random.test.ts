/**
 * kill -9 after a random time, round after round in one repository: no committed byte is ever lost, nothing half-written is ever found under
 * an object's name, and repeating the command finishes it. EXPVER_KILL_ROUNDS and EXPVER_KILL_SEED make longer runs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { jsonOf } from "../support/dvc.ts";
import { makeRepository, seededRandom, type TestRepository } from "../support/repository.ts";
import { checkedObjects } from "../support/stores.ts";
import { DVC, runDvc } from "../support/twins.ts";

const ROUNDS = Number(process.env.EXPVER_KILL_ROUNDS ?? 12);
const SEED = Number(process.env.EXPVER_KILL_SEED ?? 1);
/** A command is done within this time; most are killed before. */
const LONGEST_MS = 500;
const MAIN = join(import.meta.dirname, "../../dist/main.js");
const FILES = ["d/a", "d/b", "d/s/c", "e/x", "e/y", "f"];

test("killed at random", { timeout: 4 * 3_600_000 }, () => {
  const random = seededRandom(SEED);
  const repository = makeRepository();
  const run = (...args: string[]) => repository.expver(["data", ...args]);
  const must = (...args: string[]) => expect([args, run(...args)]).toMatchObject([args, { code: 0 }]);
  must("init", "-q");
  must("remote", "add", "-q", "-d", "store", "../store");
  const write = (round: number) => {
    for (const path of FILES) if (round === 0 || random() < 0.6) repository.write(path, text(path, round, random));
    for (let count = 0; count < 20; count += 1) repository.write(`d/many/${count}`, `${round} ${count}`);
  };
  write(0);
  must("add", "d", "e", "f");
  repository.commit("0");
  /** What the commits name. */
  const committed = new Set(namedNow(repository));
  let killed = 0;
  const lostTo = new Map<string, number>();

  for (let round = 1; round <= ROUNDS; round += 1) {
    const kind = ["add", "push", "pull", "fetch", "gc", "checkout", "gc -c"][Math.floor(random() * 7)] as string;
    const args = prepare(kind);
    const timeout = Math.ceil((0.1 + 0.9 * random()) * LONGEST_MS);
    const before = dataOf(repository);
    const { signal } = spawnSync(process.execPath, [MAIN, "data", ...args], {
      cwd: repository.root,
      env: { ...repository.context.env },
      timeout,
      killSignal: "SIGKILL",
    });
    const where = `seed ${SEED}, round ${round}: ${args.join(" ")}, killed after ${timeout} ms`;
    if (signal === "SIGKILL") {
      killed += 1;
      lostTo.set(kind, (lostTo.get(kind) ?? 0) + 1);
    }
    if (kind === "add" || kind === "push" || kind.startsWith("gc")) expect(dataOf(repository), where).toEqual(before);
    nothingLost(where);
    expect([where, run(...args)]).toMatchObject([where, { code: 0 }]);
    nothingLost(`${where}, repeated`);
    if (kind === "add") {
      repository.commit(String(round));
      for (const object of namedNow(repository)) committed.add(object);
    }
    expect([where, JSON.parse(run("status", "--json").stdout)]).toEqual([where, {}]);
    expect(leftOf(repository), where).toEqual([]);
    if (round % 50 === 0 && DVC !== null) {
      must("push", "-q");
      expect(jsonOf(runDvc(repository, ["status", "-c", "--json"])), where).toEqual({});
      if (ROUNDS > 50)
        console.log(`round ${round}: ${killed} killed (${[...lostTo].map(([name, count]) => `${name} ${count}`).join(", ")})`);
    }
  }

  /** Makes something for the command to do; answers its arguments. */
  function prepare(kind: string): string[] {
    const { root } = repository;
    if (kind === "add") {
      write(1 + Math.floor(random() * 1e6));
      return ["add", "d", "e", "f"];
    }
    if (kind === "push") return ["push", "-A"];
    if (kind === "gc") return ["gc", "-f", "-A"];
    if (kind === "gc -c") {
      must("push", "-q", "-A");
      return ["gc", "-f", "-A", "-c"];
    }
    if (kind === "checkout") {
      for (const path of FILES) if (random() < 0.5) repository.write(path, "changed by hand");
      rmSync(join(root, "e"), { recursive: true });
      return ["checkout", "-f"];
    }
    must("push", "-q", "-A");
    rmSync(join(root, ".dvc/cache/files"), { recursive: true, force: true });
    if (kind === "pull") rmSync(join(root, "d"), { recursive: true });
    return kind === "pull" ? ["pull", "-f"] : ["fetch", "-A"];
  }

  function nothingLost(where: string): void {
    const known = new Set([...checkedObjects(join(repository.root, ".dvc/cache")), ...checkedObjects(join(repository.root, "../store"))]);
    expect(
      [...committed].filter((object) => !known.has(object)),
      where,
    ).toEqual([]);
  }
});

function text(path: string, round: number, random: () => number): string {
  return `${path} ${round} `.repeat(1 + Math.floor(random() * 30_000));
}

function dataOf(repository: TestRepository): string[] {
  return FILES.filter((path) => existsSync(join(repository.root, path))).map(
    (path) => `${path} ${md5Of(readFileSync(join(repository.root, path)))}`,
  );
}

/** Objects the pointers of the worktree name, folders' members too. */
function namedNow(repository: TestRepository): string[] {
  return ["d", "e", "f"].flatMap((name) => {
    const hash = /md5: (\S+)/.exec(repository.read(`${name}.dvc`))?.[1] ?? "";
    if (!hash.endsWith(".dir")) return [hash];
    const listing = join(repository.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
    return [hash, ...(JSON.parse(readFileSync(listing, "utf8")) as { md5: string }[]).map(({ md5 }) => md5)];
  });
}

/** Temporary files beside the data, in the cache or on the remote. */
function leftOf({ root }: TestRepository): string[] {
  return [root, join(root, "../store")]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".tmp") && !path.includes(".git/expver/")),
    );
}
