import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { copyingMany } from "../../src/platform/threads/many-files.ts";
import { shareTexts } from "../../src/platform/threads/shared-texts.ts";
import { sharingWork } from "../../src/platform/threads/threads.ts";
import { beginIngest } from "../../src/store/objects/ingest.ts";
import { objectPath, trustedSize } from "../../src/store/objects/layout.ts";
import { makeFolder } from "../support/repository.ts";
import { checkedObjects, manyOf } from "../support/stores.ts";

const MANY = 3000;

/** Enough for threads; every content is that of `twins` files. */
function makeFiles(folder: string, { twins = 1 } = {}): { path: string; size: number }[] {
  mkdirSync(folder);
  return Array.from({ length: MANY }, (_, index) => {
    const path = join(folder, String(index));
    const text = `content ${Math.floor(index / twins)}`;
    writeFileSync(path, text);
    return { path, size: text.length };
  });
}

it("threads and this one store each file once, whoever has met it first", () => {
  const folder = makeFolder("threads");
  const files = makeFiles(join(folder, "from"), { twins: 3 });
  const cache = { dir: join(folder, "cache"), shared: false };
  const ingest = beginIngest(cache);
  const md5s = finishWork(ingest.many(manyOf(files)));
  expect(ingest.commit().objects).toBe(MANY / 3);
  expect(md5s).not.toContain(null);
  expect(checkedObjects(cache.dir)).toEqual([...new Set(md5s as string[])].sort());
  for (const [index, md5] of md5s.entries()) {
    expect(readFileSync(objectPath(cache.dir, { hash: md5 as string, hashName: "md5" }), "utf8")).toBe(`content ${Math.floor(index / 3)}`);
  }
});

it("what is not as it should be is left, and nothing is made of it", () => {
  const folder = makeFolder("threads");
  const files = makeFiles(join(folder, "from"));
  const known = (index: number) => files[index] as { path: string; size: number };
  const md5s = finishWork(copyingMany(manyOf(files), {}));
  const wanted = files.map((file, index) => ({ ...file, md5: md5s.md5(index), to: join(folder, `to-${index}`) }));
  writeFileSync(known(7).path, "content X");
  writeFileSync(known(1500).path, "content 1500 and more");
  wanted[2999] = { ...(wanted[2999] as (typeof wanted)[0]), path: join(folder, "nowhere") };
  writeFileSync(join(folder, "to-11"), "somebody's");
  const copies = finishWork(copyingMany(manyOf(wanted), {}));
  const left = files.flatMap((_, index) => (copies.state(index) === "done" ? [] : [index]));
  expect(left).toEqual([7, 11, 1500, 2999]);
  expect(readFileSync(join(folder, "to-11"), "utf8")).toBe("somebody's");
  for (const index of left.filter((one) => one !== 11)) expect(() => readFileSync(join(folder, `to-${index}`))).toThrow("ENOENT");
  expect(readFileSync(join(folder, "to-2000"), "utf8")).toBe("content 2000");
  const { size } = known(2000);
  expect(copies.stat(2000)).toMatchObject({ size });
});

it("an object that is there is not written again, one that cannot be trusted is replaced", () => {
  const folder = makeFolder("threads");
  const files = makeFiles(join(folder, "from"));
  const cache = { dir: join(folder, "cache"), shared: false };
  const store = () => {
    const ingest = beginIngest(cache);
    const md5s = finishWork(ingest.many(manyOf(files)));
    return { md5s, objects: ingest.commit().objects };
  };
  const { md5s } = store();
  const spoilt = objectPath(cache.dir, { hash: md5s[5] as string, hashName: "md5" });
  chmodSync(spoilt, 0o644);
  writeFileSync(spoilt, "content X");
  const again = store();
  expect(again).toEqual({ md5s: md5s.map((md5, index) => (index === 5 ? null : md5)), objects: 0 });
  const ingest = beginIngest(cache);
  finishWork(ingest.file((files[5] as { path: string }).path));
  expect(ingest.commit().objects).toBe(1);
  expect(trustedSize(cache.dir, { hash: md5s[5] as string, hashName: "md5" })).toBe("content 5".length);
  checkedObjects(cache.dir);
});

/** For a thread, to read and hash these. */
function taskOf(files: readonly { path: string; size: number }[]) {
  return {
    kind: "copy" as const,
    paths: shareTexts(files.length, (index) => files[index]?.path as string),
    to: null,
    hasDigests: false,
    sizes: Float64Array.from(files, ({ size }) => size),
    states: new Uint8Array(new SharedArrayBuffer(files.length)),
    digests: new Uint8Array(new SharedArrayBuffer(files.length * 32)),
    stats: null,
  };
}

it("a thread takes part", () => {
  const folder = makeFolder("threads");
  const files = makeFiles(join(folder, "from"));
  const task = taskOf(files);
  const { states } = task;
  // This thread does nothing but wait for another.
  const perform = () => {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let turn = 0; turn < 3000 && !states.includes(1); turn += 1) Atomics.wait(pause, 0, 0, 10);
    return 0;
  };
  finishWork(sharingWork(() => task, { kind: "copy", count: MANY, perform, most: 1 }));
  expect(states).toContain(1);
});

/** Sizes around the border between what is read at once and what is not, some of them twins. */
const SIZES = [2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 5_000_000, 5_000_000, 40_000_000, 3, 0];

function makeLarge(folder: string): { path: string; size: number; bytes: Buffer }[] {
  mkdirSync(folder);
  return SIZES.map((size, index) => {
    const path = join(folder, String(index));
    const bytes = Buffer.alloc(size, `bytes of ${size}`);
    writeFileSync(path, bytes);
    return { path, size, bytes };
  });
}

it("a thread reads large files to their ends", () => {
  const files = makeLarge(join(makeFolder("threads"), "from")).sort((one, other) => other.size - one.size);
  const task = taskOf(files);
  const { states, digests } = task;
  const isDone = (md5: string) => Buffer.from(digests).includes(md5);
  const last = files.findIndex(({ size }) => size === 2 ** 20);
  const perform = () => {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let turn = 0; turn < 3000 && states[last] === 0; turn += 1) Atomics.wait(pause, 0, 0, 10);
    return 0;
  };
  const large = { count: last + 1, bytes: 55_000_000 };
  finishWork(sharingWork(() => task, { kind: "copy", count: files.length, large, perform, most: 1 }));
  const byThread = files.slice(0, last + 1).filter(({ bytes }) => isDone(md5Of(bytes)));
  // The first was taken by this thread, which did nothing.
  expect(byThread.length).toBeGreaterThanOrEqual(last);
});

it("large files are stored, and copied back, as small ones are; every byte is told once", () => {
  const folder = makeFolder("threads");
  const files = makeLarge(join(folder, "from"));
  const cache = { dir: join(folder, "cache"), shared: false };
  const ingest = beginIngest(cache);
  const md5s = finishWork(ingest.many(manyOf(files)));
  expect(md5s).toEqual(files.map(({ bytes }) => md5Of(bytes)));
  expect(ingest.commit().objects).toBe(SIZES.length - 1);
  expect(checkedObjects(cache.dir)).toEqual([...new Set(md5s as string[])].sort());
  const wanted = files.map(({ size }, index) => {
    const md5 = md5s[index] as string;
    return { path: objectPath(cache.dir, { hash: md5, hashName: "md5" }), size, md5, to: join(folder, `to-${index}`) };
  });
  const work = copyingMany(manyOf(wanted), {});
  const told = { files: 0, bytes: 0 };
  let step = work.next();
  for (; !step.done; step = work.next()) {
    told.files += step.value.files;
    told.bytes += step.value.bytes;
  }
  expect(told).toEqual({ files: SIZES.length, bytes: SIZES.reduce((sum, size) => sum + size, 0) });
  const copies = step.value;
  for (const [index, { bytes }] of files.entries()) {
    expect(copies.state(index)).toBe("done");
    expect(readFileSync(join(folder, `to-${index}`)).equals(bytes)).toBe(true);
    expect(copies.stat(index)).toMatchObject({ size: bytes.length });
  }
});

it("a large file that is longer or shorter than it was is left, whatever its bytes", () => {
  const folder = makeFolder("threads");
  const files = makeLarge(join(folder, "from")).map(({ path, size }, index) => ({
    path,
    size: index === 2 ? size + 1 : index === 5 ? size - 1 : size,
  }));
  const ingest = beginIngest({ dir: join(folder, "cache"), shared: false });
  const md5s = finishWork(ingest.many(manyOf(files)));
  expect(md5s.flatMap((md5, index) => (md5 === null ? [index] : []))).toEqual([2, 5]);
  expect(ingest.commit().objects).toBe(SIZES.length - 3);
});

it("of a large file that is not as it should be nothing is made, nor of one when work is stopped", () => {
  const folder = makeFolder("threads");
  const files = makeLarge(join(folder, "from"));
  const md5s = files.map(({ bytes }) => md5Of(bytes));
  const damaged = files[3]?.path as string;
  writeFileSync(damaged, Buffer.alloc(5_000_000, "other bytes"));
  writeFileSync(files[5]?.path as string, "shorter");
  const wanted = files.map(({ path, size }, index) => ({ path, size, md5: md5s[index] as string, to: join(folder, `to-${index}`) }));
  const copies = finishWork(copyingMany(manyOf(wanted), {}));
  expect(files.flatMap((_, index) => (copies.state(index) === "done" ? [] : [index]))).toEqual([3, 5]);
  expect(readdirSync(folder).filter((name) => name.startsWith("to-"))).toEqual(["to-0", "to-1", "to-2", "to-4", "to-6", "to-7"]);
  const again = copyingMany(manyOf(wanted.map((file) => ({ ...file, to: `${file.to}-again` }))), {});
  expect(again.next().done).toBe(false);
  expect(() => again.throw(new Error("stopped"))).toThrow("stopped");
  const halves = readdirSync(folder).filter((name) => name.endsWith("-again"));
  for (const name of halves) expect(md5Of(readFileSync(join(folder, name)))).toBe(md5s[Number(name.slice(3, 4))]);
});
