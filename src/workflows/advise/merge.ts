/** `expver advise merge OTHER`: merge or rebase for results, data and model of a worktree, branch or version, with the evidence. */
import type { Config } from "../../config/config.ts";
import { storedPath } from "../../config/paths.ts";
import { openProject, type Project, requireRepository } from "../../config/project.ts";
import { parseConfig } from "../../config/read-config.ts";
import { ExpverError, throwUnlessFailure } from "../../errors.ts";
import { gitResult, type Repository } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { isDataFile } from "../../merge/data/data-file.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { counted } from "../../platform/words.ts";
import { inputPointers } from "../../store/pointers/data-hash.ts";
import { readPointersAt } from "../../store/pointers/pointers.ts";
import type { Pointer } from "../../store/types.ts";
import { compareMetric, directionOf, knownMetrics, metricsOf } from "../../versions/metrics.ts";
import { readVersions } from "../../versions/registry.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { textIn } from "../input.ts";
import { planResultsMerge } from "../merge/results-part.ts";
import { findSide, mergeBase, type Side } from "../merge/side.ts";
import { hasNumber } from "../models/metric-choice.ts";

export interface ArtifactAdvice {
  artifact: "results" | "data" | "model";
  /** Of data: which. */
  path: string | null;
  advice: "merge" | "rebase" | "candidate" | "promote" | "nothing";
  certainty: "sure" | "guess";
  evidence: string[];
}

export interface MergeAdvice {
  /** As it was typed. */
  other: string;
  artifacts: ArtifactAdvice[];
  commands: string[];
}

export const adviseMerge: ReadWorkflow<Input, MergeAdvice> = {
  async read(context, input) {
    const other = textIn(input.other) ?? "";
    const project = openProject(context);
    const repository = requireRepository(project);
    const side = findSide(context, project, other);
    const base = mergeBase(repository, side);
    const results = await adviseResults(context, project, repository, { side, base });
    const data = side.commit === null ? [] : adviseData(project, repository, { side: side.commit, base });
    const model = side.commit === null ? null : adviseModel(project, repository, side.commit, base);
    return {
      other,
      artifacts: [results, ...data, ...(model === null ? [] : [model])],
      commands: commandsOf(side, { results, data, model }),
    };
  },
};

interface Sides {
  side: Side;
  base: string | null;
}

async function adviseResults(context: Context, project: Project, repository: Repository, { side, base }: Sides): Promise<ArtifactAdvice> {
  const changed = base === null ? [] : evaluationChanges(project, repository, base);
  const answer = (advice: ArtifactAdvice["advice"], certainty: ArtifactAdvice["certainty"], evidence: string[]): ArtifactAdvice => ({
    artifact: "results",
    path: null,
    advice,
    certainty,
    evidence,
  });
  const { added, equal, conflicts, evidence } = await rowsOf(context, project, side.name);
  if (changed.length > 0)
    return answer("rebase", "guess", [
      ...changed.map((one) => `${one} here since both came apart: older numbers do not compare`),
      ...evidence,
    ]);
  if (conflicts > 0)
    return answer("merge", "guess", [...evidence, "merge with --on-conflict, or rebase by a key when its numbers are the right ones"]);
  if (added === 0) return answer("nothing", "sure", evidence);
  return answer("merge", "sure", [...evidence, equal > 0 ? "what both have says the same" : "nothing is overwritten"]);
}

/** What a merge would do: planned in a copy, and thrown away. */
async function rowsOf(
  context: Context,
  project: Project,
  name: string,
): Promise<{ added: number; equal: number; conflicts: number; evidence: string[] }> {
  try {
    const part = await planResultsMerge({ ...context, report: () => {} }, project, { names: [name], rules: {} });
    part.discard();
    const tables = part.reports.flatMap((one) => one.tables);
    const sum = (count: (table: (typeof tables)[number]) => number) => tables.reduce((all, table) => all + count(table), 0);
    const cells = (all: Record<string, number>) => Object.values(all).reduce((one, next) => one + next, 0);
    const [inserted, equal] = [sum(({ inserted: rows }) => rows), sum(({ equal: rows }) => rows)];
    const changes = sum(({ filled, updated, removed }) => cells(filled) + cells(updated) + removed);
    const columns = [...new Set(tables.flatMap(({ addedColumns }) => addedColumns))];
    const evidence = [
      `${counted(inserted, "row")} are new, ${equal} are the same on both sides`,
      ...(changes > 0 ? [`${counted(changes, "cell")} are filled or changed there only`] : []),
      ...(columns.length > 0 ? [`new columns: ${columns.slice(0, 6).join(", ")}`] : []),
    ];
    return { added: inserted + changes, equal, conflicts: 0, evidence };
  } catch (error) {
    throwUnlessFailure(error);
    if (error.code !== "E_CONFLICT") return { added: 0, equal: 0, conflicts: 0, evidence: [error.message] };
    const conflicts = Number(error.details.count ?? 1);
    return { added: 1, equal: 0, conflicts, evidence: [`${counted(conflicts, "cell")} with two different values`] };
  }
}

/** Metrics of expver.yaml, and data that is there to measure by. */
function evaluationChanges(project: Project, repository: Repository, base: string): string[] {
  const before = metricsAt(repository, base, storedPath(project, "expver.yaml"));
  const now = project.config.metrics;
  const names =
    before === null ? [] : [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]);
  const head = resolveCommit(repository, "HEAD");
  const measuring =
    head === null
      ? []
      : changedInputs(project, head, base).filter(({ path }) =>
          /(^|[/_.-])(test|eval|valid|validation|holdout|benchmark)([/_.-]|$)/i.test(path),
        );
  return [...names.map((name) => `the metric ${name} was changed`), ...measuring.map(({ path }) => `${path} was changed`)];
}

function metricsAt(repository: Repository, commit: string, path: string): Config["metrics"] | null {
  const { code, stdout } = gitResult(repository, ["cat-file", "blob", `${commit}:${path}`], { allow: [128] });
  if (code !== 0) return null;
  try {
    return parseConfig(stdout.toString("utf8"), path).metrics;
  } catch (error) {
    // A mistake of then is no evidence of anything.
    if (error instanceof ExpverError) return null;
    throw error;
  }
}

function changedInputs(project: Project, commit: string, base: string): (Pointer & { before: Pointer | null })[] {
  const at = (one: string) => inputPointers(project, readPointersAt(project, one));
  const then = new Map(at(base).map((pointer) => [pointer.path, pointer]));
  return at(commit).flatMap((pointer) => {
    const before = then.get(pointer.path) ?? null;
    return pointer.hash === null || pointer.hash === before?.hash ? [] : [{ ...pointer, before }];
  });
}

function adviseData(project: Project, repository: Repository, { side, base }: { side: string; base: string | null }): ArtifactAdvice[] {
  const head = resolveCommit(repository, "HEAD");
  if (head === null || base === null) return [];
  const here = new Map(inputPointers(project, readPointersAt(project, head)).map((pointer) => [pointer.path, pointer]));
  return changedInputs(project, side, base).flatMap(({ path, hash, size, nfiles, before }): ArtifactAdvice[] => {
    const ours = here.get(path) ?? null;
    if (ours?.hash === hash) return [];
    const facts = { artifact: "data" as const, path };
    if (ours === null) return [{ ...facts, advice: "merge", certainty: "sure", evidence: ["it is new there"] }];
    const [amount, then] = hash?.endsWith(".dir") ? [nfiles, before?.nfiles] : [size, before?.size];
    const grew = amount !== undefined && then !== undefined && amount > then;
    const growth =
      amount === undefined || then === undefined
        ? "its size then is not known"
        : `${then} → ${amount} ${hash?.endsWith(".dir") ? "files" : "bytes"}`;
    if (ours.hash === before?.hash) {
      const evidence = [
        `only changed there (${growth})`,
        grew ? "it grew: samples were added" : "it did not grow: it was rewritten, and every row is new",
      ];
      return [{ ...facts, advice: grew ? "merge" : "rebase", certainty: "guess", evidence }];
    }
    const united = isDataFile(path) || hash?.endsWith(".dir") === true;
    const evidence = [
      "changed on both sides",
      growth,
      united ? "rows or files of both can be united" : "neither a table nor a folder: one side's bytes must be taken",
    ];
    return [{ ...facts, advice: united && grew ? "merge" : "rebase", certainty: "guess", evidence }];
  });
}

/** The best version there against the best here. */
function adviseModel(project: Project, repository: Repository, side: string, base: string | null): ArtifactAdvice | null {
  const versions = readVersions(project);
  const known = knownMetrics(project.config, versions);
  const metric = Object.keys(project.config.metrics)[0] ?? [...known][0];
  const range = gitResult(repository, ["rev-list", side, ...(base === null ? [] : [`^${base}`])]).stdout.toString("utf8");
  const theirs = new Set(range.split("\n"));
  const there = versions.filter(({ commit }) => theirs.has(commit));
  if (metric === undefined || there.length === 0) return null;
  const { direction, source } = directionOf(metric, project.config, versions);
  // A NaN is no number that anything is the best with.
  const best = (some: typeof versions) =>
    some
      .map((one) => ({ name: one.name, metrics: metricsOf(one.message, known) }))
      .filter((one) => hasNumber(one, metric))
      .map(({ name, metrics }) => ({ name, value: metrics[metric] }))
      .toSorted((one, other) => compareMetric(one.value, other.value, direction))[0];
  const [candidate, rival] = [best(there), best(versions.filter((one) => !there.includes(one)))];
  const facts = { artifact: "model" as const, path: null };
  if (candidate === undefined)
    return { ...facts, advice: "candidate", certainty: "guess", evidence: [`no version there has a number for ${metric}`] };
  const better = rival === undefined || compareMetric(candidate.value, rival.value, direction) < 0;
  const evidence = [
    `best there: ${candidate.name} with ${metric}=${candidate.value}`,
    rival === undefined ? "no version here has a number" : `best here: ${rival.name} with ${metric}=${rival.value}`,
    ...(source === "guess" ? [`that ${direction === "max" ? "more" : "less"} is better is only a guess from the name`] : []),
  ];
  return { ...facts, advice: better ? "promote" : "candidate", certainty: source === "guess" ? "guess" : "sure", evidence };
}

interface Advised {
  results: ArtifactAdvice;
  data: ArtifactAdvice[];
  model: ArtifactAdvice | null;
}

/** A worktree is finished as a whole; of anything else only the results are brought here. */
function commandsOf({ name, kind, path }: Side, { results, data, model }: Advised): string[] {
  const rebase = results.advice === "rebase" ? " --strategy rebase --key-columns version" : "";
  const merge = `expver merge ${shellWord(name)}${rebase}`;
  if (kind !== "worktree" || path === null) return results.advice === "nothing" ? [] : [merge];
  const options = [
    results.advice === "rebase" ? "--results rebase --key-columns version" : results.advice === "nothing" ? "--results none" : "",
    data.some(({ advice }) => advice === "rebase") ? "--data rebase" : "",
    model?.advice === "promote" ? "--models promote" : "",
  ].filter(Boolean);
  return [`${["expver worktree finish", shellWord(name), ...options].join(" ")} --dry-run`];
}
