/** Commands about Git hooks, which are installed on request only. */
import type { Command } from "../contract.ts";

export const HOOKS: Command[] = [
  {
    name: "hooks list",
    aliases: ["hooks"],
    summary: "Say which Git hooks of expver there are in this clone",
    group: "safety",
    examples: [["hooks", "installed, missing, or of another release"]],
    kind: "read",
    load: async () => (await import("../hooks/hooks.ts")).hooksList,
    render: "hooks",
  },
  {
    name: "hooks install",
    summary: "Install Git hooks: no push of missing data, nothing takes versions off their branch unsaid",
    description:
      "pre-push looks whether the objects that pushed branches and versions name are on the data remote; pre-rebase whether versions would be\n" +
      "left on no branch. reference-transaction only warns of that, before a branch is amended, reset or deleted. A hook that is there runs first and comes back with `hooks remove`. Where expver is gone, Git goes on.",
    group: "safety",
    examples: [["hooks install", "in this clone, for all its worktrees"]],
    kind: "write",
    load: async () => (await import("../hooks/hooks.ts")).hooksInstall,
    render: "hooks",
  },
  {
    name: "hooks remove",
    summary: "Take the hooks out again, and bring back what was there before",
    group: "safety",
    examples: [["hooks remove", "from this clone"]],
    kind: "write",
    load: async () => (await import("../hooks/hooks.ts")).hooksRemove,
    render: "hooks",
  },
  {
    name: "hooks run",
    summary: "What an installed hook calls; exits with 4 when it refuses",
    hidden: true,
    group: "safety",
    arguments: [
      { name: "HOOK", help: "pre-push, pre-rebase or reference-transaction", required: true },
      { name: "ARGUMENT", help: "as Git gives them", variadic: true },
    ],
    examples: [["hooks run pre-rebase main", "as Git calls it"]],
    kind: "read",
    load: async () => (await import("../hooks/guards.ts")).hooksRun,
    render: "hooks run",
  },
];
