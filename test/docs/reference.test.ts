/** The manual says what the program does: generated pages are fresh, links lead somewhere, command lines parse. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { manualPages } from "../../scripts/manual.ts";
import { commandTree, findCommand } from "../../src/cli/command-tree.ts";
import { parseArguments } from "../../src/cli/parse.ts";
import { DEFAULTS } from "../../src/config/config.ts";
import { parseConfig } from "../../src/config/read-config.ts";
import { CATALOGUE } from "../../src/workflows/catalogue/index.ts";

const root = join(import.meta.dirname, "../..");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "examples/python/README.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
  ...readdirSync(join(root, "skills"), { recursive: true, encoding: "utf8" }).map((name) => `skills/${name}`),
]
  .filter((path) => path.endsWith(".md"))
  .map((path): [string, string] => [path, readFileSync(join(root, path), "utf8")]);

it.each([...manualPages()])("%s is fresh (else: npm run docs)", (path, text) => {
  expect(readFileSync(join(root, path), "utf8")).toBe(text);
});

describe.each(pages)("%s", (path, text) => {
  it("links to files and headings that exist", () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !leadsSomewhere(path, target))).toEqual([]);
  });

  it("shows command lines that parse", async () => {
    const wrong: string[] = [];
    for (const line of commandLines(text)) {
      await parseArguments(wordsOf(line).slice(1), CATALOGUE).catch((error: Error) => wrong.push(`${line}: ${error.message}`));
    }
    expect(wrong).toEqual([]);
  });

  it("names commands that exist", () => {
    const tree = commandTree(CATALOGUE);
    const named = [...text.matchAll(/`expver ((?:[a-z]+ ?)+)[^`]*`/g)].map(([, words = ""]) => words.trim().split(" "));
    for (const words of named) expect(() => findCommand(tree, words), words.join(" ")).not.toThrow();
  });
});

it("docs/configuration.md shows every key of expver.yaml, with values that are understood", () => {
  const text = readFileSync(join(root, "docs/configuration.md"), "utf8");
  const [, yaml = ""] = text.match(/```yaml\n([\s\S]*?)```/) ?? [];
  const config = parseConfig(yaml, "expver.yaml");
  expect(Object.keys(DEFAULTS).filter((key) => !new RegExp(`^${key}:`, "m").test(yaml))).toEqual([]);
  expect(config.metrics).toEqual({ accuracy: "max", loss: "min" });
});

it("looks at command lines at all", () => {
  expect(commandLines('```sh\n$ expver run -m "a b" -- x  # say\ncd y && expver list | head\n```\n')).toEqual([
    'expver run -m "a b" -- x',
    "expver list",
  ]);
  expect(wordsOf("expver run -m \"a b\" --param 'x=1'")).toEqual(["expver", "run", "-m", "a b", "--param", "x=1"]);
});

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", heading] = target.split("#");
  const path = file === "" ? join(root, from) : join(root, dirname(from), file);
  if (!existsSync(path)) return false;
  return heading === undefined || headingsOf(readFileSync(path, "utf8")).has(heading);
}

/** As Markdown names them: lower case, blanks to hyphens, punctuation dropped. */
function headingsOf(text: string): Set<string> {
  const titles = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, ""));
  return new Set(titles.map((title) => title.replaceAll(" ", "-")));
}

/** Each `expver …` in the shell blocks of a page, up to the end of the command. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```(?:sh|console)\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
  return blocks
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .flatMap((line) => line.replace(/\s#.*$/, "").split(/(?: && | \| |; | >+ )(?=(?:[^'"]|'[^']*'|"[^"]*")*$)/))
    .map((part) => part.trim().replace(/^\$ /, ""))
    .filter((part) => /^expver\s/.test(part));
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|\S+/g)].map(([word, single, double]) => single ?? double ?? word);
}
