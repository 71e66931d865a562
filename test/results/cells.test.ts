import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellNumber, formatCell, numpyNumber, parseCell, toCell } from "../../src/results/cells.ts";

describe("formatCell", () => {
  it.each([
    [1e-5, "1e-05"],
    [0.0001, "0.0001"],
    [0.1, "0.1"],
    [100, "100.0"],
    [1e16, "1e+16"],
    [1234567890123456, "1234567890123456.0"],
    [1.5e300, "1.5e+300"],
    [-0, "-0.0"],
    [Infinity, "Infinity"],
    [-Infinity, "-Infinity"],
    [9007199254740993n, "9007199254740993"],
    [100n, "100"],
    ["NaN", "NaN"],
    [null, ""],
    [new Uint8Array([1, 255]), "01ff"],
  ])("writes %s as %s", (cell, text) => {
    expect(formatCell(cell)).toBe(text);
  });

  it("keeps every bit of a float", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const back = parseCell(formatCell(value));
        return typeof back === "number" && Object.is(back, value);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps every integer of 64 bits", () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => parseCell(formatCell(value)) === value));
  });
});

describe("parseCell", () => {
  it.each([
    ["3", 3n],
    ["+3", 3n],
    ["-12", -12n],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775808", "9223372036854775808"],
    ["1e-5", 1e-5],
    [".5", 0.5],
    ["5.", 5],
    ["1e999", "1e999"],
    ["007", "007"],
    ["0x1F", "0x1F"],
    ["1_000", "1_000"],
    ["true", 1n],
    ["False", 0n],
    ["nan", "NaN"],
    ["-inf", -Infinity],
    ["Infinity", Infinity],
    ["", ""],
    [" 1", " 1"],
    ["resnet", "resnet"],
  ])("reads %s as %s", (text, cell) => {
    expect(parseCell(text)).toStrictEqual(cell);
  });

  it("keeps any other text as it is", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const cell = parseCell(text);
        return typeof cell !== "string" || cell === "NaN" || cell === text;
      }),
    );
  });
});

describe("toCell", () => {
  it("gives whole numbers the integer class and NaN its text", () => {
    expect([1, 0.5, Number.NaN, true, undefined, 2n ** 64n, 1e300].map(toCell)).toStrictEqual([
      1n,
      0.5,
      "NaN",
      1n,
      null,
      "18446744073709551616",
      1e300,
    ]);
  });

  it("writes objects as JSON and dates as ISO text", () => {
    expect(toCell({ a: [1, 2n] })).toBe('{"a":[1,"2"]}');
    expect(toCell(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
    expect(toCell(new Date("never"))).toBeNull();
  });
});

describe("cellNumber", () => {
  it("reads numbers that a TEXT column turned into text", () => {
    expect([cellNumber("0.5"), cellNumber("NaN"), cellNumber("true"), cellNumber("abc"), cellNumber(3n)]).toEqual([
      0.5,
      NaN,
      null,
      null,
      3,
    ]);
  });
});

describe("numpyNumber", () => {
  const bytesOf = (write: (view: DataView) => void, length: number) => {
    const bytes = new Uint8Array(length);
    write(new DataView(bytes.buffer));
    return bytes;
  };
  const float = (value: number) => bytesOf((view) => view.setFloat32(0, value, true), 4);

  it("finds every number again that somebody may have meant", () => {
    const int64 = (value: bigint) => bytesOf((view) => view.setBigInt64(0, value, true), 8);
    const int32 = (value: number) => bytesOf((view) => view.setInt32(0, value, true), 4);
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }), (value) => numpyNumber(int64(value)) === value));
    fc.assert(fc.property(fc.integer({ min: 1 - 2 ** 23, max: 2 ** 23 - 1 }), (value) => numpyNumber(int32(value)) === BigInt(value)));
    fc.assert(
      fc.property(fc.float({ min: Math.fround(1e-11), max: Math.fround(1e11), noNaN: true }), (value) => {
        const found = numpyNumber(float(value));
        return typeof found === "number" && Math.fround(found) === value;
      }),
    );
    expect([0.1, 1e-5, 16777217, -2.5].map((value) => numpyNumber(float(value)))).toEqual([0.1, 1e-5, 16777216, -2.5]);
    expect([Uint8Array.of(0), Uint8Array.of(1)].map(numpyNumber)).toEqual([0n, 1n]);
  });

  it("leaves what may be something else: datetime64, other bytes", () => {
    const date = bytesOf((view) => view.setBigInt64(0, 1_764_000_000_000_000_000n, true), 8);
    expect([date, float(1e30), Uint8Array.of(7), Uint8Array.of(), Uint8Array.of(1, 2), new Uint8Array(16)].map(numpyNumber)).toEqual(
      Array(6).fill(null),
    );
  });
});
