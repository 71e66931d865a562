/** Texts that are small, and what they stand for is not. */
import { expect, it } from "vitest";
import { loadYaml } from "../../src/config/yaml.ts";

const chain = (levels: number, times: number) =>
  ["a0: &a0 [x]", ...Array.from({ length: levels }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(times).fill(`*a${n}`).join(", ")}]`)].join(
    "\n",
  );

it.each([
  ["ten of ten of ten …, by ninety aliases", chain(9, 10)],
  ["a value inside of itself", "a: &a [1, *a]\n"],
  ["one in one in one …", chain(5000, 1)],
])("%s are refused", (_what, text) => {
  for (const exact of [true, false])
    expect(() => loadYaml(text, "dvc.yaml", { exact })).toThrow(
      expect.objectContaining({ code: "E_CONFIG", message: "dvc.yaml: its aliases (*name) stand for more than 200000 values" }),
    );
});

it("aliases that people write are as many as they like; a star is no alias", () => {
  const stages = Array.from({ length: 2000 }, (_, n) => `s${n}: *same`).join("\n");
  const values = loadYaml(`same: &same {cmd: x, outs: [a, b]}\n${stages}\nglob: "*.csv"\n`, "dvc.yaml") as Record<string, unknown>;
  expect(values.s1999).toEqual({ cmd: "x", outs: ["a", "b"] });
  expect(Object.keys(values)).toHaveLength(2002);
  const names = `- "*"\n${"- a\n".repeat(300_000)}`;
  expect(loadYaml(names, "listing")).toHaveLength(300_001);
});

it("`<<` brings the keys of what it names, as for Python; one's own go before them", () => {
  const text = "base: &b {lr: 1e-5, depth: 03}\nmore: &m {drop: no}\ntrain:\n  <<: [*b, *m]\n  depth: 4\nquoted: {'<<': x}\n";
  expect(loadYaml(text, "params.yaml", { exact: true })).toMatchObject({
    train: { lr: "1e-5", depth: "4", drop: "no" },
    quoted: { "<<": "x" },
  });
  expect(loadYaml(text, "dvc.yaml")).toMatchObject({ train: { lr: 1e-5, depth: 4, drop: "no" } });
  expect(() => loadYaml("a: {<<: 1}\n", "params.yaml")).toThrow(expect.objectContaining({ code: "E_CONFIG" }));
});
