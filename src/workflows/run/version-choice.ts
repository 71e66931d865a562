/** The number a run would get: checked against tags here, numbers reserved by runs that go on, and the remote's tags. */
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import { lsRemoteTags, publishRemote } from "../../git/remotes.ts";
import type { Context } from "../../platform/context.ts";
import { requireFree, suggestVersion } from "../../versions/reserve.ts";
import type { RunRequest } from "./request.ts";

export interface VersionChoice {
  /** Tag name. */
  name: string;
  /** What to reserve: a level, so that a number taken meanwhile is passed over, or the name the user gave. */
  wanted: string;
  /** Tags the remote has; null when there is none or it did not answer. */
  remoteTags: Set<string> | null;
}

export const RESERVED = "refs/expver/reserved/";
const REMOTE_MS = 3000;

export interface VersionQuestion {
  project: Project;
  repository: Repository;
  context: Context;
  wanted: RunRequest["version"];
}

/** Reserves nothing. Throws E_VERSION_TAKEN, E_USAGE for a name. */
export function chooseVersion({ project, repository, context, wanted }: VersionQuestion): VersionChoice {
  const { prefix } = project.config.versions;
  const remote = publishRemote(repository);
  const answer = remote === null ? null : lsRemoteTags(repository, remote, prefix, REMOTE_MS);
  if (remote !== null && answer === null) {
    context.report({ kind: "warning", text: `${remote} did not answer: a version number taken there is changed at publishing` });
  }
  const remoteTags = answer === null ? null : new Set(answer.keys());
  if ("level" in wanted) return { name: suggestVersion(project, wanted.level, { remoteTags }), wanted: wanted.level, remoteTags };
  requireFree(project, wanted.name, { remoteTags });
  return { name: wanted.name, wanted: wanted.name, remoteTags };
}
