/** Commands to begin with: init, demo, completion. */
import type { Command } from "../contract.ts";

export const SETUP: Command[] = [
  {
    name: "init",
    summary: "Set up a folder, or adopt an existing Git, DVC and xetrack repository",
    description:
      "Makes what is missing of: a Git repository, .dvc, expver.yaml, lines in .gitignore and .gitattributes, and the merge driver in this\n" +
      "clone's Git configuration. What is there stays as it is: no pointer and no comment changes, nothing is staged or committed. In a\n" +
      "sub-folder it sets up the repository the folder belongs to.\n\n" +
      "With --remote and --cache also where data is pushed to and where its bytes are kept. A URL goes into .dvc/config for everybody, a\n" +
      "folder of this machine and every secret into .dvc/config.local, which Git does not see. A new cache gets the objects of the one\n" +
      "before, which stay there; the remote is tried with an object of our own (exit code 1 when it does not allow what is needed).",
    group: "start",
    options: [
      { flags: "--remote <place>", help: "push data there: s3://BUCKET/FOLDER, gs://, azure://, ssh://, https://, webdav://, or a folder" },
      { flags: "--remote-name <name>", help: "what it is called, and the default from now on (default: storage)" },
      { flags: "--remote-option <name=value>", help: "an option of dvc's for it: region, endpointurl, profile, …", repeatable: true },
      { flags: "--no-check", help: "do not try the remote" },
      { flags: "--cache <place>", help: "keep bytes in this folder, for several repositories; or `shared`: where they are, for a group" },
      { flags: "--group", help: "members of the cache folder's group may write too (cache.shared = group)" },
      { flags: "--link <types>", help: "how inputs are put into the worktree: reflink, hardlink, symlink, copy" },
      { flags: "--project", help: "folders too are the same for everybody: into .dvc/config" },
      { flags: "--ask", help: "ask for all that at the terminal" },
    ],
    examples: [
      ["init", "set up the current folder"],
      ["init --dry-run", "show what would be written"],
      ["init --remote s3://bucket/project --remote-option region=eu-central-1", "and where data is pushed to, tried at once"],
      ["init --cache /srv/dvc-cache --group", "one cache for all repositories of a machine and its group"],
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
