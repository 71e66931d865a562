/** What every models command begins with: all models, the candidates folder and production, by reading only. */
import { existsSync } from "node:fs";
import { openProject, type Project, requireRepository } from "../../config/project.ts";
import { resultsDatabase } from "../../config/results-place.ts";
import type { Repository } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { type CandidatesFolder, itemsOf, readingCandidates } from "../../models/candidates.ts";
import { knownModels, runOf } from "../../models/known-models.ts";
import { type Production, readingProduction } from "../../models/production.ts";
import type { Candidate, KnownModel } from "../../models/types.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { openCache } from "../../store/objects/cache.ts";
import { listingOrWarning } from "../../store/objects/damaged.ts";
import { readPointersAt } from "../../store/pointers/pointers.ts";
import { knownMetrics, metricsOf } from "../../versions/metrics.ts";
import { readVersions } from "../../versions/registry.ts";
import type { Version } from "../../versions/types.ts";
import { numbersOfRuns } from "../runs/run-views.ts";

export interface Survey {
  project: Project;
  repository: Repository;
  versions: Version[];
  /** Of versions and runs, then candidates that are no copy of one of those. */
  models: KnownModel[];
  /** A program that was started without expver left rows of that id. */
  isTrack(id: string): boolean;
  folder: CandidatesFolder;
  production: Production;
  /** Every run anybody speaks of. */
  runs: ReadonlySet<string>;
  /** Of a run or a track without a run; empty when nothing is known. */
  metricsOf(run: string): Record<string, string>;
}

export async function surveyModels(context: Context): Promise<Survey> {
  const project = openProject(context);
  const repository = requireRepository(project);
  const versions = readVersions(project);
  const facts = (await numbersOfRuns(project)).map(({ run_id: run, start, git_commit: snapshot, metrics }) => ({
    run,
    start,
    snapshot,
    metrics,
  }));
  const known = knownModels(project, versions, facts);
  const runs = new Set([...facts.map(({ run }) => run), ...versions.flatMap(({ message }) => message.runs.map(({ run }) => run))]);
  const tracksOf = await trackReader(project);
  let tracks = new Map<string, Record<string, string>>();
  const owned = (ids: readonly string[]) => {
    tracks = tracksOf(ids.filter((id) => !runs.has(id)));
    return new Set([...ids.filter((id) => runs.has(id)), ...tracks.keys()]);
  };
  const folder = await paceWork(readingCandidates(project, owned), context, { label: "reading candidates" });
  const production = await paceWork(readingProduction(project), context, { label: "reading the production model" });
  const byVersion = metricsByRun(project, versions);
  const byDatabase = new Map(facts.map(({ run, metrics }) => [run, metrics]));
  const numbers = (run: string) => byVersion.get(run) ?? byDatabase.get(run) ?? tracks.get(run) ?? {};
  const copies = new Set(known.map(copyKey));
  const asStored = storedCandidates(project, context, folder.path);
  const others = folder.candidates.map((one) => ({ ...one, commit: null, ...asStored(one) })).filter((one) => !copies.has(copyKey(one)));
  const versionOf = versionsByRun(versions);
  return {
    project,
    repository,
    versions,
    models: [
      ...known,
      ...others.map((candidate) => modelOf(candidate, { version: versionOf.get(candidate.run), metrics: numbers(candidate.run) })),
    ],
    isTrack: (id) => tracksOf([id]).has(id),
    folder,
    production,
    runs,
    metricsOf: numbers,
  };
}

/** Equal where a candidate is a copy of a model: the candidate's own run left exactly these bytes. */
export function copyKey({ run, hash }: Pick<KnownModel, "run" | "hash">): string {
  return `${hash} ${run ?? ""}`;
}

/** The first version that has the run. */
export function versionsByRun(versions: readonly Version[]): Map<string, Version> {
  return new Map(versions.toReversed().flatMap((version) => version.message.runs.map(({ run }) => [run, version] as const)));
}

/**
 * A candidate that was changed since it was stored is no longer what its run left: meant is the one that HEAD names, as far as the cache knows
 * which that is.
 */
function storedCandidates(
  project: Project,
  context: Context,
  folder: string,
): (candidate: Candidate) => Partial<Pick<KnownModel, "hash" | "size" | "commit">> {
  const repository = requireRepository(project);
  const commit = resolveCommit(repository, "HEAD");
  const pointer = commit === null ? undefined : readPointersAt(project, commit).find(({ path }) => path === folder);
  const { hash = null, hashName = "md5" } = pointer ?? {};
  const entries = hash === null ? [] : (listingOrWarning(openCache(project).dir, { hash, hashName }, context) ?? []);
  const stored = itemsOf(entries);
  return (candidate) => {
    const item = stored.get(candidate.path.slice(folder.length + 1));
    return item === undefined || item.hash === candidate.hash ? {} : { hash: item.hash, size: null, commit };
  };
}

function modelOf(
  { run, path, hash, size, commit }: Omit<Candidate, "size"> & Pick<KnownModel, "size" | "commit">,
  { version, metrics }: { version: Version | undefined; metrics: Record<string, string> },
): KnownModel {
  return { version: version?.name ?? null, run, hash, size, path, commit, date: version?.committed ?? "", metrics };
}

/** A version's numbers come from its tag; they are those of its only or best run. */
function metricsByRun(project: Project, versions: readonly Version[]): Map<string, Record<string, string>> {
  const names = knownMetrics(project.config, versions);
  return new Map(
    versions.flatMap((version): [string, Record<string, string>][] => {
      const run = runOf(version);
      return run === null ? [] : [[run, metricsOf(version.message, names)]];
    }),
  );
}

/** SQLite is not loaded where there is no database. */
async function trackReader(project: Project): Promise<(ids: readonly string[]) => Map<string, Record<string, string>>> {
  const path = resultsDatabase(project);
  if (!existsSync(path)) return () => new Map();
  const { readTracks } = await import("./tracks.ts");
  return (ids) => readTracks(path, project.config, ids);
}
