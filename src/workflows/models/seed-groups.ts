/** Runs that differ in their seed alone: the same parameters but that, the same data, the same code. */
import { createHash } from "node:crypto";
import { storedPath } from "../../config/paths.ts";
import { commitsHere } from "../../git/history.ts";
import { readTrees } from "../../git/tree.ts";
import type { Context } from "../../platform/context.ts";
import { isPointerFile } from "../../store/pointers/pointers.ts";
import { canonicalParameter } from "../../versions/exact-numbers.ts";
import { knownMetrics } from "../../versions/metrics.ts";
import { seedName } from "../../versions/seed-name.ts";
import { groupNames } from "../list/groups.ts";
import { listedOf } from "../list/listed.ts";
import { onePerRun, unitsOf } from "../list/units.ts";
import { listRuns } from "../runs/run-views.ts";
import type { Survey } from "./survey.ts";

/** A finished run, or a version that says of none. */
export interface SeededRun {
  version: string | null;
  run: string | null;
  seed: string | null;
  params: Readonly<Record<string, string>>;
  metrics: Readonly<Record<string, string>>;
  data: string | null;
  /** Commits the code was taken from and the results are in; null when that is not recorded. */
  code: string | null;
  results: string | null;
}

export interface SeedGroup {
  runs: SeededRun[];
  /** Runs with the same parameters and data whose code is other, or is not known here. */
  otherCode: number;
}

export interface SeededRuns {
  all: SeededRun[];
  /** Parameters that runs of a group have alike; `data` stands for the inputs. */
  names: string[];
}

/** `groupBy`: as `list --group-by` takes it; by default all but the seed. Throws E_NOT_FOUND for a name nobody has. */
export async function readSeededRuns(context: Context, { project, versions }: Survey, groupBy: string | undefined): Promise<SeededRuns> {
  const facts = { known: knownMetrics(project.config, versions), hasRemote: false, lacking: () => [] };
  const listed = versions.filter(({ commit }) => commit !== "").map((version) => listedOf(version, facts));
  const byName = new Map(versions.map((version) => [version.name, version]));
  const { units } = unitsOf(project, context, { listed, versions });
  const ofVersions = onePerRun(units).map(({ version, run, params, metrics, data }) => {
    const { message, commit } = byName.get(version) ?? {};
    return { version, run, params, metrics, data, code: message?.code ?? null, results: commit ?? null };
  });
  const inVersions = new Set(ofVersions.map(({ run }) => run));
  const views = (await listRuns(project)).filter(({ run_id: run, status }) => status === "finished" && !inVersions.has(run));
  const others = views.map(({ run_id: run, params, metrics, dvc_hash: data, git_commit: code, dirty }) => {
    return { version: null, run, params, metrics, data, code: dirty ? null : code, results: null };
  });
  const all = [...ofVersions, ...others];
  const names = new Set(all.flatMap(({ params }) => Object.keys(params)));
  const seed = seedName(names);
  return {
    all: all.map((one) => ({ ...one, seed: one.params[seedName(Object.keys(one.params)) ?? ""] ?? null })),
    names: groupNames(groupBy ?? (seed === undefined ? "all" : `all but ${seed}`), [...names]),
  };
}

export function groupOf(survey: Survey, { all, names }: SeededRuns, one: SeededRun): SeedGroup {
  const key = keyOf(one, names);
  const alike = all.filter((other) => keyOf(other, names) === key);
  const codes = codesOf(survey, alike);
  const own = codes.get(one);
  const runs = alike.filter((other) => other === one || (own !== undefined && codes.get(other) === own));
  return { runs, otherCode: alike.length - runs.length };
}

/** Every group with that many seeds. */
export function groupsWith(survey: Survey, { all, names }: SeededRuns, fewest: number): SeededRun[][] {
  const hasEnough = (runs: readonly SeededRun[]) => new Set(runs.flatMap(({ seed }) => seed ?? [])).size >= fewest;
  return partition(all, (run) => keyOf(run, names))
    .filter(hasEnough)
    .flatMap((alike) => {
      const codes = codesOf(survey, alike);
      return partition([...codes.keys()], (run) => codes.get(run));
    })
    .filter(hasEnough);
}

function partition(runs: readonly SeededRun[], keyOf: (run: SeededRun) => string | undefined): SeededRun[][] {
  const parts = new Map<string | undefined, SeededRun[]>();
  for (const run of runs) {
    const part = parts.get(keyOf(run));
    if (part === undefined) parts.set(keyOf(run), [run]);
    else part.push(run);
  }
  return [...parts.values()];
}

/** Digests of the code of each that says what it ran, where that is here; what runs write themselves is no code. */
function codesOf({ project, repository }: Survey, runs: readonly SeededRun[]): Map<SeededRun, string> {
  // A shallow clone has few of them, and a rewritten history has lost some.
  const here = commitsHere(repository, [...new Set(runs.flatMap(({ code, results }) => [code, results].filter((one) => one !== null)))]);
  const known = runs
    .filter(({ code }) => code !== null && here.has(code))
    .map((run) => ({ run, code: run.code ?? "", results: run.results !== null && here.has(run.results) ? run.results : null }));
  const commits = [...new Set(known.flatMap(({ code, results }) => (results === null ? [code] : [code, results])))];
  const { params } = project.config;
  const settings = params === null ? "" : storedPath(project, params);
  const trees = readTrees(repository, commits, (path) => isCode(path) && path !== settings);
  const files = (commit: string) => new Map((trees.get(commit) ?? []).map(({ path, object }) => [path, object]));
  const written = new Set(
    known.flatMap(({ code, results }) => {
      if (results === null) return [];
      const [before, after] = [files(code), files(results)];
      return [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
    }),
  );
  const digest = (commit: string) => {
    const lines = [...files(commit)].filter(([path]) => !written.has(path)).map(([path, object]) => `${object} ${path}\n`);
    return createHash("sha256").update(lines.join("")).digest("hex");
  };
  return new Map(known.map(({ run, code }) => [run, digest(code)]));
}

/** A parameter without which more runs would be alike, where there is one: it may be something that runs measured. */
export function splittingName({ all, names }: SeededRuns, one: SeededRun): { name: string; runs: number } | null {
  const counts = names.map((name) => {
    const others = names.filter((other) => other !== name);
    const key = keyOf(one, others);
    return { name, runs: all.filter((run) => keyOf(run, others) === key).length };
  });
  const [most] = counts.toSorted((a, b) => b.runs - a.runs);
  const now = all.filter((run) => keyOf(run, names) === keyOf(one, names)).length;
  return most !== undefined && most.name !== "data" && most.runs > now ? most : null;
}

function keyOf({ params, data }: SeededRun, names: readonly string[]): string {
  const cell = (name: string) => (Object.hasOwn(params, name) ? (params[name] ?? null) : name === "data" ? data : null);
  return JSON.stringify(names.map((name) => (cell(name) === null ? null : canonicalParameter(cell(name) ?? ""))));
}

function isCode(path: string): boolean {
  return !(isPointerFile(path) || /(^|\/)(\.gitignore|expver\.yaml)$/.test(path) || /(^|\/)\.dvc\//.test(path));
}
