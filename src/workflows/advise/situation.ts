/** What the repository itself answers of the three questions. */
import { join } from "node:path";
import { type Project, requireRepository } from "../../config/project.ts";
import { loadYaml } from "../../config/yaml.ts";
import { gitResult } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { readTextIfExists } from "../../platform/files.ts";
import { pageOfRuns, runningHere } from "../runs/run-views.ts";
import { knownWorktrees } from "../worktree/records.ts";

export interface Situation {
  /** Parameters whose value in the `params:` file is a list of plain values: perhaps a grid. */
  grid: { name: string; values: string[] }[];
  /** Branches of experiments, `exp/…`. */
  branches: string[];
  /** Experiment worktrees beside this one. */
  worktrees: string[];
  /** Runs that go on here. */
  running: string[];
  /** Command line of the latest run, secrets hidden: what the next one probably runs. */
  lastCommand: string | null;
}

export async function lookAtSituation(project: Project, context: Context): Promise<Situation> {
  const repository = requireRepository(project);
  const branches = gitResult(repository, ["for-each-ref", "--format=%(refname:strip=2)", "refs/heads/exp/"]).stdout.toString("utf8");
  const { runs } = await pageOfRuns(project, { offset: 0, limit: 1 });
  context.signal?.throwIfAborted();
  return {
    grid: gridOf(project),
    branches: branches.split("\n").filter(Boolean),
    worktrees: knownWorktrees(project, repository).flatMap(({ record, there, root }) =>
      there && record?.kind === "experiment" ? [root] : [],
    ),
    running: await runningHere(project),
    lastCommand: runs[0]?.command ?? null,
  };
}

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
