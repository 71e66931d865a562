import { expect, it } from "vitest";
import { ExpverError } from "../../src/errors.ts";
import { byKey } from "../../src/store/transfer/bundles.ts";
import { withEach } from "../../src/store/transfer/by-remote.ts";

/** Works with remotes of these names, each of which fails with its error; answers who had a turn, too. */
async function ended(remotes: Record<string, Error | null>) {
  const turns: (string | undefined)[] = [];
  const failed = await withEach(new Map(Object.keys(remotes).map((name) => [name, []])), async (name) => {
    turns.push(name);
    const error = remotes[name ?? ""] ?? null;
    if (error !== null) throw error;
  });
  return { turns, failed: failed.map(({ error }) => error) };
}

const GONE = new ExpverError("E_REMOTE", "gone");

it("of several paths with the same bytes the one that names a version says where they are", () => {
  const object = { hash: "0".repeat(32), hashName: "md5" } as const;
  const at = { path: "second", version: "1" };
  const named = (path: string, where?: typeof at) => ({ path, object: where === undefined ? object : { ...object, at: where } });
  expect(byKey([named("first"), named("second", at), named("third")]).get(object.hash)?.object.at).toBe(at);
});

it("a remote that fails keeps nobody from the next; the only one ends the command", async () => {
  expect(await ended({ one: GONE, two: null })).toEqual({ turns: ["one", "two"], failed: [GONE] });
  await expect(ended({ one: GONE })).rejects.toBe(GONE);
});

it("Ctrl-C and our own mistakes are no failures of a remote", async () => {
  for (const error of [new ExpverError("E_INTERRUPTED", "by SIGINT"), new TypeError("a bug")]) {
    await expect(ended({ one: error, two: null })).rejects.toBe(error);
  }
});
