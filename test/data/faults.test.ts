/** Full and read-only disks, and several processes at once: nothing lost, nothing half-written, and a message that says what to do. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { tryLock } from "../../src/platform/locks.ts";
import { MAIN } from "../support/command-line.ts";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { peer } from "../support/peers.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { nginx, startNginx } from "../support/servers/nginx.ts";
import { fill, setReadOnly, smallDisk, unfill } from "../support/small-disk.ts";
import { checkedObjects, temporariesIn } from "../support/stores.ts";
import { readTree, writeTree } from "../support/trees.ts";

const SLOW = 300_000;

function project(config = ""): TestRepository {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  repository.write(".dvc/config", config);
  repository.commit("set up");
  return repository;
}

const stateOf = ({ root }: TestRepository) => readTree(root, { skip: [".git", "tmp", "cache"] });
const remoteAt = (folder: string) => `[core]\n    remote = store\n['remote "store"']\n    url = ${folder}\n`;
const cacheAt = (folder: string) => `[cache]\n    dir = ${folder}\n`;

/** Files that do not fit into what is left. */
function writeData({ root }: TestRepository): void {
  writeTree(root, {
    ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`d/small-${index}`, `${index}`.repeat(500)])),
    "d/large": Buffer.alloc(3 * 2 ** 20, "large"),
    one: "1",
  });
}

const disk = smallDisk(8192);

describe.skipIf(disk === null)("on a disk of its own (mounting takes root)", () => {
  const fresh = (name: string) => {
    const folder = join(disk ?? "", name);
    mkdirSync(folder);
    return folder;
  };

  it.each([
    ["full", fill, unfill, /no (space left|room for)/, "E_DISK_FULL"],
    ["read-only", (at: string) => setReadOnly(at, true), (at: string) => setReadOnly(at, false), /read-only/, "E_IO"],
  ] as const)("a %s cache: nothing is tracked, nothing is left", { timeout: SLOW }, (name, spoil, mend, says, code) => {
    const cache = fresh(`cache ${name}`);
    const repository = project(cacheAt(cache));
    repository.write("before", "before");
    repository.expver(["data", "add", "before"]);
    writeData(repository);
    const [state, objects] = [stateOf(repository), checkedObjects(cache)];
    spoil(disk ?? "");
    try {
      const { error } = repository.expverJson(["data", "add", "one", "d"]);
      expect(error).toMatchObject({ code, message: expect.stringMatching(says), hint: expect.stringMatching(/./) });
      expect(stateOf(repository)).toEqual(state);
      expect(checkedObjects(cache)).toEqual(objects);
    } finally {
      mend(disk ?? "");
    }
    expect(repository.expverJson(["data", "add", "one", "d"])).toMatchObject({ ok: true });
    expect(temporariesIn(cache)).toEqual([]);
    expect(repository.expver(["data", "status", "--json"]).stdout.trim()).toBe("{}");
    expect(checkedObjects(cache)).toHaveLength(44);
    rmSync(cache, { recursive: true });
  });

  it.each([
    ["full", fill, unfill, /no (space left|room for)/, "E_DISK_FULL"],
    ["read-only", (at: string) => setReadOnly(at, true), (at: string) => setReadOnly(at, false), /read-only/, "E_IO"],
  ] as const)("a %s remote: it has no listing without its files", { timeout: SLOW }, (name, spoil, mend, says, code) => {
    const store = fresh(`store ${name}`);
    const repository = project(remoteAt(store));
    writeData(repository);
    expect(repository.expver(["data", "add", "one", "d"]).code).toBe(0);
    spoil(disk ?? "");
    try {
      const { error } = repository.expverJson(["data", "push"]);
      expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
      checkedObjects(store);
    } finally {
      mend(disk ?? "");
    }
    expect(repository.expverJson(["data", "push"])).toMatchObject({ ok: true });
    expect(checkedObjects(store)).toEqual(checkedObjects(join(repository.root, ".dvc/cache")));
    expect(temporariesIn(store)).toEqual([]);
    rmSync(store, { recursive: true });
  });

  it.each([
    ["full", fill, unfill, "E_DISK_FULL"],
    ["read-only", (at: string) => setReadOnly(at, true), (at: string) => setReadOnly(at, false), "E_IO"],
  ] as const)("a %s worktree: files there are whole, old or new", { timeout: SLOW }, (name, spoil, mend, code) => {
    const elsewhere = project();
    const root = join(fresh(`work ${name}`), "work");
    writeData(elsewhere);
    elsewhere.write(".dvc/config", cacheAt(join(elsewhere.root, ".dvc/cache")));
    expect(elsewhere.expver(["data", "add", "one", "d"]).code).toBe(0);
    elsewhere.commit("data");
    const before = readTree(join(elsewhere.root, "d"));
    elsewhere.git("clone", "-q", elsewhere.root, root);
    const repository = openTestRepository(root);
    expect(repository.expver(["data", "checkout"]).code).toBe(0);
    writeTree(elsewhere.root, { "d/small-1": "new", "d/large": Buffer.alloc(3 * 2 ** 20, "other"), "e/large": Buffer.alloc(2 ** 20, "e") });
    expect(elsewhere.expver(["data", "add", "e", "d"]).code).toBe(0);
    const after = readTree(join(elsewhere.root, "d"));
    for (const file of ["d.dvc", "e.dvc"]) repository.write(file, elsewhere.read(file));
    spoil(disk ?? "");
    try {
      expect(repository.expverJson(["data", "checkout"]).error).toMatchObject({ code });
      for (const [path, bytes] of Object.entries(readTree(join(root, "d"))))
        expect([before[path], after[path]].includes(bytes), path).toBe(true);
      expect(existsSync(join(root, "e"))).toBe(false);
    } finally {
      mend(disk ?? "");
    }
    expect(repository.expver(["data", "checkout"]).code).toBe(0);
    expect(readTree(join(root, "d"))).toEqual(after);
    expect(temporariesIn(root)).toEqual([]);
    rmSync(dirname(root), { recursive: true });
  });

  it.skipIf(nginx === null)("what comes from a server has room in all, or nothing of it is fetched", { timeout: SLOW }, async () => {
    const server = await startNginx();
    try {
      const place = smallDisk(4096) ?? "";
      const url = `webdav://${new URL(server.url).host}/open`;
      const source = project(remoteAt(`${url}/store`));
      const block = (text: string) => Buffer.alloc(2 ** 20, text);
      writeTree(source.root, Object.fromEntries(["1", "2", "3", "4", "5"].map((name) => [`many/${name}`, block(name)])));
      writeTree(source.root, Object.fromEntries(["1", "2", "3", "4", "5"].map((name) => [`same/${name}`, block("same")])));
      expect(source.expver(["data", "add", "many", "same"]).code).toBe(0);
      expect(source.expver(["data", "push"]).code).toBe(0);
      source.commit("data");
      cpSync(join(source.root, "many"), join(server.root, "open/many"), { recursive: true });

      const free = () => statfsSync(place).bfree;
      const full = (what: string) => ({ code: "E_DISK_FULL", message: expect.stringMatching(`^no room for 5 ${what}`) });
      const clone = openTestRepository(join(place, "clone"));
      source.git("clone", "-q", source.root, clone.root);
      mkdirSync(join(clone.root, ".dvc/tmp"));
      const before = free();
      const { error } = clone.expverJson(["data", "fetch", "many"]);
      expect(error).toMatchObject({ ...full("objects"), details: { needed: 5 * 2 ** 20 } });
      expect(clone.expverJson(["data", "import-url", `${url}/many`, "other"]).error).toMatchObject(full("files"));
      expect(clone.expverJson(["data", "import-url", join(source.root, "many"), "other"]).error).toMatchObject(full("files"));
      expect(before - free()).toBeLessThan(16);
      expect(clone.expverJson(["data", "fetch", "same"]).error).toBe(null);

      clone.write(".dvc/config.local", `[cache]\n    dir = ${join(source.root, ".dvc/cache")}\n    type = symlink\n`);
      expect(clone.expverJson(["data", "checkout", "many"]).error).toBe(null);
      const linked = free();
      expect(clone.expverJson(["data", "unprotect", "many"]).error).toMatchObject(full("copies"));
      expect(free()).toBe(linked);
    } finally {
      await server.stop();
    }
  });

  it("what is certain not to fit is refused before a byte of it is written; what is there already needs no room", { timeout: SLOW }, () => {
    const place = smallDisk(4096) ?? "";
    for (const name of ["cache", "store", "work"]) mkdirSync(join(place, name));
    const repository = project(`${cacheAt(join(place, "cache"))}${remoteAt(join(place, "store"))}`);
    const data = (...args: string[]) => repository.expverJson(["data", ...args]);
    const small = (folder: string) => Array.from({ length: 30 }, (_, index) => [`${folder}/${index}`, `${index},`.repeat(20_000)]);
    const free = () => statfsSync(place).bfree;
    writeTree(repository.root, { ...Object.fromEntries(small("d")), large: Buffer.alloc(2 ** 21, "l"), huge: Buffer.alloc(2 ** 23, "h") });
    expect(data("add", "d").ok).toBe(true);
    const before = free();
    const noRoom = { code: "E_DISK_FULL", message: expect.stringMatching(/^no room for 1 file/), details: { needed: 2 ** 23 } };
    expect(data("add", "huge").error).toMatchObject(noRoom);
    expect(free()).toBe(before);
    rmSync(join(repository.root, "huge"));
    expect(data("add", "large").ok).toBe(true);
    // The same bytes under other names.
    writeTree(repository.root, Object.fromEntries(small("again")));
    expect(data("add", "again").error).toBe(null);
    const full = free();
    expect(data("push").error).toMatchObject({ code: "E_DISK_FULL", message: expect.stringMatching(/^no room for 31 objects/) });
    expect(free()).toBe(full);

    const clone = join(place, "work/clone");
    repository.commit("data");
    repository.git("clone", "-q", repository.root, clone);
    const left = free();
    const { error } = openTestRepository(clone).expverJson(["data", "checkout"]);
    expect(error).toMatchObject({ code: "E_DISK_FULL", message: expect.stringMatching(/^no room for 61 files of data/) });
    expect(readdirSync(clone).filter((name) => ["d", "again", "large"].includes(name))).toEqual([]);
    expect(left - free()).toBeLessThan(10);
  });

  it("a pointer that cannot be written takes back those that were", { timeout: SLOW }, () => {
    const repository = project();
    writeTree(repository.root, { a: "1", "locked/b": "2" });
    const locked = join(repository.root, "locked");
    expect(spawnSync("mount", ["--bind", locked, locked]).status).toBe(0);
    try {
      expect(spawnSync("mount", ["-o", "remount,ro,bind", locked]).status).toBe(0);
      const state = stateOf(repository);
      const { error } = repository.expverJson(["data", "add", "a", "locked/b"]);
      expect(error).toMatchObject({
        code: "E_IO",
        message: expect.stringMatching(/^cannot change .*locked\/(?:\.gitignore|b\.dvc): EROFS/),
      });
      expect(stateOf(repository)).toEqual(state);
    } finally {
      spawnSync("umount", ["-l", locked]);
    }
    expect(repository.expver(["data", "add", "a", "locked/b"]).code).toBe(0);
  });
});

describe("several processes at once", () => {
  /** A shell line that repeats the command until it gets through, and notes what it said when it did not. */
  const insist = (name: string, command: string) =>
    `(n=0; until ${command} >>${name}.out 2>>${name}.err; do n=$((n+1)); [ $n -lt 60 ] || exit 1; done) & p${name}=$!`;
  const together = (repository: TestRepository, lines: Record<string, string>) => {
    const names = Object.keys(lines);
    const script = [
      ...Object.entries(lines).map(([name, command]) => insist(name, command)),
      ...names.map((name) => `wait $p${name} || exit 1`),
    ];
    const folder = dirname(repository.root);
    return repository.run("sh", [
      "-c",
      `cd '${repository.root}'\n${script.join("\n").replaceAll(/>>(\w+)\.(out|err)/g, `>>'${folder}/$1.$2'`)}`,
    ]);
  };
  const expver = (args: string) => `'${process.execPath}' '${MAIN}' ${args}`;
  const saidBy = (repository: TestRepository, name: string) => readFileSync(join(dirname(repository.root), `${name}.err`), "utf8");

  it("adding different data all get their pointers and ignore lines", { timeout: SLOW }, () => {
    const repository = project();
    const names = ["a", "b", "c", "d"];
    writeTree(
      repository.root,
      Object.fromEntries(
        names.flatMap((name) => [
          [`${name}/x`, name],
          [`${name}/same`, "same"],
        ]),
      ),
    );
    expect(together(repository, Object.fromEntries(names.map((name) => [name, expver(`data add ${name}`)])))).toMatchObject({ code: 0 });
    expect(repository.read(".gitignore").split("\n").filter(Boolean).sort()).toEqual(names.map((name) => `/${name}`));
    for (const name of names) expect(existsSync(join(repository.root, `${name}.dvc`))).toBe(true);
    expect(checkedObjects(join(repository.root, ".dvc/cache"))).toHaveLength(9);
    expect(temporariesIn(repository.root)).toEqual([]);
    expect(repository.expver(["data", "status", "--json"]).stdout.trim()).toBe("{}");
  });

  it("pushing from two clones to one remote: all of it arrives, once", { timeout: SLOW }, () => {
    const one = project(remoteAt("../../store"));
    writeTree(one.root, Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`d/${index}`, `${index}`])));
    one.expver(["data", "add", "d"]);
    one.commit("data");
    one.run("cp", ["-a", one.root, `${one.root}2`]);
    const push = { one: expver("data push"), two: expver(`-C '${one.root}2' data push`) };
    expect(together(one, push)).toMatchObject({ code: 0 });
    const store = join(one.root, "../store");
    expect(checkedObjects(store)).toEqual(checkedObjects(join(one.root, ".dvc/cache")));
    expect(temporariesIn(store)).toEqual([]);
  });

  it("a lock that stays held is named, with the process and what to do", { timeout: SLOW }, () => {
    const repository = project();
    repository.write("f", "1");
    const state = stateOf(repository);
    const lock = tryLock(join(repository.root, ".dvc/tmp/lock"));
    try {
      expect(repository.expverJson(["data", "add", "f"]).error).toMatchObject({
        code: "E_BUSY",
        message: expect.stringContaining(`(${process.pid})`),
        hint: expect.stringContaining("Wait until it has ended"),
      });
      expect(stateOf(repository)).toEqual(state);
    } finally {
      lock?.release();
    }
    expect(repository.expver(["data", "add", "f"]).code).toBe(0);
  });

  it.skipIf(!HAS_DVC)("expver and dvc wait for each other, and lose nothing of each other's", { timeout: SLOW }, () => {
    const repository = project();
    const names = ["a", "b", "c", "d"];
    writeTree(repository.root, Object.fromEntries(names.map((name) => [`${name}/x`, name])));
    const dvc = `DVC_SITE_CACHE_DIR='${repository.root}/../site' '${peer("dvc")}'`;
    const commands = { a: expver("data add a"), b: `${dvc} add -q b`, c: expver("data add c"), d: `${dvc} add -q d` };
    expect(together(repository, commands)).toMatchObject({ code: 0 });
    for (const name of ["a", "c"])
      expect(
        saidBy(repository, name)
          .replaceAll(/.*(is working in this repository|Wait until it has ended).*\n?/g, "")
          .trim(),
      ).toBe("");
    expect(repository.read(".gitignore").split("\n").filter(Boolean).sort()).toEqual(names.map((name) => `/${name}`));
    const [status] = dvcCalls(repository, [["status", "--json"]]);
    expect(jsonOf(status)).toEqual({});
    expect(repository.expver(["data", "status", "--json"]).stdout.trim()).toBe("{}");
    expect(checkedObjects(join(repository.root, ".dvc/cache"))).toHaveLength(8);
  });
});
