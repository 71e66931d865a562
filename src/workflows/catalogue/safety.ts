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
    name: "ops purge",
    summary: "Free what the trash keeps, for good",
    description:
      "What commands replaced or removed lies in .git/expver/trash, and objects of `data gc` in a trash beside the cache, until this frees\n" +
      "them. The plan names each with its size and the operation that can then not be undone; it asks. Nothing that a command at work needs\n" +
      "goes, and of a shared cache's trash only what this repository put there (`data gc --purge` frees all of it).",
    group: "safety",
    options: [
      { flags: "--older-than <age>", help: "only what was thrown away before that: 12h, 30d, 2w (default: all)", completes: "nothing" },
    ],
    examples: [
      ["ops purge --dry-run", "what lies there, how much it is, and what could then not be undone"],
      ["ops purge --older-than 30d --yes", "free what is older than a month, without asking"],
    ],
    kind: "write",
    load: async () => (await import("../ops-purge.ts")).opsPurge,
    render: "ops purge",
  },
  {
    name: "undo",
    summary: "Take an operation back while everything it left still stands",
    description:
      "Refuses (exit 4) when a file, ref, index entry or row it touched has changed since, naming it. What was done on a remote stays\n" +
      "there and is named beforehand. Refs that go are kept under refs/expver/backup/. What only wrote a new file of yours (get, data get, models get,\n" +
      "report -o) or a row (log) is no operation: undo after it means the one before, and says which.",
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
  {
    name: "verify",
    summary: "Prove the hash chain of versions: tag, commits, pointers, bytes, rows, and back",
    description:
      "Each link is proven, missing, wrong, unread (rows of a database, or commits, that only a remote has), or unrecorded (a tag made by hand says less;\n" +
      "neither is damage). Objects are read and hashed; those the cache lacks are looked for on the remote. Exits with 5 when a link is missing or wrong. Changes nothing.",
    group: "safety",
    arguments: [{ name: "VERSION…", help: "tag names (default: all versions)" }],
    options: [
      { flags: "--all", help: "all versions: the default" },
      { flags: "--quick", help: "only look whether objects are there, without reading them (nor the rows of a database the cache lacks)" },
      { flags: "-c, --cloud", help: "objects must be on the remote too" },
      { flags: "-r, --remote <name>", help: "which data remote is asked (default: the pointer's own, else the default one)" },
    ],
    examples: [
      ["verify e0.1.0", "every link of one version"],
      ["verify --cloud --quick", "would a clone on another machine get every version's bytes?"],
    ],
    kind: "read",
    exits: [5],
    load: async () => (await import("../verify.ts")).verify,
    render: "verify",
  },
];
