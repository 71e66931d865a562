/** Whether what came of a sweep is still there: it may have been undone, or its operation taken back after a crash. */
import { type Project, requireRepository } from "../../config/project.ts";
import { resolveCommit } from "../../git/refs.ts";
import { readVersions } from "../../versions/registry.ts";
import type { Version } from "../../versions/types.ts";
import type { Sweep, SweepResult } from "./sweep-journal.ts";

/** `versions`: all there are. */
export function standingResult(
  project: Project,
  { id, result, attempts }: Pick<Sweep, "id" | "result" | "attempts">,
  versions: () => readonly Version[] = () => readVersions(project),
): SweepResult | null {
  if (result === null) return null;
  const ref = result.version === null ? `refs/expver/runs/${id}` : `refs/tags/${result.version}`;
  if (resolveCommit(requireRepository(project), ref) === result.results) return result;
  if (result.version === null) return null;
  // Publishing may have given it another number, and with that another commit: whose a run is, its tag says.
  const runs = new Set(attempts.map(({ run }) => run));
  const now = versions().find(({ message }) => message.kind === "sweep" && message.runs.some(({ run }) => runs.has(run)));
  return now === undefined ? null : { ...result, version: now.name, results: now.commit };
}
