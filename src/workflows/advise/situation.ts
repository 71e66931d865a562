/** What the repository itself answers of the three questions. */
import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { type Project, requireRepository } from "../../config/project.ts";
import { loadYaml } from "../../config/yaml.ts";
import { gitResult } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { namesIn, readTextIfExists } from "../../platform/files.ts";
import { shellWord } from "../../platform/shell-word.ts";
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
  /** Command line of the latest run that did well, secrets hidden: what the next one probably runs. */
  lastCommand: string | null;
  /** The command line of what lies here and looks like a training; null: nothing does. */
  script: string | null;
}

export async function lookAtSituation(project: Project, context: Context): Promise<Situation> {
  const repository = requireRepository(project);
  const branches = gitResult(repository, ["for-each-ref", "--format=%(refname:strip=2)", "refs/heads/exp/"]).stdout.toString("utf8");
  const { runs } = await pageOfRuns(project, { offset: 0, limit: 20 });
  context.signal?.throwIfAborted();
  return {
    grid: gridOf(project),
    branches: branches.split("\n").filter(Boolean),
    worktrees: knownWorktrees(project, repository).flatMap(({ record, there, root }) =>
      there && record?.kind === "experiment" ? [root] : [],
    ),
    running: await runningHere(project),
    lastCommand: (runs.find(({ status }) => status === "finished") ?? runs[0])?.command ?? null,
    script: scriptIn(context.cwd),
  };
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
