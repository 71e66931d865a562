import { createHash } from "node:crypto";
import { cpSync, existsSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { checkedObjects } from "../support/stores.ts";
import { DVC, makeTwins, objectsBelow } from "../support/twins.ts";

describe.skipIf(DVC === null)("as dvc does it", () => {
  it("stores what DVC 2 left, once", () => {
    const twins = makeTwins();
    twins.each(({ write }) => {
      for (const [path, text] of Object.entries({ a: "1\n", "d/x": "2\n", "d/y": "3\n" })) write(path, text);
    });
    twins.run(["add", "-q", "a", "d"]);
    // DVC 2 had them one level higher; without CRLF the names are the same.
    twins.each(({ root }) => {
      const cache = join(root, ".dvc/cache");
      cpSync(join(cache, "files/md5"), cache, { recursive: true });
      renameSync(join(cache, "files"), join(root, "../files"));
      mkdirSync(join(cache, "files"));
    });
    twins.each(({ run }) => run("chmod", ["-R", "a-w,u+X", ".dvc/cache"]));
    twins.each(({ run }) => run("sh", ["-c", "find .dvc/cache -type d -exec chmod u+w {} +"]));
    twins.same(["cache", "migrate", "--dry"]);
    twins.agree();
    twins.same(["cache", "migrate"]);
    twins.agree();
    expect(checkedObjects(join(twins.ours.root, ".dvc/cache"))).toHaveLength(4);
    twins.same(["cache", "migrate"]);
    twins.agree();
  });

  it.each(["copy", "hardlink"])("rewrites pointers of DVC 2, also of text whose hash is another now, linked by %s", (type) => {
    const twins = makeTwins();
    twins.run(["config", "cache.type", type]);
    twins.each(putAllLegacy);
    twins.same(["cache", "migrate", "--dvc-files", "--dry"]);
    twins.agree();
    twins.run(["cache", "migrate", "--dvc-files"]);
    // A listing whose members have other hashes now: nobody finds anything by it.
    const useless = join(twins.theirs.root, ".dvc/cache/files/md5/e0/c6d220e6173527c87b7b970c0122b8.dir");
    expect(existsSync(useless)).toBe(true);
    rmSync(useless);
    twins.agree();
    expect(twins.ours.read("crlf.txt.dvc")).toContain("# mine\nouts:\n- md5: 59b0d7772f0561efb95518f3cb8abc60\n");
    twins.same(["cache", "migrate", "--dvc-files", "--dry"]);
    twins.same(["status"]);
    const { stdout } = twins.ours.expver(["undo", "--yes", "--json"]);
    expect(JSON.parse(stdout).ok).toBe(true);
    expect(twins.ours.git("status", "--porcelain", "-uno")).toBe("");
  });

  it("commit stores what DVC 2 named and the cache has lost", () => {
    const twins = makeTwins();
    twins.each(putAllLegacy);
    const cacheOf = ({ root }: TestRepository) => objectsBelow(join(root, ".dvc/cache"));
    const before = cacheOf(twins.ours);
    expect(before).toHaveLength(6);
    twins.each(({ root }) => rmSync(join(root, ".dvc/cache"), { recursive: true }));
    twins.run(["commit", "-q"]);
    expect([cacheOf(twins.ours), cacheOf(twins.theirs)]).toEqual([before, before]);
    twins.agree();
    twins.same(["status"]);
  });

  it.each(["remove one.dvc two.dvc", "destroy --force"])(
    "links of DVC 2 into the cache become files at %s: what stays does not depend on it",
    (words) => {
      const { ours } = makeTwins();
      for (const path of ["one", "two"]) putLegacy(ours, path);
      const objectOf = (path: string) => join(ours.root, ".dvc/cache", legacyObject(ours, FILES[path] ?? "").replace(/^../, "$&/"));
      symlinkSync(objectOf("one"), join(ours.root, "one"));
      linkSync(objectOf("two"), join(ours.root, "two"));
      expect(ours.expver(["data", ...words.split(" ")])).toMatchObject({ code: 0 });
      const stats = ["one", "two"].map((path) => lstatSync(join(ours.root, path)));
      expect(stats.map((stat) => [stat.isFile(), stat.nlink, stat.mode & 0o200])).toEqual([1, 2].map(() => [true, 1, 0o200]));
      expect([ours.read("one"), ours.read("two")]).toEqual([FILES.one, FILES.two]);
    },
  );

  it("what DVC 2 and DVC 3 call by one hash is pushed for each of them", () => {
    const { ours } = makeTwins();
    for (const path of ["one", "new"]) ours.write(path, FILES.one ?? "");
    putLegacy(ours, "one");
    const store = makeFolder("store");
    for (const args of [["add", "new"], ["remote", "add", "-d", "store", store], ["push"]])
      expect(ours.expver(["data", ...args]).code).toBe(0);
    expect(objectsBelow(store)).toHaveLength(2);
  });

  it("leaves the pointers of what has changed or is not here, and says so", () => {
    const twins = makeTwins();
    const { ours } = twins;
    for (const path of ["crlf.txt", "one", "two"]) {
      ours.write(path, FILES[path] ?? "");
      putLegacy(ours, path);
    }
    ours.write("one", "changed\n");
    rmSync(join(ours.root, "two"));
    const { code, stderr, stdout } = ours.expver(["data", "cache", "migrate", "--dvc-files"]);
    expect([code, stdout.match(/Updating .*/g)]).toEqual([0, ["Updating DVC file 'crlf.txt.dvc'"]]);
    for (const path of ["one", "two"]) {
      expect(stderr).toContain(`${path} keeps its hash of DVC 2 in ${path}.dvc`);
      expect(ours.read(`${path}.dvc`)).not.toContain("hash:");
    }
  });
});

const FILES: Record<string, string> = { "crlf.txt": "a\r\nb\r\n", one: "x\n", two: "y\n", "d/a": "1\n", "d/s/b": "q\r\n" };

/** A repository as DVC 2 left it. */
function putAllLegacy(repository: TestRepository): void {
  for (const [path, text] of Object.entries(FILES)) repository.write(path, text);
  for (const path of ["crlf.txt", "one", "two"]) putLegacy(repository, path);
  const members = ["a", "s/b"].map((relpath) => ({ md5: legacyObject(repository, FILES[`d/${relpath}`] ?? ""), relpath }));
  const listing = `[${members.map(({ md5, relpath }) => `{"md5": "${md5}", "relpath": "${relpath}"}`).join(", ")}]`;
  repository.write("d.dvc", `outs:\n- md5: ${legacyObject(repository, listing, ".dir")}\n  size: 5\n  nfiles: 2\n  path: d\n`);
  repository.write(".gitignore", "/crlf.txt\n/one\n/two\n/d\n");
  repository.git("add", ".");
  repository.git("commit", "-qm", "as DVC 2 left it");
}

/** An object where DVC 2 has it, by its own hash, which takes line ends for equal. Answers the hash. */
function legacyObject({ root }: TestRepository, text: string, suffix = ""): string {
  const hash = createHash("md5").update(text.replaceAll("\r\n", "\n")).digest("hex") + suffix;
  const path = join(root, ".dvc/cache", hash.slice(0, 2), hash.slice(2));
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o444 });
  return hash;
}

function putLegacy(repository: TestRepository, path: string): void {
  const text = FILES[path] ?? "";
  const hash = legacyObject(repository, text);
  repository.write(`${path}.dvc`, `# mine\nouts:\n- md5: ${hash}\n  size: ${text.length}\n  path: ${path}\n  desc: hi  # kept\n`);
}
