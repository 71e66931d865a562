/** How it is found out what of many objects is on a server: the answer is the truth, in few requests. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpverError } from "../../src/errors.ts";
import { keyOf } from "../../src/store/remotes/keys.ts";
import { lookFor } from "../../src/store/remotes/look-for.ts";
import { forMany } from "../../src/store/remotes/many.ts";
import { servedRemote } from "../../src/store/remotes/served.ts";
import type { ObjectServer } from "../../src/store/remotes/server.ts";

interface Asked {
  finds: number;
  pages: number;
}

const objectOf = (number: number) => ({ hash: createHash("md5").update(`${number}`).digest("hex"), hashName: "md5" as const });
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

/** A flat one, as the clouds are, with so many keys on a page. */
function flatServer(there: readonly number[], { page, lists = true }: { page: number; lists?: boolean }): [ObjectServer, Asked] {
  const keys = there.map((number) => keyOf(objectOf(number))).sort();
  const known = new Set(keys);
  const asked: Asked = { finds: 0, pages: 0 };
  async function* list(folder: string) {
    if (!lists) throw new ExpverError("E_REMOTE_FORBIDDEN", "you may not list");
    const below = folder === "" ? keys : keys.filter((key) => key.startsWith(`${folder}/`));
    for (let from = 0; from === 0 || from < below.length; from += page) {
      asked.pages += 1;
      yield below.slice(from, from + page).map((key) => ({ key, relpath: key, size: 3 }));
    }
  }
  const find = async (key: string) => {
    asked.finds += 1;
    return known.has(key) ? { size: 3 } : null;
  };
  return [{ list, walk: list, find } as Partial<ObjectServer> as ObjectServer, asked];
}

const options = { pacing: {}, jobs: 8, label: "looking at store" };

describe("what is on a server that lists by pages", () => {
  it("is what is there, whatever there is and whatever is asked for", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          there: fc.uniqueArray(fc.nat(400), { maxLength: 300 }),
          wanted: fc.uniqueArray(fc.nat(400), { maxLength: 300 }),
          page: fc.integer({ min: 1, max: 60 }),
          jobs: fc.integer({ min: 1, max: 64 }),
          lists: fc.boolean(),
        }),
        async ({ there, wanted, page, jobs, lists }) => {
          const [server] = flatServer(there, { page, lists });
          const seen = await lookFor(server, wanted.map(objectOf), { ...options, jobs });
          const expected = wanted.filter((number) => there.includes(number)).map((number) => objectOf(number).hash);
          expect(seen.map(({ hash }) => hash).sort()).toEqual(expected.sort());
        },
      ),
    );
  });

  it("is known from its pages alone where they are few", async () => {
    const [server, asked] = flatServer(numbers(0, 1000), { page: 100 });
    expect(await lookFor(server, numbers(0, 1000).map(objectOf), options)).toHaveLength(1000);
    expect(asked).toEqual({ finds: 0, pages: 10 });
  });

  it("is asked for one by one where few are wanted", async () => {
    const [server, asked] = flatServer(numbers(0, 1000), { page: 100 });
    expect(await lookFor(server, numbers(998, 1003).map(objectOf), options)).toHaveLength(2);
    expect(asked).toEqual({ finds: 5, pages: 0 });
  });

  it("costs one page more than asking where there is much else", async () => {
    const [server, asked] = flatServer(numbers(0, 20_000), { page: 100 });
    expect(await lookFor(server, numbers(0, 40).map(objectOf), options)).toHaveLength(40);
    expect(asked.pages).toBe(1);
    expect(asked.finds).toBeLessThanOrEqual(40);
  });
});

it("a list of all that is there takes as many requests as there are pages, when these are fewer than shards", async () => {
  const [server, asked] = flatServer(numbers(0, 1000), { page: 100 });
  const remote = servedRemote({ name: "store", location: "test://store", jobs: 8, connect: async () => server });
  expect(await remote.list({})).toHaveLength(1000);
  expect(asked).toEqual({ finds: 0, pages: 10 });
  const [huge, askedHuge] = flatServer(numbers(0, 20_000), { page: 20 });
  const other = servedRemote({ name: "store", location: "test://store", jobs: 8, connect: async () => huge });
  expect(await other.list({})).toHaveLength(20_000);
  expect(askedHuge.pages).toBeLessThan(20_000 / 20 + 2 * 256 + 64);
});

describe("of many items", () => {
  const atOnce = async (sizes: number[], jobs: number) => {
    const running = { all: 0, large: 0 };
    const most = { first: 0, all: 0, large: 0 };
    const done: number[] = [];
    await forMany(
      sizes.map((size, number) => ({ object: objectOf(number), size, number })),
      { ...options, jobs },
      async ({ size, number }) => {
        const kinds = size > 2 ** 20 ? (["all", "large"] as const) : (["all"] as const);
        for (const kind of kinds) {
          running[kind] += 1;
          most[kind] = Math.max(most[kind], running[kind]);
        }
        if (done.length === 0) most.first += 1;
        await setTimeout(1);
        for (const kind of kinds) running[kind] -= 1;
        done.push(number);
      },
    );
    expect(done.sort((one, other) => one - other)).toEqual(sizes.map((_, number) => number));
    return most;
  };
  const [LARGE, SMALL] = [2 ** 21, 100];
  const sizes = numbers(0, 200).map((number) => (number % 2 === 0 ? LARGE : SMALL));

  it("as many are under way as there are connections, but of large ones sixteen, and sixteen before the first has answered", async () => {
    expect(await atOnce(sizes, 64)).toEqual({ first: 16, all: 64, large: 16 });
    expect(await atOnce(sizes, 4)).toEqual({ first: 4, all: 4, large: 4 });
    expect(await atOnce([LARGE, LARGE, SMALL], 64)).toEqual({ first: 3, all: 3, large: 2 });
    expect(await atOnce([], 64)).toEqual({ first: 0, all: 0, large: 0 });
  });
});
