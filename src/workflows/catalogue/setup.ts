/** Commands to begin with: init, demo, completion. */
import type { Command } from "../contract.ts";

export const SETUP: Command[] = [
  {
    name: "init",
    summary: "Set up a folder, or adopt an existing Git, DVC and xetrack repository",
    description:
      "Makes what is missing of: a Git repository, .dvc, expver.yaml, lines in .gitignore and .gitattributes, and the merge driver in this\n" +
      "clone's Git configuration. What is there stays as it is: no pointer and no comment changes, nothing is staged or committed. In a\n" +
      "sub-folder it sets up the repository the folder belongs to.",
    group: "start",
    examples: [
      ["init", "set up the current folder"],
      ["init --dry-run", "show what would be written"],
    ],
    kind: "write",
    load: async () => (await import("../init.ts")).init,
    render: "init",
  },
  {
    name: "demo",
    summary: "Make a small real repository and play the story of an experiment in it",
    description:
      "Trains real models on the iris data (150 flowers) with the real commands, prints each before its output, and leaves the\n" +
      "repository for you to explore: runs, a sweep, what is shared and with whom, a worktree from creation to finish, and what is\n" +
      "still known of all that months later.",
    group: "start",
    arguments: [{ name: "DIR", help: "folder to make (default: expver-demo)" }],
    options: [{ flags: "--brief", help: "only the first scenes: two runs, and what is known of them" }],
    examples: [
      ["demo", "in ./expver-demo"],
      ["demo /tmp/iris --brief", "two runs, in two seconds"],
    ],
    kind: "write",
    load: async () => (await import("../demo.ts")).demo,
    render: "demo",
  },
  {
    name: "completion",
    summary: "Print a script that completes commands, options and versions in a shell",
    description:
      "The script asks `expver` itself at every press of the key, so it needs no renewal: sub-commands, options, version tags, runs and metrics.",
    group: "tools",
    arguments: [{ name: "SHELL", help: "bash, zsh or fish; default: the one in $SHELL" }],
    examples: [
      ["completion bash >> ~/.bashrc", "bash: from the next shell on"],
      ["completion zsh >> ~/.zshrc", "zsh: below the line that calls compinit"],
      ["completion fish >> ~/.config/fish/config.fish", "fish"],
    ],
    kind: "read",
    load: async () => (await import("../completion.ts")).completion,
    render: "completion",
  },
  {
    name: "mcp",
    summary: "Serve this repository to an agent: the Model Context Protocol on stdin and stdout",
    description:
      "Tools that read, tools that plan, and one that applies a plan after a person has confirmed it through the agent's client; where the\n" +
      "client cannot ask, nothing is changed and the command to type is answered. Ends when stdin ends. Put this command into the client's\n" +
      "settings; see docs/agents.md.",
    group: "tools",
    options: [
      { flags: "--repository <folder>", help: "a repository it may work in (default: the current folder)", repeatable: true },
      { flags: "--read-only", help: "offer no tool that changes anything" },
      { flags: "--unconfirmed", help: "apply plans that replace and remove nothing without asking" },
    ],
    examples: [
      ["mcp", "serve the current repository"],
      ["mcp --repository /work/project --read-only", "only look"],
    ],
    kind: "read",
    serves: "mcp",
    load: async () => (await import("../serving.ts")).serving,
  },
];
