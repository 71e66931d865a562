/** Runs that come from another repository, and say of themselves they are a version that is another one here. */
import type { Project } from "../../config/project.ts";
import type { MergeSource, SourceReport } from "../../merge/results/types.ts";
import type { Context } from "../../platform/context.ts";
import { counted } from "../../platform/words.ts";
import { openResults } from "../../results/database.ts";
import { readRuns } from "../../results/runs.ts";
import { RUNS_TABLE } from "../../results/schema.ts";
import { readVersions } from "../../versions/registry.ts";

/** A tag that names no runs, made by hand, says nothing of whose it is. */
export function othersAmong<Run extends { run_id: string; version: string | null }>(project: Project, runs: readonly Run[]): Run[] {
  const versions = new Map(readVersions(project).map(({ name, message }) => [name, message.runs]));
  return runs.filter(({ run_id, version }) => {
    const named = versions.get(version ?? "") ?? [];
    return named.length > 0 && !named.some(({ run }) => run === run_id);
  });
}

export function warnOfOtherVersions(
  { report }: Context,
  project: Project | null,
  { sources, reports }: { sources: readonly Pick<MergeSource, "path" | "name" | "stored">[]; reports: readonly SourceReport[] },
): void {
  if (project?.repository == null) return;
  const bringsRuns = ({ tables }: SourceReport) => tables.some(({ table, inserted }) => table === RUNS_TABLE && inserted > 0);
  const bringing = sources.filter(({ name }) => reports.some((one) => one.source === name && bringsRuns(one)));
  if (bringing.length === 0) return;
  for (const { path, name, stored } of bringing) {
    const db = openResults(path, stored === true ? { immutable: true } : { readonly: true });
    try {
      const others = othersAmong(project, readRuns(db));
      if (others.length === 0) continue;
      const names = [...new Set(others.map(({ version }) => version))].sort();
      report({
        kind: "warning",
        text: `${counted(others.length, "run")} of ${name} ${others.length === 1 ? "says" : "say"} ${names.join(", ")}, which is another version here`,
        hint: "The tags here count: list, show and diff leave those runs out. Their rows are told apart by run and git_commit, not by version.",
      });
    } finally {
      db.close();
    }
  }
}
