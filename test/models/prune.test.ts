/** Pruning: by run, in the metric's direction, only what is provably kept elsewhere, and never what somebody needs. */
import { chmodSync, cpSync, existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { modelsPrune } from "../../src/workflows/models/prune.ts";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { addRemotes, makeModels, md5, modelOf, must, runOfVersion, stateOf, train } from "./story.ts";

const FOLDER = "models/candidates";
const VERSIONS = ["e0.1.0", "e0.2.0", "e0.3.0"];

/** A candidate of each version; a data remote and a Git remote. */
function makeCandidates(): { repo: TestRepository; storage: string; candidates: Record<string, string> } {
  const repo = makeModels();
  const storage = addRemotes(repo);
  const candidates = Object.fromEntries(VERSIONS.map((version) => [version, must(repo, "models", "add", version).path as string]));
  return { repo, storage, candidates };
}

function left(repo: TestRepository, candidates: Record<string, string>): string[] {
  return Object.keys(candidates).filter((name) => existsSync(join(repo.root, candidates[name] ?? "")));
}

it("asks; keeps the lowest loss; one commit; dvc status clean; undone bit by bit; what went can still be had", () => {
  const { repo, candidates } = makeCandidates();
  must(repo, "publish", ...VERSIONS);
  const files = [...Object.values(candidates), `${FOLDER}.dvc`];
  const before = stateOf(repo, ...files);
  const asked = repo.expverJson(["models", "prune", "--keep", "1"]);
  expect(asked.code).toBe(3);
  const plan = asked.data ?? asked.error?.details.data;
  expect(plan.removes.map(({ path, value, size }: Record<string, unknown>) => [path, value, size])).toEqual(
    expect.arrayContaining([
      [candidates["e0.1.0"], "0.5", modelOf("0.5").length],
      [candidates["e0.3.0"], "0.9", modelOf("0.9").length],
    ]),
  );
  expect(stateOf(repo, ...files)).toEqual(before);
  must(repo, "models", "prune", "--keep", "1", "--db", "results/experiments.db", "--metric", "loss", "--yes");
  expect(left(repo, candidates)).toEqual(["e0.2.0"]);
  expect(repo.git("diff-tree", "-r", "--name-only", "HEAD~1", "HEAD")).toBe(`${FOLDER}.dvc`);
  expect(repo.git("status", "--porcelain")).toBe("");
  if (HAS_DVC) expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
  expect(must(repo, "models", "get", runOfVersion(repo, "e0.3.0"), "-o", join(makeFolder("out"), "x")).bytes).toBe(modelOf("0.9").length);
  must(repo, "undo");
  expect(stateOf(repo, ...files)).toEqual(before);
});

function cutOff(folder: string, hash: string): void {
  const object = join(folder, hash.slice(0, 2), hash.slice(2));
  chmodSync(object, 0o644);
  truncateSync(object, 3);
  chmodSync(object, 0o444);
}

it("an object that was cut off on the data remote keeps nothing: its candidate stays", () => {
  const { repo, storage, candidates } = makeCandidates();
  must(repo, "publish", ...VERSIONS);
  cutOff(join(storage, "files/md5"), md5(modelOf("0.9")));
  must(repo, "models", "prune", "--keep", "1", "--yes");
  expect(left(repo, candidates)).toEqual(["e0.2.0", "e0.3.0"]);
});

it("nor does one that was cut off in a cache outside, where nothing else is", () => {
  const repo = makeModels();
  const cache = makeFolder("cache");
  must(repo, "data", "config", "cache.dir", cache);
  cpSync(join(repo.root, ".dvc/cache"), cache, { recursive: true });
  repo.commit("cache");
  const candidates = Object.fromEntries(VERSIONS.map((version) => [version, must(repo, "models", "add", version).path as string]));
  cutOff(join(cache, "files/md5"), md5(modelOf("0.9")));
  must(repo, "models", "prune", "--keep", "1", "--yes");
  expect(left(repo, candidates)).toEqual(["e0.2.0", "e0.3.0"]);
});

it("a damaged listing of candidates is named, and everything else is told all the same", () => {
  const { repo, candidates } = makeCandidates();
  const [, hash = ""] = /md5: (\w+\.dir)/.exec(repo.read(`${FOLDER}.dvc`)) ?? [];
  const object = join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
  chmodSync(object, 0o644);
  writeFileSync(object, "[]x");
  chmodSync(object, 0o444);
  const asked = (...args: string[]) => {
    const { code, data, warnings } = repo.expverJson(args);
    expect([args, code]).toEqual([args, 0]);
    expect(warnings.map(({ text }: { text: string }) => text)).toContainEqual(expect.stringContaining(`${object} is damaged`));
    return data;
  };
  expect(asked("models", "list").models).toHaveLength(3);
  asked("models", "info");
  const unused = repo.expver(["uses", "ffffffff"]);
  for (const text of [`${object} is damaged`, "no version has"]) expect(unused.stderr).toContain(text);
  expect(asked("models", "prune", "--keep", "1").stays).toHaveLength(3);
  expect(left(repo, candidates)).toEqual(VERSIONS);
});

it("what is not proven stays, with the reason; --to-trash takes the trash as enough", () => {
  const { repo, storage, candidates } = makeCandidates();
  const reasons = () =>
    must(repo, "models", "prune", "--keep", "1")
      .stays.map(({ why }: { why: string }) => why)
      .sort();
  expect(reasons()).toEqual([
    "not proven to be kept elsewhere: the tag of e0.1.0 is not on origin",
    "not proven to be kept elsewhere: the tag of e0.3.0 is not on origin",
    "the best",
  ]);
  must(repo, "publish", ...VERSIONS);
  rmSync(join(storage, "files"), { recursive: true });
  expect(reasons()[0]).toBe("not proven to be kept elsewhere: its bytes are not on storage");
  repo.git("remote", "set-url", "origin", "../gone.git");
  expect(reasons()[0]).toBe("not proven to be kept elsewhere: the Git remote origin does not answer");
  repo.git("remote", "remove", "origin");
  expect(reasons()[0]).toBe("not proven to be kept elsewhere: its bytes are not on storage");
  expect(left(repo, candidates)).toEqual(VERSIONS);
  must(repo, "models", "prune", "--keep", "1", "--to-trash", "--yes");
  expect(left(repo, candidates)).toEqual(["e0.2.0"]);
  must(repo, "undo");
  expect(left(repo, candidates)).toEqual(VERSIONS);
});

it("never the production model, the best, one without a number, or what belongs to nobody, not even with --keep 0", () => {
  const { repo, candidates } = makeCandidates();
  must(repo, "models", "promote", "e0.3.0");
  repo.write(`${FOLDER}/calm-fox-0001_model.bin`, "of a run nobody knows");
  repo.write(`${FOLDER}/best.bin`, "whose?");
  const run = train(repo, "nan");
  must(repo, "models", "add", run);
  const { removed, stays } = must(repo, "models", "prune", "--keep", "0", "--to-trash", "--yes");
  expect(removed.map(({ path }: { path: string }) => path)).toEqual([candidates["e0.1.0"]]);
  expect(Object.fromEntries(stays.map(({ path, why }: Record<string, string>) => [path, why]))).toEqual({
    [candidates["e0.2.0"] ?? ""]: "the best",
    [candidates["e0.3.0"] ?? ""]: "in production",
    [`${FOLDER}/calm-fox-0001_model.bin`]: "its loss is not known",
    [`${FOLDER}/${run}_model.json`]: "its loss is not known",
  });
  expect(repo.read(`${FOLDER}/best.bin`)).toBe("whose?");
});

it("a candidate that was changed since the plan was made stays, and so do the others", async () => {
  const { repo, candidates } = makeCandidates();
  const plan = await modelsPrune.plan(repo.context, { keep: "1", toTrash: true });
  expect(plan.removes).toHaveLength(2);
  repo.write(candidates["e0.3.0"] ?? "", "trained on");
  await expect(modelsPrune.apply(repo.context, plan)).rejects.toMatchObject({ code: "E_PLAN_STALE" });
  expect([left(repo, candidates), repo.read(candidates["e0.3.0"] ?? "")]).toEqual([VERSIONS, "trained on"]);
});

it("a run with many rows and several files is one run; a metric of guessed direction removes nothing", () => {
  const { repo, candidates } = makeCandidates();
  for (let epoch = 0; epoch < 8; epoch += 1) must(repo, "log", `loss=0.${epoch + 1}`, "--track-id", "by_hand");
  repo.write(`${FOLDER}/by_hand_a.bin`, "a");
  repo.write(`${FOLDER}/by_hand_b.bin`, "b");
  // Its last loss is 0.8: behind e0.1.0, before e0.3.0.
  const { removes } = repo.expverJson(["models", "prune", "--keep", "3", "--to-trash", "--dry-run"]).data;
  expect(removes.map(({ path }: { path: string }) => path)).toEqual([candidates["e0.3.0"]]);
  repo.git("tag", "-a", "e0.9.0", "-m", "bleu=0.5 | by hand");
  expect(repo.expverJson(["models", "prune", "--metric", "bleu", "--yes", "--to-trash"]).error?.code).toBe("E_GATE");
  expect(repo.expverJson(["models", "prune", "--keep", "-1"]).code).toBe(2);
});
