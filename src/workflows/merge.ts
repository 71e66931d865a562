/**
 * `expver merge`: results databases and data files into one of each, nothing overwritten (merge) or replaced by key (rebase). Where no
 * base and no output is named, into the project's own database (`merge/project-merge.ts`).
 */
import { resolve } from "node:path";
import { findProject, type Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { isDataFile } from "../merge/data/data-file.ts";
import { startDuckDb } from "../merge/data/duckdb.ts";
import type { DataMerge, DataReport } from "../merge/data/types.ts";
import type { MergeRules, SourceReport } from "../merge/results/types.ts";
import type { Context } from "../platform/context.ts";
import type { Input, Plan, WriteWorkflow } from "./contract.ts";
import { choice, listOf, textIn, wordsOf } from "./input.ts";
import { type DatabaseRequest, databasePart } from "./merge/database-part.ts";
import { commitPart, existing, type MergePart, refuseBase, requireKeys } from "./merge/part.ts";
import type { ProjectMerged, ProjectMergePlan } from "./merge/project-merge.ts";
import type { Resolution, Resolved } from "./merge/resolve.ts";
import { fingerprintOf } from "./plan.ts";

type MergePlan = FilesPlan | ProjectMergePlan;

interface FilesPlan extends Plan {
  /** Only this, when pointers in conflict are resolved. */
  resolution?: Resolution;
  database: { strategy: Strategy; part: MergePart<SourceReport[]> } | null;
  data: MergePart<DataReport> | null;
}

type Strategy = "merge" | "rebase";

export interface Merged {
  resolved?: Omit<Resolved, "exitCode">;
  exitCode?: number;
  database: (MergedFile & { strategy: Strategy; sources: SourceReport[] }) | null;
  data: (MergedFile & DataReport) | null;
  /** Of a merge into the project's own database. */
  project: ProjectMerged | null;
}

interface MergedFile {
  output: string;
  /** False: everything was there already, and the output was not touched. */
  changed: boolean;
  /** Where the old bytes are, when rows were replaced. */
  kept: string | null;
}

export const merge: WriteWorkflow<Input, MergePlan, Merged> = {
  async ahead({ file, baseData, expData }) {
    if (baseData !== undefined || expData !== undefined || wordsOf(file).some(isDataFile)) await startDuckDb();
  },

  async plan(context, typed) {
    const input = typed.params === undefined ? typed : (await import("./merge/params-file.ts")).withParamsFile(context, typed);
    if (input.resolve === true) return resolvePlan(context, input);
    const named = wordsOf(input.file);
    const project = findProject(context);
    if (isIntoProject(project, input)) {
      const { planProjectMerge } = await import("./merge/project-merge.ts");
      return planProjectMerge(context, { names: named, rules: rulesOf(input) });
    }
    const others = named.filter((name) => !isDataFile(name));
    const ofRefs = await dataOfOtherRefs(context, input, { project, others, paths: named.filter(isDataFile) });
    const databases = ofRefs === null ? databaseRequest(context, input, others) : null;
    const files = ofRefs ?? dataRequest(context, input, named.filter(isDataFile));
    if (databases === null && files === null) {
      throw new ExpverError("E_USAGE", "there is nothing to merge", {
        hint: "expver merge --base-db results/experiments.db ../exp-a/results/experiments.db",
      });
    }
    const part = databases === null ? null : databasePart(context, project, databases);
    let data: MergePart<DataReport> | null = null;
    try {
      data = files === null ? null : await (await import("./merge/data-part.ts")).dataPart(project, files);
    } catch (error) {
      part?.discard();
      throw error;
    }
    const parts = [part, data].filter((one) => one !== null);
    return {
      command: "merge",
      steps: parts.flatMap(({ steps }) => steps),
      destructive: parts.some(({ destructive }) => destructive),
      fingerprint: fingerprintOf(parts.map(({ facts }) => facts)),
      database: part === null || databases === null ? null : { strategy: databases.rules.rebase === undefined ? "merge" : "rebase", part },
      data,
    };
  },

  async apply(context, plan) {
    if ("results" in plan) return applyToProject(context, plan);
    const { resolution, database, data } = plan;
    if (resolution !== undefined) {
      const { exitCode, ...resolved } = await (await import("./merge/resolve.ts")).applyResolution(context, resolution);
      return { resolved, database: null, data: null, project: null, exitCode };
    }
    for (const part of [database?.part, data]) if (part) commitPart(part);
    const fileOf = ({ output, changes, keeps }: MergePart<unknown>): MergedFile => ({ output, changed: changes, kept: keeps });
    return {
      database: database && { ...fileOf(database.part), strategy: database.strategy, sources: database.part.report },
      data: data && { ...data.report, ...fileOf(data) },
      project: null,
    };
  },
};

async function resolvePlan(context: Context, input: Input): Promise<MergePlan> {
  const { planResolution } = await import("./merge/resolve.ts");
  const [first, ...others] = wordsOf(input.file);
  // `--resolve ours PATH` reads best; a file of that name is `./ours`.
  const word = CONFLICT_CHOICES.find((one) => one === first);
  const decides = word ?? choice(input.onConflict, CONFLICT_CHOICES, "--on-conflict");
  const resolution = planResolution(context, word === undefined ? wordsOf(input.file) : others, decides);
  return {
    command: "merge",
    steps: resolution.files.map(({ path }) => ({ verb: "resolve", target: path, detail: decides ?? "try again" })),
    destructive: false,
    fingerprint: fingerprintOf(resolution),
    resolution,
    database: null,
    data: null,
  };
}

const PLACES = ["baseDb", "outputDb", "expDb", "baseData", "outputData", "expData"] as const;

/** Neither a base nor an output is named, and no data file; and there is a database that could be meant. */
function isIntoProject(project: Project | null, input: Input): boolean {
  const named = wordsOf(input.file);
  if (!project?.dvcRoot) return false;
  return named.length > 0 && PLACES.every((place) => input[place] === undefined) && !named.some(isDataFile);
}

async function applyToProject(context: Context, plan: ProjectMergePlan): Promise<Merged> {
  const { applyProjectMerge } = await import("./merge/project-merge.ts");
  const { results, strategy } = plan;
  const project = await applyProjectMerge(context, plan);
  const database = { output: results.database, changed: results.changes, kept: project.backup, strategy, sources: results.reports };
  return { database, data: null, project };
}

/** Null unless worktrees or refs are named beside a data file, and neither a base nor an output. */
async function dataOfOtherRefs(
  context: Context,
  input: Input,
  { project, others, paths }: { project: Project | null; others: readonly string[]; paths: readonly string[] },
): Promise<DataMerge | null> {
  if (!project?.repository || others.length === 0 || paths.length === 0 || PLACES.some((place) => input[place] !== undefined)) return null;
  const { dataOfRefs } = await import("./merge/data-of-ref.ts");
  const found = await dataOfRefs(context, project, { names: others, paths });
  return found && { ...found, output: found.base.path, ...dataRules(input) };
}

function databaseRequest(context: Context, input: Input, positional: readonly string[]): DatabaseRequest | null {
  const names = [...positional, ...wordsOf(input.expDb)];
  const [base, output] = [textIn(input.baseDb), textIn(input.outputDb)];
  if (names.length === 0 && base === undefined && output === undefined) return null;
  requireSources(names, { base, output, flags: "--base-db results/experiments.db", target: "--output-db merged.db" });
  const sources = names.map((name) => existing(context, name));
  const from = base === undefined ? null : existing(context, base);
  if (from !== null) refuseBase(from, sources);
  return { base: from, sources, output: output === undefined ? (from?.path ?? "") : resolve(context.cwd, output), rules: rulesOf(input) };
}

function dataRequest(context: Context, input: Input, positional: readonly string[]): DataMerge | null {
  const names = [...positional, ...wordsOf(input.expData)];
  const [base, output] = [textIn(input.baseData), textIn(input.outputData)];
  if (names.length === 0 && base === undefined && output === undefined) return null;
  requireSources(names, { base, output, flags: "--base-data data/train.parquet", target: "--output-data merged.parquet" });
  const [first, ...others] = names.map((name) => existing(context, name));
  const from = base === undefined ? first : existing(context, base);
  const sources = base === undefined ? others : [first, ...others].filter((one) => one !== undefined);
  if (from === undefined) return null;
  refuseBase(from, sources);
  return { base: from, sources, output: output === undefined ? from.path : resolve(context.cwd, output), ...dataRules(input) };
}

function dataRules(input: Input): Omit<DataMerge, "base" | "sources" | "output"> {
  const strategy = choice(input.dataStrategy, STRATEGIES, "--data-strategy") ?? choice(input.strategy, STRATEGIES, "--strategy") ?? "merge";
  const keyColumns = listOf(input.dataKeyColumns ?? input.keyColumns);
  if (strategy === "rebase") requireKeys(keyColumns, input);
  return {
    strategy,
    keyColumns,
    matchNullKeys: choice(input.nullKeys, NULL_KEYS, "--null-keys") === "match",
    onConflict: choice(input.onConflict, ["ours", "theirs"], "--on-conflict for data files"),
    allowWiden: input.allowWiden === true,
    ...(textIn(input.memory) === undefined ? {} : { memory: textIn(input.memory) ?? "" }),
  };
}

const CONFLICT_CHOICES = ["ours", "theirs", "newest"] as const;
const STRATEGIES = ["merge", "rebase"] as const;
const NULL_KEYS = ["keep", "match"] as const;

function requireSources(
  names: readonly string[],
  { base, output, flags, target }: { base: string | undefined; output: string | undefined; flags: string; target: string },
): void {
  if (names.length === 0)
    throw new ExpverError("E_USAGE", "nothing is named that should be merged in", { hint: `expver merge OTHER ${flags}` });
  if (base !== undefined || output !== undefined) return;
  throw new ExpverError("E_USAGE", "it is not said where the merged rows go", {
    hint: `Into one that is there: ${flags}. Into a new file: ${target}.`,
  });
}

function rulesOf(input: Input): MergeRules {
  const strategy = choice(input.strategy, STRATEGIES, "--strategy") ?? "merge";
  const keyColumns = listOf(input.keyColumns);
  if (strategy === "rebase") requireKeys(keyColumns, input);
  const matchNullKeys = choice(input.nullKeys, NULL_KEYS, "--null-keys") === "match";
  const tables = wordsOf(input.table);
  return {
    onConflict: choice(input.onConflict, CONFLICT_CHOICES, "--on-conflict"),
    idColumn: textIn(input.idColumn),
    rebase: strategy === "rebase" ? { keyColumns, matchNullKeys } : undefined,
    tables: tables.length === 0 ? undefined : tables,
  };
}
