import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openStatCache } from "../../src/store/worktree/stat-cache.ts";
import { makeFolder } from "../support/repository.ts";

const LISTING = `${"ab".repeat(16)}.dir`;
const LATER = Date.now() + 3_600_000;

/** Two files that were there an hour before somebody reads them. */
function folder() {
  const root = makeFolder();
  for (const name of ["a", "b"]) writeFileSync(join(root, name), name);
  const stat = (name: string) => statSync(join(root, name));
  return { root, stat, open: () => openStatCache(root, "scope") };
}

it("remembers unchanged files, and the listing of exactly them", () => {
  const { root, stat, open } = folder();
  const first = open();
  for (const name of ["a", "b"]) first.set(name, stat(name), name.repeat(32), LATER);
  first.save({ listing: { hash: LISTING, files: 2 } });

  const again = open();
  expect(["a", "b"].map((name) => again.get(name, stat(name)))).toEqual(["a".repeat(32), "b".repeat(32)]);
  expect(again.listing()).toBe(LISTING);

  const gone = open();
  gone.get("a", stat("a"));
  expect(gone.listing()).toBeNull();

  const more = open();
  for (const name of ["a", "b"]) more.get(name, stat(name));
  expect(more.get("c", stat("a"))).toBeUndefined();
  expect(more.listing()).toBeNull();

  utimesSync(join(root, "b"), 1, 1);
  const changed = open();
  expect(["a", "b"].map((name) => changed.get(name, stat(name)))).toEqual(["a".repeat(32), undefined]);
  expect(changed.listing()).toBeNull();
});

it("has no listing when a file was too young to be remembered: whether that one is still there it could not tell", () => {
  const { stat, open } = folder();
  const first = open();
  first.set("a", stat("a"), "a".repeat(32), LATER);
  first.set("b", stat("b"), "b".repeat(32), stat("b").mtimeMs);
  first.save({ listing: { hash: LISTING, files: 2 } });
  const again = open();
  expect(again.get("a", stat("a"))).toBe("a".repeat(32));
  expect(again.listing()).toBeNull();
});

it("forgets the listing when single files are added, and what nobody asked for when told the whole", () => {
  const { stat, open } = folder();
  const first = open();
  first.set("a", stat("a"), "a".repeat(32), LATER);
  first.save({ listing: { hash: LISTING, files: 1 } });
  const second = open();
  second.set("b", stat("b"), "b".repeat(32), LATER);
  second.save({ keepOthers: true });
  const third = open();
  for (const name of ["a", "b"]) expect(third.get(name, stat(name))).toBe(name.repeat(32));
  expect(third.listing()).toBeNull();
  const fourth = open();
  fourth.get("a", stat("a"));
  fourth.save();
  expect(open().get("b", stat("b"))).toBeUndefined();
});

it("keeps what was just made once nothing that is written later can look the same", () => {
  const { stat, open } = folder();
  // Made on a server whose clock is a minute ahead, so that however slow this machine is it stays young.
  const [whole, exact] = [Math.floor(Date.now() / 1000) * 1000 + 60_000, Date.now() + 0.5];
  const made = {
    coarse: { ...stat("a"), mtimeMs: whole, ctimeMs: whole },
    young: { ...stat("b"), mtimeMs: exact, ctimeMs: exact },
  };
  const first = open();
  for (const [name, identity] of Object.entries(made)) first.setPlaced(name, identity, "c".repeat(32));
  first.save();
  // A clock's tick has passed since the younger one; a file system that counts whole seconds would need two seconds.
  expect(Date.now() - exact).toBeGreaterThan(19);
  const again = open();
  expect(again.get("young", made.young)).toBe("c".repeat(32));
  expect(again.get("coarse", made.coarse)).toBeUndefined();
});

it("of what was just made on another file system a tick here says nothing: that one may count whole seconds", () => {
  const { stat, open } = folder();
  const whole = Math.floor(Date.now() / 1000) * 1000;
  const made = { ...stat("a"), dev: 1, mtimeMs: whole, ctimeMs: whole };
  const first = open();
  first.setPlaced("a", made, "c".repeat(32));
  first.save();
  expect(open().get("a", made)).toBeUndefined();
});

it("keeps no hash of a file that may have changed within the tick in which it was read, nor of one that only looks alike", () => {
  const { stat, open } = folder();
  const [whole, exact] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) + 0.5];
  const times: [name: string, time: number, readAfter: number, isKept: boolean][] = [
    ["coarse", whole, 2099, false],
    ["coarse, old", whole, 2101, true],
    ["fine", exact, 19, false],
    ["fine, old", exact, 21, true],
  ];
  const identity = (time: number) => ({ ...stat("a"), mtimeMs: time, ctimeMs: time });
  const first = open();
  for (const [name, time, readAfter] of times) first.set(name, identity(time), "d".repeat(32), time + readAfter);
  first.save();
  const again = open();
  for (const [name, time, , isKept] of times) expect([name, again.get(name, identity(time)) !== undefined]).toEqual([name, isKept]);
  // A copy that keeps the time of what it was made of is as young as its change time.
  const copied = { ...stat("a"), mtimeMs: exact - 1e9, ctimeMs: exact };
  for (const [readAfter, isKept] of [
    [19, false],
    [21, true],
  ] as const) {
    const one = open();
    one.set("copied", copied, "d".repeat(32), exact + readAfter);
    one.save({ keepOthers: true });
    expect(open().get("copied", copied) !== undefined).toBe(isKept);
  }
  const known = identity(exact);
  for (const other of [{ ctimeMs: 1 }, { mtimeMs: 1 }, { ino: 1 }, { size: 7 }, { dev: 1 }])
    expect(open().get("fine, old", { ...known, ...other })).toBeUndefined();
});

it("a change time says nothing of a protected file that has several names, and all of one that has not both", () => {
  const { stat, open } = folder();
  const known = { ...stat("a"), nlink: 2, mode: 0o100444 };
  const first = open();
  first.set("a", known, "e".repeat(32), LATER);
  first.save();
  const now = { ...known, ctimeMs: known.ctimeMs + 1 };
  expect(open().get("a", now)).toBe("e".repeat(32));
  for (const other of [{ nlink: 1 }, { mode: 0o100644 }]) expect(open().get("a", { ...now, ...other })).toBeUndefined();
});

it("a file that is damaged anywhere counts as empty", () => {
  const { root, stat, open } = folder();
  const first = open();
  first.set("a", stat("a"), "a".repeat(32), LATER);
  first.save();
  const [name] = readdirSync(join(root, "stat-cache"));
  const path = join(root, "stat-cache", String(name));
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 1) {
    const spoilt = Buffer.from(whole);
    spoilt[at] = (spoilt[at] ?? 0) ^ 1;
    writeFileSync(path, spoilt);
    expect([at, open().get("a", stat("a"))]).toEqual([at, undefined]);
  }
  writeFileSync(path, whole.subarray(0, -1));
  expect(open().get("a", stat("a"))).toBeUndefined();
  writeFileSync(path, whole);
  expect(open().get("a", stat("a"))).toBe("a".repeat(32));
});
