/** Values a shell may complete: quick, silent, and never a failure, because a person is waiting at the key. */
import { openProject, type Project } from "../config/project.ts";
import { git } from "../git/git.ts";
import type { Context } from "../platform/context.ts";
import type { KnownValues } from "./contract.ts";

type Value = [value: string, help: string];

/** The latest first. */
export async function completionValues(context: Context, kind: KnownValues): Promise<Value[]> {
  try {
    return await VALUES[kind](openProject(context));
  } catch {
    return [];
  }
}

const VALUES: Record<KnownValues, (project: Project) => Value[] | Promise<Value[]>> = {
  version: versions,
  run: runs,
  sweep: sweeps,
  metric: metrics,
  operation: operations,
  remote: remotes,
  worktree: worktrees,
};

function versions({ repository, config }: Project): Value[] {
  if (repository === null) return [];
  const { prefix } = config.versions;
  const format = [
    "for-each-ref",
    "--sort=-version:refname",
    "--sort=-creatordate",
    "--format=%(refname:strip=2)%09%(contents:subject)",
    "refs/tags/",
  ];
  return git(repository, format)
    .split("\n")
    .filter((line) => line.startsWith(prefix) && /^\d+\.\d+\.\d+\t/.test(line.slice(prefix.length)))
    .map((line) => [line.slice(0, line.indexOf("\t")), line.slice(line.indexOf("\t") + 1)]);
}

async function runs(project: Project): Promise<Value[]> {
  const { pageOfRuns } = await import("./runs/run-views.ts");
  // The latest: thousands are no help to anybody.
  const { runs: latest } = await pageOfRuns(project, { offset: 0, limit: 200 });
  return latest.map(({ run_id: id, status, version, message }) => [id, [status, version, message].filter(Boolean).join(" · ")]);
}

async function sweeps(project: Project): Promise<Value[]> {
  const { listSweeps } = await import("./sweep/sweep-journal.ts");
  const { countText } = await import("./sweep/state.ts");
  return listSweeps(project).map((sweep) => [sweep.id, [countText(sweep), sweep.request.message].filter(Boolean).join(" · ")]);
}

/** What `list` can rank by. */
async function metrics(project: Project): Promise<Value[]> {
  const { directionOf, knownMetrics } = await import("../versions/metrics.ts");
  const { readVersions } = await import("../versions/registry.ts");
  const all = project.repository === null ? [] : readVersions(project);
  const best = (name: string) => (directionOf(name, project.config, all).direction === "max" ? "highest first" : "lowest first");
  return [
    ...[...knownMetrics(project.config, all)].map((name): Value => [name, best(name)]),
    ["version", "highest first"],
    ["date", "newest first"],
  ];
}

async function operations(project: Project): Promise<Value[]> {
  const { newestOperations } = await import("../journal/operations.ts");
  return Array.from(newestOperations(project), ({ id, command, summary }) => [id, `${command}: ${summary}`]);
}

async function remotes(project: Project): Promise<Value[]> {
  const { readDvcConfig } = await import("../store/settings/dvc-config.ts");
  return [...readDvcConfig(project).remotes].map(([name, { url }]) => [name, url]);
}

async function worktrees(project: Project): Promise<Value[]> {
  const { recordsOf } = await import("./worktree/records.ts");
  return recordsOf(project, "experiment").map(({ name, root }) => [name, root]);
}
