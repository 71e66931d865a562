/** The experiment's code, merged without touching anything: a tree, or the paths somebody has to decide about. */

import { foldersOf } from "../../../config/paths.ts";
import { ExpverError } from "../../../errors.ts";
import { git, gitResult } from "../../../git/git.ts";
import { writeTreeWith } from "../../../git/index-file.ts";
import { mergeTrees } from "../../../git/merge-trees.ts";
import { hashBlob } from "../../../git/objects.ts";
import { readStatus } from "../../../git/status.ts";
import { catFiles, readTree, type TreeEntry } from "../../../git/tree.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { isIgnoreFile } from "../../../store/settings/gitignore.ts";
import type { Scene } from "./scene.ts";

export interface CodeMerge {
  /** Pointers of data, models and results in it are main's: what becomes of those is decided apart. */
  tree: string;
  /** Paths that get other bytes, and those that go. */
  writes: string[];
  removes: string[];
}

/** Throws E_CONFLICT, E_UNSAVED; nothing was changed then, and the finish goes on once it is settled in the experiment's worktree. */
export function mergeCode({ main, record, head, tip }: Scene): CodeMerge {
  const { repository } = main;
  const { tree, conflicts } = mergeTrees(repository, head, tip);
  const open = [...new Set(conflicts)].filter((path) => !isPointerFile(path) && !isIgnoreFile(path));
  if (open.length > 0) {
    throw new ExpverError(
      "E_CONFLICT",
      `the code of ${record.branch} and of main differ in the same places: ${open.slice(0, 10).join(", ")}`,
      {
        hint: `Settle it there, where nothing of main is touched: cd ${shellWord(record.root)} && git merge ${head.slice(0, 12)}, resolve, git commit; then repeat this command.`,
        details: { paths: open, worktree: record.root },
      },
    );
  }
  const merged = settle(main, { tree, head, tip, ignores: conflicts.filter(isIgnoreFile) });
  const [was, is] = [entriesOf(readTree(repository, head)), entriesOf(readTree(repository, merged))];
  const writes = [...is.values()].filter(({ path, object, mode }) => was.get(path)?.object !== object || was.get(path)?.mode !== mode);
  const code = {
    tree: merged,
    writes: writes.filter(({ type }) => type === "blob").map(({ path }) => path),
    removes: [...was.keys()].filter((path) => !is.has(path)),
  };
  refuseChanged(main, [...code.writes, ...code.removes]);
  return code;
}

/** Main's pointers, and every line of ignore files that both have touched. */
function settle(
  { repository }: Scene["main"],
  { tree, head, tip, ignores }: { tree: string; head: string; tip: string; ignores: readonly string[] },
): string {
  const [ours, theirs, merged] = [head, tip, tree].map((one) => entriesOf(readTree(repository, one))) as [Entries, Entries, Entries];
  const pointers = [...new Set([...ours.keys(), ...merged.keys()])].filter(isPointerFile);
  const edits = pointers
    .filter((path) => ours.get(path)?.object !== merged.get(path)?.object)
    .map((path) => ({ path, mode: ours.get(path)?.mode ?? "", object: ours.get(path)?.object ?? null }));
  const texts = catFiles(
    repository,
    ignores.flatMap((path) => [ours.get(path)?.object ?? [], theirs.get(path)?.object ?? []].flat()),
  );
  // One character a byte: people's files may be no UTF-8.
  const linesOf = (entries: Entries, path: string) =>
    texts
      .get(entries.get(path)?.object ?? "")
      ?.toString("latin1")
      .split("\n") ?? [];
  const united = [...new Set(ignores)].map((path) => {
    const lines = new Set([...linesOf(ours, path), ...linesOf(theirs, path)].filter(Boolean));
    return { path, mode: "100644", object: hashBlob(repository, Buffer.from(`${[...lines].join("\n")}\n`, "latin1")) };
  });
  return writeTreeWith(repository, tree, [...edits, ...united]);
}

type Entries = Map<string, TreeEntry>;

function entriesOf(entries: readonly TreeEntry[]): Entries {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

/** Throws E_UNSAVED. */
function refuseChanged({ repository }: Scene["main"], paths: readonly string[]): void {
  const wanted = new Set(paths);
  const around = new Set(paths.flatMap(foldersOf));
  // Also a file where a folder belongs, and what is in a folder where a file belongs.
  const isWanted = (path: string) => around.has(path) || foldersOf(path).some((one) => wanted.has(one));
  const tracked = new Set(git(repository, ["ls-files", "-z"]).split("\0"));
  const changed = readStatus(repository)
    .map(({ path }) => path)
    .filter(isWanted);
  const inTheWay = gitResult(repository, ["ls-files", "--others", "--ignored", "--exclude-standard", "-z"])
    .stdout.toString("utf8")
    .split("\0")
    .filter((path) => isWanted(path) && !tracked.has(path));
  const all = [...new Set([...changed, ...inTheWay])];
  if (all.length === 0) return;
  throw new ExpverError("E_UNSAVED", `the merge would change what is not committed here: ${all.slice(0, 10).join(", ")}`, {
    hint: "Commit it first, or finish without the code: --code none.",
    details: { paths: all },
  });
}

function isPointerFile(path: string): boolean {
  return path.endsWith(".dvc") || path === "dvc.lock" || path.endsWith("/dvc.lock");
}
