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
