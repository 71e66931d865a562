import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { finishWork } from "../../src/platform/pace.ts";
import { walkingFiles } from "../../src/store/worktree/walk.ts";
import { makeFolder } from "../support/repository.ts";

it("each file of a walk has its own hash, and none before it is told", () => {
  const folder = makeFolder();
  mkdirSync(join(folder, "inner"));
  for (const name of ["a", "b", "inner/c", "inner/d"]) writeFileSync(join(folder, name), name);
  const files = finishWork(walkingFiles(folder)).sort((one, other) => (one.relpath < other.relpath ? -1 : 1));
  expect(files.map(({ relpath, md5 }) => [relpath, md5])).toEqual([
    ["a", undefined],
    ["b", undefined],
    ["inner/c", undefined],
    ["inner/d", undefined],
  ]);
  const hashes = ["0".repeat(32), undefined, "92eb5ffee6ae2fec3ad71c777531578f", "f".repeat(32)];
  for (const [index, md5] of hashes.entries()) if (md5 !== undefined) Object.assign(files[index] as object, { md5 });
  expect(files.map(({ md5 }) => md5)).toEqual(hashes);
  // In numbers beside the names: a text for each of a million files would be more than everything else that is kept of it.
  expect(files.flatMap((file) => Object.entries(file)).every(([, value]) => typeof value !== "string")).toBe(true);
});

it("whoever walks can pause at each folder, and within a large one", () => {
  const folder = makeFolder();
  for (const name of ["a", "b"]) mkdirSync(join(folder, name));
  for (let index = 0; index < 2500; index += 1) writeFileSync(join(folder, "b", String(index)), "");
  writeFileSync(join(folder, "a", "file"), "");
  const steps = [...walkingFiles(folder)];
  expect(steps).toEqual(Array.from({ length: 5 }, () => ({ files: 0, bytes: 0 })));
});
