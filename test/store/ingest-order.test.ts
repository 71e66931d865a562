/** Objects are durable before they have their names: whoever finds one after a power loss finds all of it. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it, vi } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { beginIngest } from "../../src/store/objects/ingest.ts";
import { type ObjectName, objectPath } from "../../src/store/objects/layout.ts";
import { makeFolder } from "../support/repository.ts";
import { manyOf } from "../support/stores.ts";

const { calls } = vi.hoisted(() => ({ calls: [] as { kind: "files" | "folders"; paths: string[]; named: number }[] }));
let objects: string[] = [];

vi.mock("../../src/platform/sync.ts", async (importOriginal) => {
  const real = await importOriginal<typeof import("../../src/platform/sync.ts")>();
  const named = () => objects.filter((path) => existsSync(path)).length;
  return {
    ...real,
    syncMany(count: number, pathOf: (index: number) => string) {
      calls.push({ kind: "files", paths: Array.from({ length: count }, (_, index) => pathOf(index)), named: named() });
      real.syncMany(count, pathOf);
    },
    syncFolders(paths: readonly string[]) {
      calls.push({ kind: "folders", paths: [...paths], named: named() });
      real.syncFolders(paths);
    },
  };
});

it("all files are synced under the names they wait under, then named, then the folders are synced", () => {
  const folder = makeFolder("ingest");
  const dir = join(folder, "cache");
  mkdirSync(join(folder, "from"));
  const files = [3, 2_000_000, 2_000_001].map((size) => {
    const path = join(folder, "from", String(size));
    writeFileSync(path, Buffer.alloc(size, String(size)));
    return { path, size };
  });
  const ingest = beginIngest({ dir, shared: false });
  const md5s = finishWork(ingest.many(manyOf(files))) as string[];
  const listing = ingest.listing(Buffer.from(JSON.stringify(md5s.map((md5, index) => ({ md5, relpath: String(index) })))));
  objects = [...md5s, listing].map((hash) => objectPath(dir, { hash, hashName: "md5" }));
  ingest.commit();
  expect(calls.map(({ kind, named }) => `${kind} ${named}`)).toEqual(["files 0", `folders ${objects.length}`]);
  expect(calls[0]?.paths).toHaveLength(objects.length);
  for (const path of objects) expect(calls[1]?.paths.some((one) => path.startsWith(`${one}/`))).toBe(true);
});

it("a listing gets its name behind the files it names, in whatever order they came", () => {
  const folder = makeFolder("ingest");
  const dir = join(folder, "cache");
  const from = join(folder, "member");
  writeFileSync(from, "member");
  const member: ObjectName = { hash: md5Of(Buffer.from("member")), hashName: "md5" };
  mkdirSync(dirname(objectPath(dir, member)), { recursive: true });
  const ingest = beginIngest({ dir, shared: false });
  const listing = ingest.listing(Buffer.from(`[{"md5": "${member.hash}", "relpath": "member"}]`));
  finishWork(ingest.object(member, from));
  // Its name cannot be given.
  mkdirSync(objectPath(dir, member));
  expect(() => ingest.commit()).toThrow(expect.objectContaining({ code: "E_IO" }));
  ingest.abort();
  expect(existsSync(objectPath(dir, { hash: listing, hashName: "md5" }))).toBe(false);
});
