/** `expver data add PATH…`: bytes into the cache, a pointer and an ignore line beside the data. Commits nothing. */
import { absolutePath, foldersOf, isWithin, pathFromUser } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import { promisedOutputs } from "../../../pipelines/unrun-outputs.ts";
import type { Context } from "../../../platform/context.ts";
import { createPlacer } from "../../../platform/links.ts";
import { paceWork } from "../../../platform/pace.ts";
import { expectCopies } from "../../../platform/threads/threads.ts";
import { someOf } from "../../../platform/words.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { fileBeside, pointerBeside, trackedOf } from "../../../store/pointers/pointers.ts";
import { ignoreEdits } from "../../../store/settings/gitignore.ts";
import type { OutputContent, Pointer } from "../../../store/types.ts";
import { pointerEdits, scanOutputs, storingOutputs } from "../../../store/worktree/contents.ts";
import { relinkOutputs } from "../../../store/worktree/relink.ts";
import { type Scan, type Walk, walkingOutput } from "../../../store/worktree/scan.ts";
import { askUnchangedOutputs } from "../../../store/worktree/unchanged.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { textIn, wordsOf } from "../../input.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { databaseCopier, settleDatabases } from "../databases.ts";
import { openData } from "../open-data.ts";
import { performLocked } from "../perform-locked.ts";
import { refused } from "../refused.ts";
import { type AddFrom, addFrom, planAddFrom } from "./add-from.ts";
import { type AddedOutput, addMembers, type MemberTarget } from "./add-members.ts";
import { autostage } from "./autostage.ts";
import { warnOfImports } from "./changed-import.ts";
import { expandGlobs } from "./expand-globs.ts";
import { isLegacyUnchanged } from "./legacy.ts";
import { refuseLinkedFolder, refuseUntrackable } from "./trackable.ts";

interface AddPlan extends Plan {
  /** Stored paths of whole outputs. */
  paths: string[];
  /** Their pointer files, where they have one. */
  files: ReadonlyMap<string, string>;
  /** Files inside tracked folders. */
  members: MemberTarget[];
  /** Of these, absolute, what Git ignores already. */
  ignored: ReadonlySet<string>;
  /** Of what has to be read. */
  walks: Map<string, Walk>;
  /** Of what is known to be as its pointer says: nothing to do but to say so. */
  unchanged: Map<string, OutputContent>;
  store: boolean;
  relink: boolean;
  /** With --out or --to-remote: data from elsewhere, and none of the above. */
  from: AddFrom | null;
}

const NOTHING_HERE = {
  paths: [],
  files: new Map<string, string>(),
  members: [],
  ignored: new Set<string>(),
  walks: new Map<string, Walk>(),
  unchanged: new Map<string, OutputContent>(),
  store: true,
  relink: true,
};

const LOOKING = { label: "looking at data" };

export interface AddResult {
  added: AddedOutput[];
}

/** dvc takes no repository in which two files name one output, nor before the stage has run. */
function refusePromised(paths: readonly string[], promised: readonly Pointer[]): void {
  for (const { path, stage } of promised) {
    const wanted = paths.find((one) => isWithin(one, path) || isWithin(path, one));
    if (wanted === undefined) continue;
    const what = wanted === path ? "is" : "overlaps";
    throw refused(
      `${wanted} ${what}${wanted === path ? "" : ` ${path},`} an output of stage ${stage} in dvc.yaml, which has not run yet`,
      `Run it: dvc repro ${stage}; or say that what is there is right: dvc commit -f ${stage}`,
    );
  }
}

export const dataAdd: WriteWorkflow<Input, AddPlan, AddResult> = {
  async plan(context, input) {
    for (const flag of ["remote", "remoteJobs"])
      if (input[flag] !== undefined && input.toRemote !== true)
        throw new ExpverError("E_DATA", `--${flag === "remote" ? flag : "remote-jobs"} goes with --to-remote only`);
    if (input.toRemote === true || textIn(input.out) !== undefined) return { ...(await planAddFrom(context, input)), ...NOTHING_HERE };
    const project = openData(context);
    const typed = input.glob === true ? expandGlobs(context, wordsOf(input.path)) : wordsOf(input.path);
    const asked = [...new Set(typed.map((path) => pathFromUser(project, context, path)))];
    const { pointers, pipelines } = trackedOf(project, null);
    const memberTarget = memberFinder(pointers);
    const members = asked.flatMap(memberTarget);
    for (const { path } of members) refuseLinkedFolder(absolutePath(project, path));
    const paths = asked.filter((path) => !members.some((member) => member.path === path));
    const ignored = refuseUntrackable(project, paths, pointers);
    refusePromised(paths, promisedOutputs(pipelines()));
    await settleDatabases(project, asked);
    const unchanged = await unchangedAmong(project, paths, pointers);
    const changed = paths.filter((path) => !unchanged.has(path));
    const walks = new Map<string, Walk>();
    for (const path of changed) walks.set(path, await paceWork(walkingOutput(project, absolutePath(project, path)), context, LOOKING));
    const files = new Map(pointers.map(({ path, file }) => [path, file]));
    const fresh = [...walks].flatMap(([path, walk]) => (files.has(path) ? [] : walk.files));
    expectCopies(
      fresh.length,
      fresh.reduce((sum, { size }) => sum + size, 0),
    );
    const amounts = paths.map((path) => amountOf(path, unchanged.get(path) ?? walks.get(path)));
    return {
      command: "data add",
      steps: [
        ...amounts.map(({ path, ...amount }) => ({
          verb: "track",
          target: path,
          detail: `→ ${files.get(path) ?? fileBeside(path)}`,
          ...amount,
        })),
        ...members.map(({ path, pointer }) => ({ verb: "store", target: path, detail: `→ ${pointer.file}` })),
      ],
      destructive: false,
      fingerprint: fingerprintOf({ amounts, members: members.map(({ path }) => path) }),
      paths,
      files,
      members,
      ignored,
      walks,
      unchanged,
      store: input.commit !== false,
      relink: input.relink !== false,
      from: null,
    };
  },

  async apply(context, plan) {
    if (plan.from !== null) return { added: [await addFrom(context, plan.from)] };
    const project = openData(context);
    const all = [...plan.paths, ...plan.members.map(({ path }) => path)];
    const start = { command: "data add", argv: ["data", "add", "--", ...all], summary: `track ${someOf(all)}` };
    return performLocked(project, context, { ...start, writes: all, work: (operation) => addAll(project, context, { plan, operation }) });
  },
};

async function addAll(
  project: Project,
  context: Context,
  { plan, operation }: { plan: AddPlan; operation: OpenOperation },
): Promise<AddResult> {
  const { paths, files, ignored, walks, unchanged, store, relink } = plan;
  // Somebody may have changed them before the lock was ours.
  const pointers = new Map(paths.map((path) => [path, pointerBeside(project, path, files.get(path)) ?? undefined]));
  const isCached = (path: string) => pointers.get(path)?.cache !== false;
  const changed = [...walks.keys()].filter(isCached);
  const uncached = [...walks.keys()].filter((path) => !isCached(path));
  const walked = [...walks.values()].flatMap((walk) => walk.files);
  const amounts = { total: walked.length, totalBytes: walked.reduce((sum, { size }) => sum + size, 0) };
  const copyDatabase = await databaseCopier();
  const since = Date.now();
  const work = store ? storingOutputs(project, changed, { walks, copyDatabase }) : scanOutputs(project, changed, { walks });
  const scans = await paceWork(work, context, { label: store ? "storing data" : "hashing data", ...amounts });
  const hashed = await paceWork(scanOutputs(project, uncached, { walks }), context, { label: "hashing data" });
  const contents = new Map([
    ...unchanged,
    ...[...changed, ...uncached].map((path, index) => [path, ([...scans, ...hashed][index] as Scan).content] as const),
  ]);
  const news: string[] = [];
  for (const path of paths)
    if (!(await paceWork(isLegacyUnchanged(project, pointers.get(path)), context, { label: "hashing data" }))) news.push(path);
  const contentOf = (path: string) => contents.get(path) as OutputContent;
  const said = pointerEdits(
    project,
    news.map((path) => ({ path, content: contentOf(path), pointer: pointers.get(path) })),
  );
  warnOfImports(
    project,
    context,
    paths.flatMap((path) => (said.changed.has(path) ? (pointers.get(path) ?? []) : [])),
  );
  const added = paths.map((path): AddedOutput => ({ path, ...contentOf(path), changed: said.changed.has(path) }));
  const places = paths.filter(isCached).map((path) => absolutePath(project, path));
  const edits = [...ignoreEdits(project, places, ignored), ...said.edits];
  applyFileEdits(project, operation, edits);
  const stored = scans.map((scan, index) => ({ path: absolutePath(project, changed[index] as string), scan }));
  if (store && relink) await paceWork(relinkOutputs(project, stored, { since }), context, { label: "linking data" });
  const inside = await addMembers(project, context, { targets: plan.members, operation, relink });
  autostage(project, [...edits, ...inside.edits]);
  return { added: [...added, ...inside.added] };
}

function memberFinder(pointers: readonly Pointer[]): (path: string) => MemberTarget[] {
  const isFolder = ({ hash, stage }: Pointer) => hash?.endsWith(".dir") === true && stage === undefined;
  const folders = new Map(pointers.filter(isFolder).map((pointer) => [pointer.path, pointer]));
  return (path) => {
    const [, ...above] = foldersOf(path);
    const pointer = above.map((folder) => folders.get(folder)).find((one) => one !== undefined);
    return pointer === undefined ? [] : [{ path, pointer, member: path.slice(pointer.path.length + 1) }];
  };
}

/** Folders that are as their pointers say, in the cache and here, and need no other links. */
async function unchangedAmong(
  project: Project,
  paths: readonly string[],
  pointers: readonly Pointer[],
): Promise<Map<string, OutputContent>> {
  if (createPlacer(openCache(project).linkTypes).links()) return new Map();
  const asked = pointers.filter(({ path, hashName }) => hashName === "md5" && paths.includes(path));
  const known = await askUnchangedOutputs(project, asked);
  return new Map(
    asked.flatMap(({ path, hash }) => {
      const { folder, inCache } = known.get(path) ?? {};
      return folder?.content.hash === hash && folder?.isUnlinked && inCache ? [[path, folder.content] as const] : [];
    }),
  );
}

function amountOf(path: string, known: Walk | OutputContent | undefined): { path: string; count: number; bytes: number } {
  if (known !== undefined && "hash" in known) return { path, count: known.nfiles ?? 1, bytes: known.size };
  const files = known?.files ?? [];
  return { path, count: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}
