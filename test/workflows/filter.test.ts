import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpverError } from "../../src/errors.ts";
import { compileFilter, type Vocabulary } from "../../src/workflows/filter/compile-filter.ts";

type Row = Record<string, string>;

const NAMES = ["lr", "accuracy", "model", "a name", "and", 'q"uote', "metric.x"];

const vocabulary: Vocabulary<Row> = {
  fields: {
    when: { type: "time", of: (row) => row.when ?? null },
    done: { type: "yes or no", of: (row) => row.done ?? null },
    note: { type: "text", of: (row) => row.note ?? null },
  },
  params: (row) => row,
  metrics: () => ({}),
  paramNames: new Set(NAMES),
  metricNames: new Set(),
};

const holds = (filter: string, row: Row) => compileFilter(filter, vocabulary)(row);

describe("the filter language", () => {
  it.each<[filter: string, row: Row, expected: boolean]>([
    ["accuracy > 0.9", { accuracy: "0.90000000000000000001" }, true],
    ["accuracy > 0.9", { accuracy: "0.9" }, false],
    ["accuracy = 0.90", { accuracy: "9e-1" }, true],
    ["accuracy == 9007199254740993", { accuracy: "9007199254740992" }, false],
    ["accuracy < inf", { accuracy: "1e999" }, true],
    ["accuracy = nan", { accuracy: "NaN" }, true],
    ["accuracy < 1", { accuracy: "NaN" }, false],
    ["lr=-1e-3", { lr: "-0.001" }, true],
    ['model ~ "bert"', { model: "distilBERT-base" }, true],
    ["model !~ ^bert", { model: "distilbert" }, true],
    ["model = bert", { model: "bert" }, true],
    ["model > 3", { model: "bert" }, false],
    ["model != 3", { model: "bert" }, true],
    ["lr = '0.1'", { lr: "0.10" }, false],
    ["lr in (0.1, 1e-2, big)", { lr: "0.01" }, true],
    ["lr not in (0.1, 0.2)", { lr: "0.3" }, true],
    ["lr not in (0.1, 0.2)", { lr: "0.1" }, false],
    ["lr not in (0.1)", {}, false],
    ["lr is missing", {}, true],
    ["lr is not missing", {}, false],
    ["lr != 1", {}, false],
    ["not lr = 1", {}, true],
    ["lr = 1 or lr = 2 and model = x", { lr: "1" }, true],
    ["(lr = 1 or lr = 2) and model = x", { lr: "1" }, false],
    ["not lr = 1 and model = x", { lr: "2", model: "x" }, true],
    ["NOT (lr = 1 OR lr = 2)", { lr: "2" }, false],
    ['"a name" = "it ""is"""', { "a name": 'it "is"' }, true],
    ["`and` = 1 and 'q\"uote' = 2", { and: "1", 'q"uote': "2" }, true],
    ["param.lr = 1", { lr: "1" }, true],
    ["metric.x = 1", { "metric.x": "1" }, true],
    ["when = 2026-03-01", { when: "2026-03-01T23:59:59" }, true],
    ["when > 2026-03-01", { when: "2026-03-01T23:59:59" }, false],
    ["when >= 2026-03-01T12:00Z", { when: "2026-03-01T12:00:00+00:00" }, true],
    ["done = true", { done: "yes" }, true],
    ["done = no", { done: "yes" }, false],
    ["note < b", { note: "a" }, true],
    ["note = 1", { note: "1.0" }, false],
  ])("%s of %o is %s", (filter, row, expected) => {
    expect(holds(filter, row)).toBe(expected);
  });

  it.each<[filter: string, column: number, message: string]>([
    ["", 1, "expected a name, not the end"],
    ["lr >", 5, "expected a value, not the end"],
    ["lr 0.1", 4, "expected =, !="],
    ["lr = 1 model = 2", 8, "expected and, or, or the end"],
    ["lr = 1 and", 11, "expected a name, not the end"],
    ["and = 1", 1, '"and" in quotes'],
    ["(lr = 1", 8, "expected )"],
    ["lr = 'x", 6, "the quote does not end"],
    ["lr in 1", 7, "expected ( after in"],
    ["lr in (1 2)", 10, "expected , or )"],
    ["lr is 1", 7, "expected missing"],
    ["lr not 1", 8, "expected in after not"],
    ["lr = 1 & model = 2", 8, "expected and, or"],
    ["lr ! 1", 4, "no sign of this language"],
    ["model ~ '('", 9, "Invalid regular expression"],
    ["loss = 1", 1, "nothing is called"],
    ["lr = 1 or modle = 2", 11, "nothing is called"],
    ["when > yesterday", 8, "takes a day"],
    ["when > 2026-02-30", 8, "takes a day"],
    ["done = maybe", 8, "takes yes or no"],
    ["'é' = 1 and lr !! 2", 16, "no sign"],
  ])("%j is refused at column %i", (filter, column, message) => {
    const failure = failureOf(filter);
    expect(failure).toMatchObject({ code: "E_USAGE", details: { filter, column } });
    expect(failure.message).toContain(message);
  });

  it("marks the place under the filter, and names what was meant", () => {
    const { hint } = failureOf("lr = 1 or modle = 2");
    expect(hint).toContain("did you mean model?");
    expect(hint).toBe(["did you mean model?", "  lr = 1 or modle = 2", "            ^"].join("\n"));
  });

  it("any text is a filter or refused with a column in it", () => {
    const piece = fc.oneof(
      fc.constantFrom("lr", "model", "and", "or", "not", "in", "is", "missing", "(", ")", "=", "<", "~", ",", "1", "'"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const filter = pieces.join(" ");
        try {
          compileFilter(filter, vocabulary);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpverError);
          const column = Number((error as ExpverError).details.column);
          expect(column).toBeGreaterThanOrEqual(1);
          expect(column).toBeLessThanOrEqual([...filter].length + 1);
        }
      }),
    );
  });

  it("is deep, but not without end", () => {
    expect(holds(`${"(".repeat(150)}lr = 1${")".repeat(150)}`, { lr: "1" })).toBe(true);
    expect(failureOf(`${"not ".repeat(5000)}lr = 1`)).toMatchObject({ code: "E_USAGE" });
  });
});

describe("a filter means what its tree means", () => {
  type Tree =
    | { op: "and"; of: Tree[] }
    | { op: "or"; of: Tree[] }
    | { op: "not"; of: Tree[] }
    | { op: "leaf"; name: string; sign: string; value: bigint };
  const leaf = fc.record({
    op: fc.constant("leaf" as const),
    name: fc.constantFrom(...NAMES),
    sign: fc.constantFrom("=", "!=", "<", "<=", ">", ">="),
    value: fc.bigInt({ min: -3n, max: 3n }),
  });
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.record({ op: fc.constantFrom("and" as const, "or" as const), of: fc.array(tie("tree"), { minLength: 2, maxLength: 3 }) }),
      fc.record({ op: fc.constant("not" as const), of: fc.array(tie("tree"), { minLength: 1, maxLength: 1 }) }),
    ),
  }));
  const row = fc.dictionary(fc.constantFrom(...NAMES), fc.bigInt({ min: -3n, max: 3n }));

  const evaluate = (one: Tree, cells: Record<string, bigint>): boolean => {
    if (one.op === "and") return one.of.every((part) => evaluate(part, cells));
    if (one.op === "or") return one.of.some((part) => evaluate(part, cells));
    if (one.op === "not") return !one.of.every((part) => evaluate(part, cells));
    const cell = cells[one.name];
    if (cell === undefined) return false;
    return {
      "=": cell === one.value,
      "!=": cell !== one.value,
      "<": cell < one.value,
      "<=": cell <= one.value,
      ">": cell > one.value,
      ">=": cell >= one.value,
    }[one.sign] as boolean;
  };
  const STRENGTH = { or: 0, and: 1, not: 2, leaf: 3 };
  const write = (one: Tree, outer = 0): string => {
    // Parentheses only where they are needed: so precedence is tried, too.
    const text =
      one.op === "leaf"
        ? `"${one.name.replaceAll('"', '""')}" ${one.sign} ${one.value}.0`
        : one.op === "not"
          ? `not ${write(one.of[0] as Tree, STRENGTH.not)}`
          : one.of.map((part) => write(part, STRENGTH[one.op] + 1)).join(` ${one.op} `);
    return STRENGTH[one.op] < outer ? `(${text})` : text;
  };

  it("for any tree and any row", () => {
    fc.assert(
      fc.property(tree, row, (one, cells) => {
        const texts = Object.fromEntries(Object.entries(cells).map(([name, value]) => [name, `${value}e0`]));
        expect(holds(write(one), texts)).toBe(evaluate(one, cells));
      }),
      { numRuns: 500 },
    );
  });
});

function failureOf(filter: string): ExpverError {
  try {
    compileFilter(filter, vocabulary);
  } catch (error) {
    if (error instanceof ExpverError) return error;
    throw error;
  }
  throw new Error(`${filter} was accepted`);
}
