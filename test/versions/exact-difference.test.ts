import fc from "fast-check";
import { expect, it } from "vitest";
import { exactDifference } from "../../src/versions/exact-difference.ts";

it.each([
  ["0.84", "0.94", "+0.1"],
  ["0.94", "0.84", "-0.1"],
  ["1e-05", "0.00002", "+0.00001"],
  ["0.1", "1e-1", "0"],
  ["9007199254740993", "9007199254740992", "-1"],
  ["-.5", "+1.", "+1.5"],
  ["1e3", "1", "-999"],
  ["NaN", "1", null],
  ["inf", "1", null],
  ["", "1", null],
  ["1", "quick", null],
])("from %s to %s is %s", (from, to, difference) => {
  expect(exactDifference(from, to)).toBe(difference);
});

it("numbers too far apart for digits are subtracted as floating point", () => {
  expect(exactDifference("1e-300", "1e300")).toBe("+1e+300");
});

it("adding the difference gives the number again", () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.nat(20))
    .map(([digits, scale]) => ({ digits, scale, text: `${digits}e-${scale}` }));
  fc.assert(
    fc.property(decimal, decimal, (one, other) => {
      const difference = exactDifference(one.text, other.text) ?? "";
      const back =
        exactDifference(`${difference.startsWith("-") ? difference.slice(1) : `-${difference.replace("+", "")}`}`, one.text) ?? "";
      expect(exactDifference(back, other.text)).toBe("0");
    }),
  );
});
