/** Commands that look and advise, and change nothing. */
import type { Command } from "../contract.ts";

export const ADVISING: Command[] = [
  {
    name: "advise workflow",
    aliases: ["advise"],
    summary: "Say which workflow, version level and commands fit what is here",
    description:
      "Looks at code, data, parameters, branches and runs: sequential for one experiment, a sweep for many settings of the same code and\n" +
      "data, a worktree for different code or data. What the repository cannot answer is asked, with the option that answers it.",
    group: "start",
    options: [
      { flags: "--experiments <number>", help: "one, or many side by side", completes: ["one", "many"] },
      { flags: "--differ <what>", help: "what they differ in: params, code or data", completes: ["params", "code", "data"] },
      { flags: "--command <line>", help: "the program they run (default: that of the latest run)" },
    ],
    examples: [
      ["advise", "what to do next, and why"],
      ["advise --experiments many --differ code", "several that change code"],
    ],
    kind: "read",
    load: async () => (await import("../advise/advise.ts")).advise,
    render: "advise workflow",
  },
  {
    name: "advise merge",
    summary: "Say merge or rebase for results, data and model of a worktree, branch or version, and why",
    description:
      "Counts rows that are new, the same, or in conflict; looks whether metrics or test data changed here since, whether data grew or was\n" +
      "rewritten, and whose best model is better. Changes nothing.",
    group: "start",
    arguments: [{ name: "OTHER", help: "worktree, branch, version or database file", required: true }],
    examples: [
      ["advise merge augment", "the experiment in ../exp-augment"],
      ["advise merge e0.2.0", "a version"],
    ],
    kind: "read",
    load: async () => (await import("../advise/merge.ts")).adviseMerge,
    render: "advise merge",
  },
  {
    name: "advise description",
    summary: "Suggest what to call a version, from what really changed",
    description: "Without VERSION: what differs here from the last version, as a message for the next run.",
    group: "start",
    arguments: [{ name: "VERSION", help: "tag name: what it changed against the one before it" }],
    examples: [
      ["advise description", "for what is in the worktree now"],
      ["advise description e0.2.0", "what e0.2.0 changed"],
    ],
    kind: "read",
    load: async () => (await import("../advise/description.ts")).adviseDescription,
    render: "advise description",
  },
  {
    name: "advise get",
    summary: "Say where the bytes of an old version come from, what that costs, and what to type",
    group: "start",
    arguments: [
      { name: "VERSION", help: "tag name, such as e0.1.0", required: true },
      { name: "PATH", help: "file or folder; without it the whole version" },
    ],
    examples: [
      ["advise get e0.1.0 models/model.json", "one file"],
      ["advise get e0.1.0", "everything of it"],
    ],
    kind: "read",
    load: async () => (await import("../advise/get.ts")).adviseGet,
    render: "advise get",
  },
  {
    name: "advise cleanup",
    summary: "Say what could go, and what stands in the way of it",
    group: "start",
    examples: [["advise cleanup", "worktrees, candidates, objects"]],
    kind: "read",
    load: async () => (await import("../advise/cleanup.ts")).adviseCleanup,
    render: "advise cleanup",
  },
];
