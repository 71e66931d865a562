/** What the demo types, in order. Only commands that exist; grows with them. */

export interface Scene {
  /** What the reader should see in it; printed above the command. */
  says: string;
  /** Program and arguments; `expver` and `node` are this very installation. */
  command: string[];
}

export const STORY: Scene[] = [
  { says: "Make the repository an expver project: plain Git and DVC files, nothing committed for you.", command: ["expver", "init"] },
  { says: "Track the data. Its bytes go into the cache …", command: ["expver", "data", "add", "data/train.csv", "data/test.csv"] },
  { says: "… and Git sees a pointer, which real dvc reads too.", command: ["cat", "data/train.csv.dvc"] },
  {
    says: "Train a real model: code, data, parameters, metrics and model end under one tag.",
    command: trainWith("0.1", "first baseline"),
  },
  { says: "Again with a larger step.", command: trainWith("1", "larger step") },
  { says: "Every version, best first, to the last digit.", command: ["expver", "list"] },
  { says: "What changed, and whether it helped.", command: ["expver", "diff", "e0.1.0", "e0.2.0"] },
  { says: "What one of them left behind, and where its bytes are.", command: ["expver", "show", "e0.2.0"] },
  { says: "A version is a plain Git tag.", command: ["git", "tag", "-n1"] },
  { says: "Prove it: tag, commits, pointers, bytes and rows belong together.", command: ["expver", "verify"] },
  { says: "Every write is an operation that can be looked at and taken back.", command: ["expver", "ops"] },
];

/** Commands to try in the repository that is left. */
export const NEXT = [
  "expver get e0.1.0 models/model.json -o old.json",
  "expver verify e0.1.0",
  "expver undo --dry-run",
  "git log --oneline --stat",
];

function trainWith(lr: string, text: string): string[] {
  const program = ["node", "train.js", "--lr", "{lr}"];
  return ["expver", "run", "-m", text, "--param", `lr=${lr}`, "--metrics", "metrics.json", "--", ...program];
}
