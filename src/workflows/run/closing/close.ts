/** Closing a run whose program has ended: with a version, or recorded without one. Safe to repeat after a crash, by any process. */

import { appendFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { nearestWord } from "../../../config/nearest.ts";
import { absolutePath, configPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { yamlSource } from "../../../config/yaml-text.ts";
import { ExpverError, failedWith } from "../../../errors.ts";
import { readRef, updateRefs } from "../../../git/refs.ts";
import type { Context } from "../../../platform/context.ts";
import { finishWork, paceWork } from "../../../platform/pace.ts";
import { counted } from "../../../platform/words.ts";
import type { RunRecord } from "../../../results/types.ts";
import { cacheDir } from "../../../store/settings/dvc-config.ts";
import { objectFile, storeOutput } from "../../../store/worktree/contents.ts";
import { artifactEntries } from "../../../versions/artifacts.ts";
import { formatHeadline } from "../../../versions/headline.ts";
import { RESERVED } from "../../../versions/reserve.ts";
import type { VersionMessage } from "../../../versions/types.ts";
import type { Draft } from "../../describe/edit.ts";
import { proposeDescription } from "../../describe/proposal.ts";
import { type Collected, collectRows, digestOfRun, stampRun, unstampVersion } from "../database/collect.ts";
import { copyBefore, mendDatabase } from "../database/mend-database.ts";
import type { ClosingRun } from "../open-run.ts";
import { hintOfGrown } from "../outputs/grown-input.ts";
import { findLeft, warnOfLeft } from "../outputs/left-files.ts";
import { chooseMetrics, readMetricsFile } from "../outputs/metrics-file.ts";
import { inputsChangedSince, type Outputs, outputsOf, storingRun } from "../outputs/outputs.ts";
import { warnPromised } from "../outputs/promised.ts";
import { noteStages } from "../outputs/ran-stages.ts";
import { rescueSpoilt } from "../outputs/spoilt-objects.ts";
import { isOfStageUpToDate } from "../outputs/up-to-date.ts";
import { noteWritten } from "../outputs/written.ts";
import { parametersAtEnd } from "../parameters/written-parameters.ts";
import type { RunFacts } from "../run-facts.ts";
import { isProduct } from "../snapshot/noted-left.ts";
import { changedSince } from "../snapshot/snapshot.ts";
import { versionMessage } from "../version/version-message.ts";
import { finishRun } from "./finish.ts";
import { nameVersions } from "./name-versions.ts";
import { hintOfWritten, warnNumberless, warnOfObjects, warnOfSeveral } from "./number-warnings.ts";
import { outcomeOf, type RunOutcome } from "./outcome.ts";
import { whileStoring } from "./while-storing.ts";

export interface Closed {
  outcome: RunOutcome;
  /** Rows that were there before the start and are gone, or say something else. */
  vanished: number;
  changed: number;
  /** Object in the cache that has them as they were; null when none is gone or changed. */
  before: string | null;
}

type Describe = (draft: Draft) => Promise<string | null>;

export interface CloseOptions {
  /** Those of the program; hidden before they are stored. */
  parameters: Readonly<Record<string, string>>;
  /** Of a run that is closed late: when its program gave its last sign of life, in milliseconds since 1970. */
  end?: number;
  /** False: its outputs are no longer what it wrote, so there can be no version. Default true. */
  mayVersion?: boolean;
  /** Another run of the same sweep has said of its program what is said once. */
  isToldBefore?: boolean;
  /** Lets a person write the description; null: they want no version. */
  edit?: Describe;
}

/** Throws E_VERSION_TAKEN, the run then being recorded without a version, when its number was tagged by hand meanwhile. */
export async function closeRun(context: Context, run: ClosingRun, options: CloseOptions): Promise<Closed> {
  const { mayVersion = true, isToldBefore = false } = options;
  const { facts, folder } = run;
  rescueSpoilt(context, run);
  mendDatabase(context, run);
  noteStages(context, run);
  const collected = collect(context, run, options);
  const wantsNoFile = run.places.metrics === null || isUnasked(facts());
  if (facts().status === "finished" && !run.isShard && wantsNoFile && Object.keys(collected.metrics).length === 0)
    warnNumberless(context, `run ${run.runId}`, { project: run.project, since: facts().startedAt });
  if (facts().status === "finished" && !isToldBefore) {
    warnOfSeveral(context, run, collected);
    warnOfObjects(context, run, collected);
  }
  const { changed } = collected;
  const vanished = collected.vanished + (facts().closing.rowsLost ?? 0);
  const isBroken = vanished + changed > 0 && !facts().closing.allowHistoryChange;
  const closes = facts().status === "finished" && !isBroken && mayVersion;
  const outcome = closes ? await closeVersioned(context, run, { collected, ...options }) : await closeUnversioned(context, run, collected);
  const before = isBroken ? keepBefore(context, run) : null;
  for (const name of [copyBefore(folder), join(folder, "index")]) rmSync(name, { force: true });
  return { outcome, before, ...(isBroken ? { vanished, changed } : { vanished: 0, changed: 0 }) };
}

/** Not all of those rows need be in a version: they stay in the cache, and the operation names the object. */
function keepBefore(context: Context, { project, places, folder, operation }: ClosingRun): string | null {
  const copy = copyBefore(folder);
  if (!existsSync(copy)) return null;
  const { content } = storeOutput(project, places.database, context, { bytesFrom: copy });
  operation.note("database before", content.hash);
  return objectFile(cacheDir(project), content.hash);
}

function collect(context: Context, run: ClosingRun, options: CloseOptions): Collected {
  const { runId, folder, places, project, facts, isShard } = run;
  const parameters = parametersAtEnd(context, run, options);
  const metrics = metricsIn(context, run, options);
  // A setting that is tried again is to have one row, not one for each try that wrote none.
  const ownRow = !isShard || facts().status === "finished";
  return collectRows(project, { runId, folder, databaseFile: places.databaseFile, parameters, metrics, ownRow });
}

/** What lies beside it under almost its name, as it would be typed. */
function fileLike(project: Project, stored: string): string | undefined {
  const folder = absolutePath(project, dirname(stored));
  const near = existsSync(folder) ? nearestWord(basename(stored), readdirSync(folder)) : undefined;
  return near === undefined ? undefined : typedPath(project, join(dirname(stored), near));
}

/** Another program than the stages that write it: it need not be there. */
function isUnasked({ closing }: RunFacts): boolean {
  return Boolean(closing.metricsOfStage) && !closing.pipeline;
}

const WHAT = {
  stale: "was not written during the run and counts for nothing",
  late: "was written after the last sign of the program and counts for nothing",
  missing: "does not exist",
};

/** A run that has finished with a metrics file nobody can read has failed: without its numbers it stands nowhere. */
function metricsIn(context: Context, run: ClosingRun, { end }: Pick<CloseOptions, "end">): Record<string, string> {
  const { project, folder, facts, save } = run;
  const { closing, status, problem } = facts();
  const chosen = chooseMetrics(run, end);
  if (chosen === null) return {};
  if (problem !== undefined) {
    // Closed again: what has been written there since is not its own.
    save({ status: "failed" });
    return {};
  }
  const { path, before, others } = chosen;
  try {
    const at = absolutePath(project, path);
    let file = readMetricsFile(at, { name: path, before, end, config: project.config });
    if (file.state === "stale" && closing.pipeline && finishWork(isOfStageUpToDate(run, path))) {
      file = readMetricsFile(at, { name: path, before: "", config: project.config });
      context.report({ kind: "step", text: `metrics of ${path}: dvc found the stage that writes it up to date` });
    }
    if (file.state === "read") {
      if (others.length > 0)
        context.report({
          kind: "warning",
          text: `${others.length + 1} files that --metrics names were written: the numbers are those of ${path}, the last of them`,
          hint: `A narrower glob leaves out ${others.slice(0, 3).join(", ")}${others.length > 3 ? " …" : ""}.`,
        });
      if (file.isCut)
        context.report({ kind: "warning", text: `the last line of the metrics file ${path} is cut off: those before it count` });
      if (Object.keys(file.metrics).length === 0)
        context.report({
          kind: "warning",
          text: `the metrics file ${path} has no number`,
          hint: 'It is read as JSON, YAML, CSV or JSON lines, as its name says: {"accuracy": 0.9}',
        });
      return file.metrics;
    }
    if (isUnasked(facts())) return {};
    const what = WHAT[file.state];
    const near = file.state === "missing" ? fileLike(project, path) : undefined;
    const hint = near === undefined ? hintOfWritten(project, facts().startedAt, path) : `There is ${near}: was --metrics ${near} meant?`;
    context.report({
      kind: "warning",
      text: `the metrics file ${path} ${what}`,
      ...(hint === null ? {} : { hint }),
    });
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    const why = `its program has ended well, but its metrics file cannot be read: ${error.message}`;
    if (status !== "finished") return {};
    appendFileSync(join(folder, "log"), `expver: ${why}\n`);
    save({ status: "failed", problem: why });
  }
  return {};
}

/** Stamps, stores, commits, tags. */
async function closeVersioned(
  context: Context,
  run: ClosingRun,
  { collected, edit }: { collected: Collected } & Pick<CloseOptions, "edit">,
): Promise<RunOutcome> {
  const { facts } = run;
  await describeRun(context, run, { collected, edit });
  const changed = await changesDuring(context, run);
  if (changed.length > 0) warnChanged(context, run, changed);
  stamp(context, run, { collected, version: facts().version, changed });
  run.save({ changedDuringRun: changed });
  return whileStoring(run.project, context, () => storeVersion(context, run, collected));
}

async function storeVersion(context: Context, run: ClosingRun, collected: Collected): Promise<RunOutcome> {
  const { places, facts, runId } = run;
  const outputs = await paceWork(storingRun(run), context, { label: "storing what the run wrote" });
  noteWritten(run, outputs);
  warnPromised(context, run.project, outputs.promised);
  run.save({ outputs: outputs.files, models: outputs.models });
  // Before it is made, also when it is made late: a tag cannot be told afterwards which versions its data is there.
  const isPublished = facts().closing.publish || run.project.config.publish === "auto";
  if (isPublished && facts().version !== null) await nameVersions(context, run);
  const message = messageOfRun(run, { collected, models: outputs.models });
  let onBranch: boolean;
  try {
    ({ onBranch } = finishRun(run, message));
  } catch (error) {
    if (!failedWith(error, "E_VERSION_TAKEN")) throw error;
    unstampVersion(places.databaseFile, runId, facts().version ?? "");
    const data = await storeUnversioned(context, run, collected);
    throw new ExpverError(error.code, error.message, { hint: error.hint, details: { ...error.details, data }, cause: error });
  }
  const left = findLeft(run);
  run.save({ phase: "closed", left });
  if (left !== null) warnOfLeft(context, run, left);
  if (!onBranch && facts().closing.commit) warnOffBranch(context, run);
  return outcomeOf(run, { collected, outputs, onBranch, line: facts().version === null ? null : formatHeadline(message) });
}

/** What was typed; else what differs from the version before; with -e what a person makes of it. */
async function describeRun(
  context: Context,
  run: ClosingRun,
  { collected, edit }: { collected: Collected; edit: Describe | undefined },
): Promise<void> {
  const { project, places, facts, runId, save } = run;
  const { message, snapshot: commit, inputs, dirty, version, closing, command } = facts();
  const { params, metrics } = collected;
  if (version === null || run.isShard) return;
  if (message === null) {
    const made = { version, commit, dirty, data: artifactEntries(inputs), params, hasAllParams: true, metrics, command };
    const { text } = proposeDescription(project, made);
    save({ message: text, closing: { ...closing, proposed: true } });
    if (edit === undefined) context.report({ kind: "step", text: `about   ${text}  (proposed; your own words: -m TEXT, or -e)` });
  }
  if (edit === undefined) return;
  const text = await edit({
    text: facts().message ?? "",
    subject: `${version}, run ${runId}`,
    line: formatHeadline({ ...messageOfRun(run, { collected, models: [] }), description: "…" }),
  });
  if (text !== null) {
    save({ message: text, closing: { ...facts().closing, proposed: false } });
    return;
  }
  unstampVersion(places.databaseFile, runId, version);
  release(run);
  save({ version: null });
}

/** What the tag will say, with what is known now. */
function messageOfRun(
  { project, facts, runId }: ClosingRun,
  { collected, models }: { collected: Collected; models: Outputs["models"] },
): VersionMessage {
  const { message, command, snapshot, dvcHash, dirty, inputs, closing } = facts();
  const { params, metrics } = collected;
  const { given } = closing;
  return versionMessage(project, { runId, message, command, snapshot, dvcHash, dirty, inputs, models, given, params, metrics });
}

/** Asked to stop, which may be why it was killed, it is recorded all the same. */
function closeUnversioned(context: Context, run: ClosingRun, collected: Collected): Promise<RunOutcome> {
  const { report } = context;
  return whileStoring(run.project, { report }, () => storeUnversioned(context, run, collected));
}

/** Keeps rows, log, status, the database's and the outputs' bytes; gives the number back. */
async function storeUnversioned(context: Context, run: ClosingRun, collected: Collected): Promise<RunOutcome> {
  const { operation, facts, places, runId } = run;
  const { version } = facts();
  if (version !== null) unstampVersion(places.databaseFile, runId, version);
  stamp(context, run, { collected, version: null, changed: [] });
  let outputs: Outputs = { files: [], artifacts: [], models: [], promised: [] };
  try {
    outputs = await paceWork(storingRun(run), { report: context.report }, { label: "storing what the run wrote" });
    operation.note("database", outputs.artifacts[0]?.hash);
    noteWritten(run, outputs);
  } catch (error) {
    // The run is recorded all the same; what it left in the worktree is still there. A workspace would be used again.
    if (run.isShard || !(error instanceof ExpverError)) throw error;
    context.report({ kind: "warning", text: `outputs of run ${runId} could not be stored: ${error.message}`, hint: error.hint });
  }
  release(run);
  const left = run.isShard ? null : findLeft(run);
  run.save({ phase: "closed", version: null, results: null, outputs: outputs.files, models: outputs.models, left });
  return outcomeOf(run, { collected, outputs, onBranch: false, line: null });
}

/** Gives a reserved number back. */
export function release({ repository, operation, facts }: ClosingRun): void {
  const { version } = facts();
  const ref = version === null ? null : RESERVED + version;
  const before = ref === null ? null : readRef(repository, ref);
  if (ref === null || before === null) return;
  operation.record({ kind: "ref", ref, before, after: null });
  updateRefs(repository, [{ ref, before, after: null }]);
}

/** The rows are final then: undo takes them back while they are exactly this. */
function stamp(
  context: Context,
  { runId, places, facts, operation }: ClosingRun,
  { collected, version, changed }: { collected: Collected; version: string | null; changed: string[] },
): void {
  const { snapshot, dvcHash, status, exitCode, signal, endedAt } = facts();
  const stamps = { version, git_commit: snapshot, dvc_hash: dvcHash };
  const record: Partial<Omit<RunRecord, "run_id">> = {
    version,
    status,
    ...(version === null ? {} : { message: facts().message }),
    params: JSON.stringify(collected.params),
    metrics: JSON.stringify(collected.metrics),
    end: endedAt,
    exit_code: exitCode,
    signal,
    dvc_hash: dvcHash,
    changed_during_run: changed.length === 0 ? null : JSON.stringify(changed),
  };
  for (const { table, column, value, rows, rule } of stampRun(places.databaseFile, runId, { stamps, record })) {
    const text =
      rule === undefined
        ? `the program stamped ${counted(rows, "row")} of ${table} itself: ${column} stays ${String(value)}`
        : `the rows of ${table} cannot say their version (${rule}): only the run does`;
    context.report({ kind: "warning", text });
  }
  const digest = digestOfRun(places.databaseFile, runId);
  operation.record({ kind: "rows", database: places.database, run: runId, ...(digest === null ? {} : { digest }) });
}

/** Files of S and inputs that are no longer what the run began with; outputs that Git tracks itself are meant to change. */
async function changesDuring(context: Context, run: ClosingRun): Promise<string[]> {
  const { folder, repository, facts } = run;
  const { commit, pointers } = facts().closing;
  const isOutput = outputsOf(run);
  const inputs = await paceWork(inputsChangedSince(run), context, { label: "looking whether the inputs are as they were" });
  const files = commit ? changedSince(repository, folder, new Set(pointers.map(({ file }) => file))) : [];
  return [...new Set([...files.filter((path) => !isOutput(path)), ...inputs])];
}

function warnChanged(context: Context, { project, facts }: ClosingRun, changed: readonly string[]): void {
  const input = facts().inputs.find(({ path }) => changed.includes(path));
  const written = input?.path ?? changed.find(isProduct);
  const name = written === undefined ? "" : yamlSource(configPath(project, written));
  const counts = input === undefined ? "is in the version's code as it was before the run" : "counts as data that the run read";
  context.report({
    kind: "warning",
    text: `changed while the run went on, and recorded so: ${changed.join(", ")}`,
    ...(written === undefined
      ? {}
      : {
          hint:
            (input && hintOfGrown(project, input)) ??
            `${written} ${counts}. If the program writes it, say so in expver.yaml: track: [${name}], or for the model: models: { output: ${name} }`,
        }),
  });
}

function warnOffBranch(context: Context, { facts }: ClosingRun): void {
  const { head, version, results } = facts();
  const name = head.branch?.replace("refs/heads/", "") ?? "HEAD";
  context.report({
    kind: "warning",
    text: `${name} moved while the run went on: ${version ?? "the results commit"} is not on it`,
    hint: `Bring it in: git merge ${version ?? results?.slice(0, 12)}`,
  });
}
