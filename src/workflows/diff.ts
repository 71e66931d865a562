/** `expver diff V1 V2 …`: what two to ten versions have apart: parameters, metrics, data, models, code. */
import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { readPointersAt } from "../store/pointers.ts";
import { exactDifference } from "../versions/exact-difference.ts";
import { compareMetric, directionOf, type KnownDirection, knownMetrics, metricsOf, paramsOf } from "../versions/metrics.ts";
import { pickVersion, readVersions } from "../versions/registry.ts";
import type { Version } from "../versions/types.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { type ArtifactDifference, artifactDifferences } from "./diff/artifacts.ts";
import { type CodeDifference, codeDifference } from "./diff/code.ts";
import { wordsOf } from "./input.ts";
import { artifactsOf } from "./show/artifacts.ts";

export interface ComparedVersion {
  version: string;
  /** Results commit R. */
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

export interface MetricRow extends ValueRow, KnownDirection {
  /** Against the first version, exact, with sign; null where one of them is no number. */
  deltas: (string | null)[];
  verdicts: ("better" | "worse" | "same" | null)[];
}

export interface VersionsDiff {
  versions: ComparedVersion[];
  params: ValueRow[];
  metrics: MetricRow[];
  artifacts: ArtifactDifference[];
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
    const versions = names.map((name) => pickVersion(all, name, project.config.versions.prefix));
    const params = paramRows(project, all, versions);
    const metrics = metricRows(project, all, versions);
    const artifacts = artifactDifferences(
      project,
      versions.map((version) => artifactsOf(project, version, readPointersAt(project, version.commit)).artifacts),
    );
    const [first] = versions;
    const code = versions.slice(1).map((version) => codeDifference(repository, first as Version, version, { patch: input.code === true }));
    const rows: { differs: boolean }[] = [...params, ...metrics, ...artifacts];
    const differs = rows.some((row) => row.differs) || code.some(({ files }) => files.length > 0);
    return {
      versions: versions.map(({ name, commit, message, date }) => ({ version: name, commit, description: message.description, date })),
      params,
      metrics,
      artifacts,
      code,
      differs,
      exitCode: differs && input.exitCode === true ? 5 : 0,
    };
  },
};

function namesOf(input: Input): string[] {
  const skill = [input.v1, input.v2].filter((name): name is string => typeof name === "string");
  const names = [...skill, ...wordsOf(input.version)];
  if (names.length >= 2 && names.length <= MOST) return names;
  throw new ExpverError("E_USAGE", `diff compares two to ${MOST} versions, not ${names.length}`, { hint: "expver diff e0.1.0 e0.2.0" });
}

function paramRows(project: Project, all: readonly Version[], versions: readonly Version[]): ValueRow[] {
  const known = knownMetrics(project.config, all);
  return valueRows(versions.map(({ message }) => paramsOf(message, known)));
}

function metricRows(project: Project, all: readonly Version[], versions: readonly Version[]): MetricRow[] {
  const known = knownMetrics(project.config, all);
  return valueRows(versions.map(({ message }) => metricsOf(message, known))).map((row) => {
    const direction = directionOf(row.name, project.config, all);
    const [first, ...others] = row.values;
    return {
      ...row,
      ...direction,
      deltas: others.map((value) => (first == null || value === null ? null : exactDifference(first, value))),
      verdicts: others.map((value) => verdict(first ?? null, value, direction)),
    };
  });
}

function verdict(first: string | null, value: string | null, { direction }: KnownDirection): "better" | "worse" | "same" | null {
  if (first === null || value === null || exactDifference(first, value) === null) return null;
  const order = compareMetric(value, first, direction);
  return order === 0 ? "same" : order < 0 ? "better" : "worse";
}

/** Names in the order in which they are first said. */
function valueRows(all: readonly Record<string, string>[]): ValueRow[] {
  const names = new Set(all.flatMap((values) => Object.keys(values)));
  return [...names].map((name) => {
    const values = all.map((one) => (Object.hasOwn(one, name) ? (one[name] ?? null) : null));
    return { name, values, differs: new Set(values).size > 1 };
  });
}
