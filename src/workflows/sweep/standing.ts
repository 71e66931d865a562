/** Whether what came of a sweep is still there: it may have been undone, or its operation taken back after a crash. */
import type { Repository } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import type { Sweep, SweepResult } from "./sweep-journal.ts";

export function standingResult(repository: Repository, { id, result }: Pick<Sweep, "id" | "result">): SweepResult | null {
  if (result === null) return null;
  const ref = result.version === null ? `refs/expver/runs/${id}` : `refs/tags/${result.version}`;
  return resolveCommit(repository, ref) === result.results ? result : null;
}
