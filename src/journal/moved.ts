/** Operations of a repository, or of a worktree of it, that was moved or copied since: their paths as they are now. */
import { realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { type Place, topOf } from "../config/project.ts";
import { readTextIfExists } from "../platform/files.ts";
import type { Effect, Home, Operation } from "./types.ts";

/** To be written down at the start of an operation. */
export function homeOf(project: Place): Home {
  return { worktree: idOf(project), stateDir: project.stateDir };
}

/**
 * The operation as it is here. What lay in its worktree or in our state folder is where those are now; anything else is named in
 * `outside`, for nobody knows whether it came along.
 */
export function relocated(project: Place, operation: Operation): Operation {
  const { home } = operation;
  const top = home === undefined ? null : topNow(project, home);
  if (home === undefined || top === null || (top === operation.worktree && home.stateDir === project.stateDir)) return operation;
  const places: [was: string, is: string][] = [
    [home.stateDir, project.stateDir],
    [operation.worktree, top],
  ];
  const outside = new Set<string>();
  const absolute = (path: string) => {
    const [was, is] = places.find(([one]) => path === one || path.startsWith(one + sep)) ?? [];
    return was === undefined || is === undefined ? null : is + path.slice(was.length);
  };
  const inside = (path: string) => {
    const old = resolve(operation.worktree, path);
    const now = absolute(old);
    if (now === null) outside.add(old);
    return relative(top, now ?? old)
      .split(sep)
      .join("/");
  };
  const kept = (path: string) => absolute(path) ?? path;
  const effects = operation.effects.map((effect) => effectAt(effect, { inside, kept }));
  return { ...operation, worktree: top, effects, moved: { from: operation.worktree, outside: [...outside] } };
}

function effectAt(effect: Effect, { inside, kept }: Record<"inside" | "kept", (path: string) => string>): Effect {
  switch (effect.kind) {
    case "file":
    case "folder":
      return { ...effect, path: inside(effect.path) };
    case "trash":
      return { ...effect, path: inside(effect.path), trash: kept(effect.trash) };
    case "checkout":
      return { ...effect, path: inside(effect.path), shards: kept(effect.shards) };
    case "move":
      return {
        ...effect,
        from: inside(effect.from),
        to: inside(effect.to),
        ...(effect.replaced === undefined ? {} : { replaced: kept(effect.replaced) }),
        ...(effect.removed === undefined ? {} : { removed: { ...effect.removed, shards: kept(effect.removed.shards) } }),
      };
    case "database":
      return { ...effect, before: effect.before === null ? null : kept(effect.before), after: kept(effect.after) };
    case "objects":
      return { ...effect, folder: kept(effect.folder), trash: kept(effect.trash) };
    default:
      return effect;
  }
}

/** Which of the repository's worktrees: Git's own folder for it, seen from the common one. */
function idOf(project: Place): string {
  return project.repository === null ? "." : relative(commonDir(project), realpathSync(project.repository.gitDir)) || ".";
}

/** Null when it cannot be told. */
function topNow(project: Place, { worktree }: Home): string | null {
  if (worktree === idOf(project)) return topOf(project);
  if (worktree === ".") return basename(commonDir(project)) === ".git" ? dirname(commonDir(project)) : null;
  const admin = join(commonDir(project), worktree);
  const link = readTextIfExists(join(admin, "gitdir"))?.trimEnd();
  return link === undefined ? null : dirname(resolve(admin, link));
}

function commonDir({ stateDir }: Place): string {
  return dirname(stateDir);
}
