import fs, { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolders, setMode } from "../../src/platform/files.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

it("answers the first that was made, and makes none twice", () => {
  const top = makeFolder();
  expect(makeFolders(join(top, "a/b/c"))).toBe(join(top, "a"));
  expect(makeFolders(join(top, "a/b/d/e"))).toBe(join(top, "a/b/d"));
  expect(makeFolders(join(top, "a/b/c"))).toBe(undefined);
  expect(existsSync(join(top, "a/b/d/e"))).toBe(true);
});

it("ends where something else stands, or a link leads nowhere", () => {
  const top = makeFolder();
  writeFileSync(join(top, "file"), "");
  symlinkSync(join(top, "nowhere/at/all"), join(top, "dangling"));
  mkdirSync(join(top, "real"));
  symlinkSync(join(top, "real"), join(top, "link"));
  expect(() => makeFolders(join(top, "file"))).toThrow("EEXIST");
  expect(() => makeFolders(join(top, "file/x"))).toThrow("ENOTDIR");
  expect(() => makeFolders(join(top, "dangling/x/y"))).toThrow("ENOENT");
  expect(makeFolders(join(top, "link/x"))).toBe(join(top, "link/x"));
});

// Node's own would try for ever.
it.skipIf(!existsSync("/proc/self"))("ends in a folder in which none can be made, and so does a push to such a one", () => {
  expect(() => makeFolders("/proc/nothing/there/is")).toThrow("ENOENT");
  const repo = makeRepository();
  repo.expver(["init"]);
  repo.write("a", "1");
  repo.expver(["data", "add", "a"]);
  repo.expver(["data", "remote", "add", "-d", "store", "/proc/nothing"]);
  expect(repo.expver(["data", "push"])).toMatchObject({ code: 1, stderr: expect.stringContaining("/proc/nothing") });
});

it.each([
  ["EPERM", false],
  ["ENOSYS", false],
  ["ENOENT", true],
])("a mode that a file system does not take (%s) is no failure, a file that is gone is one", (code, fails) => {
  const { chmodSync } = fs;
  fs.chmodSync = () => {
    throw Object.assign(new Error(code), { code });
  };
  syncBuiltinESMExports();
  try {
    const setting = expect(() => setMode("/any", 0o444));
    if (fails) setting.toThrow(code);
    else setting.not.toThrow();
  } finally {
    fs.chmodSync = chmodSync;
    syncBuiltinESMExports();
  }
});
