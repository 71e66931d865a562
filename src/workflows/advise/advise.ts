/** `expver advise`: which workflow, level and commands, with the reasons; what the repository cannot answer is asked. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { typedPath } from "../../config/paths.ts";
import { openProject, type Project } from "../../config/project.ts";
import { gitResult } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { someOf } from "../../platform/words.ts";
import { readDvcConfig } from "../../store/settings/dvc-config.ts";
import { readNumbers } from "../../versions/reserve.ts";
import type { Level } from "../../versions/tag-name.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { choice, textIn } from "../input.ts";
import { fromHere } from "../worktree/make.ts";
import { folderOf, mainProject, placeFor } from "../worktree/records.ts";
import { describeChanges } from "./description.ts";
import { adviseLevel, type LevelAdvice } from "./level.ts";
import { type SinceLast, sinceLastVersion } from "./since-last.ts";
import { INIT, lookAtSituation, type Situation } from "./situation.ts";

export type WorkflowName = "sequential" | "parallel" | "worktree";

export interface Question {
  asks: string;
  /** Option and the words it takes. */
  answer: string;
}

export interface Advice {
  workflow: WorkflowName;
  /** Engine for xetrack's Tracker in the programs. */
  engine: "sqlite" | "duckdb";
  branching: "this branch" | "a branch per experiment";
  reasons: string[];
  /** Open: the workflow is what holds if they are answered as most are. */
  questions: Question[];
  version: LevelAdvice & { next: string };
  /** For -m; empty when nothing has changed that could be named. */
  description: string;
  commands: string[];
  warnings: string[];
  since: SinceLast;
  situation: Situation;
}

export const advise: ReadWorkflow<Input, Advice> = {
  async read(context, input) {
    const experiments = choice(input.experiments, ["one", "many"] as const, "--experiments");
    const differ = choice(input.differ, ["params", "code", "data"] as const, "--differ");
    const project = openProject(context);
    const situation = await lookAtSituation(project, context);
    const since = await sinceLastVersion(project, context);
    const { workflow, reasons, questions } = chooseWorkflow({ experiments, differ }, situation);
    const version = adviseLevel(since);
    const next = readNumbers(project).next(version.level);
    const description = describeChanges(since);
    const command = textIn(input.command) ?? situation.lastCommand ?? situation.script ?? "COMMAND";
    return {
      workflow,
      engine: workflow === "parallel" ? "duckdb" : "sqlite",
      branching: workflow === "worktree" ? "a branch per experiment" : "this branch",
      reasons,
      questions,
      version: { ...version, next },
      description,
      commands: commandsOf(workflow, { command, description, level: version.level, situation, project, context }),
      warnings: warningsOf(since, { situation, project, workflow }),
      since,
      situation,
    };
  },
};

interface Answers {
  experiments: "one" | "many" | undefined;
  differ: "params" | "code" | "data" | undefined;
}

function chooseWorkflow(
  { experiments, differ }: Answers,
  { grid, running }: Situation,
): Pick<Advice, "workflow" | "reasons" | "questions"> {
  if (differ === "code" || differ === "data") {
    return { workflow: "worktree", reasons: [`experiments with different ${differ} need a folder and a branch each`], questions: [] };
  }
  if (experiments === "many" || differ === "params") {
    const reasons = ["many settings of the same code and data: one sweep, one version, a private workspace and database for each run"];
    const open = differ === undefined ? [ASK_DIFFER] : [];
    return { workflow: "parallel", reasons: [...reasons, ...gridReasons(grid)], questions: open };
  }
  if (experiments === "one") {
    if (running.length === 0) return { workflow: "sequential", reasons: ["a single experiment"], questions: [] };
    const reasons = [`${someOf(running)} goes on in this worktree, and a second run beside it is refused`];
    return { workflow: "worktree", reasons, questions: [] };
  }
  if (running.length > 0) {
    const reasons = [`${someOf(running)} goes on in this worktree: what is done beside it needs a folder of its own`];
    return { workflow: "worktree", reasons, questions: [ASK_EXPERIMENTS] };
  }
  if (grid.length > 0) return { workflow: "parallel", reasons: gridReasons(grid), questions: [ASK_EXPERIMENTS, ASK_DIFFER] };
  return { workflow: "sequential", reasons: ["nothing here speaks of several experiments at once"], questions: [ASK_EXPERIMENTS] };
}

const ASK_EXPERIMENTS: Question = { asks: "One experiment, or several side by side?", answer: "--experiments one|many" };
const ASK_DIFFER: Question = { asks: "Do they differ in parameters only, or in code or data?", answer: "--differ params|code|data" };

function gridReasons(grid: Situation["grid"]): string[] {
  const lists = grid.map(({ name, values }) => `${name}: ${someOf(values)}`);
  return lists.length === 0 ? [] : [`the parameters file has lists that look like a grid (${someOf(lists)})`];
}

interface CommandFacts {
  command: string;
  description: string;
  level: Level;
  situation: Situation;
  project: Project;
  context: Context;
}

function placeOf(workflow: WorkflowName, project: Project): string {
  const { repository, cwd } = project;
  if (workflow !== "worktree" || repository === null) return "../exp-NAME";
  const here = relative(repository.root, cwd);
  // What is typed is relative to where one is, if that will be there too.
  const isCommitted = here !== "" && gitResult(repository, ["cat-file", "-e", `HEAD:${here}`], { allow: [1, 128] }).code === 0;
  return relative(cwd, join(placeFor(project, repository, "exp-NAME"), (isCommitted ? here : folderOf(project).folder) ?? ""));
}

function commandsOf(workflow: WorkflowName, facts: CommandFacts): string[] {
  const { command, description, level, situation, project } = facts;
  const message = `-m ${shellWord(description === "" ? "what it tries" : description)}`;
  const flag = level === "minor" ? [] : [`--${level}`];
  const metrics = situation.lastMetrics === null ? [] : [`--metrics ${shellWord(situation.lastMetrics)}`];
  const given = (but: ReadonlySet<string>) =>
    situation.lastParams.flatMap(({ name, value }) => (but.has(name) ? [] : [`--param ${shellWord(`${name}=${value}`)}`]));
  const run = () => ["expver run", ...flag, ...metrics, ...given(new Set()), message, "--", command].join(" ");
  const first = situation.first === null ? [] : [situation.first];
  if (workflow === "sequential") return [...first, run(), "expver list", ...endOf(facts)];
  if (workflow === "parallel") {
    const { options, names, command: varied } = gridFor(command, situation);
    const sweep = ["expver sweep", ...flag, options, ...metrics, ...given(names), "--jobs 4", message, "--", varied].join(" ");
    return [...first, sweep, "expver models list", ...endOf(facts)];
  }
  return [
    ...first,
    ...commitFirst(project, situation),
    "expver worktree create NAME",
    `cd ${shellWord(placeOf(workflow, project))}`,
    run(),
    "expver check NAME",
    fromHere(project, "expver worktree finish NAME"),
  ];
}

/** A worktree has what is committed: without what `init` writes there is no project in it. */
function commitFirst({ repository, root, cwd, dvcRoot }: Project, { first }: Situation): string[] {
  if (repository === null || (first !== null && first !== INIT)) return [];
  const settings = relative(repository.root, join(root, ".dvc/config"));
  if (gitResult(repository, ["cat-file", "-e", `HEAD:${settings}`], { allow: [1, 128] }).code === 0) return [];
  const written = [".dvc", ".dvcignore", ".gitattributes", ".gitignore", "expver.yaml"].map((name) => join(root, name));
  const files = written.filter((path) => dvcRoot === null || existsSync(path)).map((path) => shellWord(relative(cwd, path)));
  return [`git add ${files.join(" ")} && git commit -m 'expver init'`];
}

/** An experiment is brought to where it came from; without a place that others see there is nothing to publish to. */
function endOf({ situation: { experiment }, project, context }: CommandFacts): string[] {
  const { repository } = project;
  if (experiment !== null && repository !== null) {
    const name = shellWord(experiment);
    return [`expver check ${name}`, fromHere({ cwd: mainProject(project, repository, context).root }, `expver worktree finish ${name}`)];
  }
  return project.dvcRoot === null || readDvcConfig(project).defaultRemote === null ? [] : ["expver publish"];
}

/** A value that is written out in the command would win over the grid's: it becomes `{name}`. */
function gridFor(command: string, { grid, lastParams }: Situation): { options: string; names: Set<string>; command: string } {
  const withName = (all: string, names: ReadonlySet<string>) =>
    all.replace(/( --([\w.-]+)[ =])\S+/g, (word, flag, name) => (names.has(name) ? `${flag}{${name}}` : word));
  if (grid.length > 0) {
    const names = new Set(grid.map(({ name }) => name));
    const options = grid.map(({ name, values }) => `--grid ${shellWord(`${name}=${values.join(",")}`)}`).join(" ");
    return { options, names, command: withName(command, names) };
  }
  const [written] = [...command.matchAll(/ --([\w.-]+)[ =](-?[\d.]+(?:e-?\d+)?)(?= |$)/g)].map(([, name = "", value = ""]) => ({
    name,
    value,
  }));
  // A grid would take a comma, or two points, for several values.
  const first = lastParams.find(({ value }) => !/,|\.\./.test(value)) ?? written;
  if (first === undefined) return { options: "--grid lr=0.01,0.1", names: new Set(["lr"]), command };
  const names = new Set([first.name]);
  return { options: `--grid ${shellWord(`${first.name}=${first.value},OTHER`)}`, names, command: withName(command, names) };
}

function warningsOf(
  { uncommitted, data, heldBack, absent }: SinceLast,
  { situation, project, workflow }: { situation: Situation; project: Project; workflow: WorkflowName },
): string[] {
  const { branches, worktrees, experiment, obstacle, detached, openSweep } = situation;
  const warnings: string[] = [];
  if (obstacle !== null) warnings.push(`${obstacle.what}: ${obstacle.remedy}`);
  if (openSweep !== null) warnings.push(`a sweep was left before its end (${openSweep.counts}): expver sweep --resume ${openSweep.sweep}`);
  if (absent.length > 0) {
    const which = absent.length > 4 ? "" : absent.map((path) => ` ${typedPath(project, path)}`).join("");
    warnings.push(`data that is not here: ${someOf(absent)}; expver data pull${which}`);
  }
  for (const { path, advice } of heldBack.slice(0, 4)) warnings.push(`a run leaves ${path} out: ${advice}`);
  const becomes = workflow === "worktree" ? "a new worktree begins without it: commit it first" : "a run takes it into its snapshot";
  if (uncommitted.length > 0) warnings.push(`not committed: ${someOf(uncommitted)}; ${becomes}`);
  if (data.length > 0) warnings.push("data differs from the last version's: results are comparable only if that is meant");
  // In the middle of a rebase it has to be.
  if (detached && obstacle === null)
    warnings.push("HEAD is detached: what a run commits is on no branch; git switch -c NAME first, if it is to be on one");
  if (worktrees.length > 0) warnings.push(`experiments that are not finished: ${someOf(worktrees)}`);
  else if (branches.length > 0 && experiment === null) warnings.push(`branches of experiments: ${someOf(branches)}`);
  return warnings;
}
