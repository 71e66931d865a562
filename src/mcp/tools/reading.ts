/** Tools that answer at once and change nothing. */
import * as z from "zod";
import { ROWS } from "../answer.ts";
import { metric, path, run, version, versions } from "./arguments.ts";
import type { Tool } from "./tool.ts";
import { names, value } from "./words.ts";

const MODELS: Record<string, string> = { production: "info", history: "history" };

export const READING: Tool[] = [
  {
    name: "expver_list",
    title: "List versions",
    description:
      "Every experiment version, best first by the metric's own direction, with parameters, metrics and data hash. Start here for questions such as: which experiment was best, what was tried. Page with offset; name fields to make rows smaller.",
    commands: ["list"],
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
    commands: ["advise workflow", "advise merge", "advise description", "advise get", "advise cleanup"],
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
      "about=version (default): everything one version left behind: tag text, commits, exact parameters and metrics, runs, data and models with hash, size and where the bytes are. about=lineage: what data and versions made it. about=uses: which versions used a path, a hash or a version, or have the bytes of an untracked file (name it in `of`).",
    commands: ["show", "lineage", "uses"],
    paths: ["of"],
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
    commands: ["diff"],
    input: { versions: versions.min(2), code: z.boolean().optional().describe("the code's whole patch") },
    words: ({ versions, code }) => ["diff", ...value("--code", code), ...names(versions)],
  },
  {
    name: "expver_verify",
    title: "Verify versions",
    description:
      "Proves the chain tag → commits → pointers → bytes → result rows. Each link is proven, missing, wrong, unread (only a remote has the rows) or unrecorded. quick only looks whether objects are there; cloud also asks the data remote.",
    commands: ["verify"],
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
      "One read-only SELECT: to the results database (tables: the programs' own, expver_runs, expver_run_tracks, expver_packages), or with data to parquet and CSV files in DuckDB's dialect, each a table of its file's name. With version as that version has them.",
    commands: ["sql"],
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
    commands: ["runs list"],
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
    commands: ["runs show", "runs wait", "runs logs"],
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
      "about=models (default): those of versions, runs and candidates, best first, with hash, size, where the bytes are, and which one is in production. about=production: what is in production, and whether it is what was promoted. about=history: what was in production when, who put it there, and whether it can still be had.",
    input: { metric: metric.optional(), about: z.enum(["models", "production", "history"]).optional() },
    words: ({ metric, about = "models" }) => ["models", MODELS[String(about)] ?? "list", ...value("--metric", metric)],
    commands: ["models list", "models info", "models history"],
    rows: ["models", "entries"],
  },
  {
    name: "expver_status",
    title: "What is unsafe, wrong, or was done",
    description:
      "worktrees (default): each worktree with what in it is nowhere else: changes, new files, unpublished versions, unsent data. data: tracked data that differs from its pointer. problems: what is wrong with the repository and what to type. operations: the journal of writing commands, newest first, or with `operation` one of them with its effects.",
    openWorld: true,
    commands: ["worktrees", "data status", "doctor", "ops list", "ops show"],
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
