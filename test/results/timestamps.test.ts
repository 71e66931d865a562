import { expect, it } from "vitest";
import { compareTimestamps, nextMicroseconds } from "../../src/results/timestamps.ts";

it("steps are before dates, and in their own order", () => {
  const times = ["2026-01-01 12:00:00", 10n, "9", 9.5];
  expect(times.toSorted(compareTimestamps)).toEqual(["9", 9.5, 10n, "2026-01-01 12:00:00"]);
  expect(times.toReversed().toSorted(compareTimestamps)).toEqual(["9", 9.5, 10n, "2026-01-01 12:00:00"]);
});

it("no two are the same and they keep their order, but a clock that was set back is followed", () => {
  const now = new Date("2026-11-26T12:00:00.000Z");
  const [first, second, before] = [now, now, new Date(now.getTime() - 999)].map(nextMicroseconds) as [bigint, bigint, bigint];
  expect([second - first, before - second]).toEqual([1n, 1n]);
  const setBack = new Date(now.getTime() - 10_000);
  expect(nextMicroseconds(setBack)).toBe(BigInt(setBack.getTime()) * 1000n);
});
