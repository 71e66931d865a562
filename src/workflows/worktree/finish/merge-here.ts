/** Rows, data and code of the experiment on main: one operation, one commit, one version. All of it or nothing. */
import { join } from "node:path";
import { modelPlaces } from "../../../config/model-places.ts";
import { absolutePath, isUnder } from "../../../config/paths.ts";
import { checkoutFiles } from "../../../git/checkout-files.ts";
import { writeTreeWith } from "../../../git/index-file.ts";
import { commitTree, makeTag } from "../../../git/objects.ts";
import { headBranch, type RefChange } from "../../../git/refs.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { perform } from "../../../journal/perform.ts";
import { removePath } from "../../../platform/files.ts";
import { paceWork } from "../../../platform/pace.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { makeStaging } from "../../../store/objects/staging.ts";
import { dataHash, inputPointers } from "../../../store/pointers/data-hash.ts";
import { readPointersAt } from "../../../store/pointers/pointers.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import type { FileEdit } from "../../../store/types.ts";
import { pointerEdits, refuseOfStage, storingOutputs, trackedBy } from "../../../store/worktree/contents.ts";
import { artifactEntries } from "../../../versions/artifacts.ts";
import { formatMessage } from "../../../versions/message.ts";
import { markerOf, newTagChanges } from "../../../versions/published.ts";
import { suggestHeadline } from "../../../versions/suggest.ts";
import type { VersionMessage } from "../../../versions/types.ts";
import { requireCommittable, requireHead } from "../../commit-paths.ts";
import { applyResultsMerge, type ResultsPart } from "../../merge/results-part.ts";
import type { FileEffect } from "../../place-commit.ts";
import { indexEditsTo, placeCommit } from "../../place-commit.ts";
import { placeCopies } from "../../place-copies.ts";
import { rowHooks } from "../../row-hooks.ts";
import { editedFiles } from "../../run/outputs/results-files.ts";
import { whileNoRun } from "../../second-run.ts";
import type { Choices } from "./choices.ts";
import { type CodeMerge, mergeCode } from "./code.ts";
import { type DataChange, makeData, planData } from "./data.ts";
import { planResults } from "./results.ts";
import { mergedName, type Scene } from "./scene.ts";

export interface MergedHere {
  /** Null: there was nothing to commit. */
  commit: string | null;
  version: string | null;
}

/** `name`: of the version; null makes none. */
export async function mergeHere(scene: Scene, choices: Choices, name: string | null): Promise<MergedHere> {
  const { main, record, head } = scene;
  const { project, repository, context } = main;
  await requireCommittable(main);
  const changes = await planData(scene, choices);
  const code = choices.code === "merge" ? mergeCode(scene) : null;
  const results = await planResults(scene, choices);
  const work = async () => {
    requireHead(repository, head);
    return perform(project, context, {
      command: "worktree finish",
      argv: ["worktree", "finish", record.name],
      summary: `${name ?? "a merge"} of ${record.branch}`,
      rows: (effects) => rowHooks(project, effects),
      work: (operation) => mergeAll(scene, operation, { changes, code, results, name, choices }),
    });
  };
  const writes = [...changes.map(({ path }) => path), ...(results === null ? [] : [results.database])];
  return whileNoRun(project, "worktree finish", () => (project.dvcRoot === null ? work() : withDvcLock(project, work, { writes })));
}

interface Parts {
  changes: readonly DataChange[];
  code: CodeMerge | null;
  results: ResultsPart | null;
  name: string | null;
  choices: Choices;
}

async function mergeAll(scene: Scene, operation: OpenOperation, parts: Parts): Promise<MergedHere> {
  const { changes, results } = parts;
  const { project, repository, context } = scene.main;
  const stored = await takePlaces(scene, operation, parts);
  const scans = await paceWork(storingOutputs(project, stored), context, { label: "storing what was merged" });
  const pointers = trackedBy(project);
  const outputs = stored.map((path, index) => {
    const content = scans[index]?.content;
    if (content === undefined) throw new TypeError("every output was stored");
    const pointer = pointers.get(path);
    // The entry in dvc.lock comes with the code.
    if (pointer !== undefined) refuseOfStage(pointer);
    return { path, content, pointer };
  });
  const { edits } = pointerEdits(project, outputs);
  const ignores = ignoreEdits(
    project,
    changes.map(({ path }) => absolutePath(project, path)),
  );
  if (results?.changes === false) results.discard();
  const ofResults = results?.changes ? applyResultsMerge(context, project, { part: results, operation }).edits : [];
  return commitAndTag(scene, operation, { ...parts, edits: [...edits, ...ignores, ...ofResults], repository });
}

/** Data and code. Answers the stored paths of outputs that are other now. */
async function takePlaces(scene: Scene, operation: OpenOperation, { changes, code }: Parts): Promise<string[]> {
  const { project, repository } = scene.main;
  const tmp = project.dvcRoot === null ? join(project.stateDir, "tmp") : join(project.dvcRoot, ".dvc", "tmp");
  const staging = makeStaging(tmp);
  try {
    const copies: { path: string; made: string }[] = [];
    for (const [index, change] of changes.entries()) {
      const made = join(staging, `data-${index}`, "made");
      await makeData(scene, change, made);
      copies.push({ path: change.path, made });
    }
    if (code !== null) {
      checkoutFiles(repository, code.tree, { paths: code.writes, into: join(staging, "code") });
      copies.push(...code.writes.map((path) => ({ path, made: join(staging, "code", path) })));
    }
    placeCopies(project, operation, { copies, removes: code?.removes ?? [] });
    return changes.map(({ path }) => path);
  } finally {
    removePath(staging);
  }
}

function commitAndTag(
  scene: Scene,
  operation: OpenOperation,
  { edits, code, name, choices, repository }: Parts & { edits: readonly FileEdit[]; repository: Scene["main"]["repository"] },
): MergedHere {
  const { main, record, head, tip } = scene;
  const { project } = main;
  const base = code?.tree ?? head;
  const files = editedFiles({ project, repository, snapshot: base }, edits);
  const tree = writeTreeWith(repository, base, files);
  const isSame = tree === writeTreeWith(repository, head, []) && (code === null || scene.base === tip);
  if (isSame) return { commit: null, version: null };
  const subject = choices.message ?? subjectOf(scene);
  const commit = commitTree(repository, {
    tree,
    parents: code === null ? [head] : [head, tip],
    message: `${name === null ? "" : `${name}: `}${subject}\n\nMerged: ${mergedName(scene.tipVersion, tip)}\n`,
  });
  const refs: RefChange[] = [
    { ref: headBranch(repository) ?? "HEAD", before: head, after: commit },
    ...(name === null
      ? []
      : newTagChanges(
          name,
          makeTag(repository, { name, object: commit, message: formatMessage(messageOf(scene, { commit, subject })) }),
          markerOf(repository, name),
        )),
  ];
  const index = indexEditsTo(repository, commit, [
    ...files.map(({ path }) => path),
    ...(code === null ? [] : [...code.writes, ...code.removes]),
  ]);
  const written = files.flatMap(({ path, edit }): FileEffect[] =>
    edit === undefined || edit.before === edit.after ? [] : [{ kind: "file", path, before: edit.before, after: edit.after }],
  );
  placeCommit(project, repository, { operation, refs, index, files: written, reason: `expver: finish ${record.name}` });
  return { commit, version: name };
}

/** What is said of the merge where nobody said anything. */
export function subjectOf({ record, tipVersion }: Scene): string {
  const described = tipVersion?.message.description ?? "";
  return `Merge ${record.branch}${described === "" ? "" : `: ${described}`}`;
}

/** A merge has no runs of its own: rows keep the versions they have. */
function messageOf(
  { main: { project }, versions, tipVersion, tip }: Scene,
  { commit, subject }: { commit: string; subject: string },
): VersionMessage {
  const pointers = readPointersAt(project, commit);
  const inputs = inputPointers(project, pointers);
  const places = modelPlaces(project);
  const [description = "", ...body] = subject.split("\n");
  return {
    headline: suggestHeadline({ params: {}, metrics: [], dataHash: dataHash(inputs) }),
    description: description.trim(),
    body: body.join("\n").trim(),
    kind: "merge",
    runs: [],
    bestRun: null,
    merged: [...new Set([...versions.map(({ name }) => name), mergedName(tipVersion, tip)])],
    code: commit,
    dataHash: dataHash(inputs),
    data: artifactEntries(inputs),
    models: artifactEntries(pointers.filter(({ path }) => isUnder(path, places))),
    params: {},
    metrics: [],
    other: [],
  };
}
