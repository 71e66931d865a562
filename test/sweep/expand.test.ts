/** From flags and files to the settings of every run. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expand, type Space } from "../../src/workflows/sweep/settings/expand.ts";
import { gridValues } from "../../src/workflows/sweep/settings/grid-values.ts";
import { drawSample, parseRange } from "../../src/workflows/sweep/settings/ranges.ts";
import { parseCsv, readSettings } from "../../src/workflows/sweep/settings/settings-file.ts";
import { makeExperiment } from "../run/story.ts";
import { makeRepository } from "../support/repository.ts";

const space = (some: Partial<Space>): Space => ({ grid: [], list: [], ranges: [], samples: 0, seed: "0", repeat: 1, ...some });

describe("grid", () => {
  it("is every combination, the last name changing fastest", () => {
    const grid: Space["grid"] = [
      ["lr", ["0.10", "1e-5"]],
      ["l2", ["0", "1e-3"]],
    ];
    expect(expand(space({ grid }))).toEqual([
      { lr: "0.10", l2: "0" },
      { lr: "0.10", l2: "1e-3" },
      { lr: "1e-5", l2: "0" },
      { lr: "1e-5", l2: "1e-3" },
    ]);
  });

  it("takes numbers at equal distances, digits exact, and refuses what is meant as a range and is none", () => {
    expect(gridValues("x", ["1..4"])).toEqual(["1", "2", "3", "4"]);
    expect(gridValues("x", ["-1..1", "7"])).toEqual(["-1", "0", "1", "7"]);
    // Not 0.30000000000000004.
    expect(gridValues("x", ["0..0.4..0.1"])).toEqual(["0", "0.1", "0.2", "0.3", "0.4"]);
    expect(gridValues("x", ["1e-3..3e-3..1e-3"])).toEqual(["0.001", "0.002", "0.003"]);
    for (const literal of ["1:10", "main..dev", "1..", "..2", "a.b", "1..2..3..4", "log:5"])
      expect(gridValues("x", [literal])).toEqual([literal]);
    const bad = [
      "range:1:100:1",
      "range(1",
      "log:1e-4..1e-1",
      "5..1",
      "0..1..0.3",
      "0..1..x",
      "0.5..2",
      "1..5..0",
      "1..5..-1",
      "1..1000000",
    ];
    for (const text of bad) expect(() => gridValues("x", [text]), text).toThrow(/--grid x=/);
  });

  it("typed with a comma too many, or with a shell's empty variable, is refused; a file may say an empty value", () => {
    const repo = makeExperiment();
    for (const text of ["lr=1,2,", "lr=", "lr=1,,2"]) {
      const { code, error } = repo.expverJson(["sweep", "--grid", text, "--dry-run", "--", "true"]);
      expect({ code, error }).toMatchObject({ code: 2, error: { code: "E_USAGE", message: `--grid ${text} has an empty value` } });
    }
    repo.write("space.yaml", 'sweep: { grid: { lr: ["", 1] } }\n');
    expect(repo.expver(["sweep", "--from", "space.yaml", "--dry-run", "--", "true"]).code).toBe(0);
  });

  it("has as many runs as the product of its sizes, all different", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 3 }), (lengths, repeat) => {
        const grid = lengths.map((length, index): [string, string[]] => [`p${index}`, Array.from({ length }, (_, value) => `${value}`)]);
        const runs = expand(space({ grid, repeat }));
        expect(runs.length).toBe(lengths.reduce((product, length) => product * length, repeat));
        expect(new Set(runs.map((run) => JSON.stringify(run))).size).toBe(runs.length);
      }),
    );
  });

  it("combines with a list, repeats with seeds, and sets no name twice", () => {
    const list = [{ model: "tree" }, { model: "net", width: "8" }];
    expect(expand(space({ list, grid: [["lr", ["1", "2"]]], repeat: 2, seed: "7" }))).toEqual([
      { model: "tree", lr: "1", seed: "7" },
      { model: "tree", lr: "1", seed: "8" },
      { model: "tree", lr: "2", seed: "7" },
      { model: "tree", lr: "2", seed: "8" },
      { model: "net", width: "8", lr: "1", seed: "7" },
      { model: "net", width: "8", lr: "1", seed: "8" },
      { model: "net", width: "8", lr: "2", seed: "7" },
      { model: "net", width: "8", lr: "2", seed: "8" },
    ]);
    expect(() => expand(space({ list: [{ lr: "1" }], grid: [["lr", ["2"]]] }))).toThrow("lr is set in two ways");
    expect(() => expand(space({ grid: [["seed", ["2"]]], repeat: 2 }))).toThrow("--repeat");
    const wide = Array.from({ length: 1000 }, (_, value) => `${value}`);
    expect(() =>
      expand(
        space({
          grid: [
            ["a", wide],
            ["b", wide],
          ],
        }),
      ),
    ).toThrow("1000000 runs");
  });
});

describe("samples", () => {
  const bounds = fc.tuple(fc.constantFrom("", "log:", "int:"), fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 1000 }));

  it("the same seed gives the same samples; more of them leave the first as they are; all lie within", () => {
    fc.assert(
      fc.property(bounds, fc.string(), fc.integer({ min: 1, max: 20 }), ([kind, from, width], seed, samples) => {
        const range = parseRange("p", `${kind}${from}..${from + width}`);
        const draw = (count: number) => expand(space({ ranges: [["p", range]], samples: count, seed }));
        expect(draw(samples)).toEqual(draw(samples));
        expect(draw(samples + 3).slice(0, samples)).toEqual(draw(samples));
        for (const { p } of draw(samples)) {
          expect(Number(p)).toBeGreaterThanOrEqual(from);
          expect(Number(p)).toBeLessThanOrEqual(from + width);
          if (kind === "int:") expect(Number.isInteger(Number(p))).toBe(true);
        }
      }),
    );
  });

  it("another seed gives others, and a logarithmic range is even in its digits", () => {
    const range = parseRange("lr", "log:1e-4..1");
    const drawn = (seed: string) => Array.from({ length: 400 }, (_, sample) => Number(drawSample("lr", range, { seed, sample })));
    expect(drawn("1")).not.toEqual(drawn("2"));
    const small = drawn("1").filter((value) => value < 1e-2).length;
    expect(small).toBeGreaterThan(150);
    expect(small).toBeLessThan(250);
  });

  it("chooses among words, and says what is no range", () => {
    const words = Array.from({ length: 60 }, (_, sample) => drawSample("m", parseRange("m", "a,b,c"), { seed: "0", sample }));
    expect(new Set(words)).toEqual(new Set(["a", "b", "c"]));
    for (const text of ["log:0..1", "int:1..2.5", "2..1", "x..y", "log:3", ""]) expect(() => parseRange("p", text)).toThrow("is no range");
  });
});

describe("a file of settings", () => {
  it("says the same as YAML, JSON and CSV, every digit kept", () => {
    const repo = makeRepository();
    repo.write("s.yaml", "- {lr: 1e-5, name: 'a, b'}\n- {lr: 0.10, net: {depth: 2}}\n");
    repo.write("s.json", '[{"lr": 1e-5, "name": "a, b"}, {"lr": 0.10, "net": {"depth": 2}}]');
    repo.write("s.csv", 'lr,name,net.depth\n1e-5,"a, b",\n0.10,,2\n');
    const wanted = [
      { lr: "1e-5", name: "a, b" },
      { lr: "0.10", "net.depth": "2" },
    ];
    for (const file of ["s.yaml", "s.json", "s.csv"]) expect(readSettings(`${repo.root}/${file}`, file)).toEqual(wanted);
  });

  it("is read back from CSV as it was written", () => {
    const cell = fc.string({ minLength: 1 }).filter((text) => text.trim() === text);
    fc.assert(
      fc.property(fc.array(fc.record({ a: cell, b: cell }), { minLength: 1 }), (entries) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const text = `a,b\r\n${entries.map(({ a, b }) => `${quoted(a)},${quoted(b)}\r\n`).join("")}`;
        expect(parseCsv(text, "x.csv")).toEqual(entries);
      }),
    );
    expect(() => parseCsv("a,a\n1,2\n", "x.csv")).toThrow("does not name every column once");
    expect(() => parseCsv("a;b\n1;2\n", "x.csv")).toThrow("cells are parted by commas, and its first line is a;b");
    expect(() => parseCsv("a\n1,2\n", "x.csv")).toThrow("line 2");
    expect(() => parseCsv('a,b\n1,"2\n3,4\n', "x.csv")).toThrow("line 2 has a quote that does not end its cell");
    expect(() => parseCsv('a\n"x"y\n', "x.csv")).toThrow("line 2");
  });
});
