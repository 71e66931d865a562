/** `expver data commit`: what the tracked outputs hold now becomes what their pointers say. Makes no Git commit. */
import { absolutePath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import { ignoredByGit } from "../../../git/ignored.ts";
import { perform } from "../../../journal/perform.ts";
import { promisedOutputs } from "../../../pipelines/unrun-outputs.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { paceWork } from "../../../platform/pace.ts";
import { someOf } from "../../../platform/words.ts";
import { withDvcLock } from "../../../store/dvc-lock.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { warnContested } from "../../../store/pointers/contested.ts";
import type { LockedStage } from "../../../store/pointers/lock-file.ts";
import { readPipelines, readPointers } from "../../../store/pointers/pointers.ts";
import { hasOtherStageMd5 } from "../../../store/pointers/stage-md5.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import type { FileEdit, Pointer } from "../../../store/types.ts";
import { pointerEdits, scanOutputs, storingOldOutputs, storingOutputs } from "../../../store/worktree/contents.ts";
import { relinkOutputs, type ToRelink } from "../../../store/worktree/relink.ts";
import type { Scan } from "../../../store/worktree/scan.ts";
import { isHere, type OutputStatus, readingStatus } from "../../../store/worktree/status.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { prepareWriting } from "../../prepare.ts";
import { databaseCopier, settleDatabases } from "../databases.ts";
import { openData, selectPointers, stageAddresses, targetsOf } from "../open-data.ts";
import type { AddedOutput } from "./add-members.ts";
import { warnOfImports } from "./changed-import.ts";
import { changedStages, withStages } from "./commit-stages.ts";
import { refuseTrackedByGit } from "./trackable.ts";

interface CommitPlan extends Plan {
  /** Outputs with other bytes than their pointers say. */
  changed: Pointer[];
  /** Stages that were made of something else than their `dvc.lock` says. */
  stages: LockedStage[];
  /** Outputs that are right but whose bytes are not in the cache (`add --no-commit`). */
  unstored: Pointer[];
  /** The same of DVC 2, which keep the names they have. */
  unstoredOld: Scan[];
  /** Git would take their data: the line in the ignore file is gone. */
  unignored: Pointer[];
  /** What is stored already: only its links may not be as they are wanted today. */
  settled: ToRelink[];
  relink: boolean;
}

export interface CommitResult {
  committed: AddedOutput[];
  /** Of which `dvc.lock` says now what they were made of. */
  stages: string[];
}

/** Changed pointers make the plan destructive, as dvc asks then too; `--force` is the yes. */
export const dataCommit: WriteWorkflow<Input, CommitPlan, CommitResult> = {
  async plan(context, input) {
    const project = openData(context);
    const targets = targetsOf(input);
    const pointers = withSiblings(project, selectPointers(project, context, targets).pointers);
    if (targets.targets.length === 0) warnOfUnrun(project, context);
    warnContested(project, context, pointers);
    await settleDatabases(
      project,
      pointers.map(({ path }) => path),
    );
    const states = await paceWork(readingStatus(project, pointers), context, { label: "hashing data" });
    refuseDeleted(project, states);
    const differing = states.filter(({ pointer, worktree }) => worktree !== "same" || pointer.hash === null).map(({ pointer }) => pointer);
    const stages = await paceWork(changedStages(project, context, { pointers, differing }), context, { label: "hashing data" });
    warnOfImports(project, context, differing);
    // `dvc add FOLDER/FILE` leaves the size out; a commit is where dvc writes it again.
    const incomplete = states
      .filter(({ pointer, worktree }) => worktree === "same" && pointer.hash !== null && lacksSize(pointer))
      .map(({ pointer }) => pointer);
    const otherModes = input.force === true ? states.filter(hasOtherMode).map(({ pointer }) => pointer) : [];
    const edited = states.flatMap(({ pointer }) => (isEdited(project, pointer) && !differing.includes(pointer) ? [pointer] : []));
    const rewritten = [...new Set([...incomplete, ...otherModes, ...edited])];
    const lacking = states.filter(({ pointer, worktree, inCache }) => worktree === "same" && pointer.cache && !inCache);
    const unstored = lacking.map(({ pointer }) => pointer);
    const written = [...differing, ...rewritten, ...unstored].filter(({ cache }) => cache);
    refuseTrackedByGit(project, [...new Set(written.map(({ path }) => path))]);
    const meant = input.force === true ? pointers : [...differing, ...rewritten];
    const unignored = seenByGit(
      project,
      meant.filter(({ cache }) => cache),
    );
    return {
      command: "data commit",
      steps: [
        ...differing.map(({ path, file }) => ({ verb: "store", target: path, detail: `→ ${file}`, keeps: "the old bytes, in the cache" })),
        ...incomplete.map(({ path, file }) => ({ verb: "note", target: path, detail: `its size → ${file}` })),
        ...otherModes.map(({ path, file }) => ({ verb: "note", target: path, detail: `whether it may be run → ${file}` })),
        ...edited.map(({ file }) => ({ verb: "note", target: file, detail: "it was edited: its md5 becomes that of what it says" })),
        ...stages.map(({ file, stage }) => ({ verb: "note", target: file, detail: `what stage ${stage} was made of` })),
        ...unstored.map(({ path }) => ({ verb: "store", target: path })),
        ...unignored.map(({ path }) => ({ verb: "ignore", target: path })),
      ],
      destructive: differing.length + edited.length + stages.length > 0,
      fingerprint: fingerprintOf([
        edited,
        stages.map((one) => [one, [...one.deps]]),
        ...states.map(({ pointer, scan }) => [pointer.path, pointer.hash, scan?.content.hash]),
      ]),
      changed: [...differing, ...rewritten],
      stages,
      unstored: unstored.filter((pointer) => pointer.hashName === "md5" && !rewritten.includes(pointer)),
      unstoredOld: lacking.flatMap(({ pointer, scan }) => (pointer.hashName === "md5" || scan === null ? [] : [scan])),
      unignored,
      settled: states.flatMap(({ pointer: { path, cache, hashName }, scan, worktree, inCache }) =>
        scan !== null && worktree === "same" && inCache && cache && hashName === "md5" ? [{ path: absolutePath(project, path), scan }] : [],
      ),
      relink: input.relink !== false,
    };
  },

  async apply(context, { changed, stages, unstored, unstoredOld, unignored, settled, relink }) {
    const project = openData(context);
    await prepareWriting(project, context);
    const pointers = [...changed, ...unstored];
    const addresses = stages.flatMap((one) => stageAddresses(project, one).slice(0, 1));
    const paths = [...new Set([...pointers, ...unignored].map(({ path }) => path))];
    const work = async (edit: (edits: FileEdit[]) => void): Promise<CommitResult> => {
      const pathsOf = (some: readonly Pointer[]) => some.map(({ path }) => path);
      const toStore = pathsOf(pointers.filter(({ cache }) => cache));
      const toHash = pathsOf(pointers.filter(({ cache }) => !cache));
      const since = Date.now();
      const scans = await paceWork(storingOutputs(project, toStore, { copyDatabase: await databaseCopier() }), context, {
        label: "storing data",
      });
      await paceWork(storingOldOutputs(openCache(project), unstoredOld), context, { label: "storing data" });
      const hashed = await paceWork(scanOutputs(project, toHash), context, { label: "hashing data" });
      const byPath = new Map([...toStore, ...toHash].map((path, index) => [path, [...scans, ...hashed][index]]));
      const stored = changed.flatMap((pointer) => {
        const content = byPath.get(pointer.path)?.content;
        return content === undefined ? [] : [{ path: pointer.path, content, pointer }];
      });
      const said = pointerEdits(project, stored);
      const committed = stored.map(({ path, content }) => ({ path, ...content, changed: said.changed.has(path) }));
      const ignores = ignoreEdits(
        project,
        unignored.map(({ path }) => absolutePath(project, path)),
      );
      edit([...withStages(project, said.edits, stages), ...ignores]);
      const here = scans.map((scan, index) => ({ path: absolutePath(project, toStore[index] as string), scan }));
      if (relink) await paceWork(relinkOutputs(project, [...here, ...settled], { since }), context, { label: "linking data" });
      return { committed, stages: stages.map(({ stage }) => stage) };
    };
    const start = {
      command: "data commit",
      argv: ["data", "commit", "--", ...paths, ...addresses],
      summary: `store ${someOf([...paths, ...addresses])}`,
    };
    return withDvcLock(
      project,
      () =>
        changed.length + stages.length + unignored.length === 0
          ? work(() => {})
          : perform(project, context, { ...start, work: (operation) => work((edits) => applyFileEdits(project, operation, edits)) }),
      { writes: paths },
    );
  },
};

/** An output of a stage stands for all of them, as with dvc: its entry is of the stage. */
function withSiblings(project: Project, pointers: readonly Pointer[]): Pointer[] {
  const keyOf = ({ file, stage }: Pointer) => (stage === undefined ? null : `${file}\0${stage}`);
  const stages = new Set(pointers.map(keyOf));
  const paths = new Set(pointers.map(({ path }) => path));
  const isSibling = (one: Pointer) => keyOf(one) !== null && stages.has(keyOf(one)) && !paths.has(one.path);
  return [...pointers, ...(stages.size > 1 || !stages.has(null) ? readPointers(project).filter(isSibling) : [])];
}

/** What stages have made that no `dvc.lock` knows is not stored here: it says too what they were made of. */
function warnOfUnrun(project: Project, context: Context): void {
  const there = promisedOutputs(readPipelines(project, null)).filter(({ path }) => isHere(absolutePath(project, path)));
  const stages = new Set(there.map((one) => stageAddresses(project, one)[0] ?? ""));
  for (const stage of stages)
    context.report({
      kind: "warning",
      text: `outputs of stage ${stage} are there, but no dvc.lock knows of it: they are not stored`,
      hint: `dvc commit ${stage}`,
    });
}

function seenByGit(project: Project, outputs: readonly Pointer[]): Pointer[] {
  if (project.repository === null) return [];
  const placeOf = ({ path }: Pointer) => absolutePath(project, path);
  const ignored = new Set(ignoredByGit(project.repository, outputs.map(placeOf)));
  return outputs.filter((one) => !ignored.has(placeOf(one)));
}

function lacksSize({ size, stage, isImport, hashName }: Pointer): boolean {
  return size === undefined && stage === undefined && !isImport && hashName === "md5";
}

/** Its file was edited by hand, which dvc too wants to be told is meant. */
function isEdited(project: Project, { file, stage }: Pointer): boolean {
  return stage === undefined && hasOtherStageMd5(readTextIfExists(absolutePath(project, file)) ?? "", file);
}

/** A file of its own, with the right bytes; a link has the mode of the object. */
function hasOtherMode({ pointer, worktree, scan }: OutputStatus): boolean {
  const { hash, hashName, stage, isImport } = pointer;
  if (worktree !== "same" || hash === null || hashName !== "md5" || stage !== undefined || isImport || scan === null || scan.isFolder)
    return false;
  const isOwn = scan.files.every(({ isLink, stat }) => !isLink && stat.nlink < 2);
  return isOwn && (scan.content.isexec === true) !== (pointer.isexec === true);
}

function refuseDeleted(project: Project, states: readonly OutputStatus[]): void {
  const gone = states.find(({ worktree }) => worktree === "deleted");
  if (gone === undefined) return;
  const { path, file } = gone.pointer;
  throw new ExpverError("E_NOT_FOUND", `${path} is tracked by ${file} but is not there`, {
    hint: `Bring it back: expver data checkout ${typedPath(project, path)}; or stop tracking it: expver data remove ${typedPath(project, file)}`,
    details: { path },
  });
}
