/** Refs: reading one, and moving several in one step. */
import { ExpverError } from "../errors.ts";
import { git, gitResult, type Repository } from "./git.ts";

export interface RefChange {
  /** Full name (`refs/tags/e0.1.0`), or `HEAD`, which moves the branch it stands for. */
  ref: string;
  /** Object it must have now; null = it must not exist. */
  before: string | null;
  /** Object it gets; null = deleted. */
  after: string | null;
}

/** Object a full ref name points to (a tag's own object, not what it tags); null when there is no such ref, as HEAD on an unborn branch. */
export function readRef(repository: Repository, ref: string): string | null {
  return revParse(repository, ref);
}

/** The commit a revision means, tags followed; null when it means none. */
export function resolveCommit(repository: Repository, revision: string): string | null {
  // The text that is looked for in messages goes on to the end of the line.
  const found = revision.startsWith(":/") ? revParse(repository, revision) : revision;
  return found === null ? null : revParse(repository, `${found}^{commit}`);
}

/** Full name of the branch HEAD stands for, born or not; null when detached. */
export function headBranch(repository: Repository): string | null {
  const result = gitResult(repository, ["symbolic-ref", "--quiet", "HEAD"], { allow: [1] });
  return result.code === 0 ? result.stdout.toString("utf8").trimEnd() : null;
}

/** Where HEAD stands, all at once. `branch` as {@link headBranch}; `commit` and its `tree` null on an unborn branch. */
export function readHead(repository: Repository): { branch: string | null; commit: string | null; tree: string | null } {
  const result = gitResult(repository, ["rev-parse", "HEAD", "HEAD^{tree}", "--symbolic-full-name", "HEAD"], { allow: [128] });
  if (result.code !== 0) return { branch: headBranch(repository), commit: readRef(repository, "HEAD"), tree: null };
  const [commit = "", tree = "", name] = result.stdout.toString("utf8").split("\n");
  return { branch: name === undefined || name === "HEAD" ? null : name, commit, tree };
}

/**
 * {@link readRef} of several at once, by full name; one that is not there is absent. `HEAD` is not among them, but `head` is which of them
 * it stands for.
 */
export function readRefs(repository: Repository, refs: readonly string[]): { found: Map<string, string>; head: string | null } {
  const lines = git(repository, ["for-each-ref", "--format=%(HEAD)%(objectname) %(refname)", "--", ...refs]).split("\n");
  const all = lines.map((line) => ({
    isHead: line.startsWith("*"),
    object: line.slice(1, line.indexOf(" ", 1)),
    name: line.slice(line.indexOf(" ", 1) + 1),
  }));
  // A name is a pattern too: of all below it.
  const asked = all.filter(({ name }) => refs.includes(name));
  return { found: new Map(asked.map(({ name, object }) => [name, object])), head: asked.find(({ isHead }) => isHead)?.name ?? null };
}

/**
 * Makes all changes in one transaction, or none.
 *
 * @throws E_REF_MOVED when a ref is not what `before` says; E_GIT when git refuses for another reason.
 */
export function updateRefs(repository: Repository, changes: readonly RefChange[], options: { reason?: string } = {}): void {
  if (changes.length === 0) return;
  const args = ["update-ref", "-m", options.reason ?? "expver", "--stdin", "-z"];
  const result = gitResult(repository, args, { input: changes.map(instruction).join(""), allow: [1, 128] });
  if (result.code === 0) return;
  const said = result.stderr.trim();
  const moved = /but expected|reference already exists|unable to resolve reference|reference is missing/.test(said);
  throw new ExpverError(moved ? "E_REF_MOVED" : "E_GIT", `git update-ref: ${said}`, {
    details: { refs: changes.map(({ ref }) => ref), code: result.code },
  });
}

function instruction({ ref, before, after }: RefChange): string {
  if (before === null) return after === null ? `verify ${ref}\0\0` : `create ${ref}\0${after}\0`;
  return after === null ? `delete ${ref}\0${before}\0` : `update ${ref}\0${after}\0${before}\0`;
}

function revParse(repository: Repository, revision: string): string | null {
  const result = gitResult(repository, ["rev-parse", "--verify", "--quiet", "--end-of-options", revision], { allow: [1, 128] });
  return result.code === 0 ? result.stdout.toString("utf8").trimEnd() : null;
}

/** Names of all tags. */
export function readTagNames(repository: Repository): string[] {
  return gitResult(repository, ["for-each-ref", "--format=%(refname:strip=2)", "refs/tags/"])
    .stdout.toString("utf8")
    .split("\n")
    .filter((name) => name !== "");
}
