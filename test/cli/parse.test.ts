import { describe, expect, it } from "vitest";
import { parseArguments } from "../../src/cli/parse.ts";
import { ExpverError } from "../../src/errors.ts";
import { CATALOGUE } from "../../src/workflows/catalogue/index.ts";
import type { Command } from "../../src/workflows/contract.ts";

const load = async () => ({ read: async () => null });
const RUN: Command = {
  name: "run",
  summary: "Run",
  group: "experiments",
  arguments: [{ name: "COMMAND…", help: "", required: true, variadic: true }],
  options: [
    { flags: "-m, --message <text>", help: "text" },
    { flags: "--param <k=v>", help: "parameter", repeatable: true },
    { flags: "--keep <n>", help: "how many" },
    { flags: "--no-tag", help: "no tag" },
    { flags: "--version <version>", help: "version" },
  ],
  examples: [["run -- node train.js", "runs"]],
  passThrough: true,
  kind: "write",
  load,
};
const SHOW: Command = {
  name: "show",
  summary: "Show",
  group: "experiments",
  arguments: [{ name: "VERSION", help: "" }],
  options: [
    { flags: "--version <version>", help: "", hidden: true },
    { flags: "--as-of <text>", help: "date" },
  ],
  examples: [],
  kind: "read",
  load,
};
const RUNS_LIST: Command = { ...SHOW, name: "runs list", aliases: ["runs"], arguments: [], options: [{ flags: "--limit <n>", help: "" }] };
const RUNS_SHOW: Command = { ...SHOW, name: "runs show", arguments: [{ name: "RUN", help: "", required: true }] };
const DATA_REMOVE: Command = {
  ...RUN,
  name: "data remove",
  group: "data",
  dialect: "dvc",
  passThrough: false,
  arguments: [{ name: "TARGET…", help: "", variadic: true }],
  options: [{ flags: "-f, --force", help: "" }],
};
const SOME = [RUN, SHOW, RUNS_LIST, RUNS_SHOW, DATA_REMOVE];

/** Words are separated by one blank in this table. */
const CASES: [line: string, command: string, input: Record<string, unknown>, face?: Record<string, unknown>][] = [
  [
    "run -m hi --param 1e-5 --param -1 -- node train.js --lr 0.1 -x",
    "run",
    { message: "hi", param: ["1e-5", "-1"], command: ["node", "train.js", "--lr", "0.1", "-x"] },
  ],
  [
    "run --param=lr=0.10 --keep 007 -- a -- b --json",
    "run",
    { param: ["lr=0.10"], keep: "007", command: ["a", "--", "b", "--json"] },
    { json: false },
  ],
  ["run node train.js --json --param x", "run", { command: ["node", "train.js", "--json", "--param", "x"] }, { json: false }],
  ["run --keep 0.10 --json -- 1e-5", "run", { keep: "0.10", command: ["1e-5"] }, { json: true }],
  ["run --no-tag --version e2.0.0 -- a", "run", { tag: false, version: "e2.0.0" }],
  ["run --dry-run --plan abc --yes -- a", "run", { command: ["a"] }, { dryRun: true, plan: "abc", yes: true }],
  ["--json -C .. run -- a", "run", { command: ["a"] }, { json: true, directory: ".." }],
  ["run -C .. --no-color --debug -- a", "run", {}, { directory: "..", colour: false, debug: true }],
  ["show e1.0.0", "show", { version: "e1.0.0" }],
  ["show --version e1.0.0", "show", { version: "e1.0.0" }],
  ["show -1", "show", { version: "-1" }],
  ["show -- --odd", "show", { version: "--odd" }],
  ["show --as-of 2026", "show", { asOf: "2026" }],
  ["show", "show", { version: undefined }],
  ["runs", "runs list", {}],
  ["runs --json", "runs list", {}, { json: true }],
  ["runs --limit 05", "runs list", { limit: "05" }],
  ["runs show quiet-otter-0412", "runs show", { run: "quiet-otter-0412" }],
  ["data -C x remove -f a.dvc b.dvc", "data remove", { target: ["a.dvc", "b.dvc"], force: true }, { yes: true, directory: "x" }],
  ["data remove -q --cd y a.dvc", "data remove", { quiet: true }, { quiet: true, directory: "y", yes: false }],
];

describe("a command line becomes an input", () => {
  it.each(CASES)("expver %s", async (line, name, input, face = {}) => {
    const parsed = await parseArguments(line.split(" "), SOME);
    if (parsed.kind !== "command") throw new Error(parsed.text);
    expect(parsed.command.name).toBe(name);
    expect(parsed.input).toMatchObject(input);
    expect(parsed.face).toMatchObject(face);
  });
});

const MISTAKES: [line: string, message: RegExp, hint: RegExp][] = [
  ["shwo e1.0.0", /no command `expver shwo`/, /`expver show`/],
  ["runs shwo", /no command `expver runs shwo`/, /`expver runs show`/],
  ["push", /no command `expver push`/, /expver publish.*expver data push/],
  ["data exp", /no command `expver data exp`/, /expver run/],
  ["zzzzzz", /no command/, /expver --help/],
  ["run --parm 1 -- a", /unknown option '--parm'/, /--param/],
  ["data remove --dry", /unknown option '--dry'/, /^Did you mean --dry-run\?$/],
  ["show --a", /unknown option '--a'/, /--as-of/],
  ["run", /missing required argument 'COMMAND'/, /expver run --help/],
  ["show a b", /too many arguments/, /expver show --help/],
  ["run --message", /argument missing/, /expver run --help/],
  ["data --nope", /unknown option '--nope'/, /expver data --help/],
  ["--nope", /unknown option '--nope'/, /expver --help/],
];

describe("a command line that does not parse is explained", () => {
  it.each(MISTAKES)("expver %s", async (line, message, hint) => {
    const error = await parseArguments(line.split(" "), SOME).catch((thrown: unknown) => thrown);
    if (!(error instanceof ExpverError)) throw new Error(`parsed: ${JSON.stringify(error)}`);
    expect(error).toMatchObject({ code: "E_USAGE" });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });
});

async function textOf(...argv: string[]): Promise<string> {
  const parsed = await parseArguments(argv, SOME);
  return parsed.kind === "text" ? parsed.text : `command ${parsed.command.name}`;
}

describe("help", () => {
  it("lists commands under their headings, each group once", async () => {
    const text = await textOf("--help");
    expect(text).toMatch(/Experiments:\n {2}run +Run\n {2}show +Show\n {2}runs +See/);
    expect(text).toMatch(/Data:\n {2}data +Version data/);
    expect(await textOf()).toBe(text);
    expect(await textOf("help")).toBe(text);
  });

  it("of a bare group lists its commands", async () => {
    expect(await textOf("data")).toMatch(/Commands:\n {2}data remove/);
    expect(await textOf("data", "--help")).toBe(await textOf("data"));
    expect(await textOf("help", "runs")).toMatch(/runs list[\s\S]*runs show/);
  });

  it("of a command has usage, options, examples and exit codes, and no hidden options", async () => {
    const text = await textOf("run", "--help");
    expect(text).toMatch(/^Usage: expver run \[options\] -- COMMAND…/);
    expect(text).toMatch(/--param <k=v> +parameter \(repeatable\)/);
    expect(text).toMatch(/\$ expver run -- node train.js/);
    expect(text).toMatch(/Exit codes:\n {2}0 +done[\s\S]*130/);
    expect(await textOf("show", "--help")).not.toContain("--version");
    expect(await textOf("help", "run")).toBe(text);
  });

  it("belongs to the program after the command", async () => {
    expect(await textOf("run", "--", "node", "--help")).toBe("command run");
    expect(await textOf("run", "node", "--help")).toBe("command run");
  });

  it("has dvc's exit codes and version where dvc's dialect is spoken", async () => {
    expect(await textOf("data", "remove", "--help")).toMatch(/254 +the arguments/);
    expect(await textOf("data", "--version")).toBe("3.67.1\n");
  });
});

describe("the catalogue", () => {
  it("says in one line what each command and each group is for", async () => {
    const parsed = await parseArguments(["help"], CATALOGUE, { width: 200 });
    if (parsed.kind !== "text") throw new Error("no help");
    const lines = parsed.text.split("\n").filter((line) => /^ {2}[a-z]/.test(line));
    expect(lines.length).toBeGreaterThan(25);
    expect(lines.filter((line) => !/^ {2}\S+ +\S/.test(line))).toEqual([]);
  });

  it("parses every example of every command", async () => {
    for (const command of CATALOGUE) {
      for (const [line] of command.examples) {
        const words =
          (/^(?:"[^"]*"|'[^']*'|(?! (?:[|<>]|&&)).)*/.exec(line)?.[0] ?? "")
            .match(/"[^"]*"|'[^']*'|\S+/g)
            ?.map((word) => word.replace(/^(["'])(.*)\1$/, "$2")) ?? [];
        const parsed = await parseArguments(words, CATALOGUE);
        expect(parsed.kind === "command" && parsed.command.name, line).toBe(command.name);
      }
    }
  });

  it("has a summary that begins with a verb and ends without a full stop, and an example, for every command", () => {
    const bad = CATALOGUE.filter(({ summary, examples }) => !/^[A-Z][^\n]*[^.]$/.test(summary) || examples.length === 0);
    expect(bad.map(({ name }) => name)).toEqual([]);
  });

  it("names each command and alias once", () => {
    const names = CATALOGUE.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

it("-j of dvc's commands is how many connections there are at once; 0 are as many as usual, for with none nothing would be sent", async () => {
  const connections = async (...argv: string[]) => {
    const parsed = await parseArguments(argv, CATALOGUE);
    return parsed.kind === "command" ? parsed.face.connections : null;
  };
  expect([
    await connections("data", "push", "-j", "3"),
    await connections("data", "get-url", "-j3", "https://host/x"),
    await connections("data", "add", "--to-remote", "--remote-jobs", "3", "x"),
  ]).toEqual([3, 3, 3]);
  expect([await connections("data", "push", "-j", "0"), await connections("data", "push")]).toEqual([undefined, undefined]);
  await expect(connections("data", "push", "-j", "many")).rejects.toThrow("--jobs is many");
});
