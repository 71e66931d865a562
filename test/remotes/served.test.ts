/** What all remotes behind servers do alike, where a server has to be told when to do what. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { ExpverError } from "../../src/errors.ts";
import { objectPath } from "../../src/store/objects/layout.ts";
import { folderRemote } from "../../src/store/remotes/folder.ts";
import { servedRemote } from "../../src/store/remotes/served.ts";
import type { Coming, ObjectServer } from "../../src/store/remotes/server.ts";
import { makeFolder } from "../support/repository.ts";
import { md5 } from "./conformance.ts";

const remoteOf = (server: Partial<ObjectServer>) =>
  servedRemote({ name: "store", location: "test://store", jobs: 4, connect: async () => server as ObjectServer });

it("an interrupted fetch keeps what has come whole, though its batch was not full", async () => {
  const texts = Array.from({ length: 40 }, (_, index) => `text ${index}`);
  const objects = texts.map((text) => ({ hash: md5(Buffer.from(text)), hashName: "md5" as const }));
  const byKey = new Map(
    texts.map((text, index) => [`files/md5/${objects[index]?.hash.slice(0, 2)}/${objects[index]?.hash.slice(2)}`, text]),
  );
  const controller = new AbortController();
  const whole: string[] = [];
  const get = async (key: string): Promise<Coming> => {
    const text = byKey.get(key) ?? "";
    async function* bytes() {
      if (whole.length === 20) controller.abort();
      if (controller.signal.aborted) throw new ExpverError("E_INTERRUPTED", "stopped");
      whole.push(text);
      yield Buffer.from(text);
    }
    return { from: 0, length: text.length, bytes: bytes() };
  };
  const cache = { dir: join(makeFolder(), "cache"), shared: false };
  await expect(remoteOf({ get }).receive(objects, cache, { signal: controller.signal })).rejects.toMatchObject({ code: "E_INTERRUPTED" });
  const kept = texts.filter((_, index) => existsSync(objectPath(cache.dir, objects[index] as (typeof objects)[0])));
  expect([...whole].sort()).toEqual([...kept].sort());
  expect(kept).toHaveLength(20);
  expect(readdirSync(join(cache.dir, "files/md5")).filter((name) => name.length > 2)).toEqual([]);
});

it("a listing that lacks folders names how many; one that is not there is none of them", async () => {
  async function* list(folder: string): AsyncGenerator<never[]> {
    yield [];
    if (folder === "files/md5/00") throw new ExpverError("E_NOT_FOUND", "no such folder");
    if (/^files\/md5\/(?:10|20|30)$/.test(folder)) throw new ExpverError("E_REMOTE_FORBIDDEN", `${folder} is locked`);
  }
  await expect(remoteOf({ list }).list({})).rejects.toMatchObject({
    code: "E_REMOTE_FORBIDDEN",
    message: "files/md5/10 is locked (and 2 more folders of it)",
    details: { failures: ["10", "20", "30"].map((shard) => `files/md5/${shard} is locked`) },
  });
});

it("a listing with other bytes than its name says is none: by what it names others would be taken for unused", async () => {
  const right = Buffer.from("[]");
  const wrong = Buffer.from('[{"md5": "00000000000000000000000000000000", "relpath": "x"}]');
  const object = { hash: `${md5(right)}.dir`, hashName: "md5" } as const;
  const folder = { dir: makeFolder("store"), shared: false };
  const path = objectPath(folder.dir, object);
  mkdirSync(dirname(path), { recursive: true });
  for (const [bytes, expected] of [
    [right, right],
    [wrong, null],
  ] as const) {
    const get = async (): Promise<Coming> => ({
      from: 0,
      length: bytes.length,
      bytes: (async function* () {
        yield bytes;
      })(),
    });
    expect(await remoteOf({ get }).read(object)).toEqual(expected);
    rmSync(path, { force: true });
    writeFileSync(path, bytes, { mode: 0o444 });
    expect(await folderRemote("store", folder).read(object)).toEqual(expected);
  }
});

it("what has another size there has not arrived; where the server says nothing of it, nobody takes it for absent unasked", async () => {
  const object = { hash: "0".repeat(32), hashName: "md5" } as const;
  const sized = remoteOf({ find: async () => ({ size: 3 }), list: null });
  expect(await sized.present([{ ...object, size: 3 }], {})).toHaveLength(1);
  expect(await sized.present([object], {})).toHaveLength(1);
  expect(await sized.present([{ ...object, size: 5 }], {})).toEqual([]);
  const find = async () => {
    throw new ExpverError("E_REMOTE_FORBIDDEN", "403");
  };
  const silent = remoteOf({ find, list: null });
  await expect(silent.present([object], {})).rejects.toMatchObject({ code: "E_REMOTE_FORBIDDEN" });
  expect(await silent.present([object], {}, { mayGuess: true })).toEqual([]);
});

it("reading a listing from a server that does not answer ends with Ctrl-C", async () => {
  const controller = new AbortController();
  let asked = 0;
  const get = async (_: string, { signal }: { signal: AbortSignal }): Promise<Coming> => {
    asked += 1;
    if (signal.aborted) throw new ExpverError("E_INTERRUPTED", "stopped");
    controller.abort();
    throw new ExpverError("E_REMOTE_UNREACHABLE", "no route");
  };
  const read = remoteOf({ get }).read({ hash: `${"0".repeat(32)}.dir`, hashName: "md5" }, { signal: controller.signal });
  await expect(read).rejects.toBeInstanceOf(ExpverError);
  expect(asked).toBe(1);
});
