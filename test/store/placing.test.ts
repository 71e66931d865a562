import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { createPlacer } from "../../src/platform/links.ts";
import { makeFolder } from "../support/repository.ts";

const SIZE = 5_000_000;

function largeFile(): { from: string; to: string; bytes: Buffer } {
  const folder = makeFolder();
  const bytes = Buffer.alloc(SIZE, "some bytes that are not zero");
  const from = join(folder, "from");
  writeFileSync(from, bytes);
  return { from, to: join(folder, "to"), bytes };
}

it("tells of a large copy as it grows, no byte twice", () => {
  const { from, to, bytes } = largeFile();
  const work = createPlacer(["copy"]).copying(from, to, SIZE);
  let steps = 0;
  let told = 0;
  let step = work.next();
  for (; !step.done; step = work.next()) {
    steps += 1;
    told += step.value.bytes;
  }
  expect(steps).toBeGreaterThan(1);
  expect(step.value).toEqual({ md5: md5Of(bytes), told: SIZE });
  expect(told).toBe(SIZE);
});

it("leaves no half-made file when it is stopped", () => {
  const { from, to } = largeFile();
  const work = createPlacer(["copy"]).copying(from, to, SIZE);
  expect(work.next().done).toBe(false);
  expect(existsSync(to)).toBe(true);
  expect(() => work.throw(new Error("stopped"))).toThrow("stopped");
  expect(existsSync(to)).toBe(false);
});
