/** Bytes of a broken-off fetch, kept for the next one. */
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { keepArrived, keepPartial, listPartials, takePartial } from "../../src/store/partial.ts";
import { makeFolder } from "../support/repository.ts";

const MIB = 2 ** 20;
const HASH = "0123456789abcdef0123456789abcdef";

function broken(folder: string, size: number): string {
  const path = join(folder, "arriving");
  writeFileSync(path, Buffer.alloc(size, "x"));
  return path;
}

it("more is kept rather than less, whichever came first", () => {
  const shards = makeFolder("shards");
  keepPartial(shards, HASH, broken(shards, 5 * MIB));
  keepPartial(shards, HASH, broken(shards, 8 * MIB));
  keepPartial(shards, HASH, broken(shards, 6 * MIB));
  const to = join(shards, "mine");
  expect(takePartial(shards, HASH, to)).toBe(true);
  expect(statSync(to).size).toBe(8 * MIB);
  expect(takePartial(shards, HASH, join(shards, "again"))).toBe(false);
});

it("little is not kept, and what nobody went on with for a week goes", () => {
  const shards = makeFolder("shards");
  keepPartial(shards, HASH, broken(shards, MIB));
  expect([...listPartials(shards, Date.now())]).toEqual([]);
  keepPartial(shards, HASH, broken(shards, 5 * MIB));
  expect([...listPartials(shards, Date.now())]).toEqual([HASH]);
  const kept = join(shards, "expver-partial", HASH);
  expect(readFileSync(kept)).toHaveLength(5 * MIB);
  utimesSync(kept, new Date(0), new Date(0));
  listPartials(shards, Date.now());
  expect(existsSync(kept)).toBe(false);
});

it("a staging folder that another process has just swept is no fault", () => {
  const shards = makeFolder("shards");
  keepArrived(shards, join(shards, "swept"));
  expect([...listPartials(shards, Date.now())]).toEqual([]);
});
