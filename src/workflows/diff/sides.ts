/** What is compared: versions, worktrees as they stand, commits. Each by what it says of itself. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openProject, type Project, requireRepository, topOf } from "../../config/project.ts";
import { failedWith } from "../../errors.ts";
import { contextIn } from "../../git/git.ts";
import { resolveCommit } from "../../git/refs.ts";
import { worktreeTree } from "../../git/worktree-tree.ts";
import type { Context } from "../../platform/context.ts";
import { removePath } from "../../platform/files.ts";
import { together } from "../../platform/together.ts";
import { recordedTexts } from "../../results/runs.ts";
import { readPointers, readPointersAt } from "../../store/pointers/pointers.ts";
import { outputStatus } from "../../store/worktree/status.ts";
import { parseMessage } from "../../versions/message.ts";
import { metricNames, metricsOf, paramsOf } from "../../versions/metrics.ts";
import { pickVersion, versionMeant } from "../../versions/registry.ts";
import type { ArtifactEntry, Version } from "../../versions/types.ts";
import { settleSweeps } from "../list/settle-sweeps.ts";
import { findSide, type Side as Named } from "../merge/side.ts";
import { readParameterFile } from "../run/parameters/parameters.ts";
import { readNotedLeft } from "../run/snapshot/noted-left.ts";
import { artifactsOf, type ShownArtifact } from "../show/artifacts.ts";
import { environmentFacts, runBehind } from "../show/environment.ts";
import { standingRun } from "./standing-run.ts";

/** The worktree one is in. */
const NOW = "now";

export interface Side {
  /** As its column is headed: the tag's name, `now`, the worktree's or the commit's as typed. */
  name: string;
  kind: "version" | "worktree" | "commit";
  /** Results commit R of a version; HEAD of a worktree. */
  commit: string;
  description: string;
  date: string;
  /** Exact texts. */
  params: Record<string, string>;
  metrics: Record<string, string>;
  artifacts: ShownArtifact[];
  /** The command line of its run (of a sweep the best one's), secrets hidden; null: not recorded. */
  command: string | null;
  /** What that ran on. */
  environment: Record<string, string>;
  /** What that found installed, version by name; null: not recorded. */
  packages: Record<string, string> | null;
  /** Commit or tree. */
  code: string;
  /** Commits and trees in which lock files may be as the run had them. */
  ran: string[];
  /** Top of a worktree, where the bytes of its outputs lie; null: in the cache. */
  root: string | null;
}

export interface Sides {
  sides: Side[];
  /** Folders with trees of worktrees. */
  objects: string[];
  close(): void;
}

/** Throws E_NOT_FOUND, E_VERSION. To be closed. */
export async function openSides(
  context: Context,
  project: Project,
  names: readonly string[],
  versions: readonly Version[],
): Promise<Sides> {
  const folders: string[] = [];
  const close = () => {
    for (const folder of folders) removePath(folder);
  };
  const treeFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), "expver-diff-"));
    folders.push(folder);
    return folder;
  };
  try {
    const sides = await together(names.map((name) => sideOf(context, project, { name, versions, treeFolder })));
    return { sides, objects: folders, close };
  } catch (error) {
    close();
    throw error;
  }
}

interface Asked {
  name: string;
  versions: readonly Version[];
  treeFolder: () => string;
}

async function sideOf(context: Context, project: Project, { name, versions, treeFolder }: Asked): Promise<Side> {
  const { prefix } = project.config.versions;
  if (versionMeant(versions, name, prefix) !== undefined)
    return versionSide(project, context, { versions, version: pickVersion(versions, name, prefix) });
  if (name === NOW) return worktreeSide(project, context, { name, versions, treeFolder });
  const named = otherThanVersion(context, project, name, versions);
  if (named.kind === "commit") return commitSide(project, name, named.commit ?? "");
  const inside = contextIn(context, named.path ?? context.cwd);
  return worktreeSide(openProject(inside), context, { name, versions, treeFolder });
}

/** What is nothing else is a mistyped version. */
function otherThanVersion(context: Context, project: Project, name: string, versions: readonly Version[]): Named {
  try {
    const named = findSide(context, project, name);
    if (named.kind !== "file") return named;
  } catch (error) {
    if (!failedWith(error, "E_NOT_FOUND")) throw error;
  }
  const version = pickVersion(versions, name, project.config.versions.prefix);
  return { name, kind: "commit", path: null, commit: version.commit };
}

async function versionSide(
  project: Project,
  context: Context,
  { versions, version }: { versions: readonly Version[]; version: Version },
): Promise<Side> {
  const { name, commit, message, date } = (await settleSweeps(project, context, [version]))[0] ?? version;
  const known = metricNames(project.config, versions);
  // The snapshot the run was made from, when this repository still has it.
  const code = message.code === null ? null : resolveCommit(requireRepository(project), message.code);
  const { artifacts } = artifactsOf(project, version, readPointersAt(project, commit));
  const behind = runBehind(project, version, artifacts);
  return {
    name,
    kind: "version",
    commit,
    description: message.description,
    date,
    params: paramsOf(message, known),
    metrics: metricsOf(message, known),
    artifacts,
    command: behind?.run.command ?? null,
    environment: environmentFacts(behind?.run ?? null),
    packages: behind?.packages ?? null,
    code: code ?? commit,
    ran: [code ?? commit],
    root: null,
  };
}

function commitSide(project: Project, name: string, commit: string): Side {
  const { artifacts } = artifactsOf(project, { message: parseMessage("") }, readPointersAt(project, commit));
  const nothing = { description: "", date: "", params: {}, metrics: {}, command: null, environment: {}, packages: null };
  return { name, kind: "commit", commit, ...nothing, artifacts, code: commit, ran: [], root: null };
}

/** Parameters are those of its parameter file, else of {@link standingRun}; metrics those of that run, or of the sweep whose best it is. */
async function worktreeSide(project: Project, context: Context, { name, versions, treeFolder }: Asked): Promise<Side> {
  const repository = requireRepository(project);
  const known = metricNames(project.config, versions);
  const states = await outputStatus(project, readPointers(project), context);
  const pointers = states.flatMap(({ pointer, scan }) => (scan === null ? [] : [{ ...pointer, ...scan.content }]));
  const { artifacts } = artifactsOf(project, { message: parseMessage("") }, pointers);
  const { run, packages, sweep } = standingRun(project, { versions, artifacts }) ?? { run: null, packages: null, sweep: null };
  const numbers = run === null ? "no run yet" : `${sweep === null ? "latest run" : `best run of ${sweep.name}`}: ${run.run_id}`;
  const left = readNotedLeft(repository);
  const code = worktreeTree(repository, treeFolder(), (path) => left.has(path));
  return {
    name,
    kind: "worktree",
    commit: resolveCommit(repository, "HEAD") ?? "",
    description: [numbers, ...modelsOfOthers(run?.version ?? null, versions, artifacts)].join("; "),
    date: context.clock().toISOString(),
    params: { ...recordedTexts(run?.params ?? ""), ...readParameterFile(project) },
    metrics: sweep === null ? recordedTexts(run?.metrics ?? "") : metricsOf(sweep.message, known),
    artifacts,
    command: run?.command ?? null,
    environment: environmentFacts(run),
    packages,
    code,
    ran: [code, ...(run?.git_commit ? [run.git_commit] : [])],
    root: topOf(project),
  };
}

/** Brought back from another version: the numbers are not this model's. */
function modelsOfOthers(name: string | null, versions: readonly Version[], artifacts: readonly ShownArtifact[]): string[] {
  const own = versions.find((version) => version.name === name)?.message.models ?? [];
  return own.flatMap(({ path, hash }) => {
    const here = artifacts.find((artifact) => artifact.path === path)?.hash;
    const isHere = (entry: ArtifactEntry) => entry.path === path && entry.hash === here;
    const other = here === hash ? undefined : versions.findLast(({ message }) => message.models.some(isHere));
    return other === undefined ? [] : [`${path} is that of ${other.name}`];
  });
}
