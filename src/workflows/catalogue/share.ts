/** Commands that talk to remotes: publish, sync. */
import type { Command } from "../contract.ts";

export const SHARE: Command[] = [
  {
    name: "publish",
    summary: "Publish versions: their data first, then branch and tag",
    description:
      "Sends every object that the versions and the commits on their way name, looks whether all are there, and only then pushes the\n" +
      "branch and the tags, in one step where the remote can. A branch that is refused stays behind with a warning. Without VERSION\n" +
      "everything that is not published yet. The Git remote is the one `git push` would use; what is there already is not sent again.",
    group: "share",
    arguments: [{ name: "VERSION", help: "tag names (default: every version that is not published)", variadic: true }],
    options: [
      { flags: "-r, --remote <name>", help: "data remote to send objects to (default: DVC's default remote)", completes: "remote" },
    ],
    examples: [
      ["publish", "everything that is not published yet"],
      ["publish e0.1.0 --dry-run", "what would be sent and pushed for e0.1.0"],
    ],
    kind: "write",
    load: async () => (await import("../publish.ts")).publish,
    render: "publish",
  },
  {
    name: "sync",
    summary: "Fetch the versions others have published, and data of those you name",
    description:
      "Brings tags that are not here with the results databases of all versions; with VERSION or --data everything they name, into the\n" +
      "cache. Where the remote's branches are is noted as `git fetch` does it; no branch of yours, index or file of the worktree changes, and no tag is ever replaced: one that differs is named with what to type.\n" +
      "Rows whose version is not what the tags say are corrected.",
    group: "share",
    arguments: [{ name: "VERSION", help: "tag names whose data and models are wanted too", variadic: true }],
    options: [
      { flags: "--data", help: "data and models of every version" },
      { flags: "-r, --remote <name>", help: "data remote to fetch from (default: DVC's default remote)" },
    ],
    examples: [
      ["sync", "tags and results of all versions"],
      ["sync e0.2.0", "and everything e0.2.0 needs"],
    ],
    kind: "write",
    load: async () => (await import("../sync.ts")).sync,
    render: "sync",
  },
  {
    name: "report",
    summary: "Write the versions as Markdown, with a picture of the metric, for a pull request",
    description:
      "The best version, what the newest (or VERSION) changed against the best of the others (or --against), and the table of versions.\n" +
      "Prints it; --out writes it into a file (`report.md`, with `report.svg`) or into a folder (report.md and\n" +
      "metric.svg). A file that is no report is not replaced without --force; what is replaced stays in the trash, and `expver undo` brings it back.",
    group: "share",
    arguments: [{ name: "VERSION", help: "which version to report on (default: the newest)" }],
    options: [
      { flags: "--against <version>", help: "what it is compared with (default: the best of the others)", completes: "version" },
      { flags: "--sort <metric>", help: "metric to rank by (default: the first of expver.yaml)", completes: "metric" },
      { flags: "-n, --limit <number>", help: "rows of the table of versions (default: 10)" },
      { flags: "-o, --out <path>", help: "write it there: a .md file, or a folder" },
      { flags: "-f, --force", help: "replace files of those names, whatever they are" },
    ],
    examples: [
      ["report", "Markdown on stdout"],
      ["report --out report", "into a folder, with the picture"],
      ["report --out docs/results.md", "as that file, with docs/results.svg"],
    ],
    kind: "write",
    repairsFirst: false,
    load: async () => (await import("../report/report.ts")).report,
    render: "report",
  },
];
