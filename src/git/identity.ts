/** Who commits. */
import { ExpverError } from "../errors.ts";
import { gitResult, type Repository } from "./git.ts";

export interface Identity {
  name: string;
  email: string;
  /** As written in commits and tags: `Ada <ada@example.com> 1772366400 +0000`. */
  line: string;
}

// Who was found before a run is who ends it.
const known = new WeakMap<Repository, Identity>();

/** The line of {@link committer} for what is made now; git is not asked once more for who was asked for before. */
export function committerNow(repository: Repository): string {
  const before = known.get(repository);
  if (before === undefined || repository.env.GIT_COMMITTER_DATE !== undefined) return committer(repository).line;
  const now = new Date();
  const minutes = -now.getTimezoneOffset();
  const two = (value: number) => String(value).padStart(2, "0");
  const zone = `${minutes < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`;
  return `${before.name} <${before.email}> ${Math.floor(now.getTime() / 1000)} ${zone}`;
}

/** What `git var GIT_COMMITTER_IDENT` says: environment, configuration, or what git itself would fall back to. Throws E_GIT_IDENTITY. */
export function committer(repository: Repository): Identity {
  const result = gitResult(repository, ["var", "GIT_COMMITTER_IDENT"], { allow: [1, 128] });
  const line = result.stdout.toString("utf8").trimEnd();
  const parts = /^(.*) <(.*)> \d+ [+-]\d{4}$/.exec(line);
  if (result.code !== 0 || !parts) {
    const why = /fatal: (.*)/.exec(result.stderr)?.[1] ?? "user.name and user.email are not set";
    throw new ExpverError("E_GIT_IDENTITY", `git does not know who commits: ${why}`);
  }
  const identity = { name: parts[1] ?? "", email: parts[2] ?? "", line };
  known.set(repository, identity);
  return identity;
}
