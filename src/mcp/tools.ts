/** The tools: what an agent asks for, as command lines of expver. Reading ones answer; planning ones show what `expver_apply` would do. */
import * as z from "zod";
import { ROWS } from "./answer.ts";

export interface Tool {
  name: string;
  title: string;
  /** What it is for and when to use it; below 2 KB, clients cut the rest. */
  description: string;
  input: Record<string, z.ZodType>;
  /** Words after `expver`. Throws nothing: the command itself refuses what makes no sense. */
  words: (input: Values) => string[];
  /** The list of the answer that is paged: the first of these it has. */
  rows?: string[];
  /** The text of the answer of which the end counts. */
  tail?: string;
  /** Arguments that may be paths: none may lead out of the folders the server was started for. */
  paths?: string[];
  /** The command pages by itself: this field of its answer says how many there are. */
  counted?: string;
  /** What to do when an answer takes too long; default: ask for less. */
  patience?: string;
  /** It asks a server: Git or data remote. */
  openWorld?: true;
}

/** Arguments as validated by `input`. */
export type Values = Record<string, unknown>;

const version = z.string().describe("version tag, such as e0.3.1");
const versions = z.array(z.string()).max(50).describe("version tags, such as e0.3.1");
const run = z.string().describe("run id or its beginning, such as quiet-otter-0412");
const metric = z.string().describe("metric to rank by; default: the first of expver.yaml");
const remote = z.string().describe("name of the DVC remote; default: the default one");
const path = z.string().describe("file or folder, relative to the repository");

/** A word that the parser can never take for an option. */
function value(flag: string, given: unknown): string[] {
  if (given === undefined || given === false) return [];
  if (given === true) return [flag];
  if (Array.isArray(given)) return given.flatMap((one) => value(flag, one));
  return [`${flag}=${String(given)}`];
}

/** Positional words, behind `--`, so that a name beginning with a dash stays a name. */
function names(...given: unknown[]): string[] {
  const words = given.flat().filter((one) => one !== undefined);
  return words.length === 0 ? [] : ["--", ...words.map(String)];
}

export const READING: Tool[] = [
  {
    name: "expver_list",
    title: "List versions",
    description:
      "Every experiment version, best first by the metric's own direction, with parameters, metrics and data hash. Start here for questions such as: which experiment was best, what was tried. Page with offset; name fields to make rows smaller.",
    input: {
      sort: z.string().optional().describe("metric, parameter, `version` or `date`; several with commas, - turns one round"),
      where: z
        .string()
        .max(2_000)
        .optional()
        .describe("only those: accuracy > 0.9 and model ~ bert; not, or, in (…), is missing, parentheses"),
      group_by: z.string().optional().describe("across seeds: parameter names, or `all but seed`: n, mean, deviation, interval"),
    },
    words: ({ sort, where, group_by: group }) => [
      "list",
      "--all",
      ...value("--sort", sort),
      ...value("--where", where),
      ...value("--group-by", group),
    ],
    rows: ["versions"],
  },
  {
    name: "expver_advise",
    title: "Which workflow, level, words",
    description:
      "Before an experiment: which workflow fits (sequential, parallel, worktree), the version level and why, a message drawn from what changed, and the commands. about=merge: merge or rebase per artifact. about=description: what a version changed. about=get: where old bytes come from. about=cleanup: what could go.",
    openWorld: true,
    input: {
      about: z.enum(["workflow", "merge", "description", "get", "cleanup"]).optional(),
      other: z.string().optional().describe("merge: worktree, branch or version"),
      experiments: z.enum(["one", "many"]).optional(),
      differ: z.enum(["params", "code", "data"]).optional().describe("what the experiments differ in"),
      version: version.optional(),
      path: path.optional(),
    },
    words: ({ about = "workflow", experiments, differ, version, path, other }) => [
      "advise",
      String(about),
      ...(about === "workflow" ? [...value("--experiments", experiments), ...value("--differ", differ)] : []),
      ...(about === "merge" ? names(other) : []),
      ...(about === "description" ? names(version) : about === "get" ? names(version ?? "", path) : []),
    ],
    rows: ["items"],
  },
  {
    name: "expver_show",
    title: "Show a version, what made it, or who used it",
    description:
      "about=version (default): everything one version left behind: tag text, commits, exact parameters and metrics, runs, data and models with hash, size and where the bytes are. about=lineage: what data and versions made it. about=uses: which versions used a path, a hash or a version (name it in `of`).",
    input: {
      version: version.optional().describe("version tag, such as e0.3.1; needed but for about=uses"),
      about: z.enum(["version", "lineage", "uses"]).optional(),
      of: z.string().optional().describe("for uses: path, beginning of a hash, or version"),
    },
    words: ({ version, about, of }) =>
      about === "uses" ? ["uses", ...names(of ?? version)] : [about === "lineage" ? "lineage" : "show", ...names(version)],
  },
  {
    name: "expver_diff",
    title: "Compare versions",
    description:
      "Two to ten versions against the first: parameters, metrics with exact difference and better or worse, data, models, code (a line a file; with code=true the patch).",
    input: { versions: versions.min(2), code: z.boolean().optional().describe("the code's whole patch") },
    words: ({ versions, code }) => ["diff", ...value("--code", code), ...names(versions)],
  },
  {
    name: "expver_verify",
    title: "Verify versions",
    description:
      "Proves the chain tag → commits → pointers → bytes → result rows. Each link is proven, missing, wrong or unrecorded. quick only looks whether objects are there; cloud also asks the data remote.",
    input: {
      versions: versions.optional().describe("version tags; default: all"),
      quick: z.boolean().optional(),
      cloud: z.boolean().optional(),
    },
    words: ({ versions, quick, cloud }) => ["verify", ...value("--quick", quick), ...value("--cloud", cloud), ...names(versions)],
    rows: ["versions"],
    openWorld: true,
  },
  {
    name: "expver_sql",
    title: "Ask results or data in SQL",
    description:
      "One read-only SELECT: to the results database (tables: the programs' own, expver_runs, expver_run_tracks), or with data to parquet and CSV files in DuckDB's dialect, each a table of its file's name. With version as that version has them.",
    input: {
      question: z.string().max(20_000).describe("SELECT …, WITH … or VALUES …"),
      version: version.optional(),
      data: z.array(path).max(20).optional(),
    },
    // No more rows than the page needs; whether there are others the answer says itself.
    words: ({ question, version, data, offset, limit }) => [
      "sql",
      ...value("--limit", Number(offset ?? 0) + Number(limit ?? ROWS)),
      ...value("--version", version),
      ...value("--data", data),
      ...names(question),
    ],
    rows: ["rows"],
  },
  {
    name: "expver_runs",
    title: "List runs",
    description:
      "Executions, the latest first, with status, parameters, metrics and version: what runs now, what finished, failed or was killed.",
    input: {},
    words: ({ offset = 0, limit = 20 }) => ["runs", "list", ...value("--offset", offset), ...value("--limit", limit)],
    rows: ["runs"],
    counted: "total",
  },
  {
    name: "expver_run_status",
    title: "Look at a run, or wait for it",
    description:
      "One run: status, parameters, metrics, how it ended. With wait=true it answers when the run has ended; after 40 s that is an error: call it again. With log_lines the end of its output instead. job: the result of an expver_apply that answered state=running.",
    input: {
      job: z.string().optional().describe("id from expver_apply"),
      run: run.optional().describe("run id or its beginning; default: the latest"),
      wait: z.boolean().optional().describe("answer when it has ended"),
      log_lines: z.number().int().min(1).max(500).optional().describe("the last lines of its output"),
    },
    words: ({ run, wait, log_lines: lines }) =>
      lines === undefined
        ? ["runs", wait === true ? "wait" : "show", ...names(run)]
        : ["runs", "logs", ...value("--lines", lines), ...names(run)],
    tail: "text",
    patience: "Only the waiting was stopped: the run goes on. Call expver_run_status again.",
  },
  {
    name: "expver_models",
    title: "List models",
    description:
      "Models of versions, runs and candidates, best first, with hash, size, where the bytes are, and which one is in production. production_only tells what is in production, and whether it is what was promoted.",
    input: { metric: metric.optional(), production_only: z.boolean().optional() },
    words: ({ metric, production_only: only }) => ["models", only === true ? "info" : "list", ...value("--metric", metric)],
    rows: ["models"],
  },
  {
    name: "expver_status",
    title: "What is unsafe, wrong, or was done",
    description:
      "worktrees (default): each worktree with what in it is nowhere else: changes, new files, unpublished versions, unsent data. data: tracked data that differs from its pointer. problems: what is wrong with the repository and what to type. operations: the journal of writing commands, newest first, or with `operation` one of them with its effects.",
    openWorld: true,
    input: {
      of: z.enum(["worktrees", "data", "problems", "operations"]).optional(),
      operation: z.string().optional().describe("id of an operation, or its last digits"),
    },
    words: ({ of, operation }) => {
      if (operation !== undefined) return ["ops", "show", ...names(operation)];
      if (of === "operations") return ["ops", "list", "--all"];
      if (of === "problems") return ["doctor", "--dry-run"];
      return of === "data" ? ["data", "status", "--json"] : ["worktrees", "--check"];
    },
    rows: ["worktrees", "findings", "operations"],
  },
];

export const PLANNING: Tool[] = [
  {
    name: "expver_plan_run",
    title: "Plan a run or a sweep",
    description:
      "One experiment: snapshot of the code, the program, its rows and outputs, a commit and the next version tag. `{name}` in the command becomes the parameter's value. Applying starts it in the background and answers its run id: follow it with expver_run_status. With grid one sweep: a run for each combination, in private workspaces, one version, the best promoted if it beats production; it goes on as a job. Level: major for architecture or data changes, minor for parameters and features, patch for reruns and fixes.",
    paths: ["metrics_file"],
    openWorld: true,
    input: {
      command: z.array(z.string()).min(1).max(200).describe('program and arguments: ["python", "train.py", "--lr", "{lr}"]'),
      message: z.string().optional().describe("what this experiment tries, one short line"),
      level: z.enum(["major", "minor", "patch"]).optional(),
      params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      metrics_file: z.string().optional().describe("JSON or YAML file the program writes its metrics to"),
      grid: z
        .record(z.string(), z.array(z.union([z.string(), z.number(), z.boolean()])).min(1))
        .optional()
        .describe("values by parameter"),
      jobs: z.number().int().min(1).max(64).optional().describe("with grid: how many run at once"),
    },
    words: ({ command, message, level, params, metrics_file: file, grid, jobs }) => [
      ...(grid === undefined
        ? ["run", "--detach"]
        : [
            "sweep",
            ...Object.entries(grid as Record<string, unknown[]>).map(([name, all]) => `--grid=${name}=${all.join(",")}`),
            ...value("--jobs", jobs),
          ]),
      ...value("--message", message),
      ...(level === undefined ? [] : [`--${String(level)}`]),
      ...Object.entries((params ?? {}) as Record<string, unknown>).map(([name, one]) => `--param=${name}=${String(one)}`),
      ...value("--metrics", file),
      ...names(command),
    ],
  },
  {
    name: "expver_plan_tag",
    title: "Plan a version tag",
    description: "A version of HEAD, or of a run that has none. Use it for work that was not made by expver_plan_run.",
    openWorld: true,
    input: {
      description: z.string().optional(),
      run: run.optional(),
      version: version.optional().describe("default: the next free number"),
      level: z.enum(["major", "minor", "patch"]).optional(),
    },
    words: ({ description, run, version, level }) => [
      "tag",
      ...value("--description", description),
      ...value("--run", run),
      ...(level === undefined ? [] : [`--${String(level)}`]),
      ...names(version),
    ],
  },
  {
    name: "expver_plan_share",
    title: "Plan to publish or fetch versions",
    description:
      "publish: sends the versions' data and models to the data remote, checks that all are there, then pushes branch and tags; cannot be undone on the remote. sync: brings tags and results others published, and for the versions named their data and models into the cache.",
    input: {
      action: z.enum(["publish", "sync"]),
      versions: versions.optional().describe("publish: default every unpublished one"),
      remote: remote.optional(),
    },
    words: ({ action, versions, remote }) => [String(action), ...value("--remote", remote), ...names(versions)],
    openWorld: true,
  },
  {
    name: "expver_plan_get",
    title: "Plan to get a file of a version",
    description:
      "A file or folder as a version has it, written to `out`; with model=true the version's or run's model. HEAD, index and other files stay untouched. in_place=true brings the file, folder or data back at its own place instead; refused where unsaved bytes would give way.",
    paths: ["out"],
    input: {
      version: z.string().describe("version tag, VERSION#RUN, or with model=true a run id"),
      path: path.optional().describe("which file or folder; not needed with model=true"),
      out: z.string().optional().describe("where to; default: its own name at the top of the repository"),
      model: z.boolean().optional(),
      in_place: z.boolean().optional(),
    },
    words: ({ version, path, out, model, in_place: inPlace }) =>
      inPlace === true
        ? ["restore", ...names(version, path)]
        : model === true
          ? ["models", "get", ...value("--out", out), ...value("--path", path), ...names(version)]
          : ["get", ...value("--out", out), ...names(version, path)],
    openWorld: true,
  },
  {
    name: "expver_plan_model",
    title: "Plan to promote, keep or prune models",
    description:
      "promote: make a model (of a version or run, or the best) the production one, behind gates. add: keep a run's model as a candidate. prune: remove candidates beyond the best `keep` that are provably kept elsewhere.",
    input: {
      action: z.enum(["promote", "add", "prune"]),
      model: z.string().optional().describe("version tag, VERSION#RUN or run id; for promote default: the best"),
      metric: metric.optional(),
      min: z.record(z.string(), z.number()).optional().describe("promote: gate, metrics that must reach this"),
      better_than_production: z.boolean().optional(),
      keep: z.number().int().min(0).optional().describe("prune: how many of the best stay; default: models.keep of expver.yaml, 5"),
    },
    words: ({ action, model, metric, min, better_than_production: better, keep }) => [
      "models",
      String(action),
      ...(action === "promote" && model === undefined ? ["--best"] : []),
      ...(action === "add" ? [] : value("--metric", metric)),
      ...(action === "promote"
        ? Object.entries((min ?? {}) as Record<string, unknown>).map(([name, one]) => `--min=${name}=${String(one)}`)
        : []),
      ...(action === "promote" && better === true ? ["--better-than=production"] : []),
      ...(action === "prune" ? value("--keep", keep) : names(model)),
    ],
  },
  {
    name: "expver_plan_merge",
    title: "Plan to merge results or data",
    description:
      "Brings rows and columns of other results databases (or parquet or CSV files) into one. from: worktrees, branches, tags or database files, into the project's own results; with base into that file. merge keeps every row and refuses on conflicts; rebase replaces rows whose key_columns values occur in the others, with a backup.",
    paths: ["from", "base", "output"],
    input: {
      from: z.array(z.string()).min(1).max(50),
      base: z.string().optional().describe("database or data file that the others are merged into; default: the project's results"),
      output: z.string().optional().describe("default: the base"),
      strategy: z.enum(["merge", "rebase"]).optional(),
      key_columns: z.array(z.string()).optional().describe("rebase: needed; columns whose values say which rows replace which"),
      on_conflict: z.enum(["ours", "theirs", "newest"]).optional().describe("of two values of one cell; default: refuse"),
    },
    words: ({ base, from, output, strategy, key_columns: keys, on_conflict: choice }) => {
      const kind = /\.(parquet|csv)$/i.test(String(base)) ? "data" : "db";
      return [
        "merge",
        ...value(`--base-${kind}`, base),
        ...value(`--output-${kind}`, output),
        ...value("--strategy", strategy),
        ...value("--key-columns", keys),
        ...value("--on-conflict", choice),
        ...names(from),
      ];
    },
  },
  {
    name: "expver_plan_worktree",
    title: "Plan a worktree",
    description:
      "create: a worktree and branch for an experiment with its own code or data, on the same cache. finish: its results, data, model and, if wanted, code come here, with a version, and it goes. explore: a version as it was, beside today's work. remove and cleanup: gone again, refused while something in it is nowhere else.",
    openWorld: true,
    input: {
      action: z.enum(["create", "finish", "explore", "remove", "cleanup"]),
      name: z.string().optional().describe("experiment name; for explore and cleanup a version (cleanup: default all)"),
      from: z.string().optional().describe("create: revision it starts from; default HEAD"),
      results: z.enum(["merge", "rebase", "none"]).optional().describe("finish: default merge"),
      data: z.enum(["merge", "rebase", "none"]).optional().describe("finish: default merge"),
      models: z.enum(["candidate", "promote", "none"]).optional().describe("finish: default candidate"),
      code: z.enum(["merge", "none"]).optional().describe("finish: default none"),
      message: z.string().optional(),
    },
    words: ({ action, name, from, results, data, models, code, message }) => {
      if (action === "explore") return ["checkout", ...names(name)];
      if (action === "cleanup") return ["cleanup", ...names(name)];
      const finishing = { "--results": results, "--data": data, "--models": models, "--code": code, "--message": message };
      return [
        "worktree",
        String(action),
        ...(action === "create" ? value("--from", from) : []),
        ...(action === "finish" ? Object.entries(finishing).flatMap(([flag, given]) => value(flag, given)) : []),
        ...names(name),
      ];
    },
  },
  {
    name: "expver_plan_data",
    title: "Plan to track or move data",
    description:
      "add: track files or folders by pointers. checkout: make tracked files what their pointers say. push, pull: to and from the data remote.",
    input: {
      action: z.enum(["add", "checkout", "push", "pull"]),
      paths: z.array(path).max(200).optional().describe("add: needed; else default: all tracked data"),
      remote: remote.optional(),
    },
    words: ({ action, paths, remote }) => [
      "data",
      String(action),
      ...(action === "push" || action === "pull" ? value("--remote", remote) : []),
      ...names(paths),
    ],
    openWorld: true,
  },
  {
    name: "expver_plan_recovery",
    title: "Plan to undo, repair or stop",
    description:
      "undo: takes an operation back while everything it left still stands; refused, naming the blocker, when something has changed since. repair: what is safe to repair of the problems expver_status finds. stop: asks a running program to stop; its run keeps rows and log.",
    input: {
      action: z.enum(["undo", "repair", "stop"]),
      name: z.string().optional().describe("undo: operation id (default: the last one); stop: run id (default: the latest)"),
    },
    words: ({ action, name }) => {
      if (action === "repair") return ["doctor", "--fix"];
      return action === "undo" ? ["undo", ...names(name)] : ["runs", "stop", ...names(name)];
    },
  },
];
