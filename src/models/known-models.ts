/** Every model that versions and runs left behind, by run: one entry a model, never one a row. */

import { modelPlaces } from "../config/model-places.ts";
import { isUnder, isWithin, storedPath } from "../config/paths.ts";
import { type Project, requireRepository } from "../config/project.ts";
import { git } from "../git/git.ts";
import { readPointersOf } from "../store/pointers/pointers.ts";
import type { Pointer } from "../store/types.ts";
import { artifactEntries } from "../versions/artifacts.ts";
import { knownMetrics, metricsOf } from "../versions/metrics.ts";
import type { ArtifactEntry, Version } from "../versions/types.ts";
import type { KnownModel, RunFacts } from "./types.ts";

const KEPT = "refs/expver/runs/";

/** Lowest version first, then runs without a version. */
export function knownModels(project: Project, versions: readonly Version[], runs: readonly RunFacts[]): KnownModel[] {
  const whole = versions.filter(({ commit }) => commit !== "");
  const untold = whole.filter(({ message }) => message.kind === null).map(({ commit }) => commit);
  const pointers = readPointersOf(project, [...new Set(untold)], () => {});
  const names = knownMetrics(project.config, versions);
  const ofVersions = whole.flatMap((version) => {
    const { message, name, commit, committed: date } = version;
    const entries = message.kind === null ? modelPointers(project, pointers.get(commit) ?? []) : message.models;
    const facts = { version: name, run: runOf(version), commit, date, metrics: metricsOf(message, names) };
    // A tag that does not say (of the older skill, or by hand) stands for what lay in production then.
    const hasProduction = message.kind === "run" || message.kind === "sweep" || message.kind === null;
    return ownModels(project, entries, hasProduction).map((entry) => ({ ...facts, ...entry }));
  });
  return [...ofVersions, ...modelsOfRuns(project, runs, new Set(whole.flatMap(({ message }) => message.runs.map(({ run }) => run))))];
}

/** The run a version's model is of: its only one, or the one it says is the best. */
export function runOf({ message }: Pick<Version, "message">): string | null {
  return message.bestRun ?? (message.runs.length === 1 ? (message.runs[0]?.run ?? null) : null);
}

/** Without production and candidates, which are copies; a run that wrote into production itself left its model there, one of a sweep among the candidates. */
function ownModels(project: Project, entries: readonly ArtifactEntry[], hasProduction: boolean): ArtifactEntry[] {
  const { models } = project.config;
  const [production, candidates] = [storedPath(project, models.production), storedPath(project, models.candidates)];
  const own = entries.filter(({ path }) => !isUnder(path, [production, candidates]));
  if (own.length > 0 || !hasProduction) return own;
  const inProduction = entries.filter(({ path }) => isWithin(path, production));
  return inProduction.length > 0 ? inProduction : entries.filter(({ path }) => path !== candidates);
}

/** A run that has no version is kept by a ref: its results commit, or only its snapshot when there were none. */
function modelsOfRuns(project: Project, runs: readonly RunFacts[], inVersions: ReadonlySet<string>): KnownModel[] {
  const repository = requireRepository(project);
  const kept = new Map(
    git(repository, ["for-each-ref", "--format=%(refname) %(objectname)", KEPT])
      .split("\n")
      .flatMap((line): [string, string][] => {
        const [ref = "", object = ""] = line.split(" ");
        return object === "" || inVersions.has(ref.slice(KEPT.length)) ? [] : [[ref.slice(KEPT.length), object]];
      }),
  );
  const own = runs.filter(({ run, snapshot }) => kept.has(run) && kept.get(run) !== snapshot);
  const commits = own.flatMap(({ run, snapshot }) => [kept.get(run) ?? "", ...(snapshot === null ? [] : [snapshot])]);
  const pointers = readPointersOf(project, [...new Set(commits)], () => {});
  return own.flatMap(({ run, snapshot, start, metrics }): KnownModel[] => {
    const commit = kept.get(run) ?? "";
    // What the snapshot had already is not of this run.
    const before = new Map((pointers.get(snapshot ?? "") ?? []).map(({ path, hash }) => [path, hash]));
    const fresh = (pointers.get(commit) ?? []).filter(({ path, hash }) => before.get(path) !== hash);
    const entries = ownModels(project, modelPointers(project, fresh), true);
    return entries.map((entry) => ({ version: null, run, commit, date: start, metrics, ...entry }));
  });
}

function modelPointers(project: Project, pointers: readonly Pointer[]): ArtifactEntry[] {
  const places = modelPlaces(project);
  return artifactEntries(pointers.filter(({ path }) => isUnder(path, places)));
}

/** What people call it. */
export function nameOfModel({ version, run, path }: KnownModel): string {
  return version ?? run ?? path;
}
