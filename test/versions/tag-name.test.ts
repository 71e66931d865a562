import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkPrefix,
  compareVersions,
  formatTagName,
  looksLikeVersion,
  nextVersion,
  parseTagName,
  requireTagName,
} from "../../src/versions/tag-name.ts";

const number = fc.record({ major: fc.nat(), minor: fc.nat(), patch: fc.nat() });

describe("version names", () => {
  it("read back what they were made from, under any prefix", () => {
    fc.assert(
      fc.property(number, fc.constantFrom("e", "exp-", "team/e", "v.x"), (one, prefix) => {
        expect(parseTagName(formatTagName(one, prefix), prefix)).toEqual(one);
      }),
    );
  });

  it.each([
    "e2",
    "e1.2",
    "e01.2.3",
    "e1.2.3-rc",
    "e1.2.3.4",
    "e-1.2.3",
    "e1.2.3\n",
    "exp-aug-v1",
    "early-1.2.3",
    "1.2.3",
    "E1.2.3",
    "e9999999999999999.0.0",
  ])("are not %j", (name) => expect(parseTagName(name, "e")).toBeNull());

  it("tell a mistaken version from a tag that means something else", () => {
    expect(["e2", "e1.2", "e1.2.3-rc", "exp-x", "early-1", "e1.2.3"].map((name) => looksLikeVersion(name, "e"))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it("are explained when a wrong one is given", () => {
    expect(() => requireTagName("not-a-version", "e")).toThrowError(
      expect.objectContaining({ code: "E_USAGE", message: expect.stringContaining("e0.1.0") }),
    );
  });

  it.each(["-e", "a..b", "e1", "/e", "e/", "e ", "e*", "a//b", "", "e.lock/x"])("do not begin with %j", (prefix) => {
    expect(() => checkPrefix(prefix)).toThrowError(expect.objectContaining({ code: "E_USAGE" }));
  });
});

describe("the next version", () => {
  it.each([
    ["minor", [], "e0.1.0"],
    ["major", [], "e1.0.0"],
    ["patch", [], "e0.0.1"],
    ["minor", ["e0.1.0", "e0.2.3"], "e0.3.0"],
    ["patch", ["e0.1.0", "e0.2.3"], "e0.2.4"],
    ["major", ["e0.1.0", "e0.2.3"], "e1.0.0"],
    // 9 < 10 as numbers, and 0.3.0 to 0.8.0 stay a gap.
    ["minor", ["e0.9.0", "e0.10.0", "e0.2.0"], "e0.11.0"],
  ] as const)("by %s after %j is %s", (level, names, expected) => {
    const existing = names.map((name) => requireTagName(name, "e"));
    expect(formatTagName(nextVersion(existing, level), "e")).toBe(expected);
  });

  it("is higher than every existing one", () => {
    fc.assert(
      fc.property(fc.array(number), fc.constantFrom("major" as const, "minor" as const, "patch" as const), (existing, level) => {
        const next = nextVersion(existing, level);
        expect(existing.every((one) => compareVersions(one, next) < 0)).toBe(true);
      }),
    );
  });
});
