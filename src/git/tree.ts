/** Trees and blobs of any commit, without a checkout. */
import { ExpverError } from "../errors.ts";
import { git, gitResult, type Repository } from "./git.ts";

export interface TreeEntry {
  mode: string;
  type: "blob" | "tree" | "commit";
  object: string;
  /** From the top, with `/`. */
  path: string;
}

// The tree of a commit never changes, and one command asks for it from several sides.
const latest = new WeakMap<Repository, { rev: string; entries: readonly TreeEntry[] }>();

/** Every file of a commit's tree, or only those at or below `paths`. One git process, none for the commit that was asked for last by its hash. */
export function readTree(repository: Repository, rev: string, paths: readonly string[] = []): readonly TreeEntry[] {
  if (paths.length > 0 || !/^[0-9a-f]{40,64}$/.test(rev)) return filesOf(repository, rev, paths);
  const known = latest.get(repository);
  if (known?.rev === rev) return known.entries;
  const entries = filesOf(repository, rev, []);
  latest.set(repository, { rev, entries });
  return entries;
}

function filesOf(repository: Repository, rev: string, paths: readonly string[]): TreeEntry[] {
  return git(repository, ["ls-tree", "-r", "-z", "--full-tree", rev, "--", ...paths])
    .split("\0")
    .filter((record) => record !== "")
    .map((record) => {
      const tab = record.indexOf("\t");
      const [mode = "", type = "", object = ""] = record.slice(0, tab).split(" ");
      return { mode, type: type as TreeEntry["type"], object, path: record.slice(tab + 1) };
    });
}

/** The tree of nothing, whatever objects are named by; what was before a first commit. */
export function emptyTree(repository: Repository): string {
  return git(repository, ["hash-object", "-t", "tree", "--stdin"], { input: "" }).trim();
}

/** Bytes of many objects by name: one `cat-file --batch`. Throws E_GIT for an object that is not there. */
export function catFiles(repository: Repository, objects: readonly string[]): Map<string, Buffer> {
  const found = catFilesIfThere(repository, objects);
  const object = objects.find((name) => !found.has(name));
  if (object !== undefined) throw new ExpverError("E_GIT", `git has no object ${object}`, { details: { object } });
  return found;
}

/** The same; a name may also be `COMMIT:PATH`, and those that name nothing are left out. */
export function catFilesIfThere(repository: Repository, names: readonly string[]): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const wanted = [...new Set(names)];
  if (wanted.length === 0) return found;
  if (repository.partial) bring(repository, wanted);
  // Git takes a name a line: one with a line break in it goes by the object it names.
  const asked = wanted.map((name) => (name.includes("\n") ? objectNamed(repository, name) : name));
  const { stdout } = gitResult(repository, ["cat-file", "--batch"], { input: asked.map((name) => `${name}\n`).join("") });
  let at = 0;
  for (const name of wanted) {
    const end = stdout.indexOf(10, at);
    const [, size] = /^[0-9a-f]+ [a-z]+ (\d+)$/.exec(stdout.toString("utf8", at, end)) ?? [];
    at = end + 1;
    // `NAME missing`; `COMMIT submodule`.
    if (size === undefined) continue;
    found.set(name, stdout.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return found;
}

/** Texts of files of a commit, by path; those it does not have are left out. */
export function textsAt(repository: Repository, commit: string | null, paths: readonly string[]): Map<string, string> {
  if (commit === null || paths.length === 0) return new Map();
  const found = catFilesIfThere(
    repository,
    paths.map((path) => `${commit}:${path}`),
  );
  return new Map([...found].map(([name, bytes]) => [name.slice(commit.length + 1), bytes.toString("utf8")]));
}

/** A text of the worktree as it goes on from the stored one: a checkout may have ended its lines otherwise (`core.autocrlf`). */
export function withLineEndsOf(stored: string | undefined, text: string): string {
  return stored === undefined || stored.includes("\r\n") ? text : text.replaceAll("\r\n", "\n");
}

/** Bytes of each. What a clone left behind is brought. */
export function blobSizes(repository: Repository, objects: readonly string[]): Map<string, number> {
  const wanted = [...new Set(objects)];
  if (repository.partial) bring(repository, wanted);
  const lines = git(repository, ["cat-file", "--batch-check=%(objectsize)"], { input: wanted.map((one) => `${one}\n`).join("") });
  const sizes = lines.split("\n");
  return new Map(wanted.map((object, index) => [object, Number(sizes[index])]));
}

/** `missing` when it names nothing: no object is called that. */
function objectNamed(repository: Repository, name: string): string {
  const { code, stdout } = gitResult(repository, ["rev-parse", "--verify", "--quiet", "--end-of-options", name], { allow: [1, 128] });
  return code === 0 ? stdout.toString("utf8").trim() : "missing";
}

/** In one request. Where the server does not want to, git asks for them one by one as they are read. */
function bring(repository: Repository, names: readonly string[]): void {
  const objects = names.filter((name) => /^[0-9a-f]{40,64}$/.test(name));
  const fetch = [
    // As Git's own asking does: who says that it has the commit is sent nothing of it.
    "-c",
    "fetch.negotiationAlgorithm=noop",
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--recurse-submodules=no",
    "--filter=blob:none",
    "--stdin",
    "origin",
  ];
  if (objects.length > 1) gitResult(repository, fetch, { input: objects.map((one) => `${one}\n`).join(""), allow: [1, 128] });
}

/**
 * Files of many commits' trees whose path fits, without a process for each: trees that commits share are read once. One git process a
 * level of folders, and one for all revisions.
 */
export function readTrees(
  repository: Repository,
  revs: readonly string[],
  fits: (path: string) => boolean,
): Map<string, Pick<TreeEntry, "mode" | "object" | "path">[]> {
  const roots = resolveTrees(repository, revs);
  const trees = new Map<string, RawEntry[]>();
  for (let wanted = [...new Set(roots.values())]; wanted.length > 0; ) {
    for (const [id, bytes] of catFiles(repository, wanted)) trees.set(id, parseTree(bytes, id.length / 2));
    const below = wanted.flatMap((id) => (trees.get(id) ?? []).filter(({ mode }) => mode === TREE_MODE).map(({ object }) => object));
    wanted = [...new Set(below)].filter((id) => !trees.has(id));
  }
  const files = (id: string, folder: string): Pick<TreeEntry, "mode" | "object" | "path">[] =>
    (trees.get(id) ?? []).flatMap(({ mode, object, name }) => {
      const path = folder + name;
      if (mode === TREE_MODE) return files(object, `${path}/`);
      return fits(path) ? [{ mode, object, path }] : [];
    });
  return new Map(revs.map((rev) => [rev, files(roots.get(rev) ?? "", "")]));
}

interface RawEntry {
  mode: string;
  object: string;
  name: string;
}

const TREE_MODE = "40000";

function resolveTrees(repository: Repository, revs: readonly string[]): Map<string, string> {
  const input = revs.map((rev) => `${rev}^{tree}\n`).join("");
  const lines = git(repository, ["cat-file", "--batch-check=%(objectname)"], { input }).split("\n");
  return new Map(
    revs.map((rev, index) => {
      const line = lines[index] ?? "";
      if (!/^[0-9a-f]{40,64}$/.test(line)) throw new ExpverError("E_GIT", `git has no tree of ${rev}`, { details: { rev } });
      return [rev, line];
    }),
  );
}

/** `mode SP name NUL id` again and again. */
function parseTree(bytes: Buffer, width: number): RawEntry[] {
  const entries: RawEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(32, at);
    const end = bytes.indexOf(0, blank);
    const mode = bytes.toString("latin1", at, blank);
    entries.push({ mode, name: bytes.toString("utf8", blank + 1, end), object: bytes.toString("hex", end + 1, end + 1 + width) });
    at = end + 1 + width;
  }
  return entries;
}

/** The submodule that a path is, or is in, and the commit it stands at. */
export function submoduleOf(repository: Repository, rev: string, path: string): { path: string; commit: string } | null {
  const names = path.split("/");
  const above = names.map((_, index) => names.slice(0, index + 1).join("/")).filter((one) => one !== "");
  if (above.length === 0) return null;
  const entries = gitResult(repository, ["ls-tree", "-z", "--full-tree", rev, "--", ...above]).stdout.toString("utf8");
  const [, commit, found] = /(?:^|\0)160000 commit ([0-9a-f]+)\t([^\0]*)/.exec(entries) ?? [];
  return commit === undefined || found === undefined ? null : { path: found, commit };
}
