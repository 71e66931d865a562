/** Many names of the same bytes, in the cache and in the worktree: what happens to one of them is no change of the others. */
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { md5Of } from "../../src/platform/hashing.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { takingAlong } from "../../src/store/worktree/moved.ts";
import { relinkOutputs } from "../../src/store/worktree/relink.ts";
import { scanOutput } from "../../src/store/worktree/scan.ts";
import { openStatCache } from "../../src/store/worktree/stat-cache.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { fill, smallDisk, unfill } from "../support/small-disk.ts";
import { DVC, makeTwins } from "../support/twins.ts";

function linked(files: Record<string, string>): { repository: TestRepository; must: (...args: string[]) => void } {
  const repository = makeRepository();
  const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  must("init", "-q");
  must("config", "cache.type", "hardlink");
  for (const [path, text] of Object.entries(files)) repository.write(path, text);
  must("add", "d");
  repository.commit("data");
  return { repository, must };
}

it("files that change places, and twins that go, are checked out", () => {
  const { repository, must } = linked({ "d/a": "one", "d/b": "two", "d/twin": "same", "d/other twin": "same" });
  rmSync(join(repository.root, "d"), { recursive: true });
  repository.write("d/a", "two");
  repository.write("d/b", "one");
  must("add", "d");
  repository.commit("changed places");
  repository.git("checkout", "-q", "HEAD~1");
  must("checkout");
  expect(["a", "b", "twin", "other twin"].map((name) => repository.read(`d/${name}`))).toEqual(["one", "two", "same", "same"]);
  repository.git("checkout", "-q", "-");
  must("checkout");
  expect(readdirSync(join(repository.root, "d")).map((name) => repository.read(`d/${name}`))).toEqual(["two", "one"]);
});

it.skipIf(DVC === null).each(["reflink,copy", "copy", "hardlink", "symlink"])(
  "with cache.type %s, one that is another name of tracked data becomes what dvc makes of it",
  (type) => {
    const twins = makeTwins();
    twins.run(["config", "cache.type", type]);
    twins.each(({ write }) => write("a", "tracked"));
    twins.run(["add", "a"]);
    twins.each(({ root, run }) => {
      run("mkdir", ["d"]);
      for (const name of ["b", "d/c", "d/e"]) linkSync(join(root, "a"), join(root, name));
    });
    twins.run(["add", "b"]);
    twins.run(["add", "d"]);
    const linksOf = ({ root }: TestRepository) =>
      ["a", "b", "d/c", "d/e"].map((path) => {
        const stat = lstatSync(join(root, path));
        return stat.isSymbolicLink() ? "symlink" : stat.nlink;
      });
    expect(linksOf(twins.ours)).toEqual(linksOf(twins.theirs));
    twins.agree();
    if (!type.endsWith("copy")) return;
    twins.each(({ root }) => writeFileSync(join(root, "b"), "changed"));
    expect(twins.ours.read("a")).toBe("tracked");
    twins.sameJson(["status", "--json"]);
  },
);

it("an object that was changed through its link is found by that link, where nothing is remembered of it", () => {
  const { repository } = linked({ "d/a": "one", "d/b": "b" });
  const path = join(repository.root, "d/a");
  chmodSync(path, 0o644);
  writeFileSync(path, "two");
  // Too young to be remembered, for long.
  utimesSync(path, new Date(), new Date(Date.now() + 3_600_000));
  chmodSync(path, 0o444);
  rmSync(join(repository.root, ".git/expver/stat-cache"), { recursive: true });
  const { code, stderr } = repository.expver(["data", "checkout", "--force"]);
  expect({ code, stderr }).toEqual({ code: 255, stderr: expect.stringContaining("1 damaged object moved to the cache's trash") });
  expect(repository.read("d/a")).toBe("two");
});

it("what was written to a file since it was stored is not replaced by a link", () => {
  const repository = makeRepository();
  for (const args of [
    ["init", "-q"],
    ["config", "cache.type", "hardlink"],
  ])
    repository.expver(["data", ...args]);
  for (const name of ["a", "b"]) repository.write(`d/${name}`, "one");
  expect(repository.expver(["data", "add", "--no-relink", "d"]).code).toBe(0);
  const project = openProject(repository.context);
  const path = join(repository.root, "d");
  const scan = finishWork(scanOutput(project, path));
  repository.write("d/a", "two");
  finishWork(relinkOutputs(project, [{ path, scan }], { since: Date.now() }));
  expect([repository.read("d/a"), lstatSync(join(path, "b")).nlink]).toEqual(["two", 2]);
});

it.each(["hardlink", "symlink"])("undo of an add leaves no %s into the cache, where nothing names the bytes any more", (type) => {
  const repository = makeRepository();
  for (const args of [
    ["init", "-q"],
    ["config", "cache.type", type],
  ])
    repository.expver(["data", ...args]);
  const paths = ["a", "d/b"];
  const stats = () => paths.map((path) => lstatSync(join(repository.root, path)));
  for (const path of paths) repository.write(path, path);
  const before = stats();
  expect(repository.expver(["data", "add", "a", "d"]).code).toBe(0);
  expect(stats().map((stat) => stat.isFile() && stat.nlink === 1)).toEqual([false, false]);
  expect(repository.expver(["undo"]).code).toBe(0);
  expect(stats().map(({ mode, nlink }) => [mode, nlink])).toEqual(before.map(({ mode, nlink }) => [mode, nlink]));
  expect(paths.map((path) => repository.read(path))).toEqual(paths);
});

/** On a disk of 8 MiB; the cache is on another. */
function linkedFromElsewhere(): { disk: string; repository: TestRepository } {
  const disk = smallDisk(8192) ?? "";
  const repository = openTestRepository(join(disk, "project"));
  mkdirSync(repository.root);
  repository.git("init", "-q");
  repository.expver(["data", "init", "-q"]);
  repository.write(".dvc/config.local", `[cache]\n    dir = ${makeFolder("cache")}\n    type = symlink\n`);
  return { disk, repository };
}

it.skipIf(smallDisk(64) === null)(
  "undo of an add is refused before anything is taken back when its links have no room to become files",
  () => {
    const { disk, repository } = linkedFromElsewhere();
    for (const name of ["a", "d/b"]) repository.write(name, name.repeat(2 ** 20));
    expect(repository.expver(["data", "add", "a", "d"]).code).toBe(0);
    fill(disk);
    for (let index = 0; index < 8; index += 1) rmSync(join(disk, `ballast-65536-${index}`)); // for the journal
    const before = repository.read("a.dvc");
    for (const args of [["undo", "--dry-run"], ["undo"]]) {
      expect(repository.expverJson(args).error).toMatchObject({
        code: "E_DISK_FULL",
        message: expect.stringMatching(/^no room for 2 copies/),
      });
    }
    expect(repository.read("a.dvc")).toBe(before);
    unfill(disk);
    expect(repository.expver(["undo"]).code).toBe(0);
    expect(["a", "d/b"].map((name) => lstatSync(join(repository.root, name)).isFile())).toEqual([true, true]);
  },
);

it.skipIf(smallDisk(64) === null).each([
  ["remove", "a.dvc", "b.dvc"],
  ["destroy", "--force"],
])("%s changes nothing when its links have no room to become files all together, though each of them has", (...words) => {
  const { disk, repository } = linkedFromElsewhere();
  for (const name of ["a", "b"]) repository.write(name, name.repeat(2 ** 20));
  expect(repository.expver(["data", "add", "a", "b"]).code).toBe(0);
  fill(disk);
  for (let index = 0; index < 24; index += 1) rmSync(join(disk, `ballast-65536-${index}`)); // 1.5 MiB
  const before = repository.git("status", "--porcelain", "--ignored");
  expect(repository.expver(["data", ...words]).stderr).toMatch(/no room for 2 copies/);
  expect(["a", "b"].map((name) => lstatSync(join(repository.root, name)).isSymbolicLink())).toEqual([true, true]);
  expect(repository.git("status", "--porcelain", "--ignored")).toBe(before);
  unfill(disk);
  expect(repository.expver(["data", ...words]).code).toBe(0);
  expect(["a", "b"].map((name) => lstatSync(join(repository.root, name)).isFile())).toEqual([true, true]);
});

it("a script that could be run can be run when it is no link any more", () => {
  const repository = makeRepository();
  repository.expver(["data", "init", "-q"]);
  repository.write("script", "true");
  chmodSync(join(repository.root, "script"), 0o755);
  linkSync(join(repository.root, "script"), join(repository.root, "second"));
  expect(repository.expver(["data", "unprotect", "script"]).code).toBe(0);
  const { nlink, mode } = statSync(join(repository.root, "script"));
  expect([nlink, mode & 0o111]).toEqual([1, 0o111]);
});

it("all twins become files of their own", () => {
  const { repository, must } = linked({ "d/a": "same", "d/b": "same", "d/c": "same" });
  const linksOf = () => ["a", "b", "c"].map((name) => lstatSync(join(repository.root, "d", name)).nlink);
  expect(linksOf()).toEqual([4, 4, 4]);
  must("config", "cache.type", "copy");
  must("checkout", "--relink");
  expect(linksOf()).toEqual([1, 1, 1]);
  must("config", "cache.type", "hardlink");
  must("commit", "-f");
  must("checkout", "--relink");
  expect(linksOf()).toEqual([4, 4, 4]);
  must("checkout", "--relink");
  expect(linksOf()).toEqual([4, 4, 4]);
  expect(readdirSync(join(repository.root, ".dvc/tmp")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

it.each(["hardlink", "symlink"])("an empty file is no %s, after add, checkout and relinking", (type) => {
  const repository = makeRepository();
  const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  const paths = ["d/empty", "d/other", "empty"];
  const kinds = () =>
    paths.map((path) => {
      const stat = lstatSync(join(repository.root, path));
      return stat.isFile() && stat.nlink === 1 && (stat.mode & 0o200) !== 0;
    });
  must("init", "-q");
  must("config", "cache.type", type);
  for (const path of paths) repository.write(path, "");
  repository.write("d/full", "x");
  must("add", "d", "empty");
  expect(kinds()).toEqual([true, true, true]);
  repository.run("rm", ["-r", "d", "empty"]);
  must("checkout");
  expect(kinds()).toEqual([true, true, true]);
  // As dvc makes it of symbolic links.
  const object = join(repository.root, ".dvc/cache/files/md5", md5Of(Buffer.from("")).replace(/^../, "$&/"));
  rmSync(join(repository.root, "empty"));
  symlinkSync(object, join(repository.root, "empty"));
  must("checkout", "--relink");
  expect(kinds()).toEqual([true, true, true]);
  expect(lstatSync(join(repository.root, "d/full")).nlink + Number(type === "symlink")).toBe(2);
  repository.write("d/empty", "no more");
  expect(statSync(object).size).toBe(0);
});

it.each(["hardlink", "copy"])("a repository that was moved is known: a %s in it is not read again", (type) => {
  const repository = makeRepository();
  const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  must("init", "-q");
  must("config", "cache.type", type);
  repository.write("d/a", "one");
  repository.write("one", "single");
  must("add", "d", "one");
  const moved = `${repository.root}-moved`;
  renameSync(repository.root, moved);
  try {
    const folder = openStatCache(join(moved, ".git/expver"), join(moved, "d"));
    const singles = openStatCache(join(moved, ".git/expver"), `${moved}/*`, { below: `${moved}/` });
    expect(folder.get("a", statSync(join(moved, "d/a")))).toBe(md5Of(Buffer.from("one")));
    expect(singles.get(join(moved, "one"), statSync(join(moved, "one")))).toBe(md5Of(Buffer.from("single")));
  } finally {
    renameSync(moved, repository.root);
  }
});

it.each(["hardlink", "copy"])(
  "data that was moved with `data move` is known: a %s is not read again, nor one that unprotect has left as it was",
  (type) => {
    const repository = makeRepository();
    const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
    const { root } = repository;
    must("init", "-q");
    must("config", "cache.type", type);
    repository.write("d/a", "one");
    repository.write("one", "single");
    must("add", "d", "one");
    repository.write("other/notes", "beside");
    must("move", "d", "other/e");
    must("move", "one", "two");
    if (type === "copy") must("unprotect", "other/e", "two");
    const folder = openStatCache(join(root, ".git/expver"), join(root, "other/e"));
    const singles = openStatCache(join(root, ".git/expver"), `${root}/*`, { below: `${root}/` });
    expect(folder.get("a", statSync(join(root, "other/e/a")))).toBe(md5Of(Buffer.from("one")));
    expect(singles.get(join(root, "two"), statSync(join(root, "two")))).toBe(md5Of(Buffer.from("single")));
    repository.write("two", "edited");
    expect(repository.expver(["data", "status"]).stdout).toContain("two");
  },
);

it("a file that another took the place of while it was moved is not taken for it", () => {
  const repository = makeRepository();
  const must = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  const [from, to] = [join(repository.root, "one"), join(repository.root, "two")];
  must("init", "-q");
  repository.write("one", "single");
  utimesSync(from, 1000, 1000);
  must("add", "one");
  const remember = takingAlong(openProject(repository.context), { from, to, hashName: "md5" });
  writeFileSync(to, "double");
  utimesSync(to, 1000, 1000);
  remember();
  const singles = openStatCache(join(repository.root, ".git/expver"), `${repository.root}/*`, { below: `${repository.root}/` });
  expect(singles.get(from, statSync(from))).toBe(md5Of(Buffer.from("single")));
  expect(singles.get(to, statSync(to))).toBeUndefined();
});

it.each(["hardlink", "symlink", "copy"])("data that became a %s is not read again, here or in another worktree", (type) => {
  const repository = makeRepository();
  const must = (cwd: string, ...args: string[]) =>
    expect([args, repository.expver(["data", ...args], { cwd })]).toMatchObject([args, { code: 0 }]);
  const { root } = repository;
  must(".", "init", "-q");
  must(".", "config", "cache.type", type);
  for (const [path, text] of [
    ["d/a", "one"],
    ["d/twin", "one"],
    ["one", "single"],
  ] as const)
    repository.write(path, text);
  must(".", "add", "d", "one");
  repository.commit("data");
  const known = (place: string) => {
    const folder = openStatCache(join(root, ".git/expver"), join(place, "d"));
    const singles = openStatCache(join(root, ".git/expver"), `${place}/*`, { below: `${place}/` });
    const texts = ["a", "twin"].map((name) => folder.get(name, statSync(join(place, "d", name))));
    return [...texts, singles.get(join(place, "one"), statSync(join(place, "one")))];
  };
  const all = [md5Of(Buffer.from("one")), md5Of(Buffer.from("one")), md5Of(Buffer.from("single"))];
  expect(known(root)).toEqual(all);
  const other = `${root}-other`;
  const beside = relative(root, other);
  repository.git("worktree", "add", "-q", other);
  must(beside, "config", "--local", "cache.dir", join(root, ".dvc/cache"));
  must(beside, "checkout");
  expect(known(other)).toEqual(all);
  expect(known(root)).toEqual(all);
  rmSync(other, { recursive: true });
  expect(known(root)).toEqual(all);
  const a = join(root, "d/a");
  const { atime, mtime, mode } = statSync(a);
  chmodSync(a, 0o644);
  writeFileSync(a, "two");
  expect(known(root)[0]).toBeUndefined();
  chmodSync(a, mode);
  expect(known(root)[0]).toBeUndefined();
  if (type === "copy") utimesSync(a, atime, mtime);
  expect(known(root)[0]).toBeUndefined();
});

it("a file that has no protection is read again when somebody gives it another name", () => {
  const { repository, must } = linked({ "d/a": "one", "d/b": "two" });
  must("config", "cache.type", "copy");
  must("checkout", "--relink");
  const folder = () => openStatCache(join(repository.root, ".git/expver"), join(repository.root, "d"));
  const a = join(repository.root, "d/a");
  expect(folder().get("a", statSync(a))).toBe(md5Of(Buffer.from("one")));
  linkSync(a, join(repository.root, "name"));
  expect(folder().get("a", statSync(a))).toBeUndefined();
});
