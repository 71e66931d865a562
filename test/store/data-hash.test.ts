/** The digest of an experiment's inputs, against the listing that Python writes. */
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { dataHash } from "../../src/store/pointers/data-hash.ts";
import { peer } from "../support/peers.ts";

const python = peer("python");

const hash = (digit: string) => digit.repeat(32);

it("of none is none, of one its own hash; what is not stored does not count", () => {
  expect(dataHash([])).toBeNull();
  expect(dataHash([{ path: "data", hash: null }])).toBeNull();
  const set = { path: "data/set", hash: `${hash("a")}.dir` };
  expect(dataHash([set])).toBe(set.hash);
  expect(dataHash([{ path: "other", hash: null }, set])).toBe(set.hash);
  expect(dataHash([set, { ...set }])).toBe(set.hash);
});

it.skipIf(python === null)("of several is that of a listing in the order of code points, however they come", () => {
  // By UTF-16 units the third would come before the second; by the names of their pointers `a-b` before `a`.
  const inputs = ["a", "a-b", "\uff5e.csv", "\u{1f600}.csv", "größe/x y.csv"].map((path, at) => ({ path, hash: hash(String(at)) }));
  const program = `import hashlib, json, sys
entries = sorted(({"md5": one["hash"], "relpath": one["path"]} for one in json.load(sys.stdin)), key=lambda one: one["relpath"])
print(hashlib.md5(json.dumps(entries).encode()).hexdigest())`;
  const expected = execFileSync(python as string, ["-c", program], { input: JSON.stringify(inputs), encoding: "utf8" }).trim();
  expect(dataHash(inputs)).toBe(`${expected}.dir`);
  expect(dataHash([...inputs].reverse())).toBe(`${expected}.dir`);
  expect(dataHash(inputs.map((one) => ({ ...one, path: `${one.path}.moved` })))).not.toBe(`${expected}.dir`);
});
