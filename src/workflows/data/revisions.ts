/** `-a`, `-T`, `-A`: pointers of other commits beside the worktree's. */
import type { Project } from "../../config/project.ts";
import { git } from "../../git/git.ts";
import { readPointersOf } from "../../store/pointers/pointers.ts";
import type { Pointer } from "../../store/types.ts";
import type { Input } from "../contract.ts";

// To ask Git for each takes ten times as long; all pointers of more are much to hold.
const AT_ONCE = 100;

/** Each path with each hash once. */
export function pointersOfRevisions(
  project: Project,
  input: Input,
  wantedAt: (rev: string) => (pointer: Pointer) => boolean = () => () => true,
): Pointer[] {
  const found = new Map<string, Pointer>();
  const revs = revisionsOf(project, input);
  for (let from = 0; from < revs.length; from += AT_ONCE) {
    for (const [rev, pointers] of readPointersOf(project, revs.slice(from, from + AT_ONCE)))
      for (const pointer of pointers.filter(wantedAt(rev))) found.set(`${pointer.path}\0${pointer.hash}\0${pointer.hashName}`, pointer);
  }
  return [...found.values()];
}

function revisionsOf(project: Project, { allBranches, allTags, allCommits }: Input): string[] {
  const { repository } = project;
  if (repository === null) return [];
  if (allCommits === true) return git(repository, ["rev-list", "--all"]).split("\n").filter(Boolean);
  const places = [...(allBranches === true ? ["refs/heads"] : []), ...(allTags === true ? ["refs/tags"] : [])];
  if (places.length === 0) return [];
  const lines = git(repository, ["for-each-ref", "--format=%(objecttype) %(*objecttype) %(refname)", ...places]).split("\n");
  return lines.flatMap((line) => {
    const [type, peeled, ref] = line.split(" ");
    return ref !== undefined && (type === "commit" || peeled === "commit") ? [ref] : [];
  });
}
