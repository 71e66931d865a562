/** What differs from HEAD, as the snapshot sees it. */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { ExpverError } from "../../../errors.ts";
import { gitResult, type Repository } from "../../../git/git.ts";
import { readIndexEntries } from "../../../git/index-file.ts";
import { overlookedChanges } from "../../../git/overlooked.ts";
import { readStatus, type StatusEntry } from "../../../git/status.ts";
import { isTemporaryName, lstatIfThere } from "../../../platform/files.ts";
import { type Change, LARGE_BYTES } from "./snapshot-selection.ts";

/** Throws E_GIT_STATE when files are in conflict. */
export function readChanges(repository: Repository): Change[] {
  const entries = entriesOf(repository);
  const conflicts = entries.filter(({ kind }) => kind === "conflict").map(({ path }) => path);
  if (conflicts.length > 0) {
    throw new ExpverError("E_GIT_STATE", `these files are in conflict: ${conflicts.slice(0, 5).join(", ")}`, {
      hint: "Resolve them (`git status` says how) and repeat.",
      details: { conflicts },
    });
  }
  const changes = entries.map((entry) => changeOf(repository, entry));
  return [...markLfs(repository, changes), ...overlooked(repository)];
}

/** Git's status does not name them, but the program finds them as they are. */
function overlooked(repository: Repository): Change[] {
  return overlookedChanges(repository).map((path) => {
    const { size: bytes } = lstatSync(join(repository.root, path));
    return { path, tracked: true, deleted: false, bytes, overlooked: true };
  });
}

/** Asked only of large files that were staged. */
function markLfs(repository: Repository, changes: Change[]): Change[] {
  const large = changes.filter(({ staged, bytes }) => staged && bytes >= LARGE_BYTES).map(({ path }) => path);
  if (large.length === 0) return changes;
  const answer = gitResult(repository, ["check-attr", "-z", "--stdin", "filter"], { input: large.map((path) => `${path}\0`).join("") });
  const fields = answer.stdout.toString("utf8").split("\0");
  const inLfs = new Set(large.filter((_, index) => fields[3 * index + 2] === "lfs"));
  return changes.map((change) => (inLfs.has(change.path) ? { ...change, lfs: true as const } : change));
}

/** Files that are new or changed; conflicts and submodules are none of these. */
export function readFileChanges(repository: Repository): Change[] {
  return entriesOf(repository)
    .filter(({ kind, illegible }) => (kind === "untracked" || kind === "tracked") && !illegible)
    .map((entry) => changeOf(repository, entry))
    .filter(({ deleted }) => !deleted);
}

/** Without what a killed command was writing. */
function entriesOf(repository: Repository): StatusEntry[] {
  return readStatus(repository).filter(({ path, kind }) => kind !== "untracked" || !path.split("/").some(isTemporaryName));
}

function changeOf(repository: Repository, { path, kind, index, illegible }: StatusEntry): Change {
  if (illegible) return { path, tracked: kind !== "untracked", deleted: false, bytes: 0, illegible };
  const stat = lstatIfThere(join(repository.root, path));
  const change: Change = {
    path,
    tracked: kind !== "untracked",
    deleted: stat === undefined,
    bytes: stat?.isFile() ? stat.size : 0,
    ...(index === "A" ? { staged: true } : {}),
  };
  if (kind === "submodule") return { ...change, repository: hasMoved(repository, path) ? "moved" : "dirty" };
  if (path.endsWith("/")) return { ...change, path: path.slice(0, -1), repository: "foreign" };
  return change;
}

/** A submodule on another commit than the index says; else something in it is not committed there. */
function hasMoved(repository: Repository, path: string): boolean {
  const recorded = readIndexEntries(repository, [path]).get(path)?.object;
  const answer = gitResult(
    { ...repository, root: join(repository.root, path), env: { ...repository.env, GIT_DIR: undefined, GIT_WORK_TREE: undefined } },
    ["rev-parse", "HEAD"],
    { allow: [128] },
  );
  return answer.stdout.toString("utf8").trim() !== recorded;
}
