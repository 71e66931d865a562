import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadYaml } from "../../src/config/yaml.ts";
import { yamlLine } from "../../src/store/pointers/yaml-scalar.ts";
import { peer } from "../support/peers.ts";

const RUAMEL = `
import io, json, sys
from ruamel.yaml import YAML
# Its own reader tells where it writes a text that does not come back; there we must differ.
def same(written, text):
    try: return YAML(typ="safe").load(written) == {"outs": [{"path": text}]}
    except Exception: return False
out = []
for text in json.load(sys.stdin):
    stream = io.StringIO()
    YAML().dump({"outs": [{"path": text}]}, stream)
    out.append(stream.getvalue() if same(stream.getvalue(), text) else None)
json.dump(out, sys.stdout)
`;

const word = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
  fc.stringMatching(/^[a-z0-9./_-]{1,40}$/),
  fc.constantFrom("'", '"', "\\", "#", ":", "- ", "é", "😀", "\t", "\n", "  ", " ", "\u007f", "\ufeff"),
);
const phrase = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.join(" "));
const glued = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(""));
const numeric = fc.stringMatching(/^[-+.]?[0-9eExXobT:_.-]{1,12}$/);
const text = fc.oneof(phrase, glued, numeric).filter((value) => !/[\u0085\u2028\u2029]|\p{Surrogate}/u.test(value));

it("reads back as the same text", () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(loadYaml(`outs:\n${yamlLine("- ", "path", value, 4)}`, "x.dvc", { exact: true })).toEqual({ outs: [{ path: value }] });
    }),
    { numRuns: 1000, endOnFailure: true },
  );
});

const python = peer("python");

describe.skipIf(python === null)("beside ruamel.yaml", () => {
  it("writes the same bytes", () => {
    const values = fc.sample(text, { numRuns: 3000, seed: 5 });
    const { stdout, stderr } = spawnSync(python ?? "", ["-c", RUAMEL], {
      input: JSON.stringify(values),
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    expect(stderr).toBe("");
    const theirs = JSON.parse(stdout) as (string | null)[];
    const different = values.flatMap((value, index) => {
      const ours = `outs:\n${yamlLine("- ", "path", value, 4)}`;
      return theirs[index] === null || ours === theirs[index] ? [] : [{ value, ours, theirs: theirs[index] }];
    });
    expect(different.slice(0, 5)).toEqual([]);
    expect(theirs.filter((written) => written === null).length).toBeLessThan(values.length / 20);
  });
});
