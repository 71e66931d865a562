/** Large folders of which Git says that nothing has changed: what fetch, pull, push, checkout and `status --cloud` do is what a look at each file says. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const FILES = 615;
// Longer than the two seconds for which a file counts as just written.
const SETTLED_MS = 2300;

const nameOf = (index: number) => `data/part ${index % 41}/sample-${index}.txt`;

describe("a large folder in which nothing has changed", () => {
  let base: TestRepository;
  let work: string;
  let used = 0;

  const cases: [string, () => void, string[], () => void][] = [
    ["a file less comes back", () => rmSync(at(nameOf(7))), ["checkout"], () => expect(textOf(7)).toBe("content 7")],
    ["a file less comes back by pull", () => rmSync(at(nameOf(7))), ["pull"], () => expect(textOf(7)).toBe("content 7")],
    [
      "other bytes give way with --force",
      () => writeFileSync(at(nameOf(7)), "CONTENT 7"),
      ["checkout", "--force"],
      () => expect(textOf(7)).toBe("content 7"),
    ],
    ["a new empty folder goes", () => mkdirSync(at("data/empty")), ["checkout"], () => expect(existsSync(at("data/empty"))).toBe(false)],
    ["an object less is fetched", () => rmSync(objectOf(7)), ["fetch"], () => expect(readFileSync(objectOf(7), "utf8")).toBe("content 7")],
    [
      "an object with other bytes is fetched again",
      () => {
        chmodSync(objectOf(7), 0o644);
        writeFileSync(objectOf(7), "CONTENT 7");
      },
      ["fetch"],
      () => expect(readFileSync(objectOf(7), "utf8")).toBe("content 7"),
    ],
    [
      "no cache is fetched",
      () => rmSync(at(".dvc/cache"), { recursive: true }),
      ["fetch"],
      () => expect(objectsIn(".dvc/cache")).toBe(FILES + 1),
    ],
    [
      "an object less on the remote is pushed",
      () => rmSync(objectOf(7, "remote")),
      ["push"],
      () => expect(readFileSync(objectOf(7, "remote"), "utf8")).toBe("content 7"),
    ],
    [
      "a shorter object on the remote is pushed again",
      () => {
        chmodSync(objectOf(7, "remote"), 0o644);
        writeFileSync(objectOf(7, "remote"), "con");
        chmodSync(objectOf(7, "remote"), 0o444);
      },
      ["push"],
      () => expect(readFileSync(objectOf(7, "remote"), "utf8")).toBe("content 7"),
    ],
    [
      "an empty remote gets everything",
      () => rmSync(at("remote"), { recursive: true }),
      ["push"],
      () => expect(objectsIn("remote")).toBe(FILES + 1),
    ],
    [
      "a listing less on the remote is pushed",
      () => rmSync(listingIn("remote")),
      ["push"],
      () => expect(existsSync(listingIn("remote"))).toBe(true),
    ],
  ];

  beforeAll(async () => {
    base = makeRepository();
    const seed = join(base.root, "seed");
    for (let part = 0; part < 41; part += 1) mkdirSync(join(seed, `data/part ${part}`), { recursive: true });
    for (let index = 0; index < FILES; index += 1) writeFileSync(join(seed, nameOf(index)), `content ${index}`);
    expect(spawnSync("git", ["init", "-q"], { cwd: seed }).status).toBe(0);
    work = seed;
    for (const args of [["init"], ["add", "data"], ["remote", "add", "-d", "store", "remote"], ["push"]]) expect(call(args).code).toBe(0);
    rmSync(at(".git/expver/stat-cache"), { recursive: true });
    for (let copy = 0; copy < cases.length + 2; copy += 1)
      expect(spawnSync("cp", ["-a", seed, join(base.root, `work-${copy}`)]).status).toBe(0);
    await setTimeout(SETTLED_MS);
  });

  /** A copy of its own for each test. The first look reads the files, the second remembers how they stand. */
  beforeEach(() => {
    work = join(base.root, `work-${used}`);
    used += 1;
    for (const verb of ["checkout", "pull", "push"]) expectNothing(verb);
    // Of the files, of the objects, and of those on the remote.
    expect(readdirSync(at(".git/expver/unchanged"))).toHaveLength(3);
  });

  const at = (path: string) => join(work, path);
  const textOf = (index: number) => readFileSync(at(nameOf(index)), "utf8");
  const call = (args: string[]) => base.expver(["data", ...args], { cwd: work.slice(base.root.length + 1) });
  const expectNothing = (verb: string) =>
    expect(call([verb])).toMatchObject({ code: 0, stdout: verb === "checkout" ? "" : "Everything is up to date.\n" });
  const objectOf = (index: number, folder = ".dvc/cache") => {
    const md5 = spawnSync("md5sum", { input: `content ${index}`, encoding: "utf8" }).stdout.slice(0, 32);
    return at(`${folder}/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`);
  };
  const listingIn = (folder: string) => {
    const hash = /md5: (\S+)/.exec(readFileSync(at("data.dvc"), "utf8"))?.[1] as string;
    return at(`${folder}/files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`);
  };
  const objectsIn = (folder: string) =>
    spawnSync("find", [at(folder), "-type", "f"], { encoding: "utf8" })
      .stdout.trim()
      .split("\n").length;

  it("is left as it is", () => {
    const before = statSync(at(nameOf(7))).ctimeMs;
    for (const verb of ["checkout", "fetch", "pull", "push"]) expectNothing(verb);
    expect(JSON.parse(call(["status", "--cloud", "--json"]).stdout)).toEqual({});
    expect(statSync(at(nameOf(7))).ctimeMs).toBe(before);
  });

  it("with an empty folder in it that was there when it was remembered: checkout removes that all the same", async () => {
    mkdirSync(at("data/part 3/empty"));
    await setTimeout(SETTLED_MS);
    for (let look = 0; look < 2; look += 1) expect(call(["status"]).code).toBe(0);
    expect(call(["checkout"])).toMatchObject({ code: 0 });
    expect(existsSync(at("data/part 3/empty"))).toBe(false);
  });

  for (const [name, change, args, check] of cases) {
    it(`but ${name}`, () => {
      change();
      expect(call(args)).toMatchObject({ code: 0 });
      check();
      expect(JSON.parse(call(["status", "--cloud", "--json"]).stdout)).toEqual({});
    });
  }
});
