/** Values a shell may complete: quick, silent, and never a failure, because a person is waiting at the key. */
import { openProject, type Project } from "../config/project.ts";
import { git } from "../git/git.ts";
import type { Context } from "../platform/context.ts";

export type ValueKind = "version" | "run" | "metric";
type Value = [value: string, help: string];

/** Newest first. */
export async function completionValues(context: Context, kind: ValueKind): Promise<Value[]> {
  try {
    const project = openProject(context);
    if (kind === "version") return versions(project);
    return kind === "run" ? await runs(project) : Object.entries(project.config.metrics);
  } catch {
    return [];
  }
}

function versions({ repository, config }: Project): Value[] {
  if (repository === null) return [];
  const { prefix } = config.versions;
  const format = ["for-each-ref", "--sort=-creatordate", "--format=%(refname:strip=2)%09%(contents:subject)", "refs/tags/"];
  return git(repository, format)
    .split("\n")
    .filter((line) => line.startsWith(prefix) && /^\d+\.\d+\.\d+\t/.test(line.slice(prefix.length)))
    .map((line) => [line.slice(0, line.indexOf("\t")), line.slice(line.indexOf("\t") + 1)]);
}

async function runs(project: Project): Promise<Value[]> {
  const { existsSync } = await import("node:fs");
  const { absolutePath, storedPath } = await import("../config/paths.ts");
  const path = absolutePath(project, storedPath(project, project.config.results.database));
  if (!existsSync(path)) return [];
  const { openResults } = await import("../results/database.ts");
  const { readRuns } = await import("../results/runs.ts");
  const db = openResults(path, { readonly: true });
  try {
    return readRuns(db)
      .reverse()
      .map(({ run_id, status, version, message }) => [run_id, [status, version, message].filter(Boolean).join(" · ")]);
  } finally {
    db.close();
  }
}
