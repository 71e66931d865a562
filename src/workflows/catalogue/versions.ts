/** Commands about experiment versions: tag, list, show. */
import type { Command } from "../contract.ts";

export const VERSIONS: Command[] = [
  {
    name: "tag",
    summary: "Make a version of HEAD, or of a run that has none",
    description:
      "Tags HEAD with numbers from HEAD's own objects: parameters, pointers, and the rows of its results database that carry the version,\n" +
      "else those of the latest run, where that has no version and ran HEAD's code on HEAD's data. Never commits; refuses (exit 4) when\n" +
      "tracked bytes differ from HEAD's pointers, and names that are taken. Without VERSION the next free number is taken.",
    group: "experiments",
    arguments: [{ name: "VERSION", help: "tag name, such as e0.2.0 (default: the next minor one)", completes: "nothing" }],
    options: [
      {
        flags: "-d, --description <text>",
        help: "what this experiment tries; lines after the first become the tag's text (default: HEAD's subject, and what differs from the version before)",
      },
      { flags: "-m, --message <text>", help: "the same as -d, as in `expver run`" },
      { flags: "-e, --edit", help: "write that in Git's editor; an empty text makes no version" },
      { flags: "--suggest", help: "only say the next number and the first line" },
      { flags: "--run <run>", help: "make it a version of this run, with the run's own code and results" },
      { flags: "--major", help: "count the first number on: a fundamental change" },
      { flags: "--minor", help: "count the second number on: a meaningful variation (default)" },
      { flags: "--patch", help: "count the third number on: a rerun, a small fix" },
      { flags: "--prefix <prefix>", help: "another prefix than expver.yaml's" },
      { flags: "--version <version>", help: "the same as the argument", hidden: true },
      { flags: "--list", help: "the same as `expver list --tags`", hidden: true },
      { flags: "--show <version>", help: "the same as `expver show`", hidden: true },
      { flags: "--db <path>", help: "accepted, not needed: HEAD's own database is read", hidden: true },
      { flags: "--table <name>", help: "accepted, not needed", hidden: true },
    ],
    examples: [
      ["tag --suggest", "the next number, and the line the tag would have"],
      ['tag -d "dropout on the last layer"', "tag HEAD with the next number"],
      ["tag -e", "the proposed description is edited first"],
      ["tag --patch --run calm-fox-0412", "a version of a run that has none"],
    ],
    kind: "write",
    load: async () => (await import("../tag.ts")).tag,
    render: "tag",
  },
  {
    name: "list",
    summary: "List every version, best first",
    description:
      "Ranks all versions by a metric, in the direction expver.yaml or the tags give it; numbers are those recorded in the tags, to the\n" +
      "digit. Versions on no branch are in the list and marked off-branch, those nobody else has as not published, those whose bytes this\n" +
      "cache lacks as data not here. A comparison with a value that is missing is false; names with blanks are quoted; numbers are compared\n" +
      "to the last digit, versions by number, dates by day. Fields: version, kind, date, commit, description, data, runs,\n" +
      "status (of one whose run failed), branch, published, cached.",
    group: "experiments",
    options: [
      {
        flags: "--sort <names>",
        help: "metrics (best first), parameters, version or date, with commas; - before one turns it round (default: the first of expver.yaml)",
        completes: "metric",
      },
      {
        flags: "--where <filter>",
        help: "only those: 'accuracy > 0.9 and model ~ bert', with not, or, in (…), is missing, parentheses",
        completes: "nothing",
      },
      { flags: "--columns <names>", help: "exactly these columns, with commas", completes: "metric" },
      { flags: "--differing", help: "only parameters and metrics that are not the same in all of them" },
      {
        flags: "--group-by <names>",
        help: "across seeds: runs that have these parameters alike, or 'all but seed'; ranked by their mean",
        completes: "nothing",
      },
      { flags: "--confidence <share>", help: "of the interval around a group's mean (default: 0.95)", completes: "nothing" },
      { flags: "--tree", help: "by major and minor number" },
      { flags: "-n, --limit <number>", help: "how many (default: all; on a terminal 30)" },
      { flags: "--all", help: "every row and every column, whatever the width" },
      { flags: "--tags", help: "one line a tag, highest number first" },
      { flags: "--csv", help: "as CSV, every digit" },
      { flags: "--md", help: "as a Markdown table" },
      { flags: "--jsonl", help: "as one JSON object a line" },
      { flags: "--metric <name>", help: "the same as --sort", hidden: true },
      { flags: "--db <path>", help: "database whose runs without a version are counted", hidden: true },
      { flags: "--table <name>", help: "accepted, not needed", hidden: true },
    ],
    examples: [
      ["list", "every version, best first"],
      ["list --sort loss -n 5", "the five with the best loss"],
      ["list --where 'accuracy > 0.9 and model ~ \"bert\"' --sort accuracy,-lr", "those that match; of equal ones the highest lr first"],
      ["list --where 'loss is missing or not published = yes'", "what still needs care"],
      ["list --group-by 'all but seed'", "mean, deviation and interval over seeds, best mean first"],
      ["list --differing --csv", "a file of all that differs"],
      ["list --tags", "what `git tag -n` would show, in order"],
    ],
    kind: "read",
    load: async () => (await import("../list.ts")).list,
    render: "list",
  },
  {
    name: "show",
    summary: "Show everything a version left behind, and where its bytes are",
    description:
      "The tag with its text, the commits of code and results, parameters, metrics with their direction, runs (from the results\n" +
      "database of the version's own commit, when it is in the cache) and what they ran on, data and models with hash, size and place.",
    group: "experiments",
    arguments: [{ name: "VERSION", help: "tag name, such as e0.1.0" }],
    options: [
      { flags: "--packages", help: "only what its run found installed, as `pip install -r` reads it" },
      { flags: "--version <version>", help: "the same as the argument", hidden: true },
      { flags: "--db <path>", help: "accepted, not needed: a version's own database is read", hidden: true },
      { flags: "--table <name>", help: "accepted, not needed", hidden: true },
    ],
    examples: [
      ["show e0.1.0", "everything about e0.1.0"],
      ["show e0.1.0 --json", "the same as data"],
      ["show e0.1.0 --packages > requirements.txt", "the packages it ran with, to be installed again"],
    ],
    kind: "read",
    load: async () => (await import("../show.ts")).show,
    render: "show",
  },
  {
    name: "diff",
    summary: "Compare versions, worktrees and what is here now: parameters, metrics, data, models, environment, code",
    description:
      "Two to ten versions, worktrees, commits, or `now` (this worktree as it stands, with what is in no commit yet); each is compared with\n" +
      "the first. Of a worktree, parameters are those of its parameter file, metrics those of its latest run. Metrics have their exact difference, and better or worse by the metric's own\n" +
      "direction. Code is that of the snapshots the runs were made from, without pointers: those are under data.\n" +
      "The environment is that of the best run, or the only one: interpreter, machine, the packages that were installed, lock files as far as commits have them as they ran. It is told, and is no difference for --exit-code.",
    group: "experiments",
    arguments: [{ name: "VERSION…", help: "tag names, such as e0.1.0 e0.2.0; now; worktrees, branches, commits" }],
    options: [
      { flags: "--rows", help: "of tables among the data (parquet, CSV, TSV, JSON lines): columns and rows that differ" },
      { flags: "--key-columns <names...>", help: "the same, rows told apart by these columns: changed ones cell by cell" },
      { flags: "--stat", help: "accepted: a line a file is what there is without --code", hidden: true },
      { flags: "--code", help: "the code's whole patch instead of a line a file" },
      { flags: "--no-pager", help: "on a terminal too, print what does not fit on it (default: GIT_PAGER, core.pager, PAGER, as Git)" },
      { flags: "--exit-code", help: "exit with 5 when anything differs" },
      { flags: "--v1 <version>", help: "the same as the first argument", hidden: true },
      { flags: "--v2 <version>", help: "the same as the second argument", hidden: true },
      { flags: "--db <path>", help: "accepted, not needed: numbers are those of the tags", hidden: true },
      { flags: "--table <name>", help: "accepted, not needed", hidden: true },
    ],
    examples: [
      ["diff e0.1.0 e0.2.0", "what changed, and whether it helped"],
      ["diff e0.2.0 now", "what is different here since, committed or not"],
      ["diff e0.1.0 e0.2.0 --code", "with the code's patch"],
      ["diff e0.1.0 now --key-columns id", "which rows of the data have changed, cell by cell"],
      ["diff e0.1.0 e0.2.0 e0.3.0 --json", "three, as data"],
    ],
    kind: "read",
    exits: [5],
    paged: true,
    load: async () => (await import("../diff.ts")).diff,
    render: "diff",
  },
  {
    name: "get",
    summary: "Get a file or folder as a version has it, without touching HEAD, index or files",
    description:
      "From Git, the cache, or else a remote, of which only what is asked for is fetched; tracked bytes are checked against their\n" +
      "pointer. A file inside a tracked folder is as good as a whole one, and a glob (quoted) gets all that fit, into one folder.\n" +
      "What was cut off goes on when it is repeated. Nothing is overwritten without --force, and then it is in the trash.",
    group: "experiments",
    arguments: [
      { name: "VERSION", help: "tag name, or another name of a commit" },
      { name: "PATH", help: "file, folder or glob, relative to here or to the top of the repository" },
    ],
    options: [
      { flags: "-o, --out <path>", help: "where to (default: its own name, here)" },
      { flags: "-f, --force", help: "replace what has that name" },
      { flags: "-r, --remote <name>", help: "data remote to fetch from when the cache lacks it" },
      { flags: "--repo <url>", help: "another repository: a folder or a Git URL, of which only what is needed is cloned" },
      { flags: "--strategy <name>", help: "auto, worktree or dvc-get: accepted, all are one here", hidden: true },
      { flags: "--version <version>", help: "the same as the argument", hidden: true },
      { flags: "--artifact <path>", help: "the same as PATH", hidden: true },
      { flags: "--output <path>", help: "the same as --out", hidden: true },
    ],
    examples: [
      ["get e0.1.0 models/model.json -o old.json", "an old model beside today's"],
      ["get e0.1.0 data/images/0001.png", "one file of a tracked folder"],
      ["get e0.2.0 results/experiments.db -o then.db", "the results as they were"],
      ["get e0.1.0 'src/**/*.py' -o old-src", "all that fit"],
    ],
    kind: "write",
    load: async () => (await import("../get.ts")).get,
    render: "get",
  },
  {
    name: "sql",
    summary: "Ask the results database, or tracked data files, one read-only question",
    description:
      "In SQLite's words to the results database; with --data in DuckDB's to parquet and CSV files, each a table of its file's name. With\n" +
      "--version both as a version has them, from the cache. A question reads nothing else and changes nothing.",
    group: "experiments",
    arguments: [{ name: "QUESTION", help: "SELECT …, WITH … or VALUES …", required: true, completes: "nothing" }],
    options: [
      { flags: "--version <version>", help: "as this version has it", completes: "version" },
      { flags: "--data <path>", help: "a parquet or CSV file to ask instead of the results", repeatable: true },
      { flags: "-n, --limit <number>", help: "how many rows (default: 1000)" },
    ],
    examples: [
      ['sql "SELECT run_id, version, status FROM expver_runs"', "every run"],
      ['sql --version e0.1.0 "SELECT count(*) FROM expver_runs"', "as it was then"],
      ['sql --data data/train.csv "SELECT count(*) FROM train"', "rows of a data file"],
    ],
    kind: "read",
    load: async () => (await import("../sql.ts")).sql,
    render: "sql",
  },
  {
    name: "restore",
    summary: "Bring files, data and models of a version back in place; HEAD and index stay",
    description:
      "A path means a file, a folder, an output, its .dvc file (both come back together), or a file in a tracked folder; without one it is all the\n" +
      "version has, and what it does not have goes; the folders of other projects stay as they are. Refuses (exit 4) where bytes would give way that are in no commit and in no cache. What gives way\n" +
      "is in the trash; `expver undo` brings it back. Asks before it removes a path that was named and the version does not have. The results\n" +
      "database, in which all versions are, only comes back when it is named.",
    group: "experiments",
    arguments: [
      { name: "VERSION", help: "tag name, or another name of a commit" },
      { name: "PATH…", help: "what to bring back, relative to here or to the top of the repository (default: everything)" },
    ],
    options: [
      { flags: "-f, --force", help: "also where bytes give way that are stored nowhere: they are in the trash then" },
      { flags: "-r, --remote <name>", help: "data remote to fetch from what the cache lacks" },
      { flags: "--version <version>", help: "the same as the argument", hidden: true },
    ],
    examples: [
      ["restore e0.1.0 data/train.csv", "the data of that version, with its pointer"],
      ["restore e0.1.0 models train.js --dry-run", "what would change"],
      ["restore e0.1.0", "everything as it was, on today's branch"],
    ],
    kind: "write",
    load: async () => (await import("../restore.ts")).restore,
    render: "restore",
  },
  {
    name: "lineage",
    summary: "Show what made a version: its code, the data it read and who made that, what it merged",
    description:
      "Back to the beginning; data of which no version is the maker came from outside. From tags and pointers alone: nothing is fetched.",
    group: "experiments",
    arguments: [{ name: "VERSION", help: "tag name" }],
    examples: [["lineage e0.2.0", "what data made this model?"]],
    kind: "read",
    load: async () => (await import("../lineage.ts")).lineage,
    render: "lineage",
  },
  {
    name: "uses",
    summary: "Show which versions used some data, or what came of a version",
    description:
      "A path (also a file in a tracked folder): every version that has it, with its bytes then. The beginning of a hash: every version that has those\n" +
      "bytes, whatever their name. A file or folder that lies anywhere else: the versions that have its bytes, so a model somebody was sent leads to its\n" +
      "experiment. A version: those that read what it left, or merged it.",
    group: "experiments",
    arguments: [{ name: "WHAT", help: "path, file elsewhere, beginning of a hash, or version" }],
    examples: [
      ["uses data/train.csv", "which experiments used this data?"],
      ["uses 3a2f1b", "and these very bytes, the data= of a tag?"],
      ["uses ~/Downloads/model.bin", "which experiment made this file?"],
      ["uses e0.1.0", "what was made from it?"],
    ],
    kind: "read",
    load: async () => (await import("../uses.ts")).uses,
    render: "uses",
  },
];
