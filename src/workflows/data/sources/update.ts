/** `expver data update FILE.dvc…`: imports become what their source holds now, or at another revision. */
import { basename } from "node:path";
import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { OpenOperation } from "../../../journal/operations.ts";
import type { Context } from "../../../platform/context.ts";
import { isFolder, readTextIfExists } from "../../../platform/files.ts";
import { paceWork } from "../../../platform/pace.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { type Import, moveSource, readImport, updateImport, updateSource } from "../../../store/pointers/import-file.ts";
import { openObjects, openRemote } from "../../../store/remotes/open-remote.ts";
import { versionIn, withVersion } from "../../../store/sources/url-source.ts";
import type { FileEdit, Pointer, UrlOrigin } from "../../../store/types.ts";
import { entryName } from "../../../store/worktree/contents.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";
import { isHere } from "../../../store/worktree/status.ts";
import type { Input, Plan, WriteWorkflow } from "../../contract.ts";
import { textIn, wordsOf } from "../../input.ts";
import { applyFileEdits, fingerprintOf } from "../../plan.ts";
import { openData, selectPointers } from "../open-data.ts";
import { performLocked } from "../perform-locked.ts";
import { bringChained } from "../transfer/fetch-imports.ts";
import { bring, commitThere, copyOf, copyOfRepository, isSameSource, takeAway } from "./bring.ts";
import { lookElsewhere, refuseUnkept } from "./elsewhere.ts";
import { importedSettings } from "./foreign-settings.ts";
import { absoluteUrl, describeImport, importUrl } from "./import-address.ts";
import { refuseForWorktree, updateFromWorktree, warnNeverPushed, worktreeOf } from "./update-worktree.ts";

interface Target {
  pointer: Pointer;
  from: Import;
}

interface UpdatePlan extends Plan {
  targets: Target[];
  /** Data that is on worktree remotes, with their names. */
  worktrees: { pointer: Pointer; remote: string }[];
  rev: string | undefined;
  download: boolean;
  /** Bytes go there instead of here. */
  toRemote: { name: string | undefined } | null;
}

export interface UpdateResult {
  updated: { path: string; from: string; changed: boolean }[];
}

export const dataUpdate: WriteWorkflow<Input, UpdatePlan, UpdateResult> = {
  async plan(context, input) {
    const toRemote = input.toRemote === true ? { name: textIn(input.remote) } : null;
    if (toRemote === null && input.remote !== undefined) throw new ExpverError("E_DATA", "--remote goes with --to-remote only");
    if (toRemote !== null && (input.download === false || input.rev !== undefined))
      throw new ExpverError("E_DATA", "--to-remote goes neither with --no-download nor with --rev");
    const project = openData(context);
    const { pointers } = selectPointers(project, context, { targets: wordsOf(input.target), recursive: input.recursive === true });
    const worktrees: UpdatePlan["worktrees"] = [];
    const targets = pointers.flatMap((pointer): Target[] => {
      const from =
        pointer.stage === undefined ? readImport(readTextIfExists(absolutePath(project, pointer.file)) ?? "", pointer.file) : null;
      if (from === null) {
        refuseForWorktree({ rev: input.rev, download: input.download !== false, toRemote: toRemote !== null }, pointer.file);
        const remote = worktreeOf(project, pointer);
        if (remote === null) warnNeverPushed(project, context, pointer);
        else worktrees.push({ pointer, remote });
      }
      if (from?.kind === "repository" && toRemote !== null)
        throw new ExpverError("E_DATA", `${pointer.path} comes from a repository: --to-remote is for what comes from a URL`);
      return from === null ? [] : [{ pointer, from }];
    });
    if (toRemote !== null) openObjects(project, toRemote.name);
    return {
      command: "data update",
      steps: [
        ...targets.map(({ pointer, from }) => ({ verb: "update", target: pointer.path, detail: `from ${describeImport(from)}` })),
        ...worktrees.map(({ pointer, remote }) => ({ verb: "update", target: pointer.path, detail: `from ${remote}` })),
      ],
      destructive: false,
      fingerprint: fingerprintOf({ targets, worktrees, rev: input.rev, download: input.download, toRemote }),
      targets,
      worktrees,
      rev: textIn(input.rev),
      download: input.download !== false,
      toRemote,
    };
  },

  async apply(context, { targets, worktrees, rev, download, toRemote }) {
    const project = openData(context);
    const paths = [...targets, ...worktrees].map(({ pointer }) => pointer.path);
    const start = { command: "data update", argv: ["data", "update", "--", ...paths], summary: `update ${paths.join(", ")}` };
    if (paths.length === 0) return { updated: [] };
    return performLocked(project, context, {
      ...start,
      writes: paths,
      work: async (operation) => {
        const updated: UpdateResult["updated"] = [];
        for (const target of targets) {
          const edit = await updateOne(project, context, { ...target, rev, download, toRemote, operation });
          applyFileEdits(project, operation, [edit]);
          updated.push({ path: target.pointer.path, from: describeImport(target.from), changed: edit.before !== edit.after });
        }
        for (const one of worktrees) {
          const changed = await updateFromWorktree(project, context, { ...one, operation });
          updated.push({ path: one.pointer.path, from: one.remote, changed });
        }
        return { updated };
      },
    });
  },
};

interface One extends Target {
  rev: string | undefined;
  download: boolean;
  toRemote: UpdatePlan["toRemote"];
  operation: OpenOperation;
}

async function updateOne(project: Project, context: Context, { pointer, from, ...options }: One): Promise<FileEdit> {
  const path = absolutePath(project, pointer.file);
  const before = readTextIfExists(path) ?? "";
  const name = entryName(before, pointer, pointer.path) || basename(pointer.path);
  const edit = { path, before, name };
  return from.kind === "repository"
    ? ofRepository(project, context, { pointer, from, edit, ...options })
    : ofUrl(project, context, { pointer, from, edit, ...options });
}

type Editing<Kind extends Import["kind"]> = Omit<One, "from"> & {
  from: Extract<Import, { kind: Kind }>;
  edit: { path: string; before: string; name: string };
};

async function ofRepository(project: Project, context: Context, one: Editing<"repository">): Promise<FileEdit> {
  const { pointer, from, edit, download, operation } = one;
  const { path, before, name } = edit;
  const rev = one.rev ?? from.rev;
  const url = importUrl(project, context, { url: from.url, file: pointer.file });
  const settings = importedSettings(project, context, { ...from, file: pointer.file });
  const commit = await commitThere(context, { url, path: from.path, rev: rev ?? "HEAD", settings, chained: bringChained });
  const next: Import = { ...from, rev, lock: commit };
  const isSame = commit === from.lock && rev === from.rev && pointer.hash !== null && (await isWhole(project, context, pointer));
  if (isSame) return { path, before, after: before };
  if (!download) {
    await takeAway(project, context, { path: pointer.path, operation });
    return { path, before, after: updateImport(before, { from: next, name, content: null, source: null, looked: true }) };
  }
  const make = copyOfRepository(context, {
    url,
    path: from.path,
    rev: commit ?? "HEAD",
    remote: from.remote,
    settings,
    chained: bringChained,
    caches: [openCache(project)],
  });
  const { scan } = await bring(project, context, { path: pointer.path, make, operation });
  return { path, before, after: updateImport(before, { from: next, name, content: scan.content, source: null, looked: true }) };
}

async function ofUrl(project: Project, context: Context, one: Editing<"url">): Promise<FileEdit> {
  const { pointer, from: was, edit, download, toRemote, operation, rev } = one;
  const { path, before, name } = edit;
  refuseVersionOfFolder(was, one);
  const { address, version: named } = versionIn(was.path);
  const isVersioned = was.versions !== null || named !== undefined;
  const version = isVersioned ? rev : undefined;
  const there = await lookElsewhere(context, absoluteUrl(project, { ...was, path: address }), {
    options: was.options,
    isVersioned,
    version,
  });
  // dvc imports by version from Google's buckets that keep none, too: what is so goes on.
  refuseUnkept({ ...there, isPassing: false });
  const source = await there.fields(project, null);
  const [newest] = there.versions ?? [];
  const from = { ...was, path: newest?.version === undefined ? was.path : withVersion(was.path, newest.version) };
  const old = moveSource(before, was.path, from.path);
  const isFromHere = pointer.hash !== null && (await isWhole(project, context, pointer));
  const isSame = isSameSource(was, source) && (isFromHere || toRemote !== null);
  if (isSame)
    return { path, before, after: source.isVersioned && source.files === null ? updateSource(old, { from, name, source }) : before };
  if (toRemote !== null) {
    const content = await there.send(project, openRemote(project, toRemote.name));
    return { path, before, after: updateImport(old, { from, name, content, source, looked: true, keepsDigest: true }) };
  }
  if (!download) {
    await takeAway(project, context, { path: pointer.path, operation });
    return { path, before, after: updateImport(old, { from, name, content: null, source, looked: true }) };
  }
  const { scan } = await bring(project, context, { path: pointer.path, make: copyOf(there), operation });
  return { path, before, after: updateImport(old, { from, name, content: scan.content, source, looked: true }) };
}

/** A link into a cache that is gone is data that is gone, also one in a folder. */
async function isWhole(project: Project, context: Context, { path }: Pointer): Promise<boolean> {
  const absolute = absolutePath(project, path);
  if (!isHere(absolute)) return false;
  if (!isFolder(absolute)) return true;
  const { deadLinks = [] } = await paceWork(scanOutput(project, absolute, { mayLack: true }), context, { label: "looking at data" });
  return deadLinks.length === 0;
}

function refuseVersionOfFolder({ versions }: UrlOrigin, { rev, pointer }: Pick<One, "rev" | "pointer">): void {
  if (rev === undefined || versions?.some(({ relpath }) => relpath !== "") !== true) return;
  throw new ExpverError("E_DATA", `--rev ${rev}: ${pointer.path} is a folder, each of whose files has versions of its own`, {
    hint: "Without --rev it becomes what is newest there.",
  });
}
