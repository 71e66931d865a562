/** `expver diff A B …`: what two to ten versions or worktrees have apart: parameters, metrics, data, models, environment, code. */
import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { canonicalNumber, canonicalParameter, exactDifference } from "../versions/exact-numbers.ts";
import { compareMetric, type MaybeDirection, maybeDirectionOf } from "../versions/metrics.ts";
import { readVersions } from "../versions/registry.ts";
import type { Version } from "../versions/types.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { type ArtifactDifference, artifactDifferences } from "./diff/artifacts.ts";
import { type CodeDifference, codeDifference } from "./diff/code.ts";
import { type PackageDifference, packageDifferences } from "./diff/packages.ts";
import { openSides, type Side } from "./diff/sides.ts";
import { type TableChange, tableChanges } from "./diff/tables.ts";
import { wordsOf } from "./input.ts";

export interface ComparedVersion {
  /** Its name, or what was typed: `now`, a worktree, a commit. */
  version: string;
  kind: Side["kind"];
  /** Results commit R; HEAD of a worktree. */
  commit: string;
  description: string;
  date: string;
}

/** One name, and what each version says of it; null: nothing. */
export interface ValueRow {
  name: string;
  /** Exact texts, in the order of the versions. */
  values: (string | null)[];
  differs: boolean;
}

export type MetricRow = ValueRow &
  MaybeDirection & {
    /** Against the first version, exact, with sign; null where one of them is no number. */
    deltas: (string | null)[];
    /** Null also where nobody knows which way is better. */
    verdicts: Verdict[];
  };

type Verdict = "better" | "worse" | "same" | null;

export interface VersionsDiff {
  versions: ComparedVersion[];
  params: ValueRow[];
  /** How each was run: what a program is told in its arguments need be no parameter. Told, but no difference of the versions. */
  command: ValueRow;
  metrics: MetricRow[];
  artifacts: ArtifactDifference[];
  /** Tables among them, row by row; only when that was asked for. */
  tables: TableChange[];
  /** What the runs ran on: interpreter, machine, lock files. Told, but no difference of the versions. */
  environment: ValueRow[];
  /** What lock files among that have apart, package by package. */
  packages: PackageDifference[];
  /** Between the first and each further version. */
  code: CodeDifference[];
  differs: boolean;
  /** 5 with `--exit-code` when anything differs. */
  exitCode: number;
}

const MOST = 10;

export const diff: ReadWorkflow<Input, VersionsDiff> = {
  async read(context, input) {
    const names = namesOf(input);
    const project = openProject(context);
    const repository = requireRepository(project);
    const all = readVersions(project);
    const { sides, objects, close } = await openSides(context, project, names, all);
    try {
      const params = valueRows(
        sides.map((side) => side.params),
        canonicalParameter,
      );
      const metrics = metricRows(project, all, sides);
      const artifacts = artifactDifferences(
        project,
        sides.map((side) => side.artifacts),
      );
      const key = wordsOf(input.keyColumns);
      const tables = input.rows === true || key.length > 0 ? await tableChanges(project, artifacts, { sides, key }) : [];
      const [first] = sides;
      const code = sides.slice(1).map((side) => codeDifference(repository, [first as Side, side], { patch: input.code === true, objects }));
      const rows: { differs: boolean }[] = [...params, ...metrics, ...artifacts];
      const differs = rows.some((row) => row.differs) || code.some(({ files }) => files.length > 0);
      return {
        versions: sides.map(({ name, kind, commit, description, date }) => ({ version: name, kind, commit, description, date })),
        params,
        command: commandRow(sides),
        metrics,
        artifacts,
        tables,
        environment: valueRows(sides.map((side) => side.environment)),
        packages: packageDifferences(project, sides, { objects }),
        code,
        differs,
        exitCode: differs && input.exitCode === true ? 5 : 0,
      };
    } finally {
      close();
    }
  },
};

function namesOf(input: Input): string[] {
  const skill = [input.v1, input.v2].filter((name): name is string => typeof name === "string");
  const names = [...skill, ...wordsOf(input.version)];
  if (names.length >= 2 && names.length <= MOST) return names;
  throw new ExpverError("E_USAGE", `diff compares two to ${MOST} versions, not ${names.length}`, {
    hint: `expver diff ${names[0] ?? "e0.1.0"} now: with this worktree as it stands; or name another version.`,
  });
}

/** Of what was run: a commit was not. Where no more than parameters differ, those are told already. */
function commandRow(sides: readonly Side[]): ValueRow {
  const ran = sides.flatMap(({ command, params }) => (command === null ? [] : [withoutValues(command, params)]));
  return { name: "command", values: sides.map(({ command }) => command), differs: new Set(ran).size > 1 };
}

/** `--lr 0.1` and `--lr=0.1` with something in place of the parameter's value. */
function withoutValues(command: string, params: Record<string, string>): string {
  const values = new Set(Object.values(params));
  const blank = (word: string) => {
    const value = word.slice(word.indexOf("=") + 1);
    return values.has(value) ? `${word.slice(0, word.length - value.length)}{}` : word;
  };
  return command.split(" ").map(blank).join(" ");
}

function metricRows(project: Project, all: readonly Version[], sides: readonly Side[]): MetricRow[] {
  const rows = valueRows(
    sides.map((side) => side.metrics),
    canonicalNumber,
  );
  return rows.map((row) => {
    const direction = maybeDirectionOf(row.name, project.config, all);
    const [first, ...others] = row.values;
    return {
      ...row,
      ...direction,
      deltas: others.map((value) => (first == null || value === null ? null : exactDifference(first, value))),
      verdicts: others.map((value) => verdict(first ?? null, value, direction)),
    };
  });
}

function verdict(first: string | null, value: string | null, { direction }: MaybeDirection): Verdict {
  if (first === null || value === null || exactDifference(first, value) === null) return null;
  const order = compareMetric(value, first, direction ?? "max");
  if (order === 0) return "same";
  return direction === null ? null : order < 0 ? "better" : "worse";
}

/** Names in the order in which they are first said. */
function valueRows(all: readonly Record<string, string>[], meant = (text: string) => text): ValueRow[] {
  const names = new Set(all.flatMap((values) => Object.keys(values)));
  return [...names].map((name) => {
    const values = all.map((one) => (Object.hasOwn(one, name) ? (one[name] ?? null) : null));
    const meanings = values.map((value) => (value === null ? null : meant(value)));
    return { name, values, differs: new Set(meanings).size > 1 };
  });
}
