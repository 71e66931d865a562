/** Folders merged file by file: the algebra on random folders, and real dvc as the referee. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type ListingSides, mergeListings, sharing } from "../../src/merge/pointers/merge-listings.ts";
import { compareCodePoints } from "../../src/store/objects/listing.ts";
import type { ListingEntry } from "../../src/store/types.ts";
import { dvcCalls, HAS_DVC } from "../support/dvc.ts";
import { makeStory, must } from "./driver-story.ts";

const PATHS = ["a", "a/x", "b", "b/x/y", "b/x", "c", "ü", "\u{1F600}", "\uffee"];
const listings = fc
  .dictionary(fc.constantFrom(...PATHS), fc.constantFrom("1", "2", "3"), { maxKeys: 6 })
  .map((members) => Object.entries(members).map(([relpath, md5]) => ({ relpath, md5: md5.repeat(32) })))
  .filter((entries) => entries.every(({ relpath }) => !entries.some((other) => other.relpath.startsWith(`${relpath}/`))));

const textOf = (entries: readonly ListingEntry[]) => entries.map(({ relpath, md5 }) => `${relpath} ${md5[0]}`).sort();
const swapped = ({ base, ours, theirs }: ListingSides): ListingSides => ({ base, ours: theirs, theirs: ours });
const at = (entries: readonly ListingEntry[], path: string) => entries.find(({ relpath }) => relpath === path)?.md5 ?? null;
const property = (check: (base: ListingEntry[], one: ListingEntry[], other: ListingEntry[]) => void) =>
  fc.assert(fc.property(listings, listings, listings, check), { numRuns: 2000 * Number(process.env.EXPVER_MORE_CASES ?? 1) });

it("with itself, or with a side that changed nothing, the other side is the result", () => {
  property((base, one) => {
    for (const sides of [
      { base, ours: one, theirs: one },
      { base, ours: base, theirs: one },
      { base, ours: one, theirs: base },
      { base: null, ours: one, theirs: one },
    ]) {
      const { entries, clashes } = mergeListings(sides);
      expect([textOf(entries), clashes]).toEqual([textOf(one), []]);
    }
  });
});

it("every change of one side is in the result, nothing else is; a clash is where both changed a path, or one's file is the other's folder", () => {
  property((base, ours, theirs) => {
    const { entries, clashes } = mergeListings({ base, ours, theirs });
    const clashing = new Set(clashes.map(({ relpath }) => relpath));
    for (const path of PATHS) {
      const [before, mine, other] = [at(base, path), at(ours, path), at(theirs, path)];
      const bothChanged = mine !== before && other !== before && mine !== other;
      if (bothChanged) expect(clashing).toContain(path);
      const isNear = [...clashing].some((clash) => path === clash || path.startsWith(`${clash}/`));
      if (!isNear) expect({ path, md5: at(entries, path) }).toEqual({ path, md5: mine === before ? other : mine });
    }
    for (const { relpath } of entries) expect(entries.filter((other) => other.relpath.startsWith(`${relpath}/`))).toEqual([]);
  });
});

it("the order of the sides does not matter; repeating adds nothing", () => {
  property((base, ours, theirs) => {
    const sides = { base, ours, theirs };
    const { entries, clashes } = mergeListings(sides);
    const back = mergeListings(swapped(sides));
    expect(back.clashes.map(({ relpath }) => relpath)).toEqual(clashes.map(({ relpath }) => relpath));
    if (clashes.length > 0) return;
    expect(textOf(back.entries)).toEqual(textOf(entries));
    for (const theirsAgain of [theirs, ours]) {
      const again = mergeListings({ base, ours: entries, theirs: theirsAgain });
      expect([textOf(again.entries), again.added, again.changed, again.removed]).toEqual([textOf(entries), 0, 0, 0]);
    }
  });
});

it("where no path was changed by both, the sum of what each side changed is what changed", () => {
  const sizeOf = (entries: readonly ListingEntry[]) => entries.reduce((sum, { md5 }) => sum + 10 ** Number(md5[0]), 0);
  let apartOnes = 0;
  property((base, ours, theirs) => {
    const { entries, apart } = mergeListings({ base, ours, theirs });
    const isSame = (path: string, side: ListingEntry[]) => at(side, path) === at(base, path);
    if (PATHS.some((path) => !isSame(path, ours) && !isSame(path, theirs))) expect(apart).toBe(false);
    if (!apart) return;
    apartOnes += 1;
    expect(sizeOf(entries)).toBe(sizeOf(ours) + sizeOf(theirs) - sizeOf(base));
  });
  expect(apartOnes).toBeGreaterThan(20);
  const [one, other] = ["1", "2"].map((md5) => md5.repeat(32)) as [string, string];
  const base = [
    { relpath: "a", md5: one },
    { relpath: "b", md5: one },
  ];
  const changed = (relpath: string) => base.map((entry) => (entry.relpath === relpath ? { relpath, md5: other } : entry));
  expect(mergeListings({ base, ours: changed("a"), theirs: changed("b") }).apart).toBe(true);
});

it("entries two listings have alike are one object afterwards", () => {
  property((_base, one, two) => {
    const shared = sharing(two, one);
    expect(shared).toEqual(two);
  });
  const known = PATHS.toSorted(compareCodePoints).map((relpath) => ({ relpath, md5: "1".repeat(32) }));
  const entries = known
    .filter(({ relpath }) => relpath !== "b")
    .map((entry) => ({ ...entry, md5: entry.relpath === "c" ? "2".repeat(32) : entry.md5 }));
  expect(
    sharing(entries, known)
      .filter((entry) => known.includes(entry))
      .map(({ relpath }) => relpath),
  ).toEqual(known.map(({ relpath }) => relpath).filter((relpath) => relpath !== "b" && relpath !== "c"));
});

it("a choice leaves no clash, and decides nothing but clashes", () => {
  property((base, ours, theirs) => {
    const open = mergeListings({ base, ours, theirs });
    for (const side of ["ours", "theirs"] as const) {
      const { entries, clashes, decided, added, changed, removed } = mergeListings({ base, ours, theirs }, (clash) => clash[side]);
      expect([clashes, decided >= open.clashes.length]).toEqual([[], true]);
      expect(ours.length + added - removed).toBe(entries.length);
      expect(changed).toBeLessThanOrEqual(ours.length);
      for (const { relpath, md5 } of entries) expect([at(ours, relpath), at(theirs, relpath)]).toContain(md5);
      for (const { relpath } of entries) expect(entries.filter((other) => other.relpath.startsWith(`${relpath}/`))).toEqual([]);
    }
  });
});

it.skipIf(!HAS_DVC)("real dvc's own driver merges to the same pointer", () => {
  const { repo, files } = makeStory();
  const base = repo.git("rev-parse", "HEAD");
  const sides: [name: string, ours: Record<string, string | null>, theirs: Record<string, string | null>][] = [
    ["added on both sides", { three: "3" }, { four: "44" }],
    ["added and removed", { three: "3" }, { two: null }],
    ["changed and added", { one: "11" }, { three: "3", four: "4" }],
    ["the same on both", { one: "11", two: null }, { one: "11", three: "3" }],
    ["odd names", { "ü é": "3" }, { "\u{1F600}": "44", "\uffee": "4" }],
  ];
  const read = (rev: string) => `${repo.git("show", `${rev}:data/set.dvc`)}\n`;
  const texts = sides.map(([name, ours, theirs], index) => {
    const three = [read(base)];
    for (const [side, change] of Object.entries({ ours, theirs })) {
      repo.git("checkout", "-q", "-B", `${side}${index}`, base);
      repo.run("rm", ["-rf", "data/set"]);
      must(repo, "data", "checkout", "data/set");
      files(`${name}: ${side}`, change);
      three.push(read("HEAD"));
    }
    return three;
  });
  const pointers = texts.map((three, index) =>
    ["base", "ours", "theirs"].map((side, at) => {
      repo.write(`data/${side}${index}.dvc`, three[at] ?? "");
      return `data/${side}${index}.dvc`;
    }),
  );
  dvcCalls(
    repo,
    pointers.map(([ancestor = "", our = "", their = ""]) => [
      "git-hook",
      "merge-driver",
      "--ancestor",
      ancestor,
      "--our",
      our,
      "--their",
      their,
    ]),
  );
  const byDvc = sides.map((_, index) => repo.read(`data/ours${index}.dvc`));
  repo.git("clean", "-qf");
  for (const [index, [name]] of sides.entries()) {
    repo.git("checkout", "-q", `ours${index}`);
    expect({ name, code: repo.run("git", ["merge", "--no-edit", `theirs${index}`]).code }).toEqual({ name, code: 0 });
    expect({ name, text: repo.read("data/set.dvc") }).toEqual({ name, text: byDvc[index] });
  }
});
