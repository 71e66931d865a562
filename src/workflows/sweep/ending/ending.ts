/**
 * The end of a sweep, as one operation: the rows of all runs, all models as candidates (one commit), then the best run's outputs,
 * the best candidates, the promotion and the version (results commit R and its tag). What R leaves out of the folder the commit before has.
 */

import { isInProduction } from "../../../config/model-places.ts";
import { isUnder, isWithin, storedPath } from "../../../config/paths.ts";
import { writeTreeWith } from "../../../git/index-file.ts";
import { commitTree } from "../../../git/objects.ts";
import { readRef } from "../../../git/refs.ts";
import { applyTextEdits } from "../../../journal/file-edits.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { perform } from "../../../journal/perform.ts";
import { productionTrailers } from "../../../models/production-history.ts";
import { counted } from "../../../platform/words.ts";
import { readListing } from "../../../store/objects/layout.ts";
import { isLockFile, LONGEST_NAME, readPointers, trackedOf } from "../../../store/pointers/pointers.ts";
import { cacheDir } from "../../../store/settings/dvc-config.ts";
import { isIgnoreFile } from "../../../store/settings/gitignore.ts";
import type { FileEdit } from "../../../store/types.ts";
import { storeOutput } from "../../../store/worktree/contents.ts";
import { artifactEntries } from "../../../versions/artifacts.ts";
import { formatHeadline } from "../../../versions/headline.ts";
import { RESERVED } from "../../../versions/reserve.ts";
import type { ArtifactEntry, VersionMessage } from "../../../versions/types.ts";
import { editDescription } from "../../describe/edit.ts";
import { proposeDescription } from "../../describe/proposal.ts";
import { folderEdits } from "../../models/candidates-pointer.ts";
import { rowHooks } from "../../row-hooks.ts";
import { finishRun } from "../../run/closing/finish.ts";
import { nameVersions } from "../../run/closing/name-versions.ts";
import { whileStoring } from "../../run/closing/while-storing.ts";
import type { LackingRows } from "../../run/database/lacking-rows.ts";
import type { ClosingRun } from "../../run/open-run.ts";
import { storeDatabaseEdits } from "../../run/outputs/outputs.ts";
import { promisedAmong, warnPromised } from "../../run/outputs/promised.ts";
import { broughtEdits, editedFiles, type SnapshotPlace } from "../../run/outputs/results-files.ts";
import type { Places } from "../../run/places.ts";
import { titleOf } from "../../run/prepare-run.ts";
import { type OutputFile, readFacts } from "../../run/run-facts.ts";
import { versionMessage } from "../../run/version/version-message.ts";
import type { OpenSweep } from "../open-sweep.ts";
import { gatherRows } from "../rows/gather.ts";
import { type Ended, finishedRuns } from "../state.ts";
import type { SweepResult } from "../sweep-journal.ts";
import { type Ranking, rankedRuns } from "../winner.ts";
import { modelsOf, pointerWithAll, type SweepModel } from "./candidates.ts";
import { placeBlob, placeStored } from "./place-stored.ts";
import { type Judgement, judgeWinner, type Promotion, putWinner } from "./promote-winner.ts";

export interface EndingInput {
  places: Places;
  lacking: LackingRows | null;
  ranking: Ranking | null;
}

export interface SweepEnd extends SweepResult {
  onBranch: boolean;
  tagLine: string | null;
  /** Null: it was not asked for, or nobody knows which way is better. */
  promotion: Promotion | null;
  /** How many models became candidates, and how many of them stay in the folder. */
  candidates: number;
  kept: number;
}

/** The run whose outputs are the version's: the best one where it is known which way is better, the only one in any case. */
function winnerOf(runs: readonly Ended[], ranking: Ranking | null): Ended | null {
  if (runs.length === 1) return runs[0] ?? null;
  return ranking === null || ranking.isGuess ? null : (rankedRuns(ranking)[0] ?? null);
}

/** Those whose models stay in the folder: the best, and all of which nobody knows how good they are. */
function keptRuns(runs: readonly Ended[], { ranking, keep }: { ranking: Ranking | null; keep: number }): Set<string> {
  if (ranking === null || ranking.isGuess) return new Set(runs.map(({ run }) => run));
  const ranked = rankedRuns(ranking).map(({ run }) => run);
  return new Set([...ranked.slice(0, Math.max(1, keep)), ...runs.map(({ run }) => run).filter((run) => !ranked.includes(run))]);
}

export async function endSweep(sweep: OpenSweep, input: EndingInput): Promise<SweepEnd> {
  const { context, project, id, facts } = sweep;
  const { version } = facts();
  return perform(project, context, {
    command: "sweep",
    argv: ["sweep", "--resume", id],
    summary: `${id}${version === null ? "" : ` is ${version}`}: ${facts().message ?? facts().command}`,
    work: (operation) => whileStoring(project, context, () => endAll(sweep, operation, input)),
    rows: (effects) => rowHooks(project, effects),
  });
}

/** `-e`: false when the person left no text. */
export async function describeSweep(sweep: OpenSweep, { ranking }: Pick<EndingInput, "ranking">): Promise<boolean> {
  const { context, repository, id, facts, save, state } = sweep;
  const runs = finishedRuns(state());
  const winner = winnerOf(runs, ranking);
  const line = formatHeadline({ ...messageOf(sweep, { runs, winner, models: [] }), description: "…" });
  const text = facts().message ?? proposalOf(sweep, { runs, winner });
  const message = await editDescription(context, repository, { text, subject: facts().version ?? id, line });
  if (message !== null) save({ message });
  return message !== null;
}

async function endAll(sweep: OpenSweep, operation: OpenOperation, { places, lacking, ranking }: EndingInput): Promise<SweepEnd> {
  const { context, project, repository, id, folder, facts, save, state, write } = sweep;
  const runs = finishedRuns(state());
  const { version, snapshot } = facts();
  const winner = winnerOf(runs, ranking);
  const keep = keptRuns(runs, { ranking, keep: state().request.ending.keep ?? project.config.models.keep });
  const models = mayKeepCandidates(sweep) ? runs.flatMap((run) => modelsOf(project, run)) : [];
  const kept = models.filter(({ run }) => keep.has(run));
  const judged = await judgeWinner(sweep, { winner, ranking });
  await gatherRows(sweep, {
    operation,
    places,
    lacking,
    version: version === null ? null : { name: version, runs: runs.map(({ run }) => run) },
  });
  ownReservation(sweep, operation);
  const place = { project, repository, snapshot };
  const candidates = await candidateEdits(sweep, operation, { models, kept });
  const outputs = await placeOutputs(sweep, operation, { winner, kept, judged, place });
  const edits: FileEdit[] = [...candidates.kept, ...outputs.edits];
  edits.push(...(await putWinner(sweep, operation, judged)));
  edits.push(...storeDatabaseEdits(context, { project, folder, places }));
  const base = candidates.all.length === 0 ? snapshot : commitCandidates(sweep, candidates.all);
  const edited = editedFiles(place, edits);
  save({ outputs: [...edited, ...outputs.owned.filter(({ path }) => !edited.some((file) => file.path === path))] });
  if (facts().message === null) save({ message: proposalOf(sweep, { runs, winner }) });
  const message = messageOf(sweep, { runs, winner, models: outputs.artifacts.filter(({ path }) => isUnder(path, places.models)) });
  const run: ClosingRun = { runId: id, folder, project, repository, places, operation, facts, save };
  if (version !== null && (state().request.ending.publish || project.config.publish === "auto")) await nameVersions(context, run, base);
  const { results, onBranch } = finishRun(run, message, { base, trailers: trailersOf(judged) });
  const result: SweepResult = { version, results, best: winner?.run ?? null };
  write({ result });
  return {
    ...result,
    onBranch,
    tagLine: version === null ? null : formatHeadline(message),
    candidates: models.length,
    kept: kept.length,
    promotion: judged === null ? null : { promoted: judged.promoted, why: judged.why },
  };
}

/**
 * Of the best run: its outputs come into the worktree, but for what it wrote into production and is a candidate: that is promoted or not.
 * `owned`: those that are Git's; `artifacts`: the others, where R has them.
 */
async function placeOutputs(
  { context, project, repository, save }: OpenSweep,
  operation: OpenOperation,
  { winner, kept, judged, place }: { winner: Ended | null; kept: readonly SweepModel[]; judged: Judgement | null; place: SnapshotPlace },
): Promise<{ edits: FileEdit[]; owned: OutputFile[]; artifacts: ArtifactEntry[] }> {
  const own = winner === null ? null : readFacts(project, winner.run);
  if (winner === null || own === null) return { edits: [], owned: [], artifacts: [] };
  // Without what its stages have made anew.
  save({ inputs: own.inputs, dvcHash: own.dvcHash });
  const files = own.outputs.filter(({ edit }) => edit === undefined);
  const owned = files.filter(({ path }) => !isIgnoreFile(path));
  const ignoring = files.filter((file) => !owned.includes(file));
  const locks = owned.filter(({ path }) => isLockFile(path));
  const edits = broughtEdits(place, ignoring);
  // As texts: the database may have its entry there, which changes once more.
  applyTextEdits(project, operation, broughtEdits(place, locks));
  for (const file of owned) if (!locks.includes(file)) await placeBlob(project, repository, operation, file);
  // Of what its stages made, its `dvc.lock` says what it is.
  const tracked = trackedOf(project, null);
  const ofStages = new Set(tracked.pointers.flatMap(({ stage, path, hash }) => (stage === undefined ? [] : [`${hash} ${path}`])));
  const single: string[] = [];
  const artifacts: ArtifactEntry[] = [];
  const folder = storedPath(project, project.config.models.candidates);
  for (const artifact of winner.end.artifacts) {
    const { path, hash } = artifact;
    const isOfStage = ofStages.has(`${hash} ${path}`);
    const candidate = kept.find((one) => one.run === winner.run && one.hash === hash);
    if (!isOfStage && candidate !== undefined && isInProduction(project, path)) {
      artifacts.push({ ...artifact, path: judged?.model?.hash === hash ? judged.path : `${folder}/${candidate.item}` });
      continue;
    }
    artifacts.push(artifact);
    await placeStored(project, operation, { path, hash });
    if (isOfStage) continue;
    single.push(path);
    const { pointer, ignore } = storeOutput(project, path, context);
    edits.push(pointer, ...(ignore === null ? [] : [ignore]));
  }
  warnPromised(context, project, promisedAmong(tracked.pipelines(), single));
  return { edits, owned, artifacts };
}

function trailersOf(judged: Judgement | null): string {
  if (judged === null || judged.model === null) return "";
  const { path, model } = judged;
  // The version may get another number when it is published.
  return productionTrailers({ path, model: { ...model, version: null, size: model.size ?? 0 } });
}

/** The number was taken before this operation began; whoever takes it back gives the number back. */
function ownReservation({ repository, facts }: OpenSweep, operation: OpenOperation): void {
  const { version } = facts();
  const ref = RESERVED + version;
  const after = version === null ? null : readRef(repository, ref);
  if (after !== null) operation.record({ kind: "ref", ref, before: null, after });
}

/** Not in another output: a stage makes that anew, and the candidates and their pointer would be gone. Nor under names no file can have. */
function mayKeepCandidates({ context, project, state }: OpenSweep): boolean {
  const folder = storedPath(project, project.config.models.candidates);
  const runs = finishedRuns(state());
  const items = runs.flatMap((run) => modelsOf(project, run)).map(({ item }) => item);
  if (items.length === 0) return false;
  const long = items.find((item) => Buffer.byteLength(item) > LONGEST_NAME);
  if (long !== undefined) {
    const text = `no candidates were stored: ${long} would be longer than the name of a file can be`;
    context.report({
      kind: "warning",
      text,
      hint: `Let the program give its model a shorter name: ${LONGEST_NAME} bytes with that of the run.`,
    });
    return false;
  }
  // Of a first run only what it made says so.
  const outputs = [...readPointers(project), ...runs.flatMap(({ end }) => end.artifacts)];
  const around = outputs.find(({ path }) => path !== folder && isWithin(folder, path));
  if (around === undefined) return true;
  context.report({
    kind: "warning",
    text: `no candidates were stored: ${folder} lies in ${around.path}, which is an output itself`,
    hint: "Name another place in expver.yaml: models: { candidates: candidates, production: production/model.bin }",
  });
  return false;
}

/** Puts the kept ones into the folder. `all`: the pointer of a folder that has every one of them. */
async function candidateEdits(
  { context, project }: OpenSweep,
  operation: OpenOperation,
  { models, kept }: { models: readonly SweepModel[]; kept: readonly SweepModel[] },
): Promise<{ all: FileEdit[]; kept: FileEdit[] }> {
  if (models.length === 0) return { all: [], kept: [] };
  const folder = storedPath(project, project.config.models.candidates);
  for (const { item, hash } of kept) await placeStored(project, operation, { path: `${folder}/${item}`, hash });
  const edits = await folderEdits(
    project,
    context,
    kept.map(({ item }) => item),
  );
  const text = edits[0]?.after ?? "";
  const hash = /md5: (\w+\.dir)/.exec(text)?.[1];
  const listed = hash === undefined ? [] : (readListing(cacheDir(project), { hash, hashName: "md5" }) ?? []);
  return { all: pointerWithAll(project, models, listed), kept: edits };
}

/** What a sweep tries nobody said: what it varies, and what else differs from the version before. */
function proposalOf({ project, facts, state }: OpenSweep, { runs, winner }: { runs: readonly Ended[]; winner: Ended | null }): string {
  const { snapshot: commit, inputs, dirty, version } = facts();
  const settings = runs.map(({ job }) => state().jobs[job] ?? {});
  const names = [...new Set(settings.flatMap((one) => Object.keys(one)))];
  const varied = names.filter((name) => new Set(settings.map((one) => one[name])).size > 1);
  const params = Object.entries(winner?.end.params ?? {}).filter(([name]) => !names.includes(name));
  const data = artifactEntries(inputs);
  const said = `${counted(runs.length, "run")}${varied.length === 0 ? "" : ` over ${varied.join(" x ")}`}`;
  const made = { version, commit, dirty, data, params: Object.fromEntries(params), metrics: winner?.end.metrics ?? {} };
  return proposeDescription(project, made, { text: said, tellsCode: false }).text;
}

function commitCandidates({ project, repository, id, facts }: OpenSweep, edits: readonly FileEdit[]): string {
  const { snapshot, version, message, command } = facts();
  const files = editedFiles({ project, repository, snapshot }, edits);
  return commitTree(repository, {
    tree: writeTreeWith(repository, snapshot, files),
    parents: snapshot === null ? [] : [snapshot],
    message: `${titleOf(version, message, command)} (candidates)\n\nSweep: ${id}\n`,
  });
}

function messageOf(
  { project, facts, state }: OpenSweep,
  { runs, winner, models }: { runs: Ended[]; winner: Ended | null; models: readonly ArtifactEntry[] },
): VersionMessage {
  const { jobs } = state();
  const { message, command, snapshot, dvcHash, dirty, inputs } = facts();
  const told = versionMessage(project, {
    runId: "",
    message,
    command,
    snapshot,
    dvcHash,
    dirty,
    inputs,
    models,
    given: winner === null ? [] : Object.keys(jobs[winner.job] ?? {}),
    params: winner?.end.params ?? {},
    metrics: winner?.end.metrics ?? {},
  });
  return { ...told, kind: "sweep", runs: runs.map(({ run, job }) => ({ run, params: jobs[job] ?? {} })), bestRun: winner?.run ?? null };
}
