import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { listingHash, renderListing } from "../../src/store/objects/listing.ts";
import { makeRepository } from "../support/repository.ts";
import { DVC, makeTwins } from "../support/twins.ts";

describe.skipIf(DVC === null)("as dvc says it", () => {
  it("tells what changed since HEAD, since the pointers, and between commits", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      for (const [path, text] of Object.entries({ a: "1", "d/x": "2", "d/e/y": "22", "sub/s": "3" })) write(path, text);
    });
    twins.run(["add", "-q", "a", "d", "sub/s"]);
    twins.each(({ commit, git }) => {
      commit("one");
      git("tag", "v1");
    });
    twins.sameJson(["diff", "--json"]);
    twins.each(({ root, write }) => {
      for (const path of ["d/x", "sub/s"]) rmSync(join(root, path));
      write("d/n", "new");
      write("a", "9");
      write("copy", "4");
    });
    twins.run(["add", "-q", "copy"]);
    twins.same(["diff", "--show-hash"]);
    twins.same(["diff", "--md"]);
    twins.sameJson(["diff", "--json", "--targets", "d/n", "d/x", "a"]);
    twins.run(["diff", "--targets", "nothing"]);
    twins.run(["diff", "nothing"]);
    twins.sameJson(["data", "status", "--granular", "--unchanged", "--json"]);
    twins.sameJson(["data", "status", "d/n", "--granular", "--json"]);
    twins.sameJson(["data", "status", "--untracked-files", "--json"], "sub");
    twins.sameJson(["status", "--json"], "sub");
    twins.run(["status", "--all-tags"]);
    twins.run(["commit", "-q", "-f", "a.dvc", "d.dvc"]);
    twins.each(({ commit }) => commit("two"));
    twins.sameJson(["diff", "v1", "HEAD", "--json"]);
    twins.run(["move", "a", "b"]);
    twins.same(["diff"]);
  });

  it("tells what a remote lacks", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      for (const [path, text] of Object.entries({ a: "1", "d/x": "2", "d/y": "22" })) write(path, text);
    });
    twins.run(["add", "-q", "a", "d"]);
    twins.run(["data", "status", "--not-in-remote", "-r", "nothing"]);
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    twins.sameJson(["status", "-c", "--json"]);
    twins.run(["push", "-q", "d"]);
    twins.sameJson(["data", "status", "--not-in-remote", "--granular", "--json"]);
    twins.run(["status", "-c", "-q"]);
    twins.run(["push", "-q"]);
    twins.same(["status", "-c"]);
  });
});

it("names what a folder holds though only the remote has its listing, and fetches nothing for it", () => {
  const ours = makeRepository();
  ours.expver(["data", "init"]);
  ours.write("d/x", "1");
  for (const args of [["add", "d"], ["remote", "add", "-d", "store", "../store"], ["push"]]) ours.expver(["data", ...args]);
  ours.commit("one");
  rmSync(join(ours.root, ".dvc/cache"), { recursive: true });
  ours.write("d/y", "2");
  const { stdout } = ours.expver(["data", "diff", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ added: [{ path: "d/y" }], "not in cache": [{ path: "d/" }, { path: "d/x" }] });
  expect(ours.run("ls", [".dvc"]).stdout).not.toContain("cache");
});

it("compares folders of more files than a function call takes arguments", () => {
  const ours = makeRepository();
  ours.expver(["data", "init"]);
  const store = (count: number) => {
    const entries = Array.from({ length: count }, (_, index) => ({ md5: md5Of(Buffer.from(`${index}`)), relpath: `part/${index}` }));
    const bytes = renderListing(entries);
    const hash = listingHash(bytes);
    ours.write(`.dvc/cache/files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`, bytes);
    return ours.commit(`${count} files`, { "d.dvc": `outs:\n- md5: ${hash}\n  nfiles: ${count}\n  hash: md5\n  path: d\n` });
  };
  const before = store(150_000);
  store(150_001);
  const { stdout } = ours.expver(["data", "diff", before, "HEAD", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ added: [{ path: "d/part/150000" }], deleted: [], modified: [{ path: "d/" }] });
  const status = JSON.parse(ours.expver(["data", "data", "status", "--granular", "--json"]).stdout);
  expect(status.uncommitted.deleted).toHaveLength(150_002);
});
