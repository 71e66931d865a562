/** An experiment repository with a bare Git remote and a folder as data remote. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { makeExperiment } from "../run/story.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

export interface Study {
  repo: TestRepository;
  /** The bare Git remote. */
  upstream: TestRepository;
  /** Folder of the data remote. */
  storage: string;
}

/** Tracked data, a data remote and a Git remote `origin` that has nothing yet. */
export function makeStudy(): Study {
  const upstream = makeRepository({ bare: true });
  const storage = makeFolder("storage");
  const repo = makeExperiment();
  must(repo, ["data", "remote", "add", "-d", "storage", storage]);
  repo.write("data.csv", "x,y\n1,2\n");
  repo.write("images/a.txt", "first");
  repo.write("images/deep/b.txt", "second");
  must(repo, ["data", "add", "data.csv", "images"]);
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("data");
  repo.git("remote", "add", "origin", upstream.root);
  return { repo, upstream, storage };
}

/** A clone by somebody else, who has read access to the data remote. */
export function cloneOf({ upstream }: Study): TestRepository {
  return makeRepository({ cloneOf: upstream.root });
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
