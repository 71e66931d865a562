/** `expver show V`: everything a version left behind, and where its bytes are. */

import { openProject, type Project, requireRepository } from "../config/project.ts";
import { ExpverError, failedWith } from "../errors.ts";
import { gitResult, type Repository } from "../git/git.ts";
import { resolveCommit } from "../git/refs.ts";
import { listRemotes } from "../git/remotes.ts";
import { shellWord } from "../platform/shell-word.ts";
import { readPointersAt } from "../store/pointers/pointers.ts";
import type { Pointer } from "../store/types.ts";
import { formatHeadline } from "../versions/headline.ts";
import { type MaybeDirection, maybeDirectionOf, metricNames, metricsOf, paramsOf, saidDataHash } from "../versions/metrics.ts";
import { pickVersion, readVersions } from "../versions/registry.ts";
import type { Version, VersionKind } from "../versions/types.ts";
import type { Input, ReadWorkflow } from "./contract.ts";
import { textIn } from "./input.ts";
import { settleSweeps } from "./list/settle-sweeps.ts";
import { artifactsOf, type ShownArtifact } from "./show/artifacts.ts";
import type { ShownRuns } from "./show/runs.ts";

export type ShownMetric = MaybeDirection & {
  name: string;
  /** Exact text. */
  value: string;
};

export interface ShownVersion {
  version: string;
  /** Null: a tag without trailers; what its chain is was not recorded. */
  kind: VersionKind | null;
  recorded: boolean;
  /** Object of the annotated tag; null for a lightweight one. */
  tag: string | null;
  tagger: string | null;
  /** ISO 8601 with zone. */
  date: string;
  /** Results commit R, and its subject. */
  commit: string;
  subject: string;
  onBranch: boolean;
  /** True only when it is known not to be on any remote; null when there is no remote. */
  unpublished: boolean | null;
  /** Snapshot commit S; null when the tag does not say. `here`: this repository has it. */
  code: { commit: string; here: boolean } | null;
  /** The first line as it stands, its last part, and the text below. */
  line: string;
  description: string;
  body: string;
  params: Record<string, string>;
  metrics: ShownMetric[];
  /** As the tag says it: whole from a trailer, short from a first line. */
  dataHash: string | null;
  artifacts: ShownArtifact[];
  /** What its best run, else its first, ran on. Empty: not recorded, or its results database is not in the cache. */
  environment: Record<string, string>;
  /** What that run found installed, version by name: with `--packages` only. */
  packages: Record<string, string> | null;
  runs: ShownRuns;
  bestRun: string | null;
  /** Versions this one was merged from. */
  merged: string[];
  /** Trailers of other tools. */
  other: [key: string, value: string][];
  problems: string[];
}

export const show: ReadWorkflow<Input, ShownVersion> = {
  async read(context, input) {
    const asked = textIn(input.version);
    if (asked === undefined)
      throw new ExpverError("E_USAGE", "show needs a version", { hint: "expver show e0.1.0; `expver list` shows them all." });
    const project = openProject(context);
    const repository = requireRepository(project);
    const versions = readVersions(project);
    const tagged = versionAsked(repository, versions, { asked, prefix: project.config.versions.prefix });
    const [version = tagged] = await settleSweeps(project, context, [tagged]);
    const pointers = readPointersAt(project, version.commit);
    const { artifacts, problems } = artifactsOf(project, version, pointers);
    const { runsOf } = await import("./show/runs.ts");
    const { environmentFacts } = await import("./show/environment.ts");
    const { runs, behind } = runsOf(project, context, { version, database: databasePointer(pointers, artifacts) });
    const packages = behind?.packages ?? null;
    if (input.packages === true && packages === null) throw unknownPackages(version, runs);
    return {
      ...tagPart(repository, version),
      ...numbersPart(project, versions, version),
      artifacts,
      environment: environmentFacts(behind?.run ?? null),
      packages: input.packages === true ? packages : null,
      runs,
      problems: [...version.problems, ...problems],
    };
  },
};

/** Throws E_NOT_FOUND; of another tag or branch with what shows it. */
function versionAsked(repository: Repository, versions: readonly Version[], { asked, prefix }: { asked: string; prefix: string }): Version {
  try {
    return pickVersion(versions, asked, prefix);
  } catch (error) {
    const isUnknown = failedWith(error, "E_NOT_FOUND");
    if (!isUnknown || resolveCommit(repository, asked) === null) throw error;
    const word = shellWord(asked);
    throw new ExpverError("E_NOT_FOUND", `${JSON.stringify(asked)} is no version (${prefix}MAJOR.MINOR.PATCH), though Git knows it`, {
      hint: `Its text: git show --no-patch ${word}. Its numbers and files: expver diff ${word} now; expver get ${word} PATH; expver checkout ${word}.`,
      details: { asked },
    });
  }
}

function tagPart(
  repository: Repository,
  version: Version,
): Omit<ShownVersion, "params" | "metrics" | "artifacts" | "environment" | "packages" | "runs" | "problems"> {
  const { name, message, commit, tagObject, tagger, date, onBranch, unpublished } = version;
  return {
    version: name,
    kind: message.kind,
    recorded: message.kind !== null,
    tag: tagObject,
    tagger,
    date,
    commit,
    subject: gitResult(repository, ["log", "-1", "--no-show-signature", "--format=%s", commit]).stdout.toString("utf8").trim(),
    onBranch,
    unpublished: listRemotes(repository).length === 0 ? null : unpublished,
    code: message.code === null ? null : { commit: message.code, here: resolveCommit(repository, message.code) !== null },
    line: formatHeadline(message),
    description: message.description,
    body: message.body,
    dataHash: saidDataHash(message),
    bestRun: message.bestRun,
    merged: message.merged,
    other: message.other,
  };
}

function numbersPart(project: Project, versions: readonly Version[], { message }: Version): Pick<ShownVersion, "params" | "metrics"> {
  const known = metricNames(project.config, versions);
  return {
    params: paramsOf(message, known),
    metrics: Object.entries(metricsOf(message, known)).map(([name, value]) => ({
      name,
      value,
      ...maybeDirectionOf(name, project.config, versions),
    })),
  };
}

function unknownPackages({ name }: Version, { unknown }: ShownRuns): ExpverError {
  const details = { version: name };
  if (unknown !== null) {
    const hint = "expver sync brings what others have published; expver data fetch --all-tags what the remote has.";
    return new ExpverError("E_NOT_FOUND", `which packages ${name} ran with is not known: ${unknown}`, { hint, details });
  }
  return new ExpverError("E_NOT_FOUND", `it is not recorded which packages ${name} ran with`, {
    hint: "They are recorded where it can be told which Python a command runs with: python …, or an activated environment; of `uv run` uv.lock has them.",
    details,
  });
}

function databasePointer(pointers: readonly Pointer[], artifacts: readonly ShownArtifact[]): Pointer | null {
  const path = artifacts.find(({ role }) => role === "results")?.path;
  return pointers.find((pointer) => pointer.path === path) ?? null;
}
