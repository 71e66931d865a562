import fc from "fast-check";
import { expect, it } from "vitest";
import { studentQuantile, studentShare, summarise, welch } from "../../src/versions/statistics.ts";

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

// By scipy.stats.ttest_ind(equal_var=False), and its t.cdf with the degrees of freedom rounded down.
it.each([
  [
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
    -1.8608134674868526,
    17,
    0.04007858537003442,
  ],
  [[0.91, 0.92, 0.93, 0.9, 0.94], [0.88, 0.91, 0.9], 2.0641873861685585, 4, 0.9460305888538617],
  [[10, 11, 12, 13], [10.5, 10.6, 10.7, 10.4, 10.55], 1.4673382401254287, 3, 0.8807140958692757],
  [[3, 5], [1, 2], 2.23606797749979, 1, 0.866139763599385],
])("Welch's test of %j against %j", (one, other, t, freedom, share) => {
  const test = welch(one, other);
  expect(test?.t).toBeCloseTo(t, 9);
  expect(test?.freedom).toBe(freedom);
  expect(test?.share).toBeCloseTo(share, 9);
  expect((welch(other, one)?.share ?? 0) + share).toBeCloseTo(1, 9);
});

it("sets without a spread differ surely or not at all; one number alone is no set", () => {
  expect(welch([2, 2], [1, 1, 1])).toEqual({ t: Number.POSITIVE_INFINITY, freedom: 3, share: 1 });
  expect(welch([1, 1], [1, 1])?.share).toBe(0.5);
  expect(welch([1], [1, 2])).toBeNull();
  expect(welch([1, Number.NaN], [1, 2])).toBeNull();
});
