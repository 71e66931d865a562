/**
 * `expver get V PATH`: a file or folder as a version has it, from Git, the cache or a remote. HEAD, index, stash and files stay
 * as they are: nothing is checked out anywhere.
 */
import { statSync } from "node:fs";
import { posix } from "node:path";
import { matchGlobs } from "../config/globs.ts";
import { nearestPath } from "../config/nearest.ts";
import { pathFromUser } from "../config/paths.ts";
import { openProject } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { submoduleOf } from "../git/tree.ts";
import type { Context } from "../platform/context.ts";
import { hashingFile } from "../platform/hashing.ts";
import { paceWork, type Work } from "../platform/pace.ts";
import { shellWord } from "../platform/shell-word.ts";
import { trackedOf } from "../store/pointers/pointers.ts";
import { openSource, type Source, scratchFolder, sourcePath } from "../store/sources/source.ts";
import { type SourceNode, sourceTree } from "../store/sources/source-tree.ts";
import { findCommit } from "../versions/registry.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { copyNodes } from "./data/sources/copy-nodes.ts";
import { deliver, deliveryPath } from "./data/sources/deliver.ts";
import { bringChained } from "./data/transfer/fetch-imports.ts";
import { textIn } from "./input.ts";
import { fingerprintOf } from "./plan.ts";

export interface GetPlan extends Plan {
  source: Source;
  nodes: SourceNode[];
  version: string;
  /** From the top of the repository. */
  path: string;
  remote: string | undefined;
  /** Absolute. */
  out: string;
  /** What has that name gives way. */
  force: boolean;
}

export interface Got {
  version: string;
  /** Empty: a candidate was copied as it lies in the worktree. */
  commit: string;
  /** From the top of the repository. */
  path: string;
  /** Absolute. */
  out: string;
  files: number;
  bytes: number;
  /** Whole for data DVC tracks: what the bytes were checked against; null for what is in Git, or copied as it lies in the worktree. */
  hash: string | null;
  /** How many of the files are data that DVC tracks, checked against their pointers. */
  checked: number;
}

const STRATEGIES = ["auto", "worktree", "dvc-get"];

export const get: WriteWorkflow<Input, GetPlan, Got> = {
  async plan(context, input) {
    const strategy = textIn(input.strategy) ?? "auto";
    if (!STRATEGIES.includes(strategy)) {
      throw new ExpverError("E_USAGE", `--strategy is one of ${STRATEGIES.join(", ")}, not ${JSON.stringify(strategy)}`);
    }
    const version = textIn(input.version);
    const typed = textIn(input.path) ?? textIn(input.artifact);
    if (version === undefined || typed === undefined) {
      throw new ExpverError("E_USAGE", "get needs a version and a path", { hint: "expver get e0.1.0 models/model.json -o old.json" });
    }
    const delivery = deliveryOf(context, input, typed);
    const repo = textIn(input.repo);
    const source = repo === undefined ? openVersion(context, version) : openSource(context, repo, { rev: version, path: typed });
    return planDelivery(context, source, { command: "get", typed, of: version, isHere: repo === undefined, ...delivery });
  },
  apply: applyDelivery,
};

export interface DeliveryRequest {
  command: string;
  /** As a person would type it. */
  typed: string;
  /** Whose it is, for people. */
  of: string;
  /** The source is this repository. */
  isHere: boolean;
  /** Absolute, for what was found under this path. */
  outOf(found: string): string;
  force: boolean;
  remote: string | undefined;
}

/** `-o`, `-f`, `-r`. Throws E_DATA when the name is taken. */
export function deliveryOf(context: Context, input: Input, from: string): Pick<DeliveryRequest, "outOf" | "force" | "remote"> {
  const asked = textIn(input.out) ?? textIn(input.output);
  const force = input.force === true;
  const placeOf = (path: string) => deliveryPath(context, { from: path, out: asked, force });
  const out = globFolder(from) === null ? placeOf(from) : null;
  // A file may be called like a glob: then its name is the copy's, and not that of the folder it is in.
  const outOf = (found: string) => {
    if (found !== "" || asked !== undefined) return out ?? placeOf(found);
    throw new ExpverError("E_USAGE", `${from} may be many files`, { hint: "Name a folder for them: -o FOLDER", details: { path: from } });
  };
  return { outOf, force, remote: textIn(input.remote) };
}

/** A copy of something out of a source, which is closed when there is nothing to be had, else by {@link applyDelivery}. */
export async function planDelivery(context: Context, source: Source, request: DeliveryRequest): Promise<GetPlan> {
  try {
    const { command, typed, of, remote, isHere, outOf, force } = request;
    const { path, nodes } = await findPath(source, context, { typed, remote, version: of, isHere });
    const out = outOf(path);
    const files = nodes.filter(({ isFolder }) => !isFolder);
    const self = nodes.find((node) => node.path === path);
    return {
      command,
      steps: [{ verb: "write", target: out, detail: `${path} of ${of}`, count: files.length }],
      // --force is the yes; what had the name goes to the trash.
      destructive: false,
      fingerprint: fingerprintOf({ commit: source.commit, path, out, hash: self?.object?.hash }),
      source,
      nodes,
      version: of,
      path,
      remote,
      out,
      force,
    };
  } catch (error) {
    source.close();
    throw error;
  }
}

export async function applyDelivery(context: Context, plan: GetPlan): Promise<Got> {
  const { source, nodes, version, path, out, force, command } = plan;
  try {
    let amount = { files: 0, bytes: 0 };
    await deliver(context, out, {
      command,
      force,
      make: async (target, staging) => {
        amount = await copyChecked(context, plan, { target, staging });
      },
    });
    const hash = nodes.find((node) => node.path === path)?.object?.hash ?? null;
    const checked = nodes.filter(({ isFolder, object, blob }) => !isFolder && object !== null && blob === null).length;
    return { version, commit: source.commit ?? "", path, out, ...amount, hash, checked };
  } finally {
    source.close();
  }
}

/** Tracked bytes are what their pointer says, before anybody sees them. */
export async function copyChecked(
  context: Context,
  { source, nodes, path, remote }: Pick<GetPlan, "source" | "nodes" | "path" | "remote">,
  { target, staging }: { target: string; staging: string },
): Promise<{ files: number; bytes: number }> {
  const { files } = await copyNodes(context, source, { nodes, under: path, target, staging, remote, hashed: false, filtered: true });
  const bytes = await paceWork(checkAll(nodes, { under: path, target }), context, { label: `checking ${path}`, total: files });
  return { files, bytes };
}

/** A version, or any other name of a commit. */
function openVersion(context: Context, name: string): Source {
  const project = openProject(context);
  const { commit } = findCommit(project, name);
  return { project, commit, base: "", ...trackedOf(project, commit), ...scratchFolder() };
}

/** Typed paths are relative to where one is, as everywhere; else to the top, as they are written down in tags and notes. */
async function findPath(
  source: Source,
  context: Context,
  { typed, remote, version, isHere }: { typed: string; remote: string | undefined; version: string; isHere: boolean },
): Promise<{ path: string; nodes: SourceNode[] }> {
  const fromTop = sourcePath(source, typed);
  const paths = isHere ? [pathFromUser(source.project, context, typed), fromTop] : [fromTop];
  for (const path of new Set(paths)) {
    await bringChained(context, source, path);
    const nodes = await sourceTree(source, path, { remote });
    if (path === "" || nodes.some((node) => node.path === path)) return { path, nodes };
    const folder = globFolder(path);
    const isMeant = matchGlobs([path]);
    const fitting =
      folder === null ? [] : (await sourceTree(source, folder, { remote })).filter((node) => !node.isFolder && isMeant(node.path));
    if (folder !== null && fitting.length > 0) return { path: folder, nodes: fitting };
  }
  refuseInSubmodule(source, { path: fromTop, version, isHere });
  const all = (await sourceTree(source, "", { remote, levels: 0 })).map((node) => node.path);
  const near = nearestPath(fromTop, all);
  throw new ExpverError("E_NOT_FOUND", `${version} has no ${typed}${near === undefined ? "" : `; did you mean ${near}?`}`, {
    hint: isHere
      ? `expver show ${version} lists its data and models; git ls-tree -r ${version} its other files.`
      : `expver data list REPOSITORY --rev ${version} --recursive lists what it has.`,
    details: { version, path: typed, nearest: near ?? null },
  });
}

/** What is in a submodule is in another repository; this one only says at which commit. */
function refuseInSubmodule(
  { project, commit }: Source,
  { path, version, isHere }: { path: string; version: string; isHere: boolean },
): void {
  if (commit === null || project.repository === null) return;
  const found = submoduleOf(project.repository, commit, path);
  if (found === null) return;
  const inside = path === found.path ? "PATH" : path.slice(found.path.length + 1);
  const where = isHere ? `expver -C ${shellWord(found.path)} get` : "expver get --repo URL";
  const url = isHere ? "" : ` (the URL: git show ${version}:.gitmodules, in that repository)`;
  throw new ExpverError("E_NOT_FOUND", `${found.path} is a submodule in ${version}: what is in it is in a repository of its own`, {
    hint: `${where} ${found.commit} ${shellWord(inside)}${url}`,
    details: { version, path, submodule: found.path, commit: found.commit },
  });
}

/** The folder a glob looks in, of names without `*`, `?`, `[` and `{`; null for what is no glob. */
function globFolder(path: string): string | null {
  const names = path.split("/");
  const first = names.findIndex((name) => /[*?[{]/.test(name));
  return first < 0 ? null : names.slice(0, first).join("/");
}

/** Answers the number of bytes. */
function* checkAll(nodes: readonly SourceNode[], { under, target }: { under: string; target: string }): Work<number> {
  let bytes = 0;
  for (const { path, isFolder, object, blob, size } of nodes) {
    if (isFolder) continue;
    const file = path === under ? target : posix.join(target, under === "" ? path : path.slice(under.length + 1));
    if (object === null || blob !== null) {
      bytes += statSync(file, { throwIfNoEntry: false })?.size ?? size ?? 0;
      continue;
    }
    const digest = yield* hashingFile(file, { kind: object.hashName });
    bytes += digest.size;
    if (digest.md5 !== object.hash) {
      throw new ExpverError("E_OBJECT", `the stored bytes of ${path} are not what its pointer says (${object.hash})`, {
        hint: "expver verify tells where they are right; expver data fetch brings them again.",
        details: { path, expected: object.hash, found: digest.md5 },
      });
    }
  }
  return bytes;
}
