import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { newestOperations } from "../../src/journal/operations.ts";
import { md5Of } from "../../src/platform/hashing.ts";
import { listingHash, renderListing } from "../../src/store/objects/listing.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const STATES: Record<string, Record<string, string>> = {
  v1: { "d/same": "same", "d/changed": "one", "d/only/one": "1", "k/inside": "a folder", f: "first" },
  v2: { "d/same": "same", "d/changed": "two", "d/two": "2", k: "a file", f: "second" },
};

function filesOf(repository: TestRepository): Record<string, string> {
  const found = (folder: string): [string, string][] =>
    readdirSync(join(repository.root, folder), { withFileTypes: true }).flatMap((item) => {
      const path = join(folder, item.name);
      return item.isDirectory() ? found(path) : [[path, repository.read(path)]];
    });
  return Object.fromEntries(
    ["d", "k", "f"].flatMap((top) => (/^[dk]$/.test(top) && isFolder(repository, top) ? found(top) : [[top, repository.read(top)]])),
  );
}

function isFolder(repository: TestRepository, path: string): boolean {
  return statSync(join(repository.root, path)).isDirectory();
}

/** At v2, with the pointers of v1. */
function project(): TestRepository {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  for (const [version, files] of Object.entries(STATES)) {
    for (const path of ["d", "k", "f"]) rmSync(join(repository.root, path), { recursive: true, force: true });
    for (const [path, text] of Object.entries(files)) repository.write(path, text);
    expect(repository.expver(["data", "add", "d", "k", "f"])).toMatchObject({ code: 0 });
    repository.commit(version);
    repository.git("tag", version);
  }
  repository.git("checkout", "-q", "v1");
  return repository;
}

it("undo brings back what a checkout replaced and removed, takes away what it made, and can be repeated", () => {
  const repository = project();
  for (let round = 0; round < 2; round += 1) {
    expect(repository.expver(["data", "checkout"])).toMatchObject({ code: 0 });
    expect(filesOf(repository)).toEqual(STATES.v1);
    expect(repository.expverJson(["undo", "--dry-run"]).data.steps).toMatchObject(
      ["d", "f", "k"].map((path) => ({ target: expect.stringMatching(`^${path}\\b`) })).reverse(),
    );
    expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
    expect(filesOf(repository)).toEqual(STATES.v2);
    // Its object has 0444.
    expect(statSync(join(repository.root, "f")).mode & 0o200).toBe(0o200);
    expect(readdirSync(join(repository.root, "d")).sort()).toEqual(["changed", "same", "two"]);
    // Nobody writes through it into the cache.
    writeFileSync(join(repository.root, "f"), "mine");
    expect(repository.expver(["data", "checkout"]).stderr).toContain("stored nowhere");
    writeFileSync(join(repository.root, "f"), "second");
  }
});

it("undo refuses what was changed since, and what the cache no longer has, and leaves everything as it is", () => {
  const repository = project();
  repository.expver(["data", "checkout"]);
  repository.write("d/changed", "mine");
  expect(repository.expver(["undo"])).toMatchObject({ code: 4, stderr: expect.stringContaining("d/changed is something else") });
  expect(filesOf(repository)).toEqual({ ...STATES.v1, "d/changed": "mine" });
  repository.write("d/changed", "one");
  expect(repository.expver(["data", "gc", "-w", "-f", "--purge"])).toMatchObject({ code: 0 });
  const [operation = ""] = repository
    .expverJson(["ops"])
    .data.operations.filter(({ command }: { command: string }) => command === "data checkout")
    .map(({ id }: { id: string }) => id);
  expect(repository.expver(["undo", operation])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("no longer whole in the cache"),
  });
  expect(filesOf(repository)).toEqual(STATES.v1);
});

it("undo refuses what the cache has damaged, and leaves everything as it is", () => {
  const repository = project();
  repository.expver(["data", "checkout"]);
  const md5 = md5Of(Buffer.from("second"));
  const object = join(repository.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2));
  chmodSync(object, 0o644);
  writeFileSync(object, "sEcond");
  chmodSync(object, 0o444);
  expect(repository.expver(["undo"])).toMatchObject({ code: 4, stderr: expect.stringContaining("what f was is no longer whole") });
  expect(filesOf(repository)).toEqual(STATES.v1);
});

it("a checkout that fails half-way leaves what was there", () => {
  const repository = project();
  const cache = join(repository.root, ".dvc/cache/files/md5");
  // `f` of v1, which is placed after `d`.
  const object = join(cache, "8b", "04d5e3775d298e78455efc5ca404d5");
  chmodSync(object, 0o644);
  writeFileSync(object, "fIrst");
  chmodSync(object, 0o444);
  const { code, stderr } = repository.expver(["data", "checkout"]);
  expect([code, stderr]).toEqual([255, expect.stringMatching(/^error E_OBJECT: .* is damaged/)]);
  expect(filesOf(repository)).toEqual(STATES.v2);
});

it("of more files than are written down at once: told as one change, thrown away and brought back whole", () => {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  const COUNT = 20_100;
  const fill = (text: string) => {
    rmSync(join(repository.root, "d"), { recursive: true, force: true });
    for (let index = 0; index < COUNT; index += 1) repository.write(`d/${index % 10}/${index}`, `${text} ${index}`);
  };
  const texts = () => [0, 19_999, COUNT - 1].map((index) => repository.read(`d/${index % 10}/${index}`));
  const textsOf = (text: string) => [0, 19_999, COUNT - 1].map((index) => `${text} ${index}`);
  for (const version of ["v1", "v2"]) {
    fill(version);
    expect(repository.expver(["data", "add", "d"])).toMatchObject({ code: 0 });
    repository.commit(version);
    repository.git("tag", version);
  }
  repository.git("checkout", "-q", "v1");
  expect(repository.expver(["data", "checkout"])).toMatchObject({ code: 0 });
  const [operation] = newestOperations(openProject(repository.context));
  const told = operation?.effects.map((effect) => (effect.kind === "checkout" ? effect.files.length : 0)) ?? [];
  // Each is looked at, and taken back, between two pauses; none is kept while the files are made.
  expect([Math.max(...told), told.reduce((sum, files) => sum + files, 0)]).toEqual([1000, COUNT]);
  expect(repository.expver(["undo", "--dry-run"]).stdout.match(/ d: 20100 files/g)).toHaveLength(1);
  expect(repository.expver(["undo"]).stdout).toMatch(/^undone.*\n {8}d: 20100 files\noperation .*\nexpver undo would .*\n$/);
  expect(texts()).toEqual(textsOf("v2"));
  fill("mine");
  expect(repository.expver(["data", "checkout", "--force"])).toMatchObject({ code: 0 });
  expect(texts()).toEqual(textsOf("v1"));
  const preview = repository.expver(["undo", "--dry-run"]).stdout.split("\n");
  expect(preview.slice(-2)).toEqual([`  and ${COUNT - 1000} more steps; all of them: --dry-run --json`, ""]);
  const undone = repository.expver(["undo"]);
  expect(undone.stdout).toMatch(/\n {8}and 20050 more; all of them: expver ops show \S+\noperation .*\nexpver undo would .*\n$/);
  expect(texts()).toEqual(textsOf("mine"));
});

it("undo does not undo what came before a pull or checkout that only made new files", () => {
  const repository = project();
  expect(repository.expver(["data", "checkout"]).code).toBe(0);
  rmSync(join(repository.root, "f"));
  expect(repository.expver(["data", "remote", "add", "-d", "store", "../store"]).code).toBe(0);
  for (const command of ["checkout", "pull"]) {
    rmSync(join(repository.root, "f"), { force: true });
    expect(repository.expver(["data", command]).code).toBe(0);
    const [newest] = repository.expverJson(["ops"]).data.operations;
    expect(newest).toMatchObject({ command: `data ${command}`, summary: "make files of f that were not there", state: "done" });
    const refused = repository.expverJson(["undo"]);
    expect([refused.code, refused.error?.code]).toEqual([4, "E_UNDO"]);
    expect(refused.error?.message).toContain(`expver data ${command}`);
    expect(refused.error?.hint).toMatch(/expver undo \S+ \(data remote add: /);
  }
  expect(repository.expver(["data", "pull"]).code).toBe(0);
  const { before } = repository.expverJson(["undo"]).error?.details ?? {};
  const plan = repository.expver(["undo", String(before), "--dry-run"]).stdout.split("\n");
  expect(plan[0]).toMatch(/^plan undo /);
  expect(plan[1]).toMatch(/^ {2}data remote add of \d{4}-\d\d-\d\d \d\d:\d\d UTC: /);
  expect(repository.expver(["undo", String(before)]).stdout).toMatch(/^undone {2}data remote add \S+ \(\d{4}-\d\d-\d\d [\d:]+\): /);
});

it("undo of `data remove --outs` brings the data back with its pointer, from the cache; what was stored nowhere from the trash", () => {
  const repository = project();
  repository.git("checkout", "-q", "v2");
  repository.write("d/changed", "stored nowhere");
  const before = { ...STATES.v2, "d/changed": "stored nowhere" };
  expect(repository.expver(["data", "remove", "--outs", "d.dvc", "f.dvc"])).toMatchObject({ code: 0 });
  expect(["d", "f", "d.dvc", "f.dvc"].filter((path) => existsSync(join(repository.root, path)))).toEqual([]);
  const steps = repository
    .expverJson(["undo", "--dry-run"])
    .data.steps.map(({ verb, target }: Record<string, string>) => `${verb} ${target}`);
  expect(steps).toEqual(expect.arrayContaining(["restore d", "restore f", "restore d.dvc", "restore f.dvc"]));
  expect(repository.expver(["undo"])).toMatchObject({ code: 0 });
  expect(filesOf(repository)).toEqual(before);
  expect(repository.git("status", "--porcelain")).toBe("");
});

it("a checkout that ends at a name no file can have here is taken back", () => {
  const repository = project();
  repository.git("checkout", "-q", "v2");
  const same = md5Of(Buffer.from("same"));
  const listing = renderListing([
    { md5: same, relpath: "changed" },
    { md5: same, relpath: "n".repeat(300) },
  ]);
  const hash = listingHash(listing);
  repository.write(`.dvc/cache/files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`, Buffer.from(listing).toString());
  repository.write("d.dvc", `outs:\n- md5: ${hash}\n  hash: md5\n  path: d\n`);
  repository.write("d/changed", "stored nowhere");
  const before = filesOf(repository);
  expect(repository.expver(["data", "checkout", "--force", "d"])).toMatchObject({
    code: 255,
    stderr: expect.stringMatching(/^error E_IO: .*ENAMETOOLONG/),
  });
  expect(filesOf(repository)).toEqual(before);
  expect(repository.expver(["data", "add", "d"])).toMatchObject({ code: 0, stderr: "" });
});
