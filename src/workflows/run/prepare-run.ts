/** Everything before the program starts: the number, the snapshot, the database. Each change is journaled first. */
import { relative, sep } from "node:path";
import { topOf } from "../../config/project.ts";
import { hideSecrets } from "../../config/secrets.ts";
import { proveSigning, proveTagSigning } from "../../git/objects.ts";
import { updateRefs } from "../../git/refs.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork, type Work } from "../../platform/pace.ts";
import { openResults } from "../../results/database.ts";
import { addStampColumns, snapshotTo } from "../../results/rows.ts";
import { insertRun } from "../../results/runs.ts";
import { dataHash } from "../../store/pointers/data-hash.ts";
import type { Pointer } from "../../store/types.ts";
import { hasLeftSource, pointerEdits, refuseOfStage, type Said, storingOutputs } from "../../store/worktree/contents.ts";
import type { Scan } from "../../store/worktree/scan.ts";
import { reserveVersion } from "../../versions/reserve.ts";
import { bringInLacking } from "./database/bring-in-lacking.ts";
import { copyBefore } from "./database/mend-database.ts";
import { recordOf } from "./database/run-record.ts";
import type { OpenRun } from "./open-run.ts";
import { describeEnvironment } from "./program/environment.ts";
import type { RunFacts } from "./run-facts.ts";
import { makeSnapshot, worktreePatch } from "./snapshot/snapshot.ts";

/** Reserves the number, makes S, opens the database for the run. */
export async function prepareRun(context: Context, run: OpenRun): Promise<void> {
  const patch = await fixStart(context, run);
  // Here, and not in a workspace, the program finds what the snapshot could not have.
  if (run.plan.selection.heldBack.some(({ reason }) => reason === "overlooked")) run.save({ dirty: true });
  openDatabaseFor(context, run, patch);
}

/** Reserves the number, stores changed inputs, makes S. Answers the patch of what was not to be committed. */
export async function fixStart(context: Context, run: OpenRun): Promise<string | null> {
  if (run.plan.request.tag) reserve(run);
  const { inputs, edits } = await paceWork(storingChangedInputs(run), context, { label: "storing changed inputs" });
  const { snapshot, dirty, patch } = snapshotOf(run, edits);
  // A new S is signed itself; else whether R can be would be known only after hours.
  if (snapshot === run.plan.head.commit) proveSigning(run.repository);
  if (run.plan.request.tag && snapshot !== null)
    proveTagSigning(run.repository, { name: run.plan.version.name, object: snapshot, message: "expver: can this be signed?" });
  run.save({ inputs, inputEdits: edits, dvcHash: dataHash(inputs), snapshot, dirty });
  return patch;
}

/** Two runs of one repository never get one number. A kill between reserving and journaling leaves a reservation whose holder is dead: no harm. */
function reserve({ plan, project, operation, save }: OpenRun): void {
  const { name, ref, object } = reserveVersion(project, plan.version.wanted, {
    remoteTags: plan.version.remoteTags,
    numbers: plan.version.numbers,
  });
  operation.record({ kind: "ref", ref, before: null, after: object });
  save({ version: name });
}

/** The bytes the program is about to read go into the cache; their pointers into S only. */
function* storingChangedInputs({ plan, project }: OpenRun): Work<Pick<RunFacts, "inputs"> & { edits: RunFacts["inputEdits"] }> {
  const stored: Said[] = [];
  const changed = new Set(plan.changedInputs.map(({ path }) => path));
  const inputs: Pointer[] = [];
  for (const pointer of plan.inputs) {
    if (!changed.has(pointer.path)) {
      inputs.push(pointer);
      continue;
    }
    const { content } = (yield* storingOutputs(project, [pointer.path]))[0] as Scan;
    if (content.hash !== pointer.hash) refuseOfStage(pointer);
    // What was only not in the cache: its entry is right.
    if (pointer.stage === undefined) stored.push({ path: pointer.path, content, pointer, leavesSource: hasLeftSource(pointer, content) });
    const { hash, size, nfiles } = content;
    inputs.push({ ...pointer, hash, size, ...(nfiles === undefined ? {} : { nfiles }) });
  }
  const edits = pointerEdits(project, stored).edits.flatMap(({ path, before, after }) =>
    after === null || after === before ? [] : [{ path: relative(topOf(project), path).split(sep).join("/"), before, after }],
  );
  return { inputs, edits };
}

interface MadeSnapshot {
  snapshot: string | null;
  dirty: boolean;
  patch: string | null;
}

function snapshotOf({ runId, folder, plan, repository, operation, facts }: OpenRun, edits: RunFacts["inputEdits"]): MadeSnapshot {
  const { head, selection, request, changedInputs } = plan;
  const paths = selection.included.map(({ path }) => path);
  if (!request.commit) {
    const untracked = selection.included.filter(({ tracked }) => !tracked).map(({ path }) => path);
    const dirty = paths.length + changedInputs.length > 0;
    return { snapshot: head.commit, dirty, patch: dirty ? worktreePatch(repository, head.commit, untracked) : null };
  }
  const { commit } = makeSnapshot(repository, {
    folder,
    head,
    paths,
    texts: edits.map(({ path, after }) => ({ path, text: after })),
    message: `${titleOf(facts().version, request.message, facts().command)} (snapshot)\n\nRun: ${runId}\n`,
    verify: request.verify,
  });
  const ref = `refs/expver/runs/${runId}`;
  operation.record({ kind: "ref", ref, before: null, after: commit });
  updateRefs(repository, [{ ref, before: null, after: commit }], { reason: `expver: run ${runId}` });
  return { snapshot: commit, dirty: false, patch: null };
}

/** The first line of both commits. */
export function titleOf(version: string | null, message: string | null, command: string): string {
  const text = (message ?? command).split("\n")[0] ?? "";
  return version === null ? text || "expver run" : `${version}: ${text}`;
}

function openDatabaseFor(context: Context, run: OpenRun, patch: string | null): void {
  const { runId, folder, plan, project, operation, facts } = run;
  const { databaseFile, database } = plan.places;
  operation.record({ kind: "rows", database, run: runId });
  if (plan.lacking !== null) bringInLacking(project, plan.lacking, databaseFile);
  const { text, packages } = describeEnvironment({
    roots: [project.root, topOf(project)],
    cwd: context.cwd,
    argv: plan.argv,
    env: context.env,
  });
  const db = openResults(databaseFile, { create: true });
  try {
    addStampColumns(db, project.config.results.tables);
    insertRun(
      db,
      recordOf(run, { argv: plan.shownArgv, environment: text, patch, params: hideSecrets(plan.parameters), start: facts().startedAt }),
      packages,
    );
  } finally {
    db.close();
  }
  // With the run's own record: should the program lose the database, this copy takes its place.
  snapshotTo(databaseFile, copyBefore(folder));
}
