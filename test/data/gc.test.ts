import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { finishWork } from "../../src/platform/pace.ts";
import { newOwnName } from "../../src/store/objects/staging.ts";
import { readingCache } from "../../src/store/objects/unused.ts";
import { dataGc } from "../../src/workflows/data/cache/gc.ts";
import { MAIN } from "../support/command-line.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { fill, setReadOnly, smallDisk } from "../support/small-disk.ts";
import { DVC, makeTwins, objectsBelow } from "../support/twins.ts";

const CAN_MOUNT = smallDisk(64) !== null;

/** Objects only: our trash lies below the cache, where dvc does not look. */
function cacheOf({ root }: TestRepository): string[] {
  return objectsBelow(join(root, ".dvc/cache/files"));
}

/** As {@link cacheOf} lists it. */
function objectOf(text: string): string {
  const hash = createHash("md5").update(text).digest("hex");
  return `md5/${hash.slice(0, 2)}/${hash.slice(2)}`;
}

describe.skipIf(DVC === null)("as dvc does it", () => {
  it("keeps what the scope names, here and on a remote", () => {
    const twins = makeTwins();
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    const store = (version: string) => {
      twins.each(({ write }) => {
        write("a", version);
        write("d/x", `x${version}`);
        write("d/same", "same");
      });
      twins.run(["add", "-q", "a", "d"]);
      twins.each(({ commit }) => commit(version));
    };
    store("1");
    twins.each(({ git }) => git("tag", "v1"));
    store("2");
    twins.run(["push", "-q"]);
    store("3");
    const agree = () => {
      expect(cacheOf(twins.ours)).toEqual(cacheOf(twins.theirs));
      expect(objectsBelow(join(twins.ours.root, "../store"))).toEqual(objectsBelow(join(twins.theirs.root, "../store")));
    };
    for (const args of [[], ["-w"], ["--rev", "HEAD", "-c", "--not-in-remote"], ["-w", "-n", "2"], ["-w", "--dry"], ["-A", "-f"]]) {
      twins.run(["gc", ...args]);
      agree();
    }
    twins.run(["gc", "--rev", "HEAD", "-n", "2", "-f"]);
    agree();
    twins.run(["gc", "-w", "-c", "-f"]);
    agree();
    twins.run(["push", "-q", "d"]);
    twins.run(["gc", "-w", "--not-in-remote", "-f"]);
    agree();
  });

  it("keeps what commits since a day name: of whatever branch, by when they were committed, the day as it begins here", () => {
    // Nine hours before UTC does, the day begins.
    const twins = makeTwins({ TZ: "Asia/Tokyo" });
    const store = (version: string, committed: string) => {
      twins.each(({ write }) => write("a", version));
      twins.run(["add", "-q", "a"]);
      const env = { GIT_AUTHOR_DATE: "2025-01-01T12:00:00+0900", GIT_COMMITTER_DATE: committed };
      twins.each(({ run, git }) => {
        git("add", ".");
        expect(run("git", ["commit", "-qm", version], { env }).code).toBe(0);
      });
    };
    store("the evening before", "2026-01-01T23:59:59+0900");
    store("midnight", "2026-01-02T00:00:00+0900");
    twins.each(({ git }) => git("checkout", "-q", "-b", "other"));
    store("of another branch", "2026-01-05T12:00:00+0900");
    twins.each(({ git }) => git("checkout", "-q", "main"));
    store("what stands", "2025-06-01T12:00:00+0900");
    twins.run(["gc", "-f", "--date", "2026-01-02"]);
    expect(cacheOf(twins.ours)).toEqual(["midnight", "of another branch", "what stands"].map(objectOf).sort());
    expect(cacheOf(twins.ours)).toEqual(cacheOf(twins.theirs));
    for (const date of ["2026-1-2", "2026-02-30", "2026-13-01", "2026-01-00", "2026-01", "2026-1-02x", "yesterday", "02.01.2026", ""])
      twins.run(["gc", "-f", "--date", date]);
    expect(cacheOf(twins.ours)).toHaveLength(3);
  });

  it("counts commits along the branch that others were merged into", () => {
    const twins = makeTwins();
    const store = (version: string, path = "a") => {
      twins.each(({ write }) => write(path, version));
      twins.run(["add", "-q", path]);
      twins.each(({ commit }) => commit(version));
    };
    store("first");
    store("second");
    twins.each(({ git }) => git("branch", "other"));
    store("third");
    twins.each(({ git }) => git("checkout", "-q", "other"));
    store("of other", "b");
    twins.each(({ git }) => git("rm", "-q", "b.dvc"));
    twins.each(({ commit }) => commit("without it"));
    twins.each(({ git }) => git("checkout", "-q", "main"));
    twins.each(({ git }) => git("merge", "-q", "--no-edit", "other"));
    twins.each(({ git }) => git("branch", "-q", "-D", "other"));
    twins.each(({ git }) => git("branch", "old", "main~1"));
    store("fourth");
    const keeps = (args: string[], left: string[]) => {
      twins.run(["gc", "-f", ...args]);
      expect(cacheOf(twins.ours)).toEqual(left.map(objectOf).sort());
      expect(cacheOf(twins.ours)).toEqual(cacheOf(twins.theirs));
    };
    keeps(["-a", "-n", "3"], ["first", "second", "third", "fourth"]);
    keeps(["-a", "-n", "2"], ["second", "third", "fourth"]);
    keeps(["--rev", "main", "-n", "3"], ["third", "fourth"]);
    twins.run(["gc", "-f", "--rev", "nothing"]);
    twins.run(["gc", "-f", "-w", "-n", "2"]);
  });
});

function project(): TestRepository {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  for (const version of ["1", "2"]) {
    repository.write("d/x", version);
    repository.expver(["data", "add", "d"]);
    repository.commit(version);
    repository.git("tag", `v${version}`);
  }
  return repository;
}

it("says what would go by path and version, and undo brings it back until the trash is freed", () => {
  const repository = project();
  const before = cacheOf(repository);
  const plan = repository.expverJson(["data", "gc", "-w", "--dry-run"]).data;
  expect(plan.steps).toMatchObject([{ verb: "delete", target: "d", detail: "v1", count: 2 }]);
  expect(cacheOf(repository)).toEqual(before);
  expect(repository.expver(["data", "gc", "-w"])).toMatchObject({ code: 1 });
  expect(repository.expver(["data", "gc", "-w", "-f"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Removed 2 objects .*\nIn the trash .* `expver data gc --purge` frees it\.\n$/),
  });
  expect(cacheOf(repository)).toHaveLength(2);
  expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
  expect(cacheOf(repository)).toEqual(before);
  repository.expver(["data", "gc", "-w", "-f", "--purge"]);
  expect(existsSync(join(repository.root, ".dvc/cache/expver-trash"))).toBe(false);
  expect(repository.expver(["undo"])).toMatchObject({ code: 4, stderr: expect.stringContaining("no longer in the trash") });
});

it("--dry, dvc's word for it, names what would go and does not say it has gone", () => {
  const repository = project();
  repository.write("d/a", "dropped");
  repository.expver(["data", "add", "d"]);
  repository.commit("dropped");
  repository.git("tag", "v9");
  repository.write("d/a", "kept");
  repository.expver(["data", "add", "d"]);
  const { code, stdout } = repository.expver(["data", "gc", "-w", "--dry"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}delete {2}d {2}\(2 objects, \d+ B\) {2}v9$/m);
  expect(stdout).toContain("Nothing was removed.");
  expect(stdout).not.toMatch(/Removed|In the trash/);
});

it("--purge says what is left in the trash of the repository itself, and what frees it", () => {
  const repository = project();
  const purge = () => repository.expver(["data", "gc", "-w", "-f", "--purge"]).stdout;
  expect(purge()).toMatch(/The cache's trash is empty\.\n$/);
  repository.write("d/new", "stored nowhere");
  expect(repository.expver(["data", "checkout", "--force"]).code).toBe(0);
  expect(purge()).toMatch(/The cache's trash is empty\.\nWhat commands threw away .*\(1 file, 14 B\).* `expver ops purge` frees it\.\n$/);
  expect(repository.expver(["undo"]).code).toBe(0);
  expect(repository.read("d/new")).toBe("stored nowhere");
});

it("removes what killed commands left beside the objects of either layout, and what may be somebody's stays", () => {
  const repository = project();
  const cache = join(repository.root, ".dvc/cache");
  const alive = `.${newOwnName()}`;
  // This process has begun at another time.
  const dead = alive.replace(/-(\d+)-\d*-/, "-$1-1-");
  const elsewhere = alive.replace(/expver-[0-9a-f]{8}/, "expver-0123abcd");
  for (const layout of [cache, join(cache, "files/md5")])
    for (const name of [alive, dead, elsewhere, ".kept.tmp"]) {
      mkdirSync(join(layout, name, "00"), { recursive: true });
      writeFileSync(join(layout, name, "00", "object-1"), "bytes");
    }
  expect(repository.expver(["data", "gc", "-w", "-f"])).toMatchObject({ code: 0 });
  for (const layout of [cache, join(cache, "files/md5")])
    expect([alive, dead, elsewhere, ".kept.tmp"].map((name) => existsSync(join(layout, name, "00/object-1")))).toEqual([
      true,
      false,
      true,
      true,
    ]);
});

it("keeps what a linked worktree uses, and ends when one cannot be read", () => {
  const repository = project();
  repository.git("worktree", "add", "-q", "../other", "v1");
  expect(repository.expver(["data", "gc", "-w", "-f"]).stdout).toContain("No unused");
  const other = join(repository.root, "../other");
  renameSync(other, `${other}-away`);
  expect(repository.expver(["data", "gc", "-w", "-f"])).toMatchObject({ code: 255, stderr: expect.stringContaining("cannot be read") });
  expect(cacheOf(repository)).toHaveLength(4);
  repository.git("worktree", "prune");
  expect(repository.expver(["data", "gc", "-w", "-f"]).code).toBe(0);
  expect(cacheOf(repository)).toHaveLength(2);
});

it.skipIf(!CAN_MOUNT)("says whose lock it cannot take, and removes nothing", () => {
  const repository = project();
  const disk = smallDisk(4096) ?? "";
  const other = join(disk, "other");
  repository.git("clone", "-q", repository.root, other);
  mkdirSync(join(other, ".dvc/tmp"), { recursive: true });
  setReadOnly(disk, true);
  const before = cacheOf(repository);
  const { code, error } = repository.expverJson(["data", "gc", "-w", "-f", "-p", other]);
  expect({ code, error }).toMatchObject({
    code: 1,
    error: {
      code: "E_IO",
      message: `the lock of ${other} cannot be taken: its file system is read-only (${join(other, ".dvc/tmp/lock")})`,
      hint: expect.stringContaining("Nothing was changed"),
      details: { errno: "EROFS" },
    },
  });
  expect(cacheOf(repository)).toEqual(before);
});

it("frees the trash alone when no scope is named, whatever else is said", () => {
  const repository = project();
  const before = cacheOf(repository);
  expect(before).toHaveLength(4);
  repository.write("d/x", "3");
  repository.expver(["data", "add", "d"]);
  expect(repository.expver(["data", "gc", "-T", "-f"]).code).toBe(0);
  const kept = cacheOf(repository);
  for (const args of [["-f"], ["--yes"], ["-f", "-j", "2"]])
    expect(repository.expver(["data", "gc", "--purge", ...args])).toMatchObject({ code: 0 });
  expect(cacheOf(repository)).toEqual(kept);
  expect(existsSync(join(repository.root, ".dvc/cache/expver-trash"))).toBe(false);
});

it.skipIf(!CAN_MOUNT)("--purge makes room on a full disk", () => {
  const disk = smallDisk(8192) ?? "";
  const repository = openTestRepository(join(disk, "work"));
  mkdirSync(repository.root);
  // The journal is there too.
  repository.run("git", ["init", "-q"]);
  expect(repository.expver(["data", "init"]).code).toBe(0);
  for (const content of [randomBytes(2 ** 20), "small"]) {
    repository.write("d/x", content);
    expect(repository.expver(["data", "add", "d"]).code).toBe(0);
  }
  expect(cacheOf(repository)).toHaveLength(4);
  fill(disk);
  const { error } = repository.expverJson(["data", "gc", "-w", "-f"]);
  expect(error).toMatchObject({ code: "E_DISK_FULL", hint: expect.stringMatching(/with --purge .*these 2 objects .* gone for good/) });
  expect(cacheOf(repository)).toHaveLength(4);
  expect(repository.expver(["data", "gc", "-w", "-f", "--purge"])).toMatchObject({ code: 0, stderr: "" });
  expect(cacheOf(repository)).toHaveLength(2);
  expect(existsSync(join(repository.root, ".dvc/cache/expver-trash"))).toBe(false);
  expect(repository.expver(["data", "status", "--json"]).stdout).toBe("{}\n");
});

it("removes nothing when a pointer of the scope is broken or its listing is nowhere", () => {
  const repository = project();
  const broken = repository.commit("broken", { "bad.dvc": "outs:\n- md5: nonsense\n  path: x\n" });
  rmSync(join(repository.root, "bad.dvc"));
  repository.commit("repaired");
  repository.write("d/x", "3");
  repository.expver(["data", "add", "d"]);
  const before = cacheOf(repository);
  const told = new RegExp(`in commit ${broken.slice(0, 12)}: bad\\.dvc: .*\\n.*--skip-failed`);
  expect(repository.expver(["data", "gc", "-A", "-f"])).toMatchObject({ code: 255, stderr: expect.stringMatching(told) });
  for (const args of [
    ["fetch", "-A"],
    ["diff", broken],
  ])
    expect(repository.expver(["data", ...args]).stderr).toContain(`in commit ${broken.slice(0, 12)}: bad.dvc`);
  expect(cacheOf(repository)).toEqual(before);
  const listing = before.find((name) => name.endsWith(".dir")) ?? "";
  rmSync(join(repository.root, ".dvc/cache/files", listing));
  expect(repository.expver(["data", "gc", "-T", "--yes"])).toMatchObject({ stderr: expect.stringContaining("cannot be told") });
  expect(cacheOf(repository)).toEqual(before.filter((name) => name !== listing));
});

it("a mistyped --remote is no remote that does not answer: --skip-failed removes nothing by it", () => {
  const repository = project();
  const [, hash = ""] = /md5: (\w+\.dir)/.exec(repository.read("d.dvc")) ?? [];
  rmSync(join(repository.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2)));
  const before = cacheOf(repository);
  const gone = ["data", "gc", "-w", "-f", "--skip-failed"];
  expect(repository.expverJson([...gone, "-r", "mistyped"])).toMatchObject({ error: { code: "E_REMOTE" } });
  expect(cacheOf(repository)).toEqual(before);
  expect(repository.expver(gone)).toMatchObject({ code: 0, stderr: expect.stringContaining("cannot be told") });
});

it("of many large listings that are here one is in memory", () => {
  const repository = project();
  const count = 40_000;
  for (let folder = 0; folder < 16; folder += 1) {
    const entries = Array.from({ length: count }, (_, index) => ({
      md5: createHash("md5")
        .update(`${index === 0 ? folder : "same"} ${index}`)
        .digest("hex"),
      relpath: `some folder/file ${String(index).padStart(7, "0")}.png`,
    }));
    const listing = JSON.stringify(entries);
    const hash = createHash("md5").update(listing).digest("hex");
    repository.write(`.dvc/cache/files/md5/${hash.slice(0, 2)}/${hash.slice(2)}.dir`, listing);
    repository.write(`m${folder}.dvc`, `outs:\n- md5: ${hash}.dir\n  nfiles: ${count}\n  hash: md5\n  path: m${folder}\n`);
  }
  const env = { NODE_OPTIONS: "--max-old-space-size=60" };
  expect(repository.expver(["data", "gc", "-w", "--dry"], { env })).toMatchObject({ code: 0 });
}, 60_000);

it("a remote that does not answer ends gc, where a listing is only there; --skip-failed goes on, but deletes nothing for good", () => {
  const repository = project();
  repository.expver(["data", "remote", "add", "-d", "far", "http://127.0.0.1:1/x"]);
  repository.commit("remote");
  const [, hash = ""] = /md5: (\w+\.dir)/.exec(repository.read("d.dvc")) ?? [];
  rmSync(join(repository.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2)));
  repository.write("stray", "stray");
  repository.expver(["data", "add", "stray"]);
  rmSync(join(repository.root, "stray.dvc"));
  const before = cacheOf(repository);
  const gc = (...args: string[]) => repository.expver(["data", "gc", "-w", "-f", ...args]);
  expect(gc()).toMatchObject({ code: 1, stderr: expect.stringMatching(/E_REMOTE_UNREACHABLE[\s\S]*--skip-failed/) });
  for (const word of ["--purge", "--cloud"]) expect(gc("--skip-failed", word).code).toBe(1);
  expect(cacheOf(repository)).toEqual(before);
  expect(gc("--skip-failed")).toMatchObject({ code: 0, stderr: expect.stringContaining("what was in d cannot be told") });
  expect(cacheOf(repository).length).toBeLessThan(before.length);
  expect(repository.expver(["undo"]).code).toBe(0);
  expect(cacheOf(repository)).toEqual(before);
});

it("what comes into use while the plan is read stays, here and on the remote", async () => {
  const repository = project();
  const before = cacheOf(repository);
  expect(repository.expver(["data", "remote", "add", "-d", "store", "../store"]).code).toBe(0);
  repository.write("d/x", "first");
  repository.expver(["data", "add", "d"]);
  repository.commit("first");
  const pointer = repository.read("d.dvc");
  const first = cacheOf(repository).filter((name) => !before.includes(name));
  expect(first).toHaveLength(2);
  expect(repository.expver(["data", "push"]).code).toBe(0);
  repository.write("d/x", "second");
  repository.expver(["data", "add", "d"]);
  const input = { workspace: true, cloud: true, force: true };
  const plan = await dataGc.plan(repository.context, input);
  expect(plan.unusedThere).toHaveLength(2);
  repository.write("d.dvc", pointer);
  await dataGc.apply(repository.context, plan);
  expect(cacheOf(repository)).toEqual(expect.arrayContaining(first));
  expect(objectsBelow(join(repository.root, "../store/files"))).toEqual(first);
});

it("what was touched while the plan was read is not old any more, and stays", async () => {
  const repository = project();
  repository.write("d/x", "dropped");
  repository.expver(["data", "add", "d"]);
  repository.write("d/x", "kept");
  repository.expver(["data", "add", "d"]);
  const before = cacheOf(repository);
  const input = { workspace: true, force: true, olderThan: "7d" };
  // Times of change cannot be set: that the objects are younger than they were is said by the clock.
  const after = (days: number) => ({ ...repository.context, clock: () => new Date(Date.now() + days * 86_400_000) });
  const plan = await dataGc.plan(after(8), input);
  expect(plan.unused.length).toBeGreaterThan(1);
  await dataGc.apply(after(6), plan);
  expect(cacheOf(repository)).toEqual(before);
  await dataGc.apply(after(8), plan);
  expect(cacheOf(repository)).toHaveLength(before.length - plan.unused.length);
});

/** Two repositories with one cache between them, and a folder each. */
function withOneCache(): [TestRepository, TestRepository] {
  const [one, other] = [project(), project()];
  for (const repository of [one, other]) {
    rmSync(join(repository.root, ".dvc/cache"), { recursive: true });
    repository.expver(["data", "cache", "dir", join(one.root, "../shared")]);
    repository.write("d/x", repository === one ? "one" : "other");
    repository.expver(["data", "add", "d"]);
  }
  return [one, other];
}

it("takes the needs of other repositories with the same cache into account", () => {
  const [one, other] = withOneCache();
  const shared = () => objectsBelow(join(one.root, "../shared/files"));
  expect(one.expver(["data", "gc", "-w", "-f", "-p", other.root]).code).toBe(0);
  expect(shared()).toHaveLength(4);
  one.expver(["data", "gc", "-w", "-f"]);
  expect(shared()).toHaveLength(2);
});

it("counts the linked worktrees of a named repository too, and each repository once however it is named", () => {
  const [one, other] = withOneCache();
  for (const repository of [one, other]) repository.commit("data");
  const linked = join(other.root, "../linked");
  other.git("worktree", "add", "-q", linked);
  other.write("d/x", "newer");
  other.expver(["data", "add", "d"]);
  one.git("worktree", "add", "-q", "../own");
  const shared = () => objectsBelow(join(one.root, "../shared/files"));
  expect(shared()).toHaveLength(6);
  const names = [".", "d/..", "../own", other.root, linked, other.root].flatMap((path) => ["-p", path]);
  expect(one.expver(["data", "gc", "-w", "-f", ...names])).toMatchObject({ code: 0, stderr: "" });
  expect(one.expver(["data", "gc", "-w", "-f", "-p", other.root])).toMatchObject({ code: 0, stderr: "" });
  expect(shared()).toHaveLength(6);
});

it("counts the DVC projects beside it in one Git repository, and in a named one, that share the cache", () => {
  const [one, other] = withOneCache();
  const cache = join(one.root, "../shared");
  for (const repository of [one, other])
    for (const [folder, dir] of [
      ["inner/a", cache],
      ["inner/b", "own"],
    ] as const) {
      repository.write(`${folder}/x`, `${folder} of ${repository === one ? "one" : "other"}`);
      for (const args of [
        ["init", "-q", "--subdir"],
        ["cache", "dir", dir],
        ["add", "x"],
      ])
        expect(repository.expver(["data", ...args], { cwd: folder })).toMatchObject({ code: 0 });
      repository.commit(folder);
    }
  const shared = () => objectsBelow(join(cache, "files")).length;
  expect(shared()).toBe(6);
  expect(one.expver(["data", "gc", "-w", "-f", "-p", other.root])).toMatchObject({ code: 0, stderr: "" });
  expect(one.expver(["data", "gc", "-w", "-f", "-p", other.root], { cwd: "inner/a" })).toMatchObject({ code: 0, stderr: "" });
  expect(shared()).toBe(6);
  // What is in a cache of its own is none of theirs, and in nobody's way.
  expect(one.expver(["data", "gc", "-w", "-f"], { cwd: "inner/b" })).toMatchObject({ code: 0, stderr: "" });
  expect(one.expver(["data", "gc", "-w", "-f"])).toMatchObject({ code: 0 });
  expect(shared()).toBe(3);
});

it("--cloud counts the DVC projects beside it that have caches of their own: they may share the remote", () => {
  const repository = makeRepository();
  const store = join(repository.root, "../store");
  for (const folder of ["one", "other"]) {
    repository.write(`${folder}/x`, folder);
    for (const args of [
      ["init", "-q", "--subdir"],
      ["remote", "add", "-d", "store", store],
      ["add", "x"],
      ["push", "-q"],
    ])
      expect(repository.expver(["data", ...args], { cwd: folder })).toMatchObject({ code: 0 });
    repository.commit(folder);
  }
  expect(repository.expver(["data", "gc", "-w", "-c", "-f"], { cwd: "one" })).toMatchObject({ code: 0 });
  expect(objectsBelow(store)).toHaveLength(2);
});

it("what is wrong in another repository, or cannot be told of it, is said of that one, once", () => {
  const [one, other] = withOneCache();
  const gc = (...args: string[]) => one.expverJson(["data", "gc", "-f", ...args, "-p", other.root]);
  const name = relative(one.root, other.root);
  other.commit("broken", { "bad.dvc": "outs: [\n" });
  expect(gc("-w")).toMatchObject({ code: 255, error: { code: "E_POINTER", message: expect.stringContaining(`${name}: bad.dvc:2: `) } });
  other.git("rm", "-q", "bad.dvc");
  other.commit("mended");
  expect(gc("-A")).toMatchObject({ code: 255, error: { message: expect.stringMatching(RegExp(`^${name}: in commit \\w+: bad\\.dvc`)) } });
  one.git("tag", "mine");
  expect(gc("--rev", "mine")).toMatchObject({ error: { code: "E_NOT_FOUND", message: `${name}: mine names no commit` } });
  const { code, warnings } = gc("-A", "--skip-failed");
  expect(code).toBe(0);
  const said = warnings.map(({ text }) => text);
  expect(said.filter((text) => text.startsWith(`${name}: bad.dvc of `))).toHaveLength(1);
  // The listings that went with the first cache of each.
  expect(said.filter((text) => text.startsWith(`${name}: the listing of d `))).toHaveLength(2);
  expect(said).toHaveLength(5);
});

it("--reflog keeps what only stashes, reflogs, and the index of any worktree name", () => {
  const repository = project();
  const { root } = repository;
  const store = (text: string, cwd = ".") => {
    repository.run("sh", ["-c", `echo ${text} > d/a`], { cwd });
    expect(repository.expver(["data", "add", "d"], { cwd }).code).toBe(0);
  };
  const has = (text: string) => {
    const md5 = createHash("md5").update(`${text}\n`).digest("hex");
    return existsSync(join(root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2)));
  };
  store("reset");
  repository.commit("will be reset");
  repository.git("reset", "-q", "--hard", "HEAD~1");
  for (const text of ["first stash", "second stash"]) {
    store(`'${text}'`);
    repository.git("stash", "-q");
  }
  const other = `../${basename(root)}-other`;
  repository.git("worktree", "add", "-q", other);
  expect(repository.expver(["data", "config", "--local", "cache.dir", join(root, ".dvc/cache")], { cwd: other }).code).toBe(0);
  expect(repository.expver(["data", "checkout"], { cwd: other }).code).toBe(0);
  store("staged", other);
  repository.run("git", ["add", "d.dvc"], { cwd: other });
  store("nowhere", other);
  store("working", other);
  const texts = ["reset", "first stash", "second stash", "staged", "nowhere", "working"];
  expect(repository.expver(["data", "gc", "-w", "-a", "-T", "-A", "--reflog", "-f"]).code).toBe(0);
  expect(texts.map(has)).toEqual([true, true, true, true, false, true]);
  // As dvc's flag says: what Git's refs reach, of the stashes the last one.
  expect(repository.expver(["data", "gc", "-w", "-a", "-T", "-A", "-f"]).code).toBe(0);
  expect(texts.map(has)).toEqual([false, false, true, false, false, true]);
});

it.skipIf(!CAN_MOUNT)("doctor names it, with all that is to be kept, when the disk is nearly full", () => {
  const repository = project();
  const disk = smallDisk(4096) ?? "";
  expect(repository.expver(["data", "cache", "dir", disk]).code).toBe(0);
  const notes = () => JSON.stringify(repository.expverJson(["doctor"]).data);
  expect(notes()).not.toContain("gc -w");
  fill(disk);
  expect(notes()).toContain("expver data gc -w -a -T -A --reflog --dry-run");
});

it("a repository that Git's configuration calls a sibling is kept in mind as one named with -p; else it is said who may lose something", () => {
  const [one, other] = withOneCache();
  const shared = () => objectsBelow(join(one.root, "../shared/files"));
  // Wherever it is called from, its path is seen from the folder that has `.git`.
  const gc = () => one.expver(["-C", "d", "data", "gc", "-w", "-f"]);
  one.git("config", "--add", "expver.sibling", relative(one.root, other.root));
  expect(gc()).toMatchObject({ code: 0, stderr: "" });
  expect(shared()).toHaveLength(4);
  one.git("config", "--add", "expver.sibling", "../nowhere");
  expect(gc()).toMatchObject({ code: 253, stderr: expect.stringContaining("nothing was removed") });
  one.git("config", "--unset-all", "expver.sibling");
  expect(gc()).toMatchObject({ code: 0, stderr: expect.stringContaining("is outside of this repository") });
  expect(shared()).toHaveLength(2);
});

it("projects of one repository share a cache by whatever path each names it; one outside is told of", () => {
  const { root, write, expver, commit } = makeRepository();
  const [disk, link] = [join(root, "../disk"), join(root, "../link")];
  for (const folder of [disk, join(root, "sub")]) mkdirSync(folder);
  symlinkSync(disk, link);
  const data = (cwd: string, ...args: string[]) => expect([args, expver(["data", ...args], { cwd })]).toMatchObject([args, { code: 0 }]);
  data(".", "init");
  symlinkSync(disk, join(root, ".dvc/cache"));
  data("sub", "init", "--subdir");
  data("sub", "cache", "dir", link);
  for (const [folder, text] of [
    [".", "kept"],
    ["sub", "kept, too"],
    [".", "dropped"],
  ] as const) {
    write(`${folder}/x`, text);
    data(folder, "add", "x");
  }
  commit("both");
  expect(objectsBelow(join(disk, "files"))).toHaveLength(3);
  expect(expver(["data", "gc", "-w", "-f"])).toMatchObject({ code: 0, stderr: expect.stringContaining("is outside of this repository") });
  expect(objectsBelow(join(disk, "files"))).toHaveLength(2);
  data("sub", "status");
});

describe("what is under way is kept:", () => {
  const gc = `"${process.execPath}" "${MAIN}" data gc -w -f >&2`;

  it("data that a run has read, which only its snapshot names", () => {
    const { write, read, expver, commit } = makeRepository();
    const must = (...args: string[]) => expect([args, expver(args)]).toMatchObject([args, { code: 0 }]);
    must("init");
    write("in.txt", "first");
    must("data", "add", "in.txt");
    commit("first");
    write("in.txt", "changed");
    must("run", "--", "sh", "-c", gc);
    expect(read("in.txt.dvc")).toContain(createHash("md5").update("changed").digest("hex"));
    must("data", "status", "-q");
    must("verify", "e0.1.0");
  });

  it("what runs of a sweep have made", () => {
    const { write, expver, commit } = makeRepository();
    const must = (...args: string[]) => expect([args, expver(args)]).toMatchObject([args, { code: 0 }]);
    must("init");
    write("expver.yaml", "metrics: { accuracy: max }\n");
    write(".gitignore", "metrics.json\n");
    write(
      "train.sh",
      `mkdir -p models\necho "model $1" > models/model.bin\nprintf '{"accuracy": 0.%s}' $1 > metrics.json\n[ $1 = 1 ] || ${gc}\n`,
    );
    commit("code");
    must("sweep", "--grid", "n=1,2", "--metrics", "metrics.json", "--", "sh", "train.sh", "{n}");
    must("verify", "e0.1.0");
  });
});

it("--older-than keeps what was stored lately", () => {
  const repository = project();
  repository.write("d/a", "dropped");
  repository.expver(["data", "add", "d"]);
  repository.write("d/a", "kept");
  repository.expver(["data", "add", "d"]);
  const objects = () => objectsBelow(join(repository.root, ".dvc/cache/files")).length;
  const before = objects();
  expect(repository.expver(["data", "gc", "-w", "-f", "--older-than", "12h"]).code).toBe(0);
  expect(objects()).toBe(before);
  // Bytes may well be old: how long they have been in the cache is what counts.
  const past = new Date(Date.now() - 400 * 86_400_000);
  for (const object of objectsBelow(join(repository.root, ".dvc/cache/files")))
    utimesSync(join(repository.root, ".dvc/cache/files", object), past, past);
  expect(repository.expver(["data", "gc", "-w", "-f", "--older-than", "12h"]).code).toBe(0);
  expect(objects()).toBe(before);
  for (const wrong of [
    ["--older-than", "soon"],
    ["--older-than", "1d", "-c"],
  ])
    expect(repository.expver(["data", "gc", "-w", "-f", ...wrong]).code).not.toBe(0);
  // Times of change cannot be set back: the clock is set forward.
  const dir = join(repository.root, ".dvc/cache");
  const found = (days: number) => [...finishWork(readingCache(dir, new Date(Date.now() + days * 86_400_000), () => true, 7 * 86_400_000))];
  expect([found(6).length, found(8).length]).toEqual([0, before]);
  expect(repository.expver(["data", "gc", "-w", "-f"]).code).toBe(0);
  expect(objects()).toBeLessThan(before);
});

it("what has no object's name in a shard goes when nobody has written to it for a day, and undo brings it back", () => {
  const repository = project();
  const shard = join(repository.root, ".dvc/cache/files/md5/ab");
  mkdirSync(shard, { recursive: true });
  const [fresh, old] = ["coming.tmp", "left.tmp"].map((name) => join(shard, name)) as [string, string];
  for (const path of [fresh, old]) writeFileSync(path, "bytes");
  const past = new Date(Date.now() - 2 * 86_400_000);
  utimesSync(old, past, past);
  expect(repository.expver(["data", "gc", "-w", "-f"]).code).toBe(0);
  expect([existsSync(fresh), existsSync(old)]).toEqual([true, false]);
  expect(repository.expver(["undo"]).code).toBe(0);
  expect([existsSync(fresh), existsSync(old)]).toEqual([true, true]);
});

// Magit calls Git so, and Git its hooks; with the patterns taken for names no pointer was found, and all data was in the way.
it.each(["GIT_LITERAL_PATHSPECS", "GIT_NOGLOB_PATHSPECS"])("keeps what is in use where %s is set", (name) => {
  const repo = makeRepository();
  repo.expver(["data", "init", "-q"]);
  repo.write("d/a", "in use");
  repo.expver(["data", "add", "-q", "d/a"]);
  repo.commit("first");
  const env = { [name]: "1" };
  expect(repo.expver(["data", "gc", "-w", "-f"], { env })).toMatchObject({ code: 0 });
  expect(cacheOf(repo)).toEqual([objectOf("in use")]);
});
