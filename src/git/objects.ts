/** Making Git objects. No ref, index or worktree file changes here: what is made is unreachable until a ref points to it. */
import { ExpverError } from "../errors.ts";
import { git, gitResult, type Repository } from "./git.ts";
import { committer, committerNow } from "./identity.ts";
import { knownSettings } from "./settings.ts";
import { type NewTag, signedTag } from "./signed-tag.ts";

/** Stores bytes as they are (no line-ending or other filters) and answers the blob's name. */
export function hashBlob(repository: Repository, bytes: string | Uint8Array): string {
  return git(repository, ["hash-object", "-w", "--stdin"], { input: bytes }).trimEnd();
}

/** The same for files anywhere, in one process; their names have no line breaks. */
export function hashFiles(repository: Repository, files: readonly string[]): string[] {
  const input = files.map((file) => `${file}\n`).join("");
  return git(repository, ["hash-object", "-w", "--no-filters", "--stdin-paths"], { input }).split("\n").filter(Boolean);
}

export interface NewCommit {
  tree: string;
  /** None for the first commit of an unborn branch. */
  parents: readonly string[];
  /** Stored to the byte. */
  message: string;
}

/** Makes a commit object, signed if `commit.gpgSign` says so. Throws E_GIT with git's words when it cannot be signed, E_GIT_IDENTITY without an identity. */
export function commitTree(repository: Repository, { tree, parents, message }: NewCommit): string {
  refuseNul(message);
  const signature = signs(repository, "commit.gpgsign") ? ["-S"] : ["--no-gpg-sign"];
  const ancestry = parents.flatMap((parent) => ["-p", parent]);
  const args = ["-c", "i18n.commitEncoding=UTF-8", "commit-tree", ...signature, ...ancestry, "-F", "-", tree];
  try {
    return git(repository, args, { input: message.endsWith("\n") ? message : `${message}\n` }).trimEnd();
  } catch (error) {
    // Only then is it asked for: it is the most frequent reason.
    committer(repository);
    throw error;
  }
}

/** Throws E_GIT when commits are to be signed here and cannot be: found out with one that nothing will point to. */
export function proveSigning(repository: Repository): void {
  if (!signs(repository, "commit.gpgsign")) return;
  const tree = git(repository, ["hash-object", "-w", "-t", "tree", "--stdin"], { input: "" }).trimEnd();
  commitTree(repository, { tree, parents: [], message: "expver: can this be signed?" });
}

/** The same for tags. */
export function proveTagSigning(repository: Repository, tag: NewTag): void {
  if (signsTags(repository)) makeTag(repository, tag);
}

/** Makes an annotated tag's object, without the ref; signed if `tag.gpgSign` or `tag.forceSignAnnotated` says so. Throws as {@link commitTree}. */
export function makeTag(repository: Repository, { name, object, message }: NewTag): string {
  refuseNul(message);
  if (signsTags(repository)) return signedTag(repository, { name, object, message: message.endsWith("\n") ? message : `${message}\n` });
  const header = `object ${object}\ntype commit\ntag ${name}\ntagger ${committerNow(repository)}\n`;
  return git(repository, ["mktag"], { input: `${header}\n${message.endsWith("\n") ? message : `${message}\n`}` }).trimEnd();
}

function signsTags(repository: Repository): boolean {
  return signs(repository, "tag.gpgsign") || signs(repository, "tag.forcesignannotated");
}

type Signing = "commit.gpgsign" | "tag.gpgsign" | "tag.forcesignannotated";

// What was proven before a run holds at its end.
const signing = new WeakMap<Repository, Map<Signing, boolean>>();

function signs(repository: Repository, setting: Signing): boolean {
  const known = signing.get(repository) ?? new Map<Signing, boolean>();
  signing.set(repository, known);
  const answered = known.get(setting);
  if (answered !== undefined) return answered;
  const value = knownSettings(repository).get(setting) ?? "false";
  const isOn = /^(?:true|yes|on|1)$/i.test(value) || (!/^(?:false|no|off|0|)$/i.test(value) && asBool(repository, setting));
  known.set(setting, isOn);
  return isOn;
}

/** Git knows more words for it. */
function asBool(repository: Repository, name: string): boolean {
  const result = gitResult(repository, ["config", "--type=bool", "--get", name], { allow: [1] });
  return result.stdout.toString("utf8").trim() === "true";
}

function refuseNul(message: string): void {
  if (message.includes("\0")) throw new ExpverError("E_GIT", "a commit or tag message cannot contain a NUL character");
}
