/** Commands about the agent skill that comes with the package. */
import type { Command, OptionSpec } from "../contract.ts";

const USER: OptionSpec = { flags: "--user", help: "for all repositories: in the home folder, instead of this repository" };

export const SKILL: Command[] = [
  {
    name: "skill show",
    aliases: ["skill"],
    summary: "Print the agent skill of this release, or one of its files",
    group: "tools",
    arguments: [{ name: "FILE", help: "such as references/workflows.md (default: SKILL.md)", completes: "nothing" }],
    examples: [
      ["skill show", "what an agent reads first"],
      ["skill show references/use-cases.md", "one of its references"],
    ],
    kind: "read",
    load: async () => (await import("../skill/skill.ts")).skillShow,
    render: "skill show",
  },
  {
    name: "skill install",
    summary: "Copy the agent skill to where agents look: .agents/skills and .claude/skills",
    description:
      "A copy that was edited is left as it is (exit 4); with --force edited files stay beside the new ones, as NAME.edited. Installing again\n" +
      "renews a copy of another release. In a repository `expver undo` takes it back.",
    group: "tools",
    options: [USER, { flags: "-f, --force", help: "renew an edited copy, keeping what was edited beside it" }],
    examples: [
      ["skill install", "for agents in this repository"],
      ["skill install --user", "for all of yours"],
    ],
    kind: "write",
    load: async () => (await import("../skill/skill.ts")).skillInstall,
    render: "skill install",
  },
  {
    name: "skill check",
    summary: "Say which copies of the skill there are, and whether they are of this release",
    description: "Exit code 5 when a copy is of another release or was edited.",
    group: "tools",
    examples: [["skill check", "copies in this repository and in the home folder"]],
    kind: "read",
    exits: [5],
    load: async () => (await import("../skill/skill.ts")).skillCheck,
    render: "skill check",
  },
  {
    name: "skill remove",
    summary: "Remove the copies that skill install made; edited files stay",
    group: "tools",
    options: [USER],
    examples: [["skill remove", "from this repository"]],
    kind: "write",
    load: async () => (await import("../skill/skill.ts")).skillRemove,
    render: "skill install",
  },
];
