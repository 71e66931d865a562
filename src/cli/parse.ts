/** From words to a command and its input. Built from the catalogue; only the family that is used becomes commander objects. */

import { resolve } from "node:path";
import { CommanderError, Option, Command as Program } from "commander";
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { CATALOGUE } from "../workflows/catalogue/index.ts";
import type { Command, Input } from "../workflows/contract.ts";
import type { Face } from "./face.ts";

export type Parsed = { kind: "text"; text: string } | { kind: "command"; command: Command; input: Input; face: Face; cwd: string };

export async function parseArguments(argv: string[], context: Context): Promise<Parsed> {
  let parsed: Parsed | undefined;
  const text: string[] = [];
  const program = buildProgram((command, input, face, directory) => {
    parsed = { kind: "command", command, input, face, cwd: resolve(context.cwd, directory ?? ".") };
  });
  const capture = { writeOut: (chunk: string) => void text.push(chunk), writeErr: () => {}, outputError: () => {} };
  for (const one of everyProgram(program)) one.configureOutput(capture).exitOverride();
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usage(error);
  }
  return parsed ?? { kind: "text", text: text.join("") };
}

type Found = (command: Command, input: Input, face: Face, directory: string | undefined) => void;

/** The whole tree of commands. */
export function buildProgram(found: Found): Program {
  const program = new Program("expver")
    .enablePositionalOptions()
    .description("Version machine-learning experiments with Git, DVC-format data and xetrack-format results");
  const groups = new Map<string, Program>();
  for (const command of CATALOGUE) {
    const words = command.name.split(" ");
    const leaf = words.pop() ?? "";
    const parent = words.length === 0 ? program : groupOf(words.join(" "));
    addCommand(parent, leaf, command, found);
  }
  return program;

  function groupOf(name: string): Program {
    const known = groups.get(name);
    if (known) return known;
    const made = program.command(name).description(`${name} …`);
    groups.set(name, made);
    return made;
  }
}

function addCommand(parent: Program, leaf: string, command: Command, found: Found): void {
  const sub = parent.command(leaf, { hidden: command.hidden === true }).summary(command.summary);
  sub.description(command.description === undefined ? command.summary : `${command.summary}\n\n${command.description}`);
  if (command.aliases) sub.aliases(command.aliases.map((alias) => alias.split(" ").at(-1) ?? alias));
  for (const { name, help, required, variadic } of command.arguments ?? []) {
    const inner = `${name}${variadic ? "..." : ""}`;
    sub.argument(required ? `<${inner}>` : `[${inner}]`, help);
  }
  for (const { flags, help, repeatable, hidden } of command.options ?? []) {
    const option = new Option(flags, help);
    if (hidden) option.hideHelp();
    if (repeatable) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    sub.addOption(option);
  }
  sub
    .option("--json", "print one JSON envelope on stdout")
    .option("-C <dir>", "run as if started in DIR")
    .option("--debug", "show stack traces");
  if (command.kind === "write") {
    sub
      .option("--dry-run", "show the plan, change nothing")
      .option("--yes", "confirm a destructive plan")
      .option("--plan <fingerprint>", "apply exactly this plan");
  }
  if (command.passThrough) sub.passThroughOptions();
  sub.addHelpText("after", `\nExamples:\n${command.examples.map(([line, does]) => `  $ expver ${line}\n      ${does}`).join("\n")}\n`);
  sub.action((...values: unknown[]) => {
    const options = values.at(-2) as Record<string, string | string[] | boolean | undefined>;
    const { json, C, debug, dryRun, yes, plan, ...rest } = options;
    const named = Object.fromEntries(
      (command.arguments ?? []).map(({ name }, index) => [name.toLowerCase(), values[index] as string | string[] | undefined]),
    );
    const face: Face = {
      json: json === true,
      dryRun: dryRun === true,
      yes: yes === true,
      debug: debug === true,
      ...(typeof plan === "string" ? { plan } : {}),
    };
    found(command, { ...rest, ...named }, face, typeof C === "string" ? C : undefined);
  });
}

function everyProgram(program: Program): Program[] {
  return [program, ...program.commands.flatMap(everyProgram)];
}

function usage(error: CommanderError): ExpverError {
  return new ExpverError("E_USAGE", error.message.replace(/^error: /, ""), { details: { kind: error.code } });
}
