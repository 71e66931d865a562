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
    command: [
      "expver",
      "run",
      "-m",
      "first baseline",
      "--param",
      "lr=0.1",
      "--metrics",
      "metrics.json",
      "--",
      "node",
      "train.js",
      "--lr",
      "{lr}",
    ],
  },
  {
    says: "Again with a larger step.",
    command: [
      "expver",
      "run",
      "-m",
      "larger step",
      "--param",
      "lr=1",
      "--metrics",
      "metrics.json",
      "--",
      "node",
      "train.js",
      "--lr",
      "{lr}",
    ],
  },
  { says: "Every run is on record …", command: ["expver", "runs", "list"] },
  { says: "… every version is a plain Git tag …", command: ["git", "tag", "-n1"] },
  { says: "… whose message has the exact values.", command: ["git", "for-each-ref", "--format=%(contents)", "refs/tags/e0.1.0"] },
  { says: "All tracked bytes are what their pointers say.", command: ["expver", "data", "status"] },
  { says: "Every write is an operation that can be looked at and taken back.", command: ["expver", "ops", "list"] },
];

/** Commands to try in the repository that is left. */
export const NEXT = ["expver runs show", "expver undo", "expver doctor", "git log --oneline"];
