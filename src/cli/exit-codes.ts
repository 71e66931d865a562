/** The one place where a failure becomes an exit code (product contract: 0 done … 5 differences; 130 interrupted; 255 our bug). */
import { type ErrorKind, ExpverError } from "../errors.ts";
import type { Command } from "../workflows/contract.ts";

export interface ExitCode {
  code: number;
  means: string;
}

export const EXIT_CODES: ExitCode[] = [
  { code: 0, means: "done" },
  { code: 1, means: "failed; a name that names nothing" },
  { code: 2, means: "the arguments do not parse" },
  { code: 3, means: "needs confirmation: nothing was changed, the plan is shown" },
  { code: 4, means: "refused by a check: nothing was changed" },
  { code: 5, means: "differences or damage were found" },
  { code: 130, means: "interrupted (Ctrl-C)" },
  { code: 255, means: "a bug of expver: please report it" },
];

/** Those of `expver data …`, which are dvc's. */
export const DVC_EXIT_CODES: ExitCode[] = [
  { code: 0, means: "done" },
  { code: 1, means: "failed; with --quiet, status: something has changed" },
  { code: 251, means: "a configuration file has a mistake" },
  { code: 252, means: "interrupted (Ctrl-C)" },
  { code: 253, means: "not inside a DVC repository" },
  { code: 254, means: "the arguments do not parse" },
  { code: 255, means: "refused or failed" },
];

const BY_KIND: Record<ErrorKind, number> = { failed: 1, usage: 2, confirmation: 3, refused: 4, differs: 5 };
const EXIT_BUG = 255;
const EXIT_INTERRUPTED = 130;

export function exitCodeOf(error: unknown, command: Command | undefined): number {
  if (!(error instanceof ExpverError)) return EXIT_BUG;
  if (command?.dialect === "dvc" || error.details.dialect === "dvc") return dvcExitCode(error, command);
  return error.code === "E_INTERRUPTED" ? EXIT_INTERRUPTED : BY_KIND[error.kind];
}

/** Which codes a command can end with, for its help. */
export function exitCodesOf(command: Command): ExitCode[] {
  if (command.dialect === "dvc") return DVC_EXIT_CODES;
  const possible = new Set(command.kind === "write" ? [0, 1, 2, 3, 4, 130] : [0, 1, 2, 130]);
  for (const code of command.exits ?? []) possible.add(code);
  return EXIT_CODES.filter(({ code }) => possible.has(code));
}

/** As dvc's own main does it; `details.exitCode` where one error of a command differs from its others. */
function dvcExitCode(error: ExpverError, command: Command | undefined): number {
  if (typeof error.details.exitCode === "number") return error.details.exitCode;
  if (error.code === "E_USAGE") return 254;
  if (error.code === "E_NO_PROJECT") return 253;
  if (error.code === "E_INTERRUPTED") return 252;
  // A pipeline is no configuration.
  if (error.code === "E_CONFIG" && !/(?:^|\/)dvc\.(?:yaml|lock)$/.test(String(error.details.file))) return 251;
  return command?.failureExit ?? 255;
}
