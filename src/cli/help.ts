/** Help texts: of everything, of a group, of one command. */
import type { Command, OptionSpec } from "../workflows/contract.ts";
import { commandTree, isOwn, type Node, visibleChildren } from "./command-tree.ts";
import { exitCodesOf } from "./exit-codes.ts";

export const HEADINGS: [Command["group"], string][] = [
  ["start", "Start"],
  ["experiments", "Experiments"],
  ["data", "Data"],
  ["share", "Share"],
  ["safety", "Safety"],
  ["tools", "Tools"],
];

const ABOUT: Record<string, string> = {
  data: "Version data as dvc does: same files, flags, output and exit codes",
  "data remote": "Manage where data is pushed to",
  ops: "See what writing commands did here",
  runs: "See and steer running and past runs",
};

/** `expver --help`, or `expver GROUP --help`. */
export function groupHelp(node: Node, catalogue: readonly Command[], width: number): string {
  return node.name === "" ? rootHelp(catalogue, width) : subHelp(node, width);
}

/** `expver COMMAND --help`: options are the command's own and those of every command. */
export function commandHelp(command: Command, options: OptionSpec[], width: number): string {
  const own = new Set(command.options ?? []);
  const shown = options.filter(({ hidden }) => !hidden);
  const list = (some: OptionSpec[]): [string, string][] =>
    some.map(({ flags, help, repeatable }) => [flags, repeatable ? `${help} (repeatable)` : help]);
  const aliases = (command.aliases ?? []).filter((alias) => !command.name.startsWith(`${alias} `));
  return joined([
    `Usage: expver ${usageLine(command)}`,
    wrap(`${command.summary}.`, width),
    ...(command.description ?? "")
      .split("\n\n")
      .filter(Boolean)
      .map((paragraph) => wrap(paragraph, width)),
    section(
      "Arguments",
      (command.arguments ?? []).map(({ name, help }) => [name, help]),
      width,
    ),
    section("Options", list(shown.filter((option) => own.has(option))), width),
    section(
      "Options of every command",
      list([...shown.filter((option) => !own.has(option)), { flags: "-h, --help", help: "show this help" }]),
      width,
    ),
    examples(command),
    section(
      "Exit codes",
      exitCodesOf(command).map(({ code, means }) => [String(code), means]),
      width,
    ),
    aliases.length > 0 ? `Also: ${aliases.map((alias) => `expver ${alias}`).join(", ")}` : "",
  ]);
}

/** `run [options] -- COMMAND…` */
export function usageLine(command: Command): string {
  const words = (command.arguments ?? []).map(({ name, required, variadic }) => {
    const shown = variadic && !name.endsWith("…") ? `${name}…` : name;
    return required ? shown : `[${shown}]`;
  });
  return [command.name, "[options]", ...(command.passThrough ? ["--"] : []), ...words].join(" ");
}

function rootHelp(catalogue: readonly Command[], width: number): string {
  const entries = visibleChildren(commandTree(catalogue));
  const sections = HEADINGS.map(([group, heading]) => {
    const rows = entries.filter(([, node]) => groupOf(node) === group).map(([word, node]): [string, string] => [word, aboutNode(node)]);
    return section(heading, rows, width, 18);
  });
  return joined([
    "Usage: expver COMMAND [options]",
    wrap(
      "Version machine-learning experiments with what you have: Git tags name them, DVC-format data and models belong to them, an xetrack-format database holds their results.",
      width,
    ),
    ...sections,
    section(
      "Options of every command",
      [
        ["-h, --help", "show help; `expver COMMAND --help` has examples"],
        ["--json", "print the result as JSON"],
        ["-C <dir>", "run as if started in DIR"],
        ["--version", "print the version"],
      ],
      width,
      18,
    ),
    "Begin with `expver init`, or see it all at work: `expver demo`.",
  ]);
}

function subHelp(node: Node, width: number): string {
  const rows = visibleChildren(node).map(([, child]): [string, string] => [child.name, aboutNode(child)]);
  return joined([
    `Usage: expver ${node.name} COMMAND [options]`,
    wrap(`${ABOUT[node.name] ?? node.name}.`, width),
    section("Commands", rows, width),
    `\`expver ${node.name} COMMAND --help\` has options and examples.`,
  ]);
}

function aboutNode(node: Node): string {
  if (node.command && isOwn(node)) return node.command.summary;
  return (
    ABOUT[node.name] ??
    visibleChildren(node)
      .map(([word]) => word)
      .join(", ")
  );
}

function groupOf(node: Node): Command["group"] | undefined {
  if (node.command && node.command.hidden !== true) return node.command.group;
  return visibleChildren(node)
    .map(([, child]) => groupOf(child))
    .find((group) => group !== undefined);
}

function examples({ examples: all }: Command): string {
  return ["Examples:", ...all.map(([line, does]) => `  $ expver ${line}\n      ${does}`)].join("\n");
}

/** Two columns; the second is wrapped under itself. Empty without rows. */
function section(heading: string, rows: [string, string][], width: number, least = 0): string {
  if (rows.length === 0) return "";
  const first = Math.min(Math.max(least, ...rows.map(([name]) => name.length + 2)), 34);
  const lines = rows.map(([name, help]) => {
    const text = wrap(help, Math.max(width - first - 2, 30)).replaceAll("\n", `\n${" ".repeat(first + 2)}`);
    return name.length + 2 > first ? `  ${name}\n${" ".repeat(first + 2)}${text}` : `  ${name.padEnd(first)}${text}`;
  });
  return [`${heading}:`, ...lines].join("\n");
}

function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

function joined(parts: string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
