/** How often the bytes of somebody's files are read when they come here. */
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { pause } from "../../src/platform/pause.ts";
import { dataGetUrl } from "../../src/workflows/data/sources/get-url.ts";
import { dataImportUrl } from "../../src/workflows/data/sources/import.ts";
import { dataUpdate } from "../../src/workflows/data/sources/update.ts";
import { bytesRead } from "../support/bytes-read.ts";
import { makeRepository } from "../support/repository.ts";
import { smallDisk } from "../support/small-disk.ts";

const MIB = 2 ** 20;
// Not a whole second: such are the times of file systems that tick once in two.
const WRITTEN = 1_700_000_000.5;
const NAMES = ["a", "b", "in/c"];

function makeSource() {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  for (const [index, name] of NAMES.entries()) repository.write(`../theirs/${name}`, `${index}`.repeat(3 * MIB));
  for (const name of NAMES) utimesSync(join(repository.root, "../theirs", name), WRITTEN, WRITTEN);
  // What was written within one tick of the clock is never remembered.
  pause(100);
  const { context } = repository;
  const reading = async (work: () => Promise<unknown>) => {
    const before = bytesRead();
    await work();
    return (bytesRead() - before) / MIB;
  };
  const update = async (path: string) => {
    const input = { target: [`${path}.dvc`] };
    return dataUpdate.apply(context, await dataUpdate.plan(context, input));
  };
  return { repository, context, reading, update };
}

describe.skipIf(process.platform !== "linux")("a folder of 9 MiB by its path", () => {
  it("is read once by get-url, and comes whole", async () => {
    const { repository, context, reading } = makeSource();
    const input = { url: "../theirs", out: "../here" };
    const mib = await reading(async () => dataGetUrl.apply(context, await dataGetUrl.plan(context, input)));
    expect(mib).toBeGreaterThan(9);
    expect(mib).toBeLessThan(12);
    for (const name of NAMES) expect(repository.read(`../here/${name}`)).toBe(repository.read(`../theirs/${name}`));
  });

  it.each([
    ["../theirs", "imported", NAMES],
    ["../theirs/a", "one", ["a"]],
  ])("%s is read once for the worktree and once for the cache by import-url, and not by the next update", async (url, out, names) => {
    const { repository, context, reading, update } = makeSource();
    const size = names.length * 3;
    const mib = await reading(async () => dataImportUrl.apply(context, await dataImportUrl.plan(context, { url, out })));
    expect(mib).toBeGreaterThan(size * 2);
    expect(mib).toBeLessThan(size * 2 + 3);
    expect(await reading(() => update(out))).toBeLessThan(3);
    // With the size and the time it had: the system knows that it was written to.
    const file = join(repository.root, "../theirs/a");
    writeFileSync(file, "x".repeat(3 * MIB));
    utimesSync(file, WRITTEN, WRITTEN);
    expect(await update(out)).toMatchObject({ updated: [{ changed: true }] });
    const came = join(repository.root, out);
    expect(readFileSync(existsSync(join(came, "a")) ? join(came, "a") : came, "utf8")).toBe("x".repeat(3 * MIB));
  });

  it("is taken back from the worktree by what was read on the way, unless it was edited", () => {
    const { repository } = makeSource();
    const run = (...args: string[]) => repository.expver(args);
    expect(run("data", "import-url", "../theirs", "imported").code).toBe(0);
    repository.write("imported/in/c", "by hand");
    expect(run("undo", "--yes").code).not.toBe(0);
    repository.write("imported/in/c", "2".repeat(3 * MIB));
    expect(run("undo", "--yes").code).toBe(0);
    expect(existsSync(join(repository.root, "imported"))).toBe(false);
  });
});

const disk = smallDisk(28 * 1024);

describe.skipIf(disk === null)("on a disk of 28 MiB (mounting takes root)", () => {
  it("24 MiB come from a remote: what has arrived becomes the copy, and is copied only where two files are the same", () => {
    const repository = makeRepository();
    const data = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
    data("init");
    for (const [name, text] of Object.entries({ a: "1", b: "2", "in/a again": "1" })) repository.write(`d/${name}`, text.repeat(8 * MIB));
    data("add", "d");
    data("remote", "add", "-d", "store", "../store");
    data("push");
    repository.commit("data");
    repository.run("rm", ["-rf", "d", ".dvc/cache"]);
    const out = join(disk ?? "", "out");
    data("get", ".", "d", "-o", out);
    for (const [name, text] of Object.entries({ a: "1", b: "2", "in/a again": "1" })) {
      expect(readFileSync(join(out, name), "utf8") === text.repeat(8 * MIB)).toBe(true);
      expect(statSync(join(out, name)).mode & 0o777).toBe(0o644);
    }
    expect(readdirSync(disk ?? "")).toEqual(["out"]);
  });
});

it("what an earlier try left is checked before it becomes a copy", () => {
  const repository = makeRepository();
  const data = (...args: string[]) => repository.expver(["data", ...args]);
  data("init");
  repository.write("model", "the model");
  data("add", "model");
  data("remote", "add", "-d", "store", "../store");
  data("push");
  repository.commit("data");
  repository.run("rm", ["-rf", "model", ".dvc/cache"]);
  const out = join(repository.root, "../out");
  const hash = md5Of(Buffer.from("the model"));
  const left = `../.expver-${md5Of(Buffer.from(out)).slice(0, 12)}.tmp/objects/files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`;
  repository.write(left, "not model");
  chmodSync(join(repository.root, left), 0o444);
  expect(data("get", ".", "model", "-o", "../out")).toMatchObject({ code: 0, stderr: "" });
  expect(readFileSync(out, "utf8")).toBe("the model");
});
