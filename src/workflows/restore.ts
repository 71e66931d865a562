/**
 * `expver restore V [PATH…]`: files, data and models as a version has them, in place. HEAD and index stay; what gives way is in Git, in
 * the cache or (with --force) only in the trash, and undo brings it back.
 */

import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { absolutePath, foldersOf } from "../config/paths.ts";
import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError, failedWith } from "../errors.ts";
import { checkoutFiles } from "../git/checkout-files.ts";
import { resolveCommit } from "../git/refs.ts";
import { applyTextEdits } from "../journal/file-edits.ts";
import type { OpenOperation } from "../journal/operations.ts";
import { perform } from "../journal/perform.ts";
import type { Context } from "../platform/context.ts";
import { isThere, lstatIfThere, removePath } from "../platform/files.ts";
import { whoHasOpen } from "../platform/open-files.ts";
import { paceWork } from "../platform/pace.ts";
import { counted } from "../platform/words.ts";
import { withDvcLock } from "../store/dvc-lock.ts";
import { makeStaging } from "../store/objects/staging.ts";
import { readDvcConfig } from "../store/settings/dvc-config.ts";
import { ignoreEdits } from "../store/settings/gitignore.ts";
import { fetchObjects } from "../store/transfer/transfer.ts";
import { lookingForMissing, makingOutput } from "../store/worktree/make-output.ts";
import { pickVersion, readVersions } from "../versions/registry.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import { settleDatabases } from "./data/databases.ts";
import { fetchImports } from "./data/transfer/fetch-imports.ts";
import { onceMoreIfDamaged } from "./data/transfer/once-more.ts";
import { textIn, wordsOf } from "./input.ts";
import { placingCopies } from "./place-copies.ts";
import { fingerprintOf } from "./plan.ts";
import { prepareWriting } from "./prepare.ts";
import { lookingForUnsaved } from "./restore/saved.ts";
import { type Chosen, selectToRestore } from "./restore/selection.ts";

const LOOKING = { label: "looking into the cache" };

interface RestorePlan extends Plan {
  version: string;
  commit: string;
  selection: Chosen;
  remote: string | undefined;
}

export interface Restored {
  version: string;
  commit: string;
  /** Stored paths of files and outputs that are as in the version now. */
  restored: string[];
  /** Stored paths of what the version does not have: in the trash. */
  removed: string[];
  /** The results database stays what it is unless it is named. */
  leftOut: string | null;
}

export const restore: WriteWorkflow<Input, RestorePlan, Restored> = {
  async plan(context, input) {
    const project = openProject(context);
    const repository = requireRepository(project);
    if (repository.bare)
      throw new ExpverError("E_GIT", `${repository.root} is a bare repository: nobody works in it`, { hint: "Repeat it in a clone." });
    const name = textIn(input.version);
    if (name === undefined)
      throw new ExpverError("E_USAGE", "restore needs a version", { hint: "expver restore e0.1.0 models; `expver list` shows them all." });
    const { version, commit } = commitMeant(project, name);
    const targets = wordsOf(input.path);
    await settleDatabases(project, targets);
    // Digests of a million files are not kept until it is applied.
    const { md5s, conflicts, lacking, ...chosen } = await selectToRestore(project, repository, context, { commit, targets, version });
    const { files, outputs } = chosen;
    const comes = [...files.map(({ path }) => path), ...outputs.flatMap(placesOf)];
    const removes = [...new Set([...chosen.removes, ...filesAbove(project, comes)])];
    const selection = { ...chosen, removes };
    const giveWay = [...comes, ...removes];
    refuseOpen(project, giveWay);
    const looking = lookingForUnsaved(project, repository, { paths: giveWay, md5s, conflicts });
    const unsaved = await paceWork(looking, context, { label: "comparing data" });
    if (unsaved.length > 0 && input.force !== true) throw unsavedError(unsaved, conflicts);
    return {
      command: "restore",
      steps: stepsOf(project, selection, unsaved),
      // Whoever names what the version never had may have meant another. Else nothing is asked: what gives way is stored, or --force is the yes.
      destructive: lacking.length > 0 && input.force !== true,
      fingerprint: fingerprintOf({
        commit,
        files,
        outputs: outputs.map(({ pointer, members }) => [pointer.path, pointer.hash, members]),
        removes,
        unsaved,
      }),
      version,
      commit,
      selection,
      remote: textIn(input.remote),
    };
  },

  async apply(context, plan) {
    const { version, commit, selection, steps } = plan;
    const { files, outputs, removes, leftOut } = selection;
    const restored = [...files.map(({ path }) => path), ...outputs.flatMap(placesOf)].sort();
    const answer = { version, commit, restored, removed: removes, leftOut };
    if (steps.length === 0) return answer;
    const project = openProject(context);
    await prepareWriting(project, context);
    const act = async () => {
      await fetchMissing(project, context, plan);
      await perform(project, context, {
        command: "restore",
        argv: ["restore", version],
        summary: `${counted(restored.length + removes.length, "path")} as in ${version}`,
        work: (operation) => restoreAll(project, context, operation, plan),
      });
    };
    await (project.dvcRoot === null ? act() : withDvcLock(project, act, { writes: restored }));
    return answer;
  },
};

/** Files that stand in the place of a folder of what comes. */
function filesAbove(project: Project, comes: readonly string[]): string[] {
  const folders = new Set(comes.flatMap((path) => foldersOf(path).slice(1)));
  return [...folders].filter((folder) => lstatIfThere(absolutePath(project, folder))?.isFile() === true);
}

async function restoreAll(project: Project, context: Context, operation: OpenOperation, plan: RestorePlan): Promise<void> {
  const { commit, selection } = plan;
  const { files, outputs, removes } = selection;
  const tmp = project.dvcRoot === null ? join(project.stateDir, "tmp") : join(project.dvcRoot, ".dvc", "tmp");
  const staging = makeStaging(tmp);
  try {
    const [ofGit, ofData] = [join(staging, "git"), join(staging, "data")];
    checkoutFiles(requireRepository(project), commit, { paths: files.map(({ path }) => path), into: ofGit });
    for (const output of outputs) {
      const { pointer } = output;
      const at = (relpath: string) => join(ofData, pointer.path, relpath);
      const isWanted = isMemberOf(output);
      await onceMoreIfDamaged(context, {
        work: () => paceWork(makingOutput(project, pointer, { at, isWanted }), context, { label: `making ${pointer.path}` }),
        async fetch() {
          removePath(at(""));
          await fetchMissing(project, context, plan);
        },
      });
    }
    const copies = [
      ...files.map(({ path }) => ({ path, made: join(ofGit, path) })),
      ...outputs.flatMap(placesOf).map((path) => ({ path, made: join(ofData, path) })),
    ];
    const journals = outputs.flatMap(({ pointer }) => ["-wal", "-shm", "-journal"].map((end) => pointer.path + end));
    const work = placingCopies(project, operation, {
      // Of a link what it leads to need not be among them, or anywhere.
      copies: copies.filter(({ made }) => isThere(made)),
      removes: [...removes, ...journals.filter((path) => existsSync(absolutePath(project, path)))],
    });
    await paceWork(work, context, { label: "restoring" });
    const whole = outputs.filter(({ members }) => members === null).map(({ pointer }) => absolutePath(project, pointer.path));
    applyTextEdits(project, operation, ignoreEdits(project, whole));
  } finally {
    removePath(staging);
  }
}

function isMemberOf({ members }: Chosen["outputs"][number]): (relpath: string) => boolean {
  const chosen = members === null ? null : new Set(members);
  return (relpath) => chosen === null || chosen.has(relpath);
}

/** Throws E_NOT_STORED when bytes are nowhere. */
async function fetchMissing(project: Project, context: Context, { selection, remote, version }: RestorePlan): Promise<void> {
  // Asked anew: what the plan counted on may have been found damaged.
  const first = await lackingOf(project, context, selection.outputs);
  if (first.length === 0) return;
  const imports = await fetchImports(project, context, pointersOf(first));
  const lacking = imports.whole.length === 0 ? first : await lackingOf(project, context, first);
  if (lacking.length === 0) return;
  const pointers = pointersOf(lacking);
  // That there is no remote is not what was asked about.
  if (remote === undefined && readDvcConfig(project).defaultRemote === null && pointers.every((one) => one.remote === undefined))
    throw notStored(lacking, {
      where: `of ${version} are not in the cache, and there is no data remote`,
      hint: "Name a folder or address that has them: expver data remote add -d NAME URL; else look in other caches and clones.",
    });
  const only = new Map(lacking.flatMap(({ pointer, members }) => (members === null ? [] : [[pointer.path, members] as const])));
  const { failed } = await fetchObjects(project, pointers, context, { remote, only });
  const left = await lackingOf(project, context, lacking);
  if (left.length === 0) return;
  throw notStored(left, {
    where: `of ${version} are neither in the cache nor on a remote`,
    hint: `expver verify ${version}`,
    reasons: failed.map(({ reason }) => reason),
  });
}

function notStored(
  lacking: Chosen["outputs"],
  { where, hint, reasons = [] }: { where: string; hint: string; reasons?: readonly string[] },
): ExpverError {
  const missing = lacking.flatMap((output) => output.missing.map((member) => posix.join(output.pointer.path, member)));
  const text = `bytes of ${counted(missing.length, "file")} ${where}, first ${missing[0]}`;
  return new ExpverError("E_NOT_STORED", text, { hint, details: { missing, reasons } });
}

/** Those of which the cache has not all that is wanted. */
async function lackingOf(project: Project, context: Context, outputs: Chosen["outputs"]): Promise<Chosen["outputs"]> {
  const lacking: Chosen["outputs"] = [];
  for (const output of outputs) {
    const missing = await paceWork(lookingForMissing(project, output.pointer, isMemberOf(output)), context, LOOKING);
    if (missing.length > 0) lacking.push({ ...output, missing });
  }
  return lacking;
}

function pointersOf(outputs: Chosen["outputs"]): Chosen["outputs"][number]["pointer"][] {
  return outputs.map(({ pointer }) => pointer);
}

function placesOf({ pointer, members }: Chosen["outputs"][number]): string[] {
  return members === null ? [pointer.path] : members.map((member) => `${pointer.path}/${member}`);
}

function stepsOf(project: Project, { files, outputs, removes, leftOut }: Chosen, unsaved: readonly string[]): Step[] {
  const holdsLost = new Set(unsaved.flatMap(foldersOf));
  const step = (verb: string, path: string, detail: string, bytes?: number): Step => {
    const isThere = existsSync(absolutePath(project, path));
    const keeps = holdsLost.has(path) ? "the trash: it is stored nowhere else" : "the trash";
    return {
      verb: isThere && verb === "write" ? "replace" : verb,
      target: path,
      detail,
      ...(bytes === undefined ? {} : { bytes }),
      ...(isThere ? { keeps } : {}),
    };
  };
  const fetched = outputs.filter(({ missing }) => missing.length > 0);
  const steps = [
    ...fetched.map(({ pointer, missing }) => ({ verb: "fetch", target: pointer.path, count: missing.length })),
    ...files.map(({ path }) => step("write", path, "from Git")),
    ...outputs.flatMap((output) =>
      placesOf(output).map((path) => step("write", path, "from the cache", output.members === null ? output.pointer.size : undefined)),
    ),
    ...removes.map((path) => step("remove", path, "the version does not have it")),
  ];
  if (leftOut === null || steps.length === 0) return steps;
  return [...steps, { verb: "leave", target: leftOut, detail: "results of all versions are in it: only when it is named" }];
}

/** A version, or any other name of a commit. */
function commitMeant(project: Project, name: string): { version: string; commit: string } {
  try {
    const { name: version, commit } = pickVersion(readVersions(project), name, project.config.versions.prefix);
    return { version, commit };
  } catch (error) {
    const commit = failedWith(error, "E_NOT_FOUND") ? resolveCommit(requireRepository(project), name) : null;
    if (commit === null) throw error;
    return { version: name, commit };
  }
}

function refuseOpen(project: Project, paths: readonly string[]): void {
  for (const path of paths.filter((one) => /\.(?:db|sqlite3?)$/.test(one))) {
    const pids = whoHasOpen(absolutePath(project, path)) ?? [];
    if (pids.length === 0) continue;
    throw new ExpverError("E_IN_USE", `${path} is open in process ${pids.join(", ")} and cannot be replaced`, { details: { path, pids } });
  }
}

function unsavedError(paths: readonly string[], conflicts: ReadonlySet<string>): ExpverError {
  const some = paths.slice(0, 10).map((path) => (conflicts.has(path) ? `${path} (in conflict)` : path));
  const more = paths.length > 10 ? `\n  and ${paths.length - 10} more` : "";
  const inConflict = paths.some((path) => conflicts.has(path));
  return new ExpverError("E_UNSAVED", `what is in no commit and in no cache would give way:\n  ${some.join("\n  ")}${more}`, {
    hint: `${inConflict ? "Settle the conflict first (git status), or " : "Commit it or store it (expver data add), or "}give it up with --force: then it is in the trash.`,
    details: { paths },
  });
}
