import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { catFilesIfThere, readTree, readTrees } from "../../src/git/tree.ts";
import { readPointersAt, readPointersOf } from "../../src/store/pointers/pointers.ts";
import { makeRepository, seededRandom } from "../support/repository.ts";

it("many trees at once are what each is alone: links, modes, submodules, names of all kinds, shared folders", () => {
  const repo = makeRepository();
  const random = seededRandom(3);
  repo.write(".dvc/config", "");
  symlinkSync("x", join(repo.root, "link.dvc"));
  repo.commit("start", {
    "a/b/c/d.dvc": "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  path: d\n",
    "blank name/数据.dvc": "outs: []\n",
    "a.txt": "a",
  });
  repo.git("update-index", "--add", "--cacheinfo", `160000,${repo.git("rev-parse", "HEAD")},sub`);
  repo.git("commit", "-q", "-m", "a submodule");
  const revs = Array.from({ length: 12 }, (_, index) => {
    const folder = ["", "a/b/", "deep/er/"][Math.floor(random() * 3)];
    repo.write(`${folder}f${index}.dvc`, `outs:\n- md5: ${String(index).padStart(32, "0")}\n  path: f${index}\n`);
    if (random() < 0.3) repo.git("rm", "-q", "--cached", "--ignore-unmatch", `${folder}f${index - 1}.dvc`);
    repo.git("add", `${folder}f${index}.dvc`);
    repo.git("commit", "-q", "-m", `${index}`);
    if (index % 2 === 0) repo.git("tag", "-a", `t${index}`, "-m", "x");
    return index % 2 === 0 ? `t${index}` : repo.git("rev-parse", "HEAD");
  });
  const all = readTrees(repo.repository, revs, () => true);
  for (const rev of revs) {
    const alone = readTree(repo.repository, rev).map(({ mode, object, path }) => ({ mode, object, path }));
    const paths = (entries: { path: string }[]) => entries.toSorted((one, other) => (one.path < other.path ? -1 : 1));
    expect(paths(all.get(rev) ?? [])).toEqual(paths(alone));
  }
  const project = openProject(repo.context);
  const many = readPointersOf(project, revs);
  for (const rev of revs) expect(many.get(rev)).toEqual(readPointersAt(project, rev));
  expect(() => readTrees(repo.repository, ["nothing"], () => true)).toThrow(expect.objectContaining({ code: "E_GIT" }));
});

it("files of commits by their paths, with line breaks in them too", () => {
  const repo = makeRepository();
  const [odd, gone] = ["two\nlines/x\n y.dvc", "not\nthere"];
  repo.commit("start", { a: "a 1", [odd]: "odd", "b blob 7": "b\n" });
  repo.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},sub`);
  repo.git("commit", "-q", "-m", "a submodule");
  const name = (path: string) => `HEAD:${path}`;
  const found = catFilesIfThere(repo.repository, ["a", "gone 5", gone, odd, "sub", "b blob 7"].map(name));
  expect([...found].map(([path, bytes]) => [path, bytes.toString()])).toEqual([
    [name("a"), "a 1"],
    [name(odd), "odd"],
    [name("b blob 7"), "b\n"],
  ]);
});

it("a commit that was asked for last is not asked for again; what a name stands for is", () => {
  const repo = makeRepository();
  const first = repo.commit("first", { "a.txt": "a" });
  expect(readTree(repo.repository, first)).toBe(readTree(repo.repository, first));
  readTree(repo.repository, "HEAD");
  repo.commit("second", { "b.txt": "b" });
  expect(readTree(repo.repository, "HEAD").map(({ path }) => path)).toContain("b.txt");
  expect(readTree(repo.repository, first).map(({ path }) => path)).not.toContain("b.txt");
});
