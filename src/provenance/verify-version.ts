/** The chain of one version, every link looked at. Reads only. */
import { isWithin } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { resultsPath } from "../config/results-place.ts";
import { ExpverError, failedWith } from "../errors.ts";
import { gitResult, type Repository } from "../git/git.ts";
import { hasAllObjects, isPartial, isShallow, lackingObjects, parentsOf } from "../git/history.ts";
import { resolveCommit } from "../git/refs.ts";
import { hashOfItem } from "../models/candidates.ts";
import { finishWork } from "../platform/pace.ts";
import { counted } from "../platform/words.ts";
import { withStoredResults } from "../results/database.ts";
import { openCache } from "../store/objects/cache.ts";
import { objectPath, trustedSize, unlessDamaged } from "../store/objects/layout.ts";
import { dataHash } from "../store/pointers/data-hash.ts";
import { readPointersAt, readPointersOf } from "../store/pointers/pointers.ts";
import type { Pointer } from "../store/types.ts";
import { readingStored } from "../store/worktree/make-output.ts";
import type { ArtifactEntry, Version } from "../versions/types.ts";
import { type Chain, type Link, REFETCH, UNSHALLOW } from "./chain.ts";
import type { ObjectChecks } from "./verify-objects.ts";
import { verifyRows } from "./verify-rows.ts";

export interface Checks {
  objects: ObjectChecks;
  commits: CommitChecks;
  /** Of a version; a link that says why they cannot be read. */
  pointers(version: Version): Pointer[] | Link;
}

/** All that can be asked once for many versions is. */
export function checksOf(project: Project, repository: Repository, versions: readonly Version[], objects: ObjectChecks): Checks {
  return { objects, commits: commitChecks(repository, versions), pointers: pointerReader(project, versions) };
}

/** Before each of them is looked at. */
export async function expectObjects(versions: readonly Version[], { objects, pointers }: Checks): Promise<void> {
  const read = versions.filter(({ commit }) => commit !== "").map(pointers);
  await objects.expect(read.flatMap((one) => (Array.isArray(one) ? one : [])));
}

export async function verifyVersion(
  project: Project,
  repository: Repository,
  version: Version,
  { objects, commits, pointers: read }: Checks,
): Promise<Chain> {
  const links: Link[] = [tagLink(version)];
  if (version.commit === "") return { version: version.name, links };
  links.push(...commitLinks(repository, version, commits), dataHashLink(version));
  const pointers = read(version);
  if (!Array.isArray(pointers)) return { version: version.name, links: [...links, pointers] };
  links.push(...pointerLinks(project, version, pointers));
  for (const pointer of pointers) if (pointer.hash !== null) links.push(await objects.check(pointer));
  links.push(...rowLinks(project, version, { pointers, quick: objects.quick }));
  return { version: version.name, links };
}

function tagLink({ name, tagObject, commit, problems, message }: Version): Link {
  const link = (state: Link["state"], detail: string): Link => ({ kind: "tag", target: name, state, detail });
  // Whoever writes a tag by hand may write it in any letters: nothing was recorded, so that nothing is wrong.
  const isByHand = commit !== "" && message.kind === null && !message.other.some(([key]) => key === "Kind");
  if (problems.length > 0) return link(isByHand ? "unrecorded" : "wrong", problems.join("; "));
  if (tagObject === null) return link("unrecorded", "a lightweight tag: it says a commit and nothing else");
  if (message.kind === null) return link("unrecorded", "made without trailers: what it was made from was not recorded");
  return link("proven", `${tagObject.slice(0, 12)} names ${commit.slice(0, 12)}`);
}

function commitLinks(repository: Repository, { message, commit }: Version, commits: CommitChecks): Link[] {
  const results: Link = { kind: "results commit", target: commit, ...commits.state(commit) };
  const { code } = message;
  const link = (state: Link["state"], detail: string): Link[] => [results, { kind: "code", target: code ?? "–", state, detail }];
  if (code === null) return link("unrecorded", "the tag names no code");
  const isHere = commits.isHere(code);
  const whole = isHere ? commits.state(code) : null;
  if (whole !== null && whole.state !== "proven") return link(whole.state, whole.detail);
  if (isHere && commits.comesFrom(commit, code)) return link("proven", "the results commit comes from it");
  if (isShallow(repository)) return link("unread", `it is not in the part of the history that this shallow clone has: ${UNSHALLOW}`);
  if (!isHere) return link("missing", "this repository does not have it: git fetch ORIGIN 'refs/expver/runs/*:refs/expver/runs/*'");
  return link("wrong", "the results commit does not come from it");
}

interface CommitChecks {
  /** Whether Git has every file of it. */
  state(commit: string): Pick<Link, "state" | "detail">;
  isHere(commit: string): boolean;
  /** `ancestor` is in the history of `commit`, or is it. */
  comesFrom(commit: string, ancestor: string): boolean;
}

/** What is asked of one by one only where it is not so for all of them, or not at once: most versions come from their parent. */
function commitChecks(repository: Repository, versions: readonly Version[]): CommitChecks {
  const commits = [...new Set(versions.flatMap(({ commit, message }) => [commit, message.code ?? ""]).filter((commit) => commit !== ""))];
  const hasAll = hasAllObjects(repository, commits);
  const parents = hasAll ? parentsOf(repository, commits) : new Map<string, string[]>();
  const contains = (commit: string, ancestor: string) =>
    gitResult(repository, ["merge-base", "--is-ancestor", ancestor, commit], { allow: [1] }).code === 0;
  return {
    state: (commit) => (hasAll ? WHOLE : wholeness(repository, commit)),
    isHere: (commit) => hasAll || resolveCommit(repository, commit) !== null,
    comesFrom: (commit, ancestor) => commit === ancestor || parents.get(commit)?.includes(ancestor) === true || contains(commit, ancestor),
  };
}

const WHOLE = { state: "proven", detail: "its tree is in this repository" } as const;

function wholeness(repository: Repository, commit: string): Pick<Link, "state" | "detail"> {
  const lacking = lackingObjects(repository, commit);
  if (lacking.length === 0) return WHOLE;
  const what = `${counted(lacking.length, "file or folder", "files or folders")} of it`;
  if (isPartial(repository)) return { state: "unread", detail: `${what} only the remote of this partial clone has: ${REFETCH}` };
  const others = lacking.length > 1 ? " …" : "";
  return {
    state: "missing",
    detail: `Git has lost ${what} (${lacking[0]?.slice(0, 12)}${others}): git fsck; another clone may have them`,
  };
}

/** Of so many versions the pointers are in memory at once, and remotes are asked at once for what they name. */
export const VERSIONS_TOGETHER = 200;

/** For versions that are asked for in this order. One that cannot be read is broken; it does not keep the others from being looked at. */
function pointerReader(project: Project, versions: readonly Version[]): Checks["pointers"] {
  const order = [...new Set(versions.map(({ commit }) => commit).filter((commit) => commit !== ""))];
  let before = new Map<string, Pointer[] | Link>();
  let read = new Map<string, Pointer[] | Link>();
  return ({ commit }) => {
    // As many versions are asked for twice, and theirs may have begun in the last part.
    const known = read.get(commit) ?? before.get(commit);
    if (known !== undefined) return known;
    const from = Math.max(0, order.indexOf(commit));
    before = read;
    read = readAll(project, order.slice(from, from + VERSIONS_TOGETHER));
    return read.get(commit) ?? pointersOf(project, commit);
  };
}

function readAll(project: Project, commits: readonly string[]): Map<string, Pointer[] | Link> {
  const unreadable = new Set<string>();
  try {
    const read = readPointersOf(project, commits, (_error, rev) => unreadable.add(rev));
    return new Map([...read].filter(([commit]) => !unreadable.has(commit)));
  } catch (error) {
    if (error instanceof ExpverError) return new Map(); // one by one it shows whose it is
    throw error;
  }
}

function pointersOf(project: Project, commit: string): Pointer[] | Link {
  try {
    return readPointersAt(project, commit);
  } catch (error) {
    if (!failedWith(error, "E_POINTER", "E_GIT")) throw error;
    return { kind: "pointer", target: commit, state: "wrong", detail: `its pointers cannot be read: ${error.message}` };
  }
}

function dataHashLink({ message }: Version): Link {
  const { dataHash: recorded, data } = message;
  const link = (state: Link["state"], detail: string): Link => ({ kind: "data hash", target: recorded ?? "–", state, detail });
  if (recorded === null)
    return data.length === 0 ? link("unrecorded", "the tag names no data") : link("wrong", "the tag names data and no digest of it");
  const found = dataHash(data);
  return found === recorded
    ? link("proven", `the digest of its ${data.length} inputs`)
    : link("wrong", `its inputs come to ${found ?? "nothing"}`);
}

/** The tag's data and models are what the commit's pointers say. */
function pointerLinks(project: Project, { message }: Version, pointers: readonly Pointer[]): Link[] {
  const byPath = new Map(pointers.map((pointer) => [pointer.path, pointer]));
  return [...message.data, ...message.models].map(({ path, hash }: ArtifactEntry): Link => {
    const pointer = byPath.get(path);
    const link = (state: Link["state"], detail: string): Link => ({ kind: "pointer", target: path, state, detail });
    const around = pointer ?? pointers.find((one) => isWithin(path, one.path));
    if (around === undefined) return link("missing", "the results commit has no pointer for it");
    if (pointer === undefined) return link(...inFolder(project, around, { path, hash }));
    return pointer.hash === hash
      ? link("proven", `tag and pointer say ${hash}`)
      : link("wrong", `the tag says ${hash}, the pointer ${pointer.hash ?? "nothing"}`);
  });
}

/** A candidate has no pointer of its own. */
function inFolder(project: Project, folder: Pointer, { path, hash }: Pick<ArtifactEntry, "path" | "hash">): [Link["state"], string] {
  const members = finishWork(unlessDamaged(readingStored(project, folder), null));
  if (members === null) return ["unread", `the listing of ${folder.path} is not in the cache: expver sync brings it`];
  const item = path.slice(folder.path.length + 1);
  const own = members.filter(({ relpath }) => isWithin(relpath, item));
  const found = own.length === 0 ? "nothing" : hashOfItem(item, own);
  return found === hash ? ["proven", `tag and ${folder.path} say ${hash}`] : ["wrong", `the tag says ${hash}, ${folder.path} ${found}`];
}

/** A database that is elsewhere only has a link of its own as an object; a quick look goes no further. */
function rowLinks(project: Project, version: Version, { pointers, quick }: { pointers: readonly Pointer[]; quick: boolean }): Link[] {
  const path = resultsPath(project);
  const pointer = pointers.find((one) => one.path === path);
  const link = (state: Link["state"], detail: string): Link[] => [{ kind: "rows", target: path, state, detail }];
  if (pointer === undefined || pointer.hash === null) {
    return version.message.runs.length === 0 ? [] : link("missing", "the results commit tracks no results database");
  }
  const cache = openCache(project);
  const object = { hash: pointer.hash, hashName: pointer.hashName };
  if (trustedSize(cache.dir, object) === null)
    return quick ? [] : link("unread", "its database is not in the cache: expver sync brings it");
  try {
    return withStoredResults(objectPath(cache.dir, object), (db) => verifyRows(db, version));
  } catch (error) {
    if (error instanceof ExpverError) return link("wrong", error.message);
    throw error;
  }
}
