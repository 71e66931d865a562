/** The number a run would get: checked against tags here, numbers reserved by runs that go on, and the remote's tags. */

import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Repository } from "../../../git/git.ts";
import { lsRemoteTags, sourceRemotes } from "../../../git/remotes.ts";
import type { Context } from "../../../platform/context.ts";
import { type Numbers, readNumbers } from "../../../versions/reserve.ts";
import type { Level } from "../../../versions/tag-name.ts";
import type { Input } from "../../contract.ts";
import { textIn } from "../../input.ts";

export interface VersionChoice {
  /** Tag name. */
  name: string;
  /** What to reserve: a level, so that a number taken meanwhile is passed over, or the name the user gave. */
  wanted: string;
  /** Tags the remote has; null when there is none or it did not answer. */
  remoteTags: Set<string> | null;
  numbers: Numbers;
}

/** A version by name, or how far to count on. */
export type WantedVersion = { name: string } | { level: Level };

const REMOTE_MS = 3000;

export interface VersionQuestion {
  project: Project;
  repository: Repository;
  context: Context;
  wanted: WantedVersion;
  /** Default: the project's. */
  prefix?: string;
}

/** Reserves nothing. Throws E_VERSION_TAKEN, E_USAGE for a name. */
export function chooseVersion({
  project,
  repository,
  context,
  wanted,
  prefix = project.config.versions.prefix,
}: VersionQuestion): VersionChoice {
  const remotes = sourceRemotes(repository);
  const answers: (Map<string, string> | null)[] = [];
  // Where one is silent the others hardly speak, and each silence is waited for.
  for (const remote of remotes) answers.push(answers.includes(null) ? null : lsRemoteTags(repository, remote, prefix, REMOTE_MS));
  const silent = remotes.find((_, index) => answers[index] === null);
  if (silent !== undefined) {
    const then = silent === remotes[0] ? "a version number taken there is changed at publishing" : "a version number may be taken there";
    context.report({ kind: "warning", text: `${silent} did not answer: ${then}` });
  }
  const remoteTags = answers[0] ? new Set(answers.flatMap((answer) => [...(answer?.keys() ?? [])])) : null;
  const numbers = readNumbers(project, { remoteTags, prefix });
  if (numbers.onlyRemote !== null) {
    context.report({
      kind: "warning",
      text: `${remotes.join(", ")} ${remotes.length === 1 ? "has" : "have"} versions (up to ${numbers.onlyRemote}) and there are none here: this one is counted on from them, and described without them`,
      hint: "expver sync brings them here.",
    });
  }
  if ("level" in wanted) return { name: numbers.next(wanted.level), wanted: wanted.level, remoteTags, numbers };
  numbers.requireFree(wanted.name);
  return { name: wanted.name, wanted: wanted.name, remoteTags, numbers };
}

/** `--version`, `--major`, `--minor`, `--patch`. Throws E_USAGE when several are given. */
export function wantedVersion(input: Input): WantedVersion {
  const name = textIn(input.version) ?? null;
  const levels = (["major", "minor", "patch"] as const).filter((level) => input[level] === true);
  if (levels.length + (name === null ? 0 : 1) > 1) {
    const given = [...(name === null ? [] : ["--version"]), ...levels.map((level) => `--${level}`)];
    throw new ExpverError("E_USAGE", `${given.join(" and ")} exclude each other`, {
      hint: "Give one of them, or none: then the minor number counts on.",
    });
  }
  return name === null ? { level: levels[0] ?? "minor" } : { name };
}
