/** `--glob`: patterns that the shell left alone. */
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { matchGlobs } from "../../../config/globs.ts";
import { underAny } from "../../../config/paths.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import type { Input } from "../../contract.ts";
import { type Targets, targetsOf } from "../open-data.ts";

/** Targets as typed, or what the patterns fit that were typed with `--glob`: a `.dvc` file stands for its outputs. */
export function expandedTargets(context: Context, input: Input): Targets {
  const typed = targetsOf(input);
  return input.glob === true ? { ...typed, targets: expandGlobs(context, typed.targets, { withPointers: true }) } : typed;
}

/** Paths below the working directory that fit; the outermost of nested ones. Throws E_NOT_FOUND when a pattern fits nothing. */
export function expandGlobs(context: Context, patterns: readonly string[], { withPointers = false } = {}): string[] {
  const names = readdirSync(context.cwd, { recursive: true, encoding: "utf8" }).filter(
    (name) => !/(?:^|\/)\.(?:git|dvc)(?:\/|$)/.test(name),
  );
  return patterns.flatMap((pattern) => {
    const fits = matchGlobs([pattern]);
    const found = names.filter((name) => fits(name) && (withPointers || !name.endsWith(".dvc")) && !name.endsWith(".gitignore"));
    if (found.length === 0) throw new ExpverError("E_NOT_FOUND", `the pattern ${pattern} fits nothing`, { details: { pattern } });
    const isFound = underAny(found);
    return found.filter((name) => !isFound(dirname(name)));
  });
}
