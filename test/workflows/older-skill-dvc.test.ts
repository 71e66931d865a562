/**
 * The rest of the older skill's pages, typed line by line: remotes and cache, push and pull, worktrees by hand, what goes wrong half-way,
 * and its stages. `dvc` words go to `expver data`; the stage is run by real dvc.
 */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { killEnvironment, SIGKILLED } from "../support/kill-at.ts";
import { openOlderRepository, typeLine, writeRows } from "../support/older-skill.ts";
import { peer } from "../support/peers.ts";
import type { TestRepository } from "../support/repository.ts";

let repo: TestRepository;

beforeEach(() => {
  repo = openOlderRepository();
  repo.write("data/train.csv", "id,x\n1,1\n");
  repo.write("models/production/model.bin", "model one\n");
  mkdirSync(join(repo.root, "results"));
  writeRows(repo, "results/experiments.db", [["calm-otter-0001", "e0.1.0", 0.8]]);
});

type Line = [line: string, code: number, text: string | RegExp];

function typeAll(lines: readonly Line[]): void {
  for (const [line, code, text] of lines) {
    const answer = typeLine(repo, line);
    expect({ line, ...answer }).toEqual({
      line,
      code,
      text: typeof text === "string" ? expect.stringContaining(text) : expect.stringMatching(text),
    });
  }
}

const SET_UP: Line[] = [
  ["dvc init", 0, ".dvc/config"],
  ["dvc remote add -d storage ../store", 0, "Setting 'storage' as a default remote."],
  ["dvc add data/train.csv results/experiments.db models/production/model.bin", 0, "track"],
  ["git add -A && git commit -qm 'init: project structure with DVC'", 0, ""],
  ["dvc push", 0, "3 files pushed"],
  ["git push -q origin HEAD --tags", 0, ""],
];

function setUp(): void {
  repo.git("init", "-q", "--bare", "../hub.git");
  repo.git("remote", "add", "origin", "../hub.git");
  typeAll(SET_UP);
}

it("remotes of every kind and their options, the cache, what is tracked", () => {
  setUp();
  typeAll([
    ["dvc remote add myremote s3://my-bucket/dvc-store", 0, ""],
    ["dvc remote modify myremote access_key_id YOUR_ACCESS_KEY", 0, /^$/],
    ["dvc remote modify myremote secret_access_key YOUR_SECRET_KEY", 0, "expver data remote modify --local myremote secret_access_key"],
    ["dvc remote modify --local myremote secret_access_key YOUR_SECRET_KEY", 0, /^$/],
    ["dvc remote modify myremote region us-east-1", 0, /^$/],
    ["dvc remote modify myremote endpointurl https://minio.example.com", 0, /^$/],
    ["dvc remote modify myremote sse AES256", 0, /^$/],
    ["dvc remote modify myremote acl bucket-owner-full-control", 0, /^$/],
    ["dvc remote modify myremote jobs 8", 0, /^$/],
    ["dvc remote add dev s3://dev-bucket/dvc-store", 0, ""],
    ["dvc remote add google gs://my-bucket/dvc-store", 0, ""],
    ["dvc remote add azure azure://my-container/dvc-store", 0, ""],
    ["dvc remote modify azure connection_string DefaultEndpointsProtocol=https", 0, "--local azure connection_string"],
    ["dvc remote add server ssh://user@server:/path/to/store", 0, ""],
    ["dvc remote list", 0, "s3://my-bucket/dvc-store"],
    ["dvc push data/train.csv.dvc", 0, "up to date"],
    ["dvc push -v", 0, "up to date"],
    ["dvc push -j 4", 0, "up to date"],
    // Real dvc has no such option either.
    ["dvc push --dry", 254, "Did you mean --dry-run?"],
    ["dvc push --dry-run", 0, ""],
    ["dvc pull -r production", 1, "there is no remote production"],
    ["dvc status", 0, "up to date"],
    ["dvc status --cloud", 0, "in sync"],
    ["dvc cache dir", 0, ".dvc/cache"],
    ["dvc list . --dvc-only", 0, "data"],
    ["dvc gc --all-tags -f", 0, "No unused"],
    ["dvc gc --workspace -f", 0, "No unused"],
    ["dvc dag", 254, "`dvc dag`"],
    ["dvc repro", 254, "`dvc repro`"],
    ["dvc config cache.type symlink,hardlink", 0, /^$/],
    ["dvc config cache.shared group", 0, /^$/],
    ["dvc cache dir ../shared-cache", 0, /^$/],
    ["dvc config cache.dir", 0, "shared-cache"],
  ]);
});

it("worktrees by hand: pushed late, removed, and everything still to be had", () => {
  setUp();
  repo.git("worktree", "add", "-q", "../exp-cnn", "-b", "exp/cnn-pii");
  const cnn = { ...repo, root: join(repo.root, "../exp-cnn") };
  const there = (line: string) => typeLine(repo, `cd ../exp-cnn && ${line.replace(/^dvc/, "expver data")}`);
  expect(there("dvc checkout")).toMatchObject({ code: 0, text: expect.stringContaining("data/train.csv") });
  writeRows(cnn, "results/experiments.db", [["busy-gnu-0002", "exp-cnn", 0.9]]);
  repo.write("../exp-cnn/models/production/model.bin", "model cnn\n");
  expect(there("dvc add results/experiments.db models/production/model.bin").code).toBe(0);
  expect(there("git add -A && git commit -qm cnn && git tag -a exp-cnn-v1 -m 'model=cnn | F1=0.9'").code).toBe(0);
  typeAll([
    ["expver check exp-cnn", 4, "exp-cnn"],
    ["expver worktree remove exp-cnn", 1, "git worktree remove"],
    ["expver worktree finish cnn", 1, "was made by git, not by expver"],
    ["merge_artifacts.py --strategy merge --base-db results/experiments.db --exp-db ../exp-cnn/results/experiments.db", 0, "1 new row"],
  ]);
  // The step that was forgotten, after the step that cannot be taken back.
  repo.git("worktree", "remove", "--force", "../exp-cnn");
  typeAll([
    ["git branch -D exp/cnn-pii", 0, ""],
    ["model_manager.py download --version exp-cnn-v1 --output ../cnn.bin", 0, "checked"],
    ["dvc push --all-tags", 0, "2 files pushed"],
  ]);
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  typeAll([["experiment_explorer.py get --version exp-cnn-v1 --artifact models/production/model.bin --output ../again.bin", 0, "checked"]]);
  expect([repo.read("../cnn.bin"), repo.read("../again.bin")]).toEqual(["model cnn\n", "model cnn\n"]);
});

it("a push that succeeds in part is finished by the next one", () => {
  setUp();
  repo.write("data/train.csv", "id,x\n1,1\n2,2\n");
  repo.write("models/production/model.bin", "model two\n");
  typeAll([["dvc add data/train.csv models/production/model.bin", 0, "track"]]);
  const [, hash = ""] = /md5: (\S+)/.exec(repo.read("models/production/model.bin.dvc")) ?? [];
  const object = join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
  renameSync(object, `${object}.away`);
  rmSync(join(repo.root, "models/production/model.bin"));
  typeAll([
    ["dvc push", 0, /1 file pushed[\s\S]*neither in the cache nor on [^:]*: models\/production\/model\.bin/],
    ["dvc status --cloud", 0, "missing"],
  ]);
  renameSync(`${object}.away`, object);
  typeAll([
    ["dvc status --cloud", 0, "models/production/model.bin"],
    ["dvc push", 0, "1 file pushed"],
    ["dvc push", 0, "up to date"],
    ["dvc status --cloud", 0, "in sync"],
  ]);
});

it("a merge that is killed leaves the base as it was or as it should be, and is typed again", () => {
  setUp();
  writeRows(repo, "new.db", [["new-emu-0003", "e0.2.0", 0.9]]);
  const line = "merge_artifacts.py --strategy merge --base-db results/experiments.db --exp-db new.db";
  const before = tracksOf("results/experiments.db");
  let at = 1;
  for (; ; at++) {
    const { code } = typeLine(repo, line, killEnvironment(at));
    const now = tracksOf("results/experiments.db");
    expect([before, [...before, "new-emu-0003"]], `killed at ${at}`).toContainEqual(now);
    if (code !== 128 && code !== SIGKILLED) break;
    if (now.length > before.length) break;
  }
  expect(at).toBeGreaterThan(2);
  typeAll([[line, 0, ""]]);
  expect(tracksOf("results/experiments.db")).toEqual([...before, "new-emu-0003"]);
});

it.skipIf(peer("dvc") === null)("its stage runs by real dvc; a rebase in it waits for a yes, once", () => {
  setUp();
  const dvc = (...words: string[]) => {
    const { code, stdout, stderr } = repo.run(peer("dvc") ?? "", words, {
      env: { PATH: `${join(repo.root, "../bin")}:${dirname(peer("dvc") ?? "")}:${process.env.PATH}` },
    });
    return { code, text: stdout + stderr };
  };
  const scripts = join(import.meta.dirname, "../../skills/expver/scripts");
  expect(dvc("remove", "results/experiments.db.dvc").code).toBe(0);
  writeRows(repo, "results/incoming.db", [["new-emu-0003", "e0.1.0", 0.9]]);
  const parameter = (name: string) => `\${merge.${name}}`;
  const files = "--base-db results/experiments.db --exp-db results/incoming.db";
  const flags = `--strategy ${parameter("strategy")} ${files} --key-columns ${parameter("key_columns")}`;
  repo.write(
    "dvc.yaml",
    `stages:\n  merge_results:\n    cmd: python3 ${scripts}/merge_artifacts.py ${flags}\n` +
      "    deps: [results/incoming.db]\n    params: [merge]\n    outs:\n      - results/experiments.db: {persist: true}\n",
  );
  repo.write("params.yaml", "merge:\n  strategy: merge\n  key_columns: version\n");
  expect(dvc("repro")).toMatchObject({ code: 0, text: expect.stringContaining("1 new row") });
  expect(dvc("repro").text).toContain("didn't change, skipping");
  repo.write("params.yaml", "merge:\n  strategy: rebase\n  key_columns: version\n");
  const refused = dvc("repro");
  expect(refused.code).not.toBe(0);
  expect(refused.text).toContain("write --yes into its cmd in dvc.yaml");
  expect(tracksOf("results/experiments.db")).toEqual(["calm-otter-0001", "new-emu-0003"]);
  const [, line = ""] = /apply exactly this plan: (expver .*)/.exec(refused.text) ?? [];
  typeAll([[line, 0, "1 replaced"]]);
  expect(dvc("repro").code).toBe(0);
  expect(dvc("repro").text).toContain("didn't change, skipping");
  expect(tracksOf("results/experiments.db")).toEqual(["new-emu-0003"]);
});

function tracksOf(path: string): string[] {
  const db = openDatabase(join(repo.root, path), { readonly: true });
  try {
    return db.arrays("SELECT track_id FROM predictions ORDER BY track_id").map(([track]) => String(track));
  } finally {
    db.close();
  }
}
