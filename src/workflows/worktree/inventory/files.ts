/** Files of a worktree that are in no commit and in no cache. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isUnder } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { gitPath, gitResult, type Repository } from "../../../git/git.ts";
import { readStatus, unfinished } from "../../../git/status.ts";
import { sameTree } from "../../../platform/tree-digest.ts";
import { counted } from "../../../platform/words.ts";
import { dvcIgnore } from "../../../store/dvcignore.ts";
import { readPointers } from "../../../store/pointers.ts";
import { type OutputStatus, outputStatus } from "../../../store/status.ts";
import { listFacts } from "../../run/run-facts.ts";
import type { WorktreeRecord } from "../records.ts";
import { type Finding, finding, single } from "./finding.ts";

/** `settled`: outputs whose bytes are known to be safe whatever their pointer says. `twin`: top of the worktree that stays. */
export function fileFindings(
  project: Project,
  repository: Repository,
  { made, root }: Pick<WorktreeRecord, "made" | "root">,
  { settled, twin }: { settled: ReadonlySet<string>; twin: string | null },
): Finding[] {
  const outputs = project.dvcRoot === null ? [] : outputStatus(project, readPointers(project));
  const places = outputs.map(({ pointer }) => pointer.path);
  const changed = outputs
    .filter(({ state, worktree, scan }) => worktree === "modified" || (state === "not in cache" && scan !== null))
    .map(({ pointer }) => pointer.path)
    .filter((path) => !settled.has(path));
  const status = readStatus(repository);
  const pathsOf = (isUntracked: boolean) =>
    status
      .filter(({ kind, path }) => (kind === "untracked") === isUntracked && !(isUntracked && recorded.has(path)))
      .map(({ path }) => path);
  const recorded = recordedMetrics(project, root);
  const isOurs = (path: string) =>
    made.includes(path) ||
    recorded.has(path) ||
    /(?:^|\/)\.dvc\/(?:tmp|config\.local)(?:\/|$)/.test(path) ||
    isUnder(path.replace(/\/$/, ""), places);
  const ignored = ignoredFiles(repository, places).filter((path) => !isOurs(path) && !isAlsoIn(twin, root, path));
  const state = unfinished(repository);
  return [
    ...(state === null ? [] : [single("tracked", `a ${state} that is not finished`, `git ${state} --continue or --abort, there`)]),
    ...finding("tracked", pathsOf(false), {
      what: (count) => `${counted(count, "tracked file")} with changes`,
      remedy: "commit them there",
      root,
    }),
    ...finding("untracked", pathsOf(true), {
      what: (count) => counted(count, "untracked file"),
      remedy: "commit or move them",
      root,
    }),
    ...finding("ignored", [...ignored, ...outputs.flatMap((output) => leftOutOf(project, output))], {
      what: (count) => `${counted(count, "ignored file")} that Git would delete silently`,
      remedy: "move what is needed",
      root,
    }),
    ...finding("data", changed, {
      what: (count) => `${counted(count, "output")} with other bytes than the pointer says`,
      remedy: "expver data commit, there",
      root,
    }),
    ...(existsSync(gitPath(repository, "modules"))
      ? [single("commits", "submodules whose repositories go with it", "push what is new in them")]
      : []),
  ];
}

/** Metrics files (`--metrics`) as a finished run read them: their numbers are in its rows. One that was written later is not. */
function recordedMetrics(project: Project, root: string): Set<string> {
  const runs = listFacts(project).filter(({ worktree, status }) => worktree === root && status === "finished");
  const paths = runs.flatMap(({ closing: { metrics }, endedAt }) => {
    if (metrics === null || endedAt === null) return [];
    const stat = statSync(join(root, metrics), { throwIfNoEntry: false });
    return stat?.isFile() && stat.mtimeMs <= Date.parse(endedAt) ? [metrics] : [];
  });
  return new Set(paths);
}

/** An `.env` or an environment that was taken along, as it still is there. */
function isAlsoIn(twin: string | null, root: string, path: string): boolean {
  return twin !== null && twin !== root && sameTree(join(root, path), join(twin, path));
}

/** Files, and folders that are ignored as a whole; one that has an output in it is listed file by file. */
function ignoredFiles(repository: Repository, places: readonly string[]): string[] {
  const list = (...more: string[]) =>
    gitResult(repository, ["--literal-pathspecs", "ls-files", "--others", "--ignored", "--exclude-standard", "-z", ...more])
      .stdout.toString("utf8")
      .split("\0")
      .filter(Boolean);
  return list("--directory").flatMap((path) =>
    path.endsWith("/") && places.some((place) => place.startsWith(path)) ? list("--", path) : [path],
  );
}

/** Files in a tracked folder that `.dvcignore` keeps out of it: neither Git nor the pointer knows them. */
function leftOutOf(project: Project, { pointer, scan }: OutputStatus): string[] {
  if (scan === null || !scan.isFolder || project.repository === null) return [];
  const top = project.repository.root;
  const isIgnored = dvcIgnore(project, join(top, pointer.path));
  const walk = (path: string): string[] =>
    readdirSync(join(top, path), { withFileTypes: true }).flatMap((entry) => {
      const inside = `${path}/${entry.name}`;
      if (isIgnored(join(top, inside), entry.isDirectory())) return [inside];
      return entry.isDirectory() ? walk(inside) : [];
    });
  return walk(pointer.path);
}
