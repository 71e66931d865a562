/** Commands about models: which there are, which is in production, getting, promoting, keeping and pruning them. */
import type { Command, OptionSpec } from "../contract.ts";

const METRIC: OptionSpec = { flags: "--metric <name>", help: "metric to rank by (default: the first of expver.yaml)", completes: "metric" };
/** The original script's, accepted and not needed: numbers are those of tags and runs. */
const ACCEPTED: OptionSpec[] = [
  { flags: "--db <path>", help: "accepted, not needed: numbers are those of tags and runs", hidden: true },
  { flags: "--table <name>", help: "accepted, not needed", hidden: true },
];

export const MODELS: Command[] = [
  {
    name: "models list",
    aliases: ["models"],
    summary: "List the models of versions, runs and candidates, best first, and which one is in production",
    description:
      "One line a model, by run: a run's number is what expver.yaml's `aggregate` makes of its rows. Which one is in production is told by its hash alone. Files in the candidates folder that belong to no run are named below.",
    group: "experiments",
    options: [
      METRIC,
      { flags: "-n, --limit <number>", help: "how many (default: all)" },
      { flags: "--cloud", help: "also ask the data remote which of them it has" },
      { flags: "-r, --remote <name>", help: "ask this one instead of the default remote" },
      ...ACCEPTED,
    ],
    examples: [
      ["models list", "every model, best first"],
      ["models list --metric loss --cloud", "by loss, and what the remote has"],
    ],
    kind: "read",
    load: async () => (await import("../models/list.ts")).modelsList,
    render: "models list",
  },
  {
    name: "models info",
    summary: "Show which model is in production: its version and run by hash, and who promoted it",
    description: "Says so when what lies there is not what was promoted, is tracked by nothing, or is not here.",
    group: "experiments",
    options: [METRIC, ...ACCEPTED],
    examples: [
      ["models info", "the production model, and those before it"],
      ["models info --json", "the same as data"],
    ],
    kind: "read",
    load: async () => (await import("../models/info.ts")).modelsInfo,
    render: "models info",
  },
  {
    name: "models history",
    summary: "Show which model was in production when: its version, run and metric, who put it there, and whether it can still be had",
    description:
      "Every change of the production model on this branch, the latest first, by promotion or by any other commit of its pointer. A merge counts when it was merged. The operation is this machine's, for `expver ops`.",
    group: "experiments",
    options: [
      METRIC,
      { flags: "-n, --limit <number>", help: "how many (default: all)" },
      { flags: "--cloud", help: "also ask the data remote whether it has their bytes" },
      { flags: "-r, --remote <name>", help: "ask this one instead of the default remote" },
      ...ACCEPTED,
    ],
    examples: [
      ["models history", "from the model of today back to the first"],
      ["models history --cloud --json", "as data, with what the remote has"],
    ],
    kind: "read",
    load: async () => (await import("../models/history.ts")).modelsHistory,
    render: "models history",
  },
  {
    name: "models get",
    aliases: ["models download"],
    summary: "Get the model of a version, run or candidate, or the one in production, without touching HEAD, index or files",
    description:
      "From the cache or else a remote, of which only what is asked for is fetched; the bytes are checked against their pointer. Nothing is overwritten without --force, and then it is in the trash.",
    group: "experiments",
    arguments: [{ name: "VERSION", help: "tag name, VERSION#RUN, a run id or its beginning, a candidate's name, or production" }],
    options: [
      { flags: "-o, --out <path>", help: "where to (default: its own name, here)" },
      { flags: "-f, --force", help: "replace what has that name" },
      { flags: "--path <path>", help: "which one, where there are several" },
      { flags: "-r, --remote <name>", help: "data remote to fetch from when the cache lacks it" },
      { flags: "--version <version>", help: "the same as the argument", hidden: true },
      { flags: "--run-id <run>", help: "the same as the argument", hidden: true },
      { flags: "--output <path>", help: "the same as --out", hidden: true },
      ...ACCEPTED,
    ],
    examples: [
      ["models get e0.1.0 -o old.json", "the model of a version"],
      ["models get quiet-otter-0412", "that of a run, or its candidate, also one that was pruned"],
      ["models get production -o now.json", "what was promoted last"],
    ],
    kind: "write",
    load: async () => (await import("../models/get.ts")).modelsGet,
    render: "get",
  },
  {
    name: "models promote",
    summary: "Make a model the production model: a copy, its pointer and one commit",
    description:
      "Takes the model of a version or run, or the best by the metric in its own direction; a tie goes to the older one. Gates are passed or refuse (exit 4), whatever --yes says. The model that was in production stays stored; when its bytes are stored nowhere, promoting over it asks, and they go to the trash. `expver undo` brings back file, pointer and branch.",
    group: "experiments",
    arguments: [{ name: "VERSION", help: "tag name, VERSION#RUN, or a run id or its beginning" }],
    options: [
      { flags: "--best", help: "the best of all models, instead of a name" },
      METRIC,
      { flags: "--min <name=value>", help: "gate: refuse when its metric is lower", repeatable: true },
      { flags: "--max <name=value>", help: "gate: refuse when its metric is higher", repeatable: true },
      { flags: "--better-than <model>", help: "gate: refuse unless it is better than production, or than a version or run" },
      { flags: "--seeds <number>", help: "gate: compare means over at least so many seeds, with those of production or of --better-than" },
      {
        flags: "--confidence <share>",
        help: "with --seeds: how sure it must be that the mean is better (default: 0.95)",
        completes: "nothing",
      },
      {
        flags: "--group-by <names>",
        help: "with --seeds: which runs are alike: `all but NAME,…` or names of parameters (default: all but the seed)",
      },
      { flags: "--path <path>", help: "which one, where there are several" },
      { flags: "-r, --remote <name>", help: "data remote to fetch from when the cache lacks it" },
      { flags: "--version <version>", help: "the same as the argument", hidden: true },
      { flags: "--run-id <run>", help: "the same as the argument", hidden: true },
      ...ACCEPTED,
    ],
    examples: [
      ["models promote e0.2.0", "the model of a version"],
      ["models promote --best --better-than production", "the best, if it is better than what is there"],
      ["models promote quiet-otter-0412 --min accuracy=0.9", "that of a run, if it is good enough"],
      ["models promote --best --seeds 5 --confidence 0.95", "the best, if it is no lucky seed"],
    ],
    kind: "write",
    load: async () => (await import("../models/promote.ts")).modelsPromote,
    render: "models promote",
  },
  {
    name: "models demote",
    summary: "Take the production model back: the one before it takes its place again, or none",
    description:
      "Promotions lie one over the other, and each demotion takes off the uppermost; the first has nothing below it, so then nothing is in production. One commit, which `expver undo` takes back. What is demoted stays stored; when its bytes are stored nowhere, this asks, and they go to the trash.",
    group: "experiments",
    options: [{ flags: "-r, --remote <name>", help: "data remote to fetch from when the cache lacks the one before" }, ...ACCEPTED],
    examples: [
      ["models demote --dry-run", "which one would come back"],
      ["models demote", "back to the one before"],
    ],
    kind: "write",
    load: async () => (await import("../models/demote.ts")).modelsDemote,
    render: "models demote",
  },
  {
    name: "models add",
    aliases: ["models upload", "models add-candidate"],
    summary: "Keep a model as a candidate: a copy named after its run, the folder's one pointer and one commit",
    description:
      "The model of a run or version, or a file or folder from anywhere with --run (or a name that begins with the run's id). The pointer lies beside the folder, as DVC makes it; candidates that are not in this worktree stay in it. Nothing is overwritten without --force, and then it is in the trash.",
    group: "experiments",
    arguments: [{ name: "MODEL", help: "run id or its beginning, tag name, or a file or folder", completes: "run" }],
    options: [
      { flags: "--run <run>", help: "the run a file is of" },
      { flags: "-f, --force", help: "replace the candidate that has that name" },
      { flags: "--publish", help: "then send its objects, the commit's branch, and the version of its run, to the remotes" },
      { flags: "--path <path>", help: "which one, where the run has several" },
      { flags: "-r, --remote <name>", help: "data remote to fetch from when the cache lacks it" },
      { flags: "--run-id <run>", help: "the same as --run", hidden: true },
      { flags: "--file <path>", help: "the same as the argument", hidden: true },
      ...ACCEPTED,
    ],
    examples: [
      ["models add quiet-otter-0412", "the model that run left"],
      ["models add /tmp/epoch7.bin --run quiet-otter-0412", "a file of that run"],
      ["models add quiet-otter-0412 --publish", "and others can get it"],
    ],
    kind: "write",
    load: async () => (await import("../models/add.ts")).modelsAdd,
    render: "models add",
  },
  {
    name: "models prune",
    summary: "Remove candidates beyond the best few from the folder, if they are provably kept elsewhere",
    description:
      "Ranks runs, not rows, by the metric in its own direction. A candidate goes only when a version names its bytes, that version's tag is on the Git remote and the bytes on the data remote (without a Git remote: a cache outside of the worktree will do). Never the model in production, never the best, never one whose metric is unknown, never what belongs to no run. What goes is in the trash, too; --to-trash takes that as enough. Shows the list and asks.",
    group: "experiments",
    options: [
      { flags: "--keep <number>", help: "how many runs keep their candidates (default: models.keep of expver.yaml)" },
      METRIC,
      { flags: "--to-trash", help: "also what is not proven to be kept elsewhere: the trash has it then" },
      { flags: "-r, --remote <name>", help: "data remote to look at, instead of the default one" },
      ...ACCEPTED,
    ],
    examples: [
      ["models prune --keep 5 --dry-run", "what would go, what stays, and why"],
      ["models prune --keep 5 --yes", "remove them"],
    ],
    kind: "write",
    load: async () => (await import("../models/prune.ts")).modelsPrune,
    render: "models prune",
  },
];
