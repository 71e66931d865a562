/** Answers stay within their budget whatever is in them, and say what they left out. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { toJson } from "../../src/cli/envelope.ts";
import { fitAnswer } from "../../src/mcp/answer.ts";

const [SHORT, FULL] = [8_000, 24_000];

/** Texts of what takes most room when escaped. */
const text = fc
  .tuple(fc.constantFrom("a", '"', "\u202e", "\u0001", "é", "\u{e0041}", "😀"), fc.integer({ min: 0, max: 2_000 }))
  .map(([one, count]) => one.repeat(count));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    text,
    fc.double(),
    fc.array(tie("any"), { maxLength: 60 }),
    fc.dictionary(text, tie("any"), { maxKeys: 60 }),
  ),
})).any;

it("any data fits", () => {
  const shape = fc.record({
    rows: fc.array(value, { maxLength: 60 }),
    rest: value,
    detail: fc.constantFrom("short", "full"),
    paged: fc.boolean(),
  });
  fc.assert(
    fc.property(shape, ({ rows, rest, detail, paged }) => {
      const page = { rows: paged ? ["rows"] : [], offset: 0, limit: 500, detail } as const;
      const fitted = fitAnswer({ rows, rest }, page);
      expect(toJson(fitted, 0).length).toBeLessThanOrEqual(detail === "short" ? SHORT + 2_500 : FULL + 2_500);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});

it("pages join to the whole, each row once, wide rows too", () => {
  const names = Array.from({ length: 500 }, (_, index) => `metric_${index}`);
  const rows = Array.from({ length: 120 }, (_, id) => ({ id, metrics: Object.fromEntries(names.map((name) => [name, `0.${id}`])) }));
  const seen: number[] = [];
  for (let offset: number | null = 0; offset !== null; ) {
    const { data, next, total, truncated } = fitAnswer({ rows }, { rows: ["rows"], offset, limit: 50, detail: "short" });
    expect(toJson(data, 0).length).toBeLessThanOrEqual(SHORT + 2_500);
    expect({ total, truncated }).toEqual({ total: 120, truncated: true });
    seen.push(...(data as { rows: { id: number }[] }).rows.map(({ id }) => id));
    offset = next;
  }
  expect(seen).toEqual(rows.map(({ id }) => id));
});
