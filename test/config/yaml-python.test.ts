import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { setYamlTyped } from "../../src/config/edit-yaml.ts";
import { stringSource, typedSource } from "../../src/config/yaml-text.ts";
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
