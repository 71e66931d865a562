/** Commands about worktrees: a version to look at, a branch to work on. */
import type { Command, OptionSpec } from "../contract.ts";

const FORCE: OptionSpec = {
  flags: "--force <categories...>",
  help: "what may go to the trash, as `expver check` names it: untracked ignored …",
};
const PATH: OptionSpec = {
  flags: "--path <folder>",
  help: "where to (default: beside the main worktree, or worktrees.dir of expver.yaml)",
};
const LINK: OptionSpec = {
  flags: "--link",
  help: "data as read-only links into the cache, not as copies (by itself above 1 GiB, where blocks cannot be shared; never as root)",
};
const REMOTE: OptionSpec = { flags: "-r, --remote <name>", help: "data remote for what the cache lacks" };

export const WORKTREES: Command[] = [
  {
    name: "checkout",
    summary: "Check out a version as it was, with its data, in a worktree of its own",
    description:
      "Makes ../explore-VERSION, detached: code, data, models and results database of that version, on the same cache. This worktree, its\n" +
      "HEAD, index and files stay as they are. Remove it with `expver cleanup`.",
    group: "experiments",
    arguments: [{ name: "VERSION", help: "tag name, such as e0.1.0" }],
    options: [PATH, LINK, REMOTE, { flags: "--version <version>", help: "the same as the argument", hidden: true }],
    examples: [["checkout e0.1.0", "look around in an old version, run its model"]],
    kind: "write",
    load: async () => (await import("../checkout.ts")).checkout,
    render: "checkout",
  },
  {
    name: "worktrees",
    aliases: ["worktree list"],
    summary: "List worktrees: branch, commits, changes, data, rows, versions, and what runs in them",
    description:
      "Each with how far its branch is ahead of and behind the main worktree's, files that were changed, data that differ from their pointers, result rows\n" +
      "the main database lacks, versions that are not published, and runs and programs at work. With --check also what of it is nowhere else.",
    group: "experiments",
    options: [{ flags: "--check", help: "also what would be lost with each, as `check` finds it (slower)" }],
    examples: [
      ["worktrees", "main worktree, experiments, explorations"],
      ["worktree list --check", "which of them could be removed?"],
    ],
    kind: "read",
    load: async () => (await import("../worktrees.ts")).worktrees,
    render: "worktrees",
  },
  {
    name: "cleanup",
    summary: "Remove exploration worktrees in which nothing was changed",
    description:
      "Looks for changed and new files (ignored ones, which Git would delete silently, too), changed data, commits and programs at work. One that\n" +
      "has any stays; named, it is refused (exit 4) until --force names each kind, and then its folder is in the trash.",
    group: "experiments",
    arguments: [{ name: "VERSION…", help: "of which versions (default: all that can go)" }],
    options: [FORCE, { flags: "--version <version>", help: "the same as the argument", hidden: true }],
    examples: [
      ["cleanup", "all that can go"],
      ["cleanup e0.1.0 --force untracked", "one with files that are not needed"],
    ],
    kind: "write",
    load: async () => (await import("../cleanup.ts")).cleanup,
    render: "cleanup",
  },
  {
    name: "check",
    summary: "List what would be lost with a worktree or a branch",
    description:
      "The list that `worktree remove` and `cleanup` go by, at any time: changes, new or ignored files, data, commits, stashes, versions that are not\n" +
      "published, objects the remote lacks, result rows the main database lacks, a best model nobody promoted, programs at work; each with what to\n" +
      "type. Exits with 4 while there is anything. Without a name: the worktree one is in, or, in the main one, all that expver made.",
    group: "safety",
    arguments: [{ name: "NAME", help: "of an experiment, its branch or folder, or any other branch", completes: "worktree" }],
    examples: [
      ["check", "is anything in this worktree nowhere else?"],
      ["check augment", "could ../exp-augment be removed?"],
      ["check exp/old-idea", "could that branch be deleted?"],
    ],
    kind: "read",
    exits: [4],
    load: async () => (await import("../check.ts")).check,
    render: "check",
  },
  {
    name: "worktree create",
    summary: "Make a worktree and branch for an experiment, with its data, on the same cache",
    description:
      "Makes ../exp-NAME on the new branch exp/NAME. Data comes from the cache by its links, the results database is a copy of its own, and\n" +
      "real dvc in it uses the same cache. Ignored files that will not be there are named; --copy takes them along. What it takes of the disk is said.\n" +
      "When it fails, nothing is left.",
    group: "experiments",
    arguments: [{ name: "NAME", help: "of the experiment; may have slashes" }],
    options: [
      { flags: "--from <revision>", help: "where it starts (default: HEAD)" },
      PATH,
      { flags: "--sparse <paths...>", help: "only these folders and data of the repository (Git's sparse checkout)" },
      { flags: "--copy <paths...>", help: "files Git does not have that are taken along, such as .env" },
      LINK,
      REMOTE,
    ],
    examples: [
      ["worktree create augment", "../exp-augment on branch exp/augment"],
      ["worktree create retry --from e0.1.0", "from an old version"],
      ["worktree create text --sparse src data/text --copy .env", "a part of a large repository, with the keys of this machine"],
    ],
    kind: "write",
    load: async () => (await import("../worktree-create.ts")).worktreeCreate,
    render: "worktree create",
  },
  {
    name: "worktree finish",
    summary: "Bring an experiment's results, data, model and code here, tag, and remove its worktree: one plan",
    description:
      "Commits and tags what is left to commit and tag in ../exp-NAME, brings its rows into the results database here, its changed data, the model of\n" +
      "its best version and, if wanted, its code, makes one commit and one version of that, and removes worktree and branch. What would be lost with\n" +
      "them stands in the way, as in `check`. Stopped half-way it goes on when it is repeated.",
    group: "experiments",
    arguments: [{ name: "NAME", help: "of the experiment", required: true, completes: "worktree" }],
    options: [
      {
        flags: "--results <how>",
        help: "merge (default): its rows are added; rebase: rows of the same key are replaced; none",
        completes: ["merge", "rebase", "none"],
      },
      { flags: "--key-columns <names...>", help: "with --results rebase: columns whose values say which rows replace which" },
      {
        flags: "--on-conflict <choice>",
        help: "of two values of one cell: ours, theirs or newest (default: refuse)",
        completes: ["ours", "theirs", "newest"],
      },
      {
        flags: "--data <how>",
        help: "merge (default): where both have changed it, rows or files of both; rebase: the experiment's; none",
        completes: ["merge", "rebase", "none"],
      },
      {
        flags: "--models <how>",
        help: "of its best version: candidate (default), promote, none",
        completes: ["candidate", "promote", "none"],
      },
      { flags: "--code <how>", help: "none (default: its version keeps it) or merge", completes: ["none", "merge"] },
      { flags: "-m, --message <text>", help: "for commits and versions" },
      { flags: "-e, --edit", help: "write that of the version here in Git's editor; an empty text changes nothing" },
      { flags: "--version <version>", help: "number of the version here (default: the next one)" },
      { flags: "--no-commit", help: "commit nothing there" },
      { flags: "--no-tag", help: "make no version there" },
      { flags: "--publish", help: "publish both versions" },
      { flags: "--no-publish", help: "also where expver.yaml says publish: auto" },
      { flags: "--keep", help: "leave worktree and branch" },
      FORCE,
    ],
    examples: [
      ["worktree finish augment --dry-run", "what would be done"],
      ["worktree finish augment --models promote --code merge", "a clear winner"],
      ["worktree finish augment --data none --keep", "only its results"],
    ],
    kind: "write",
    load: async () => (await import("../worktree-finish.ts")).worktreeFinish,
    render: "worktree finish",
  },
  {
    name: "worktree remove",
    summary: "Remove an experiment's worktree and branch, when nothing is lost with them",
    description:
      "Refuses (exit 4) while there is anything in it that is nowhere else: changes, new or ignored files, data, commits, stashes, versions that\n" +
      "are not published, objects the remote lacks, result rows the main database lacks, programs at work. Each is named with what to type.",
    group: "experiments",
    arguments: [{ name: "NAME", help: "of the experiment", required: true, completes: "worktree" }],
    options: [FORCE],
    examples: [["worktree remove augment", "after its results were merged"]],
    kind: "write",
    load: async () => (await import("../worktree-remove.ts")).worktreeRemove,
    render: "worktree remove",
  },
];
