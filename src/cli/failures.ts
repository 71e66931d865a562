/** What is said when a command fails. */
import { ERROR_CODES, ExpverError, fromSystemError } from "../errors.ts";
import { VERSION } from "../platform/version.ts";
import type { Command } from "../workflows/contract.ts";
import type { Terminal } from "./terminal.ts";
import { safeLines } from "./text-width.ts";

/** Every failure as the user will see it: refusals of the operating system and interruptions become ours, bugs stay bugs. */
export function toFailure(error: unknown, interruptedBy: NodeJS.Signals | null, command: Command | undefined): unknown {
  const isOurs = error instanceof ExpverError;
  if (interruptedBy !== null && !(isOurs && error.code !== "E_GIT" && error.code !== "E_INTERRUPTED")) {
    // What the command itself says of how far it came must not be lost: `interrupted while pushing to store (3 of 12 files)`.
    const own = isOurs && error.code === "E_INTERRUPTED" ? error.message : "interrupted";
    const rest = own.startsWith("interrupted") ? own.slice("interrupted".length) : `: ${own}`;
    return new ExpverError("E_INTERRUPTED", `interrupted by ${interruptedBy}${rest}`, {
      ...(isOurs && error.code === "E_INTERRUPTED" ? { hint: error.hint, details: error.details } : {}),
      cause: error,
    });
  }
  if (isOurs && error.code === "E_USAGE" && error.hint === ERROR_CODES.E_USAGE.remedy && command !== undefined) {
    return new ExpverError("E_USAGE", error.message, {
      hint: `See \`expver ${command.name} --help\`.`,
      details: error.details,
      cause: error,
    });
  }
  if (isAbort(error)) return new ExpverError("E_INTERRUPTED", "interrupted", { cause: error });
  return fromSystemError(error, command ? `expver ${command.name}` : "expver");
}

export function describe(error: unknown, terminal: Terminal, options: { debug: boolean; command: Command | undefined }): string {
  if (!(error instanceof ExpverError)) return bugReport(error, options.command);
  const { style } = terminal;
  const trace = options.debug ? `${traceOf(error)}\n` : "";
  return `${style("red", "error")} ${style("dim", error.code)}: ${safeLines(error.message)}\n  ${style("cyan", "hint")}: ${safeLines(error.hint)}\n${safeLines(trace)}`;
}

/** Text to send us: what ran where, and the trace, with the home folder left out. */
function bugReport(error: unknown, command: Command | undefined): string {
  const facts = `expver ${VERSION} · node ${process.version} · ${process.platform} ${process.arch} · ${command ? `expver ${command.name}` : "command line"}`;
  return `expver has a bug; nothing you typed should end like this. Please report this text:\n\n${facts}\n${safeLines(withoutHome(traceOf(error)))}\n\nNothing is lost: what was begun is in \`expver ops\`.\n`;
}

export function messageOf(error: unknown): string {
  return withoutHome(error instanceof Error ? error.message : String(error));
}

function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by ${traceOf(error.cause)}`;
}

function withoutHome(text: string): string {
  const home = process.env.HOME;
  return home && home.length > 1 ? text.replaceAll(home, "~") : text;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** For the envelope: the table says what to do about a bug too. */
export const BUG = { code: "E_BUG", hint: "This is a bug of expver: please report what it prints without --json." } as const;
