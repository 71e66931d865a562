/** The two ends of a run: with a version, or recorded without one. */
import { join } from "node:path";
import { ExpverError } from "../../errors.ts";
import type { IndexEntry } from "../../git/index-file.ts";
import { readRef, updateRefs } from "../../git/refs.ts";
import type { Context } from "../../platform/context.ts";
import type { RunRecord, Stamps } from "../../results/types.ts";
import type { FileEdit } from "../../store/types.ts";
import { RESERVED } from "../../versions/reserve.ts";
import { orderMetrics } from "../../versions/suggest.ts";
import { type Collected, digestOfRun, stampRun, unstampVersion } from "./collect.ts";
import { finishRun } from "./finish.ts";
import type { Marks } from "./marks.ts";
import type { OpenRun } from "./open-run.ts";
import type { RunOutcome } from "./outcome.ts";
import { inputsChangedSince, type Outputs, storeDatabase, storeOutputs } from "./outputs.ts";
import { runsPipeline } from "./plan.ts";
import { changedSince } from "./snapshot.ts";
import { isUnder } from "./snapshot-selection.ts";
import { versionMessage } from "./version-message.ts";

interface Closing {
  collected: Collected;
  /** Wall-clock. */
  seconds: number;
}

/** Stamps, stores, commits, tags. */
export async function closeVersioned(
  context: Context,
  run: OpenRun,
  { collected, seconds, marks, staged }: Closing & { marks: Marks; staged: ReadonlyMap<string, IndexEntry> },
): Promise<RunOutcome> {
  const { plan, project, facts } = run;
  const changed = changesDuring(run, marks);
  if (changed.length > 0) {
    context.report({ kind: "warning", text: `changed while the run went on, and recorded so: ${changed.join(", ")}` });
  }
  stamp(context, run, { collected, version: facts().version, changed });
  recordRows(run);
  const outputs = storeOutputs(context, run, marks);
  run.save({ outputs: outputs.files, models: outputs.models, changedDuringRun: changed });
  const message = versionMessage(project, {
    runId: run.runId,
    message: facts().message,
    snapshot: facts().snapshot,
    dvcHash: facts().dvcHash,
    dirty: facts().dirty,
    inputs: facts().inputs,
    models: outputs.models,
    given: Object.keys(plan.request.params),
    params: collected.params,
    metrics: collected.metrics,
  });
  let onBranch: boolean;
  try {
    ({ onBranch } = finishRun(run, { message, staged }));
  } catch (error) {
    if (!(error instanceof ExpverError) || error.code !== "E_VERSION_TAKEN") throw error;
    unstampVersion(plan.places.databaseFile, run.runId, facts().version ?? "");
    const data = await closeUnversioned(context, run, { collected, seconds });
    throw new ExpverError(error.code, error.message, { hint: error.hint, details: { ...error.details, data }, cause: error });
  }
  run.save({ phase: "closed" });
  if (!onBranch && plan.request.commit) warnOffBranch(context, run);
  const line = [...message.headline.map(([key, value]) => `${key}=${value}`), message.description]
    .filter((part) => part !== "")
    .join(" | ");
  const published = await publishIfAsked(context, run);
  return outcomeOf(run, { collected, seconds, outputs, onBranch, line: facts().version === null ? null : line, published });
}

/** Keeps rows, log, status and the database's bytes; gives the number back. */
export async function closeUnversioned(context: Context, run: OpenRun, { collected, seconds }: Closing): Promise<RunOutcome> {
  const { operation, facts } = run;
  stamp(context, run, { collected, version: null, changed: [] });
  const edits: FileEdit[] = [];
  const database = storeDatabase(context, run, edits);
  operation.note("database", database.hash);
  recordRows(run);
  release(run);
  run.save({ phase: "closed", version: null, results: null });
  operation.fail(new Error(`the program ${facts().status}`));
  const outputs: Outputs = { files: [], artifacts: [database], models: [] };
  return outcomeOf(run, { collected, seconds, outputs, onBranch: false, line: null, published: false });
}

/** The rows are final: undo takes them back while they are exactly this. */
function recordRows({ runId, plan, operation }: OpenRun): void {
  const digest = digestOfRun(plan.places.databaseFile, runId);
  operation.record({ kind: "rows", database: plan.places.database, run: runId, ...(digest === null ? {} : { digest }) });
}

/** Gives a reserved number back. */
export function release({ repository, operation, facts }: Pick<OpenRun, "repository" | "operation" | "facts">): void {
  const { version } = facts();
  const ref = version === null ? null : RESERVED + version;
  const before = ref === null ? null : readRef(repository, ref);
  if (ref === null || before === null) return;
  operation.record({ kind: "ref", ref, before, after: null });
  updateRefs(repository, [{ ref, before, after: null }]);
}

function stamp(
  context: Context,
  { runId, plan, facts }: OpenRun,
  { collected, version, changed }: { collected: Collected; version: string | null; changed: string[] },
): void {
  const { snapshot, dvcHash, status, exitCode, signal, endedAt } = facts();
  const stamps: Stamps = { version, git_commit: snapshot, dvc_hash: dvcHash };
  const record: Partial<Omit<RunRecord, "run_id">> = {
    version,
    status,
    params: JSON.stringify(collected.params),
    metrics: JSON.stringify(collected.metrics),
    end: endedAt,
    exit_code: exitCode,
    signal,
    changed_during_run: changed.length === 0 ? null : JSON.stringify(changed),
  };
  for (const { table, column, value, rows } of stampRun(plan.places.databaseFile, runId, { stamps, record })) {
    context.report({ kind: "warning", text: `the program stamped ${rows} rows of ${table} itself: ${column} stays ${String(value)}` });
  }
}

/** Files of S and inputs that are no longer what the run began with. */
function changesDuring(run: OpenRun, marks: Marks): string[] {
  const { folder, repository, facts, plan } = run;
  const outputs = new Set(plan.pointers.map(({ file }) => file));
  const files = plan.request.commit ? changedSince(repository, folder, outputs).filter((path) => !isOutput(plan, path)) : [];
  return [...new Set([...files, ...(facts().inputs.length === 0 ? [] : inputsChangedSince(run, marks))])];
}

/** Outputs that Git tracks itself are meant to change. */
function isOutput({ places, argv }: OpenRun["plan"], path: string): boolean {
  return (
    places.isTracked(path) || path === places.metrics || isUnder(path, places.models) || (runsPipeline(argv) && path.endsWith("dvc.lock"))
  );
}

function warnOffBranch(context: Context, { facts }: OpenRun): void {
  const { head, version, results } = facts();
  const name = head.branch?.replace("refs/heads/", "") ?? "HEAD";
  context.report({
    kind: "warning",
    text: `${name} moved while the run went on: ${version ?? "the results commit"} is not on it`,
    hint: `Bring it in: git merge ${version ?? results?.slice(0, 12)}`,
  });
}

async function publishIfAsked(context: Context, { plan, facts, project }: OpenRun): Promise<boolean> {
  const asked = plan.request.publish || project.config.publish === "auto";
  const { version } = facts();
  if (!asked || version === null) return false;
  context.report({ kind: "warning", text: "publishing is not there yet", hint: `expver publish ${version}` });
  return false;
}

function outcomeOf(
  { runId, folder, plan, project, facts }: OpenRun,
  {
    collected,
    seconds,
    outputs,
    onBranch,
    line,
    published,
  }: Closing & { outputs: Outputs; onBranch: boolean; line: string | null; published: boolean },
): RunOutcome {
  const now = facts();
  return {
    run_id: runId,
    status: now.status,
    version: now.version,
    tag_line: line,
    on_branch: onBranch,
    snapshot: now.snapshot,
    results: now.results,
    dvc_hash: now.dvcHash,
    dirty: now.dirty,
    params: collected.params,
    metrics: collected.metrics,
    primary_metric: orderMetrics(project.config.metrics, collected.metrics)[0]?.name ?? null,
    rows: collected.rows,
    outputs: outputs.artifacts,
    held_back: plan.selection.heldBack,
    changed_during_run: now.changedDuringRun,
    exit_code: now.exitCode,
    signal: now.signal,
    seconds,
    log: join(folder, "log"),
    published,
    detached: false,
    next: now.version === null || published ? [] : [`expver publish ${now.version}`],
  };
}
