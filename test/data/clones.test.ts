/** Where the file system can clone (XFS, Btrfs, APFS), copies of large files take no room, and are files of their own all the same. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { openTestRepository } from "../support/repository.ts";
import { cloningDisk } from "../support/small-disk.ts";

const MIB = 2 ** 20;
const disk = cloningDisk();

describe.skipIf(disk === null)("on a file system that clones (mounting takes root)", () => {
  const used = () => {
    spawnSync("sync", ["-f", disk ?? ""]);
    const { blocks, bfree, bsize } = statfsSync(disk ?? "");
    return ((blocks - bfree) * bsize) / MIB;
  };

  it("add, checkout, get, get-url and import-url of 32 MiB take no room; what they make has its own mode and bytes", () => {
    const [root, theirs] = [join(disk ?? "", "work"), join(disk ?? "", "theirs")];
    for (const folder of [root, theirs]) mkdirSync(folder);
    const repository = openTestRepository(root);
    repository.git("init", "-q");
    const data = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
    const modeOf = (path: string) => (statSync(join(root, path)).mode & 0o777).toString(8);
    data("init");
    for (const name of ["a", "b"]) writeFileSync(join(theirs, name), name.repeat(16 * MIB));
    chmodSync(join(theirs, "a"), 0o600);
    chmodSync(join(theirs, "b"), 0o777);
    const before = used();
    data("get-url", theirs, "got");
    data("import-url", theirs, "imported");
    data("add", "got");
    repository.commit("data");
    repository.run("rm", ["-rf", "got"]);
    data("checkout", "got");
    data("get", ".", "got", "-o", "again");
    expect(used() - before).toBeLessThan(16);
    for (const copy of ["got", "imported", "again"]) {
      expect([copy, modeOf(`${copy}/a`), modeOf(`${copy}/b`)]).toEqual([copy, "644", "644"]);
      expect(spawnSync("cmp", [join(root, copy, "a"), join(theirs, "a")]).status).toBe(0);
    }
    const shell = `umask 077; exec "$0" "$@"`;
    expect(repository.run("sh", ["-c", shell, process.execPath, MAIN, "data", "get-url", join(theirs, "b"), "mine"]).code).toBe(0);
    expect(modeOf("mine")).toBe("600");
    writeFileSync(join(root, "got/a"), "edited", { flag: "r+" });
    data("verify");
    expect(spawnSync("cmp", [join(root, "again/a"), join(theirs, "a")]).status).toBe(0);
  });
});
