/** Who commits. */
import { ExpverError } from "../errors.ts";
import { gitResult, type Repository } from "./git.ts";

export interface Identity {
  name: string;
  email: string;
  /** As written in commits and tags: `Ada <ada@example.com> 1772366400 +0000`. */
  line: string;
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
  return { name: parts[1] ?? "", email: parts[2] ?? "", line };
}
