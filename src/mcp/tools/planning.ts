/** Tools that show what `expver_apply` would do. */
import * as z from "zod";
import { isDataFile } from "../../merge/data/data-file.ts";
import { metric, path, remote, run, version, versions } from "./arguments.ts";
import type { Tool } from "./tool.ts";
import { names, value } from "./words.ts";

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
      metrics_file: z.string().optional().describe("JSON, YAML, CSV or JSON lines file the program writes its metrics to"),
      grid: z
        .record(
          z.string(),
          z.array(z.union([z.string().regex(/^[^,]+$/, "neither empty nor with a comma"), z.number(), z.boolean()])).min(1),
        )
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
      "promote: make a model (of a version or run, or the best) the production one, behind gates. With seeds it compares means over runs that differ in their seed only. demote: take the production model back; the one before it returns. add: keep a run's model as a candidate. prune: remove candidates beyond the best `keep` that are provably kept elsewhere.",
    input: {
      action: z.enum(["promote", "demote", "add", "prune"]),
      model: z.string().optional().describe("version tag, VERSION#RUN or run id; for promote default: the best"),
      metric: metric.optional(),
      min: z.record(z.string(), z.number()).optional().describe("promote: gate, metrics that must reach this"),
      better_than_production: z.boolean().optional(),
      seeds: z.number().int().min(2).optional().describe("promote: gate, means over at least so many seeds, against production"),
      confidence: z.number().gt(0).lt(1).optional().describe("with seeds: how sure; default 0.95"),
      keep: z.number().int().min(0).optional().describe("prune: how many of the best stay; default: models.keep of expver.yaml, 5"),
    },
    words: ({ action, model, metric, min, better_than_production: better, seeds, confidence, keep }) => [
      "models",
      String(action),
      ...(action === "promote" && model === undefined ? ["--best"] : []),
      ...(action === "promote" || action === "prune" ? value("--metric", metric) : []),
      ...(action === "promote"
        ? Object.entries((min ?? {}) as Record<string, unknown>).map(([name, one]) => `--min=${name}=${String(one)}`)
        : []),
      ...(action === "promote" && better === true ? ["--better-than=production"] : []),
      ...(action === "promote" ? [...value("--seeds", seeds), ...value("--confidence", confidence)] : []),
      ...(action === "prune" ? value("--keep", keep) : action === "demote" ? [] : names(model)),
    ],
  },
  {
    name: "expver_plan_merge",
    title: "Plan to merge results or data",
    description:
      "Brings rows and columns of other results databases (or parquet, CSV, TSV or JSON lines files) into one. from: worktrees, branches, tags or database files, into the project's own results; with base into that file. merge keeps every row and refuses on conflicts; rebase replaces rows whose key_columns values occur in the others, with a backup.",
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
      const kind = isDataFile(String(base)) ? "data" : "db";
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
