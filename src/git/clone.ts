/** Copies of foreign repositories, made to be read and thrown away. */
import { ExpverError } from "../errors.ts";
import type { Context } from "../platform/context.ts";
import { runProcess } from "../platform/processes.ts";
import { contextIn, environmentOf, findRepository, gitResult, type Repository } from "./git.ts";
import { shownAddress } from "./shown-address.ts";

/**
 * Clones without a worktree into an empty folder; of a branch or tag only that one commit, and file contents only as they are read, where
 * the server can do that. Never asks for a password. Throws E_GIT.
 */
export function cloneBare(context: Context, url: string, { into, rev }: { into: string; rev: string | undefined }): Repository {
  const env = { GIT_SSH_COMMAND: "ssh -o BatchMode=yes", ...environmentOf(context), GIT_TERMINAL_PROMPT: "0" };
  const clone = (options: string[]) =>
    runProcess("git", ["clone", "-q", "--bare", "--filter=blob:none", ...options, "--", url, into], { cwd: context.cwd, env });
  const isName = rev !== undefined && !/^[0-9a-f]{7,64}$/.test(rev) && !/[~^@:]/.test(rev);
  const shallow = isName ? clone(["--depth", "1", "--branch", rev]) : null;
  const result = shallow?.code === 0 ? shallow : clone([]);
  const repository = result.code === 0 ? findRepository(contextIn(context, into)) : null;
  if (repository !== null) {
    const isPartial = gitResult(repository, ["config", "remote.origin.promisor"], { allow: [1] }).code === 0;
    return isPartial ? { ...repository, env: { ...env, ...repository.env, GIT_TERMINAL_PROMPT: "0" }, partial: true } : repository;
  }
  throw new ExpverError("E_GIT", shownAddress(`cannot clone ${url}: ${result.stderr.trim()}`), {
    hint: "Check the address, and that `git ls-remote` reaches it without a password.",
    details: { url: shownAddress(url), code: result.code },
  });
}
