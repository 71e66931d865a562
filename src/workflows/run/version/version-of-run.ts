/**
 * `expver tag V --run RUN`: a version for a run that has none (it failed, was killed, rewrote history, or its expver died). The snapshot is the run's own; the branch does not move.
 */

import { rmSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { absolutePath, storedPath } from "../../../config/paths.ts";
import { openProject, type Project, requireRepository, topOf } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { editorOf } from "../../../git/editor.ts";
import type { Repository } from "../../../git/git.ts";
import { committer } from "../../../git/identity.ts";
import { writeTreeWith } from "../../../git/index-file.ts";
import { commitTree, makeTag } from "../../../git/objects.ts";
import { type RefChange, readRef, resolveCommit, updateRefs } from "../../../git/refs.ts";
import { publishRemote } from "../../../git/remotes.ts";
import { catFilesIfThere } from "../../../git/tree.ts";
import { perform } from "../../../journal/perform.ts";
import type { Effect } from "../../../journal/types.ts";
import type { Context } from "../../../platform/context.ts";
import { copyDatabase } from "../../../results/copy.ts";
import { stampRows } from "../../../results/rows.ts";
import { restampRun } from "../../../results/run-rows.ts";
import { readRun, recordedTexts, runTracks, updateRun } from "../../../results/runs.ts";
import type { RunRecord } from "../../../results/types.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { readPointersOf } from "../../../store/pointers/pointers.ts";
import type { FileEdit, OutputContent } from "../../../store/types.ts";
import { pointerEdits, storeOutput } from "../../../store/worktree/contents.ts";
import { artifactEntries } from "../../../versions/artifacts.ts";
import { formatHeadline } from "../../../versions/headline.ts";
import { formatMessage } from "../../../versions/message.ts";
import { markerOf, newTagChanges } from "../../../versions/published.ts";
import type { VersionMessage } from "../../../versions/types.ts";
import type { Input, Plan } from "../../contract.ts";
import { editDescription, noDescription } from "../../describe/edit.ts";
import { proposeDescription } from "../../describe/proposal.ts";
import { textIn } from "../../input.ts";
import { othersAmong } from "../../merge/other-versions.ts";
import { fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { rowHooks } from "../../row-hooks.ts";
import { findRun } from "../../runs/run-views.ts";
import { withResults } from "../database/collect.ts";
import { editedFiles } from "../outputs/results-files.ts";
import { titleOf } from "../prepare-run.ts";
import { createRunFolder, type OutputFile, readFacts, writeFacts } from "../run-facts.ts";
import { type LeftByRun, leftByRun } from "./left-by-run.ts";
import { chooseVersion, wantedVersion } from "./version-choice.ts";
import { type MessageFacts, versionMessage } from "./version-message.ts";

export interface VersionOfRunPlan extends Plan {
  runId: string;
  version: string;
  /** Null: what was said when the run began, else a proposal. */
  description: string | null;
  edit: boolean;
  snapshot: string;
}

export interface VersionOfRun {
  version: string;
  run_id: string;
  /** Results commit R. */
  results: string;
  tagLine: string;
  description: string;
  proposed: boolean;
  onBranch: false;
  next: string[];
}

/** Input: `version` (a name), `major`, `minor`, `patch` (absent: the next minor one), `run`, `description`. */
export async function planVersionOfRun(context: Context, input: Input): Promise<VersionOfRunPlan> {
  const project = openProject(context);
  const repository = requireRepository(project);
  committer(repository);
  const view = await findRun(project, textIn(input.run));
  if (view.status === "running") {
    throw new ExpverError("E_BUSY", `run ${view.run_id} has not ended`, {
      hint: `Wait for it: expver runs wait ${view.run_id}`,
      details: { run: view.run_id },
    });
  }
  // A run of another repository may say what is another version here.
  const own = othersAmong(project, [view]).length === 0 ? view.version : null;
  if (own !== null && readRef(repository, `refs/tags/${own}`) !== null) throw isVersion(view.run_id, own, `expver show ${own}`);
  const { name: version, remoteTags } = chooseVersion({ project, repository, context, wanted: wantedVersion(input) });
  // Its tag was deleted here, unless others may have it: then the run is still that version.
  if (own !== null && publishRemote(repository) !== null && remoteTags?.has(own) !== false)
    throw isVersion(view.run_id, own, "Its tag is not here: expver sync brings it from the Git remote.");
  if (input.edit === true) editorOf(repository);
  const snapshot = view.git_commit === null ? null : resolveCommit(repository, view.git_commit);
  if (snapshot === null) {
    throw new ExpverError("E_NOT_FOUND", `the code of run ${view.run_id} (${view.git_commit ?? "no commit"}) is not in this repository`, {
      hint: "Fetch it from the clone the run was made in: git fetch REMOTE 'refs/expver/runs/*:refs/expver/runs/*'",
      details: { run: view.run_id, commit: view.git_commit },
    });
  }
  return {
    command: "tag",
    steps: [
      { verb: "store", target: project.config.results.database, detail: `the rows of ${view.run_id} stamped ${version}` },
      { verb: "commit", target: "beside the branch", detail: `on snapshot ${snapshot.slice(0, 12)}` },
      { verb: "tag", target: version },
      { verb: "stamp", target: project.config.results.database },
    ],
    destructive: false,
    fingerprint: fingerprintOf({ run: view.run_id, version, snapshot }),
    runId: view.run_id,
    version,
    description: textIn(input.description) ?? textIn(input.message) ?? null,
    edit: input.edit === true,
    snapshot,
  };
}

function isVersion(run: string, version: string, hint: string): ExpverError {
  return new ExpverError("E_VERSION_TAKEN", `run ${run} is version ${version} already`, { hint, details: { run, version } });
}

export async function applyVersionOfRun(context: Context, plan: VersionOfRunPlan): Promise<VersionOfRun> {
  const project = openProject(context);
  const repository = requireRepository(project);
  await prepareWriting(project, context);
  const { runId, version } = plan;
  const databaseFile = absolutePath(project, storedPath(project, project.config.results.database));
  const record = withResults(databaseFile, (db) => readRun(db, runId));
  if (record === null) throw new ExpverError("E_NOT_FOUND", `${project.config.results.database} has no run ${runId}`);
  const left = leftByRun(project, repository, record, plan.snapshot);
  if (left.isUnknown)
    context.report({
      kind: "warning",
      text: `what run ${runId} left is not in this repository: ${version} has its code and its rows, not its model`,
      hint: `Where it ran${record.host ? ` (${record.host})` : ""} a version of it has all: expver tag --run ${runId}`,
    });
  const { message, proposed } = await describedMessage(context, project, { plan, record, repository, left });
  const making = () =>
    perform<VersionOfRun>(project, context, {
      command: "tag",
      argv: ["tag", version, "--run", runId],
      summary: `version ${version} for run ${runId}`,
      rows: (effects) => rowHooks(project, effects),
      work(operation) {
        const outputs = storeStampedCopy(project, context, { plan, record, repository, left, databaseFile });
        const tree = writeTreeWith(
          repository,
          left.base,
          outputs.map(({ path, mode, object }) => ({ path, mode, object })),
        );
        const title = titleOf(version, message.description, record.command);
        const results = commitTree(repository, { tree, parents: [plan.snapshot], message: `${title}\n\nRun: ${runId}\n` });
        const tag = makeTag(repository, { name: version, object: results, message: formatMessage(message) });
        const refs = refsOf(repository, { runId, version, tag });
        operation.record(...refs.map((change): Effect => ({ kind: "ref", ...change })), {
          kind: "stamp",
          database: storedPath(project, project.config.results.database),
          run: runId,
          before: record.version,
          after: version,
        });
        updateRefs(repository, refs, { reason: `expver: version ${version} for run ${runId}` });
        stampWorking(databaseFile, { runId, version, record });
        const facts = readFacts(project, runId);
        if (facts !== null) writeFacts(project, { ...facts, version, results });
        return {
          version,
          run_id: runId,
          results,
          tagLine: formatHeadline(message),
          description: message.description,
          proposed,
          onBranch: false,
          next: [`git merge ${version}`, `expver publish ${version}`],
        };
      },
    });
  return withDvcLock(project, making);
}

interface StampedCopy {
  plan: VersionOfRunPlan;
  record: RunRecord;
  repository: Repository;
  left: LeftByRun;
  databaseFile: string;
}

/** The stamps go into the copy that is stored; the working rows get theirs once the tag stands. */
function storeStampedCopy(project: Project, context: Context, { plan, record, repository, left, databaseFile }: StampedCopy): OutputFile[] {
  const { folder } = createRunFolder(project, context, plan.runId);
  const copy = join(folder, "database.copy");
  const stored = storedPath(project, project.config.results.database);
  try {
    copyDatabase(databaseFile, copy);
    stampWorking(copy, { runId: plan.runId, version: plan.version, record });
    const { content, ignore } = storeOutput(project, stored, context, { bytesFrom: copy });
    const edits = editsOfRun(project, repository, { left, stored, content });
    const database = editedFiles({ project, repository, snapshot: left.base }, [...edits, ...(ignore === null ? [] : [ignore])]);
    return [...left.outputs.filter(({ path }) => !database.some((file) => file.path === path)), ...database];
  } finally {
    for (const end of ["", "-journal", "-wal", "-shm"]) rmSync(copy + end, { force: true });
  }
}

/** The file that points to the database may say other things too (`dvc.lock`): those stay what they were in the run. */
function editsOfRun(
  project: Project,
  repository: Repository,
  { left, stored: path, content }: Pick<StampedCopy, "left"> & { stored: string; content: OutputContent },
): FileEdit[] {
  const outputs = left.outputs.map(({ path, mode, object }) => ({ path, mode, object }));
  const tree = writeTreeWith(repository, left.base, outputs);
  // What its program left that cannot be read is no reason against a version.
  const pointer = readPointersOf(project, [tree], () => {})
    .get(tree)
    ?.find((one) => one.path === path);
  const textOf = (file: string) => {
    const name = `${tree}:${relative(topOf(project), file).split(sep).join("/")}`;
    return catFilesIfThere(repository, [name]).get(name)?.toString("utf8") ?? null;
  };
  return pointerEdits(project, [{ path, content, pointer }], textOf).edits;
}

function stampWorking(path: string, { runId, version, record }: { runId: string; version: string; record: RunRecord }): void {
  withResults(path, (db) =>
    db.write(() => {
      if (record.version !== null) restampRun(db, runId, { from: record.version, to: version });
      stampRows(db, runTracks(db, runId), { version, git_commit: record.git_commit, dvc_hash: record.dvc_hash });
      updateRun(db, runId, { version });
    }),
  );
}

function refsOf(repository: Repository, { runId, version, tag }: { runId: string; version: string; tag: string }): RefChange[] {
  const kept = `refs/expver/runs/${runId}`;
  const before = readRef(repository, kept);
  return [...newTagChanges(version, tag, markerOf(repository, version)), ...(before === null ? [] : [{ ref: kept, before, after: null }])];
}

async function describedMessage(
  context: Context,
  project: Project,
  { plan, record, repository, left }: Pick<StampedCopy, "plan" | "record" | "repository" | "left">,
): Promise<{ message: VersionMessage; proposed: boolean }> {
  const said = plan.description ?? record.message;
  const facts = factsFor(record, left);
  const { snapshot: commit, inputs, params, metrics } = facts;
  const text =
    said ??
    proposeDescription(project, {
      version: plan.version,
      commit,
      dirty: facts.dirty,
      data: artifactEntries(inputs),
      params,
      hasAllParams: record.status === "finished",
      metrics,
      command: record.command,
    }).text;
  const of = (description: string) => messageOf(project, record, { ...facts, message: description });
  if (!plan.edit) return { message: of(text), proposed: said === null };
  const draft = { text, subject: `${plan.version}, run ${plan.runId}`, line: formatHeadline({ ...of(text), description: "…" }) };
  const edited = await editDescription(context, repository, draft);
  if (edited === null) throw noDescription("nothing was tagged", `expver tag -m TEXT --run ${plan.runId}`, { run: plan.runId });
  return { message: of(edited), proposed: false };
}

function factsFor(record: RunRecord, { inputs, models, dataHash }: LeftByRun): MessageFacts {
  return {
    runId: record.run_id,
    message: record.message,
    command: record.command,
    snapshot: record.git_commit,
    dvcHash: dataHash,
    dirty: record.dirty !== 0,
    inputs,
    models,
    given: [],
    params: recordedTexts(record.params),
    metrics: recordedTexts(record.metrics),
  };
}

function messageOf(project: Project, { status }: RunRecord, facts: MessageFacts): VersionMessage {
  const message = versionMessage(project, facts);
  return status === "finished" ? message : { ...message, other: [...message.other, ["Status", status]] };
}
