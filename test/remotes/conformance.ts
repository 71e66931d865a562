/** What every kind of remote must do. A test file calls it with a way to start its server. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCode } from "../../src/platform/files.ts";
import type { Pacing } from "../../src/platform/pace.ts";
import { type ObjectFolder, type ObjectName, objectPath } from "../../src/store/objects/layout.ts";
import { remoteOf } from "../../src/store/remotes/open-remote.ts";
import type { Expected, Parcel, Remote, TransferFailure } from "../../src/store/remotes/remote.ts";
import type { HashName } from "../../src/store/types.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

/** An empty place on a running server. */
export interface Site {
  url: string;
  options?: Record<string, string>;
  env?: Record<string, string>;
  /** False where the protocol has no way to list. */
  lists?: false;
  /** Puts bytes there behind the remote's back; `key` is relative to `url`. */
  plant(key: string, bytes: Uint8Array): void | Promise<void>;
  /** Everything that lies there, by key. */
  contents(): Map<string, Buffer> | Promise<Map<string, Buffer>>;
}

export interface ServerUnderTest {
  /** `name` is part of the place's path: it may hold blanks and other hard characters. */
  site(name: string): Site | Promise<Site>;
  stop(): void | Promise<void>;
}

const MIB = 2 ** 20;

export function conformance(kind: string, start: () => ServerUnderTest | Promise<ServerUnderTest>): void {
  describe(`a ${kind} remote`, () => {
    let server: ServerUnderTest;
    let count = 0;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    async function place(name = "place") {
      count += 1;
      const site = await server.site(`${name}-${count}`);
      return { site, remote: open(site), here: makeCache() };
    }

    it("has what was sent to it, byte for byte, and nothing else", async () => {
      const { site, remote, here } = await place();
      const parcels = [...["", "one", "two\r\n", "\0\xff", "x".repeat(3 * MIB)].map((text) => here.put(text)), here.put("[]", ".dir")];
      expect(await remote.present(objectsOf(parcels), {})).toEqual([]);
      expect(await remote.send(parcels, {})).toEqual([]);
      expect(hashes(await remote.present(objectsOf(parcels), {}))).toEqual(hashes(objectsOf(parcels)));
      const there = await site.contents();
      expect([...there.keys()].sort()).toEqual(parcels.map(({ object }) => keyOf(object)).sort());
      for (const { object, from } of parcels) expect(there.get(keyOf(object))?.equals(readFileSync(from))).toBe(true);
    });

    it("gives back what it has into an empty cache, read-only", async () => {
      const { remote, here } = await place();
      const parcels = [here.put(""), here.put("small"), here.put("y".repeat(5 * MIB + 1)), here.put("[]", ".dir")];
      await remote.send(parcels, {});
      const there = makeCache();
      expect(await there.receive(remote, objectsOf(parcels))).toEqual([]);
      for (const { object, from } of parcels) expect(readFileSync(objectPath(there.dir, object)).equals(readFileSync(from))).toBe(true);
      expect(there.names()).toEqual(parcels.map(({ object }) => keyOf(object)).sort());
    });

    it("keeps DVC 2's objects where DVC 2 has them", async () => {
      const { site, remote, here } = await place();
      const parcel = here.put("a\r\nb\r\n", "", "md5-dos2unix");
      expect(await remote.send([parcel], {})).toEqual([]);
      expect([...(await site.contents()).keys()]).toEqual([keyOf(parcel.object)]);
      expect(keyOf(parcel.object)).not.toContain("files/md5");
      expect(await remote.present([parcel.object], {})).toEqual([{ ...parcel.object, size: parcel.size }]);
      const there = makeCache();
      expect(await there.receive(remote, [parcel.object])).toEqual([]);
      expect(readFileSync(objectPath(there.dir, parcel.object), "utf8")).toBe("a\r\nb\r\n");
    });

    it("says which objects are not there, and brings the others", async () => {
      const { remote, here } = await place();
      const sent = here.put("there");
      const absent = here.put("absent");
      await remote.send([sent], {});
      const cache = makeCache();
      expect(await cache.receive(remote, [sent.object, absent.object])).toEqual([{ object: absent.object, error: null }]);
      expect(cache.names()).toEqual([keyOf(sent.object)]);
      expect(await remote.read(absent.object)).toBeNull();
    });

    it("lets no wrong bytes in: changed, cut, grown or empty ones stay out of the cache", async () => {
      const { site, remote, here } = await place();
      const good = here.put("good");
      const bad = ["changed", "cut", "grown", "empty", "z".repeat(2 * MIB)].map((text) => here.put(text));
      const wrong = ["chanGed", "cu", "grown!", "", "Z".repeat(2 * MIB)];
      await remote.send([good], {});
      for (const [index, { object }] of bad.entries()) await site.plant(keyOf(object), Buffer.from(wrong[index] ?? ""));
      const cache = makeCache();
      const failures = await cache.receive(remote, objectsOf([good, ...bad]));
      expect(hashes(objectsOf(failures))).toEqual(hashes(objectsOf(bad)));
      expect(failures.map(({ error }) => error?.code)).toEqual(bad.map(() => "E_OBJECT"));
      expect(cache.names()).toEqual([keyOf(good.object)]);
      for (const { object } of bad) expect(await remote.read(object)).toBeNull();
    });

    it("does not count an object of another size as there, and replaces it", async () => {
      const { site, remote, here } = await place();
      const parcel = here.put("all of it");
      await site.plant(keyOf(parcel.object), Buffer.from("all of"));
      expect(await remote.present([{ ...parcel.object, size: parcel.size }], {})).toEqual([]);
      expect(await remote.send([parcel], {})).toEqual([]);
      expect((await site.contents()).get(keyOf(parcel.object))?.toString()).toBe("all of it");
    });

    it("refuses to send damaged bytes, and sends the others", async () => {
      const { site, remote, here } = await place();
      const good = here.put("good");
      const bad = [
        ["BAD", here.put("bad")],
        ["W".repeat(4 * MIB), here.put("w".repeat(4 * MIB))],
        ["cu", here.put("cut")],
        ["", here.put("emptied")],
        ["text\r\n", here.put("Text\r\n", "", "md5-dos2unix")],
      ] as const;
      for (const [bytes, { from }] of bad) {
        chmodSync(from, 0o644);
        writeFileSync(from, bytes);
      }
      const failures = await remote.send([good, ...bad.map(([, parcel]) => parcel)], {});
      expect(hashes(objectsOf(failures))).toEqual(hashes(objectsOf(bad.map(([, parcel]) => parcel))));
      expect(failures.map(({ error }) => error?.code)).toEqual(bad.map(() => "E_OBJECT"));
      expect([...(await site.contents()).keys()]).toEqual([keyOf(good.object)]);
    });

    it("answers for many objects at once", async () => {
      const { remote, here } = await place();
      const parcels = Array.from({ length: 600 }, (_, index) => here.put(`object ${index}`));
      const sent = parcels.filter((_, index) => index % 3 !== 0);
      expect(await remote.send(sent, {})).toEqual([]);
      expect(hashes(await remote.present(objectsOf(parcels), {}))).toEqual(hashes(objectsOf(sent)));
      const cache = makeCache();
      expect(await cache.receive(remote, objectsOf(sent))).toEqual([]);
      expect(cache.names()).toHaveLength(sent.length);
    });

    it("takes the same objects from two senders at once", async () => {
      const { site, remote, here } = await place();
      const parcels = Array.from({ length: 40 }, (_, index) => here.put(`${index}`.repeat(50_000)));
      const answers = await Promise.all([remote.send(parcels, {}), open(site).send([...parcels].reverse(), {})]);
      expect(answers).toEqual([[], []]);
      const there = await site.contents();
      expect([...there.keys()].sort()).toEqual(parcels.map(({ object }) => keyOf(object)).sort());
      for (const { object, from } of parcels) expect(there.get(keyOf(object))?.equals(readFileSync(from))).toBe(true);
    });

    it("lives at any path", async () => {
      const { site, remote, here } = await place("a b+c%20d&é=#ü");
      const parcel = here.put("hard to find");
      expect(await remote.send([parcel], {})).toEqual([]);
      expect([...(await site.contents()).keys()]).toEqual([keyOf(parcel.object)]);
      expect(await remote.present([parcel.object], {})).toEqual([{ ...parcel.object, size: parcel.size }]);
      expect((await remote.read(parcel.object))?.toString()).toBe("hard to find");
    });

    it("shows nothing of a transfer that was broken off, and none of it stays in the cache", async () => {
      const { site, remote, here } = await place();
      // More than go at once, and more than goes through before the first report.
      const parcels = Array.from({ length: 24 }, (_, index) => here.put(String.fromCharCode(65 + index).repeat(3 * MIB)));
      await expect(remote.send(parcels, interruptedAfter(1))).rejects.toMatchObject({ code: "E_INTERRUPTED" });
      for (const [key, bytes] of await site.contents()) expect(md5(bytes)).toBe(key.slice(-33).replace("/", ""));
      expect(await remote.send(parcels, {})).toEqual([]);
      const cache = makeCache();
      await expect(cache.receive(remote, objectsOf(parcels), interruptedAfter(1))).rejects.toMatchObject({ code: "E_INTERRUPTED" });
      expect(cache.temporaries()).toEqual([]);
      expect(await cache.receive(remote, objectsOf(parcels))).toEqual([]);
      expect(cache.names()).toHaveLength(24);
    });

    it("lists and deletes", async () => {
      const { site, remote, here } = await place();
      const parcels = [here.put("1"), here.put("22"), here.put("[]", ".dir"), here.put("a\r\n", "", "md5-dos2unix")];
      await remote.send(parcels, {});
      await site.plant("unrelated.txt", Buffer.from("not ours"));
      const [first, ...rest] = parcels;
      if (first === undefined) throw new Error("no parcel");
      if (site.lists === false) await expect(remote.list({})).rejects.toMatchObject({ code: "E_REMOTE" });
      else {
        expect(byHash(await remote.list({}))).toEqual(byHash(parcels.map(({ object, size }) => ({ ...object, size }))));
      }
      expect(await remote.remove([first.object, here.put("never sent").object], {})).toEqual([]);
      const left = [...rest.map(({ object }) => keyOf(object)), "unrelated.txt"].sort();
      expect([...(await site.contents()).keys()].sort()).toEqual(left);
    });

    it("moves a large file in bounded memory", async () => {
      const { site } = await place();
      const repository = makeRepository(site.env ? { env: site.env } : {});
      expect(repository.expver(["data", "init"]).code).toBe(0);
      expect(repository.expver(["data", "remote", "add", "-d", "store", site.url]).code).toBe(0);
      for (const [key, value] of Object.entries(site.options ?? {}))
        expect(repository.expver(["data", "remote", "modify", "--local", "store", key, value]).code).toBe(0);
      const size = 288 * MIB;
      const bytes = Buffer.alloc(size);
      for (let offset = 0; offset < size; offset += MIB) bytes.writeUInt32LE(offset + 1, offset);
      repository.write("large.bin", bytes);
      expect(repository.expver(["data", "add", "large.bin"]).code).toBe(0);
      expect(measured(repository, ["data", "push"])).toBeLessThan(224 * MIB);
      repository.run("rm", ["-rf", ".dvc/cache", "large.bin"]);
      expect(measured(repository, ["data", "pull"])).toBeLessThan(224 * MIB);
      expect(md5(readFileSync(join(repository.root, "large.bin")))).toBe(md5(bytes));
    });
  });
}

/** Peak resident memory of a command, in bytes. */
function measured(repository: ReturnType<typeof makeRepository>, args: string[]): number {
  const report = join(makeFolder("memory"), "peak");
  const preload = join(import.meta.dirname, "../support/peak-memory.cjs");
  const { code, stderr } = repository.expver(args, { env: { NODE_OPTIONS: `--require ${preload}`, EXPVER_PEAK: report } });
  expect(stderr + code).toBe("0");
  return Number(readFileSync(report, "utf8"));
}

export function open({ url, options = {}, env = {} }: Pick<Site, "url" | "options" | "env">): Remote {
  return remoteOf({ name: "store", url, options: new Map(Object.entries({ url, ...options })) }, { ...process.env, ...env });
}

interface TestCache extends ObjectFolder {
  /** Stores text as an object and answers it, ready to be sent. */
  put(text: string, suffix?: "" | ".dir", hashName?: HashName): Parcel;
  receive(remote: Remote, objects: Expected[], pacing?: Pacing): Promise<TransferFailure[]>;
  names(): string[];
  temporaries(): string[];
}

export function makeCache(): TestCache {
  const dir = makeFolder("cache");
  const folder: ObjectFolder = { dir, shared: false };
  const files = () => walk(dir).map((path) => path.slice(dir.length + 1));
  return {
    ...folder,
    put(text, suffix = "", hashName = "md5") {
      const bytes = Buffer.from(text, "latin1");
      const hashed = hashName === "md5" ? bytes : Buffer.from(text.replaceAll("\r\n", "\n"), "latin1");
      const object: ObjectName = { hash: md5(hashed) + suffix, hashName };
      const from = objectPath(dir, object);
      mkdirSync(dirname(from), { recursive: true });
      if (!existsSync(from)) writeFileSync(from, bytes, { mode: 0o444 });
      return { object, from, size: bytes.length };
    },
    receive: async (remote, objects, pacing = {}) => (await remote.receive(objects, folder, pacing)).failures,
    names: () => files().sort(),
    temporaries: () => files().filter((path) => path.endsWith(".tmp")),
  };
}

/** Aborts when this many progress reports have come. */
function interruptedAfter(reports: number): { report: () => void; signal: AbortSignal } {
  const controller = new AbortController();
  let left = reports;
  return {
    signal: controller.signal,
    report() {
      left -= 1;
      if (left <= 0) controller.abort();
    },
  };
}

function keyOf({ hash, hashName }: ObjectName): string {
  return `${hashName === "md5" ? "files/md5/" : ""}${hash.slice(0, 2)}/${hash.slice(2)}`;
}

export function objectsOf(parcels: readonly { object: ObjectName }[]): ObjectName[] {
  return parcels.map(({ object }) => object);
}

function hashes(objects: readonly ObjectName[]): string[] {
  return objects.map(({ hash }) => hash).sort();
}

function byHash<T extends ObjectName>(objects: readonly T[]): T[] {
  return [...objects].sort((a, b) => (a.hash < b.hash ? -1 : 1));
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** Every file below a folder. */
export function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** Sites that are folders of this machine, for servers that serve one. */
export function folderSite(dir: string, rest: Pick<Site, "url" | "options" | "env" | "lists">): Site {
  return {
    ...rest,
    plant(key, bytes) {
      const path = join(dir, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes, { mode: 0o444 });
    },
    contents: () =>
      new Map(
        (existsSync(dir) ? walk(dir) : []).flatMap((path): [string, Buffer][] => {
          const bytes = readIfStillThere(path);
          return bytes === null ? [] : [[path.slice(dir.length + 1), bytes]];
        }),
      ),
  };
}

/** A server still does what a killed client had asked for last: it gives a file its name between two looks of ours. */
function readIfStillThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}
