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
    options: [{ flags: "-r, --remote <name>", help: "data remote to send objects to (default: DVC's default remote)" }],
    examples: [
      ["publish", "everything that is not published yet"],
      ["publish e0.1.0 --dry-run", "what would be sent and pushed for e0.1.0"],
    ],
    kind: "write",
    load: async () => (await import("../publish.ts")).publish,
    render: "publish",
  },
];
