/** The same done by expver and by real dvc, compared byte for byte, and each reading what the other made. */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeFolder, makeRepository, openTestRepository, seededRandom, type TestRepository } from "../support/repository.ts";
import { makeExecutable, randomTree, readTree, type Tree, writeTree } from "../support/trees.ts";

// For a machine that does a dozen other things.
const SLOW = 300_000;

const CONFIG = "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n";

function twins(prepare: (repository: TestRepository) => void, config = CONFIG): { ours: TestRepository; theirs: TestRepository } {
  const [ours, theirs] = [makeRepository(), makeRepository()];
  for (const repository of [ours, theirs]) {
    must(repository, ["data", "init"]);
    repository.write(".dvc/config", config);
    repository.commit("set up");
    prepare(repository);
  }
  return { ours, theirs };
}

function must(repository: TestRepository, args: string[]): void {
  const { code, stderr } = repository.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")} (exit ${code}): ${stderr}`);
}

const cacheOf = ({ root }: TestRepository) => readTree(join(root, ".dvc/cache"), { modes: true });
const storeOf = ({ root }: TestRepository) => readTree(join(root, "../store"), { modes: true });
const worktreeOf = ({ root }: TestRepository) => readTree(root, { skip: [".git", ".dvc"] });
const statusOf = (repository: TestRepository, ...args: string[]) => jsonOf(repository.expver(["data", ...args, "--json"]));

function cloneOf({ root }: TestRepository): TestRepository {
  const clone = makeRepository({ cloneOf: root });
  clone.write(".dvc/config.local", `['remote "store"']\n    url = ${join(root, "../store")}\n`);
  return clone;
}

/** Other bytes, one file more, one less, one folder less. */
function change({ root }: TestRepository): void {
  const files = Object.entries(readTree(join(root, "tree")))
    .filter(([, what]) => what !== "folder")
    .map(([path]) => path);
  writeTree(join(root, "tree"), { [files[1] ?? ""]: "changed", "new/er": "new", "new/empty": null });
  rmSync(join(root, "tree", files[2] ?? ""));
  rmSync(join(root, "a folder/in ner"), { recursive: true });
  writeTree(root, { "a folder/in ner/only": "one", "one [x]!.bin": "6" });
}

/** DVC leaves the empty folders of an earlier state where they are. */
function withoutEmptyFolders(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([, what]) => what !== "folder"));
}

const LINK_TYPES = { copy: "c", hardlink: "h", symlink: "s", "reflink,hardlink": "rh", "reflink,copy": "rc", "hardlink,symlink": "hs" };

function kindOf(path: string): string {
  const stat = lstatSync(path);
  return stat.isSymbolicLink() ? "symlink" : stat.nlink > 1 ? "hardlink" : "file";
}

/** Order of keys and lists says nothing: dvc's depends on the file system. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sorted(inner)]));
}

describe.skipIf(!HAS_DVC)("expver and dvc", () => {
  it.each([1, 2])("do the same to random trees, and read each other's (seed %i)", { timeout: SLOW }, (seed) => {
    const outputs = ["tree", "a folder/in ner", "ünï-😀", "-dash", "one [x]!.bin", "sub/run.sh", "empty.dat", "nothing"];
    const { ours, theirs } = twins((repository) => {
      const random = seededRandom(seed);
      for (const output of outputs.slice(0, 4)) writeTree(join(repository.root, output), randomTree(random, 40));
      writeTree(repository.root, { "one [x]!.bin": "5", "sub/run.sh": "#!/bin/sh\n", "empty.dat": "", nothing: null });
      for (const file of ["sub/run.sh", Object.keys(readTree(join(repository.root, "tree")))[0] ?? ""])
        makeExecutable(join(repository.root, file === "sub/run.sh" ? file : `tree/${file}`));
    });
    must(ours, ["data", "add", "--", ...outputs]);
    dvcCalls(theirs, [["add", "-q", "--", ...outputs]]);
    expect(worktreeOf(ours)).toEqual(worktreeOf(theirs));
    expect(cacheOf(ours)).toEqual(cacheOf(theirs));

    must(ours, ["data", "push"]);
    const [status, granular] = dvcCalls(ours, [
      ["status", "--json"],
      ["data", "status", "--granular", "--json"],
      { args: ["push", "-q"], in: theirs },
    ]);
    expect(jsonOf(status)).toEqual({});
    expect(jsonOf(granular)).not.toHaveProperty("uncommitted");
    expect(storeOf(ours)).toEqual(storeOf(theirs));
    expect(statusOf(theirs, "status")).toEqual({});
    expect(statusOf(theirs, "status", "--cloud")).toEqual({});

    for (const repository of [ours, theirs]) repository.commit("first");
    const clones = [ours, theirs].map((repository) => cloneOf(repository));
    const [ofOurs, ofTheirs] = clones as [TestRepository, TestRepository];
    dvcCalls(ofOurs, [["pull", "-q"]]);
    must(ofTheirs, ["data", "pull"]);
    expect(worktreeOf(ofOurs)).toEqual(worktreeOf(ofTheirs));
    expect(cacheOf(ofOurs)).toEqual(cacheOf(ofTheirs));

    // Now change something, and let each tell and keep it; then back to the first state, each with the other's data.
    for (const repository of [ours, theirs]) change(repository);
    const [changed, details, , after] = dvcCalls(theirs, [
      ["status", "--json"],
      ["data", "status", "--granular", "--unchanged", "--json"],
      ["commit", "-q", "-f"],
      ["data", "status", "--granular", "--json"],
    ]);
    expect(statusOf(ours, "status")).toEqual(jsonOf(changed));
    expect(sorted(statusOf(ours, "data", "status", "--granular", "--unchanged"))).toEqual(sorted(jsonOf(details)));
    must(ours, ["data", "commit", "-f"]);
    expect(sorted(statusOf(ours, "data", "status", "--granular"))).toEqual(sorted(jsonOf(after)));
    expect(worktreeOf(ours)).toEqual(worktreeOf(theirs));
    expect(cacheOf(ours)).toEqual(cacheOf(theirs));
    for (const repository of [ours, theirs]) {
      repository.commit("second");
      repository.git("checkout", "-q", "HEAD~1");
    }
    dvcCalls(ours, [["checkout", "-q"]]);
    must(theirs, ["data", "checkout"]);
    expect(withoutEmptyFolders(worktreeOf(ours))).toEqual(withoutEmptyFolders(worktreeOf(theirs)));
    expect(statusOf(ours, "status")).toEqual({});
  });

  it("store 20,000 files alike", { timeout: SLOW }, () => {
    const { ours, theirs } = twins((repository) => {
      const tree: Tree = {};
      for (let index = 0; index < 20_000; index += 1) tree[`part ${index % 50}/é${index}`] = `${index % 19_000}`;
      writeTree(join(repository.root, "many"), tree);
    });
    must(ours, ["data", "add", "many"]);
    const [, status] = dvcCalls(theirs, [["add", "-q", "many"], { args: ["status", "--json"], in: ours }]);
    expect(jsonOf(status)).toEqual({});
    expect(ours.read("many.dvc")).toBe(theirs.read("many.dvc"));
    expect(ours.read("many.dvc")).toContain("nfiles: 20000");
    expect(cacheOf(ours)).toEqual(cacheOf(theirs));
    expect(statusOf(theirs, "status")).toEqual({});
    rmSync(join(theirs.root, "many"), { recursive: true });
    must(theirs, ["data", "checkout"]);
    expect(readTree(join(theirs.root, "many"))).toEqual(readTree(join(ours.root, "many")));
  });

  it("make the same links", { timeout: SLOW }, () => {
    const { ours, theirs } = twins((repository) => {
      for (const name of Object.values(LINK_TYPES))
        writeTree(repository.root, { [`${name}/x`]: name, [`${name}/s/y`]: "2", [`${name}/empty`]: "" });
    });
    const each = <T>(make: (types: string, name: string) => T[]) =>
      Object.entries(LINK_TYPES).flatMap(([types, name]) => make(types, name));
    const kinds = ({ root }: TestRepository) =>
      each((_, name) => ["x", "s/y", "empty"].map((file) => `${name}/${file} ${kindOf(join(root, name, file))}`));
    // Ours links no empty file.
    const expected = () => kinds(theirs).map((kind) => kind.replace("empty symlink", "empty file"));
    each((types, name) => [must(ours, ["data", "config", "cache.type", types]), must(ours, ["data", "add", name])]);
    const added = dvcCalls(theirs, [
      ...each((types, name) => [
        ["config", "cache.type", types],
        ["add", "-q", name],
      ]),
      { args: ["status", "--json"], in: ours },
    ]);
    expect(jsonOf(added.at(-1))).toEqual({});
    expect(kinds(ours)).toEqual(expected());
    expect(statusOf(theirs, "status")).toEqual({});
    for (const { root } of [ours, theirs]) each((_, name) => [rmSync(join(root, name), { recursive: true })]);
    each((types, name) => [must(ours, ["data", "config", "cache.type", types]), must(ours, ["data", "checkout", name])]);
    dvcCalls(
      theirs,
      each((types, name) => [
        ["config", "cache.type", types],
        ["checkout", "-q", name],
      ]),
    );
    expect(kinds(ours)).toEqual(expected());
    expect(cacheOf(ours)).toEqual(cacheOf(theirs));
    expect(ours.read(".dvc/config")).toBe(theirs.read(".dvc/config"));
  });

  it("keep what is executable so, under links too; dvc does it through the link, and its object is then no longer 0444", {
    timeout: SLOW,
  }, () => {
    const { ours, theirs } = twins((repository) => {
      repository.write("run.sh", "#!/bin/sh\n");
      makeExecutable(join(repository.root, "run.sh"));
    }, "[cache]\n    type = hardlink\n");
    must(ours, ["data", "add", "run.sh"]);
    rmSync(join(ours.root, "run.sh"));
    must(ours, ["data", "checkout"]);
    const [, status] = dvcCalls(theirs, [["add", "-q", "run.sh"], { args: ["status", "--json"], in: ours }]);
    expect(jsonOf(status)).toEqual({});
    for (const { root } of [ours, theirs]) expect(statSync(join(root, "run.sh")).mode & 0o100).toBe(0o100);
    expect(Object.values(cacheOf(ours)).filter((what) => !what.startsWith("folder"))).toEqual([expect.stringMatching(/ 444$/)]);
    expect(statusOf(theirs, "status")).toEqual({});
  });

  it("leave out the same by .dvcignore", { timeout: SLOW }, () => {
    const { ours, theirs } = twins((repository) => {
      writeTree(repository.root, {
        ".dvcignore": "*.tmp\n!keep.tmp\n/d/build/\n  # no comment, but blanks are stripped\n cache-*  \n",
        "sub/.dvcignore": "logs/**\n!logs/last\nsecret?.txt\n/e/only-here\n",
        "d/a": "1",
        "d/b.tmp": "2",
        "d/keep.tmp": "3",
        "d/build/x": "4",
        "d/in/build/x": "5",
        "d/cache-1/x": "6",
        "sub/e/logs/old": "7",
        "sub/e/logs/last": "8",
        "sub/e/secret1.txt": "9",
        "sub/e/only-here": "10",
        "sub/e/x/only-here": "11",
        "sub/e/y.tmp": "12",
      });
    });
    must(ours, ["data", "add", "d", "sub/e"]);
    dvcCalls(theirs, [["add", "-q", "d", "sub/e"]]);
    expect(worktreeOf(ours)).toEqual(worktreeOf(theirs));
    expect(cacheOf(ours)).toEqual(cacheOf(theirs));
  });

  it("take stage outputs for data alike", { timeout: SLOW }, () => {
    const { ours, theirs } = twins((repository) => {
      const cmd = "mkdir -p out && echo 1 > out/a && echo 2 > 'out/b b' && echo 3 > model.bin && echo 4 > small.txt";
      const stage = `stages:\n  make:\n    cmd: ${cmd}\n    outs:\n    - out\n    - model.bin\n    - small.txt:\n        cache: false\n`;
      repository.write("dvc.yaml", stage);
    });
    dvcCalls(theirs, [
      ["repro", "-q"],
      ["push", "-q"],
    ]);
    for (const file of ["dvc.lock", "small.txt", ".gitignore"]) ours.write(file, theirs.read(file));
    ours.write(".dvc/config", CONFIG.replace("../../store", join(theirs.root, "../store")));
    expect(statusOf(theirs, "status")).toEqual({});
    expect(statusOf(ours, "status")).toEqual({ make: [{ "changed outs": { out: "not in cache", "model.bin": "not in cache" } }] });
    must(ours, ["data", "pull"]);
    const [status] = dvcCalls(ours, [["status", "--json"]]);
    expect(jsonOf(status)).toEqual({});
    expect(worktreeOf(ours)).toEqual(worktreeOf(theirs));
    expect(cacheOf(ours)).toEqual(readTree(join(theirs.root, ".dvc/cache"), { modes: true, skip: ["runs"] }));
  });

  it("read DVC 2's pointers and cache alike", { timeout: SLOW }, () => {
    const text = "a,b\r\n1,2\r\n";
    const hash = createHash("md5").update(text.replaceAll("\r\n", "\n")).digest("hex");
    const object = `.dvc/cache/${hash.slice(0, 2)}/${hash.slice(2)}`;
    const { ours, theirs } = twins((repository) => {
      const pointer = `outs:\n- md5: ${hash}\n  size: ${text.length}\n  path: old.csv\n`;
      writeTree(repository.root, { "old.csv": text, "old.csv.dvc": pointer, [object]: text });
      chmodSync(join(repository.root, object), 0o444);
    });
    const [status] = dvcCalls(theirs, [
      ["status", "--json"],
      ["push", "-q"],
    ]);
    expect(jsonOf(status)).toEqual({});
    expect(statusOf(ours, "status")).toEqual({});
    must(ours, ["data", "push"]);
    expect(storeOf(ours)).toEqual(storeOf(theirs));
    for (const { root } of [ours, theirs]) for (const path of ["old.csv", ".dvc/cache"]) rmSync(join(root, path), { recursive: true });
    must(ours, ["data", "pull"]);
    dvcCalls(theirs, [["pull", "-q"]]);
    expect(worktreeOf(ours)).toEqual(worktreeOf(theirs));
    expect(cacheOf(ours)).toEqual(cacheOf(theirs));
  });

  it("work without Git alike", { timeout: SLOW }, () => {
    const [ours, theirs] = [openTestRepository(makeFolder("ours")), openTestRepository(makeFolder("theirs"))];
    for (const { root } of [ours, theirs]) writeTree(root, { "d/x": "1", "d/y y": "2", "s/f": "3" });
    must(ours, ["data", "init", "--no-scm"]);
    must(ours, ["data", "add", "d", "s/f"]);
    const [, , status, theirStatus] = dvcCalls(theirs, [
      ["init", "-q", "--no-scm"],
      ["add", "-q", "d", "s/f"],
      { args: ["status", "--json"], in: ours },
      ["status", "--json"],
    ]);
    expect([jsonOf(status), jsonOf(theirStatus), statusOf(theirs, "status")]).toEqual([{}, {}, {}]);
    expect(worktreeOf(ours)).toEqual(worktreeOf(theirs));
    expect(cacheOf(ours)).toEqual(cacheOf(theirs));
    expect(ours.read(".dvc/config")).toBe(theirs.read(".dvc/config"));
  });
});
