/** One run at a time in a worktree. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { type Place, topOf } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { readLease } from "../../journal/lease.ts";
import { localLauncher } from "../../launchers/local.ts";
import { lifeOf } from "../../platform/processes.ts";
import { readFacts, runFolder } from "./run-facts.ts";

/** Readable, and different for two worktrees of one name. */
export function leaseName(project: Place): string {
  const top = topOf(project);
  return `run in ${basename(top)} ${createHash("sha256").update(top).digest("hex").slice(0, 8)}`;
}

/**
 * Throws E_BUSY while a run goes on in this worktree: also when the expver that watched it is gone and its program is not.
 */
export async function refuseSecondRun(project: Place): Promise<void> {
  const held = readLease(project, leaseName(project));
  const runId = typeof held?.facts.run === "string" ? held.facts.run : null;
  if (held === null || runId === null) return;
  const program = (await localLauncher().states([{ id: runId, folder: runFolder(project, runId) }])).get(runId);
  const facts = readFacts(project, runId);
  const watched = lifeOf(held.owner) !== "dead";
  if (!watched && (program?.state !== "running" || facts?.phase === "closed")) return;
  const pid = watched ? held.owner.pid : program?.process?.pid;
  const since = facts?.startedAt ?? held.facts.since;
  throw new ExpverError("E_BUSY", `run ${runId} goes on in this worktree (process ${pid}, since ${String(since)})`, {
    hint: `Wait for it: expver runs wait ${runId}; stop it: expver runs stop ${runId}; or run beside it in a worktree of its own.`,
    details: { run: runId, pid, since, command: facts?.command ?? null },
  });
}
