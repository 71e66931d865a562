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
  { says: "Commit the pointers with the code.", command: ["git", "add", "-A"] },
  { says: "", command: ["git", "commit", "-q", "-m", "Track the iris data"] },
  { says: "Train a real model.", command: ["node", "train.js", "--lr", "0.1"] },
  { says: "Track the model it wrote.", command: ["expver", "data", "add", "models/model.json"] },
  { says: "Train again with a larger step …", command: ["node", "train.js", "--lr", "1"] },
  { says: "… and see that the model is no longer the one that is tracked.", command: ["expver", "data", "status"] },
  { says: "Every write is an operation that can be looked at and taken back.", command: ["expver", "ops", "list"] },
];

/** Commands to try in the repository that is left. */
export const NEXT = ["expver data add models/model.json", "expver undo", "expver doctor", "git status"];
