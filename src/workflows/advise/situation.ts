/** What the repository itself answers of the three questions. */
import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { shownPath } from "../../config/paths.ts";
import { type Project, requireRepository } from "../../config/project.ts";
import { isSecretKey } from "../../config/secrets.ts";
import { loadYaml } from "../../config/yaml.ts";
import { ExpverError } from "../../errors.ts";
import { gitResult, type Repository } from "../../git/git.ts";
import { headBranch } from "../../git/refs.ts";
import type { Context } from "../../platform/context.ts";
import { namesIn, readTextIfExists } from "../../platform/files.ts";
import { lifeOf } from "../../platform/processes.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { refuseUnfit } from "../run/planning/refuse-unfit.ts";
import { readFacts } from "../run/run-facts.ts";
import { pageOfRuns, runningHere } from "../runs/run-views.ts";
import { countText } from "../sweep/state.ts";
import { listSweeps } from "../sweep/sweep-journal.ts";
import { sparseRemedy } from "../without-dvc.ts";
import { knownWorktrees } from "../worktree/records.ts";

export interface Situation {
  /** Parameters whose value in the `params:` file is a list of plain values: perhaps a grid. */
  grid: { name: string; values: string[] }[];
  /** Branches of experiments, `exp/…`. */
  branches: string[];
  /** The experiment whose worktree this is. */
  experiment: string | null;
  /** Experiment worktrees beside this one. */
  worktrees: string[];
  /** Runs that go on here. */
  running: string[];
  /** Command line of the latest run that did well, secrets hidden: what the next one probably runs. */
  lastCommand: string | null;
  /** The metrics file that run was asked to read, as it is typed from here. */
  lastMetrics: string | null;
  /** Parameters that run was given by name. */
  lastParams: { name: string; value: string }[];
  /** The latest sweep, when it was left before its end and nothing has run since. */
  openSweep: { sweep: string; counts: string } | null;
  /** The command line of what lies here and looks like a training; null: nothing does. */
  script: string | null;
  /** HEAD is on no branch, in no worktree that is for looking only. */
  detached: boolean;
  /** What a run would be refused for here, and what to do about it. */
  obstacle: { what: string; remedy: string } | null;
  /** Where there is no place for data yet: what to type first. */
  first: string | null;
}

export const INIT = "expver init";

export async function lookAtSituation(project: Project, context: Context): Promise<Situation> {
  const repository = requireRepository(project);
  if (repository.bare) refuseUnfit(repository, AS_USUAL);
  const branches = gitResult(repository, ["for-each-ref", "--format=%(refname:strip=2)", "refs/heads/exp/"]).stdout.toString("utf8");
  const { runs } = await pageOfRuns(project, { offset: 0, limit: 20 });
  context.signal?.throwIfAborted();
  const last = runs.find(({ status }) => status === "finished") ?? runs[0];
  const known = knownWorktrees(project, repository);
  const own = known.find(({ root }) => root === repository.root)?.record ?? null;
  return {
    grid: gridOf(project),
    branches: branches.split("\n").filter(Boolean),
    experiment: own?.kind === "experiment" ? own.name : null,
    worktrees: known.flatMap(({ record, there, root }) => (there && record?.kind === "experiment" && record !== own ? [root] : [])),
    running: await runningHere(project),
    lastCommand: last?.command ?? null,
    ...askedOf(project, last?.run_id),
    openSweep: openSweep(project, runs[0]?.run_id),
    script: scriptIn(context.cwd),
    detached: own?.kind !== "exploration" && headBranch(repository) === null,
    obstacle: obstacleOf(repository),
    first: project.dvcRoot === null ? (sparseRemedy(project) ?? INIT) : null,
  };
}

const AS_USUAL = { commit: true, edit: false };

function obstacleOf(repository: Repository): Situation["obstacle"] {
  try {
    refuseUnfit(repository, AS_USUAL);
    return null;
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return { what: error.message, remedy: error.hint };
  }
}

/** What else its command line had; only the machine it ran on knows. */
function askedOf(project: Project, runId: string | undefined): Pick<Situation, "lastMetrics" | "lastParams"> {
  const facts = runId === undefined ? null : readFacts(project, runId);
  if (facts === null) return { lastMetrics: null, lastParams: [] };
  const { metrics, metricsOfStage, given } = facts.closing;
  return {
    lastMetrics: metrics === null || metricsOfStage ? null : shownPath(project, metrics),
    lastParams: given.flatMap((name) => {
      const value = facts.params[name];
      return value === undefined || isSecretKey(name) ? [] : [{ name, value }];
    }),
  };
}

function openSweep(project: Project, latestRun: string | undefined): Situation["openSweep"] {
  const [sweep] = listSweeps(project);
  if (sweep === undefined || sweep.worktree !== project.repository?.root || sweep.result !== null) return null;
  const isWatched = sweep.owner !== null && lifeOf(sweep.owner) !== "dead";
  const isLatest = latestRun === undefined || sweep.attempts.some(({ run }) => run === latestRun);
  return isWatched || !isLatest ? null : { sweep: sweep.id, counts: countText(sweep) };
}

/** A pipeline, or a script where one stands, else in the usual folders below. */
function scriptIn(folder: string): string | null {
  if (existsSync(join(folder, "dvc.yaml"))) return "dvc repro";
  const scripts = ["", "src/", "scripts/"].flatMap((below) =>
    namesIn(join(folder, below)).flatMap((name) => {
      const program = PROGRAMS[extname(name)];
      return program === undefined ? [] : [{ path: below + name, name, program }];
    }),
  );
  const telling = scripts.find(({ name }) => /^(train|fit|main|experiment)/i.test(name)) ?? (scripts.length === 1 ? scripts[0] : undefined);
  return telling === undefined ? null : `${telling.program} ${shellWord(telling.path)}`;
}

const PROGRAMS: Readonly<Record<string, string>> = {
  ".py": "python",
  ".js": "node",
  ".mjs": "node",
  ".sh": "bash",
  ".R": "Rscript",
  ".jl": "julia",
};

function gridOf({ root, config }: Project): Situation["grid"] {
  if (config.params === null) return [];
  const text = readTextIfExists(join(root, config.params));
  if (text === null) return [];
  return listsIn(loadYaml(text, config.params, { exact: true }), "");
}

function listsIn(value: unknown, name: string): Situation["grid"] {
  if (Array.isArray(value)) {
    const plain = value.length > 1 && value.every((one) => typeof one !== "object");
    return plain ? [{ name, values: value.map(String) }] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => listsIn(inner, name === "" ? key : `${name}.${key}`));
}
