/** A published experiment repository with remotes, and one way for each category to leave something in a worktree that is nowhere else. */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

export interface Lab {
  repo: TestRepository;
  /** Folder of the data remote. */
  store: string;
  /** Where worktrees are made. */
  tree(name: string): string;
  inside(name: string): TestRepository;
  must(...args: string[]): void;
}

const TRAIN = `printf '{"accuracy": %s}' "$1" > metrics.json
mkdir -p models
echo "model $1 of $(cat data/train.csv | wc -l)" > models/model.bin
`;

/** e0.1.0 (accuracy 0.5) on main, published. `trees`: where worktrees are made, absolute; else beside it. */
export function makeLab({ remotes = true, trees }: { remotes?: boolean; trees?: string } = {}): Lab {
  const repo = makeRepository();
  const place = trees ?? join(dirname(repo.root), `${basename(repo.root)}-trees`);
  const must = (...args: string[]) => mustIn(repo, ...args);
  must("init");
  repo.write("data/train.csv", "a,b\n1,2\n");
  must("data", "add", "data/train.csv");
  repo.commit("start", {
    "expver.yaml": `metrics: { accuracy: max }\nworktrees: { dir: ${relative(repo.root, place)} }\n`,
    "train.sh": TRAIN,
    ".gitignore": "*.log\nmetrics.json\n",
  });
  const store = makeFolder("remote");
  if (remotes) {
    repo.git("remote", "add", "origin", makeRepository({ bare: true }).root);
    must("data", "remote", "add", "-d", "store", store);
    repo.commit("a data remote");
  }
  train(repo, "0.5");
  if (remotes) must("publish");
  const tree = (name: string) => join(place, name);
  return { repo, store, tree, must, inside: (name) => openTestRepository(tree(name), repo.context.env as Record<string, string>) };
}

export function mustIn(repo: TestRepository, ...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")} (${code}): ${stderr}`);
}

/** A version with this accuracy; its ignored metrics file goes. */
export function train(repo: TestRepository, accuracy: string, ...options: string[]): void {
  mustIn(repo, "run", "--metrics", "metrics.json", ...options, "-m", `accuracy ${accuracy}`, "--", "sh", "train.sh", accuracy);
  rmSync(join(repo.root, "metrics.json"));
}

interface Leaving {
  /** Categories of the finding, sorted. */
  found: string[];
  leave(there: TestRepository): ChildProcess | undefined;
}

const doing = (found: string[], leave: (there: TestRepository) => void): Leaving => ({
  found,
  leave: (there) => {
    leave(there);
    return undefined;
  },
});

/** Higher each time: the best of all. */
let best = 0.9;
export const nextBest = () => {
  best += 0.0001;
  return best.toFixed(4);
};

/** In this order each leaves what the ones before have left. */
export const LEAVINGS: Record<string, Leaving> = {
  versions: doing(["objects", "results", "versions"], (there) => train(there, "0.4")),
  model: doing(["model", "objects", "results", "versions"], (there) => train(there, nextBest())),
  results: doing(["data", "results"], (there) => void there.expver(["run", "--no-commit", "--", "false"])),
  commits: doing(["commits"], (there) => {
    there.write("new.py", `committed in ${there.root}\n`);
    there.git("add", "new.py");
    there.git("commit", "-q", "-m", "only here");
  }),
  stashes: doing(["stashes"], (there) => {
    there.write("train.sh", `stashed in ${there.root}\n`);
    there.git("stash");
  }),
  tracked: doing(["tracked"], (there) => there.write("train.sh", `changed in ${there.root}, in no commit\n`)),
  untracked: doing(["untracked"], (there) => there.write("notes.txt", `written by hand in ${there.root}\n`)),
  ignored: doing(["ignored"], (there) => there.write("run.log", `a log of ${there.root} that Git would delete silently\n`)),
  data: doing(["data"], (there) => {
    rmSync(join(there.root, "data/train.csv"));
    there.write("data/train.csv", `a,b\nedited,${there.root}\n`);
  }),
  unreadable: doing(["unreadable"], (there) => there.write("broken.dvc", "outs: [")),
  program: { found: ["program"], leave: (there) => spawn("sleep", ["600"], { cwd: there.root }) },
};

export function categoriesOf(findings: { category: string }[]): string[] {
  return [...new Set(findings.map(({ category }) => category))].sort();
}
