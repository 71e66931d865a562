/** One repository for real dvc and one for expver, in which the same things are done, and what must then be the same. */
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { startDvc } from "./dvc-server.ts";
import { peer } from "./peers.ts";
import { type CommandResult, makeRepository, type TestRepository } from "./repository.ts";

/** Real dvc, or null when it is not installed. */
export const DVC = peer("dvc");
const server = DVC === null ? null : startDvc();

export interface Twins {
  theirs: TestRepository;
  ours: TestRepository;
  /** Does the same to the files of both. */
  each(change: (repository: TestRepository) => unknown): void;
  /** Runs `dvc ARGS` here and `expver data ARGS` there: both must end with the same code. Answers both results. */
  run(args: string[], cwd?: string): { theirs: CommandResult; ours: CommandResult };
  /** The same, and stdout must be the same. */
  same(args: string[], cwd?: string): void;
  /** The same, and stdout must be the same JSON; dvc's lists have no order. */
  sameJson(args: string[], cwd?: string): void;
  /** Pointers, ignore files, data, cache and what Git sees must be the same. */
  agree(): void;
}

export function makeTwins(env: Record<string, string> = {}): Twins {
  const [theirs, ours] = [makeRepository({ env }), makeRepository({ env })];
  const twins: Twins = {
    theirs,
    ours,
    each: (change) => [theirs, ours].forEach(change),
    run(args, cwd) {
      const results = { theirs: runDvc(theirs, args, cwd), ours: runExpver(ours, args, cwd) };
      expect(results.ours.code, `${args.join(" ")}\ndvc: ${results.theirs.stderr}\nexpver: ${results.ours.stderr}`).toBe(
        results.theirs.code,
      );
      return results;
    },
    same(args, cwd) {
      const results = twins.run(args, cwd);
      expect(results.ours.stdout, args.join(" ")).toBe(results.theirs.stdout);
    },
    sameJson(args, cwd) {
      const results = twins.run(args, cwd);
      expect(ordered(results.ours.stdout), args.join(" ")).toEqual(ordered(results.theirs.stdout));
    },
    agree: () => expect(snapshot(ours)).toEqual(snapshot(theirs)),
  };
  twins.run(["init", "-q"]);
  twins.each((repository) => repository.commit("set up"));
  return twins;
}

/** In a child of one process for the whole test file: starting dvc anew costs half a second each time. */
export function runDvc({ root, context }: TestRepository, argv: string[], cwd = "."): CommandResult {
  if (server === null) throw new Error("dvc is not installed");
  // The state of files is kept for the machine; each repository gets its own, so that nothing outlives the test.
  const env = { ...context.env, DVC_NO_ANALYTICS: "1", DVC_SITE_CACHE_DIR: join(root, "../site") };
  const set = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return server({ argv, cwd: join(root, cwd), env: Object.fromEntries(set) });
}

export function runExpver(repository: TestRepository, args: string[], cwd?: string): CommandResult {
  return repository.expver(["data", ...args], cwd === undefined ? {} : { cwd });
}

/** Every file of the worktree by its text, the names of the cache's objects, and Git's view. */
export function snapshot(repository: TestRepository): Record<string, unknown> {
  return {
    files: textsBelow(repository.root, (path) => !/^\.git(\/|$)|^\.dvc\/(tmp|cache|config\.local)(\/|$)/.test(path)),
    cache: objectsBelow(join(repository.root, ".dvc/cache/files")),
    store: objectsBelow(join(repository.root, "../store")),
    git: repository.git("status", "--porcelain", "-uall"),
  };
}

/** Objects of a cache or folder remote. */
export function objectsBelow(folder: string): string[] {
  return [...Object.keys(textsBelow(folder, () => true))];
}

/** JSON with every list sorted; null for no output. */
export function ordered(text: string): unknown {
  const sort = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sort).sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sort(item)]));
  };
  return text.trim() === "" ? null : sort(JSON.parse(text));
}

function textsBelow(root: string, keep: (path: string) => boolean, folder = ""): Record<string, string> {
  const found: Record<string, string> = {};
  if (!existsSync(join(root, folder))) return found;
  for (const name of readdirSync(join(root, folder)).sort()) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (!keep(path)) continue;
    if (lstatSync(join(root, path)).isDirectory()) Object.assign(found, textsBelow(root, keep, path));
    // A link into the cache whose object is gone.
    else found[path] = existsSync(join(root, path)) ? readFileSync(join(root, path), "latin1") : "broken link";
  }
  return found;
}
