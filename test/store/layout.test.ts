/** Which objects are relied on. */
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, it } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { type ObjectName, objectPath, trustedSize } from "../../src/store/objects/layout.ts";
import { cacheFiles } from "../../src/store/objects/unused.ts";
import { makeFolder } from "../support/repository.ts";

it("of a cache listings come first: what goes in that order leaves none that speaks of members which are gone", () => {
  const dir = makeFolder("cache");
  const objects: ObjectName[] = ["00", "ff.dir", "11", "22.dir"].map((name) => ({
    hash: name.slice(0, 2).repeat(16) + name.slice(2),
    hashName: name.startsWith("2") ? "md5-dos2unix" : "md5",
  }));
  for (const object of objects) {
    mkdirSync(dirname(objectPath(dir, object)), { recursive: true });
    writeFileSync(objectPath(dir, object), "");
  }
  const isListing = cacheFiles(dir, new Date()).map(({ hash }) => hash.endsWith(".dir"));
  expect(isListing).toEqual([true, true, false, false]);
});

it("only what has the very mode of a checked object is not read: other modes, also of what nobody may write, are no proof", () => {
  const dir = makeFolder("cache");
  const put = (object: ObjectName, bytes: string, mode: number) => {
    const path = objectPath(dir, object);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    chmodSync(path, mode);
    return path;
  };
  for (const [index, mode] of [0o400, 0o440, 0o555, 0o644].entries()) {
    const bytes = `bytes ${index}`;
    const right: ObjectName = { hash: md5Of(Buffer.from(bytes)), hashName: "md5" };
    const wrong: ObjectName = { hash: md5Of(Buffer.from(`other ${index}`)), hashName: "md5" };
    const path = put(right, bytes, mode);
    put(wrong, bytes, mode);
    expect([trustedSize(dir, right), trustedSize(dir, wrong)]).toEqual([7, null]);
    expect(statSync(path).mode & 0o777).toBe(0o444);
  }
});
