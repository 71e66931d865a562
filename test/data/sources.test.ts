import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { newOwnName } from "../../src/store/objects/staging.ts";
import { deliver } from "../../src/workflows/data/sources/deliver.ts";
import { runKilledAt, SIGKILLED } from "../support/kill-at.ts";
import { begin } from "../support/kill-when.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { readTree } from "../support/trees.ts";
import { DVC, makeTwins, snapshot } from "../support/twins.ts";

const FILES = { a: "1\n", "d/x": "2\n", "d/e/y": "22\n", "sub/s": "3\n", "code/plain.py": "5\n", "run.sh": "#!/bin/sh\n" };

function fill(repository: TestRepository): void {
  for (const [path, text] of Object.entries(FILES)) repository.write(path, text);
  chmodSync(join(repository.root, "run.sh"), 0o755);
}

function publish(repository: TestRepository, data: (args: string[]) => unknown): void {
  fill(repository);
  for (const args of [
    ["add", "-q", "a", "d", "sub/s"],
    ["remote", "add", "-q", "-d", "store", "../store"],
  ])
    data(args);
  repository.commit("one");
  repository.git("tag", "v1");
  data(["push", "-q"]);
}

describe.skipIf(DVC === null)("as dvc does it", () => {
  it("lists and gets what a repository holds, as it stands and as it was", () => {
    const twins = makeTwins();
    twins.each(fill);
    twins.run(["add", "-q", "a", "d", "sub/s"]);
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    twins.each(({ commit, git }) => {
      commit("one");
      git("tag", "v1");
    });
    twins.run(["push", "-q"]);
    twins.sameJson(["list", ".", "-R", "--json"]);
    twins.same(["list", ".", "d", "--tree", "--size"]);
    twins.run(["list", ".", "--tree", "--json"]);
    twins.same(["list", "."], "sub");
    twins.same(["list", ".", "-R", "-L", "2", "--show-hash", "--dvc-only"]);
    twins.run(["list", ".", "nothing"]);
    twins.each(({ root, write }) => {
      write("a", "9\n");
      rmSync(join(root, "d/x"));
      rmSync(join(root, ".dvc/cache"), { recursive: true });
      mkdirSync(join(root, "out"));
    });
    twins.sameJson(["list", ".", "d", "-R", "--json", "--rev", "HEAD"]);
    const gets = [
      ["..", "a"],
      ["..", "d", "--rev", "v1", "-o", "old"],
      ["..", "code"],
      ["..", "run.sh"],
      ["..", "a", "-o", "x.dvc"],
      ["..", "nothing"],
      ["..", "a", "--rev", "nothing", "-o", "b"],
    ];
    for (const args of gets) twins.run(["get", "-q", ...args], "out");
    twins.run(["get-url", "-q", "../code", "deep/er"], "out");
    expect(snapshot(twins.ours).files).toEqual(snapshot(twins.theirs).files);
  });

  it("lists folders of commits with sizes, and no deeper than asked where listings are nowhere", () => {
    const twins = makeTwins();
    twins.each(fill);
    twins.run(["add", "-q", "a", "d", "sub/s"]);
    twins.each(({ root, commit }) => {
      commit("one");
      rmSync(join(root, ".dvc/cache"), { recursive: true });
    });
    for (const asked of [[], ["-R", "-L", "1"]]) twins.sameJson(["list", ".", "--json", "--rev", "HEAD", ...asked]);
    twins.same(["list", ".", "--rev", "HEAD", "--tree", "-L", "1"]);
    twins.run(["list", ".", "--json", "--rev", "HEAD", "-R"]);
  });

  it("lists with their sizes files of which the pointer names versions on a remote", () => {
    const twins = makeTwins();
    const member = (relpath: string, size: number) =>
      `  - relpath: ${relpath}\n    md5: ${String(size).padStart(32, "0a")}\n    size: ${size}\n    cloud:\n      gcp:\n        etag: e${size}\n        version_id: '${size}'\n`;
    twins.each(({ write }) => write("d.dvc", `outs:\n- hash: md5\n  path: d\n  files:\n${member("a", 313)}${member("s/b", 208)}`));
    twins.run(["remote", "add", "-q", "-d", "gcp", "s3://nowhere/x"]);
    twins.run(["remote", "modify", "-q", "gcp", "version_aware", "true"]);
    twins.sameJson(["list", ".", "-R", "--dvc-only", "--json", "--size"]);
  });
});

describe.skipIf(DVC === null)("get --show-url", () => {
  it("says where the bytes are, of a repository without remote in its cache", () => {
    const twins = makeTwins();
    twins.each(fill);
    twins.run(["add", "-q", "a", "d"]);
    twins.each(({ commit }) => commit("one"));
    const shown = (args: string[], code: number) => {
      const { theirs, ours } = twins.run(["get", ".", "--show-url", ...args]);
      expect([theirs.code, ours.stdout.replaceAll(twins.ours.root, "")]).toEqual([code, theirs.stdout.replaceAll(twins.theirs.root, "")]);
    };
    for (const args of [["a"], ["d"], ["d/x"], ["d", "--rev", "HEAD"]]) shown(args, 0);
    for (const args of [["code"], ["nothing"], ["a", "--rev", "nothing"]]) shown(args, 255);
    shown(["a", "--remote", "nothing"], 251);
    twins.run(["remote", "add", "-q", "-d", "store", join(twins.ours.root, "../store")]);
    for (const args of [["a"], ["d/x"], ["d", "--remote", "store"]]) shown(args, 0);
  });
});

describe.skipIf(DVC === null)("other settings than the source's", { timeout: 360_000 }, () => {
  it("read it, from a file or as options of its remote", () => {
    const twins = makeTwins();
    twins.each(fill);
    twins.run(["add", "-q", "a", "d"]);
    twins.run(["remote", "add", "-q", "-d", "store", "/nowhere"]);
    twins.run(["remote", "add", "-q", "real", "../store"]);
    twins.each(({ commit }) => commit("one"));
    twins.run(["push", "-q", "-r", "real"]);
    twins.each(({ root, write }) => {
      for (const path of [".dvc/cache", "a", "d"]) rmSync(join(root, path), { recursive: true });
      write("../other", `[core]\n    remote = other\n['remote "other"']\n    url = ${join(root, "../store")}\n`);
    });
    for (const options of [
      ["--config", "../other"],
      ["--config", "../other", "--remote-config", "jobs=2"],
      ["--remote-config", "url=../store", "jobs=2"],
      ["--remote", "store", "--remote-config", "url=../store"],
      ["--remote", "real", "--remote-config", "jobs=2"],
      ["--remote-config", "nothing=1"],
    ]) {
      const there = options.map((word) => word.replace("=../store", `=${join(twins.ours.root, "../store")}`));
      twins.sameJson(["list", ".", "-R", "--dvc-only", "--json", ...there]);
      twins.run(["get", "-q", "-f", ".", "d", "-o", "got", ...there]);
      expect(existsSync(join(twins.ours.root, "got/e/y"))).toBe(existsSync(join(twins.theirs.root, "got/e/y")));
      twins.each(({ root }) => rmSync(join(root, "got"), { recursive: true, force: true }));
    }
    const store = join(twins.ours.root, "../store");
    for (const [index, options] of [
      ["--config", "../other"],
      ["--config", "../other", "--remote", "other"],
      ["--remote-config", `url=${store}`, "jobs=2", "verify=false"],
      ["--remote", "mine", "--remote-config", `url=${store}`],
      ["--remote", "real", "--config", "../other", "--remote-config", "jobs=2"],
      ["--remote-config", "nothing=1"],
      ["--config", "../nothing"],
    ].entries())
      twins.run(["import", "-q", ".", "d", "-o", `got${index}`, ...options]);
    twins.agree();
    const got = ["got0", "got1", "got2", "got3"];
    twins.each(({ root }) => {
      for (const path of [".dvc/cache", ...got]) rmSync(join(root, path), { recursive: true });
    });
    twins.run(["pull", "-q", ...got.map((path) => `${path}.dvc`)]);
    twins.each(({ commit }) => commit("more"));
    twins.run(["update", "-q", "got3.dvc"]);
    for (const path of got) expect(existsSync(join(twins.ours.root, path, "e/y"))).toBe(true);
    // Without a remote of its own.
    twins.each(({ root, commit }) => {
      rmSync(join(root, ".dvc/cache"), { recursive: true });
      commit("none", { ".dvc/config": "" });
    });
    twins.run(["get", "-q", ".", "d", "-o", "got", "--remote-config", `url=${join(twins.ours.root, "../store")}`]);
    expect(existsSync(join(twins.ours.root, "got/e/y"))).toBe(existsSync(join(twins.theirs.root, "got/e/y")));
    expect(existsSync(join(twins.ours.root, "got/e/y"))).toBe(true);
    for (const args of [
      ["list-url", "remote://nothing"],
      ["list-url", "zz://x"],
      ["get-url", "../other", "x.dvc"],
    ])
      twins.run(args);
  });
});

describe.skipIf(DVC === null)("list-url of a folder with symbolic links", () => {
  it("shows them and follows none, also where one leads around in a circle", () => {
    const twins = makeTwins();
    twins.each(({ root, write }) => {
      write("there/in/f", "1\n");
      for (const [name, to] of Object.entries({ around: ".", folder: "in", file: "in/f", dead: "nowhere" }))
        symlinkSync(to, join(root, "there", name));
    });
    for (const args of [[], ["-R"], ["-R", "--size"], ["-R", "-L", "2"]]) {
      const { ours, theirs } = twins.run(["list-url", "there", ...args]);
      const [one, other] = [ours, theirs].map(({ stdout }) => stdout.split("\n").sort());
      expect(one, args.join(" ")).toEqual(other);
    }
    twins.same(["list-url", "--tree", "there"]);
  });
});

describe("a clone that is only read", () => {
  it("goes with the next one when its command was killed, and stays while that lives or when it is another user's", () => {
    const folder = makeFolder("temporary");
    const origin = makeRepository();
    origin.write("code", "1\n");
    origin.commit("one");
    const here = makeRepository({ env: { TMPDIR: folder } });
    const list = ["data", "list", pathToFileURL(origin.root).href];
    const left = () => readdirSync(folder).filter((name) => name.startsWith("expver-") && !name.startsWith("expver-compiled"));
    for (let at = 1; left().length === 0; at += 1) expect(runKilledAt(here, list, at).code).toBe(SIGKILLED);
    const [dead] = left();
    const foreign = String(dead).replace(/.{8}\.tmp$/, "01234567.tmp");
    for (const name of [newOwnName(), foreign]) mkdirSync(join(folder, name));
    if (process.getuid?.() === 0) chownSync(join(folder, foreign), 12345, 12345);
    else rmSync(join(folder, foreign), { recursive: true });
    const kept = left().filter((name) => name !== dead);
    expect(here.expver(list)).toMatchObject({ code: 0, stdout: "code\n" });
    expect(left()).toEqual(kept);
  });
});

describe("list", () => {
  it("has the sizes of Git's files, also of a server that leaves contents behind", () => {
    const origin = makeRepository();
    origin.expver(["data", "init"]);
    publish(origin, (args) => origin.expver(["data", ...args]));
    origin.expver(["data", "remote", "modify", "store", "url", join(origin.root, "../store")]);
    origin.commit("absolute");
    const bare = join(makeFolder("bare"), "data.git");
    origin.git("clone", "-q", "--bare", origin.root, bare);
    for (const key of ["allowFilter", "allowAnySHA1InWant"]) origin.git("-C", bare, "config", `uploadpack.${key}`, "true");
    const sizes = (url: string) => {
      const { stdout, stderr } = origin.expver(["data", "list", url, "-R", "--json", "--rev", "HEAD"]);
      expect(stderr).toBe("");
      const entries = JSON.parse(stdout) as { path: string; isout: boolean; size: number | null }[];
      return entries.filter(({ isout }) => !isout).map(({ path, size }) => [path, size]);
    };
    expect(sizes(pathToFileURL(bare).href)).toEqual(sizes(origin.root));
    expect(sizes(pathToFileURL(bare).href)).toContainEqual(["run.sh", 10]);
  });

  it("and get of what a repository has imported leave that repository as it is", () => {
    const origin = makeRepository();
    origin.expver(["data", "init"]);
    publish(origin, (args) => origin.expver(["data", ...args]));
    const between = openTestRepository(makeFolder("between"));
    between.git("init", "-q");
    between.expver(["data", "init"]);
    between.expver(["data", "import", origin.root, "d"]);
    between.commit("import");
    for (const path of ["d", ".dvc/cache"]) rmSync(join(between.root, path), { recursive: true });
    const here = openTestRepository(makeFolder("here"));
    for (const rev of [[], ["--rev", "HEAD"]]) {
      const list = here.expver(["data", "list", between.root, "d", "-R", ...rev]);
      expect(list).toMatchObject({ code: 0, stdout: "e/y\nx\n" });
      expect(here.expver(["data", "get", between.root, "d", "-f", ...rev])).toMatchObject({ code: 0 });
    }
    expect(here.read("d/e/y")).toBe("22\n");
    expect(existsSync(join(between.root, ".dvc/cache"))).toBe(false);
  });
});

describe("get", () => {
  const source = () => {
    const repository = makeRepository();
    repository.expver(["data", "init"]);
    publish(repository, (args) => repository.expver(["data", ...args]));
    return repository;
  };

  it("reads a Git URL at a tag, from the remote its configuration names", () => {
    const origin = source();
    origin.expver(["data", "remote", "modify", "store", "url", join(origin.root, "../store")]);
    origin.commit("absolute");
    const bare = join(makeFolder("bare"), "data.git");
    origin.git("clone", "-q", "--bare", origin.root, bare);
    const here = openTestRepository(makeFolder("here"));
    const url = pathToFileURL(bare).href;
    expect(here.expver(["data", "get", url, "d"])).toMatchObject({ code: 0 });
    expect(here.read("d/e/y")).toBe("22\n");
    expect(here.expver(["data", "list", url, "-R", "--dvc-only"]).stdout).toBe("a\nd/e/y\nd/x\nsub/s\n");
  });

  it("brings the whole of it or nothing", () => {
    const origin = source();
    for (const folder of [".dvc/cache", "../store/files/md5/26", "d"]) rmSync(join(origin.root, folder), { recursive: true });
    expect(origin.expver(["data", "get", ".", "d", "-o", "copy"])).toMatchObject({ code: 255, stderr: expect.stringContaining("d/x") });
    expect(existsSync(join(origin.root, "copy"))).toBe(false);
    expect(origin.run("ls", ["-A"]).stdout).not.toContain(".expver-");
  });

  it("gives out no damaged bytes of the cache", () => {
    const origin = source();
    const object = join(origin.root, ".dvc/cache/files/md5/26/ab0db90d72e28ad0ba1e22ee510510");
    rmSync(join(origin.root, "d"), { recursive: true });
    chmodSync(object, 0o644);
    writeFileSync(object, "3\n");
    chmodSync(object, 0o444);
    const answer = origin.expver(["data", "get", ".", "d", "-o", "copy"]);
    expect(answer).toMatchObject({ code: 0, stderr: expect.stringContaining("1 damaged object in") });
    expect(origin.run("grep", ["-rhx", "[23]", "copy"]).stdout).toBe("2\n");
  });

  it("replaces only when told so, and undo brings the old file back", () => {
    const origin = source();
    origin.write("mine", "mine");
    expect(origin.expver(["data", "get", ".", "a", "-o", "mine"]).code).toBe(1);
    expect(origin.expver(["data", "get", ".", "a", "-o", "mine", "-f"]).code).toBe(0);
    expect(origin.read("mine")).toBe("1\n");
    expect(origin.expver(["undo"])).toMatchObject({ code: 0 });
    expect(origin.read("mine")).toBe("mine");
  });

  it("leaves what has come under the name meanwhile", async () => {
    const origin = source();
    const path = join(origin.root, "mine");
    const asked = { command: "data get", force: false };
    const coming = deliver(origin.context, path, {
      ...asked,
      make: async (target) => {
        writeFileSync(target, "copy");
        writeFileSync(path, "mine");
      },
    });
    await expect(coming).rejects.toMatchObject({ code: "E_DATA", message: `${path} exists already` });
    expect([origin.read("mine"), origin.run("ls", ["-A"]).stdout]).toEqual(["mine", expect.not.stringContaining(".expver-")]);
  });

  it("works apart from others that are at the same output: one has the name, whole", { timeout: 60_000 }, async () => {
    const origin = source();
    for (let file = 0; file < 300; file += 1) origin.write(`../many/${file}`, `${file}`);
    const calls = Array.from({ length: 4 }, () => begin(origin, ["data", "get-url", "../many"]));
    const codes = await Promise.all(calls.map(({ ended }) => ended));
    expect(codes.sort()).toEqual([0, 1, 1, 1]);
    expect(readTree(join(origin.root, "many"))).toEqual(readTree(join(origin.root, "../many")));
    expect(origin.run("ls", ["-A"]).stdout).not.toContain(".expver-");
  });

  it("is not taken back once it was edited", () => {
    const origin = source();
    origin.write("mine", "mine");
    expect(origin.expver(["data", "get", ".", "d", "-o", "mine", "-f"]).code).toBe(0);
    origin.write("mine/x", "edited");
    expect(origin.expver(["undo"])).toMatchObject({ code: 4, stderr: expect.stringContaining("mine (changed)") });
    origin.write("mine/x", "2\n");
    expect(origin.expver(["undo"])).toMatchObject({ code: 0 });
    expect(origin.read("mine")).toBe("mine");
  });

  it("copies, whatever the cache links", () => {
    const origin = source();
    origin.expver(["data", "config", "cache.type", "symlink"]);
    rmSync(join(origin.root, "a"));
    expect(origin.expver(["data", "get", ".", "a", "-o", "copy"]).code).toBe(0);
    expect(lstatSync(join(origin.root, "copy")).isFile()).toBe(true);
  });

  it("follows no link out of a listed repository", () => {
    const origin = source();
    const elsewhere = makeFolder("elsewhere");
    symlinkSync(elsewhere, join(origin.root, "code/link"));
    openTestRepository(elsewhere).write("secret", "x");
    expect(origin.expver(["data", "list", ".", "code", "-R"]).stdout).toBe("link\nplain.py\n");
  });
});

it("a get that replaced something and is undone: what stood there stands again, and what came is still to be had", () => {
  const repository = makeRepository();
  expect(repository.expver(["data", "init"]).code).toBe(0);
  repository.write("../theirs", "new\n");
  repository.write("mine", "old\n");
  expect(repository.expver(["data", "get-url", "--force", "../theirs", "mine"]).code).toBe(0);
  expect(repository.read("mine")).toBe("new\n");
  expect(repository.expver(["undo"]).code).toBe(0);
  expect(repository.read("mine")).toBe("old\n");
  expect(repository.run("grep", ["-rl", "^new$", ".git/expver/trash"]).stdout).toMatch(/^\S+\n$/);
});

it("what stands before the host in a repository's address, a token mostly, is shown nowhere", () => {
  const repository = makeRepository();
  expect(repository.expver(["data", "init", "-q"]).code).toBe(0);
  // Nobody listens there.
  for (const login of ["ada:s3cret", "s3cret", "ada:s3c@s3cret"]) {
    const url = `http://${login}@127.0.0.1:1/repository.git`;
    for (const args of [
      ["get", url, "f"],
      ["import", url, "f", "--dry-run"],
      ["import", url, "f"],
      ["list", url],
      ["update", "f.dvc"],
    ]) {
      if (args[0] === "update") repository.write("f.dvc", IMPORTED(url));
      for (const json of [[], ["--json"]]) {
        const { code, stdout, stderr } = repository.expver(["data", ...args, ...json]);
        expect(code === 0).toBe(args.includes("--dry-run"));
        expect(`${stdout}${stderr}`).toContain("127.0.0.1:1/repository.git");
        expect(`${stdout}${stderr}`).not.toContain("s3c");
      }
    }
    rmSync(join(repository.root, "f.dvc"));
  }
  const { stdout } = repository.expver(["ops"]);
  expect(stdout).toContain("127.0.0.1:1");
  expect(stdout).not.toContain("s3c");
});

const IMPORTED = (url: string) =>
  `frozen: true\ndeps:\n- path: f\n  repo:\n    url: ${url}\n    rev_lock: ${"0".repeat(40)}\nouts:\n- md5: ${"0".repeat(32)}\n  size: 1\n  hash: md5\n  path: f\n`;
