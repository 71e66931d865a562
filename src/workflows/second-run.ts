/** One run at a time in a worktree. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Place, topOf } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { acquireLease, readLease } from "../journal/lease.ts";
import { localLauncher } from "../launchers/local.ts";
import { descendsFrom, lifeOf, whereIs } from "../platform/processes.ts";
import { readFacts, runFolder } from "./run/run-facts.ts";

/** Readable, and different for two worktrees of one name. */
export function leaseName(project: Place): string {
  const top = topOf(project);
  return `run in ${basename(top)} ${createHash("sha256").update(top).digest("hex").slice(0, 8)}`;
}

export interface RunAtWork {
  run: string;
  pid: number | undefined;
  /** Null: it can be seen from here. */
  elsewhere: string | null;
  since: unknown;
}

/** Null: none. Also one goes on when the expver that watched it is gone and its program is not. */
export async function runAtWork(project: Place): Promise<RunAtWork | null> {
  const held = readLease(project, leaseName(project));
  const run = typeof held?.facts.run === "string" ? held.facts.run : null;
  if (held === null || run === null) return null;
  const program = (await localLauncher().states([{ id: run, folder: runFolder(project, run) }])).get(run);
  const facts = readFacts(project, run);
  const life = lifeOf(held.owner);
  const watched = life !== "dead";
  if (!watched && (program?.state !== "running" || facts?.phase === "closed")) return null;
  const pid = watched ? held.owner.pid : program?.process?.pid;
  return {
    run,
    pid,
    elsewhere: life === "unknown" ? whereIs(held.owner) : null,
    since: facts?.startedAt ?? held.facts.since,
  };
}

/** Throws E_BUSY while a run goes on in this worktree, at once unless the user has patience (`--wait`). */
export async function refuseSecondRun(project: Place): Promise<void> {
  const { waiting } = project;
  const ends = Date.now() + (waiting?.patience ?? 0);
  for (let isSaid = false; ; isSaid = true) {
    const found = await runAtWork(project);
    if (found === null) return;
    const busy = goesOn(found);
    // The run that we are part of waits for us.
    const isOurs = found.elsewhere === null && found.pid !== undefined && descendsFrom(found.pid);
    if (waiting === undefined || isOurs || Date.now() >= ends) throw busy;
    if (!isSaid) waiting.report({ kind: "step", text: `waiting: ${busy.message}` });
    await setTimeout(RETRY_MS);
    if (waiting.signal?.aborted) throw new ExpverError("E_INTERRUPTED", `interrupted while waiting: ${busy.message}`);
  }
}

/**
 * For what a run that goes on would take for its own: none goes on here, nor begins before the work is done. A plan may have waited long for
 * its yes. Throws E_BUSY.
 */
export async function whileNoRun<Value>(project: Place, command: string, work: () => Promise<Value>): Promise<Value> {
  await refuseSecondRun(project);
  // No run begins beside a sweep, and what a sweep tries is elsewhere.
  if (sweepAtWork(project)) return work();
  const lease = acquireLease(project, leaseName(project), { command });
  try {
    return await work();
  } finally {
    lease.release();
  }
}

function sweepAtWork(project: Place): boolean {
  const held = readLease(project, leaseName(project));
  return held !== null && held.facts.sweep !== undefined && lifeOf(held.owner) !== "dead";
}

const RETRY_MS = 200;

function goesOn(found: RunAtWork): ExpverError {
  const { run, pid, elsewhere, since } = found;
  const where = elsewhere === null ? "" : ` on ${elsewhere}`;
  return new ExpverError("E_BUSY", `run ${run} goes on in this worktree (process ${pid}${where}, since ${String(since)})`, {
    hint: `Wait for it: --wait SECONDS, or expver runs wait ${run}; stop it: expver runs stop ${run}; or run beside it in a worktree of its own.`,
    details: { ...found },
  });
}
