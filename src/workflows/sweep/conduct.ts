/** A sweep from its first line in the journal to its end, or on from where another command left it. */

import { join, relative } from "node:path";
import { fromTop, storedPath } from "../../config/paths.ts";
import { type Project, requireRepository, topOf } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import { hideSecretArguments } from "../../config/secrets.ts";
import { ExpverError, failedWith, fromSystemError } from "../../errors.ts";
import { readIndexEntries } from "../../git/index-file.ts";
import { readRef, updateRefs } from "../../git/refs.ts";
import { acquireLease, type Lease } from "../../journal/lease.ts";
import { beginOperation } from "../../journal/operations.ts";
import { takeBack } from "../../journal/take-back.ts";
import { localLauncher } from "../../launchers/local.ts";
import type { Context } from "../../platform/context.ts";
import { removePath } from "../../platform/files.ts";
import { identityOf } from "../../platform/processes.ts";
import { schemaOf } from "../../results/shard.ts";
import { RESERVED, reserveVersion } from "../../versions/reserve.ts";
import { firstFacts } from "../run/first-facts.ts";
import type { OpenRun } from "../run/open-run.ts";
import { fixStart } from "../run/prepare-run.ts";
import { describeEnvironment } from "../run/program/environment.ts";
import { tellSelection } from "../run/snapshot/tell-selection.ts";
import { leaseName } from "../second-run.ts";
import { concludeSweep, type SweepOutcome } from "./ending/conclude.ts";
import { runPool } from "./jobs/pool.ts";
import { watchProgress } from "./jobs/progress.ts";
import { dropWorkspace } from "./jobs/workspace.ts";
import { type OpenSweep, sweepFactsKeeper, sweepState } from "./open-sweep.ts";
import type { NewSweep, ResumedSweep, SweepPlan } from "./plan.ts";
import type { Pace } from "./request.ts";
import { packShards } from "./rows/shards.ts";
import { isEnded } from "./state.ts";
import { beginSweep, createSweepFolder, readSweepFacts, sweepFolder } from "./sweep-journal.ts";

export type { SweepOutcome } from "./ending/conclude.ts";

export async function conductSweep(context: Context, plan: SweepPlan): Promise<SweepOutcome> {
  // A run that has ended is recorded whole, whatever signal came meanwhile.
  const { signal, ...calm } = context;
  const project = plan.kind === "new" ? plan.findings.project : plan.project;
  const { id, folder } =
    plan.kind === "new" ? createSweepFolder(project, context) : { id: plan.sweep.id, folder: sweepFolder(project, plan.sweep.id) };
  const lease = leaseFor(project, id, plan.kind === "new");
  try {
    const sweep = plan.kind === "new" ? await begin(calm, plan, { id, folder }) : reopen(calm, plan, folder);
    removePath(join(folder, "stop"));
    sweep.write({ owner: identityOf(process.pid) });
    const queue = plan.kind === "new" ? plan.request.jobs.map((_, job) => job) : [...plan.queue];
    const progress = watchProgress(sweep, plan.pace);
    try {
      const partial = plan.kind === "resumed" && plan.partial;
      const outcome = await runPool(sweep, { queue, mayStart: !partial, pace: plan.pace, signal, onEnd: progress.ended });
      progress.end();
      return await concludeSweep(sweep, { outcome, partial, edit: plan.edit });
    } finally {
      progress.end();
      await tidyUp(sweep);
    }
  } finally {
    lease.release();
  }
}

function leaseFor(project: Project, id: string, isNew: boolean): Lease {
  try {
    return acquireLease(project, leaseName(project), { sweep: id });
  } catch (error) {
    if (isNew) removePath(sweepFolder(project, id));
    throw error;
  }
}

interface Named {
  id: string;
  folder: string;
}

/** S, the number, and the first line of the journal: all of it, or nothing. */
async function begin(context: Context, { findings, request, pace }: NewSweep & { pace: Pace }, { id, folder }: Named): Promise<OpenSweep> {
  const { project, repository, places } = findings;
  const since = context.clock().toISOString();
  const first = firstFacts(findings, { runId: id, since });
  const argv = hideSecretArguments(findings.request.argv);
  const operation = beginOperation(project, context, {
    command: "sweep",
    argv: ["sweep", "--", ...argv],
    summary: `${id} begins: ${request.message ?? first.command}`,
  });
  try {
    const keeper = sweepFactsKeeper(project, id, first);
    const run: OpenRun = { runId: id, folder, plan: findings, project, repository, places, operation, ...keeper };
    tellSelection(context, findings.selection);
    await fixStart(context, run);
    const paths = [...findings.selection.included.map(({ path }) => path), ...findings.pointers.map(({ file }) => file)];
    keeper.save({ closing: { ...keeper.facts().closing, staged: [...readIndexEntries(repository, paths)] } });
    const { message, metrics, params, paramsFile, repeat, ending } = request;
    beginSweep(project, {
      id,
      worktree: topOf(project),
      folder: fromTop(project, context.cwd),
      since,
      argv,
      hidden: JSON.stringify(argv) !== JSON.stringify(findings.request.argv),
      jobs: request.jobs,
      wanted: findings.version.wanted,
      request: { message, metrics, params, paramsFile, repeat, ending },
    });
    operation.finish();
    return openedSweep(context, { project, id, folder, argv: findings.request.argv, mayLink: pace.link, keeper });
  } catch (error) {
    takeBack(project, operation.effects);
    operation.fail(error);
    removePath(folder);
    throw error;
  }
}

/** As it was begun; what a killed command's recovery or somebody else has taken away of its start is made again. */
function reopen(context: Context, { project, sweep, argv, pace, message }: ResumedSweep & { pace: Pace }, folder: string): OpenSweep {
  const { id } = sweep;
  const repository = requireRepository(project);
  const first = readSweepFacts(project, id);
  if (first?.snapshot == null)
    throw new ExpverError("E_NOT_FOUND", `what ${id} began with is not known any more`, { hint: "Begin a new sweep." });
  const keeper = sweepFactsKeeper(project, id, first);
  if (message !== null) keeper.save({ message });
  const ref = `refs/expver/runs/${id}`;
  if (readRef(repository, ref) === null) updateRefs(repository, [{ ref, before: null, after: first.snapshot }]);
  if (sweep.request.ending.tag) keeper.save({ version: reserveAgain(project, first.version, sweep.wanted) });
  return openedSweep(context, { project, id, folder, argv, mayLink: pace.link, keeper });
}

/** The number it had, if nobody has taken it; else the next one of its level. */
function reserveAgain(project: Project, had: string | null, wanted: string): string {
  try {
    return reserveVersion(project, had ?? wanted).name;
  } catch (error) {
    if (!failedWith(error, "E_VERSION_TAKEN") || had === null) throw error;
    return reserveVersion(project, wanted).name;
  }
}

function openedSweep(
  context: Context,
  {
    project,
    id,
    folder,
    argv,
    mayLink,
    keeper,
  }: Named & Pick<OpenSweep, "project" | "argv" | "mayLink"> & { keeper: Pick<OpenSweep, "facts" | "save"> },
): OpenSweep {
  const kept = sweepState(project, id);
  const { request } = kept.state();
  const params = request.paramsFile === null ? project.config.params : relative(project.root, request.paramsFile);
  const configured = { ...project, config: { ...project.config, params } };
  return {
    context,
    id,
    folder,
    project: configured,
    repository: requireRepository(project),
    paramsFile: params === null ? null : storedPath(project, params),
    argv,
    mayLink,
    launcher: localLauncher(),
    schema: schemaOf(resultsDatabase(project)),
    environment: describeEnvironment({ roots: [project.root, topOf(project)], cwd: context.cwd, argv, env: context.env }),
    ...kept,
    ...keeper,
  };
}

/** What cannot be tidied up now (a full disk) is by the next command; it must not hide why we are here. */
async function tidyUp(sweep: OpenSweep): Promise<void> {
  try {
    clearSlots(sweep);
    releaseVersion(sweep);
    await packShards(sweep.project);
  } catch (error) {
    if (!(fromSystemError(error, "cannot tidy up") instanceof ExpverError)) throw error;
  }
}

/** The workspace of a run that could not be recorded stays: what it left is only there. */
function clearSlots({ project, folder, state }: OpenSweep): void {
  const { attempts } = state();
  const open = new Set(attempts.filter((attempt) => !isEnded(attempt)).map(({ slot }) => slot));
  const used = new Set(attempts.map(({ slot }) => slot));
  for (const slot of used) if (!open.has(slot)) dropWorkspace(project, join(folder, "slots", String(slot)));
  if (open.size === 0) removePath(join(folder, "slots"));
}

/** A number that no version has come of is given back. */
function releaseVersion({ repository, facts, save }: OpenSweep): void {
  const { version } = facts();
  const ref = version === null ? null : RESERVED + version;
  const before = ref === null ? null : readRef(repository, ref);
  if (ref === null || before === null) return;
  updateRefs(repository, [{ ref, before, after: null }]);
  save({ version: null });
}
