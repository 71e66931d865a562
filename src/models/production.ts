/** The model in production: what its pointer says, what lies there. */
import { basename, dirname, extname } from "node:path/posix";
import { isInProduction } from "../config/model-places.ts";
import { absolutePath, isWithin, storedPath } from "../config/paths.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { gitResult } from "../git/git.ts";
import { resolveCommit } from "../git/refs.ts";
import type { Work } from "../platform/pace.ts";
import { pointerBeside, readPointers, readPointersAt } from "../store/pointers/pointers.ts";
import { scanOutput } from "../store/worktree/scan.ts";
import { isHere } from "../store/worktree/status.ts";
import type { KnownModel } from "./types.ts";

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
  const usual = storedPath(project, project.config.models.production);
  const path =
    project.config.models.namesProduction || isHere(absolutePath(project, usual)) ? usual : (lastPlace(project, dirname(usual)) ?? usual);
  const pointer = pointerBeside(project, path);
  const recorded = pointer?.hash ? { hash: pointer.hash, size: pointer.size ?? null } : null;
  const absolute = absolutePath(project, path);
  const there = isHere(absolute) ? (yield* scanOutput(project, absolute, { hashName: pointer?.hashName ?? "md5" })).content : null;
  const head = resolveCommit(requireRepository(project), "HEAD");
  const committed = (head === null ? [] : readPointersAt(project, head)).find((one) => one.path === path)?.hash ?? null;
  return { path, state: stateOf(recorded?.hash, there?.hash, committed), recorded, there };
}

/** What was in production before it was taken out was called so. Null: nothing was. */
function lastPlace(project: Project, folder: string): string | null {
  const repository = requireRepository(project);
  const args = ["log", "--first-parent", "--no-show-signature", "--name-only", "-z", "--format=", "HEAD", "--", `:(top,literal)${folder}`];
  const { code, stdout } = gitResult(repository, args, { allow: [128] });
  const pointer = stdout
    .toString("utf8")
    .split("\0")
    .find((file) => dirname(file) === folder && /^[^.].*\.dvc$/.test(basename(file)));
  return code !== 0 || pointer === undefined ? null : pointer.slice(0, -".dvc".length);
}

/**
 * Where a model goes: where the one in production lies, or as `expver.yaml` says. The first one, where nobody says anything, keeps its name if what
 * its extension says would be lost, or if its program calls it so in production itself.
 */
export function placeInProduction(
  project: Project,
  { path, state }: Production,
  { run, path: from }: Pick<KnownModel, "run" | "path">,
): string {
  if (state !== "none" || project.config.models.namesProduction || path !== storedPath(project, project.config.models.production))
    return path;
  const folder = dirname(path);
  if (isWithin(folder, from)) return path;
  const item = basename(from);
  const own = isInProduction(project, from) ? from : `${folder}/${item.startsWith(`${run}_`) ? item.slice(`${run}_`.length) : item}`;
  if (own !== from && extname(own) === extname(path)) return path;
  const isFree = !isHere(absolutePath(project, own)) && !readPointers(project).some((one) => dirname(one.path) === folder);
  return isFree ? own : path;
}

function stateOf(recorded: string | undefined, there: string | undefined, committed: string | null): ProductionState {
  if (recorded === undefined) return there === undefined ? "none" : "untracked";
  if (there === undefined) return "missing";
  if (there !== recorded) return "changed";
  return committed === recorded ? "right" : "uncommitted";
}
