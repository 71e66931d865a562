/** `expver data check-ignore`: which paths `.dvcignore` leaves out, and which pattern says so. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ExpverError } from "../../errors.ts";
import { matchingPattern } from "../../store/settings/dvcignore.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { wordsOf } from "../input.ts";
import { openData } from "./open-data.ts";
import type { LinesResult } from "./root.ts";

export const dataCheckIgnore: ReadWorkflow<Input, LinesResult> = {
  async read(context, input) {
    const targets = wordsOf(input.target);
    refuseContradiction(input, targets);
    const project = openData(context);
    const lines: string[] = [];
    let found = false;
    for (const target of input.stdin === true ? fromStdin() : targets) {
      const pattern = matchingPattern(project, resolve(context.cwd, target));
      // Without details a pattern that takes a path back in is no answer.
      const isAnswer = pattern !== null && (pattern.ignores || input.details === true);
      if (isAnswer) found = true;
      if (input.details !== true) lines.push(...(isAnswer ? [target] : []));
      else if (pattern !== null) lines.push(`${pattern.shown}\t${target}`);
      else if (input.nonMatching === true) lines.push(`::\t${target}`);
    }
    return { lines, exitCode: found ? 0 : 1 };
  },
};

/** An empty line ends the list, as with dvc. */
function fromStdin(): string[] {
  const lines = readFileSync(0, "utf8").split("\n");
  const end = lines.indexOf("");
  return end < 0 ? lines : lines.slice(0, end);
}

function refuseContradiction({ stdin, details, nonMatching, all, quiet }: Input, targets: readonly string[]): void {
  const refuse = (message: string) => new ExpverError("E_USAGE", message, { details: { dialect: "dvc", exitCode: 255 } });
  if (stdin !== true && targets.length === 0) throw refuse("name paths, or read them with --stdin");
  if (stdin === true && targets.length > 0) throw refuse("paths and --stdin exclude each other");
  if (nonMatching === true && details !== true) throw refuse("--non-matching goes with --details only");
  if (all === true && details !== true) throw refuse("--all goes with --details only");
  if (quiet === true && details === true) throw refuse("--details and --quiet exclude each other");
}
