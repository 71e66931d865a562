import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { createPlacer } from "../../src/platform/links.ts";
import { takeName } from "../../src/store/worktree/take-name.ts";
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

it("on another file system a file is made beside its name, which the old one has until it is whole", (context) => {
  const elsewhere = mkdtempSync(join(tmpdir(), "expver-placing-"));
  onTestFinished(() => rmSync(elsewhere, { recursive: true }));
  const path = join(makeFolder(), "file");
  context.skip(statSync(elsewhere).dev === statSync(dirname(path)).dev);
  writeFileSync(path, "old");
  const temporary = join(elsewhere, "file");
  const take = (end: () => void) => {
    writeFileSync(temporary, "new");
    takeName(temporary, path, (beside) => {
      writeFileSync(beside, "new");
      expect(readFileSync(path, "utf8")).toBe("old");
      end();
    });
  };
  expect(() =>
    take(() => {
      throw new Error("full");
    }),
  ).toThrow("full");
  expect([readFileSync(path, "utf8"), readdirSync(dirname(path))]).toEqual(["old", ["file"]]);
  take(() => {});
  expect([readFileSync(path, "utf8"), readdirSync(dirname(path)), existsSync(temporary)]).toEqual(["new", ["file"], false]);
});

it("leaves no half-made file when it is stopped", () => {
  const { from, to } = largeFile();
  const work = createPlacer(["copy"]).copying(from, to, SIZE);
  expect(work.next().done).toBe(false);
  expect(existsSync(to)).toBe(true);
  expect(() => work.throw(new Error("stopped"))).toThrow("stopped");
  expect(existsSync(to)).toBe(false);
});
