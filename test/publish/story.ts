/** An experiment repository with a bare Git remote and a folder as data remote. */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeExperiment } from "../run/story.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

export interface Study {
  repo: TestRepository;
  /** The bare Git remote. */
  upstream: TestRepository;
  /** Folder of the data remote. */
  storage: string;
}

let template: string | null = null;

/** Tracked data, a data remote and a Git remote `origin` that has nothing yet. */
export function makeStudy(): Study {
  template ??= makeTemplate();
  const base = makeFolder("study");
  cpSync(template, base, { recursive: true, preserveTimestamps: true });
  return {
    repo: openTestRepository(join(base, "work")),
    upstream: openTestRepository(join(base, "up.git")),
    storage: join(base, "storage"),
  };
}

/** Made once a file: everything beside everything, named by relative paths. */
function makeTemplate(): string {
  const repo = makeExperiment();
  const base = dirname(repo.root);
  mkdirSync(join(base, "storage"));
  repo.git("init", "-q", "--bare", "../up.git");
  must(repo, ["data", "remote", "add", "-d", "storage", "../storage"]);
  repo.write("data.csv", "x,y\n1,2\n");
  repo.write("images/a.txt", "first");
  repo.write("images/deep/b.txt", "second");
  must(repo, ["data", "add", "data.csv", "images"]);
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("data");
  repo.git("remote", "add", "origin", "../up.git");
  return base;
}

/** A clone by somebody else, who has read access to the data remote. */
export function cloneOf({ upstream, storage }: Study): TestRepository {
  const clone = makeRepository({ cloneOf: upstream.root });
  must(clone, ["data", "remote", "modify", "--local", "storage", "url", storage]);
  return clone;
}

/** One finished run; answers its version. */
export function runOnce(repo: TestRepository, ...options: string[]): string {
  return must(repo, ["run", ...options, "--", "node", "train.js"]).data.version;
}

export function must(repo: TestRepository, args: string[]): ReturnType<TestRepository["expverJson"]> {
  const answer = repo.expverJson(args);
  if (answer.code !== 0) throw new Error(`expver ${args.join(" ")}: ${JSON.stringify(answer.error)}`);
  return answer;
}

export function refsOf(repo: TestRepository, pattern: string): string[] {
  return repo.git("for-each-ref", "--format=%(refname)", pattern).split("\n").filter(Boolean);
}

/** Names of all objects in a cache or data remote, listings too. */
export function objectsIn(folder: string): string[] {
  const top = join(folder, "files/md5");
  if (!existsSync(top)) return [];
  return readdirSync(top).flatMap((shard) => readdirSync(join(top, shard)).map((rest) => shard + rest));
}

export function installHook(bare: TestRepository, name: string, script: string): void {
  const path = join(bare.root, "hooks", name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
