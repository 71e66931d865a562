/** What the demo types, in order. */
import { basename, dirname, join } from "node:path";

export interface Scene {
  /** What the reader should see in it; printed above the command. */
  says: string;
  /** Program and arguments; `expver` and `node` are this very installation. */
  command: string[];
  /** Its exit code. Default: 0. */
  ends?: number;
  /** Where it is typed. Default: the demo's repository. */
  in?: string;
}

/** Commands to try in the repository that is left. */
export const NEXT = [
  "expver advise",
  "expver models list",
  "expver uses data/train.csv",
  "expver report",
  "expver checkout e0.1.0",
  "expver undo --dry-run",
  "git log --oneline --graph --stat",
];

/** One experiment after the other, and what is known of them: enough for a first look. */
function runs(): Scene[] {
  return [
    { says: "Make the repository an expver project: plain Git and DVC files, nothing committed for you.", command: ["expver", "init"] },
    { says: "Track the data. Its bytes go into the cache …", command: ["expver", "data", "add", "data/train.csv", "data/test.csv"] },
    { says: "… and Git sees a pointer, which real dvc reads too.", command: ["cat", "data/train.csv.dvc"] },
    {
      says: "Train a real model: code, data, parameters, metrics and model end under one tag.",
      command: trainWith({ lr: "0.1" }, "first baseline"),
    },
    { says: "Again with a larger step.", command: trainWith({ lr: "1" }, "larger step") },
    { says: "Every version, best first, to the last digit.", command: ["expver", "list"] },
    { says: "What changed, and whether it helped.", command: ["expver", "diff", "e0.1.0", "e0.2.0"] },
    { says: "What one of them left behind, and where its bytes are.", command: ["expver", "show", "e0.2.0"] },
    { says: "A version is a plain Git tag.", command: ["git", "tag", "-n1"] },
    { says: "Prove it: tag, commits, pointers, bytes and rows belong together.", command: ["expver", "verify"] },
    { says: "Every write is an operation that can be looked at and taken back.", command: ["expver", "ops"] },
  ];
}

function sweep(): Scene[] {
  const program = ["node", "train.js", "--lr", "{lr}", "--l2", "{l2}"];
  const grid = ["--grid", "lr=0.1,1,10", "--grid", "l2=0,0.001", "--jobs", "2"];
  return [
    {
      says: "Many settings at once, each in a workspace of its own; the best run becomes a version, its model goes live.",
      command: ["expver", "sweep", ...grid, "-m", "step x penalty", "--metrics", "metrics.json", "--", ...program],
    },
    { says: "Every model there is, and which one is in production.", command: ["expver", "models", "list"] },
  ];
}

function rebase(): Scene[] {
  const command = ["expver", "merge", "e0.2.0", "--strategy", "rebase", "--key-columns", "lr"];
  return [
    {
      says: "Suppose the sweep was wrong where e0.2.0 was right: its rows in place of all that have the same lr? The plan …",
      command: [...command, "--dry-run"],
    },
    { says: "… the same, done …", command: [...command, "--yes"] },
    { says: "… and taken back: every row is there again.", command: ["expver", "undo", "--yes"] },
  ];
}

/** Two folders stand for the servers: they are named in full, as a worktree elsewhere must find them too. */
function share(folder: string): Scene[] {
  const origin = join(folder, "servers/origin.git");
  return [
    { says: "Share it. Two folders stand for the servers: one for Git …", command: ["git", "init", "-q", "--bare", origin] },
    { says: "… which is the remote to publish to …", command: ["git", "remote", "add", "origin", origin] },
    { says: "… and one for data.", command: ["expver", "data", "remote", "add", "-d", "storage", join(folder, "servers/storage")] },
    { says: "Others find it by the committed setting.", command: ["git", "commit", "-q", "-m", "Where the data is", ".dvc/config"] },
    { says: "Data first, then branch and tags: no public version whose data is nowhere.", command: ["expver", "publish"] },
    {
      says: "Now that they are kept elsewhere, candidates that are not among the best may go from the folder.",
      command: ["expver", "models", "prune", "--keep", "3", "--yes"],
    },
  ];
}

function worktree(folder: string): Scene[] {
  const there = experimentFolder(folder);
  return [
    {
      says: "An experiment that changes data and code gets a worktree: a branch, the same cache, a results database of its own.",
      command: ["expver", "worktree", "create", EXPERIMENT],
    },
    { says: "There: twice the data …", command: ["node", "augment.js"], in: there },
    { says: "… a model that also sees products of measurements …", command: ["git", "apply", "products.patch"], in: there },
    { says: "… and a run of both.", command: trainWith({ lr: "1", l2: "0.001" }, "products, twice the data"), in: there },
    {
      says: "What would be lost if the worktree went now? This stands in the way of it.",
      command: ["expver", "check", EXPERIMENT],
      ends: 4,
    },
    {
      says: "Finish it: publish, take its rows, data, model and code, make a version of that, remove the worktree. One plan.",
      command: ["expver", "worktree", "finish", EXPERIMENT, "--models", "promote", "--code", "merge", "--publish"],
    },
  ];
}

function monthsLater(): Scene[] {
  return [
    { says: "Months later. All versions, best first.", command: ["expver", "list"] },
    { says: "What made this model?", command: ["expver", "lineage", "e0.5.0"] },
    {
      says: "The first model as it was; HEAD, index and files are not touched.",
      command: ["expver", "get", "e0.1.0", "models/model.json", "-o", "old.json"],
    },
    { says: "From the sweep to here: parameters, metrics, data, models, code.", command: ["expver", "diff", "e0.3.0", "e0.4.0"] },
    { says: "And all of it still belongs together, here and on the servers.", command: ["expver", "verify"] },
  ];
}

const EXPERIMENT = "augment";

/** Where `worktree create` puts it. */
export function experimentFolder(folder: string): string {
  return join(dirname(folder), `exp-${EXPERIMENT}`);
}

export function story(folder: string, { brief }: { brief: boolean }): Scene[] {
  return brief ? runs() : [...runs(), ...sweep(), ...rebase(), ...share(folder), ...worktree(folder), ...monthsLater()];
}

/** As a person would type it in the demo's repository. */
export function typed(scene: Scene): string {
  const line = scene.command.map(quoted).join(" ");
  return scene.in === undefined ? line : `(cd ../${basename(scene.in)} && ${line})`;
}

function quoted(word: string): string {
  return /^[\w./=:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function trainWith(params: Record<string, string>, text: string): string[] {
  const flags = Object.keys(params).flatMap((name) => [`--${name}`, `{${name}}`]);
  const given = Object.entries(params).flatMap(([name, value]) => ["--param", `${name}=${value}`]);
  return ["expver", "run", "-m", text, ...given, "--metrics", "metrics.json", "--", "node", "train.js", ...flags];
}
