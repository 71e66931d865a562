/** `expver report`: true numbers, a picture, and nothing experiments wrote comes through as markup. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { metricChart } from "../../src/workflows/report/chart.ts";
import type { Report } from "../../src/workflows/report/report.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;

beforeAll(() => {
  const base = openTestRepository(makeFolder("report"));
  expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
  repo = openTestRepository(join(base.root, "demo"));
});

it("says which is best, and what the newest changed, to the digit", () => {
  const { code, stdout } = repo.expver(["report"]);
  expect(code).toBe(0);
  expect(stdout).toContain("Best: **e0.2.0**, accuracy = 0.94.");
  expect(stdout).toContain("## e0.2.0 against e0.1.0");
  expect(stdout).toContain("| accuracy | 0.84 | 0.94 | +0.1 better |");
  expect(stdout).toContain("| lr | 0.1 | 1 | parameter |");
  expect(stdout).toMatch(/\| e0\.1\.0 \| 0\.84 \| 0\.31853145704935404 \|/);
  expect(repo.expver(["report", "e0.1.0", "--against", "e0.2.0"]).stdout).toContain("| accuracy | 0.94 | 0.84 | -0.1 worse |");
});

it("the best is the best also where the list begins with the worst", () => {
  const { stdout } = repo.expver(["report", "--sort=-accuracy"]);
  expect(stdout).toContain("Best: **e0.2.0**, accuracy = 0.94.");
  expect(stdout.indexOf("| e0.1.0 | 0.84")).toBeLessThan(stdout.indexOf("| e0.2.0 | 0.94"));
});

it("of two versions in one second the higher number is the newest", () => {
  const two = makeRepository();
  expect(two.expver(["init", "--yes"]).code).toBe(0);
  two.write("expver.yaml", `${two.read("expver.yaml")}\nmetrics: { accuracy: max }\n`);
  two.commit("one second");
  const date = "2026-03-01T12:00:00Z";
  for (const [version, accuracy] of [
    ["e0.9.0", 0.9],
    ["e0.10.0", 0.8],
  ])
    two.run("git", ["tag", "-a", `${version}`, "-m", `x\n\nKind: run\nMetric: accuracy=${accuracy} max`], {
      env: { GIT_COMMITTER_DATE: date },
    });
  const { data } = two.expverJson(["report"]);
  expect(data).toMatchObject({ version: "e0.10.0", against: "e0.9.0", best: "e0.9.0" });
});

it("writes Markdown and picture, replaces its own, and nothing else", () => {
  const first = repo.expverJson(["report", "--out", "report"]);
  expect(first).toMatchObject({ code: 0, data: { version: "e0.2.0", against: "e0.1.0", best: "e0.2.0" } });
  expect((first.data as Report).written).toHaveLength(2);
  expect(repo.read("report/report.md")).toContain("![accuracy over the versions](metric.svg)");
  expect(repo.read("report/metric.svg")).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<circle[\s\S]*<\/svg>\n$/);
  expect(repo.expver(["report", "--out", "report"]).code).toBe(0);
  repo.write("mine/report.md", "my own\n");
  expect(repo.expverJson(["report", "--out", "mine"])).toMatchObject({ code: 4, error: { code: "E_UNSAVED" } });
  expect(repo.read("mine/report.md")).toBe("my own\n");
  repo.write("pictures/metric.svg", "<svg>my own</svg>\n");
  expect(repo.expverJson(["report", "--out", "pictures"])).toMatchObject({ code: 4, error: { code: "E_UNSAVED" } });
  expect(repo.read("pictures/metric.svg")).toBe("<svg>my own</svg>\n");
  expect(repo.expver(["report", "--out", "dry", "--dry-run"]).code).toBe(0);
  expect(() => repo.read("dry/report.md")).toThrow();
});

it("writes a file where one is named, its picture beside it, and refuses what is no Markdown", () => {
  expect(repo.expver(["report", "-o", "pages/my results.md"]).stdout).toBe(
    `${join(repo.root, "pages/my results.md")}\n${join(repo.root, "pages/my results.svg")}\n`,
  );
  expect(repo.read("pages/my results.md")).toContain("](my%20results.svg)");
  expect(repo.read("pages/my results.svg")).toMatch(/^<svg /);
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(existsSync(join(repo.root, "pages"))).toBe(false);
  mkdirSync(join(repo.root, "folder.md"));
  expect(repo.expver(["report", "-o", "folder.md"]).code).toBe(0);
  expect(repo.read("folder.md/report.md")).toContain("](metric.svg)");
  expect(repo.expver(["report", "-o", "v1.2"]).code).toBe(0);
  expect(repo.read("v1.2/report.md")).toContain("# Experiments");
  for (const other of ["r.html", "expver.yaml"]) {
    const { code, error } = repo.expverJson(["report", "--out", other]);
    expect([code, error?.code]).toEqual([2, "E_USAGE"]);
    expect(error?.hint).toContain(`expver report --out ${other.replace(/\.\w+$/, ".md")}`);
  }
  expect(existsSync(join(repo.root, "r.html"))).toBe(false);
});

it("keeps what --force replaces, its own reports with added lines, and files of folders outside", () => {
  const outside = makeFolder("wiki");
  for (const folder of ["mine", outside]) {
    const page = join(folder === outside ? "" : repo.root, folder, "report.md");
    mkdirSync(dirname(page), { recursive: true });
    writeFileSync(page, "my own\n");
    expect(repo.expver(["report", "--out", folder, "--force"]).code).toBe(0);
    const made = readFileSync(page, "utf8");
    expect(made).toContain("# Experiments");
    writeFileSync(page, `${made}my remark\n`);
    expect(repo.expver(["report", "--out", folder]).code).toBe(0);
    expect(readFileSync(page, "utf8")).toBe(made);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(readFileSync(page, "utf8")).toBe(`${made}my remark\n`);
    writeFileSync(page, made);
    // Nothing to write is no operation: this undoes the first one.
    expect(repo.expver(["report", "--out", folder]).code).toBe(0);
    expect(repo.expver(["undo"]).code).toBe(0);
    expect(readFileSync(page, "utf8")).toBe("my own\n");
    expect(existsSync(join(dirname(page), "metric.svg"))).toBe(false);
  }
});

it("leaves the old file or the new one wherever it is killed, and the old one in the end", () => {
  const small = makeRepository();
  expect(small.expver(["init"]).code).toBe(0);
  small.commit("start", { "a.txt": "a\n" });
  const points = atEveryKill((at) => {
    small.write("out/report.md", "my own\n");
    const killed = runKilledAt(small, ["report", "--out", "out", "--force"], at);
    expect([at, small.read("out/report.md")]).toEqual([at, expect.stringMatching(/^my own\n$|# Experiments/)]);
    expect(small.expver(["doctor", "--fix"]).code).toBe(0);
    const last = small.expverJson(["ops"]).data.operations.find((one: { command: string }) => one.command === "report");
    if (last?.state === "done") expect(small.expver(["undo"]).code).toBe(0);
    expect([at, small.read("out/report.md")]).toEqual([at, "my own\n"]);
    return killed;
  }, sampledPoints(7));
  expect(points).toBeGreaterThan(5);
});

it("says so when there is nothing", () => {
  const empty = makeRepository();
  expect(empty.expver(["init"]).code).toBe(0);
  expect(empty.expver(["report"]).stdout).toContain("There is no version yet.");
});

it("lets no markup of experiments through", () => {
  const hostile = makeRepository();
  expect(hostile.expver(["init"]).code).toBe(0);
  hostile.commit("start", { "a.txt": "a\n" });
  hostile.git(
    "tag",
    "-m",
    "accuracy=0.5 | <script>alert(1)</script> [x](javascript:y) @everyone #1 https://e.org www.e.org | ![p](http://e/x.png) GH-1 :tada: $x^2$",
    "e0.1.0",
  );
  hostile.git("tag", "-m", `accuracy=0.6 | prompt="a\\nb" | ${"long".repeat(40)} ${"words of it ".repeat(40)}`, "e0.2.0");
  const { stdout } = hostile.expver(["report"]);
  const rows = stdout.split("\n").filter((line) => line.startsWith("| e0."));
  const columns = (line: string) => line.replace(/\\\|/g, "").split("|").length;
  expect(rows.map(columns)).toEqual(rows.map(() => columns(stdout.split("\n").find((line) => line.startsWith("| version")) ?? "")));
  expect(rows).toHaveLength(2);
  for (const text of rows.flatMap((row) => row.split("|"))) expect(text.length).toBeLessThan(400);
  for (const word of stdout.split(/[ ]/)) expect(word.length).toBeLessThan(80);
  expect(stdout).toContain(`${"long".repeat(14)}lon…`);
  expect(stdout).not.toMatch(/GH-1|:tada:|\$x/);
  expect(stdout).not.toMatch(/<script|[^\\]\[x\]|@everyone|#1|:\/\/|www\.|[^\\]!\\?\[p/);
});

describe("the picture", () => {
  const drawn = (values: string[], names = values.map((_, index) => `e0.${index + 1}.0`)) =>
    metricChart(
      values.map((value, index) => ({ version: names[index] ?? "", value })),
      { metric: "loss", direction: "min", best: names[0] ?? null },
    );
  const labels = (svg: string, anchor: string) =>
    [...svg.matchAll(new RegExp(`<text x="([\\d.]+)" y="[\\d.]+" text-anchor="${anchor}"[^>]*>([^<]*)`, "g"))].map(([, x, text]) => ({
      x: Number(x),
      text: text ?? "",
    }));

  it("has round numbers at its side that are told apart, however large, small or close", () => {
    for (const values of [
      ["0.84", "0.94"],
      ["123456789", "123456796"],
      ["1e-9", "1.2e-8"],
      ["3", "3"],
      ["-5", "1e12"],
    ]) {
      const ticks = labels(drawn(values), "end").filter(({ text }) => !text.startsWith("best"));
      expect([values, new Set(ticks.map(({ text }) => text)).size]).toEqual([values, ticks.length]);
      expect([values, ticks.length >= 2]).toEqual([values, true]);
    }
    expect(labels(drawn(["0.84", "0.94"]), "end").map(({ text }) => text)).toContain("0.90");
  });

  it("names as many versions as have room", () => {
    for (const [count, name] of [
      [400, "e0.100.0"],
      [12, "experiment100.100.1000"],
    ] as const) {
      const svg = drawn(Array(count).fill("1"), Array(count).fill(name));
      const shown = labels(svg, "middle");
      for (const [index, { x, text }] of shown.entries()) {
        const next = shown[index + 1];
        expect(next === undefined || next.x - x > text.length * 6.5).toBe(true);
        expect(x + text.length * 3.6).toBeLessThanOrEqual(720);
      }
      expect(shown.length).toBeGreaterThan(3);
    }
  });

  it("leaves a gap where there is no number, and names the best", () => {
    const svg = drawn(["0.5", "0.6", "nan", "0.7", "0.8"]);
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg.match(/<circle/g)).toHaveLength(4);
    expect(svg).toContain(">best e0.1.0: 0.5<");
  });
});

it("draws any values, and always well-formed text", () => {
  const value = fc.oneof(fc.double().map(String), fc.constantFrom("nan", "inf", "1e308", "-1e308", "", "<b>", "0"));
  const points = fc.array(fc.record({ version: fc.string(), value }), { maxLength: 60 });
  fc.assert(
    fc.property(points, fc.string(), (all, metric) => {
      const svg = metricChart(all, { metric, direction: "max", best: all[0]?.version ?? null });
      expect(svg).not.toMatch(/ (?:[xy][12]?|c[xy]|points)="[^"]*(?:NaN|Infinity|undefined)/);
      // Outside of tags there is no angle bracket and no bare ampersand.
      expect(svg.replace(/<[^<>]*>/g, "")).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/);
    }),
  );
});
