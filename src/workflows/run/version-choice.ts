/** The number a run would get: checked against tags here, numbers reserved by runs that go on, and the remote's tags. */
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { git, type Repository } from "../../git/git.ts";
import { lsRemoteTags, publishRemote } from "../../git/remotes.ts";
import type { Context } from "../../platform/context.ts";
import { formatTagName, nextVersion, parseTagName } from "../../versions/tag-name.ts";
import type { RunRequest } from "./request.ts";

export interface VersionChoice {
  /** Tag name. */
  name: string;
  /** The user named it: never replaced by another. */
  explicit: boolean;
  /** Tags the remote has; null when there is none or it did not answer. */
  remoteTags: string[] | null;
}

export const RESERVED = "refs/expver/reserved/";
const REMOTE_MS = 3000;

export function chooseVersion({
  project,
  repository,
  context,
  wanted,
}: {
  project: Project;
  repository: Repository;
  context: Context;
  wanted: RunRequest["version"];
}): VersionChoice {
  const { prefix } = project.config.versions;
  const remote = publishRemote(repository);
  const answer = remote === null ? null : lsRemoteTags(repository, remote, prefix, REMOTE_MS);
  if (remote !== null && answer === null) {
    context.report({ kind: "warning", text: `${remote} did not answer: a version number taken there is changed at publishing` });
  }
  const remoteTags = answer === null ? null : [...answer.keys()];
  const taken = takenNames(repository, prefix, remoteTags ?? []);
  if ("name" in wanted) {
    if (parseTagName(wanted.name, prefix) === null) {
      throw new ExpverError("E_USAGE", `${JSON.stringify(wanted.name)} is no version name`, {
        hint: `A version is written ${prefix}1.2.3`,
        details: { received: wanted.name },
      });
    }
    if (taken.has(wanted.name)) {
      throw new ExpverError("E_VERSION_TAKEN", `${wanted.name} exists already`, {
        hint: "Leave --version out: the next free number is taken.",
        details: { version: wanted.name },
      });
    }
    return { name: wanted.name, explicit: true, remoteTags };
  }
  return { name: nextName(taken, prefix, wanted.level), explicit: false, remoteTags };
}

/** Names of tags and reserved numbers, here and (as told) on the remote. */
export function takenNames(repository: Repository, prefix: string, remoteTags: readonly string[]): Set<string> {
  const refs = git(repository, ["for-each-ref", "--format=%(refname)", `refs/tags/${prefix}*`, RESERVED]).split("\n");
  return new Set([...refs.map((ref) => ref.replace(/^refs\/(tags|expver\/reserved)\//, "")), ...remoteTags]);
}

export function nextName(taken: ReadonlySet<string>, prefix: string, level: "major" | "minor" | "patch"): string {
  const numbers = [...taken].flatMap((name) => parseTagName(name, prefix) ?? []);
  return formatTagName(nextVersion(numbers, level), prefix);
}
