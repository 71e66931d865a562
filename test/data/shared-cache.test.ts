/** One cache of a group, `cache.shared = group`, and two people of that group who work with it. */
import { spawnSync } from "node:child_process";
import { chmodSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newOwnName } from "../../src/store/objects/staging.ts";
import { MAIN } from "../support/command-line.ts";
import { CAN_MAKE_USERS, makePeople, must, type Person } from "../support/people.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";
import { externalDrive } from "../support/small-disk.ts";
import { objectsBelow } from "../support/twins.ts";

describe.skipIf(!CAN_MAKE_USERS)("a cache of two users (skipped without root and useradd)", () => {
  let [ann, bob] = [] as unknown as [Person, Person];
  let remove: () => void;
  let cache = "";

  beforeAll(() => {
    const people = makePeople();
    ({ ann, bob, remove } = people);
    cache = makeFolder("shared-cache");
    must("chgrp", people.group, cache);
    chmodSync(cache, 0o2770);
    for (const person of [ann, bob]) {
      person.run("git", "init", "-q");
      person.data("init", "-q");
      person.data("cache", "dir", "-q", cache);
      person.data("config", "-q", "cache.shared", "group");
      person.data("config", "-q", "cache.type", "copy");
    }
  });

  afterAll(() => remove());

  it("has the modes the group needs, and nobody touches what is another's", () => {
    ann.write("d/x", "the same\n");
    ann.write("d/y", "ann's\n");
    ann.data("add", "d");
    for (const path of readdirSync(cache, { recursive: true, encoding: "utf8" })) {
      const stat = lstatSync(join(cache, path));
      const mode = (stat.mode & 0o7777).toString(8);
      expect([path, mode]).toEqual([path, stat.isDirectory() ? "2775" : "444"]);
      expect(stat.gid).toBe(lstatSync(cache).gid);
    }
    const before = stats();

    bob.write("e/x", "the same\n");
    bob.write("e/z", "bob's\n");
    bob.data("add", "e");
    bob.write("d.dvc", ann.read("d.dvc"));
    bob.data("checkout", "d.dvc");
    expect([bob.read("d/x"), bob.read("d/y")]).toEqual(["the same\n", "ann's\n"]);
    ann.write("e.dvc", bob.read("e.dvc"));
    ann.data("checkout", "e.dvc");
    expect(ann.read("e/z")).toBe("bob's\n");
    for (const [path, stat] of before) expect([path, stats().get(path)]).toEqual([path, stat]);
    // Each is both's: bytes, owner and group write for the folders.
    expect(objectsBelow(join(cache, "files/md5"))).toHaveLength(5);
    for (const person of [ann, bob]) expect(person.data("status")).toContain("up to date");
  });

  it("gives whole bytes out of the other's file that has lost its protection, and leaves its mode", () => {
    const object = join(cache, "files/md5", nameOf("ann's\n"));
    chmodSync(object, 0o664);
    bob.run("rm", "-rf", "d");
    bob.data("checkout", "d.dvc");
    expect([bob.read("d/y"), lstatSync(object).mode & 0o777]).toEqual(["ann's\n", 0o664]);
    ann.data("checkout", "--relink", "d.dvc");
    expect(lstatSync(object).mode & 0o777).toBe(0o444);
  });

  it("is collected by either, and what goes comes back", () => {
    bob.write("e/z", "newer\n");
    bob.data("add", "e");
    const all = objectsBelow(join(cache, "files/md5"));
    // Bob uses all of ann's, but for what she alone has.
    ann.write("mine", "ann's alone\n");
    ann.data("add", "mine");
    // Her repository is locked meanwhile, as dvc does it: he must be allowed to.
    ann.run("chmod", "-R", "g+w", ".dvc/tmp");
    bob.data("gc", "-w", "-f", "-p", ann.root());
    const left = objectsBelow(join(cache, "files/md5"));
    expect(left.length).toBeLessThanOrEqual(all.length + 1);
    for (const person of [ann, bob]) expect(person.data("status")).toContain("up to date");
    // Without her repository he collects hers too: not his owner's files, yet the group's folders.
    bob.data("gc", "-w", "-f");
    expect(objectsBelow(join(cache, "files/md5"))).not.toContain(nameOf("ann's alone\n"));
    bob.run(process.execPath, MAIN, "undo");
    ann.run("rm", "mine");
    ann.data("checkout", "mine.dvc");
    expect(ann.read("mine")).toBe("ann's alone\n");
  });

  it("hinders nobody by what is taken out of it, whatever umask each has", () => {
    const trash = join(cache, "expver-trash");
    const damage = (text: string) => {
      const object = join(cache, "files/md5", nameOf(text));
      chmodSync(object, 0o644);
      writeFileSync(object, "other");
      chmodSync(object, 0o444);
    };
    for (const [index, umask] of ["077", "022", "002"].entries()) {
      must("rm", "-rf", trash);
      const [one, other] = index % 2 === 0 ? [ann, bob] : [bob, ann];
      const texts = [`first ${umask}\n`, `second ${umask}\n`];
      for (const [person, text] of [
        [one, texts[0]],
        [other, texts[1]],
      ] as const) {
        person.write("f", text as string);
        person.withUmask(umask).data("add", "f");
        damage(text as string);
        // What the first makes there, the second goes on in: the trash of damaged objects, then that of collected ones.
        // There is no remote to have it from: exit code 1.
        person.withUmask(umask).run("sh", "-c", '"$0" "$1" data verify --repair || true', process.execPath, MAIN);
        expect(readdirSync(trash)).toHaveLength(person === one ? 1 : 2);
        person.run("rm", "f", "f.dvc");
      }
      for (const path of ["", ...readdirSync(trash, { recursive: true, encoding: "utf8" })]) {
        const stat = lstatSync(join(trash, path));
        if (stat.isDirectory()) expect([path, (stat.mode & 0o7777).toString(8)]).toEqual([path, "2775"]);
      }
      one.write("g", `unused ${umask}\n`);
      one.withUmask(umask).data("add", "g");
      one.run("rm", "g", "g.dvc");
      one.withUmask(umask).data("gc", "-w", "-f");
      other.withUmask(umask).data("gc", "-w", "-f", "--purge");
      expect(readdirSync(cache)).not.toContain("expver-trash");
    }
  });

  it("is used on when a command of the other was killed, even one that let nobody into what it left", () => {
    const left = join(cache, "files/md5", `.${newOwnName().replace(/-\d+-\d*-/, "-999999-1-")}`);
    ann.withUmask("077").run("mkdir", left);
    ann.run("touch", join(left, "object-1"));
    ann.run("chmod", "700", left);
    bob.write("h", "bob's, after that\n");
    bob.data("add", "h");
    ann.data("add", "mine");
    expect(readdirSync(join(cache, "files/md5")).filter((name) => name.startsWith("."))).toEqual([]);
  });

  function stats(): Map<string, string> {
    const files = readdirSync(cache, { recursive: true, encoding: "utf8" }).filter((path) => lstatSync(join(cache, path)).isFile());
    return new Map(
      files.map((path) => {
        const { uid, gid, mode, mtimeMs, ino } = lstatSync(join(cache, path));
        return [path, JSON.stringify({ uid, gid, mode, mtimeMs, ino })];
      }),
    );
  }

  it("data in a folder of the group's that another has made can be unprotected and removed: only its owner may set modes and times", () => {
    ann.write("ours/train.csv", "1\n");
    ann.data("add", "ours/train.csv");
    must("chmod", "-R", "g+rwX", ann.root());
    const asBob = (...args: string[]) =>
      bob.run("sh", "-c", 'cd "$0" && exec "$@"', join(ann.root(), "ours"), process.execPath, MAIN, "data", ...args);
    asBob("unprotect", "train.csv");
    must("chown", ann.name, join(ann.root(), "ours/train.csv"));
    asBob("remove", "train.csv.dvc");
    expect(ann.read("ours/train.csv")).toBe("1\n");
    expect(readdirSync(join(ann.root(), "ours")).sort()).toEqual(["train.csv"]);
  });

  it("a cache and a remote on a drive mounted for another user, where nobody else may set a mode", (test) => {
    const drive = externalDrive({ owner: lstatSync(ann.root()).uid });
    if (drive === null) return test.skip("no exFAT here");
    bob.run("mkdir", "-p", "drive");
    const careful = bob.withUmask("077");
    const there = (...args: string[]) =>
      careful.run("sh", "-c", 'cd "$0/drive" && exec "$@"', bob.root(), process.execPath, MAIN, "data", ...args);
    there("init", "-q", "--no-scm");
    there("cache", "dir", "-q", join(drive, "cache"));
    there("remote", "add", "-q", "-d", "store", join(drive, "store"));
    const large = "a line of what is copied in more than one piece\n".repeat(100_000);
    bob.write("drive/d/x", "on a drive\n");
    bob.write("drive/large", large);
    there("add", "d", "large");
    there("push");
    for (const path of ["drive/d", "drive/large", join(drive, "cache/files")]) bob.run("rm", "-rf", path);
    there("pull");
    expect([bob.read("drive/d/x"), bob.read("drive/large") === large]).toEqual(["on a drive\n", true]);
    expect(there("verify")).toContain("all right");
  });
});

function nameOf(text: string): string {
  const { stdout } = spawnSync("md5sum", [], { input: text, encoding: "utf8" });
  return `${stdout.slice(0, 2)}/${stdout.slice(2, 32)}`;
}

it("doctor names folders of a shared cache that are not for the group, and the command that mends them", () => {
  const repository = makeRepository();
  const data = (...args: string[]) => expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  const found = () =>
    (JSON.parse(repository.expver(["doctor", "--json"]).stdout).data.findings as { check: string; remedy: string }[]).filter(
      ({ check }) => check === "shared-modes",
    );
  data("init", "-q");
  repository.write("f", "1");
  data("add", "f");
  const cache = join(repository.root, ".dvc/cache");
  const shard = join(cache, "files/md5", readdirSync(join(cache, "files/md5"))[0] as string);
  chmodSync(shard, 0o755);
  expect(found()).toEqual([]);
  data("config", "cache.shared", "group");
  expect(found()).toMatchObject([{ what: expect.stringContaining(`first ${cache}`) }]);
  expect(spawnSync("sh", ["-c", found()[0]?.remedy.replace(/^[^:]*: /, "") ?? ""]).status).toBe(0);
  expect(found()).toEqual([]);
  chmodSync(shard, 0o2755);
  expect(found()).toMatchObject([
    { what: expect.stringContaining(`a folder of the shared cache is not for all of its group, first ${shard}`) },
  ]);
});
