/** The registry of versions is the list of tags; reading it takes two git processes, however many tags there are. */
import { nearestWord } from "../config/nearest.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { git, gitResult, type Repository } from "../git/git.ts";
import { readMessage } from "./message.ts";
import { unpublishedRef } from "./published.ts";
import { compareVersions, looksLikeVersion, parseTagName } from "./tag-name.ts";
import { UNRECORDED } from "./trailers.ts";
import type { Version, VersionMessage } from "./types.ts";

type Where = Pick<Project, "repository" | "config" | "root" | "dvcRoot" | "stateDir">;

export interface Registry {
  /** Lowest number first. */
  versions: Version[];
  /** Tags that begin like a version and are none: `e2`, `e1.2`. */
  misnamed: string[];
}

/** Every version there is, on a branch or not, whoever made its tag. `prefix`: default the project's. */
export function readRegistry(project: Where, prefix: string = project.config.versions.prefix): Registry {
  const repository = requireRepository(project);
  const { tags, unpublished } = readTags(repository, prefix);
  const versions = tags.flatMap((tag) => {
    const number = parseTagName(tag.name, prefix);
    return number === null ? [] : [{ ...versionOf(tag), number, unpublished: unpublished.get(tag.name) === tag.object, onBranch: true }];
  });
  const offBranch = commitsOnNoBranch(
    repository,
    versions.map(({ commit }) => commit),
  );
  return {
    versions: versions
      .map((version) => ({ ...version, onBranch: !offBranch.has(version.commit) }))
      .sort((one, other) => compareVersions(one.number, other.number)),
    misnamed: tags.map(({ name }) => name).filter((name) => looksLikeVersion(name, prefix)),
  };
}

export function readVersions(project: Where): Version[] {
  return readRegistry(project).versions;
}

/** One version by its tag's name (the prefix may be left out). Throws E_NOT_FOUND; E_VERSION when its tag leads to no commit. */
export function findVersion(project: Where, name: string): Version {
  return pickVersion(readVersions(project), name, project.config.versions.prefix);
}

/** {@link findVersion} among versions already read. */
export function pickVersion(versions: readonly Version[], name: string, prefix: string): Version {
  const found = versions.find((version) => version.name === name) ?? versions.find((version) => version.name === prefix + name);
  if (found === undefined) throw noSuchVersion(versions, name);
  if (found.commit === "") {
    throw new ExpverError("E_VERSION", `${found.name} leads to no commit: ${found.problems.join("; ")}`, {
      hint: `git cat-file -p ${found.name} shows what the tag is.`,
      details: { version: found.name, problems: found.problems },
    });
  }
  return found;
}

interface Tag {
  name: string;
  object: string;
  type: string;
  target: string;
  targetType: string;
  /** What the target points to, when it is a tag itself. */
  nested: string;
  nestedType: string;
  tagger: string;
  taggerDate: string;
  commitDate: string;
  targetDate: string;
  contents: Buffer;
}

const FIELDS = [
  "refname",
  "objectname",
  "objecttype",
  "*objectname",
  "*objecttype",
  "*object",
  "*type",
  "taggername",
  "taggeremail",
  "taggerdate:iso8601-strict",
  "committerdate:iso8601-strict",
  "*committerdate:iso8601-strict",
  "contents",
];
const FORMAT = `${FIELDS.map((field) => `%(${field})`).join("%00")}%00`;
const UNPUBLISHED = unpublishedRef("");

/** Process one. The markers of unpublished versions are read along with the tags. */
function readTags(repository: Repository, prefix: string): { tags: Tag[]; unpublished: Map<string, string> } {
  const args = ["for-each-ref", `--format=${FORMAT}`, `refs/tags/${prefix}[0-9]*`, UNPUBLISHED];
  const tags: Tag[] = [];
  const unpublished = new Map<string, string>();
  for (const fields of splitRecords(gitResult(repository, args).stdout)) {
    const [ref, object = "", type = "", target = "", targetType = "", nested = "", nestedType = "", ...rest] = fields
      .slice(0, -1)
      .map(String);
    const [taggerName = "", taggerEmail = "", taggerDate = "", commitDate = "", targetDate = ""] = rest;
    if (ref?.startsWith(UNPUBLISHED)) {
      unpublished.set(ref.slice(UNPUBLISHED.length), object);
      continue;
    }
    tags.push({
      name: ref?.slice("refs/tags/".length) ?? "",
      object,
      type,
      target,
      targetType,
      nested,
      nestedType,
      tagger: `${taggerName} ${taggerEmail}`.trim(),
      taggerDate,
      commitDate,
      targetDate,
      contents: fields.at(-1) ?? Buffer.alloc(0),
    });
  }
  return { tags, unpublished };
}

/** Process two. */
function commitsOnNoBranch(repository: Repository, commits: readonly string[]): Set<string> {
  const known = [...new Set(commits)].filter((commit) => commit !== "");
  if (known.length === 0) return new Set();
  const args = ["rev-list", "--ignore-missing", "--stdin", "--not", "--branches", "--remotes"];
  return new Set(git(repository, args, { input: `${known.join("\n")}\n` }).split("\n"));
}

function versionOf(tag: Tag): Omit<Version, "number" | "unpublished" | "onBranch"> {
  const problems: string[] = [];
  const commit = commitOf(tag, problems);
  const annotated = tag.type === "tag";
  const text = decode(tag.contents, problems);
  const read = annotated ? readMessage(text) : { message: subjectOnly(text), problems: [] };
  return {
    name: tag.name,
    commit,
    tagObject: annotated ? tag.object : null,
    tagger: annotated && tag.tagger !== "" ? tag.tagger : null,
    date: annotated ? tag.taggerDate || tag.targetDate : tag.commitDate,
    message: read.message,
    problems: [...problems, ...read.problems],
  };
}

/** A tag may tag a tag (git makes that from `git tag -a NEW OLD`): followed twice, which is as far as one reading of the refs sees. */
function commitOf(tag: Tag, problems: string[]): string {
  if (tag.type === "commit") return tag.object;
  if (tag.targetType === "commit") return tag.target;
  if (tag.targetType === "tag" && tag.nestedType === "commit") return tag.nested;
  const what = tag.type === "tag" ? tag.nestedType || tag.targetType || "nothing" : tag.type;
  problems.push(`the tag points to a ${what}, not to a commit`);
  return "";
}

/** A lightweight tag says nothing; its commit's subject is better than nothing. */
function subjectOnly(text: string): VersionMessage {
  return { headline: [], description: (text.split("\n", 1)[0] ?? "").trim(), body: "", ...UNRECORDED };
}

function decode(bytes: Buffer, problems: string[]): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    problems.push("the message is not valid UTF-8; unreadable bytes are shown as \ufffd");
    return bytes.toString("utf8");
  }
}

/** One record per ref: as many NUL-ended fields as the format has, then a newline. */
function* splitRecords(output: Buffer): Generator<Buffer[]> {
  let at = 0;
  while (at < output.length) {
    const fields: Buffer[] = [];
    while (fields.length < FIELDS.length) {
      const end = output.indexOf(0, at);
      if (end < 0) return;
      fields.push(output.subarray(at, end));
      at = end + 1;
    }
    yield fields;
    at += 1;
  }
}

function noSuchVersion(versions: readonly Version[], name: string): ExpverError {
  const names = versions.map((version) => version.name);
  const near = nearestWord(name, names);
  const latest = names.slice(-5).reverse();
  const known = names.length === 0 ? "there are no versions yet" : near ? `did you mean ${near}?` : `the highest are ${latest.join(", ")}`;
  return new ExpverError("E_NOT_FOUND", `there is no version ${JSON.stringify(name)}; ${known}`, {
    hint: names.length === 0 ? "`expver run` or `expver tag` makes one." : "`expver list` shows them all.",
    details: { asked: name, nearest: near ?? null, latest },
  });
}
