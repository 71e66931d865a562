import { basename, resolve } from "node:path";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { isFile } from "../../../platform/files.ts";
import { findProgram } from "../../../platform/find-program.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import type { Input } from "../../contract.ts";
import { textIn, wordsOf } from "../../input.ts";
import { parseGiven } from "../parameters/parameters.ts";
import { type WantedVersion, wantedVersion } from "../version/version-choice.ts";

export interface RunRequest {
  /** Program and arguments as typed, `{name}` not yet filled in. */
  argv: string[];
  message: string | null;
  /** The message is written, or looked over, in an editor once the numbers are known. */
  edit: boolean;
  version: WantedVersion;
  params: Record<string, string>;
  /** As typed. */
  metrics: string | null;
  tag: boolean;
  commit: boolean;
  verify: boolean;
  allowHistoryChange: boolean;
  publish: boolean;
  detach: boolean;
}

/** Throws E_USAGE, and E_NOT_FOUND for a program that does not exist. */
export function readRequest(context: Context, input: Input): RunRequest {
  const argv = wordsOf(input.command);
  if (argv.length === 0) {
    throw new ExpverError("E_USAGE", "there is no command to run", { hint: "Put it after two dashes: expver run -- python train.py" });
  }
  refuseMissingProgram(context, argv, textIn(input.metrics));
  if (input.edit === true && input.detach === true) {
    throw new ExpverError("E_USAGE", "--edit opens an editor when the program has ended, and --detach does not wait for that", {
      hint: "Say what it tries with -m.",
    });
  }
  return {
    argv,
    message: textIn(input.message) ?? null,
    edit: input.edit === true,
    version: wantedVersion(input),
    params: parseGiven(wordsOf(input.param)),
    metrics: textIn(input.metrics) ?? null,
    tag: input.tag !== false,
    commit: input.commit !== false,
    verify: input.verify !== false,
    allowHistoryChange: input.allowHistoryChange === true,
    publish: input.publish === true,
    detach: input.detach === true,
  };
}

/** Before the snapshot rather than after it: a typing mistake should cost nothing. */
function refuseMissingProgram({ cwd, env }: Context, argv: string[], metrics = ""): void {
  const program = argv[0] ?? "";
  if (process.platform === "win32" || findProgram(program, { cwd, env }) !== null) return;
  if (program.includes("/") && isFile(resolve(cwd, program))) {
    throw new ExpverError("E_NOT_FOUND", `${program} is a file but no program: it may not be executed`, {
      hint:
        basename(program) === basename(metrics)
          ? "It came from a glob of --metrics, of which the shell made several words: put that in quotes."
          : `chmod +x ${shellWord(program)}, or name what runs it: expver run -- sh ${shellWord(program)}`,
      details: { program },
    });
  }
  const isLine = argv.length === 1 && /\s/.test(program);
  throw new ExpverError("E_NOT_FOUND", `there is no program ${JSON.stringify(program)}`, {
    hint: isLine
      ? `Write the words apart (expver run -- ${program}), or ask for a shell: expver run -- sh -c ${JSON.stringify(program)}`
      : "Check its name and your PATH.",
    details: { program },
  });
}
