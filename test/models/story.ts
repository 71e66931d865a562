/** Three runs of a study whose metric is better when lower; each leaves a model of its own. */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const CONFIG = `metrics: { loss: min, accuracy: max }
models: { output: models/model.json, production: models/production/model.json, candidates: models/candidates }
`;

const TRAIN = `
const fs = require("fs");
const loss = String(JSON.parse(process.env.EXPVER_PARAMS).target);
fs.mkdirSync("models", { recursive: true });
fs.writeFileSync("models/model.json", JSON.stringify({ trained: loss }));
fs.writeFileSync("metrics.json", JSON.stringify({ loss: Number(loss), accuracy: 1 - Number(loss) }));
`;

/** Losses of the three versions e0.1.0, e0.2.0, e0.3.0. */
export const LOSSES = ["0.5", "0.2", "0.9"];

let template: string | null = null;

export function makeModels(): TestRepository {
  template ??= makeTemplate();
  const base = makeFolder("models");
  cpSync(template, base, { recursive: true, preserveTimestamps: true });
  return openTestRepository(join(base, "work"));
}

function makeTemplate(): string {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("expver.yaml", CONFIG);
  repo.write("train.js", TRAIN);
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("start");
  for (const loss of LOSSES) train(repo, loss);
  return dirname(repo.root);
}

/** A folder as data remote (its path is answered) and a bare Git remote `../up.git`, committed. */
export function addRemotes(repo: TestRepository): string {
  const storage = join(dirname(repo.root), "storage");
  mkdirSync(storage);
  must(repo, "data", "remote", "add", "-d", "storage", storage);
  repo.git("init", "-q", "--bare", "../up.git");
  repo.git("remote", "add", "origin", "../up.git");
  repo.commit("remotes");
  return storage;
}

/** Answers the run's id. */
export function train(repo: TestRepository, loss: string, ...options: string[]): string {
  return must(repo, "run", ...options, "--param", `target=${loss}`, "--metrics", "metrics.json", "--", "node", "train.js").run_id;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into data of every command.
export function must(repo: TestRepository, ...args: string[]): any {
  const answer = repo.expverJson(args);
  if (answer.code !== 0) throw new Error(`expver ${args.join(" ")}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

export function modelOf(loss: string): string {
  return JSON.stringify({ trained: loss });
}

export function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** The run of a version, from its tag. */
export function runOfVersion(repo: TestRepository, version: string): string {
  return repo.git("for-each-ref", "--format=%(contents)", `refs/tags/${version}`).match(/^Run: (\S+)/m)?.[1] ?? "";
}

/** Everything that undo and a kill must leave as it was. */
export function stateOf(repo: TestRepository, ...paths: string[]): unknown {
  const text = (path: string) => {
    try {
      return readFileSync(join(repo.root, path), "latin1");
    } catch {
      return null;
    }
  };
  return {
    head: repo.git("rev-parse", "HEAD"),
    branch: repo.git("symbolic-ref", "HEAD"),
    index: repo.git("ls-files", "--stage"),
    status: repo.git("status", "--porcelain"),
    files: paths.map((path) => [path, text(path)]),
  };
}
