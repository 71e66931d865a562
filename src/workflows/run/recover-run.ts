/**
 * What the next writing command does about a run whose expver was killed: a program that still runs is left alone; one that
 * has ended is recorded with its rows and without a version; a version whose refs had moved already is finished.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import { type Place, type Project, readConfig, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, type Repository } from "../../git/git.ts";
import { readRef, updateRefs } from "../../git/refs.ts";
import { continueOperation } from "../../journal/operations.ts";
import type { RecoveryHandler } from "../../journal/recover.ts";
import { takeBack } from "../../journal/take-back.ts";
import type { Operation } from "../../journal/types.ts";
import type { JobStatus } from "../../launchers/launcher.ts";
import { lastSign, localLauncher } from "../../launchers/local.ts";
import type { Context } from "../../platform/context.ts";
import type { ProcessIdentity } from "../../platform/processes.ts";
import { holderOf, RESERVED } from "../../versions/reserve.ts";
import { bringAlong, type FileEffect, type IndexEdit } from "../place-commit.ts";
import { closeRun, release } from "./closing/close.ts";
import { forgetRun } from "./database/collect.ts";
import { copyBefore } from "./database/mend-database.ts";
import { type ClosingRun, factsKeeper } from "./open-run.ts";
import { isWrittenAfter, metricsMarks } from "./outputs/marks.ts";
import { outputsStand } from "./outputs/outputs.ts";
import { paramsStand } from "./parameters/written-parameters.ts";
import { placesOf } from "./places.ts";
import { endingOf, stopRequest } from "./program/execute.ts";
import { type RunFacts, readFacts, removeRunFolder, runFolder, writeFacts } from "./run-facts.ts";

export const recoverRun: RecoveryHandler = async (place, context, operation) => {
  const runId = String(operation.notes.run);
  const facts = readFacts(place, runId);
  if (facts === null || facts.phase === "closed") return facts === null ? null : `run ${runId} was complete`;
  const project: Project = { ...place, config: readConfig(place) };
  const repository = requireRepository(place);
  const job = { id: runId, folder: runFolder(place, runId) };
  const status = (await localLauncher().states([job])).get(runId);
  if (status?.state === "running") throw stillRuns(facts, status.process?.pid);
  if (facts.phase === "preparing" && !wasStarted(job.folder)) return takeBackStart(place, operation, facts);
  if (refsMoved(repository, facts, operation)) return finishForward(project, repository, { facts, operation });
  return closeLate(project, context, { repository, operation, ...statusOf(facts, status, stopRequest(job.folder)) });
};

/** The end as it was seen, or `killed` when nobody saw it. */
function statusOf(facts: RunFacts, status: JobStatus | undefined, stopped: string | null): { facts: RunFacts } {
  if (facts.phase === "closing") return { facts };
  return { facts: { ...facts, ...endingOf(status ?? { exitCode: null, signal: null }, stopped) } };
}

function stillRuns({ run_id: runId }: RunFacts, pid: number | undefined): ExpverError {
  return new ExpverError("E_BUSY", `the expver of run ${runId} is gone, its program (process ${pid}) still runs`, {
    hint: `Wait for it: expver runs wait ${runId}; or stop it: expver runs stop ${runId}`,
    details: { run: runId, pid },
  });
}

/** Or was about to be: a program that ended before it was written down has left rows all the same. */
function wasStarted(folder: string): boolean {
  return ["started", "process.json", "end.json"].some((file) => existsSync(join(folder, file)));
}

function takeBackStart(place: Place, operation: Operation, facts: RunFacts): string {
  const { run_id: runId } = facts;
  forgetRun(join(operation.worktree, facts.database), runId);
  takeBack(place, operation.effects);
  dropReservations(requireRepository(place), operation);
  removeRunFolder(place, runId);
  return `run ${runId} had not started; what was prepared was taken back`;
}

/** Also a number taken in the moment before it was written down. */
function dropReservations(repository: Repository, { owner }: Operation): void {
  const lines = git(repository, ["for-each-ref", "--format=%(objectname) %(refname)", RESERVED]).split("\n").filter(Boolean);
  const ours = lines.map((line) => line.split(" ")).filter(([object = ""]) => sameProcess(holderOf(repository, object), owner));
  updateRefs(
    repository,
    ours.map(([object = "", ref = ""]) => ({ ref, before: object, after: null })),
  );
}

function sameProcess(one: ProcessIdentity | null, { host, machine, pid, start }: ProcessIdentity): boolean {
  return one !== null && one.host === host && one.machine === machine && one.pid === pid && one.start === start;
}

/** The tag (without one: the kept ref) is at R: others may have seen it. */
function refsMoved(repository: Repository, { version, run_id: runId, results }: RunFacts, operation: Operation): boolean {
  if (results === null) return false;
  const ref = version === null ? `refs/expver/runs/${runId}` : `refs/tags/${version}`;
  const planned = operation.effects.findLast((effect) => effect.kind === "ref" && effect.ref === ref);
  return planned?.kind === "ref" && planned.after !== null && readRef(repository, ref) === planned.after;
}

function finishForward(project: Project, repository: Repository, { facts, operation }: { facts: RunFacts; operation: Operation }): string {
  const index = operation.effects.flatMap((effect): IndexEdit[] => (effect.kind === "index" ? effect.entries : []));
  const files = operation.effects.filter((effect): effect is FileEffect => effect.kind === "file");
  const branch = facts.head.branch ?? "HEAD";
  const planned = operation.effects.find((effect) => effect.kind === "ref" && effect.ref === branch);
  const moved = planned?.kind === "ref" && readRef(repository, branch) === planned.after;
  if (moved || planned === undefined) bringAlong(project, repository, { index, files });
  writeFacts(project, { ...facts, phase: "closed" });
  return `run ${facts.run_id} was finished: ${facts.version ?? "its results commit"} stands`;
}

/** Nobody has touched its metrics and parameters since. */
function notesStand(run: ClosingRun, end: number): boolean {
  const { project, places } = run;
  const touched = Object.keys(metricsMarks(project, places)).some((path) => isWrittenAfter(absolutePath(project, path), end));
  return paramsStand(run, end) && !touched;
}

interface LateClosing {
  repository: Repository;
  operation: Operation;
  facts: RunFacts;
}

/** Closes the run as its own expver would have; without a version when its end, or what it left is not as it was then. */
async function closeLate(project: Project, context: Context, { repository, operation, facts }: LateClosing): Promise<string> {
  const { run_id: runId, closing, params } = facts;
  const run: ClosingRun = {
    runId,
    folder: runFolder(project, runId),
    project,
    repository,
    places: placesOf(project, closing.metrics),
    operation: continueOperation(project, operation),
    ...factsKeeper(project, { ...facts, phase: "closing", endedAt: facts.endedAt ?? context.clock().toISOString() }),
  };
  if (!existsSync(run.places.databaseFile) && !existsSync(copyBefore(run.folder))) {
    release(run);
    run.save({ phase: "closed", version: null });
    return `run ${runId} is ${facts.status}; the results database it wrote to is gone`;
  }
  try {
    const end = lastSign({ id: runId, folder: run.folder });
    const { outcome } = await closeRun(context, run, { parameters: params, end, mayVersion: outputsStand(run) && notesStand(run, end) });
    if (outcome.version !== null)
      return `run ${runId} had finished: it is ${outcome.version} now${closing.publish ? `; not published: expver publish ${outcome.version}` : ""}`;
  } catch (error) {
    if (run.facts().phase !== "closed") throw error;
  }
  return `run ${runId} is recorded as ${run.facts().status}, without a version; its rows and log are kept: expver tag VERSION --run ${runId}`;
}
