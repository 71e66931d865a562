/** The pages of the manual that are made from the sources: `docs/commands.md` and `docs/errors.md`. */
import { DVC_EXIT_CODES, EXIT_CODES, type ExitCode, exitCodeOf, exitCodesOf } from "../src/cli/exit-codes.ts";
import { EVERYWHERE, OF_DVC, OF_WRITERS } from "../src/cli/face.ts";
import { HEADINGS, usageLine } from "../src/cli/help.ts";
import { ERROR_CODES, type ErrorCode, ExpverError } from "../src/errors.ts";
import { CATALOGUE } from "../src/workflows/catalogue/index.ts";
import type { Command, OptionSpec } from "../src/workflows/contract.ts";

export const catalogue = CATALOGUE;

/** Text by path from the repository's root. */
export function manualPages(): Map<string, string> {
  return new Map([
    ["docs/commands.md", page(...commandsPage())],
    ["docs/errors.md", page(...errorsPage())],
  ]);
}

const MADE = "<!-- Made from the sources by `npm run docs`; edit those. -->";

function commandsPage(): string[] {
  const groups = HEADINGS.map(([group, heading]) => ({
    heading,
    commands: CATALOGUE.filter((command) => command.group === group && command.hidden !== true),
  })).filter(({ commands }) => commands.length > 0);
  return [
    "# Commands",
    MADE,
    "`expver COMMAND --help` prints the same. Also on this page: [options of every command](#options-of-every-command), [exit codes](#exit-codes). Codes of failures: [errors](errors.md).",
    ...groups.map(({ heading, commands }) =>
      [`**${heading}**`, "", ...commands.map(({ name, summary }) => `- [\`${name}\`](#${anchor(name)}): ${summary}`)].join("\n"),
    ),
    ...groups.flatMap(({ heading, commands }) => [`## ${heading}`, ...commands.flatMap(commandSection)]),
    "## Options of every command",
    optionList(EVERYWHERE),
    "Commands that write also have:",
    optionList(OF_WRITERS),
    "Commands under `expver data` also have:",
    optionList(OF_DVC),
    "## Exit codes",
    exitCodeList(EXIT_CODES),
    "Of `expver data …`, as dvc has them:",
    exitCodeList(DVC_EXIT_CODES),
  ];
}

function commandSection(command: Command): string[] {
  const aliases = (command.aliases ?? []).map((alias) => `\`expver ${alias}\``);
  return [
    `### ${command.name}`,
    ["```", `expver ${usageLine(command)}`, "```"].join("\n"),
    `${command.summary}.`,
    ...(command.description ?? "").split("\n\n").map((paragraph) => paragraph.replace(/\s+/g, " ")),
    (command.arguments ?? []).map(({ name, help }) => `- \`${name}\`: ${help}`).join("\n"),
    optionList(command.options ?? []),
    ["```sh", ...command.examples.map(([line, does]) => `expver ${line}  # ${does}`), "```"].join("\n"),
    `Exit codes: ${
      command.dialect === "dvc"
        ? "[dvc's](#exit-codes)"
        : exitCodesOf(command)
            .map(({ code }) => code)
            .join(", ")
    }.`,
    aliases.length > 0 ? `Also: ${aliases.join(", ")}.` : "",
  ];
}

function errorsPage(): string[] {
  return [
    "# Errors",
    MADE,
    "Every failure has one of these codes: `error E_…:` on stderr, `error.code` with `--json`. The message says what was found, the hint what to type next. Under `expver data` exit codes are [dvc's](commands.md#exit-codes).",
    ...(Object.keys(ERROR_CODES) as ErrorCode[]).sort().flatMap((code) => {
      const { means, remedy } = ERROR_CODES[code];
      return [`## ${code}`, `${means} ${remedy}`, `Exit code: ${exitCodeOf(new ExpverError(code, ""), undefined)}.`];
    }),
  ];
}

function optionList(options: readonly OptionSpec[]): string {
  return options
    .filter(({ hidden }) => hidden !== true)
    .map(({ flags, help, repeatable }) => `- \`${flags}\`: ${help}${repeatable ? " (repeatable)" : ""}`)
    .join("\n");
}

function exitCodeList(codes: readonly ExitCode[]): string {
  return codes.map(({ code, means }) => `- ${code}: ${means}`).join("\n");
}

/** What Markdown makes of a heading. */
function anchor(heading: string): string {
  return heading.toLowerCase().replaceAll(" ", "-");
}

function page(...blocks: string[]): string {
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}
