/** What a server says is in a folder: names that lead elsewhere, twice the same, and folders without an end. */
import { describe, expect, it } from "vitest";
import { filesBelow } from "../../src/store/remotes/files-below.ts";
import type { FileThere, ObjectServer } from "../../src/store/remotes/server.ts";

const signal = new AbortController().signal;
const file = (relpath: string): FileThere => ({ key: relpath, relpath, size: 1 });
const below = (server: Partial<ObjectServer>, isVersioned = false) =>
  filesBelow(server as ObjectServer, "top", { location: "s3://bucket/top", signal, isVersioned });

/** The same names by each way a server has of telling them: page by page, folder by folder, or with their versions. */
const ways: Record<string, (names: readonly string[]) => ReturnType<typeof filesBelow>> = {
  "in pages": (names) =>
    below({
      async *walk() {
        for (const name of names) yield [file(name)];
      },
    }),
  "folder by folder": (names) =>
    below({
      readFolder: async (key) => {
        const inside = key === "top" ? "" : `${key.slice("top/".length)}/`;
        const here = names.filter((name) => name.startsWith(inside)).map((name) => name.slice(inside.length));
        const folders = new Set(here.filter((name) => name.includes("/")).map((name) => name.slice(0, name.indexOf("/"))));
        return {
          files: here.filter((name) => !name.includes("/")).map(file),
          folders: Array.from(folders, (name) => ({ name, key: `${key}/${name}` })),
        };
      },
    }),
  "with versions": (names) =>
    below(
      {
        async *walkVersions() {
          for (const name of names) yield [{ ...file(name), isNewest: true, version: "1" }];
        },
      },
      true,
    ),
};

describe.each(Object.entries(ways))("%s", (_way, ask) => {
  it("names what is there", async () => {
    expect((await ask(["a", "d/b", "d/e/c"]))?.map(({ relpath }) => relpath).sort()).toEqual(["a", "d/b", "d/e/c"]);
  });

  it.each(["../a", "d/../../a", "d/..", "..", "."])("refuses %j, which leads elsewhere, whatever stands beside it", async (name) => {
    await expect(ask(["a", name])).rejects.toMatchObject({ code: "E_DATA", message: expect.stringContaining("leads elsewhere") });
  });

  it("refuses what stands there twice", async () => {
    await expect(ask(["a", "b", "a"])).rejects.toMatchObject({ code: "E_DATA", message: expect.stringContaining('"a"') });
  });
});

it.each(["/a", "d//a", ""])("refuses the name %j of a page", async (name) => {
  await expect(ways["in pages"]?.([name])).rejects.toMatchObject({ code: "E_DATA" });
});

it("does not follow a folder that leads around in a circle", async () => {
  const server: Partial<ObjectServer> = { readFolder: async (key) => ({ files: [], folders: [{ name: "again".repeat(40), key }] }) };
  await expect(below(server)).rejects.toMatchObject({ code: "E_DATA" });
});

it("knows a folder that is not there from one that is empty", async () => {
  const walk = async function* () {};
  expect(await below({ walk, readFolder: async () => null })).toBeNull();
  expect(await below({ walk, readFolder: async () => ({ files: [], folders: [] }) })).toEqual([]);
  expect(await below({ readFolder: async () => null })).toBeNull();
  expect(await below({ walkVersions: walk }, true)).toBeNull();
});
