/** Objects of the cache that a disk or a program has changed: found before they are used, kept in the trash, and fetched again. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { dataVerify } from "../../src/workflows/data/cache/verify.ts";
import { MAIN } from "../support/command-line.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const IS_ROOT = process.getuid?.() === 0;
/** Root may read everything, unless it gives that up. */
const CAN_BE_REFUSED = !IS_ROOT || spawnSync("setpriv", ["--version"]).status === 0;

function refusable(args: string[]): [string, string[]] {
  const call = [process.execPath, MAIN, ...args];
  if (!IS_ROOT) return [call[0] as string, call.slice(1)];
  return ["setpriv", ["--bounding-set=-dac_override,-dac_read_search", ...call]];
}

const FILES = { "d/a": "aaaa bytes\n", "d/b": "bbbb bytes\n", one: "single\n" };

interface Store {
  repository: TestRepository;
  data: (...args: string[]) => ReturnType<TestRepository["expver"]>;
  object: (path: keyof typeof FILES) => string;
}

function stored(type: string): Store {
  const repository = makeRepository();
  const data = (...args: string[]) => repository.expver(["data", ...args]);
  const must = (...args: string[]) => expect([args, data(...args)]).toMatchObject([args, { code: 0 }]);
  must("init", "-q");
  must("config", "cache.type", type);
  must("remote", "add", "-q", "-d", "r", join(repository.root, "../r", repository.root.slice(-6)));
  for (const [path, text] of Object.entries(FILES)) repository.write(path, text);
  must("add", "d", "one");
  must("push", "-q");
  repository.commit("data");
  const object = (path: keyof typeof FILES) => {
    const md5 = md5Of(Buffer.from(FILES[path]));
    return join(repository.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2));
  };
  return { repository, data, object };
}

/** As a disk does it: other bytes, the mode as it was. */
function flip(file: string, { keepTime = false } = {}): void {
  const { atime, mtime, mode } = statSync(file);
  chmodSync(file, 0o644);
  writeFileSync(file, readFileSync(file, "latin1").replace("bytes", "BYTES"));
  chmodSync(file, mode);
  if (keepTime) utimesSync(file, atime, mtime);
}

function cut(file: string): void {
  const { mode } = statSync(file);
  chmodSync(file, 0o644);
  truncateSync(file, 3);
  chmodSync(file, mode);
}

function spoilListing({ root, read }: TestRepository): void {
  const hash = /md5: ([0-9a-f]{32})\.dir/.exec(read("d.dvc"))?.[1] as string;
  const file = join(root, ".dvc/cache/files/md5", hash.slice(0, 2), `${hash.slice(2)}.dir`);
  chmodSync(file, 0o644);
  writeFileSync(file, readFileSync(file, "utf8").replace('"b"', '"c"'));
  chmodSync(file, 0o444);
}

function textsOf({ root }: TestRepository): (string | null)[] {
  return Object.keys(FILES).map((path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : null));
}

const ALL = Object.values(FILES);

/** What lies in the cache's trash. */
function trashed({ root }: TestRepository): string[] {
  const trash = join(root, ".dvc/cache/expver-trash");
  const paths = existsSync(trash) ? readdirSync(trash, { recursive: true, encoding: "utf8" }) : [];
  return paths.filter((path) => statSync(join(trash, path)).isFile()).map((path) => readFileSync(join(trash, path), "utf8"));
}

it.each(["hardlink", "symlink", "copy"])("checkout of %ss makes nothing out of damaged objects; pull brings whole ones", (type) => {
  const { repository, data, object } = stored(type);
  for (const path of ["d", "one"]) rmSync(join(repository.root, path), { recursive: true });
  flip(object("d/a"));
  cut(object("one"));
  expect(data("checkout").code).toBe(255);
  expect(textsOf(repository)).toEqual([null, null, null]);
  expect(trashed(repository).sort()).toEqual(["aaaa BYTES\n", "sin"]);
  expect(data("pull")).toMatchObject({ code: 0, stdout: expect.stringContaining("2 files fetched") });
  expect(textsOf(repository)).toEqual(ALL);
  expect(data("verify")).toMatchObject({ code: 0, stdout: expect.stringContaining("all right") });
});

it.each(["hardlink", "symlink", "copy"])("pull of %ss fetches damaged objects again by itself", (type) => {
  const { repository, data, object } = stored(type);
  for (const path of ["d", "one"]) rmSync(join(repository.root, path), { recursive: true });
  flip(object("d/a"));
  cut(object("d/b"));
  const pulled = data("pull");
  expect(pulled).toMatchObject({ code: 0, stdout: expect.stringContaining("2 files fetched"), stderr: expect.stringContaining("damaged") });
  expect(textsOf(repository)).toEqual(ALL);
  expect(trashed(repository).sort()).toEqual(["aaa".padEnd(3), "bbb"].map((text, index) => (index === 0 ? "aaaa BYTES\n" : text)));
});

it.each(["hardlink", "symlink"])("what was written through a %s blocks, and is kept when it is given up", (type) => {
  const { repository, data } = stored(type);
  const file = join(repository.root, "d/a");
  chmodSync(file, 0o644);
  appendFileSync(file, "edited");
  chmodSync(file, 0o444);
  expect(data("pull")).toMatchObject({ code: 1, stderr: expect.stringContaining("E_UNSAVED") });
  expect(readFileSync(file, "utf8")).toBe("aaaa bytes\nedited");
  expect(data("pull", "--force").code).toBe(0);
  expect(textsOf(repository)).toEqual(ALL);
  expect(trashed(repository)).toContain("aaaa bytes\nedited");
  expect(data("status", "-q").code).toBe(0);
});

it("verify names what is damaged by its path, and changes nothing; --repair fetches it again", () => {
  const { repository, data, object } = stored("copy");
  repository.git("tag", "-a", "e0.1.0", "-m", "x");
  flip(object("d/a"), { keepTime: true });
  const found = data("verify", "--json");
  expect(found.code).toBe(1);
  expect(JSON.parse(found.stdout)).toMatchObject({
    data: { read: 4, of: 4, damaged: [{ target: "d", detail: "here", count: 1 }], trash: null },
  });
  expect(readFileSync(object("d/a"), "utf8")).toBe("aaaa BYTES\n");
  repository.git("rm", "-q", "--cached", "d.dvc");
  rmSync(join(repository.root, "d.dvc"));
  expect(JSON.parse(data("verify", "--json").stdout)).toMatchObject({ data: { damaged: [{ target: "d", detail: "e0.1.0", count: 1 }] } });
  repository.git("reset", "-q", "--hard");
  expect(data("verify", "one").code).toBe(0);
  expect(data("verify", "d").code).toBe(1);
  expect(data("verify", "--sample", "100%").code).toBe(1);
  expect(data("verify", "--sample", "1").stdout).toContain("Read 1 object of 4");
  expect(data("verify", "--sample", "none")).toMatchObject({ code: 254, stderr: expect.stringContaining("--sample") });
  expect(data("verify", "--repair")).toMatchObject({ code: 0, stdout: expect.stringContaining("1 came again from r") });
  expect(readFileSync(object("d/a"), "utf8")).toBe(FILES["d/a"]);
  expect(trashed(repository)).toEqual(["aaaa BYTES\n"]);
});

it("a sample is so many different objects, no more than there are, and a part of them is rounded up", () => {
  const { data, object } = stored("copy");
  const all = Object.keys(FILES) as (keyof typeof FILES)[];
  for (const path of all) cut(object(path));
  const verify = (...args: string[]) => JSON.parse(data("verify", "--json", ...args).stdout).data;
  const names = all.map((path) => md5Of(Buffer.from(FILES[path]))).sort();
  for (const sample of ["100%", "4", "200", "4"]) {
    const { read, of, objects } = verify("--sample", sample);
    expect([sample, read, of, objects.sort()]).toEqual([sample, 4, 4, names]);
  }
  expect(verify("--sample", "0.1%")).toMatchObject({ read: 1, of: 4 });
  expect(verify("--sample", "51%")).toMatchObject({ read: 3, of: 4 });
  for (const sample of ["0", "0%", "100.5%", "1.5", "-1", "%", ""])
    expect([sample, data("verify", "--sample", sample)]).toMatchObject([
      sample,
      { code: 254, stderr: expect.stringContaining("--sample") },
    ]);
  // Of a folder its listing and its files.
  expect(verify("d")).toMatchObject({ read: 3, of: 3, objects: names.filter((name) => name !== md5Of(Buffer.from(FILES.one))) });
  expect(verify("d", "--sample", "2")).toMatchObject({ read: 2, of: 3 });
});

it("what was repaired since it was found stays, and what the remote lacks too is a failure", async () => {
  const { repository, data, object } = stored("copy");
  cut(object("d/a"));
  const plan = await dataVerify.plan(repository.context, { repair: true });
  chmodSync(object("d/a"), 0o644);
  writeFileSync(object("d/a"), FILES["d/a"]);
  chmodSync(object("d/a"), 0o444);
  expect(await dataVerify.apply(repository.context, plan)).toMatchObject({ trash: null, fetched: 0, exitCode: 0 });
  expect(readFileSync(object("d/a"), "utf8")).toBe(FILES["d/a"]);

  for (const path of ["d/a", "d/b"] as const) cut(object(path));
  rmSync(join(repository.root, "../r", repository.root.slice(-6), object("d/b").slice(-43)));
  const repaired = data("verify", "--repair");
  expect(repaired).toMatchObject({ code: 1, stderr: expect.stringContaining(md5Of(Buffer.from(FILES["d/b"]))) });
  expect([readFileSync(object("d/a"), "utf8"), existsSync(object("d/b"))]).toEqual([FILES["d/a"], false]);
  expect(trashed(repository).sort()).toEqual(["aaa", "bbb"]);
});

it("without a remote that has it --repair keeps the bytes in the trash and says so; the whole file is stored anew", () => {
  const { repository, data, object } = stored("copy");
  flip(object("d/a"));
  data("remote", "remove", "r");
  expect(data("verify", "--repair")).toMatchObject({ code: 1, stdout: expect.stringContaining("expver data commit -f") });
  expect(existsSync(object("d/a"))).toBe(false);
  expect(data("commit", "-f").code).toBe(0);
  expect(readFileSync(object("d/a"), "utf8")).toBe(FILES["d/a"]);
  expect(repository.git("status", "--porcelain", "--", "d.dvc")).toBe("");
});

it("push sends nothing damaged, and takes it out of the cache, so that the whole file can be stored", () => {
  const { repository, data, object } = stored("copy");
  rmSync(join(repository.root, "../r"), { recursive: true, force: true });
  flip(object("d/a"));
  expect(data("push")).toMatchObject({ code: 1, stderr: expect.stringContaining("damaged") });
  expect(existsSync(object("d/a"))).toBe(false);
  expect(data("commit", "-f").code).toBe(0);
  expect(data("push").code).toBe(0);
});

it.skipIf(!CAN_BE_REFUSED)("an object that may not be read fails alone: the rest is pushed, its folder's listing is not", () => {
  const { repository, object } = stored("copy");
  const storage = join(repository.root, "../r");
  rmSync(storage, { recursive: true, force: true });
  chmodSync(object("d/a"), 0);
  const pushed = repository.run(...refusable(["data", "push"]));
  expect(pushed).toMatchObject({ code: 1, stderr: expect.stringMatching(/failed to push d\/a: .*EACCES/) });
  const there = readdirSync(storage, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(storage, path)).isFile());
  expect(there.map((path) => readFileSync(join(storage, path), "utf8")).sort()).toEqual([FILES["d/b"], FILES.one]);
});

it("a damaged listing is refused, and repaired", () => {
  const { repository, data } = stored("copy");
  spoilListing(repository);
  rmSync(join(repository.root, "d"), { recursive: true });
  expect(data("checkout")).toMatchObject({ code: 255, stderr: expect.stringContaining("E_LISTING") });
  expect(existsSync(join(repository.root, "d"))).toBe(false);
  expect(data("verify", "--repair").code).toBe(0);
  expect(data("checkout").code).toBe(0);
  expect(textsOf(repository)).toEqual(ALL);
});

it.each(["hardlink", "symlink", "copy"])("a whole file is not given up for a damaged object: %s", (type) => {
  const { repository, data, object } = stored(type);
  flip(object("d/a"), { keepTime: true });
  // Another file with the same bytes, which are read to be stored.
  repository.write("again", FILES["d/a"]);
  expect(data("add", "again").code).toBe(0);
  expect(repository.read("again")).toBe(FILES["d/a"]);
  if (type === "copy") return;
  expect(readFileSync(object("d/a"), "utf8")).toBe(FILES["d/a"]);
  expect(trashed(repository)).toEqual(["aaaa BYTES\n"]);
});

it.each(["hardlink", "symlink"])("an object that is too short is found without any memory of it: %s", (type) => {
  const { repository, data, object } = stored(type);
  for (const path of ["d", "one", ".git/expver"]) rmSync(join(repository.root, path), { recursive: true });
  cut(object("d/b"));
  cut(object("one"));
  expect(data("checkout").code).toBe(255);
  expect(textsOf(repository)).toEqual([null, null, null]);
  expect(trashed(repository).sort()).toEqual(["bbb", "sin"]);
});

describe.each(["hardlink", "symlink", "copy"])("of damaged objects whole ones are fetched, and nothing wrong is made: %s", (type) => {
  const asked: [string, (out: string) => string[], boolean][] = [
    ["data get", (out) => ["data", "get", ".", "d", "-o", out], true],
    ["data import", (out) => ["data", "import", ".", "d", "-o", out], true],
    ["get", (out) => ["get", "e0.1.0", "d", "-o", out], true],
    ["restore", () => ["restore", "e0.1.0", "d", "one"], false],
  ];
  it.each(asked)("%s", (_, args, isCopy) => {
    const { repository, object } = stored(type);
    repository.git("tag", "-a", "e0.1.0", "-m", "x");
    for (const path of ["d", "one"]) rmSync(join(repository.root, path), { recursive: true });
    for (const path of ["d/a", "d/b"] as const) flip(object(path), { keepTime: true });
    expect(repository.expver(args("out"))).toMatchObject({ code: 0, stderr: expect.stringContaining("damaged") });
    const made = isCopy ? "out" : "d";
    expect(["a", "b"].map((name) => repository.read(`${made}/${name}`))).toEqual([FILES["d/a"], FILES["d/b"]]);
    expect(["d/a", "d/b"].map((path) => readFileSync(object(path as "d/a"), "utf8"))).toEqual([FILES["d/a"], FILES["d/b"]]);
    expect(trashed(repository).sort()).toEqual(["aaaa BYTES\n", "bbbb BYTES\n"]);
    expect(repository.expver(["data", "verify"]).code).toBe(0);
  });
});

it("a worktree is made of whole objects", () => {
  const { repository, object } = stored("copy");
  flip(object("d/a"), { keepTime: true });
  expect(repository.expver(["worktree", "create", "w", "--json"])).toMatchObject({ code: 0 });
  expect(readFileSync(join(repository.root, "../exp-w/d/a"), "utf8")).toBe(FILES["d/a"]);
});

it("without a remote what is damaged is named, and nothing is made", () => {
  const { repository, data, object } = stored("hardlink");
  repository.git("tag", "-a", "e0.1.0", "-m", "x");
  data("remote", "remove", "r");
  for (const path of ["d", "one"]) rmSync(join(repository.root, path), { recursive: true });
  flip(object("d/a"), { keepTime: true });
  expect(repository.expver(["restore", "e0.1.0", "d"])).toMatchObject({ code: 1, stderr: expect.stringContaining("E_NOT_STORED") });
  expect(data("get", ".", "d", "-o", "out")).toMatchObject({ code: 255, stderr: expect.stringContaining("d/a") });
  expect(textsOf(repository)).toEqual([null, null, null]);
  expect(existsSync(join(repository.root, "out"))).toBe(false);
  expect(trashed(repository)).toEqual(["aaaa BYTES\n"]);
});

it("another repository's damaged object stays where it is; its remote is asked", () => {
  const { repository, object } = stored("copy");
  flip(object("d/a"), { keepTime: true });
  rmSync(join(repository.root, "d"), { recursive: true });
  const other = makeRepository();
  expect(other.expver(["data", "get", repository.root, "d"])).toMatchObject({ code: 0, stderr: expect.stringContaining("left as it is") });
  expect(other.read("d/a")).toBe(FILES["d/a"]);
  expect(readFileSync(object("d/a"), "utf8")).toBe("aaaa BYTES\n");
});

it.each([["pull"], ["fetch", "d"], ["get", ".", "d", "-o", "out"]])("a damaged listing is fetched again by %s", (...args) => {
  const { repository, data } = stored("copy");
  spoilListing(repository);
  rmSync(join(repository.root, "d"), { recursive: true });
  expect(data("status")).toMatchObject({ code: 0, stdout: expect.stringContaining("not in cache") });
  expect(data(...args).code).toBe(0);
  expect(data("pull").code).toBe(0);
  expect(textsOf(repository)).toEqual(ALL);
  expect(data("verify").code).toBe(0);
});

it("--repair asks the remote that an output names", () => {
  const { repository, data, object } = stored("copy");
  const other = join(repository.root, "../r2", repository.root.slice(-6));
  data("remote", "add", "-q", "r2", other);
  repository.write("one.dvc", repository.read("one.dvc").replace("  path: one", "  path: one\n  remote: r2"));
  expect(data("push", "one").code).toBe(0);
  repository.commit("one is on r2");
  repository.git("tag", "-a", "e0.1.0", "-m", "x");
  // On the default remote there is nothing of it, and only a version names it.
  const md5 = md5Of(Buffer.from(FILES.one));
  rmSync(join(repository.root, "../r", repository.root.slice(-6), "files/md5", md5.slice(0, 2)), { recursive: true });
  repository.git("rm", "-q", "one.dvc");
  for (const path of ["one", "d/a"] as const) flip(object(path), { keepTime: true });
  cut(object("one"));
  expect(data("verify", "--repair")).toMatchObject({ code: 0, stdout: expect.stringContaining("2 came again from") });
  expect(readFileSync(object("one"), "utf8")).toBe(FILES.one);
  expect(readFileSync(object("d/a"), "utf8")).toBe(FILES["d/a"]);
});

it("push replaces what has another size on the remote; what has the same is named by fetch, with what to do", () => {
  const { repository, data, object } = stored("copy");
  const store = join(repository.root, "../r", repository.root.slice(-6));
  const there = (path: keyof typeof FILES) => join(store, object(path).slice(join(repository.root, ".dvc/cache").length));
  cut(there("d/a"));
  cut(there("one"));
  expect(JSON.parse(data("status", "--cloud", "--json").stdout)).toEqual({ "d/a": "new", one: "new" });
  expect(data("push")).toMatchObject({ code: 0, stdout: "2 files pushed\n" });
  expect(JSON.parse(data("status", "--cloud", "--json").stdout)).toEqual({});
  expect([readFileSync(there("d/a"), "utf8"), readFileSync(there("one"), "utf8")]).toEqual([FILES["d/a"], FILES.one]);
  flip(there("d/b"));
  expect(data("push").stdout).toContain("up to date");
  rmSync(object("d/b"));
  rmSync(join(repository.root, "d/b"));
  expect(data("fetch")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`${there("d/b")} should hold[^]*deletes that one`)),
  });
});

it("what a remote has is not replaced by an object that is damaged here", () => {
  const { repository, data, object } = stored("copy");
  const there = join(repository.root, "../r", repository.root.slice(-6), object("d/a").slice(join(repository.root, ".dvc/cache").length));
  cut(object("d/a"));
  // Whole there: nothing is to be sent, so nobody looks here.
  expect(data("push")).toMatchObject({ code: 0 });
  expect(readFileSync(there, "utf8")).toBe(FILES["d/a"]);
  chmodSync(there, 0o644);
  truncateSync(there, 1);
  chmodSync(there, 0o444);
  expect(data("push")).toMatchObject({ code: 1, stderr: expect.stringContaining("damaged in the cache") });
  expect(readFileSync(there, "utf8")).toHaveLength(1);
  expect(data("commit", "-f")).toMatchObject({ code: 0 });
  expect(data("push")).toMatchObject({ code: 0 });
  expect(readFileSync(there, "utf8")).toBe(FILES["d/a"]);
});

it("a file whose object was cut off is stored nowhere: it blocks what would replace it, and what takes it away keeps it", () => {
  const { repository, data, object } = stored("copy");
  const first = repository.git("rev-parse", "HEAD");
  repository.write("one", "another\n");
  expect(data("add", "one")).toMatchObject({ code: 0 });
  repository.commit("another");
  repository.git("checkout", "-q", first, "--", "one.dvc");
  expect(data("checkout", "one")).toMatchObject({ code: 0 });
  cut(object("one"));
  repository.git("checkout", "-q", "HEAD", "--", "one.dvc");
  expect(data("checkout")).toMatchObject({ code: 255, stderr: expect.stringContaining("E_UNSAVED") });
  expect(repository.expver(["restore", "HEAD", "one"])).toMatchObject({ code: 4, stderr: expect.stringContaining("E_UNSAVED") });
  repository.git("checkout", "-q", first, "--", "one.dvc");
  expect(data("remove", "--outs", "one.dvc")).toMatchObject({ code: 0 });
  expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
  expect(textsOf(repository)).toEqual(ALL);
});

it("an update keeps a file whose object was cut off", () => {
  const { repository, data, object } = stored("copy");
  repository.write("../source", FILES.one);
  expect(data("import-url", "../source")).toMatchObject({ code: 0 });
  cut(object("one"));
  repository.write("../source", "newer\n");
  expect(data("update", "source.dvc")).toMatchObject({ code: 0 });
  expect(repository.read("source")).toBe("newer\n");
  expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
  expect(repository.read("source")).toBe(FILES.one);
});

it("what is cut off in the cache and whole here counts as not stored: commit stores it, and a run has it", () => {
  const { repository, data, object } = stored("copy");
  const status = () => JSON.parse(data("status", "--json").stdout);
  const cutBoth = () => {
    cut(object("one"));
    cut(object("d/b"));
  };
  cutBoth();
  expect(status()).toEqual({
    "d.dvc": [{ "changed outs": { d: "not in cache" } }],
    "one.dvc": [{ "changed outs": { one: "not in cache" } }],
  });
  expect(data("commit")).toMatchObject({ code: 0 });
  expect([status(), data("verify").code]).toEqual([{}, 0]);
  cutBoth();
  expect(repository.expver(["run", "--", "true"])).toMatchObject({ code: 0 });
  expect(repository.expver(["verify", "e0.1.0"])).toMatchObject({ code: 0 });
});
