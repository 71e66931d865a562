/** Commands about tracked data: `data …`. */
import type { Command } from "../contract.ts";

const VERBS: Command[] = [
  {
    name: "data add",
    summary: "Track files or folders: bytes into the cache, a pointer for Git",
    group: "data",
    arguments: [{ name: "PATH", help: "file or folder", required: true, variadic: true }],
    examples: [
      ["data add data/train.csv", "writes data/train.csv.dvc, which dvc reads too; stages and commits nothing"],
      ["data add --dry-run data", "shows what would be stored"],
    ],
    kind: "write",
    load: async () => (await import("../data/add.ts")).dataAdd,
    render: "data add",
  },
  {
    name: "data status",
    summary: "Show tracked outputs and how they stand against their pointers",
    group: "data",
    examples: [["data status", "reads every tracked output"]],
    kind: "read",
    load: async () => (await import("../data/status.ts")).dataStatus,
    render: "data status",
  },
];

/** Under `data` nothing is ours but speed and safety: output and exit codes are dvc's. */
export const DATA: Command[] = VERBS.map((verb) => ({ dialect: "dvc", ...verb }));
