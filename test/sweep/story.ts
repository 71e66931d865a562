/** A small repository for tests of sweeps: the program writes a model, a row by `expver log` or metrics, and does what it is told. */
import { join } from "node:path";
import { openResults } from "../../src/results/database.ts";
import { makeExperiment } from "../run/story.ts";
import type { TestRepository } from "../support/repository.ts";

/** Its accuracy says which parameters it was given; `models/model.json` too. */
const SWEPT = `
const fs = require("fs");
const p = JSON.parse(process.env.EXPVER_PARAMS);
fs.mkdirSync("models", { recursive: true });
fs.writeFileSync("models/model.json", JSON.stringify(p));
const lr = Number(p.lr ?? 0.5), l2 = Number(p.l2 ?? 0), seed = Number(p.seed ?? 0);
fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: (0.9 - Math.abs(lr - 0.1) - l2 + seed / 1000), loss: Math.abs(lr - 0.1) + l2 }));
`;

export function makeSweepExperiment(options: Parameters<typeof makeExperiment>[0] = {}): TestRepository {
  const repo = makeExperiment(options);
  repo.write("train.js", SWEPT);
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("a program to be swept");
  return repo;
}

/** Rows of the working database with the run they belong to. */
export function rowsByRun(repo: TestRepository, table = "default"): Record<string, unknown>[] {
  const db = openResults(join(repo.root, "results/experiments.db"), { readonly: true });
  try {
    return db.all(
      `SELECT t.run_id, r.status, e.* FROM expver_run_tracks AS t JOIN expver_runs AS r USING (run_id)
       JOIN "${table}" AS e ON e.track_id = t.track_id AND e.timestamp BETWEEN t.first AND t.last WHERE t."table" = ?`,
      [table],
    );
  } finally {
    db.close();
  }
}

/** No workspace, lease, reservation or open operation is left. */
export function leftovers(repo: TestRepository): string[] {
  const worktrees = repo
    .git("worktree", "list", "--porcelain")
    .split("\n")
    .filter((line) => line.startsWith("worktree ")).length;
  return [
    ...(worktrees > 1 ? [`${worktrees - 1} workspaces`] : []),
    ...repo.git("for-each-ref", "--format=%(refname)", "refs/expver/reserved").split("\n").filter(Boolean),
  ];
}
