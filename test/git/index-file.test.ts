import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readIndexEntries, setIndexEntries, writeTreeWith } from "../../src/git/index-file.ts";
import { hashBlob } from "../../src/git/objects.ts";
import { makeRepository } from "../support/repository.ts";

const ODD_NAMES = ["with space", "-leading", "tab\tand\nnewline", "ünïcode", '"quoted"', ":(glob)*"];

it("builds a tree from edits and leaves index and worktree as they were", () => {
  const repo = makeRepository();
  repo.commit("first", { keep: "1", "folder/file": "2", file: "3" });
  repo.write("keep", "changed in the worktree");
  repo.git("add", "keep");
  const before = repo.git("status", "--porcelain");
  const blob = hashBlob(repo.repository, "new");
  const tree = writeTreeWith(repo.repository, "HEAD^{tree}", [
    ...ODD_NAMES.map((path) => ({ path, mode: "100644", object: blob })),
    { path: "file/now-a-folder", mode: "100755", object: blob },
    { path: "folder/file", mode: "", object: null },
    { path: "folder", mode: "120000", object: blob },
  ]);
  const listed = repo.git("ls-tree", "-r", "-z", tree).split("\0").filter(Boolean);
  const names = listed.map((line) => line.slice(line.indexOf("\t") + 1)).sort();
  expect(names).toEqual([...ODD_NAMES, "keep", "file/now-a-folder", "folder"].sort());
  expect(repo.git("show", `${tree}:keep`)).toBe("1");
  expect(repo.git("status", "--porcelain")).toBe(before);
  expect(readdirSync(join(repo.root, ".git")).filter((name) => name.startsWith("expver-index"))).toEqual([]);
});

it("builds the first tree of an unborn branch", () => {
  const repo = makeRepository();
  const tree = writeTreeWith(repo.repository, null, [{ path: "a/b", mode: "100644", object: hashBlob(repo.repository, "x") }]);
  expect(repo.git("show", `${tree}:a/b`)).toBe("x");
  expect(writeTreeWith(repo.repository, null, [])).toBe("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
});

it("sets single index entries and keeps what was staged before", () => {
  const repo = makeRepository();
  repo.commit("first", { a: "1", b: "2" });
  repo.write("staged", "mine");
  repo.git("add", "staged");
  const object = hashBlob(repo.repository, "from elsewhere");
  setIndexEntries(repo.repository, [...ODD_NAMES.map((path) => ({ path, mode: "100644", object })), { path: "b", mode: "", object: null }]);
  const entries = readIndexEntries(repo.repository, [...ODD_NAMES, "a", "b", "staged"]);
  expect([...entries.keys()].sort()).toEqual([...ODD_NAMES, "a", "staged"].sort());
  expect(entries.get("-leading")).toEqual({ mode: "100644", object });
});

it("names the lock when another process holds the index", () => {
  const repo = makeRepository();
  repo.commit("first", { a: "1" });
  writeFileSync(join(repo.root, ".git/index.lock"), "");
  expect(() => setIndexEntries(repo.repository, [{ path: "a", mode: "", object: null }])).toThrowError(
    expect.objectContaining({ code: "E_BUSY", message: expect.stringContaining("index.lock") }),
  );
});
