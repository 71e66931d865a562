/** Help texts: of everything, of a group, of one command. */
import type { Command, OptionSpec } from "../workflows/contract.ts";
import { aboutNode, commandTree, isOwn, type Node, visibleChildren } from "./command-tree.ts";
import { exitCodesOf } from "./exit-codes.ts";
import { wrapText } from "./text-width.ts";

export const HEADINGS: [Command["group"], string][] = [
  ["start", "Start"],
  ["experiments", "Experiments"],
  ["data", "Data"],
  ["share", "Share"],
  ["safety", "Safety"],
  ["tools", "Tools"],
];

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
    wrapText(`${command.summary}.`, width),
    ...(command.description ?? "")
      .split("\n\n")
      .filter(Boolean)
      .map((paragraph) => wrapText(paragraph, width)),
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
    examples(command, width),
    section(
      "Exit codes",
      exitCodesOf(command).map(({ code, means }) => [String(code), means]),
      width,
    ),
    aliases.length > 0 ? `Also: ${aliases.map((alias) => `expver ${alias}`).join(", ")}` : "",
  ]);
}

/** The same under `--json`. */
export function commandFacts(command: Command, options: readonly OptionSpec[]): Record<string, unknown> {
  return {
    name: command.name,
    summary: command.summary,
    description: command.description ?? "",
    usage: `expver ${usageLine(command)}`,
    arguments: command.arguments ?? [],
    options: options.filter(({ hidden }) => !hidden).map(({ flags, help, repeatable = false }) => ({ flags, help, repeatable })),
    examples: command.examples.map(([line, does]) => ({ line: `expver ${line}`, does })),
    exitCodes: exitCodesOf(command),
  };
}

/** Every command below, each with what it does. */
export function groupFacts(node: Node): Record<string, unknown> {
  const commands = (below: Node): { name: string; summary: string }[] =>
    visibleChildren(below).flatMap(([, child]) => [
      ...(child.command && isOwn(child) ? [{ name: child.name, summary: child.command.summary }] : []),
      ...commands(child),
    ]);
  return { commands: commands(node) };
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
    wrapText(
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
    wrapText("Begin with `expver init`, or see it all at work: `expver demo`.", width),
  ]);
}

function subHelp(node: Node, width: number): string {
  // A group of one command, like `data cache dir`, is that command.
  const rows = visibleChildren(node).map(([, child]): [string, string] => {
    const only = visibleChildren(child);
    const shown = only.length === 1 && !isOwn(child) ? (only[0]?.[1] ?? child) : child;
    return [shown.name, aboutNode(shown)];
  });
  const bare = node.command === undefined ? "" : ` \`expver ${node.name}\` alone is \`expver ${node.command.name}\`.`;
  return joined([
    `Usage: expver ${node.name} COMMAND [options]`,
    wrapText(`${aboutNode(node)}.`, width),
    section("Commands", rows, width),
    wrapText(`\`expver ${node.name} COMMAND --help\` has options and examples.${bare}`, width),
  ]);
}

function groupOf(node: Node): Command["group"] | undefined {
  if (node.command && node.command.hidden !== true) return node.command.group;
  return visibleChildren(node)
    .map(([, child]) => groupOf(child))
    .find((group) => group !== undefined);
}

function examples({ examples: all }: Command, width: number): string {
  const below = (does: string) => wrapText(does, width - 6).replaceAll("\n", "\n      ");
  return ["Examples:", ...all.map(([line, does]) => `  $ expver ${line}\n      ${below(does)}`)].join("\n");
}

/** Two columns; the second is wrapped under itself, or under the first where there is no room beside it. Empty without rows. */
function section(heading: string, rows: [string, string][], width: number, least = 0): string {
  if (rows.length === 0) return "";
  const beside = Math.min(Math.max(least, ...rows.map(([name]) => name.length + 2)), 34);
  const isNarrow = width - beside - 2 < 30;
  const first = isNarrow ? 4 : beside;
  const lines = rows.map(([name, help]) => {
    const text = wrapText(help, width - first - 2).replaceAll("\n", `\n${" ".repeat(first + 2)}`);
    return isNarrow || name.length + 2 > first ? `  ${name}\n${" ".repeat(first + 2)}${text}` : `  ${name.padEnd(first)}${text}`;
  });
  return [`${heading}:`, ...lines].join("\n");
}

function joined(parts: string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
