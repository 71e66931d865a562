/** Promoting: the right model in the metric's own direction, one commit, never through a link, and all of it can be taken back. */
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { modelsPromote } from "../../src/workflows/models/promote.ts";
import { inBackground, until } from "../run/story.ts";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import type { TestRepository } from "../support/repository.ts";
import { makeModels, md5, modelOf, must, runOfVersion, stateOf } from "./story.ts";

const PRODUCTION = "models/production/model.json";
const FILES = [PRODUCTION, `${PRODUCTION}.dvc`, "models/production/.gitignore", "models/model.json"];

function objectOf(repo: TestRepository, text: string): string {
  const hash = md5(text);
  return join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
}

it("the lowest loss: a copy, a pointer, an ignore line, one commit of exactly these; what was staged and edited stays", () => {
  const repo = makeModels();
  repo.write("notes.txt", "staged");
  repo.git("add", "notes.txt");
  repo.write("train.js", "edited");
  const before = stateOf(repo, ...FILES);
  const head = repo.git("rev-parse", "HEAD");
  const { version, run, commit, replaced } = must(repo, "models", "promote", "--best");
  expect([version, run, replaced]).toEqual(["e0.2.0", runOfVersion(repo, "e0.2.0"), null]);
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.2"));
  expect(repo.git("rev-parse", "HEAD", "HEAD~1").split("\n")).toEqual([commit, head]);
  expect(repo.git("diff-tree", "-r", "--name-only", "HEAD~1", "HEAD").split("\n")).toEqual([
    "models/production/.gitignore",
    `${PRODUCTION}.dvc`,
  ]);
  expect(repo.git("status", "--porcelain").split("\n")).toEqual(["A  notes.txt", " M train.js"]);
  const info = must(repo, "models", "info");
  expect(info.production.state).toBe("right");
  expect(info.is).toMatchObject([{ version: "e0.2.0", run }]);
  expect(info.promotion).toMatchObject({ version: "e0.2.0", run, commit });
  if (HAS_DVC) expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
  must(repo, "undo");
  expect(stateOf(repo, ...FILES)).toEqual(before);
  expect(existsSync(join(repo.root, "models/production"))).toBe(false);
});

it("by run, by the original script's flags, once more; the one before stays reachable and comes back bit by bit", () => {
  const repo = makeModels();
  must(repo, "models", "promote", "--run-id", runOfVersion(repo, "e0.1.0"), "--db", "results/experiments.db");
  const before = stateOf(repo, ...FILES);
  const { replaced } = must(repo, "models", "promote", "--version", "e0.3.0");
  expect(replaced).toBe(md5(modelOf("0.5")));
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.9"));
  expect(must(repo, "models", "info").history.map(({ version }: { version: string }) => version)).toEqual(["e0.3.0", "e0.1.0"]);
  expect(must(repo, "models", "get", "e0.1.0", "-o", "old.json").hash).toBe(replaced);
  rmSync(join(repo.root, "old.json"));
  const again = must(repo, "models", "promote", "e0.3.0");
  expect(again.commit).toBeNull();
  must(repo, "undo");
  expect(stateOf(repo, ...FILES)).toEqual(before);
});

it("never writes through a link into the cache", () => {
  const repo = makeModels();
  repo.git("config", "-f", ".dvc/config", "cache.type", "symlink");
  repo.commit("links");
  must(repo, "models", "promote", "e0.1.0");
  // As real dvc, or somebody by hand, would have linked it.
  const old = objectOf(repo, modelOf("0.5"));
  rmSync(join(repo.root, PRODUCTION));
  symlinkSync(old, join(repo.root, PRODUCTION));
  must(repo, "models", "promote", "e0.2.0");
  expect(readFileSync(old, "utf8")).toBe(modelOf("0.5"));
  expect(lstatSync(join(repo.root, PRODUCTION)).isFile()).toBe(true);
  repo.write(PRODUCTION, "a program writes into it");
  expect(readFileSync(objectOf(repo, modelOf("0.2")), "utf8")).toBe(modelOf("0.2"));
});

it("what lies there and is stored nowhere: said, asked about, kept in the trash, and undo has it back", () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  repo.write(PRODUCTION, "trained by hand");
  const info = must(repo, "models", "info");
  expect(info.production).toMatchObject({
    state: "changed",
    recorded: { hash: md5(modelOf("0.5")) },
    there: { hash: md5("trained by hand") },
  });
  expect(info.promoted).toMatchObject([{ version: "e0.1.0" }]);
  expect(repo.expver(["models", "info"]).stdout).toContain("what lies there is not what was promoted");
  const before = stateOf(repo, ...FILES);
  expect(repo.expverJson(["models", "promote", "e0.2.0"]).code).toBe(3);
  expect(stateOf(repo, ...FILES)).toEqual(before);
  must(repo, "models", "promote", "e0.2.0", "--yes");
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.2"));
  must(repo, "undo");
  expect(stateOf(repo, ...FILES)).toEqual(before);
});

it("undo leaves a production model alone that was changed since", () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  must(repo, "models", "promote", "e0.2.0");
  repo.write(PRODUCTION, "trained by hand");
  const before = stateOf(repo, ...FILES);
  const answer = repo.expverJson(["undo"]);
  expect([answer.code, answer.error?.code]).toEqual([4, "E_UNDO"]);
  expect(answer.error?.message).toContain(`${PRODUCTION} (changed)`);
  expect(stateOf(repo, ...FILES)).toEqual(before);
});

it("bytes that are nowhere are an error, exit 1, and change nothing", () => {
  const repo = makeModels();
  rmSync(objectOf(repo, modelOf("0.2")));
  const before = stateOf(repo, ...FILES);
  for (const words of [["--best"], ["e0.2.0"], ["e0.2.0", "--dry-run"]]) {
    const answer = repo.expverJson(["models", "promote", ...words]);
    expect([answer.code, answer.error?.code]).toEqual([1, "E_NOT_STORED"]);
  }
  expect(stateOf(repo, ...FILES)).toEqual(before);
  // A copy among the candidates will do.
  repo.write(`models/candidates/${runOfVersion(repo, "e0.2.0")}_model.json`, modelOf("0.2"));
  expect(must(repo, "models", "promote", "--best").version).toBe("e0.2.0");
});

it("bytes that are not what the version says are refused", () => {
  const repo = makeModels();
  const object = objectOf(repo, modelOf("0.2"));
  chmodSync(object, 0o644);
  repo.run("sh", ["-c", `printf damaged > '${object}'; chmod 444 '${object}'`]);
  const before = stateOf(repo, ...FILES);
  const { code, stderr } = repo.expver(["models", "promote", "e0.2.0"]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/1 damaged object .* E_NOT_STORED/s)]);
  expect(stateOf(repo, ...FILES)).toEqual(before);
});

it.each([
  ["--min", "accuracy=0.9", 4],
  ["--min", "accuracy=0.5", 0],
  ["--max", "loss=0.4", 4],
  ["--max", "loss=0.5", 0],
  ["--min", "f1=0.1", 4],
  ["--min", "accuracy", 2],
  ["--better-than", "e0.2.0", 4],
  ["--better-than", "e0.3.0", 0],
  ["--better-than", "e0.1.0", 4],
  ["--better-than", "production", 4],
])("gate %s %s of e0.1.0, with e0.2.0 in production: exit %i", (flag, value, code) => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.2.0", "--better-than", "production");
  const answer = repo.expverJson(["models", "promote", "e0.1.0", flag, value, "--yes"]);
  expect(answer.code).toBe(code);
  if (code === 4) expect(answer.error?.code).toBe("E_GATE");
  expect(repo.read(PRODUCTION)).toBe(modelOf(code === 0 ? "0.5" : "0.2"));
});

it("what is in production and has no number nobody knows to be worse", () => {
  const repo = makeModels();
  repo.write(PRODUCTION, "by hand");
  must(repo, "data", "add", PRODUCTION);
  repo.commit("by hand");
  expect(repo.expverJson(["models", "promote", "--best", "--better-than", "production"]).error).toMatchObject({
    code: "E_GATE",
    message: expect.stringContaining(`the loss of ${PRODUCTION} is not known`),
  });
});

it("what came into production since the plan was made stays", async () => {
  const repo = makeModels();
  const plan = await modelsPromote.plan(repo.context, { version: "e0.1.0" });
  repo.write(PRODUCTION, "meanwhile");
  await expect(modelsPromote.apply(repo.context, plan)).rejects.toMatchObject({ code: "E_PLAN_STALE" });
  expect(repo.read(PRODUCTION)).toBe("meanwhile");
});

it("a direction nobody said decides nothing", () => {
  const repo = makeModels();
  repo.git("tag", "-a", "e0.9.0", "-m", "bleu=0.5 | by hand");
  expect(repo.expverJson(["models", "promote", "--best", "--metric", "bleu"]).error).toMatchObject({
    code: "E_GATE",
    hint: expect.stringContaining("metrics: { bleu: max }"),
  });
  expect(repo.expverJson(["models", "promote", "--best", "--metric", "odd"]).error?.code).toBe("E_NOT_FOUND");
  expect(must(repo, "models", "promote", "e0.9.0").hash).toBe(md5(modelOf("0.9")));
});

it("a model that is a folder, in place of a file", () => {
  const repo = makeModels();
  repo.write("expver.yaml", repo.read("expver.yaml").replaceAll("model.json", "net"));
  repo.write(
    "train.js",
    'require("fs").mkdirSync("models/net/w", { recursive: true }); require("fs").writeFileSync("models/net/w/1", "one"); require("fs").writeFileSync("models/net/2", "two");',
  );
  repo.write("models/net/2", "before");
  must(repo, "data", "add", "models/net");
  repo.commit("a folder");
  const { version } = must(repo, "run", "--", "node", "train.js");
  repo.write("models/production/net", "was a file");
  must(repo, "models", "promote", version, "--yes");
  expect(repo.read("models/production/net/w/1")).toBe("one");
  if (HAS_DVC) expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
  must(repo, "undo");
  expect(repo.read("models/production/net")).toBe("was a file");
});

it("not while a run goes on, which would take the copy for a model of its own", async () => {
  const repo = makeModels();
  const run = inBackground(repo, ["run", "--", "node", "-e", 'require("fs").writeFileSync("../started", ""); setInterval(() => {}, 50)']);
  await until(() => existsSync(join(repo.root, "../started")));
  const codes = [["promote", "e0.1.0"], ["add", "e0.1.0"], ["prune"]].map((words) => repo.expverJson(["models", ...words]).error?.code);
  must(repo, "runs", "stop", "--kill");
  await run.ended;
  expect(codes).toEqual(Array(3).fill("E_BUSY"));
  expect(must(repo, "models", "promote", "e0.1.0").version).toBe("e0.1.0");
});

it("refuses where no commit can be made, before anything", () => {
  const repo = makeModels();
  repo.git("checkout", "-q", "--detach");
  expect(must(repo, "models", "promote", "e0.1.0").commit).toBe(repo.git("rev-parse", "HEAD"));
  mkdirSync(join(repo.root, ".git/rebase-merge"));
  expect(repo.expverJson(["models", "promote", "e0.2.0"]).error?.code).toBe("E_GIT_STATE");
});
