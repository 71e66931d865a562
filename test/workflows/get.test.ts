/** Getting things back: right bytes, and nothing else in the repository is other than before. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;
let remote: string;
beforeEach(() => {
  repo = makeRepository();
  remote = makeFolder("remote");
  must("init");
  must("data", "remote", "add", "-d", "store", remote);
  repo.write("data/images/one", "1");
  repo.write("data/images/deep/two words", "22");
  repo.write("models/model.bin", "first");
  must("data", "add", "data/images", "models/model.bin");
  repo.commit("first", { "expver.yaml": "metrics: { accuracy: max }\n", "src/train.py": "print('first')\n" });
  repo.git("tag", "-a", "e0.1.0", "-m", "accuracy=0.9 | first");
  must("data", "push");
  repo.write("models/model.bin", "second");
  rmSync(join(repo.root, "data/images/one"));
  must("data", "add", "data/images", "models/model.bin");
  repo.commit("second", { "src/train.py": "print('second')\n" });
  repo.git("tag", "-a", "e0.2.0", "-m", "accuracy=0.8 | second");
});

function must(...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

/** Everything that must not move: HEAD, index, stash, and the worktree but for what the test asked for. */
function state(): unknown {
  const index = readFileSync(join(repo.root, ".git/index"));
  return [
    repo.git("rev-parse", "HEAD"),
    repo.git("symbolic-ref", "HEAD"),
    index.toString("hex"),
    repo.git("stash", "list"),
    repo.git("for-each-ref"),
  ];
}

it.each([
  ["a tracked file", "models/model.bin", { "": "first" }],
  ["a tracked folder", "data/images", { one: "1", "deep/two words": "22" }],
  ["one file of a tracked folder", "data/images/deep/two words", { "": "22" }],
  ["a folder inside a tracked folder", "data/images/deep", { "two words": "22" }],
  ["a file in Git", "src/train.py", { "": "print('first')\n" }],
  ["a folder with both", "models", { "model.bin": "first" }],
])("%s, with edits, staged things and a stash about", (_what, path, files) => {
  repo.write("src/train.py", "stashed\n");
  repo.git("stash");
  repo.write("src/train.py", "edited\n");
  repo.write("staged.txt", "staged\n");
  repo.git("add", "staged.txt");
  const before = state();
  must("get", "e0.1.0", path, "-o", "old");
  expect(state()).toEqual(before);
  expect(repo.read("src/train.py")).toBe("edited\n");
  for (const [name, text] of Object.entries(files)) expect(repo.read(join("old", name))).toBe(text);
  expect(readdirSync(repo.root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  if (statSync(join(repo.root, "old")).isDirectory())
    expect(readdirSync(join(repo.root, "old")).some((name) => name.endsWith(".dvc"))).toBe(false);
});

it("fetches only what is asked for when the cache is gone, and leaves the cache as it is", () => {
  const cache = join(repo.root, ".dvc/cache");
  rmSync(cache, { recursive: true });
  // Had it read any other object, this one would be missed.
  const others = readdirSync(join(remote, "files/md5"), { recursive: true, encoding: "utf8" }).filter(
    (name) => !statSync(join(remote, "files/md5", name)).isDirectory() && readFileSync(join(remote, "files/md5", name), "utf8") === "1",
  );
  rmSync(join(remote, "files/md5", others[0] ?? ""));
  must("get", "e0.1.0", "data/images/deep/two words");
  expect(repo.read("two words")).toBe("22");
  expect(repo.expverJson(["get", "e0.1.0", "data/images", "-o", "all"])).toMatchObject({ code: 1, error: { code: "E_NOT_STORED" } });
  expect(existsSync(join(repo.root, "all"))).toBe(false);
});

it("gives nothing out that is not what its pointer says", () => {
  const [, hash = ""] = /md5: (\S+)/.exec(repo.git("show", "e0.1.0:models/model.bin.dvc")) ?? [];
  const object = join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
  chmodSync(object, 0o644);
  writeFileSync(object, "other");
  chmodSync(object, 0o444);
  expect(repo.expverJson(["get", "e0.1.0", "models/model.bin", "-o", "old"])).toMatchObject({ code: 0 });
  expect(md5Of(Buffer.from(repo.read("old")))).toBe(hash);
  rmSync(join(repo.root, "old"));
});

it("a file of its own: writing into it changes nothing that is stored", () => {
  must("get", "e0.1.0", "models/model.bin", "-o", "old");
  repo.write("old", "mine");
  must("get", "e0.1.0", "models/model.bin", "-o", "again");
  expect(repo.read("again")).toBe("first");
});

it("never overwrites unless told; then undo brings back what was there", () => {
  const taken = repo.expverJson(["get", "e0.1.0", "models/model.bin", "-o", "models"]);
  expect(taken).toMatchObject({ code: 1, error: { code: "E_DATA" } });
  repo.write("old", "precious");
  expect(repo.expver(["get", "e0.1.0", "models/model.bin", "-o", "old"]).code).toBe(1);
  expect(repo.read("old")).toBe("precious");
  must("get", "e0.1.0", "models/model.bin", "-o", "old", "--force");
  expect(repo.read("old")).toBe("first");
  must("undo");
  expect(repo.read("old")).toBe("precious");
});

it("from a sub-folder a path is relative to it, or to the top", () => {
  mkdirSync(join(repo.root, "notes"));
  expect(repo.expver(["get", "e0.1.0", "../models/model.bin", "-o", "a"], { cwd: "notes" }).code).toBe(0);
  expect(repo.expver(["get", "e0.1.0", "models/model.bin", "-o", "b"], { cwd: "notes" }).code).toBe(0);
  expect([repo.read("notes/a"), repo.read("notes/b")]).toEqual(["first", "first"]);
  expect(repo.expverJson(["get", "e0.1.0", "../../etc/passwd"], { cwd: "notes" }).error?.code).toBe("E_OUTSIDE");
});

it("takes the original script's flags, any name of a commit, another repository", () => {
  must("get", "--version", "e0.1.0", "--artifact", "models/model.bin", "--output", "a", "--strategy", "worktree");
  must("get", "HEAD~1", "models/model.bin", "-o", "b");
  const elsewhere = makeRepository();
  const { code, stderr } = elsewhere.expver(["get", "e0.1.0", "models/model.bin", "--repo", repo.root]);
  expect(code, stderr).toBe(0);
  expect([repo.read("a"), repo.read("b"), elsewhere.read("model.bin")]).toEqual(["first", "first", "first"]);
  expect(repo.expverJson(["get", "e0.1.0", "models/modle.bin", "-o", "c"]).error?.message).toContain("did you mean models/model.bin?");
  expect(repo.expverJson(["get", "e0.1.0"]).error?.code).toBe("E_USAGE");
});

it("a file of Git comes as a checkout of that version makes it, with line endings and filters; one that fails is said", () => {
  repo.git("config", "filter.upper.smudge", "tr a-z A-Z");
  repo.git("config", "filter.upper.clean", "tr A-Z a-z");
  const attributes = `${existsSync(join(repo.root, ".gitattributes")) ? repo.read(".gitattributes") : ""}*.up filter=upper\n*.crlf text eol=crlf\n`;
  repo.commit("attributes", { ".gitattributes": attributes, "code/a.up": "hello\n", "code/b.crlf": "1\r\n2\r\n" });
  repo.git("tag", "-a", "e0.3.0", "-m", "accuracy=0.7 | third");
  repo.git("rm", "-q", ".gitattributes");
  repo.git("commit", "-qm", "attributes of another kind");
  const before = state();
  const bytes = (folder: string) => ["a.up", "b.crlf"].map((name) => readFileSync(join(repo.root, "..", folder, name), "utf8"));
  const { code, data, warnings } = repo.expverJson(["get", "e0.3.0", "code", "-o", "../got"]);
  expect({ code, bytes: data.bytes, warnings }).toEqual({ code: 0, bytes: 12, warnings: [] });
  expect(bytes("got")).toEqual(["HELLO\n", "1\r\n2\r\n"]);
  must("data", "get", "--rev", "e0.3.0", repo.root, "code", "-o", "../as-dvc");
  expect(bytes("as-dvc")[1]).toBe("1\r\n2\r\n");
  repo.git("config", "filter.upper.smudge", "false");
  repo.git("config", "filter.upper.required", "true");
  const raw = repo.expverJson(["get", "e0.3.0", "code/a.up", "-o", "../raw.up"]);
  expect(raw).toMatchObject({ code: 0, warnings: [{ text: expect.stringContaining("files came as Git stores them") }] });
  expect(readFileSync(join(repo.root, "../raw.up"), "utf8")).toBe("hello\n");
  expect(state()).toEqual(before);
});

it("filters and attributes that are named from the top of the worktree are found there", () => {
  const top = join(makeFolder("100%fit's"), "re po");
  repo.git("clone", "-q", repo.root, top);
  const there = openTestRepository(top, repo.context.env as Record<string, string>);
  there.commit("filters", {
    ".gitattributes": "*.up filter=upper\n*.long filter=long\n",
    attributes: "*.far filter=upper\n",
    "scripts/up": '#!/bin/sh\ntest "$(git rev-parse --show-toplevel)" = "$PWD" && echo "$1" && tr a-z A-Z\n',
    "a.up": "hello\n",
    "b.far": "hello\n",
  });
  there.git("tag", "v1");
  there.git("config", "filter.upper.smudge", "sh ./scripts/up %f");
  there.git("config", "filter.upper.clean", "cat");
  there.git("config", "filter.upper.required", "true");
  there.git("config", "core.attributesFile", "attributes");
  for (const name of ["a.up", "b.far"]) rmSync(join(top, name));
  there.git("checkout", "-f", "v1", "--", "a.up", "b.far");
  for (const name of ["a.up", "b.far"]) {
    expect(there.read(name)).toBe(`${name}\nHELLO\n`);
    for (const args of [
      ["get", "v1", name],
      ["data", "get", "--rev", "v1", ".", name],
    ]) {
      const got = there.expverJson([...args, "-o", "../got", "--force"]);
      expect(got, got.error?.message).toMatchObject({ code: 0, warnings: [] });
      expect(there.read("../got"), args.join(" ")).toBe(there.read(name));
    }
  }
});
