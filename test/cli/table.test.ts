import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Column, renderTable, widthNote } from "../../src/cli/render/table.ts";
import { fitMiddle, fitText, oneLine, padText, textWidth } from "../../src/cli/text-width.ts";
import { PIPE, testTerminal } from "../support/terminal.ts";

interface Row {
  name: string;
  loss: string;
  words: string;
}

const COLUMNS: Column<Row>[] = [
  { title: "name", text: ({ name }) => name },
  { title: "loss", text: ({ loss }) => loss, align: "right", weight: 5 },
  { title: "words", text: ({ words }) => words, shrinkTo: 6, weight: 1 },
];
const ROWS: Row[] = [
  { name: "e0.1.0", loss: "0.1234567890123456789", words: "a rather long description" },
  { name: "e0.10.0", loss: "1e-05", words: "短い説明です" },
];

it("what is measured without looking for graphemes is as wide as with them", () => {
  for (const [from, to] of [
    [0x20, 0x7e],
    [0xa0, 0x2ff],
    [0x2010, 0x21ff],
  ] as const) {
    const texts = Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at));
    expect(texts.filter((text) => textWidth(text) !== textWidth(`${text}短`) - 2)).toEqual([]);
  }
});

it("what is cut in the middle fits, and keeps its beginning and its end", () => {
  expect(fitMiddle("data/images/train.csv", 12)).toBe("data/…in.csv");
  expect(fitMiddle("短い説明です.csv", 9)).toBe("短い….csv");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 40 }), (text, width) => {
      const line = oneLine(text);
      const cut = fitMiddle(line, width);
      expect(textWidth(cut)).toBeLessThanOrEqual(width);
      const [start = "", end = ""] = cut === line ? [line, ""] : [cut.slice(0, cut.indexOf("…")), cut.slice(cut.indexOf("…") + 1)];
      if (!line.includes("…")) expect([line.startsWith(start), line.endsWith(end)]).toEqual([true, true]);
    }),
  );
});

describe("a table", () => {
  it("puts numbers right and words left, and ends no line in blanks", () => {
    expect(renderTable(COLUMNS, ROWS, PIPE)).toEqual({
      cut: [],
      text: [
        "name                      loss  words",
        "e0.1.0   0.1234567890123456789  a rather long description",
        "e0.10.0                  1e-05  短い説明です",
        "",
      ].join("\n"),
      dropped: [],
    });
  });

  it("first cuts words", () => {
    const { text, dropped } = renderTable(COLUMNS, ROWS, testTerminal({ width: 40 }));
    expect(text.split("\n")[1]).toBe("e0.1.0   0.1234567890123456789  a rathe…");
    expect(text.split("\n")[2]).toBe("e0.10.0                  1e-05  短い説…");
    expect(dropped).toEqual([]);
  });

  it("then leaves out whole columns, never digits, and names them", () => {
    expect(renderTable(COLUMNS, ROWS, testTerminal({ width: 34 }))).toMatchObject({
      dropped: ["words"],
      text: expect.stringContaining("0.1234567890123456789"),
    });
    expect(renderTable(COLUMNS, ROWS, testTerminal({ width: 21 }))).toEqual({
      text: "name     words\ne0.1.0   a rather lo…\ne0.10.0  短い説明です\n",
      dropped: ["loss"],
      cut: ["words"],
    });
  });

  it("leaves out a column that is empty everywhere without naming it", () => {
    expect(renderTable(COLUMNS, [{ name: "x", loss: "", words: "y" }], PIPE)).toEqual({
      cut: [],
      text: "name  words\nx     y\n",
      dropped: [],
    });
  });

  it("says what went, by name, and nothing of columns without one", () => {
    expect(widthNote({ dropped: ["loss", ""], cut: ["words"] }, "--all")).toEqual([
      "not shown for width: loss; cut for width: words (--all)",
    ]);
    expect(widthNote({ dropped: [""], cut: [] }, "--all")).toEqual([]);
  });

  it("keeps a cell from breaking the line or colouring the rest", () => {
    const { text } = renderTable(COLUMNS, [{ name: "a\nb", loss: "\u001b[31m", words: "\u202ex" }], PIPE);
    expect(text.split("\n")[1]).toBe("a\\nb  \\u001b[31m  \\u202ex");
  });

  it("fits every width that its narrowest columns fit", () => {
    const cell = fc.oneof(fc.string({ unit: "grapheme", maxLength: 30 }), fc.string({ unit: "binary", maxLength: 10 }));
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: fc.stringMatching(/^e[0-9.]{1,8}$/), loss: cell, words: cell }), { minLength: 1 }),
        fc.integer({ min: 12, max: 100 }),
        (rows, width) => {
          const { text } = renderTable(COLUMNS, rows, testTerminal({ width }));
          expect(Math.max(...text.split("\n").map(textWidth))).toBeLessThanOrEqual(width);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("colours after padding, so that columns stay under each other", () => {
    const styled: Column<Row>[] = [{ title: "name", text: ({ name }) => name, style: "yellow" }, ...COLUMNS.slice(2)];
    expect(renderTable(styled, ROWS, testTerminal({ colour: true })).text).toContain("<yellow>e0.1.0 </>  a rather");
  });
});

describe("widths of texts", () => {
  it.each([
    ["plain", 5],
    ["日本", 4],
    ["e\u0301", 1],
    ["👩‍👩‍👧", 2],
    ["✔️", 2],
    ["한글", 4],
    ["\u200b", 0],
  ])("%s takes %i", (text, width) => expect(textWidth(text)).toBe(width));

  it("cuts between characters a person sees", () => {
    expect(fitText("日本語", 4)).toBe("日…");
    expect(fitText("ab👩‍👩‍👧cd", 4)).toBe("ab…");
    expect(fitText("abc", 3)).toBe("abc");
    expect(padText("日", 4, "right")).toBe("  日");
  });

  it("shows control characters instead of sending them", () => {
    expect(oneLine("a\tb\u0007\u0085\u2028")).toBe("a\\tb\\u0007\\u0085\\u2028");
  });
});
