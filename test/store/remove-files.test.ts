import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fileStat } from "../../src/platform/file-stat.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { removingScanned } from "../../src/store/worktree/remove-files.ts";
import { makeFolder } from "../support/repository.ts";

it("what was written to since it was read is not deleted", () => {
  const folder = makeFolder();
  const files = ["left alone", "written to", "written to, its time put back"].map((relpath) => {
    const path = join(folder, relpath);
    writeFileSync(path, "1");
    return { relpath, path, stat: fileStat(lstatSync(path)), size: 1, isLink: false, md5: "c4ca4238a0b923820dcc509a6f75849b" };
  });
  writeFileSync(join(folder, "written to"), "12");
  const hidden = join(folder, "written to, its time put back");
  execFileSync("cp", ["-p", hidden, `${hidden}.like`]);
  writeFileSync(hidden, "2");
  execFileSync("touch", ["-r", `${hidden}.like`, hidden]);
  rmSync(`${hidden}.like`);
  // Stopped before the first one, nothing is gone.
  const stopped = removingScanned(folder, { files, emptyFolders: [] });
  expect(stopped.next().done).toBe(false);
  expect(() => stopped.throw(new Error("stopped"))).toThrow("stopped");
  expect(readdirSync(folder)).toHaveLength(3);
  finishWork(removingScanned(folder, { files, emptyFolders: [] }));
  expect(readdirSync(folder)).toEqual(["written to", "written to, its time put back"]);
});
