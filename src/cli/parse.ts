/** From words to a command and its input. Only the command that is meant becomes a parser. */
import type { CommanderError, Command as Parser } from "commander";
import { ExpverError } from "../errors.ts";
import { DVC_VERSION, VERSION } from "../platform/version.ts";
import type { Command, Input } from "../workflows/contract.ts";
import { commandTree, type Found, findCommand, isOwn, type Node, nodeAt } from "./command-tree.ts";
import { EVERYWHERE, type Face, NO_FACE, OF_DVC } from "./face.ts";
import { commandFacts, commandHelp, groupFacts, groupHelp } from "./help.ts";
import { flagNames, optionsOf } from "./options.ts";

export type Parsed =
  /** Help or a version: to be printed as it is, or as data. */
  Text | { kind: "command"; command: Command; input: Input; face: Face };

interface Text {
  kind: "text";
  text: string;
  data: unknown;
  exitCode?: number;
}

export interface ParseOptions {
  /** Columns help may fill. */
  width: number;
}

export async function parseArguments(
  argv: readonly string[],
  catalogue: readonly Command[],
  options: ParseOptions = { width: 80 },
): Promise<Parsed> {
  const root = commandTree(catalogue);
  if (argv[0] === "help") return helpOf(nodeAt(root, argv.slice(1).filter(isWord)), catalogue, options);
  const found = findCommand(root, argv);
  const command = found.node.command;
  return command ? parseCommand(command, found.rest, options) : parseGroup(found, catalogue, options);
}

async function parseCommand(command: Command, words: string[], { width }: ParseOptions): Promise<Parsed> {
  const { Command: ParserClass, Option } = await import("commander");
  const parser: Parser = new ParserClass(`expver ${command.name}`);
  for (const { name, required, variadic } of command.arguments ?? []) {
    const inner = `${name.replace("…", "")}${variadic || name.endsWith("…") ? "..." : ""}`;
    parser.argument(required ? `<${inner}>` : `[${inner}]`);
  }
  for (const { flags, repeatable, hidden } of optionsOf(command)) {
    const option = new Option(flags);
    if (hidden) option.hideHelp();
    if (repeatable) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    parser.addOption(option);
  }
  if (command.passThrough) parser.passThroughOptions();
  parser.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} }).exitOverride();
  parser.action(() => {});
  try {
    parser.parse(command.dialect === "dvc" ? words.map(inFull(command, words)) : words, { from: "user" });
  } catch (error) {
    if (!isCommanderError(error)) throw error;
    if (error.exitCode === 0) return helpOfCommand(command, width);
    throw usage(error, command);
  }
  return { kind: "command", command, ...sort(command, parser.processedArgs, parser.opts()) };
}

/** dvc takes the beginning of a long option for it, when it is that of one only. */
function inFull(command: Command, words: readonly string[]): (word: string, index: number) => string {
  const end = words.indexOf("--");
  const flags = [...(command.options ?? []), ...OF_DVC].flatMap((option) => flagNames(option.flags)).concat("--help");
  const all = new Set(optionsOf(command).flatMap((option) => flagNames(option.flags)));
  return (word, index) => {
    const [begun = "", ...value] = word.split("=");
    if (!/^--\w/.test(begun) || all.has(begun) || (end >= 0 && index > end)) return word;
    const [meant, other] = new Set(flags.filter((flag) => flag.startsWith(begun)));
    return meant === undefined || other !== undefined ? word : [meant, ...value].join("=");
  };
}

/** Tells what belongs to every command from what is this command's own. */
function sort(command: Command, values: unknown[], options: Record<string, unknown>): { input: Input; face: Face } {
  const own = new Set((command.options ?? []).map(({ flags }) => attributeName(flags)));
  const input: Input = {};
  const common: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (own.has(name)) input[name] = value as Input[string];
    else common[name] = value;
  }
  for (const [index, { name }] of (command.arguments ?? []).entries()) {
    const value = values[index] as Input[string];
    const key = argumentKey(name);
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) input[key] = value;
    else input[key] ??= value;
  }
  const dvc = command.dialect === "dvc";
  if (dvc) input.quiet ??= common.quiet === true;
  const directory = common.C ?? common.cd;
  const patience = common.waitForLock === true ? Number.POSITIVE_INFINITY : patienceOf(common.wait, command);
  const connections = dvc ? connectionsOf(input) : undefined;
  const face: Face = {
    ...NO_FACE,
    json: common.json === true || (own.has("json") && input.json === true),
    dryRun: common.dryRun === true,
    yes: common.yes === true || (dvc && input.force === true),
    debug: common.debug === true,
    colour: common.color !== false,
    quiet: dvc && input.quiet === true,
    ...(typeof common.plan === "string" ? { plan: common.plan } : {}),
    ...(patience === undefined ? {} : { patience }),
    ...(connections === undefined ? {} : { connections }),
    ...(typeof directory === "string" ? { directory } : {}),
  };
  return { input, face };
}

/** Milliseconds. Throws E_USAGE. */
function patienceOf(typed: unknown, { dialect }: Command): number | undefined {
  if (typeof typed !== "string") return undefined;
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(typed)) return Number(typed) * 1000;
  throw new ExpverError("E_USAGE", `--wait is ${JSON.stringify(typed)}; expected seconds`, { details: dialect ? { dialect } : {} });
}

/** Undefined: as many as usual, also for 0, as with dvc. Throws E_USAGE. */
function connectionsOf({ jobs, remoteJobs }: Input): number | undefined {
  const typed = jobs ?? remoteJobs;
  if (typeof typed !== "string") return undefined;
  if (/^[0-9]+$/.test(typed)) return Number(typed) || undefined;
  const flag = jobs === undefined ? "--remote-jobs" : "--jobs";
  throw new ExpverError("E_USAGE", `${flag} is ${typed}; expected a number from 1`, { details: { dialect: "dvc" } });
}

/** A group by itself shows its help; its only options are help and version. */
function parseGroup({ node, rest }: Found, catalogue: readonly Command[], options: ParseOptions): Parsed {
  if (rest.includes("--version") || rest.includes("-V")) {
    const version = node.dialect === "dvc" ? DVC_VERSION : VERSION;
    return { kind: "text", text: `${version}\n`, data: { version } };
  }
  const known = new Set(EVERYWHERE.flatMap(({ flags }) => flagNames(flags)));
  const foreign = rest.find((word) => word.startsWith("-") && !known.has(word));
  if (foreign !== undefined) {
    const name = node.name === "" ? "expver" : `expver ${node.name}`;
    throw new ExpverError("E_USAGE", `unknown option '${foreign}' of \`${name}\``, {
      hint: `Options follow the command: see \`${name} --help\`.`,
      details: node.dialect ? { dialect: node.dialect } : {},
    });
  }
  const help = helpOf(node, catalogue, options);
  // To dvc a word is missing there.
  return node.dialect === "dvc" && !rest.includes("--help") && !rest.includes("-h") ? { ...help, exitCode: EXIT_NO_COMMAND } : help;
}

const EXIT_NO_COMMAND = 254;

function helpOf(node: Node, catalogue: readonly Command[], { width }: ParseOptions): Text {
  if (node.command && (isOwn(node) || node.children.size === 0)) return helpOfCommand(node.command, width);
  return { kind: "text", text: groupHelp(node, catalogue, width), data: groupFacts(node) };
}

function helpOfCommand(command: Command, width: number): Text {
  const options = optionsOf(command);
  return { kind: "text", text: commandHelp(command, options, width), data: commandFacts(command, options) };
}

function usage(error: CommanderError, command: Command): ExpverError {
  const [said = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const meant =
    suggestion?.replace(/^\(|\)$/g, "") ??
    begunOption(said, command) ??
    otherName(said, command) ??
    (error.code === "commander.missingArgument" ? exampleOf(command) : undefined);
  return new ExpverError("E_USAGE", `${said} (in \`expver ${command.name}\`)`, {
    hint: meant ?? `See \`expver ${command.name} --help\`.`,
    details: {
      kind: error.code.replace("commander.", ""),
      command: command.name,
      ...(command.dialect ? { dialect: command.dialect } : {}),
    },
  });
}

/** `--dry` is the beginning of one option only. */
function begunOption(said: string, command: Command): string | undefined {
  const [, begun] = /^unknown option '(--\w[\w-]*)'/.exec(said) ?? [];
  if (begun === undefined) return undefined;
  const flags = optionsOf(command).flatMap(({ flags, hidden }) => (hidden ? [] : flagNames(flags)));
  const meant = [...flags, ...EVERYWHERE.flatMap((option) => flagNames(option.flags))].filter((flag) => flag.startsWith(begun));
  return new Set(meant).size === 1 ? `Did you mean ${meant[0]}?` : undefined;
}

/** What other tools call an option of ours. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "--filter": "--where",
  "--grep": "--where",
  "--query": "--where",
  "--order-by": "--sort",
  "--sort-by": "--sort",
  "--description": "--message",
  "--name": "--message",
  "--output": "--out",
  "--parallel": "--jobs",
  "--workers": "--jobs",
};

function otherName(said: string, command: Command): string | undefined {
  const [, typed = ""] = /^unknown option '(--\w[\w-]*)/.exec(said) ?? [];
  const meant = Object.hasOwn(OTHERWISE, typed) ? OTHERWISE[typed] : undefined;
  const isOurs = optionsOf(command).some(({ flags, hidden }) => !hidden && flagNames(flags).includes(meant ?? ""));
  return isOurs ? `It is called ${meant} here.` : undefined;
}

function exampleOf({ name, examples }: Command): string | undefined {
  const line = examples[0]?.[0];
  return line === undefined ? undefined : `For example: expver ${line}   (more: expver ${name} --help)`;
}

/** `VERSION` → `version`, `PATH…` → `path`, `DB-OR-DATA` → `dbOrData`. */
function argumentKey(name: string): string {
  return camel(name.replace("…", "").toLowerCase());
}

/** What the parser calls an option: its long name in camel case, without `no-`. */
function attributeName(flags: string): string {
  const names = flagNames(flags);
  const name = names.find((flag) => flag.startsWith("--")) ?? names[0] ?? "";
  return camel(name.replace(/^--?/, "").replace(/^no-/, ""));
}

function camel(name: string): string {
  return name.replace(/[-_](\w)/g, (_, letter: string) => letter.toUpperCase());
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}

function isWord(word: string): boolean {
  return !word.startsWith("-");
}
