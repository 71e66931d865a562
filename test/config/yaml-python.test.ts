import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { setYamlTyped } from "../../src/config/edit-yaml.ts";
import { stringSource, typedSource } from "../../src/config/yaml-text.ts";
import { ambiguousScalars } from "../../src/config/yaml-versions.ts";
import { peer } from "../support/peers.ts";

const python = peer("python");

/** Loads documents with PyYAML (YAML 1.1) and ruamel.yaml (1.2, as dvc does); answers those on which they differ, or differ from `text`. */
const JUDGE = `
import json, sys, yaml
from ruamel.yaml import YAML
newer = YAML(typ="safe", pure=True)
wrong = []
for source, text in json.load(sys.stdin):
    try:
        one, two = yaml.safe_load(source)["v"], newer.load(source)["v"]
        same = type(one) is type(two) and (one == two or one != one)
        if not same or (text is not None and one != text): wrong.append([source, repr(one), repr(two)])
    except Exception as error: wrong.append([source, str(error), ""])
json.dump(wrong, sys.stdout)
`;

const judge = (documents: [source: string, text: string | null][]): unknown => {
  const { stdout, stderr, status } = spawnSync(python ?? "", ["-c", JUDGE], { input: JSON.stringify(documents), encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
};

describe.skipIf(!python)("YAML as Python's readers see it", () => {
  const texts = fc.sample(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }),
      fc.stringMatching(/^[-+.0-9eExXo_:a-fTZ]{1,8}$/),
      fc.stringMatching(/^[a-zA-Z ,:#'"!&*?|>%@`{}[\]=~-]{1,8}$/),
      fc.constantFrom("yes", "No", "on", "null", "~", "1e5", "0o17", "010", "1_000", "12:30:45", "2026-01-02", ".inf", "=", "<<", "._"),
    ),
    { numRuns: 2000, seed: 20260301 },
  );

  test("any text is read back as itself", () => {
    expect(judge(texts.map((text) => [`v: ${stringSource(text)}\n`, text]))).toEqual([]);
  });

  test("any typed parameter is read as the same value and type by both", () => {
    expect(judge(texts.map((text) => [`v: ${typedSource(text)}\n`, null]))).toEqual([]);
  });

  test("a scalar that one of them takes for another number or truth than the other is named", () => {
    const plain = [
      ...fc.sample(fc.stringMatching(/^[-+]?[0-9][-+.0-9eExo:ab]{0,6}$/), { numRuns: 1500, seed: 20261127 }),
      ..."yes No on OFF y true 1e-4 1.0e-4 1E3 .5 5. 0o17 017 010 00 0 08 0x1F 12:30 1.5e3 1.5e+3 -1e5 +1 text 3.10".split(" "),
    ].filter((text) => !/[:-]$|^-|:.*\d{4}|^\d{4}-|^0x$|^[-+]?0b|^[-+]0[xo]/.test(text));
    const documents = plain.map((text): [string, string | null] => [`v: ${text}\n`, null]);
    // ruamel.yaml reads underscores and signed hexadecimals as YAML 1.1 does: they are no question for it. Dates and times of day are texts or dates, never another number.
    const differing = new Set(
      (judge(documents) as [string, string, string][])
        .filter(([, one]) => !/datetime|invalid|day|month|hour|minute|range/.test(one))
        .map(([source]) => source),
    );
    const named = new Set(documents.flatMap(([source]) => (ambiguousScalars(source, "p.yaml").length > 0 ? [source] : [])));
    expect([...named].filter((source) => !differing.has(source))).toEqual([]);
    expect([...differing].filter((source) => !named.has(source))).toEqual([]);
    expect(named.size).toBeGreaterThan(10);
    expect(ambiguousScalars("a: {b: [1e-4, '1e-4', 1.0e-4]}\nflag: yes\nn: 1_000\n", "p.yaml")).toEqual([
      { name: "a.b.0", text: "1e-4", old: "a text", clear: "1.0e-4" },
      { name: "flag", text: "yes", old: "a boolean", clear: "true" },
      { name: "n", text: "1_000", old: "a number", clear: "1000" },
    ]);
  });

  test("a parameter set in a file is the number that was typed", () => {
    const file = setYamlTyped("v: 0.1 # learning rate\n", ["v"], "1e-4");
    expect(file).toBe("v: 1.0e-4 # learning rate\n");
    const read = spawnSync(python ?? "", ["-c", "import sys, yaml; print(repr(yaml.safe_load(sys.stdin)['v']))"], {
      input: file,
      encoding: "utf8",
    });
    expect(read.stdout.trim()).toBe("0.0001");
  });
});
