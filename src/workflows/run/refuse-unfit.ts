/** What would stop a run after hours is found before it begins. */
import { ExpverError } from "../../errors.ts";
import type { Repository } from "../../git/git.ts";
import { committer } from "../../git/identity.ts";
import { readIndexEntries, requireIndexFree } from "../../git/index-file.ts";
import { unfinished } from "../../git/status.ts";
import type { Places } from "./places.ts";
import type { RunRequest } from "./request.ts";
import { quoted } from "./snapshot-selection.ts";

export function refuseUnfit(repository: Repository, { commit }: Pick<RunRequest, "commit">): void {
  if (repository.bare)
    throw new ExpverError("E_GIT", `${repository.root} is a bare repository: nothing can run in it`, { hint: "Run in a clone of it." });
  const state = unfinished(repository);
  if (state !== null) {
    throw new ExpverError("E_GIT_STATE", `a ${state} is not finished here; a run would commit into the middle of it`, {
      hint: `git ${state} --continue, or git ${state} --abort; then repeat.`,
      details: { state },
    });
  }
  committer(repository);
  // Left over by a git that died, it would stop us when the results are to be committed.
  if (commit) requireIndexFree(repository);
}

/** Its versions are objects of the store; what Git tracks itself no pointer may name. */
export function refuseGitsDatabase(repository: Repository, { database }: Pick<Places, "database">): void {
  if (readIndexEntries(repository, [database]).size === 0) return;
  throw new ExpverError("E_DATA", `${database} is tracked by Git: every version would put all of it into the history`, {
    hint: `Take it out of Git, where the file stays: git rm --cached -- ${quoted(database)} && git commit -m "results are versioned by expver"`,
    details: { path: database },
  });
}
