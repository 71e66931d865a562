/** A fetch from a folder, and a push to one, that is stopped: at any moment, for a clock that says each time it is asked that a turn has passed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { ObjectThere, objectPath } from "../../src/store/objects/layout.ts";
import { folderRemote } from "../../src/store/remotes/folder.ts";
import { makeFolder } from "../support/repository.ts";

afterEach(() => void vi.restoreAllMocks());

interface Interruption {
  textOf: (index: number) => string;
  /** So many files are done. */
  at: number;
  isPush?: boolean;
}

/** Answers how many are then where they were to come. */
async function interrupted(count: number, { textOf, at, isPush = false }: Interruption): Promise<number> {
  const [there, cache] = ["there", "cache"].map((name) => ({ dir: join(makeFolder(), name), shared: false })) as [Folder, Folder];
  const objects = Array.from({ length: count }, (_, index) => {
    const object = { hash: md5Of(Buffer.from(textOf(index))), hashName: "md5" as const };
    mkdirSync(dirname(objectPath(there.dir, object)), { recursive: true });
    writeFileSync(objectPath(there.dir, object), textOf(index), { mode: 0o444 });
    return object;
  });
  let now = 0;
  vi.spyOn(process, "uptime").mockImplementation(() => now++);
  const controller = new AbortController();
  const report = (event: { kind: string; done?: number }) =>
    void (event.kind === "progress" && (event.done ?? 0) >= at && controller.abort());
  const pacing = { signal: controller.signal, report };
  const parcels = objects.map((object, index) => new ObjectThere(there.dir, object, textOf(index).length));
  const moving: Promise<unknown> = isPush
    ? folderRemote("store", cache).send(parcels, pacing)
    : folderRemote("store", there).receive(objects, cache, pacing);
  await expect(moving).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  const kept = objects.filter((object) => existsSync(objectPath(cache.dir, object)));
  for (const object of kept) expect(md5Of(readFileSync(objectPath(cache.dir, object)))).toBe(object.hash);
  expect(readdirSync(join(cache.dir, "files/md5")).filter((name) => name.length > 2)).toEqual([]);
  return kept.length;
}

interface Folder {
  dir: string;
  shared: boolean;
}

it.each([
  [200, false],
  [2500, false],
  [200, true],
  [2500, true],
])("of %i small files it keeps what has come; pushing: %s", async (count, isPush) => {
  const kept = await interrupted(count, { textOf: (index) => `text ${index}`, at: 64, isPush });
  expect(kept).toBeGreaterThanOrEqual(64);
  expect(kept).toBeLessThan(count);
});

it("of large files it keeps those that are whole", async () => {
  const kept = await interrupted(5, { textOf: (index) => String(index).repeat(3 * 2 ** 20), at: 2 });
  expect(kept).toBeGreaterThanOrEqual(2);
  expect(kept).toBeLessThan(5);
});

it.each([100, 2500])("of %i files that have all come it keeps all, though they have no names yet", async (count) => {
  expect(await interrupted(count, { textOf: (index) => `text ${index}`, at: count })).toBe(count);
});
