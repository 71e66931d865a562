/** Large objects that were stored a moment ago are not hashed again where they are copied, unless anybody may have touched them. */
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { isJustChecked } from "../../src/store/objects/just-checked.ts";
import { readPointers } from "../../src/store/pointers/pointers.ts";
import type { Pointer } from "../../src/store/types.ts";
import { objectFile, storeOutput } from "../../src/store/worktree/contents.ts";
import { makingOutput } from "../../src/store/worktree/make-output.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

const MIB = 2 ** 20;

function storedFile(bytes: number) {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  repository.write("large.bin", "a".repeat(bytes));
  expect(repository.expver(["data", "add", "large.bin"]).code).toBe(0);
  const project = openProject(repository.context);
  const [pointer] = readPointers(project) as [Pointer];
  const cache = join(repository.root, ".dvc/cache");
  const object = objectFile(cache, pointer.hash as string);
  const storeAgain = () => {
    chmodSync(object, 0o644);
    writeFileSync(object, "");
    storeOutput(project, "large.bin", {});
  };
  storeAgain();
  const copy = join(repository.root, "copy.bin");
  const make = () => finishWork(makingOutput(project, pointer, { at: () => copy }));
  return { object, copy, make };
}

/** As a program that writes through a link might, and hides it. */
function change(object: string): void {
  const { mode } = statSync(object);
  const like = join(makeFolder(), "like");
  execFileSync("cp", ["-p", object, like]);
  const bytes = readFileSync(object);
  bytes.write("b", bytes.length - 1);
  chmodSync(object, 0o644);
  writeFileSync(object, bytes);
  // To the nanosecond.
  execFileSync("touch", ["-r", like, object]);
  chmodSync(object, mode);
}

describe("an object of 3 MiB that was just stored", () => {
  it("is known, and copied", () => {
    const { object, copy, make } = storedFile(3 * MIB);
    expect(isJustChecked(object)).toBe(true);
    make();
    expect(readFileSync(copy).equals(readFileSync(object))).toBe(true);
    expect(statSync(copy).mode & 0o200).toBe(0o200);
  });

  it("is hashed when it was changed since, also with its old size, time and mode: damage is found", () => {
    const { object, make } = storedFile(3 * MIB);
    change(object);
    expect(make).toThrow(expect.objectContaining({ code: "E_OBJECT" }));
    expect(isJustChecked(object)).toBe(false);
  });

  it("is hashed again after some minutes", () => {
    const { object } = storedFile(3 * MIB);
    vi.useFakeTimers({ now: Date.now() + 11 * 60_000 });
    try {
      expect(isJustChecked(object)).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });
});

it("of a small object nothing is noted", () => {
  expect(isJustChecked(storedFile(1000).object)).toBe(false);
});
