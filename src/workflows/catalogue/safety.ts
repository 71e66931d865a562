/** Commands that look after the repository: ops, undo, doctor. */
import type { Command } from "../contract.ts";

export const SAFETY: Command[] = [
  {
    name: "ops list",
    aliases: ["ops"],
    summary: "List what writing commands did here, newest first",
    group: "safety",
    options: [
      { flags: "-n, --limit <number>", help: "how many (default: 20)" },
      { flags: "--all", help: "every operation" },
    ],
    examples: [
      ["ops", "the last twenty operations"],
      ["ops list --limit 5 --json", "five, as JSON"],
    ],
    kind: "read",
    load: async () => (await import("../ops.ts")).opsList,
    render: "ops list",
  },
  {
    name: "ops show",
    summary: "Show one operation: its effects, and which of them still stand",
    group: "safety",
    arguments: [{ name: "OP", help: "id of the operation, or its last digits (default: the last one)", completes: "operation" }],
    examples: [
      ["ops show", "the last operation"],
      ["ops show 4f2a", "by the last digits of its id"],
    ],
    kind: "read",
    load: async () => (await import("../ops.ts")).opsShow,
    render: "ops show",
  },
  {
    name: "undo",
    summary: "Take an operation back while everything it left still stands",
    description:
      "Refuses (exit 4) when a file, ref, index entry or row it touched has changed since, naming it. What was done on a remote stays\n" +
      "there and is named beforehand. Refs that go are kept under refs/expver/backup/.",
    group: "safety",
    arguments: [{ name: "OP", help: "id of the operation (default: the last one of this worktree)", completes: "operation" }],
    examples: [
      ["undo --dry-run", "what undoing the last operation would change"],
      ["undo 20260301T120000-4f2a", "undo that one"],
    ],
    kind: "write",
    load: async () => (await import("../undo.ts")).undo,
    render: "undo",
  },
  {
    name: "doctor",
    summary: "Look for what is wrong here, explain it, and fix what is safe",
    description: "Exit code 5 while a problem is left. Warnings and notes do not change the exit code.",
    group: "safety",
    options: [{ flags: "--fix", help: "repair what is safe to repair" }],
    examples: [
      ["doctor", "examine the repository"],
      ["doctor --fix", "and repair what is safe"],
    ],
    kind: "write",
    repairsFirst: false,
    load: async () => (await import("../doctor.ts")).doctor,
    render: "doctor",
  },
];
