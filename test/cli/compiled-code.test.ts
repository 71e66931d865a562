/** Compiled code that is kept between starts: it may only ever cost or save time. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

describe("compiled code", () => {
  let repository: TestRepository;
  let tmp: string;
  const folder = () => join(tmp, `expver-compiled-${process.getuid?.() ?? "user"}`);
  const kept = () => readdirSync(folder()).map((name) => join(folder(), name));

  beforeEach(() => {
    repository = makeRepository();
    tmp = makeFolder("tmp");
  });

  /** What every start must answer. */
  function start(args = ["list"], env: Record<string, string> = {}) {
    const { code, stdout, stderr } = repository.expver(args, { env: { TMPDIR: tmp, ...env } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("Warning") });
    return stdout;
  }

  /** The first finds out which parts of the program it takes, the second what becomes of them. */
  function warmUp(args?: string[]) {
    start(args);
    return start(args);
  }

  it("keeps for its user alone which parts a command takes, then what became of them, and is taken at the third start", () => {
    start();
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    const [file, ...others] = kept() as [string];
    expect(others).toEqual([]);
    const parts = readFileSync(file).subarray(0, -4).toString("latin1");
    expect(JSON.parse(parts).length).toBeGreaterThan(10);
    start();
    expect(readFileSync(file).toString("latin1").startsWith(parts)).toBe(true);
    const { mtimeMs, size } = statSync(file);
    expect(size).toBeGreaterThan(100_000);
    start();
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
  });

  it("takes of Node what is used, and no more", () => {
    const list = join(tmp, "list.cjs");
    writeFileSync(list, 'process.once("exit", () => require("node:fs").writeSync(1, process.moduleLoadList.join("\\n")));');
    repository.expver(["data", "init", "-q"]);
    const loaded = (args: string[]) => {
      const before = warmUp(args);
      return start(args, { NODE_OPTIONS: `--require=${list}` })
        .slice(before.length)
        .split("\n");
    };
    expect(loaded(["data", "root"])).not.toContain("NativeModule child_process");
    expect(loaded(["data", "status"])).toContain("NativeModule child_process");
    expect(loaded(["data", "status"])).not.toContain("NativeModule worker_threads");
  });

  it("grows by the parts that only some calls of a command take", () => {
    warmUp(["init", "--dry-run"]);
    const [file] = kept() as [string];
    const partsOf = () => JSON.parse(readFileSync(file).toString("latin1").split("\n")[0] as string) as number[];
    const before = partsOf();
    warmUp(["init"]);
    const after = partsOf();
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.length).toBeGreaterThan(before.length);
    expect(new Set(after).size).toBe(after.length);
    warmUp(["init"]);
    const { mtimeMs } = statSync(file);
    start(["init", "--dry-run"]);
    start(["init"]);
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
  });

  it("is another file for another command; what is old goes", () => {
    warmUp();
    const [file] = kept() as [string];
    const { mtimeMs } = statSync(file);
    const old = join(folder(), "of-an-old-version");
    writeFileSync(old, "");
    utimesSync(old, 0, 0);
    warmUp(["ops"]);
    expect(kept()).toEqual([file, expect.stringMatching(/-ops$/)]);
    const times = kept().map((path) => statSync(path).mtimeMs);
    start(["ops"]);
    start();
    expect(kept().map((path) => statSync(path).mtimeMs)).toEqual(times);
    expect(times[0]).toBe(mtimeMs);
  });

  it("is kept for the commands used last: no more than 100 files, whatever words there are", () => {
    start();
    const [newest] = kept() as [string];
    for (let index = 0; index < 110; index += 1) {
      const other = join(folder(), `other-${index}`);
      writeFileSync(other, "");
      const minutesAgo = Date.now() / 1000 - 60 * (index + 1);
      utimesSync(other, minutesAgo, minutesAgo);
    }
    start(["ops"]);
    expect(kept().length).toBe(100);
    expect(kept()).toContain(newest);
    expect(kept()).not.toContain(join(folder(), "other-109"));
  });

  const damages: [string, (bytes: Buffer) => Buffer][] = [
    ["cut", (bytes) => bytes.subarray(0, 5000)],
    ["empty", () => Buffer.alloc(0)],
    ["changed in one place", (bytes) => Buffer.from(bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 1 : byte)))],
    ["of parts that are not there", (bytes) => Buffer.concat([Buffer.from("[0,99999"), bytes.subarray("[0,9".length)])],
    ["zeros of the same length", (bytes) => Buffer.alloc(bytes.length)],
  ];
  for (const [name, damage] of damages) {
    it(`that is ${name} is not run, and made anew`, () => {
      const answer = warmUp();
      const [file] = kept() as [string];
      const good = readFileSync(file).length;
      writeFileSync(file, damage(readFileSync(file)));
      expect(warmUp()).toBe(answer);
      expect(readFileSync(file).length).toBeGreaterThan(good / 2);
      expect(start()).toBe(answer);
    });
  }

  it("is neither taken from nor kept in a folder that others may write, or that is a link", () => {
    mkdirSync(folder());
    chmodSync(folder(), 0o777);
    start();
    expect(kept()).toEqual([]);
    rmSync(folder(), { recursive: true });
    const elsewhere = makeFolder("elsewhere");
    chmodSync(elsewhere, 0o700);
    symlinkSync(elsewhere, folder());
    start();
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it("is done without where there is no folder for it, and when it is switched off", () => {
    start(["list"], { TMPDIR: join(tmp, "nowhere") });
    start(["list"], { NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(readdirSync(tmp)).toEqual([]);
  });
});
