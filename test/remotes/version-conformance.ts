/** What every kind of remote must do whose servers keep versions, beside what all must. A test file calls it with a place on its server. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { objectPath } from "../../src/store/objects/layout.ts";
import type { FileAt, Parcel, Versions } from "../../src/store/remotes/remote.ts";
import type { Found } from "../../src/store/remotes/server.ts";
import { makeCache, open, type Site } from "./conformance.ts";

const MIB = 2 ** 20;

/** `site`: an empty place in a bucket that keeps versions, and in one that does not. */
export function versionConformance(kind: string, site: (name: string, keeps: boolean) => Pick<Site, "url" | "options" | "env">): void {
  describe(`a ${kind} remote that keeps versions`, () => {
    const place = (name: string, keeps = true) => {
      const { options, ...rest } = site(name, keeps);
      const remote = open({ ...rest, options: { ...options, version_aware: "true" } });
      return { remote, versions: remote.versions as Versions, here: makeCache() };
    };
    const named = (parcel: Parcel, path: string): Parcel & FileAt => ({ ...parcel, path });

    it("keeps each file under its own name, and what it was before", async () => {
      const { remote, versions, here } = place("a b+c%20d&é=#ü");
      const paths = ["plain", "sub/a b+c%20d&é=#ü", "empty", "large"];
      const first = ["one", "two\r\n", "", "x".repeat(17 * MIB)].map((text, index) => named(here.put(text), paths[index] as string));
      expect(
        await versions.look(
          paths.map((path) => ({ path })),
          {},
        ),
      ).toEqual(paths.map(() => null));
      const { kept, failures } = await versions.send(first, {});
      expect(failures).toEqual([]);
      expect(kept).toEqual(
        first.map(({ size }) => expect.objectContaining({ size, version: expect.any(String), tag: expect.any(String) })),
      );
      const second = first.map(({ path }) => named(here.put(`${path} again`), path));
      const again = await versions.send(second, {});
      const newest = await versions.look(
        paths.map((path) => ({ path })),
        {},
      );
      const names = (found: (Found | null)[]) => found.map((one) => [one?.size, one?.tag, one?.version]);
      expect(names(newest)).toEqual(names(again.kept));
      const older = kept.map((found, index) => ({ path: paths[index] as string, version: found?.version as string }));
      expect((await versions.look(older, {})).map((found) => found?.tag)).toEqual(kept.map((found) => found?.tag));
      const wanted = first.map(({ object }, index) => ({ ...object, at: older[index] ?? null }));
      expect(await remote.present(wanted, {})).toEqual(first.map(({ object, size }) => ({ ...object, size })));
      const cache = makeCache();
      expect(await cache.receive(remote, wanted)).toEqual([]);
      for (const { object, from } of first) expect(readFileSync(objectPath(cache.dir, object)).equals(readFileSync(from))).toBe(true);
    });

    it("has no version that nobody made, and takes no other version for it", async () => {
      const { remote, versions, here } = place("absent");
      const [one, two] = [named(here.put("one"), "f"), named(here.put("two"), "f")];
      const version = (await versions.send([one], {})).kept[0]?.version ?? "";
      await versions.send([two], {});
      const nowhere = [
        { path: "f", version: version.replace(/.$/, (last) => (last === "0" ? "1" : "0")) },
        { path: "f", version: "garbage" },
        { path: "g", version },
      ];
      expect(await versions.look(nowhere, {})).toEqual([null, null, null]);
      const cache = makeCache();
      for (const at of [...nowhere, null]) expect(await cache.receive(remote, [{ ...one.object, at }])).toMatchObject([{ error: null }]);
      // The other bytes of that name are not these.
      expect(await cache.receive(remote, [{ ...two.object, at: { path: "f", version } }])).toMatchObject([{ error: { code: "E_OBJECT" } }]);
      expect(cache.names()).toEqual([]);
    });

    it("says of many files what it would say of each", async () => {
      const { versions, here } = place("many");
      const paths = Array.from({ length: 40 }, (_, index) => `d${index % 3}/é ${index}`);
      const sent = async (text: string) =>
        (
          await versions.send(
            paths.map((path) => named(here.put(`${text} ${path}`), path)),
            {},
          )
        ).kept.map((found, index) => ({ path: paths[index] as string, version: found?.version as string }));
      const newest = [...paths, "nothing", "d1/nothing"].map((path) => ({ path }));
      const asked: (FileAt & { version?: string })[] = [await sent("one"), await sent("two"), newest].flat();
      asked.push({ path: "d0/é 0", version: asked[1]?.version ?? "" });
      const each = await Promise.all(asked.map(async (one) => (await versions.look([one], {}))[0]));
      expect(each.filter((found) => found === null)).toHaveLength(3);
      const together = await versions.look(asked, {});
      expect(together.map((found) => [found?.size, found?.tag, found?.version])).toEqual(
        each.map((found) => [found?.size, found?.tag, found?.version]),
      );
    });

    it("takes nothing that keeps no versions for one that does", async () => {
      const { versions, here } = place("without", false);
      const { kept, failures } = await versions.send([named(here.put("one"), "f")], {});
      expect(kept).toEqual([null]);
      expect(failures).toMatchObject([{ error: { code: "E_CONFIG", message: expect.stringContaining("no versions") } }]);
    });
  });
}
