/** Commands that bring experiments together: merge. */
import type { Command } from "../contract.ts";

export const MERGING: Command[] = [
  {
    name: "merge",
    summary: "Merge results databases and data files: every row and column of all, or replaced by key",
    description:
      "Rows are told apart by the table's primary key (xetrack: track_id and timestamp), else by --id-column, else by all their values.\n" +
      "Equal rows are nothing, new rows and columns go in, empty cells are filled; two different values of one cell are a conflict, and\n" +
      "nothing is merged until --on-conflict says which stays. Repeating it adds nothing, and the order of databases does not matter.\n" +
      "With --strategy rebase, rows whose --key-columns values occur in an experiment give way to the experiment's; later ones win.\n" +
      "All tables are merged in one transaction; the output is written beside itself and renamed, or changed by SQL while it is open.\n" +
      "A worktree, branch or version is looked up: its live database, or the one its pointer names (fetched if need be) is merged into the\n" +
      "project's own, three-way with what both came from, as one operation with a commit of the pointer; `expver undo` brings the rows back.\n" +
      "With a data file named behind it, that file of theirs is merged into ours, out of the cache or the remote if need be: merge BRANCH -- data/x.csv.\n" +
      "As a stage of a pipeline: --params params.yaml --yes; it then writes only its output, and nothing when that says the same already.\n" +
      "Data files (parquet, CSV, TSV, JSON lines) are merged by the same two words, within --memory: their columns are settled first, and where values would\n" +
      "turn into text or lose digits nothing is merged without --allow-widen. Order, compression and metadata stay those of the base.\n" +
      "With --resolve, FILE… are tracked paths whose pointers Git left in conflict (all without a name): ours, theirs or newest before them\n" +
      "decides what both sides changed, everything else is merged; without such a word the merge is tried again. The pointer is staged.",
    group: "experiments",
    arguments: [
      {
        name: "FILE…",
        help: "whose rows are brought in: worktrees, branches, versions or databases; data files with --base-data; only read",
      },
    ],
    options: [
      { flags: "--base-db <path>", help: "database they are merged with; also the output unless another is named" },
      { flags: "--output-db <path>", help: "where the result goes (default: the base)" },
      { flags: "--exp-db <paths...>", help: "the same as the argument" },
      { flags: "--base-data <path>", help: "data file others are merged with; also the output unless another is named" },
      { flags: "--output-data <path>", help: "where that goes (default: the base)" },
      { flags: "--exp-data <paths...>", help: "the same as the argument" },
      {
        flags: "--strategy <strategy>",
        help: "merge: nothing is overwritten (default); rebase: rows are replaced by key",
        completes: ["merge", "rebase"],
      },
      { flags: "--data-strategy <strategy>", help: "another strategy for data files", completes: ["merge", "rebase"] },
      {
        flags: "--key-columns <names...>",
        help: "rebase: columns whose values say which rows replace which; data files: also what tells rows apart",
      },
      { flags: "--data-key-columns <names...>", help: "other key columns for data files" },
      { flags: "--params <file>", help: "take all this from the section merge of a parameters file: for a pipeline stage" },
      {
        flags: "--null-keys <choice>",
        help: "rebase: rows without a value in a key column: keep (default), or match",
        completes: ["keep", "match"],
      },
      {
        flags: "--on-conflict <choice>",
        help: "which of two values stays: ours, theirs, or newest (of the run that ended later)",
        completes: ["ours", "theirs", "newest"],
      },
      { flags: "--table <names...>", help: "only these tables (default: all)" },
      { flags: "--id-column <name>", help: "tells rows apart in tables without a primary key" },
      { flags: "--allow-widen", help: "data files: let values turn into text, or whole numbers into floating point" },
      { flags: "--resolve", help: "resolve pointers that git merge, rebase or cherry-pick left in conflict" },
      { flags: "--memory <amount>", help: "data files: how much memory may be used (default: 1GB)" },
    ],
    examples: [
      ["merge augment", "bring in the results of the worktree augment (or the branch, or the version)"],
      ["merge --base-db results/experiments.db ../exp-a/results/experiments.db", "bring one experiment's rows in"],
      ["merge --base-data data/train.parquet new.parquet --key-columns id", "add new rows, told apart by id"],
      ["merge --params params.yaml --yes", "as the cmd of a stage in dvc.yaml"],
      ["merge a.db b.db --output-db all.db --dry-run", "what a new database of both would hold"],
      ["merge b.db --base-db all.db --strategy rebase --key-columns version --yes", "replace the rows of b's versions"],
      ["merge --resolve theirs results/experiments.db", "after git merge: where both changed a cell, theirs stays"],
    ],
    kind: "write",
    load: async () => (await import("../merge.ts")).merge,
    render: "merge",
  },
  {
    name: "merge-driver",
    summary: "Merge one pointer file or dvc.lock for Git (merge.expver.driver; set up by init)",
    group: "tools",
    hidden: true,
    arguments: [
      { name: "BASE", help: "file with the common ancestor's text (%O)", required: true },
      { name: "OURS", help: "file with our text; the result goes there (%A)", required: true },
      { name: "THEIRS", help: "file with their text (%B)", required: true },
      { name: "PATH", help: "the pointer file in the repository (%P)", required: true },
    ],
    examples: [["merge-driver %O %A %B %P", "as Git calls it"]],
    kind: "write",
    repairsFirst: false,
    load: async () => (await import("../merge-driver.ts")).mergeDriver,
    render: "nothing",
  },
];
