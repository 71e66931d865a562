/** The registry of versions is the list of tags; reading it takes two git processes, however many tags there are (a third one when some are newer than the index). */
import { nearestWord } from "../config/nearest.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { ExpverError, failedWith } from "../errors.ts";
import { resolveCommit } from "../git/refs.ts";
import { commitsOnNoBranch } from "./off-branch.ts";
import type { TagFacts } from "./tag-index.ts";
import { compareVersions, looksLikeVersion, parseTagName } from "./tag-name.ts";
import { readTags, type Tag } from "./tags.ts";
import type { Version } from "./types.ts";

export interface Registry {
  /** Lowest number first. */
  versions: Version[];
  /** Tags that begin like a version and are none: `e2`, `e1.2`. */
  misnamed: string[];
}

/** Every version there is, on a branch or not, whoever made its tag. */
export function readRegistry(project: Project): Registry {
  const { prefix } = project.config.versions;
  const repository = requireRepository(project);
  const { tags, unpublished } = readTags(repository, { stateDir: project.stateDir, prefix });
  const numbered = tags.flatMap((tag) => {
    const number = parseTagName(tag.name, prefix);
    return number === null ? [] : [{ tag, number }];
  });
  const offBranch = commitsOnNoBranch(
    repository,
    numbered.map(({ tag }) => tag.commit),
  );
  return {
    versions: numbered
      .sort((one, other) => compareVersions(one.number, other.number))
      .map(({ tag, number }) => {
        const { name, object, commit } = tag;
        return versionOf(tag, { number, unpublished: unpublished.get(name) === object, onBranch: !offBranch.has(commit) });
      }),
    misnamed: tags.map(({ name }) => name).filter((name) => looksLikeVersion(name, prefix)),
  };
}

export function readVersions(project: Project): Version[] {
  return readRegistry(project).versions;
}

/** One version by its tag's name (the prefix may be left out). Throws E_NOT_FOUND; E_VERSION when its tag leads to no commit. */
export function findVersion(project: Project, name: string): Version {
  return pickVersion(readVersions(project), name, project.config.versions.prefix);
}

/** A version, else any other tag, branch or commit. Throws as {@link findVersion} when it is none of these. */
export function findCommit(project: Project, name: string): { name: string; commit: string } {
  try {
    return findVersion(project, name);
  } catch (error) {
    const isUnknown = failedWith(error, "E_NOT_FOUND");
    const commit = isUnknown ? resolveCommit(requireRepository(project), name) : null;
    if (commit === null) throw error;
    return { name, commit };
  }
}

/** The one that was meant, by its whole name or without the prefix. */
export function versionMeant<One extends { name: string }>(all: readonly One[], name: string, prefix: string): One | undefined {
  return all.find((one) => one.name === name) ?? all.find((one) => one.name === prefix + name);
}

/** {@link findVersion} among versions already read. */
export function pickVersion(versions: readonly Version[], name: string, prefix: string): Version {
  const found = versionMeant(versions, name, prefix);
  if (found === undefined) throw noSuchVersion(versions, name);
  if (found.commit === "") {
    throw new ExpverError("E_VERSION", `${found.name} leads to no commit: ${found.problems.join("; ")}`, {
      hint: `git cat-file -p ${found.name} shows what the tag is.`,
      details: { version: found.name, problems: found.problems },
    });
  }
  return found;
}

/** What only the message tells is read when it is asked for, and once. */
function versionOf(tag: Tag, known: Pick<Version, "number" | "unpublished" | "onBranch">): Version {
  let read: TagFacts | undefined;
  const facts = () => (read ??= tag.facts());
  return {
    name: tag.name,
    commit: tag.commit,
    number: known.number,
    unpublished: known.unpublished,
    onBranch: known.onBranch,
    get tagObject() {
      return facts().tagObject;
    },
    get tagger() {
      return facts().tagger;
    },
    get date() {
      return facts().date;
    },
    get committed() {
      return facts().committed;
    },
    get message() {
      return facts().message;
    },
    get problems() {
      return facts().problems;
    },
  };
}

function noSuchVersion(versions: readonly Version[], name: string): ExpverError {
  const run = name.slice(name.indexOf("#") + 1);
  const owner = versions.find(({ message }) => message.runs.some((one) => one.run === run));
  if (owner !== undefined) {
    return new ExpverError("E_NOT_FOUND", `there is no version ${JSON.stringify(name)}: ${run} is a run of ${owner.name}`, {
      hint: `expver runs show ${run}, and its model: expver models get ${run}. All of the version: expver show ${owner.name}.`,
      details: { asked: name, nearest: owner.name, run },
    });
  }
  const names = versions.map((version) => version.name);
  const near = nearestWord(name, names);
  const latest = names.slice(-5).reverse();
  const known = names.length === 0 ? "there are no versions yet" : near ? `did you mean ${near}?` : `the highest are ${latest.join(", ")}`;
  return new ExpverError("E_NOT_FOUND", `there is no version ${JSON.stringify(name)}; ${known}`, {
    hint:
      names.length === 0
        ? "`expver run` or `expver tag` makes one, `expver sync` brings those of the Git remote. `expver get`, `checkout` and `diff` take any tag, branch or commit."
        : "`expver list` shows them all, `expver sync` brings those that others have published; `expver get`, `checkout` and `diff` take any other tag, branch or commit too.",
    details: { asked: name, nearest: near ?? null, latest },
  });
}
