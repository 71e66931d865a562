/** Bytes of a broken-off fetch, kept for the next one. */
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { keepArrived, keepPartial, listPartials, takePartial } from "../../src/store/objects/partial.ts";
import { makeFolder } from "../support/repository.ts";

const MIB = 2 ** 20;
const HASH = "0123456789abcdef0123456789abcdef";
const makeCache = () => ({ dir: makeFolder("cache"), shared: false });

function broken(folder: string, size: number): string {
  const path = join(folder, "arriving");
  writeFileSync(path, Buffer.alloc(size, "x"));
  return path;
}

it("more is kept rather than less, whichever came first", () => {
  const cache = makeCache();
  keepPartial(cache, HASH, broken(cache.dir, 5 * MIB));
  keepPartial(cache, HASH, broken(cache.dir, 8 * MIB));
  keepPartial(cache, HASH, broken(cache.dir, 6 * MIB));
  const to = join(cache.dir, "mine");
  expect(takePartial(cache, HASH, to)).toBe(true);
  expect(statSync(to).size).toBe(8 * MIB);
  expect(takePartial(cache, HASH, join(cache.dir, "again"))).toBe(false);
});

it("little is not kept, and what nobody went on with for a week goes", () => {
  const cache = makeCache();
  keepPartial(cache, HASH, broken(cache.dir, MIB));
  expect([...listPartials(cache, Date.now())]).toEqual([]);
  keepPartial(cache, HASH, broken(cache.dir, 5 * MIB));
  expect([...listPartials(cache, Date.now())]).toEqual([HASH]);
  const kept = join(cache.dir, "files/md5/expver-partial", HASH);
  expect(readFileSync(kept)).toHaveLength(5 * MIB);
  utimesSync(kept, new Date(0), new Date(0));
  listPartials(cache, Date.now());
  expect(existsSync(kept)).toBe(false);
});

it("a staging folder that another process has just swept is no fault", () => {
  const cache = makeCache();
  keepArrived(cache, join(cache.dir, "swept"));
  expect([...listPartials(cache, Date.now())]).toEqual([]);
});
