/** Parameters that the program itself writes down, as Hydra does: what it was run with is known at its end. */

import { join } from "node:path";
import { storedPath } from "../../../config/paths.ts";
import { hideSecrets } from "../../../config/secrets.ts";
import { ExpverError } from "../../../errors.ts";
import { readTree } from "../../../git/tree.ts";
import type { Context } from "../../../platform/context.ts";
import type { ClosingRun } from "../open-run.ts";
import { isWrittenAfter, markOf } from "../outputs/marks.ts";
import { readParameterFile } from "./parameters.ts";

/** Mark of the `params:` file as it is now; empty where there is none. */
export function paramsMark({ root, config }: Pick<ClosingRun["project"], "root" | "config">): string {
  return config.params === null ? "" : markOf(join(root, config.params));
}

/** The stored path of the `params:` file if the program wrote it: it has been written since the start, and neither a snapshot has it nor a patch names it. */
export function writtenParams(run: Pick<ClosingRun, "project" | "repository" | "facts">): string | null {
  const { project, repository, facts } = run;
  const { snapshot, closing } = facts();
  if (project.config.params === null || !isWritten(project, closing.paramsMark)) return null;
  const path = storedPath(project, project.config.params);
  const isOfSnapshot = closing.paramsChanged === true || (snapshot !== null && readTree(repository, snapshot, [path]).length > 0);
  return isOfSnapshot ? null : path;
}

/** Runs that began before marks were taken have none. */
function isWritten(project: ClosingRun["project"], before: string | undefined): boolean {
  const now = paramsMark(project);
  return before !== undefined && now !== "" && now !== before;
}

/**
 * The parameters a run has in the end. Those of a file that the program wrote count, and what that file said before was another run's. A file of the
 * snapshot is somebody's who may be preparing the next run: there what it said at the start counts, which is told, unless dvc was to set them. What was
 * given on the command line stays in both.
 */
export function parametersAtEnd(
  { report }: Pick<Context, "report">,
  run: ClosingRun,
  {
    parameters: before,
    isToldBefore = false,
    end = Number.POSITIVE_INFINITY,
  }: { parameters: Readonly<Record<string, string>>; isToldBefore?: boolean; end?: number },
): Readonly<Record<string, string>> {
  const { project, facts } = run;
  const { closing } = facts();
  const file = project.config.params;
  if (file === null || !isWritten(project, closing.paramsMark)) return before;
  const given = Object.fromEntries(Object.entries(before).filter(([name]) => closing.given.includes(name)));
  const isOwn = paramsSetByDvc(run) !== null || writtenParams(run) !== null;
  if (isWrittenAfter(join(project.root, file), end)) {
    if (!isOwn) return before;
    report({ kind: "warning", text: `${file} was written after the last sign of the program: what it says counts for nothing` });
    return given;
  }
  try {
    const now = { ...readParameterFile(project), ...given };
    if (isOwn) return now;
    if (isToldBefore || isSame(hideSecrets(now), hideSecrets(before))) return before;
    report({
      kind: "warning",
      text: `${file} was changed while the run went on: its parameters are those that it had at the start`,
      hint: "Where the program itself writes it, let Git ignore the file: then what it says at the end counts.",
    });
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    report({ kind: "warning", text: `parameters are those of the start: ${error.message}`, hint: error.hint });
  }
  return before;
}

/** False: what the program wrote there has been overwritten since its `end`. */
export function paramsStand(run: ClosingRun, end: number): boolean {
  const { root, config } = run.project;
  if (config.params === null || !isWrittenAfter(join(root, config.params), end)) return true;
  return paramsSetByDvc(run) === null && writtenParams(run) === null;
}

/** The stored path of the `params:` file where dvc itself sets them: `dvc exp run -S lr=0.2` writes into the file what it then runs with. */
export function paramsSetByDvc({ project, facts }: Pick<ClosingRun, "project" | "facts">): string | null {
  const { command, closing } = facts();
  const isSet = closing.pipeline && /\s(?:-S|--set-param\b)/.test(command);
  return isSet && project.config.params !== null ? storedPath(project, project.config.params) : null;
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => one[name] === other[name]);
}
