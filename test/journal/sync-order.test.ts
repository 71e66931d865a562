/** After a power cut a file that took its name before its bytes were on the disk may be empty: nothing of ours does so, but what may be lost. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cloneOf, makeStudy, must } from "../publish/story.ts";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { objectsBelow } from "../support/twins.ts";

const PRELOAD = join(import.meta.dirname, "../support/sync-order.cjs");

/** What may be empty or gone: it is made anew, or tells only of what is going on. */
const MAY_BE_LOST = /\/expver-compiled-|\/stat-cache\/|\/leases\/|\/sweeps\/[^/]+\/slots\//;

it("bytes are on the disk before they have their name", { timeout: 240_000 }, () => {
  const log = join(makeFolder("log"), "unsynced");
  const typing = (repo: TestRepository, ...args: string[]) => {
    const answer = repo.expver(args, {
      env: { NODE_OPTIONS: `--require ${JSON.stringify(PRELOAD)}`, EXPVER_SYNC_LOG: log, NODE_COMPILE_CACHE: "" },
    });
    expect({ args, code: answer.code, stderr: answer.stderr }).toMatchObject({ args, code: 0 });
  };
  const study = makeStudy();
  const { repo } = study;
  for (let index = 0; index < 30; index += 1) repo.write(`many/f${index}.csv`, `${index}\n`);
  typing(repo, "data", "add", "--glob", "many/*.csv");
  typing(repo, "undo", "--yes");
  typing(repo, "data", "add", "many");
  repo.write("large.bin", Buffer.alloc(3_000_000, "x"));
  typing(repo, "data", "add", "large.bin");
  repo.commit("many", {});
  const run = ["--metrics", "metrics.json", "--", "node", "train.js"];
  typing(repo, "run", "-m", "first", ...run);
  typing(repo, "sweep", "--param", "lr=1", "--repeat", "2", ...run);
  typing(repo, "publish", "--yes");
  typing(repo, "worktree", "create", "other");
  repo.write("data.csv", "x,y\n3,4\n");
  typing(repo, "data", "add", "data.csv");
  typing(repo, "run", "-m", "second", ...run);
  typing(repo, "restore", "e0.1.0", "data.csv", "--yes");
  typing(repo, "undo", "--yes");
  typing(repo, "models", "promote", "e0.1.0", "--yes");
  typing(repo, "get", "e0.1.0", "many", "-o", "got");
  typing(repo, "merge", "results/experiments.db", "results/experiments.db", "--output-db", "merged.db");
  typing(repo, "publish", "--yes");
  const clone = cloneOf(study);
  typing(clone, "sync", "--data");
  typing(clone, "data", "checkout");
  typing(clone, "checkout", "e0.1.0");
  must(clone, ["data", "verify"]);
  const named = existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : [];
  // What is copied out of the cache can be copied again.
  const stored = new Set(
    [repo, clone].flatMap(({ root }) => objectsBelow(join(root, ".dvc/cache/files/md5")).map((path) => path.replace("/", ""))),
  );
  const isStored = (path: string) => existsSync(path) && stored.has(createHash("md5").update(readFileSync(path)).digest("hex"));
  expect(named.filter((path) => !MAY_BE_LOST.test(path) && !isStored(path))).toEqual([]);
});
