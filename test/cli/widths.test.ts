/** Nothing is wider than the terminal, whatever is in it. */
import { beforeAll, describe, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/parse.ts";
import { textWidth } from "../../src/cli/text-width.ts";
import { CATALOGUE } from "../../src/workflows/catalogue/index.ts";
import { expverInTerminal, python } from "../support/pty.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

describe("help", () => {
  const pages = [[], ["data"], ["data", "remote"], ["data", "cache"], ["runs"], ["ops"], ...CATALOGUE.map(({ name }) => name.split(" "))];

  it.each([40, 60, 80, 100])("fits %i columns", async (width) => {
    for (const words of pages) {
      const parsed = await parseArguments(["help", ...words], CATALOGUE, { width });
      if (parsed.kind !== "text") throw new Error("no help");
      // Command lines are to be pasted and stay whole.
      const prose = parsed.text.split("\n").filter((line) => !/^(Usage:| {2}\$ | {2}-|Also:)/.test(line));
      expect(
        prose.filter((line) => textWidth(line) > width),
        words.join(" "),
      ).toEqual([]);
    }
  });
});

describe.skipIf(python === null)("a terminal", () => {
  let repo: TestRepository;

  beforeAll(() => {
    repo = makeRepository();
    repo.expver(["init"]);
    repo.git("config", "core.pager", "cat");
    repo.write("expver.yaml", "metrics: { 准确率: max }\n");
    const long = "数据集 🎉 学习率调整 with a very long description that no terminal of forty columns can hold at once 👩‍👩‍👧";
    const metrics = '{ "准确率": 0.86670000000000003, "loss": 1e-05, "another_rather_long_name": 12345.678901234567 }';
    for (const lr of ["0.1", "1e-05"]) {
      const program = `echo '${metrics.replace("003,", lr === "0.1" ? "003," : "004,")}' > metrics.json`;
      repo.expver(["run", "-m", long, "--param", `lr=${lr}`, "--metrics", "metrics.json", "--", "sh", "-c", program]);
    }
  });

  it.each([
    ["list"],
    ["list --sort version"],
    ["list --tags"],
    ["worktree list"],
    ["diff e0.1.0 e0.2.0"],
    ["runs"],
    ["ops"],
    ["doctor"],
    ["advise"],
    ["advise cleanup"],
  ])("%s fits, and says what it left out", (line) => {
    for (const width of [40, 80, 200]) {
      const { code, lines } = expverInTerminal(repo, line.split(" "), { width });
      expect(code).toBe(0);
      // A path or a command to paste cannot be broken.
      const wide = lines.filter((text) => textWidth(text) > width && !text.includes(repo.root) && !/^ +(\$|expver) /.test(text));
      expect({ width, wide }).toEqual({ width, wide: [] });
      if (line !== "list --tags" && lines.some((text) => text.includes("…"))) expect(lines.join(" ")).toMatch(/cut for width:/);
      if (line.startsWith("diff")) {
        for (const word of ["0.86670000000000003", "0.86670000000000004", "e0.1.0", "e0.2.0", "0.1", "1e-05"])
          expect({ width, text: lines.join("\n") }).toEqual({ width, text: expect.stringContaining(word) });
      }
      if (line === "list") expect(lines.join("\n")).toContain("0.86670000000000003");
    }
  });

  it("what one asks for stays when names are long: the state of a worktree, what each side says, the end of a path", () => {
    const long = makeRepository();
    long.expver(["init"]);
    const path = "data/a rather long name that is the same for all of the tables of it № 1.csv";
    for (const [value, rows] of [
      ["0.86670000000000003", "1\n"],
      ["0.91", "2\n"],
    ]) {
      long.write(path, `a\n${rows}`);
      long.expver(["data", "add", path]);
      const metrics = `{ "validation_accuracy_macro_averaged": ${value} }`;
      long.expver(["run", "-m", "text", "--metrics", "metrics.json", "--", "sh", "-c", `echo '${metrics}' > metrics.json`]);
    }
    long.expver(["worktree", "create", "augmentation-with-mixup-and-cutmix-and-more"]);
    long.write("../exp-augmentation-with-mixup-and-cutmix-and-more/notes.txt", "x");
    const said = (...words: string[]) => expverInTerminal(long, words, { width: 60 }).lines.join("\n");
    expect(said("worktree", "list")).toMatch(/experiment a\S*…\S+and-more .*1 untracked/);
    expect(said("diff", "e0.1.0", "e0.2.0")).toMatch(/\bv\S+…\S+veraged +0\.86670000000000003 +0\.91\n/);
    expect(said("diff", "e0.1.0", "e0.2.0")).toMatch(/data\/\S.*….*№ 1\.csv +\w{6} 4 B +\w{6} 4 B\n/);
    const { lines } = expverInTerminal(long, ["diff", "e0.1.0", "e0.2.0"], { width: 34 });
    // A word of the command that is wider than all there is stands alone.
    expect(lines.filter((text) => textWidth(text) > 34 && text.trim().includes(" "))).toEqual([]);
    expect(lines.join("\n")).toMatch(/\nvalidation\S+averaged\n +e0\.1\.0 +0\.86670000000000003\n +e0\.2\.0 +0\.91\n/);
    expect(said("show", "e0.2.0")).toMatch(/data\/\S.*….*№ 1\.csv +\w{10}…/);
  });

  it("what verify says of a link goes on below where it began", () => {
    const { lines } = expverInTerminal(repo, ["verify", "e0.1.0"]);
    expect(lines.filter((text) => textWidth(text) > 80)).toEqual([]);
    expect(lines.filter((text) => text.startsWith(" ".repeat(30)))).not.toEqual([]);
  });

  it("colours only a terminal that wants colours", () => {
    const sequence = "\u001b[";
    expect(expverInTerminal(repo, ["list"]).raw).toContain(sequence);
    expect(expverInTerminal(repo, ["list", "--no-color"]).raw).not.toContain(sequence);
    expect(expverInTerminal(repo, ["list"], { env: { NO_COLOR: "1" } }).raw).not.toContain(sequence);
    expect(expverInTerminal(repo, ["list"], { env: { TERM: "dumb" } }).raw).not.toContain(sequence);
    expect(repo.expver(["list"]).stdout).not.toContain(sequence);
  });

  it("asks before a plan that replaces, and takes Ctrl-D and anything but yes for a no", () => {
    repo.write("data.csv", "one");
    repo.expver(["data", "add", "data.csv"]);
    repo.write("data.csv", "two");
    for (const [type, code] of [
      ["\u0004", 1],
      ["n\r", 1],
      ["\r", 1],
      ["y\r", 0],
    ] as const) {
      const answer = expverInTerminal(repo, ["data", "commit", "data.csv"], { keys: [["[y/N] ", type]] });
      expect({ type, code: answer.code, asked: answer.raw.split("Apply this plan?").length - 1 }).toEqual({ type, code, asked: 1 });
      expect(answer.raw.split("destructive").length - 1).toBe(1);
    }
    expect(repo.expver(["data", "status"]).stdout).toContain("up to date");
  });
});
