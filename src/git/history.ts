/** Which commits lie between two sets of commits. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { git, gitResult, type Repository } from "./git.ts";

export interface Stretch {
  /** Commits or tags. */
  wants: readonly string[];
  /** Commits or tags whose history is left out; those this repository does not have are passed over. */
  haves: readonly string[];
}

/** Part of the history is missing here, on purpose. */
export function isShallow({ commonDir }: Repository): boolean {
  return existsSync(join(commonDir, "shallow"));
}

/** The commits a shallow clone ends with: they look as if nothing came before them. */
export function cutsOf(repository: Repository): Set<string> {
  return new Set(isShallow(repository) ? readFileSync(join(repository.commonDir, "shallow"), "utf8").split("\n").filter(Boolean) : []);
}

/** Objects are left on a remote until somebody reads them, on purpose. */
export function isPartial(repository: Repository): boolean {
  return gitResult(repository, ["config", "--get-regexp", "^remote\\..*\\.promisor$"], { allow: [1] }).code === 0;
}

/** Trees and blobs of this commit alone that this repository does not have. Looks and fetches nothing; no bytes are read but those of trees. */
export function lackingObjects(repository: Repository, commit: string): string[] {
  const listed = git(repository, ["rev-list", "--objects", "--no-object-names", "--no-walk", "--missing=print", commit]);
  return listed.split("\n").flatMap((line) => (line.startsWith("?") ? [line.slice(1)] : []));
}

/** Whether nothing of any of these commits is lacking: one question, where {@link lackingObjects} of each would be as many. */
export function hasAllObjects(repository: Repository, commits: readonly string[]): boolean {
  const args = ["rev-list", "--objects", "--no-object-names", "--no-walk", "--missing=print", "--stdin"];
  const { code, stdout } = gitResult(repository, args, { input: commits.map((commit) => `${commit}\n`).join(""), allow: [128] });
  return code === 0 && !stdout.toString("latin1").includes("?");
}

/** The commits that these objects are, or that tags among them name. */
export function commitsAmong(repository: Repository, objects: readonly string[]): string[] {
  if (objects.length === 0) return [];
  const input = objects.map((one) => `${one}^{commit}\n`).join("");
  const lines = git(repository, ["cat-file", "--batch-check=%(objectname)"], { input }).split("\n");
  return lines.filter((line) => /^[0-9a-f]{40,64}$/.test(line));
}

/** Those of these commits, by their whole names, that this repository has. */
export function commitsHere(repository: Repository, commits: readonly string[]): Set<string> {
  const found = new Set(commitsAmong(repository, commits));
  return new Set(commits.filter((one) => found.has(one)));
}

/** The parents of commits that this repository has, by commit. */
export function parentsOf(repository: Repository, commits: readonly string[]): Map<string, string[]> {
  const input = commits.map((commit) => `${commit}\n`).join("");
  return linesWithParents(git(repository, ["rev-list", "--no-walk=unsorted", "--parents", "--stdin"], { input }).split("\n"));
}

function linesWithParents(lines: readonly string[]): Map<string, string[]> {
  return new Map(
    lines.filter(Boolean).map((line) => {
      const [commit = "", ...parents] = line.split(" ");
      return [commit, parents];
    }),
  );
}

/** Commits reachable from `wants` and from none of `haves`, each with its parents. One git process. */
function commitsBetween(repository: Repository, stretch: Stretch): Map<string, string[]> {
  return linesWithParents(revList(repository, stretch, ["--parents"]));
}

/**
 * Enough of those commits that every state of the files that match has one of them: where such a file changed, and where
 * the stretch begins. `patterns` are git pathspecs. Two git processes.
 */
export function commitsWithEveryState(repository: Repository, stretch: Stretch, patterns: readonly string[]): string[] {
  const all = commitsBetween(repository, stretch);
  const first = [...all].filter(([, parents]) => parents.length === 0 || parents.some((parent) => !all.has(parent)));
  const changing = all.size === 0 ? [] : revList(repository, stretch, ["--full-history"], patterns);
  return [...new Set([...first.map(([commit]) => commit), ...changing])];
}

function revList(
  repository: Repository,
  { wants, haves }: Stretch,
  options: readonly string[],
  patterns: readonly string[] = [],
): string[] {
  if (wants.length === 0) return [];
  const input = [...wants, ...haves.map((have) => `^${have}`), ...(patterns.length > 0 ? ["--", ...patterns] : [])];
  const output = git(repository, ["rev-list", ...options, "--ignore-missing", "--stdin"], { input: `${input.join("\n")}\n` });
  return output.split("\n").filter(Boolean);
}
