import fc from "fast-check";
import { expect, it } from "vitest";
import { studentQuantile, studentShare, summarise } from "../../src/versions/statistics.ts";

// From the tables in every textbook.
it.each([
  [0.975, 1, 12.7062],
  [0.975, 2, 4.30265],
  [0.975, 4, 2.77645],
  [0.95, 5, 2.01505],
  [0.995, 9, 3.24984],
  [0.975, 30, 2.04227],
  [0.975, 1000, 1.96234],
])("%s of Student's distribution with %s degrees of freedom lies below %s", (share, freedom, t) => {
  expect(studentQuantile(share, freedom)).toBeCloseTo(t, 4);
});

it("the quantile is the inverse of the share", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.51, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 300 }), (share, freedom) => {
      expect(studentShare(studentQuantile(share, freedom), freedom)).toBeCloseTo(share, 8);
    }),
  );
});

it("says mean, sample deviation and interval", () => {
  const { n, mean, deviation, interval } = summarise([0.8, 0.82, 0.84, 0.81, 0.83], 0.95) ?? {};
  expect(n).toBe(5);
  expect(mean).toBeCloseTo(0.82, 12);
  expect(deviation).toBeCloseTo(0.015811388, 8);
  expect(interval?.low).toBeCloseTo(0.82 - 2.7764451 * (0.015811388 / Math.sqrt(5)), 7);
  expect(interval?.high).toBeCloseTo(0.82 + 2.7764451 * (0.015811388 / Math.sqrt(5)), 7);
});

it("one number has no deviation, none has no summary, and alike numbers have no invented spread", () => {
  expect(summarise([3], 0.95)).toEqual({ n: 1, mean: 3, deviation: null, interval: null });
  expect(summarise([], 0.95)).toBeNull();
  expect(summarise([0.1, 0.1, 0.1], 0.95)).toEqual({ n: 3, mean: 0.1, deviation: 0, interval: { low: 0.1, high: 0.1 } });
});
