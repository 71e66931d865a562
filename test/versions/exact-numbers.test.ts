import fc from "fast-check";
import { expect, it } from "vitest";
import { canonicalNumber, canonicalParameter, compareNumbers, exactDifference } from "../../src/versions/exact-numbers.ts";

it.each([
  ["0.1", "1e-1", 0],
  ["0.10000000000000000001", "0.1", 1],
  ["9007199254740993", "9007199254740992", 1],
  ["-2", "1", -1],
  ["-0", "0", 0],
  ["1e400", "1e401", -1],
  ["inf", "1e400", 1],
  ["-inf", "-1e400", -1],
  ["nan", "NaN", 0],
  ["nan", "1", null],
  ["quick", "1", null],
  ["", "1", null],
])("%s against %s is %s", (one, other, order) => {
  const found = compareNumbers(one, other);
  expect(found === null ? null : Math.sign(found) || 0).toBe(order);
});

const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat(12), fc.nat(3)).map(([digits, scale, zeros]) => ({
  value: digits * 10n ** BigInt(20 - scale),
  text: `${digits}${"0".repeat(zeros)}e-${scale + zeros}`,
}));

it("orders as whole numbers of a common scale do, and one text stands for all spellings", () => {
  fc.assert(
    fc.property(decimal, decimal, (one, other) => {
      const order = one.value < other.value ? -1 : one.value > other.value ? 1 : 0;
      expect(Math.sign(compareNumbers(one.text, other.text) ?? Number.NaN) || 0).toBe(order);
      expect(canonicalNumber(one.text) === canonicalNumber(other.text)).toBe(order === 0);
    }),
  );
});

it.each([
  ["3.10", "3.1", false],
  ["-3.100", "-3.10", false],
  ["0.30", "0.30", true],
  ["1.0", "1", true],
  ["1.00", "1.0", true],
  ["10", "1e1", true],
  ["0.001", "1e-3", true],
  ["0.0010", "0.001", false],
  ["v3.10", "v3.1", false],
])("as parameters, %s and %s are the same: %s", (one, other, same) => {
  expect(canonicalParameter(one) === canonicalParameter(other)).toBe(same);
});

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
  expect(exactDifference("1e100", "2e100")).toBe("+1e+100");
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
