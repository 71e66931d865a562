/** Commands that execute or record: run, runs, log. */
import type { Command } from "../contract.ts";

const RUN = { name: "RUN", help: "run id or its beginning; the latest when left out" };

export const RUNS: Command[] = [
  {
    name: "run",
    summary: "Run a program as one experiment: snapshot, run, rows, outputs, commit, tag",
    description:
      "Commits what the program is about to read (never secrets, large files or models), runs it with its output in a log, finds the rows it wrote, tracks its outputs and tags the result with the next version. A run that fails keeps its rows and log and uses no version.",
    group: "experiments",
    arguments: [
      { name: "COMMAND", help: "program and arguments, after --; {name} becomes the parameter's value", required: true, variadic: true },
    ],
    options: [
      { flags: "-m, --message <text>", help: "what this experiment tries (default: what differs from the version before)" },
      { flags: "-e, --edit", help: "write that in Git's editor once the numbers are known; an empty text makes no version" },
      { flags: "--version <version>", help: "take this version number", completes: "nothing" },
      { flags: "--major", help: "count the first number on: a fundamental change" },
      { flags: "--minor", help: "count the second number on: a meaningful variation (default)" },
      { flags: "--patch", help: "count the third number on: a rerun, a small fix" },
      { flags: "--param <name=value>", help: "a parameter, for {name}, EXPVER_PARAM_NAME and the record", repeatable: true },
      {
        flags: "--metrics <file>",
        help: "read metrics from this JSON, YAML or CSV file (or the newest a glob matches) after the run (default: the one that stages of dvc.yaml name)",
      },
      { flags: "--no-tag", help: "store and commit the results, but make no version" },
      { flags: "--no-commit", help: "leave the branch alone; record changes as a patch" },
      { flags: "--no-verify", help: "do not run the pre-commit hook on the snapshot" },
      { flags: "--allow-history-change", help: "accept that the program changed rows of earlier runs" },
      { flags: "--publish", help: "publish the version afterwards" },
      { flags: "--detach", help: "return once the program runs; see expver runs" },
    ],
    examples: [
      ['run -m "first baseline" -- node train.js', "one experiment, tagged with the next minor version"],
      ["run --param lr=0.1 -- node train.js --lr {lr}", "the parameter reaches the command and the record"],
      ["run -e -- node train.js", "the proposed description is edited when the program has ended"],
      ["run --metrics metrics.json --patch -- node train.js", "numbers come from a file the program writes"],
      ["run --detach -- node train.js", "goes on behind you; look with expver runs"],
    ],
    passThrough: true,
    kind: "write",
    load: async () => (await import("../run/run.ts")).run,
    render: "run",
  },
  {
    name: "log",
    summary: "Append one row to the results database: names and values, from a shell",
    description:
      "Inside `expver run` the row is the run's own. Outside it goes into the project's database under a new track id, which is printed: give it again with --track-id to go on with that track. Values that look like numbers are stored as numbers, every digit kept; those of secret-looking names as ***. Safe from any number of processes at once.",
    group: "experiments",
    arguments: [{ name: "VALUE", help: "name=value, such as accuracy=0.93", variadic: true }],
    options: [
      { flags: "--file <file>", help: "also the values of this JSON or YAML file; nested names are joined with dots" },
      { flags: "--table <table>", help: "the table (default: the run's, or the first of expver.yaml)" },
      { flags: "--track-id <id>", help: "the track (default: the run's id, or a new one)" },
      { flags: "--db <file>", help: "another database than the run's or the project's" },
    ],
    examples: [
      ["log accuracy=0.93 loss=1e-05", "one row of the run that calls it"],
      ["log epoch=3 loss=0.2 --table epochs", "in a table of its own"],
      ["log --file metrics.json", "what a program wrote"],
    ],
    kind: "write",
    repairsFirst: false,
    load: async () => (await import("../log.ts")).log,
    render: "log",
  },
  {
    name: "runs list",
    aliases: ["runs"],
    summary: "List runs, the latest first: what runs now, what finished, failed or was killed",
    group: "experiments",
    options: [
      {
        flags: "--where <filter>",
        help: "only those: 'status = failed and lr > 0.1', in the language of `expver list --where`",
        completes: "nothing",
      },
      { flags: "-n, --limit <number>", help: "how many (default: 20)" },
      { flags: "--offset <number>", help: "without the latest so many", completes: "nothing" },
      { flags: "--all", help: "every run" },
    ],
    examples: [
      ["runs", "the last twenty"],
      ["runs list --where 'status != finished and start >= 2026-03-01'", "what went wrong since then"],
      ["runs list --all --json", "every run, as JSON"],
    ],
    kind: "read",
    load: async () => (await import("../runs/runs.ts")).runsList,
    render: "runs list",
  },
  {
    name: "runs show",
    summary: "Show what is recorded of a run",
    group: "experiments",
    arguments: [RUN],
    examples: [
      ["runs show", "the latest run: command, parameters, metrics, how it ended"],
      ["runs show quiet-otter-0412", "that run; the beginning of its name is enough"],
    ],
    kind: "read",
    load: async () => (await import("../runs/runs.ts")).runsShow,
    render: "runs show",
  },
  {
    name: "runs logs",
    summary: "Print the output of a run",
    group: "experiments",
    arguments: [RUN],
    options: [
      { flags: "-f, --follow", help: "print what comes until the run ends" },
      { flags: "-n, --lines <number>", help: "only the last lines" },
    ],
    examples: [
      ["runs logs", "what the latest run printed"],
      ["runs logs -f quiet-otter-0412", "watch a detached run"],
    ],
    kind: "read",
    load: async () => (await import("../runs/runs.ts")).runsLogs,
    render: "runs logs",
  },
  {
    name: "runs wait",
    summary: "Wait until a run has ended; exit code 1 when it did not finish well",
    group: "experiments",
    arguments: [RUN],
    examples: [
      ["runs wait && expver list", "go on when the latest run is done"],
      ["runs wait quiet-otter-0412", "wait for that one"],
    ],
    kind: "read",
    load: async () => (await import("../runs/runs.ts")).runsWait,
    render: "runs show",
  },
  {
    name: "runs stop",
    summary: "Ask a run's program to stop; the run is recorded as killed",
    group: "experiments",
    arguments: [RUN],
    options: [{ flags: "--kill", help: "do not ask: kill it" }],
    examples: [
      ["runs stop", "SIGTERM to the latest run's program and all it started"],
      ["runs stop --kill quiet-otter-0412", "SIGKILL to that one's"],
    ],
    kind: "write",
    load: async () => (await import("../runs/runs.ts")).runsStop,
    render: "runs show",
  },
];
