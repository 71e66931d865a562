import fc from "fast-check";
import { load, YAML11_SCHEMA } from "js-yaml";
import { describe, expect, test } from "vitest";
import { setYamlSource, setYamlTyped } from "../../src/config/edit-yaml.ts";
import { loadYaml } from "../../src/config/yaml.ts";
import { stringSource, typedSource, yamlSource } from "../../src/config/yaml-text.ts";

describe("one value changes and nothing else", () => {
  test.each([
    ["a: 1   # why\nb: 2\n", ["a"], 5, "a: 5   # why\nb: 2\n"],
    ["a: 1\r\nb: 2\r\n", ["b"], 5, "a: 1\r\nb: 5\r\n"],
    ["# top\nm:\n    x: 'q' # c\n    y: [1, 2,3]\n", ["m", "x"], "it's", "# top\nm:\n    x: it's # c\n    y: [1, 2,3]\n"],
    ["m: {x: 1 , y: 2}\n", ["m", "y"], true, "m: {x: 1 , y: true}\n"],
    ["l: [1, 2,3]\n", ["l", "1"], 9, "l: [1, 9,3]\n"],
    ["l:\n- a\n- b # c\n", ["l", "1"], "z", "l:\n- a\n- z # c\n"],
    ["l:\n- {n: 1}\n- n: 2\n  m: 3\n", ["l", "1", "m"], 4, "l:\n- {n: 1}\n- n: 2\n  m: 4\n"],
    ["t: |\n  one\n  two\nb: 1\n", ["t"], "x", "t: x\nb: 1\n"],
    ["t: |\n  one\n\nb: 1\n", ["b"], 2, "t: |\n  one\n\nb: 2\n"],
    ["a: 1\nb: 2", ["b"], 3, "a: 1\nb: 3"],
    ["a:   # empty\nb: 2\n", ["a"], 3, "a: 3   # empty\nb: 2\n"],
    ["a:\nb: 2\n", ["a"], 3, "a: 3\nb: 2\n"],
    ["a:\n  x: 1\n  y: 2\nb: 2\n", ["a"], null, "a: null\nb: 2\n"],
    ["k: &x 1\nl: *x\n", ["l"], 2, "k: &x 1\nl: 2\n"],
    ["\uFEFFa: 1\n", ["a"], 2, "\uFEFFa: 2\n"],
    ["--- # doc\na: 1\n...\n", ["a"], 2, "--- # doc\na: 2\n...\n"],
    ['"quoted key": 1\n', ["quoted key"], 2, '"quoted key": 2\n'],
    ["a: 'é\ttab'\nb: 12345678901234567890\nc: 0x1F\n", ["b"], 1, "a: 'é\ttab'\nb: 1\nc: 0x1F\n"],
  ])("%j at %j", (text, path, value, wanted) => {
    expect(setYamlSource(text, path, yamlSource(value))).toBe(wanted);
  });
});

describe("what is missing is added where it belongs", () => {
  test.each([
    ["", ["a"], 1, "a: 1\n"],
    ["# only a comment", ["a", "b"], 1, "# only a comment\na:\n  b: 1\n"],
    ["a: 1 # c\n\n# end\n", ["b"], 2, "a: 1 # c\nb: 2\n\n# end\n"],
    ["a: 1", ["b"], 2, "a: 1\nb: 2\n"],
    ["a: 1\r\n", ["b", "c"], 2, "a: 1\r\nb:\r\n  c: 2\r\n"],
    ["m:\n    x: 1  # c\nb: 1\n", ["m", "w"], 2, "m:\n    x: 1  # c\n    w: 2\nb: 1\n"],
    ["m:\n    x: 1\nb: 1\n", ["k", "w", "z"], 2, "m:\n    x: 1\nb: 1\nk:\n    w:\n        z: 2\n"],
    ["m: {}\n", ["m", "x"], 1, "m: {x: 1}\n"],
    ["m: { x: 1 }  # c\n", ["m", "w", "z"], 2, "m: { x: 1, w: {z: 2} }  # c\n"],
    ["m:\nb: 1\n", ["m", "x"], 1, "m:\n  x: 1\nb: 1\n"],
    ["m: ~\n", ["m", "x"], 1, "m: {x: 1}\n"],
    ["{m: , n: 1}\n", ["m", "x"], 1, "{m: {x: 1} , n: 1}\n"],
    ["l:\n- n: 1\n- n: 2\n", ["l", "0", "m"], 3, "l:\n- n: 1\n  m: 3\n- n: 2\n"],
    ["m:\n  t: |\n    text\n\nb: 1\n", ["m", "u"], 1, "m:\n  t: |\n    text\n\n  u: 1\nb: 1\n"],
    ["m:\n  - deep:\n      er: 1 # c\nb: 1\n", ["m", "0", "deep", "x"], 1, "m:\n  - deep:\n      er: 1 # c\n      x: 1\nb: 1\n"],
    ["base: &b {x: 1}\nm:\n  <<: *b\n", ["m", "x"], 2, "base: &b {x: 1}\nm:\n  <<: *b\n  x: 2\n"],
    ["a: 1\n", ["data/**: x"], ["p", "q r"], "a: 1\n'data/**: x': [p, q r]\n"],
  ])("%j at %j", (text, path, value, wanted) => {
    expect(setYamlSource(text, path, yamlSource(value))).toBe(wanted);
  });
});

test("setting what is there already changes no byte", () => {
  const text = "a: 0.10 # x\nb: 'yes'\nc: [1.0e-4, ~]\n";
  for (const [path, typed] of [
    ["a", "0.10"],
    ["b", "yes"],
  ] as const)
    expect(setYamlTyped(text, [path], typed)).toBe(text);
});

test.each([
  ["a: 5\n", ["a", "b"], /:1: cannot set a\.b: what stands here is a single value/],
  ["l: [1]\n", ["l", "4"], /has no item 4/],
  ["b: &x {y: 1}\na: *x\n", ["a", "y"], /:2: .*behind an alias/],
  ["b: &x {y: 2}\na: *x\n", ["b", "y"], /without changing more than that/],
  ["a: [\n", ["a"], /not valid YAML/],
])("%j at %j is refused, naming the place", (text, path, message) => {
  expect(() => setYamlTyped(text, path, "1", "params.yaml")).toThrow(
    expect.objectContaining({ code: "E_CONFIG", message: expect.stringMatching(message) }),
  );
});

describe("typed text in a JSON file leaves JSON", () => {
  test.each<[string, unknown]>([
    ["imagenet", "imagenet"],
    ["007", "007"],
    ["a b", "a b"],
    ['say "no"', 'say "no"'],
    ["yes", "yes"],
    ["True", true],
    ["null", null],
    ["+5", 5],
    [".5", 0.5],
    ["1e-5", 1e-5],
    ["0x1F", "0x1F"],
    ["{lr}", "{lr}"],
    ["[a, 1e-3, [true, ~]]", ["a", 1e-3, [true, null]]],
    ['{"a": b}', { a: "b" }],
  ])("%s", (typed, value) => {
    const text = '{"n": 3, "list": [1, 2], "deep": {"k": null}, "last": true}\n';
    for (const path of [["n"], ["list", "1"], ["deep", "k"], ["last"]]) {
      const made = JSON.parse(setYamlTyped(text, path, typed, "params.json"));
      expect(path.reduce((inner, key) => inner[key], made)).toEqual(value);
    }
  });
});

describe("typed text becomes what YAML 1.1 and 1.2 readers agree on", () => {
  test.each([
    ["1e-4", "1.0e-4"],
    ["1E5", "1.0e+5"],
    ["-.5", "-0.5"],
    ["5.", "5.0"],
    ["0.10", "0.10"],
    ["12345678901234567890", "12345678901234567890"],
    ["true", "true"],
    ["yes", "'yes'"],
    ["007", "'007'"],
    ["0o17", "'0o17'"],
    ["1_000", "'1_000'"],
    ["1:30", "'1:30'"],
    ["2026-01-02", "'2026-01-02'"],
    ["null", "null"],
    ["", "''"],
    ["sgd", "sgd"],
    ["a: b", "'a: b'"],
    ["[32, 1e-3, yes]", "[32, 1.0e-3, 'yes']"],
    ['{"a": 1, "b": [true]}', "{a: 1, b: [true]}"],
    ["[not closed", "'[not closed'"],
    ["{lr}", "'{lr}'"],
    ["{}", "{}"],
    ["{a: {b}}", "{a: {b: null}}"],
    ["{a: 1, a: 2}", "'{a: 1, a: 2}'"],
    ["line\nbreak", '"line\\nbreak"'],
  ])("%j → %s", (typed, source) => {
    expect(typedSource(typed)).toBe(source);
  });

  test("a value that was a quoted text stays one", () => {
    expect(setYamlTyped('lr: "0.1" # text on purpose\n', ["lr"], "0.2")).toBe('lr: "0.2" # text on purpose\n');
  });

  test("any text reads back as itself with both", () => {
    const both = (source: string) => [loadYaml(`v: ${source}\n`, "x"), load(`v: ${source}\n`, { schema: YAML11_SCHEMA })];
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.stringMatching(/^[-+.0-9eExXo_:a-f]{1,6}$/)), (text) => {
        expect(both(stringSource(text))).toEqual([{ v: text }, { v: text }]);
        expect(both(`[${stringSource(text)}]`)).toEqual([{ v: [text] }, { v: [text] }]);
        const [newer, older] = both(typedSource(text));
        expect(older).toEqual(newer);
      }),
      { numRuns: 2000 },
    );
  });

  test("any number reads back as itself with both", () => {
    fc.assert(
      fc.property(fc.double(), (number) => {
        for (const schema of [undefined, YAML11_SCHEMA]) {
          expect(load(`v: ${yamlSource(number)}\n`, schema ? { schema } : {})).toEqual({ v: number });
        }
      }),
    );
  });
});

test("random edits of random documents change exactly one value", () => {
  const scalar = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
  const key = fc.constantFrom("a", "b", "long key", "é");
  const flowOrBlock = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie("node"), { maxLength: 3 }), fc.dictionary(key, tie("node"), { maxKeys: 3 })),
  })).node;
  fc.assert(
    fc.property(fc.dictionary(key, flowOrBlock, { minKeys: 1, maxKeys: 4 }), fc.boolean(), key, scalar, (document, flow, at, value) => {
      const lines = Object.entries(document).map(
        ([word, item]) => `${stringSource(word)}:${flow ? ` ${yamlSource(item as never)}` : block(item, "  ")} # note ${word}`,
      );
      const text = `# head\n${lines.join("\n")}\n`;
      const after = setYamlSource(text, [at], yamlSource(value));
      expect(loadYaml(after, "x")).toEqual({ ...document, [at]: value });
      for (const word of Object.keys(document)) expect(after).toContain(`# note ${word}`);
    }),
  );
});

/** A value in block style behind `key:`. */
function block(value: unknown, indent: string): string {
  if (Array.isArray(value) && value.length > 0) return value.map((item) => `\n${indent}-${block(item, `${indent}  `)}`).join("");
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    return Object.entries(value)
      .map(([key, item]) => `\n${indent}${stringSource(key)}:${block(item, `${indent}  `)}`)
      .join("");
  }
  return ` ${yamlSource(value as never)}`;
}
