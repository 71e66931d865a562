/** The model in production: what its pointer says, what lies there. */
import { absolutePath, storedPath } from "../config/paths.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { resolveCommit } from "../git/refs.ts";
import type { Work } from "../platform/pace.ts";
import { pointerBeside, readPointersAt } from "../store/pointers/pointers.ts";
import { scanOutput } from "../store/worktree/scan.ts";
import { isHere } from "../store/worktree/status.ts";

/**
 * `none`: nothing lies there and nothing is recorded. `untracked`: something lies there that no pointer speaks of. `missing`: its
 * bytes are not in the worktree. `changed`: what lies there is not what was promoted. `uncommitted`: HEAD has another pointer.
 */
type ProductionState = "none" | "right" | "untracked" | "missing" | "changed" | "uncommitted";

export interface Production {
  /** From the top, with `/`. */
  path: string;
  state: ProductionState;
  /** By the pointer. */
  recorded: { hash: string; size: number | null } | null;
  /** What lies there. */
  there: { hash: string; size: number } | null;
}

export function* readingProduction(project: Project): Work<Production> {
  const path = storedPath(project, project.config.models.production);
  const pointer = pointerBeside(project, path);
  const recorded = pointer?.hash ? { hash: pointer.hash, size: pointer.size ?? null } : null;
  const absolute = absolutePath(project, path);
  const there = isHere(absolute) ? (yield* scanOutput(project, absolute, { hashName: pointer?.hashName ?? "md5" })).content : null;
  const head = resolveCommit(requireRepository(project), "HEAD");
  const committed = (head === null ? [] : readPointersAt(project, head)).find((one) => one.path === path)?.hash ?? null;
  return { path, state: stateOf(recorded?.hash, there?.hash, committed), recorded, there };
}

function stateOf(recorded: string | undefined, there: string | undefined, committed: string | null): ProductionState {
  if (recorded === undefined) return there === undefined ? "none" : "untracked";
  if (there === undefined) return "missing";
  if (there !== recorded) return "changed";
  return committed === recorded ? "right" : "uncommitted";
}
