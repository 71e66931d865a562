import fc from "fast-check";
import { expect, it } from "vitest";
import { matchGlobs } from "../../src/config/globs.ts";

it.each([
  ["data/**", ["data/a", "data/a/b"], ["data", "datax/a", "x/data/a"]],
  ["**/*.csv", ["a.csv", "x/y/a.csv"], ["a.csvx", "a.tsv"]],
  ["reports/*.json", ["reports/a.json", "reports/.json"], ["reports/x/a.json", "reports/ajson"]],
  ["data", ["data", "data/a/b"], ["data2", "x/data"]],
  ["a?[0-9]{x,yy}", ["ab1x", "ab9yy"], ["a/1x", "abcx", "ab1y"]],
  ["[!a]b", ["bb"], ["ab", "/b"]],
  ["a+(b).txt", ["a+(b).txt"], ["aab.txt"]],
  ["\\*", ["*"], ["a"]],
  ["[z-a]b", ["[z-a]b"], ["zb", "bb"]],
  ["a/**/b", ["a/b", "a/x/y/b"], ["ab", "a/xb"]],
])("%s", (pattern, yes, no) => {
  const matches = matchGlobs([pattern]);
  expect(yes.filter(matches)).toEqual(yes);
  expect(no.filter(matches)).toEqual([]);
});

it("takes any name for itself", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[^/*?[\]{}\\,]+$/u), (name) => {
      expect(matchGlobs([name])(name)).toBe(true);
    }),
  );
});
