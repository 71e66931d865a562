/** One listing of versions answers for many files; what it does not decide is asked for one by one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lookForVersions } from "../../src/store/remotes/look-for-versions.ts";
import type { ObjectServer } from "../../src/store/remotes/server.ts";
import { type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { keepVersions, openBucket, putByOtherHands } from "./versioned-bucket.ts";

describe.skipIf(seaweedProgram() === null)("looking for versions", () => {
  let seaweed: Seaweed;
  beforeAll(async () => {
    seaweed = await startSeaweed();
    await keepVersions(seaweed, "bucket");
  });
  afterAll(() => seaweed?.stop());

  function counted(): { server: ObjectServer; asked: string[]; listed: string[] } {
    const server = openBucket(seaweed, "bucket");
    const [asked, listed]: [string[], string[]] = [[], []];
    return {
      asked,
      listed,
      server: {
        ...server,
        find: (key, ...rest) => {
          asked.push(key);
          return server.find(key, ...rest);
        },
        walkVersions: (folder, ...rest) => {
          listed.push(folder);
          return (server.walkVersions as NonNullable<ObjectServer["walkVersions"]>)(folder, ...rest);
        },
      },
    };
  }
  const options = { pacing: {}, jobs: 4, label: "looking" };

  it("lists the folder all are in once, asks about what is not listed, and goes on where a listing is refused", async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `in/f${index}`);
    for (const key of keys) for (const text of ["1", "22"]) await putByOtherHands(seaweed, "bucket", key, text);
    await openBucket(seaweed, "bucket").remove("in/f3", new AbortController().signal);
    const { server, asked, listed } = counted();
    const newest = await lookForVersions(
      server,
      keys.map((key) => ({ key })),
      options,
    );
    expect(newest.map((found) => found?.size)).toEqual(keys.map((key) => (key === "in/f3" ? undefined : 2)));
    expect([listed, asked]).toEqual([["in"], []]);
    const version = (index: number) => newest[index]?.version ?? "";
    const gone = { key: "in/f0", version: "0".repeat(32) };
    const recorded = [...keys.slice(4).map((key, index) => ({ key, version: version(index + 4) })), gone];
    expect((await lookForVersions(server, recorded, options)).map((found) => found?.version)).toEqual(
      recorded.map((one) => (one === gone ? undefined : one.version)),
    );
    expect([listed, asked]).toEqual([["in", "in"], ["in/f0"]]);
    // Few are asked for.
    await lookForVersions(
      server,
      keys.slice(0, 3).map((key) => ({ key })),
      options,
    );
    expect([listed.length, asked.length]).toEqual([2, 4]);
    const refusing: ObjectServer = { ...server, walkVersions: openBucket(seaweed, "bucket", "none").walkVersions as never };
    expect(
      (
        await lookForVersions(
          refusing,
          keys.map((key) => ({ key })),
          options,
        )
      ).map((found) => found?.version),
    ).toEqual(newest.map((found) => found?.version));
  });

  it("reads a listing of many pages to its end, or stops and asks", async () => {
    const keys = Array.from({ length: 9 }, (_, index) => `pages/f${index}`);
    for (const key of keys) for (const text of ["1", "22", "333"]) await putByOtherHands(seaweed, "bucket", key, text);
    const { server, asked } = counted();
    const walk = server.walkVersions as NonNullable<ObjectServer["walkVersions"]>;
    const small: ObjectServer = {
      ...server,
      async *walkVersions(folder, signal) {
        for await (const page of walk(folder, signal)) for (let at = 0; at < page.length; at += 4) yield page.slice(at, at + 4);
      },
    };
    const files = keys.map((key) => ({ key }));
    expect((await lookForVersions(small, files, { ...options, jobs: 1 })).map((found) => found?.size)).toEqual(keys.map(() => 3));
    expect(asked).toEqual([]);
    expect((await lookForVersions(small, files, { ...options, jobs: 3 })).map((found) => found?.size)).toEqual(keys.map(() => 3));
    expect(asked).toEqual(keys.slice(4));
  });
});
