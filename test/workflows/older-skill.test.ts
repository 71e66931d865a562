/**
 * Somebody who knows the older skill only: a repository as its pages make it (tags by hand, `predictions` rows with a `version`, the model
 * in models/production, no expver.yaml), and its pages' command lines through the five script names. Done, or refused with what to type.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { openOlderRepository, typeLine, writeRows } from "../support/older-skill.ts";
import type { TestRepository } from "../support/repository.ts";

const DB = "--db results/experiments.db";
let repo: TestRepository;

beforeAll(() => {
  repo = openOlderRepository();
  repo.write(".dvc/config", "");
  repo.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n");
  repo.write("results/.gitignore", "");
  for (const [index, version] of ["e0.1.0", "e0.2.0", "e0.3.0"].entries()) {
    repo.write("models/production/model.bin", `model ${version}\n`);
    repo.write("data/train.csv", `id,x\n1,${index}\n`);
    writeRows(repo, "results/experiments.db", [[`calm-otter-000${index}`, version, 0.8 + index / 100]]);
    expect(repo.expver(["data", "add", "data/train.csv", "models/production/model.bin", "results/experiments.db"]).code).toBe(0);
    repo.commit(`experiment ${index}`);
    repo.git("tag", "-a", version, "-m", `model=logreg | lr=0.1 | f1_score=0.7${index} | data=3a2f1b | try ${index}`);
  }
  repo.write("models/candidates/calm-otter-0001_model.bin", "candidate\n");
  expect(repo.expver(["data", "add", "models/candidates"]).code).toBe(0);
  repo.commit("candidate");
  repo.git("tag", "-a", "exp-old-v1", "-m", "model=cnn | f1_score=0.7", "e0.1.0^{commit}");
});

/** In order; the code, and what the answer has. */
const LINES: [line: string, code: number, text: string | RegExp][] = [
  ["version_tag.py --suggest", 0, "e0.4.0"],
  ["version_tag.py -l", 0, "try 2"],
  ["version_tag.py --show e0.2.0", 0, "f1_score"],
  // A name of its own, as worktree experiments have.
  ["version_tag.py --version exp-cnn-v2", 2, "git tag -a exp-cnn-v2"],
  [`version_tag.py --version e0.4.0 ${DB} --table predictions --description by-hand --prefix e --dry-run`, 0, "by-hand"],
  [`experiment_explorer.py list ${DB} --sort f1_score --limit 20`, 0, /1 {2}e0\.3\.0/],
  // Only the rows have it.
  [`experiment_explorer.py list ${DB} --sort accuracy`, 1, `expver sql 'SELECT version, max("accuracy") FROM "predictions"`],
  [`experiment_explorer.py show --version e0.2.0 ${DB}`, 0, "try 1"],
  [`experiment_explorer.py diff --v1 e0.1.0 --v2 e0.2.0 ${DB} --table predictions`, 0, "+0.01"],
  ["experiment_explorer.py get --version e0.1.0 --artifact models/production/model.bin --output ../old_model.bin", 0, "checked"],
  ["experiment_explorer.py get -v e0.3.0 -a models/production/model.bin --strategy dvc-get -o ../m.bin", 0, "checked"],
  ["experiment_explorer.py checkout --version e0.3.0", 0, "explore-e0.3.0"],
  ["experiment_explorer.py worktrees", 0, "explore-e0.3.0"],
  ["experiment_explorer.py cleanup", 0, "removed"],
  ["experiment_explorer.py checkout --version exp-old-v1", 0, "explore-exp-old-v1"],
  ["experiment_explorer.py cleanup --version exp-old-v1", 0, "removed"],
  [`experiment_explorer.py show --version exp-old-v1 ${DB}`, 1, "expver get exp-old-v1 PATH"],
  ["model_manager.py download --version exp-old-v1 --output ../exp_model.bin", 0, "checked"],
  ["setup_worktree.sh transformer", 0, "exp-transformer"],
  ["setup_worktree.sh cnn /shared/cache", 0, "exp-cnn"],
  ["merge_artifacts.py --strategy merge --base-db results/experiments.db --exp-db ../exp-cnn/results/experiments.db", 0, "there already"],
  ["merge_artifacts.py --strategy merge --base-db results/experiments.db --exp-db ../a.db ../b.db --output-db ../all.db", 0, "1 new row"],
  ["merge_artifacts.py --strategy rebase --base-db ../all.db --exp-db ../c.db --key-columns version", 3, "--plan "],
  ["merge_artifacts.py --strategy merge --base-data ../a.csv --exp-data ../b.csv --output-data ../all.csv", 0, "1 new row"],
  ["model_manager.py download --version e0.1.0 --output downloaded_model.bin", 0, "e0.1.0"],
  [`model_manager.py promote ${DB}`, 2, "expver models promote --best"],
  [`model_manager.py promote ${DB} --version e0.1.0 --run-id calm-otter-0001`, 0, "calm-otter-0001"],
  [`model_manager.py promote ${DB} --version e0.2.0 --metric f1_score`, 0, "e0.2.0"],
  ["model_manager.py add-candidate --model-path downloaded_model.bin --run-id calm-otter-0002", 0, "calm-otter-0002_downloaded_model.bin"],
  [`model_manager.py list ${DB} --metric f1_score --table predictions`, 0, "e0.3.0"],
  [`model_manager.py prune ${DB} --keep 5 --metric f1_score`, 4, "metrics: { f1_score: max }"],
  ["model_manager.py info", 0, "models/production/model.bin"],
];

it("every line of its pages is done, or refused with what to type", { timeout: 240_000 }, () => {
  writeRows(repo, "../a.db", [["new-a", "e1.0.0", 0.9]]);
  writeRows(repo, "../b.db", [["new-b", "e1.0.1", 0.91]]);
  writeRows(repo, "../c.db", [["new-c", "e1.0.0", 0.7]]);
  repo.write("../a.csv", "id,x\n1,1\n");
  repo.write("../b.csv", "id,x\n2,2\n");
  for (const [line, code, text] of LINES) {
    const answer = typeLine(repo, line);
    expect({ line, ...answer }).toEqual({
      line,
      code,
      text: typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text),
    });
  }
  expect(repo.read("../old_model.bin")).toBe("model e0.1.0\n");
  expect(repo.read("../exp_model.bin")).toBe("model e0.1.0\n");
  expect(repo.read("downloaded_model.bin")).toBe("model e0.1.0\n");
  expect(repo.read("models/production/model.bin")).toBe("model e0.2.0\n");
  expect(existsSync(join(repo.root, "../exp-transformer"))).toBe(true);
});
