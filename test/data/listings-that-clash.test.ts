/** A listing with the hash it is named by, that no folder can be: whoever wrote it wrote it so. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeFolder, makeRepository } from "../support/repository.ts";

const ONE = "b026324c6904b2a9cb4b88d6d61c81d1";
const TWO = "26ab0db90d72e28ad0ba1e22ee510510";
const COMMANDS = [
  ["checkout", "all.dvc"],
  ["status", "all.dvc"],
  ["status", "--cloud", "all.dvc"],
  ["data", "status", "--granular"],
  ["diff", "HEAD~1"],
  ["list", ".", "all"],
  ["push", "all"],
  ["fetch", "all"],
  ["pull", "all"],
  ["get", ".", "all", "-o", "elsewhere"],
  ["gc", "-w", "--dry"],
];

describe.each([
  ["a", "a", 'names "a" twice'],
  ["a", "a/b", 'names "a" as a file and as a folder'],
  ["s/a/b/c", "s/a", 'names "s/a" as a file and as a folder'],
])("a listing with %s and %s", (first, second, what) => {
  const repo = makeRepository();
  repo.expver(["data", "init"]);
  repo.expver(["data", "remote", "add", "-d", "there", makeFolder("remote")]);
  repo.write("one", "1\n");
  repo.write("two", "2\n");
  repo.expver(["data", "add", "one", "two"]);
  repo.commit("data");
  const listing = JSON.stringify([
    { md5: ONE, relpath: first },
    { md5: TWO, relpath: second },
  ]);
  const md5 = createHash("md5").update(listing).digest("hex");
  repo.write(`.dvc/cache/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}.dir`, listing);
  repo.commit("folder", { "all.dvc": `outs:\n- md5: ${md5}.dir\n  size: 4\n  nfiles: 2\n  hash: md5\n  path: all\n` });

  it.each(COMMANDS.map((argv) => [argv.join(" "), argv] as const))("is refused by `data %s`, which says what of it", (_, argv) => {
    const { code, stderr } = repo.expver(["data", ...argv]);
    expect(stderr).toContain("error E_LISTING: ");
    expect(stderr).toContain(`the folder listing ${md5}.dir ${what}\n`);
    expect(stderr).toContain(`git grep ${md5}.dir`);
    expect(code).toBeGreaterThan(0);
    expect(repo.git("status", "--short")).toBe("");
  });

  it("is named by doctor", () => {
    expect(repo.expver(["doctor"]).stdout).toContain(what);
  });
});
