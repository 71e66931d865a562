/** Links that lead out of the repository, where a command would write. */
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

/** `d` with `a` and `n/c` is tracked; the folder outside has a file. */
function started(): TestRepository {
  const repository = makeRepository();
  expect(repository.expver(["data", "init", "-q"]).code).toBe(0);
  for (const name of ["a", "n/c"]) repository.write(`d/${name}`, name);
  expect(repository.expver(["data", "add", "-q", "d"]).code).toBe(0);
  repository.commit("data");
  repository.write("../outside/precious", "precious");
  return repository;
}

function link(repository: TestRepository, path: string, to: string): void {
  const at = join(repository.root, path);
  rmSync(at, { recursive: true, force: true });
  symlinkSync(join(repository.root, to), at);
}

const outside = ({ root }: TestRepository) => readdirSync(join(root, "../outside"));

test.each([
  ["d", ["checkout", "-f"]],
  ["d/n", ["checkout", "-f"]],
  ["d", ["checkout", "-f", "d/n/c"]],
  ["d/n", ["pull", "-f"]],
])("checkout does not follow %s: %s", (path, args) => {
  const repository = started();
  if (args[0] === "pull") expect(repository.expver(["data", "remote", "add", "-d", "s", "../store"]).code).toBe(0);
  link(repository, path, "../outside");
  expect(repository.expver(["data", ...args])).toMatchObject({ code: expect.any(Number), stderr: expect.stringContaining("E_OUTSIDE") });
  expect(outside(repository)).toEqual(["precious"]);
  rmSync(join(repository.root, path));
  expect(repository.expver(["data", ...args])).toMatchObject({ code: 0 });
  expect(repository.read("d/n/c")).toBe("n/c");
});

test("an output before it is not even touched", () => {
  const repository = started();
  repository.write("c/x", "stored");
  expect(repository.expver(["data", "add", "-q", "c"]).code).toBe(0);
  repository.write("c/x", "stored nowhere");
  link(repository, "d", "../outside");
  const changedAt = () => lstatSync(join(repository.root, "c/x")).ctimeMs;
  const before = changedAt();
  expect(repository.expver(["data", "checkout", "-f"])).toMatchObject({ stderr: expect.stringMatching(/^error E_OUTSIDE/) });
  expect(repository.read("c/x")).toBe("stored nowhere");
  expect(changedAt()).toBe(before);
});

test("a link to nothing makes room for the folder", () => {
  const repository = started();
  link(repository, "d", "../nowhere");
  expect(repository.expver(["data", "checkout", "-f"])).toMatchObject({ code: 0 });
  expect(lstatSync(join(repository.root, "d")).isDirectory()).toBe(true);
  expect(repository.read("d/n/c")).toBe("n/c");
  expect(existsSync(join(repository.root, "../nowhere"))).toBe(false);
});

test("a link inside of the repository is followed", () => {
  const repository = started();
  mkdirSync(join(repository.root, "elsewhere"));
  link(repository, "d/n", "elsewhere");
  expect(repository.expver(["data", "checkout", "-f"])).toMatchObject({ code: 0 });
  expect(repository.read("elsewhere/c")).toBe("n/c");
});

test("a link to a folder where a file belongs is somebody's own: it is given up only when that is asked for, and what is behind it stays", () => {
  const repository = started();
  link(repository, "d/a", "../outside");
  expect(repository.expver(["data", "checkout"])).toMatchObject({
    code: 255,
    stderr: expect.stringMatching(/E_UNSAVED.*d\/a is a link to a folder/),
  });
  expect(lstatSync(join(repository.root, "d/a")).isSymbolicLink()).toBe(true);
  expect(repository.expver(["data", "checkout", "-f"])).toMatchObject({ code: 0 });
  expect(repository.read("d/a")).toBe("a");
  expect(outside(repository)).toEqual(["precious"]);
});

test("a folder that is a link is not added, files outside become no links, and their modes stay", () => {
  const repository = started();
  link(repository, "d", "../outside");
  expect(repository.expver(["data", "add", "d"])).toMatchObject({ code: 1, stderr: expect.stringContaining("is a link to the folder") });
  expect(repository.expver(["data", "config", "cache.type", "symlink"]).code).toBe(0);
  expect(repository.expver(["data", "commit", "-f", "d.dvc"]).code).toBe(0);
  const stands = () => lstatSync(join(repository.root, "../outside/precious"));
  expect(stands().isFile()).toBe(true);
  const { mode } = stands();
  expect(repository.expver(["data", "unprotect", "d"])).toMatchObject({ stderr: expect.stringContaining("E_OUTSIDE") });
  expect(stands().mode).toBe(mode);
});
