/** The run whose numbers a worktree has as it stands. */
import { existsSync } from "node:fs";
import { type Project, requireRepository } from "../../config/project.ts";
import { gitResult, type Repository } from "../../git/git.ts";
import type { Database } from "../../platform/sqlite.ts";
import { openResults } from "../../results/database.ts";
import { packagesOf } from "../../results/packages.ts";
import { readRun, readRunStarts } from "../../results/runs.ts";
import type { RunRecord } from "../../results/types.ts";
import type { Version } from "../../versions/types.ts";
import { placesOf } from "../run/places.ts";
import type { ShownArtifact } from "../show/artifacts.ts";

export interface StandingRun {
  run: RunRecord;
  /** What it found installed; null: not recorded. */
  packages: Record<string, string> | null;
  /** When it is the best of a sweep: that sweep's version. */
  sweep: Version | null;
}

interface Standing {
  versions: readonly Version[];
  /** What lies in the worktree. */
  artifacts: readonly ArtifactEntry[];
}

type ArtifactEntry = Pick<ShownArtifact, "path" | "hash">;

/**
 * The latest run that did well among those HEAD comes from, for the database may have those of other branches; of a sweep the best, whose
 * model lies here. When there is none, the latest. Null: no run at all.
 */
export function standingRun(project: Project, { versions, artifacts }: Standing): StandingRun | null {
  const { databaseFile } = placesOf(project, null);
  if (!existsSync(databaseFile)) return null;
  const leadsHere = leadingToHead(requireRepository(project));
  const db = openResults(databaseFile, { readonly: true });
  try {
    let latest: RunRecord | null = null;
    for (const { run_id: id } of readRunStarts(db).slice(0, MOST)) {
      const run = readRun(db, id);
      latest ??= run;
      if (run?.status !== "finished" || (run.git_commit !== null && !leadsHere(run.git_commit))) continue;
      const version = versions.find(({ name }) => name === run.version) ?? null;
      // Another branch may have begun at the commit this one is at: then that run's code is here, and its results are not.
      if (version !== null && !leadsHere(version.commit) && !mayLieHere(artifacts, version)) continue;
      const sweep = version !== null && version.message.bestRun !== null ? version : null;
      return standing(db, (sweep && readRun(db, sweep.message.bestRun ?? "")) ?? run, sweep);
    }
    return latest && standing(db, latest, null);
  } finally {
    db.close();
  }
}

function standing(db: Database, run: RunRecord, sweep: Version | null): StandingRun {
  return { run, packages: packagesOf(db, run), sweep };
}

/** As after a run during which somebody committed, or with `--no-commit`: its results commit is on no branch, what it made lies here. */
function mayLieHere(artifacts: readonly ArtifactEntry[], { onBranch, message: { models } }: Version): boolean {
  const here = new Map(artifacts.map(({ path, hash }) => [path, hash]));
  return models.length === 0 ? !onBranch : models.every(({ path, hash }) => here.get(path) === hash);
}

/** So many are looked at. */
const MOST = 200;

function leadingToHead(repository: Repository): (commit: string) => boolean {
  const known = new Map<string, boolean>();
  return (commit) => {
    const isKnown = known.get(commit);
    if (isKnown !== undefined) return isKnown;
    const leads = gitResult(repository, ["merge-base", "--is-ancestor", commit, "HEAD"], { allow: [1, 128] }).code === 0;
    known.set(commit, leads);
    return leads;
  };
}
