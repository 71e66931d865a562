/** `expver advise`: which workflow, level and commands, with the reasons; what the repository cannot answer is asked. */
import { relative } from "node:path";
import { openProject, type Project } from "../../config/project.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { readNumbers } from "../../versions/reserve.ts";
import type { Level } from "../../versions/tag-name.ts";
import type { Input, ReadWorkflow } from "../contract.ts";
import { choice, textIn } from "../input.ts";
import { placeFor } from "../worktree/records.ts";
import { describeChanges } from "./description.ts";
import { adviseLevel, type LevelAdvice, some } from "./level.ts";
import { type SinceLast, sinceLastVersion } from "./since-last.ts";
import { lookAtSituation, type Situation } from "./situation.ts";

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
      commands: commandsOf(workflow, { command, description, level: version.level, situation, place: placeOf(workflow, project) }),
      warnings: warningsOf(since, situation),
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
    const reasons = [`${some(running)} goes on in this worktree, and a second run beside it is refused`];
    return { workflow: "worktree", reasons, questions: [] };
  }
  if (running.length > 0) {
    const reasons = [`${some(running)} goes on in this worktree: what is done beside it needs a folder of its own`];
    return { workflow: "worktree", reasons, questions: [ASK_EXPERIMENTS] };
  }
  if (grid.length > 0) return { workflow: "parallel", reasons: gridReasons(grid), questions: [ASK_EXPERIMENTS, ASK_DIFFER] };
  return { workflow: "sequential", reasons: ["nothing here speaks of several experiments at once"], questions: [ASK_EXPERIMENTS] };
}

const ASK_EXPERIMENTS: Question = { asks: "One experiment, or several side by side?", answer: "--experiments one|many" };
const ASK_DIFFER: Question = { asks: "Do they differ in parameters only, or in code or data?", answer: "--differ params|code|data" };

function gridReasons(grid: Situation["grid"]): string[] {
  const lists = grid.map(({ name, values }) => `${name}: ${some(values)}`);
  return lists.length === 0 ? [] : [`the parameters file has lists that look like a grid (${some(lists)})`];
}

interface CommandFacts {
  command: string;
  description: string;
  level: Level;
  situation: Situation;
  /** Of an experiment's worktree, as it is typed from here. */
  place: string;
}

function placeOf(workflow: WorkflowName, project: Project): string {
  const { repository, cwd } = project;
  return workflow === "worktree" && repository !== null ? relative(cwd, placeFor(project, repository, "exp-NAME")) : "../exp-NAME";
}

function commandsOf(workflow: WorkflowName, { command, description, level, situation, place }: CommandFacts): string[] {
  const message = `-m ${shellWord(description === "" ? "what it tries" : description)}`;
  const flag = level === "minor" ? "" : ` --${level}`;
  if (workflow === "sequential") return [`expver run${flag} ${message} -- ${command}`, "expver list", "expver publish"];
  if (workflow === "parallel") {
    const { options, command: varied } = gridFor(command, situation.grid);
    return [`expver sweep${flag} ${options} --jobs 4 ${message} -- ${varied}`, "expver models list", "expver publish"];
  }
  return [
    "expver worktree create NAME",
    `cd ${shellWord(place)}`,
    `expver run${flag} ${message} -- ${command}`,
    "expver check NAME",
    "expver worktree finish NAME",
  ];
}

/** A value that is written out in the command would win over the grid's: it becomes `{name}`. */
function gridFor(command: string, grid: Situation["grid"]): { options: string; command: string } {
  const numbers = [...command.matchAll(/ --([\w.-]+)[ =](-?[\d.]+(?:e-?\d+)?)(?= |$)/g)].map(([, name = "", value = ""]) => ({
    name,
    value,
  }));
  if (grid.length > 0) {
    const names = new Set(grid.map(({ name }) => name));
    const options = grid.map(({ name, values }) => `--grid ${shellWord(`${name}=${values.join(",")}`)}`).join(" ");
    return {
      options,
      command: command.replace(/( --([\w.-]+)[ =])\S+/g, (all, flag, name) => (names.has(name) ? `${flag}{${name}}` : all)),
    };
  }
  const [first] = numbers;
  if (first === undefined) return { options: "--grid lr=0.01,0.1", command };
  return {
    options: `--grid ${first.name}=${first.value},OTHER`,
    command: command.replace(new RegExp(`( --${first.name.replaceAll(".", "\\.")}[ =])\\S+`), `$1{${first.name}}`),
  };
}

function warningsOf({ uncommitted, data }: SinceLast, { branches, worktrees }: Situation): string[] {
  const warnings: string[] = [];
  if (uncommitted.length > 0) warnings.push(`not committed: ${some(uncommitted)}; a run takes it into its snapshot`);
  if (data.length > 0) warnings.push("data differs from the last version's: results are comparable only if that is meant");
  if (worktrees.length > 0) warnings.push(`experiments that are not finished: ${some(worktrees)}`);
  else if (branches.length > 0) warnings.push(`branches of experiments: ${some(branches)}`);
  return warnings;
}
