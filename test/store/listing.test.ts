import fc from "fast-check";
import { expect, it } from "vitest";
import { compareCodePoints, listingHash, parseListing, renderListing } from "../../src/store/objects/listing.ts";

const A = "0cc175b9c0f1b6a831c399e269772661";
const B = "92eb5ffee6ae2fec3ad71c777531578f";

it("gives the bytes and names dvc gives", () => {
  const bytes = renderListing([
    { md5: B, relpath: "s/b" },
    { md5: A, relpath: "a" },
  ]);
  expect(bytes.toString()).toBe(`[{"md5": "${A}", "relpath": "a"}, {"md5": "${B}", "relpath": "s/b"}]`);
  expect(listingHash(bytes)).toBe("17149b9cd06be56c65a60aa074eab4e2.dir");
  expect(listingHash(renderListing([]))).toBe("d751713988987e9331980363e24189ce.dir");
});

it("sorts by code points of the whole path and escapes as Python does", () => {
  const names = [".dot", ".hidden/x", "Sub", "a", "link", "outlink", "run.sh", "sub-c", "sub.d", "sub/b é.txt", "zero", "\ufb00", "😀.bin"];
  const bytes = renderListing([...names].reverse().map((relpath) => ({ md5: A, relpath })));
  expect(parseListing(bytes, "x").map(({ relpath }) => relpath)).toEqual(names);
  expect(bytes.toString()).toContain('"sub/b \\u00e9.txt"');
  expect(bytes.toString()).toContain('"\\ud83d\\ude00.bin"');
});

it("orders as code points do", () => {
  const points = (text: string) => [...text].map((character) => character.codePointAt(0) ?? 0);
  const byPoints = (a: number[], b: number[]) => {
    const at = a.findIndex((point, index) => point !== b[index]);
    return at < 0 ? a.length - b.length : at >= b.length ? 1 : (a[at] ?? 0) - (b[at] ?? 0);
  };
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, text, (a, b) => Math.sign(compareCodePoints(a, b)) === Math.sign(byPoints(points(a), points(b)))),
    { numRuns: 1000 },
  );
});

it("reads back what it wrote", () => {
  const part = fc.string({ unit: "binary", minLength: 1 }).filter((name) => !/[/\0]/.test(name) && name !== "." && name !== "..");
  const relpath = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.uniqueArray(relpath), (all) => {
      const paths = all.filter((path) => !all.some((other) => other.startsWith(`${path}/`)));
      const entries = paths.map((path) => ({ md5: A, relpath: path }));
      expect(parseListing(renderListing(entries), "x").map((entry) => entry.relpath)).toEqual([...paths].sort(compareCodePoints));
    }),
  );
});

it("reads a long list as it was written, wherever it is cut", () => {
  const awkward = ['"}, {"md5', "}, {", "é}, {", '\\"}, {"m'];
  const paths = Array.from({ length: 40_000 }, (_, index) => `${String(index).padStart(6, "0")}/${awkward[index % awkward.length]}`);
  const entries = paths.map((relpath) => ({ md5: A, relpath }));
  const bytes = renderListing(entries);
  expect(bytes.length).toBeGreaterThan(2 ** 21);
  expect(parseListing(bytes, "x")).toEqual(entries);
  expect(bytes.toString()).toBe(`[${JSON.parse(bytes.toString()).map(spaced).join(", ")}]`);
});

function spaced({ md5, relpath }: { md5: string; relpath: string }): string {
  return `{"md5": "${md5}", "relpath": ${JSON.stringify(relpath).replaceAll("é", "\\u00e9")}}`;
}

it.each([["../out"], ["/etc/passwd"], ["a/../../b"], [""], ["a//b"], ["a\0b"]])("refuses the member %j", (relpath) => {
  expect(() => parseListing(Buffer.from(JSON.stringify([{ md5: A, relpath }])), "x")).toThrow(/bad entry/);
});

it.each([["{}"], ["no json"], ['[{"md5": "zz", "relpath": "a"}]'], ["[1]"]])("refuses %s", (text) => {
  expect(() => parseListing(Buffer.from(text), "x")).toThrow();
});

it("finds the file that is named twice, and the one that is a folder of another, in any order", () => {
  const name = fc
    .array(fc.constantFrom("a", "b", "a-", "a.", "a0", "\ue000", "😀"), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 8 }), (paths) => {
      const clashes = paths.some((path, index) =>
        paths.some((other, at) => at !== index && (other === path || other.startsWith(`${path}/`))),
      );
      const read = () => parseListing(Buffer.from(JSON.stringify(paths.map((relpath) => ({ md5: A, relpath })))), "x");
      if (clashes) expect(read).toThrow(/names .* (twice|as a file and as a folder)/);
      else expect(read()).toHaveLength(paths.length);
    }),
    { numRuns: 2000 },
  );
});
