/** What is on no remote is named, with where it was looked for and the command that brings it there, as it is typed from where the user stands. */
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";
import { DVC, makeTwins } from "../support/twins.ts";

const FILES = { "x/d/a": "a", "x/d/b": "b", "x/d/sub/c": "c" };
const keyOf = (text: string) => createHash("md5").update(text).digest("hex").replace(/^../, "$&/");

/** A folder of three files, some objects of which are on the remote, and a clone that has none. */
function cloneWhere({ there, listing }: { there: readonly string[]; listing: boolean }): { clone: TestRepository; owner: TestRepository } {
  const [owner, remote] = [makeRepository(), makeFolder("remote")];
  owner.expver(["data", "init"]);
  for (const [path, text] of Object.entries(FILES)) owner.write(path, text);
  owner.expver(["data", "remote", "add", "-d", "store", remote]);
  owner.expver(["data", "add", "x/d"]);
  owner.commit("data");
  const objects = join(owner.root, ".dvc/cache/files/md5");
  const folder = readdirSync(objects, { recursive: true, encoding: "utf8" }).filter((key) => listing && key.endsWith(".dir"));
  for (const key of [...there.map(keyOf), ...folder]) {
    mkdirSync(join(remote, "files/md5", dirname(key)), { recursive: true });
    copyFileSync(join(objects, key), join(remote, "files/md5", key));
  }
  return { clone: makeRepository({ cloneOf: owner.root }), owner };
}

it("links into a cache that was emptied are data that is gone: told as such, brought back by pull, and never taken for the whole of a folder", () => {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  for (const args of [
    ["config", "cache.type", "symlink"],
    ["remote", "add", "-d", "store", makeFolder("remote")],
  ])
    repository.expver(["data", ...args]);
  for (const [path, text] of Object.entries(FILES)) repository.write(path, text);
  for (const args of [["add", "x/d"], ["push"]]) expect(repository.expver(["data", ...args]).code).toBe(0);
  repository.commit("data");
  rmSync(join(repository.root, ".dvc/cache"), { recursive: true });
  const status = () => repository.expver(["data", "status", "--json"]);
  expect(JSON.parse(status().stdout)).toEqual({ "x/d.dvc": [{ "changed outs": { "x/d": "not in cache" } }] });
  for (const args of [
    ["add", "x/d"],
    ["commit", "-f"],
  ])
    expect(repository.expver(["data", ...args])).toMatchObject({ code: 1, stderr: expect.stringContaining("is a link to nothing") });
  expect(repository.expver(["data", "checkout"])).toMatchObject({ code: 255, stderr: expect.stringContaining("expver data pull") });
  expect(repository.expver(["data", "pull"]).code).toBe(0);
  for (const [path, text] of Object.entries(FILES)) expect(repository.read(path)).toBe(text);
  expect(JSON.parse(status().stdout)).toEqual({});
});

it("what came from a URL and was never pushed comes from there again, as the hint says", () => {
  const owner = makeRepository();
  owner.expver(["data", "init"]);
  owner.expver(["data", "remote", "add", "-d", "store", makeFolder("remote")]);
  owner.write("../elsewhere", "1\n");
  expect(owner.expver(["data", "import-url", join(owner.root, "../elsewhere"), "x"]).code).toBe(0);
  owner.commit("imported");
  const clone = makeRepository({ cloneOf: owner.root });
  const { code, stderr } = clone.expver(["data", "pull"]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("and what was imported: expver data update x.dvc.\n")]);
  expect(clone.expver(["data", "update", "x.dvc"]).code).toBe(0);
  expect(clone.read("x")).toBe("1\n");
  expect(clone.git("status", "--porcelain")).toBe("");
});

describe("a file of a folder of which the remote has only some", () => {
  it("comes when it and the listing are there", () => {
    const { clone } = cloneWhere({ there: ["a"], listing: true });
    expect(clone.expver(["data", "pull", "d/a"], { cwd: "x" })).toMatchObject({ code: 0, stderr: "" });
    expect(clone.read("x/d/a")).toBe("a");
    expect(existsSync(join(clone.root, "x/d/b"))).toBe(false);
  });

  it.each([
    [["d/b"], { there: ["a"], listing: true }, "bytes of 1 file are neither in the cache nor on store: d/b", "d/b"],
    [["d"], { there: ["a"], listing: true }, "bytes of 2 files are neither in the cache nor on store: d/b, d/sub/c", "d/b d/sub/c"],
    [
      ["d/a", "-r", "store"],
      { there: ["a"], listing: false },
      "the listing of d (which files it has) is neither in the cache nor on store",
      "-r store d",
    ],
  ] as const)("pull %j says what is lacking where, once, and what brings it there", (typed, where, text, push) => {
    const { clone, owner } = cloneWhere(where);
    const hint = `Where they still are, type: expver data push ${push}; where nobody has them, add the data again.`;
    const pull = ["data", "pull", ...typed];
    const { code, stderr } = clone.expver(pull, { cwd: "x" });
    expect({ code, stderr: stderr.trim() }).toEqual({ code: 1, stderr: `error E_NOT_STORED: ${text}\n  hint: ${hint}` });
    const fetched = clone.expverJson(["data", "fetch", ...typed], { cwd: "x" });
    expect(fetched.warnings).toEqual([{ text, hint }]);
    expect(owner.expver(["data", "push", ...push.split(" ")], { cwd: "x" }).code).toBe(0);
    expect(clone.expver(pull, { cwd: "x" }).code).toBe(0);
    expect(readFileSync(join(clone.root, "x", typed[0] === "d" ? "d/sub/c" : typed[0]), "utf8")).toMatch(/^[abc]$/);
  });

  it("a name that none of its files has is said to be none", () => {
    const { clone } = cloneWhere({ there: ["a"], listing: true });
    const { warnings } = clone.expverJson(["data", "pull", "d/zz"], { cwd: "x" });
    expect(warnings.map(({ text }) => text)).toEqual(["d/zz is no file of d, as it was stored"]);
  });
});

it("a listing goes to a remote, or comes into a cache, only when all of its files are there", () => {
  const objectsOf = (folder: string) =>
    readdirSync(join(folder, "files/md5"), { recursive: true, encoding: "utf8" })
      .filter((key) => key.length > 30)
      .map((key) => (key.endsWith(".dir") ? "listing" : key))
      .sort();
  const { owner } = cloneWhere({ there: [], listing: false });
  const [store, cache] = [owner.expver(["data", "remote", "list"]).stdout.split(/\s+/)[1] ?? "", join(owner.root, ".dvc/cache")];
  expect(owner.expver(["data", "push", "x/d/a"]).code).toBe(0);
  expect(objectsOf(store)).toEqual([keyOf("a")]);
  const lost = join(cache, "files/md5", keyOf("c"));
  chmodSync(lost, 0o644);
  writeFileSync(lost, readFileSync(lost, "utf8").toUpperCase());
  chmodSync(lost, 0o444);
  // What is damaged is met on the way, and does not arrive.
  expect(owner.expver(["data", "push"])).toMatchObject({ code: 1, stderr: expect.stringContaining("x/d/sub/c") });
  expect(objectsOf(store)).toEqual(["a", "b"].map(keyOf).sort());
  rmSync(lost, { force: true });
  // As with dvc what is nowhere is told, and ends nothing.
  expect(owner.expver(["data", "push"])).toMatchObject({ code: 0, stderr: expect.stringContaining("x/d/sub/c") });
  expect(objectsOf(store)).toEqual(["a", "b"].map(keyOf).sort());
  expect(owner.expver(["data", "commit", "-f"]).code).toBe(0);
  expect(owner.expver(["data", "push"]).code).toBe(0);
  expect(objectsOf(store)).toEqual([...["a", "b", "c"].map(keyOf), "listing"].sort());

  const { clone } = cloneWhere({ there: ["a", "b"], listing: true });
  expect(clone.expver(["data", "fetch"]).stderr).toContain("x/d/sub/c");
  expect(objectsOf(join(clone.root, ".dvc/cache"))).toEqual(["a", "b"].map(keyOf).sort());
});

describe.skipIf(DVC === null)("fetch of what the remote lacks", () => {
  it("fails as dvc's does for files of a folder, and for none of their own", () => {
    const twins = makeTwins();
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    twins.each(({ write }) => {
      write("d/a", "a");
      write("d/b", "b");
      write("alone", "alone");
    });
    twins.run(["add", "-q", "d", "alone"]);
    twins.run(["push", "-q"]);
    twins.each(({ root }) => {
      for (const text of ["a", "alone"]) rmSync(join(root, "../store/files/md5", keyOf(text)));
      rmSync(join(root, ".dvc/cache"), { recursive: true });
    });
    for (const [targets, code] of [
      [["d"], 1],
      [["alone"], 0],
      [["d/a"], 1],
      [[], 1],
    ] as const)
      expect([targets, twins.run(["fetch", ...targets]).ours.code]).toEqual([targets, code]);
  });
});
