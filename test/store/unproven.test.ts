/** A new folder of many small files is copied without a look at each object before; what is wrong is found all the same. */
import { chmodSync, existsSync, lstatSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const FILES = 2100;
const LARGE = "L".repeat(3_000_000);

describe("checkout of many small files", () => {
  let repository: TestRepository;
  const dataAt = (path: string) => join(repository.root, "data", path);
  const textOf = (number: number) => `row ${number}\n`;
  const objectOf = (relpath: string) => {
    const pointer = /md5: ([0-9a-f]{32})\.dir/.exec(repository.read("data.dvc"))?.[1] as string;
    const listing = JSON.parse(readFileSync(shard(`${pointer}.dir`), "utf8")) as { md5: string; relpath: string }[];
    return shard((listing.find((entry) => entry.relpath === relpath) as { md5: string }).md5);
  };
  const shard = (hash: string) => join(repository.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));

  beforeEach(() => {
    repository = makeRepository();
    repository.expver(["init"]);
    for (let number = 0; number < FILES; number += 1) repository.write(`data/${number % 7}/${number}.txt`, textOf(number));
    repository.write("data/large.bin", LARGE);
    repository.write("data/empty", "");
    expect(repository.expver(["data", "add", "data"]).code).toBe(0);
    rmSync(join(repository.root, "data"), { recursive: true });
  });

  function checkout() {
    return repository.expverJson(["data", "checkout"]);
  }

  it("makes all of them, large and empty ones too, and knows them afterwards", () => {
    const plan = repository.expverJson(["data", "checkout", "--dry-run"]);
    const bytes = Array.from({ length: FILES }, (_, number) => textOf(number).length).reduce((sum, size) => sum + size, LARGE.length);
    expect(plan.data.steps).toEqual([expect.objectContaining({ verb: "create", target: "data", count: FILES + 2, bytes })]);
    expect(checkout()).toMatchObject({ code: 0, data: { added: ["data/"], stats: { added: FILES + 2 } } });
    for (let number = 0; number < FILES; number += 50)
      expect(readFileSync(dataAt(`${number % 7}/${number}.txt`), "utf8")).toBe(textOf(number));
    expect(readFileSync(dataAt("large.bin"), "utf8")).toBe(LARGE);
    expect(lstatSync(dataAt("empty")).size).toBe(0);
    expect(repository.expver(["data", "status"]).stdout).toBe("Data and pipelines are up to date.\n");
  });

  it("leaves everything as it was where an object is not there, and says how to get it", () => {
    rmSync(objectOf("1/22.txt"));
    const answer = repository.expver(["data", "checkout"]);
    expect(answer).toMatchObject({ code: 255, stderr: expect.stringContaining("data/1/22.txt") });
    expect(answer.stderr).toContain("expver data pull");
    expect(existsSync(join(repository.root, "data"))).toBe(false);
    const plan = repository.expverJson(["data", "checkout", "--dry-run"]).data;
    expect(plan.steps).toEqual([expect.objectContaining({ verb: "leave", target: "data", count: 1 })]);
    expect(repository.expver(["data", "checkout", "--plan", `${plan.fingerprint}`])).toMatchObject({ code: 255 });
  });

  it("takes an object that was changed, and says so by its mode, for one that is not there", () => {
    const object = objectOf("1/22.txt");
    chmodSync(object, 0o644);
    writeFileSync(object, "other\n");
    expect(repository.expver(["data", "checkout"])).toMatchObject({ code: 255, stderr: expect.stringContaining("data/1/22.txt") });
    expect(existsSync(join(repository.root, "data"))).toBe(false);
  });

  it.each(["changed", "cut", "made longer"])("finds an object that was %s behind its mode", (what) => {
    const object = objectOf("1/22.txt");
    chmodSync(object, 0o644);
    if (what === "cut") truncateSync(object, 2);
    else if (what === "changed") writeFileSync(object, "oops 2\n");
    else writeFileSync(object, LARGE);
    chmodSync(object, 0o444);
    const answer = repository.expver(["data", "checkout"]);
    expect(answer).toMatchObject({ code: 255, stderr: expect.stringContaining("damaged") });
    expect([object, join(repository.root, "data")].map(existsSync)).toEqual([false, false]);
  });
});
