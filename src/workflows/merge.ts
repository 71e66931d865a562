/** `expver merge`: results databases into one, nothing overwritten (merge) or replaced by key (rebase). */
import { copyFileSync, existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { absolutePath, storedPath } from "../config/paths.ts";
import { findProject, type Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { trashPlace } from "../journal/trash.ts";
import { changesTable, commitMerge, discardMerge, type PreparedMerge, prepareMerge } from "../merge/results/merge-files.ts";
import type { ConflictChoice, MergeRules, SourceReport, TableReport } from "../merge/results/types.ts";
import type { Context } from "../platform/context.ts";
import { whoHasOpen } from "../platform/open-files.ts";
import type { Input, Plan, Step, WriteWorkflow } from "./contract.ts";
import { wordsOf } from "./data/open-data.ts";
import { fingerprintOf } from "./plan.ts";

interface MergePlan extends Plan {
  prepared: PreparedMerge;
  changes: boolean;
  /** Where the output's old bytes go before rows are replaced. */
  keeps: string | null;
}

export interface Merged {
  strategy: "merge" | "rebase";
  output: string;
  /** False: everything was there already, and the output was not touched. */
  changed: boolean;
  sources: SourceReport[];
  kept: string | null;
}

export const merge: WriteWorkflow<Input, MergePlan, Merged> = {
  async plan(context, input) {
    const request = readRequest(context, input);
    const { base, output, rules } = request;
    const project = findProject(context);
    const exists = existsSync(output);
    const prepared = prepareMerge({ ...request, inPlace: exists && mayBeOpen(project, output) });
    const { reports } = prepared;
    const inPlaceOfBase = base !== null && exists && realpathSync(base) === realpathSync(output);
    const changes = !inPlaceOfBase || reports.some(({ tables }) => tables.some(changesTable));
    const keeps =
      project !== null && exists && changes && (rules.rebase !== undefined || !inPlaceOfBase) ? trashPlace(project, output) : null;
    for (const { source, notes } of reports) for (const note of notes) context.report({ kind: "warning", text: `${source}: ${note}` });
    return {
      command: "merge",
      steps: [
        ...reports.flatMap(stepsOf),
        ...(changes
          ? [
              {
                verb: exists ? (prepared.before === null ? "replace" : "change") : "write",
                target: output,
                ...(keeps === null ? {} : { keeps }),
              },
            ]
          : []),
      ],
      destructive: changes && ((exists && !inPlaceOfBase) || reports.some(({ tables }) => tables.some(losesRows))),
      fingerprint: fingerprintOf({ files: [base, output, ...request.sources.map(({ path }) => path)].map(stateOf), rules, reports }),
      prepared,
      changes,
      keeps,
    };
  },

  async apply(_context, { prepared, changes, keeps }) {
    const { merge: request, reports } = prepared;
    if (!changes) discardMerge(prepared);
    else {
      if (keeps !== null) {
        mkdirSync(dirname(keeps), { recursive: true });
        copyFileSync(request.output, keeps);
      }
      commitMerge(prepared);
    }
    return { strategy: strategyOf(request.rules), output: request.output, changed: changes, sources: reports, kept: keeps };
  },
};

function readRequest(
  context: Context,
  input: Input,
): { base: string | null; output: string; sources: { path: string; name: string }[]; rules: MergeRules } {
  const path = (typed: string) => resolve(context.cwd, typed);
  const named = [...wordsOf(input.db), ...wordsOf(input.expDb)];
  const typedBase = text(input.baseDb);
  const typedOutput = text(input.outputDb);
  if (named.length === 0) {
    throw new ExpverError("E_USAGE", "no database to merge is named", {
      hint: "expver merge --base-db results/experiments.db ../exp-a/results/experiments.db",
    });
  }
  if (typedBase === undefined && typedOutput === undefined) {
    throw new ExpverError("E_USAGE", "it is not said where the merged rows go", {
      hint: `Into a database: --base-db results/experiments.db. Into a new file: --output-db merged.db.`,
    });
  }
  const base = typedBase === undefined ? null : path(typedBase);
  for (const one of base === null ? named : [typedBase ?? "", ...named]) requireFile(path(one), one);
  const sources = named.map((name) => ({ path: path(name), name }));
  const same = base === null ? undefined : sources.find((source) => realpathSync(source.path) === realpathSync(base));
  if (same !== undefined) throw new ExpverError("E_USAGE", `${same.name} is the base itself`, { details: { path: same.path } });
  return { base, output: typedOutput === undefined ? (base ?? "") : path(typedOutput), sources, rules: rulesOf(input) };
}

function rulesOf(input: Input): MergeRules {
  const strategy = choice(input.strategy, ["merge", "rebase"], "--strategy") ?? "merge";
  const nullKeys = choice(input.nullKeys, ["keep", "match"], "--null-keys") ?? "keep";
  const keyColumns = wordsOf(input.keyColumns)
    .flatMap((word) => word.split(","))
    .filter(Boolean);
  if (strategy === "rebase" && keyColumns.length === 0) {
    throw new ExpverError("E_USAGE", "a rebase needs the columns whose values say which rows replace which", {
      hint: "For example: --key-columns version model",
    });
  }
  const tables = wordsOf(input.table);
  return {
    onConflict: choice(input.onConflict, ["ours", "theirs", "newest"], "--on-conflict") as ConflictChoice | undefined,
    idColumn: text(input.idColumn),
    rebase: strategy === "rebase" ? { keyColumns, matchNullKeys: nullKeys === "match" } : undefined,
    tables: tables.length === 0 ? undefined : tables,
  };
}

function choice<T extends string>(value: Input[string], known: readonly T[], flag: string): T | undefined {
  if (value === undefined) return undefined;
  const found = known.find((one) => one === value);
  if (found === undefined)
    throw new ExpverError("E_USAGE", `${flag} is one of ${known.join(", ")}, not ${JSON.stringify(value)}`, {
      details: { received: value },
    });
  return found;
}

function requireFile(path: string, typed: string): void {
  if (!existsSync(path)) throw new ExpverError("E_NOT_FOUND", `there is no database at ${typed}`, { details: { path } });
}

/** A program may have the project's own database open at any time; other files are looked up. */
function mayBeOpen(project: Project | null, output: string): boolean {
  if (project !== null) {
    const own = absolutePath(project, storedPath(project, project.config.results.database));
    if (existsSync(own) && realpathSync(own) === realpathSync(output)) return true;
  }
  return whoHasOpen(output)?.length !== 0;
}

function losesRows({ removed, replaced }: TableReport): boolean {
  return removed + replaced > 0;
}

function stepsOf({ source, tables }: SourceReport): Step[] {
  const changed = tables.filter(changesTable);
  if (changed.length === 0) return [{ verb: "skip", target: source, detail: "everything in it is there already" }];
  return changed.map((report) => ({
    verb: report.replaced > 0 ? "rebase" : "merge",
    target: `${source} ${report.table}`,
    count: report.inserted,
    detail: describeChanges(report),
  }));
}

/** The rest of a line: what is neither a new row nor nothing. */
export function describeChanges(report: TableReport): string {
  const cells = (counts: Record<string, number>) => Object.values(counts).reduce((sum, one) => sum + one, 0);
  const columns = (names: readonly string[]) =>
    names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
  return [
    `${report.inserted} new rows`,
    report.equal > 0 && `${report.equal} there already`,
    report.replaced > 0 && `${report.replaced} replaced`,
    report.removed > 0 && `${report.removed} removed`,
    report.keptGone > 0 && `${report.keptGone} stay deleted`,
    cells(report.filled) > 0 && `${cells(report.filled)} empty cells filled`,
    cells(report.updated) > 0 && `${cells(report.updated)} cells changed`,
    report.resolved > 0 && `${report.resolved} decided`,
    report.addedColumns.length > 0 && `new columns: ${columns(report.addedColumns)}`,
    report.widenedColumns.length > 0 && `wider type: ${columns(report.widenedColumns)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function strategyOf({ rebase }: MergeRules): Merged["strategy"] {
  return rebase === undefined ? "merge" : "rebase";
}

function stateOf(path: string | null): unknown {
  if (path === null) return null;
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? [path] : [path, stat.size, stat.mtimeNs, stat.ino];
}

function text(value: Input[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}
