/** A model that is a folder: one output with one pointer, from the run to production and back. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";
import { must } from "./story.ts";

const TRAIN = `
const fs = require("fs");
const loss = String(JSON.parse(process.env.EXPVER_PARAMS).target);
const write = (path, text) => { fs.mkdirSync(require("path").dirname(path), { recursive: true }); fs.writeFileSync(path, text); };
write("models/net/config.json", loss);
write("models/net/weights/part-1.bin", "one " + loss);
write("models/net/weights/part-2.bin", "two");
write("models/vocab.txt", "a b c");
write("metrics.json", JSON.stringify({ loss: Number(loss) }));
`;

function makeStudy(models: string): TestRepository {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("expver.yaml", `metrics: { loss: min }\nmodels: { ${models} }\n`);
  repo.write("train.js", TRAIN);
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("start");
  return repo;
}

const FOLDER = "output: models/net, production: models/production/net";

function run(repo: TestRepository, loss: string): { version: string; run_id: string; outputs: { path: string; hash: string }[] } {
  return must(repo, "run", "--param", `target=${loss}`, "--metrics", "metrics.json", "--", "node", "train.js");
}

function pathsIn(repo: TestRepository, commit: string): string[] {
  return repo.git("ls-tree", "-r", "--name-only", commit, "models").split("\n");
}

it.each([FOLDER, "output: models/model.bin"])("%s: one pointer for the folder, one for the file beside it; dvc agrees", (models) => {
  const repo = makeStudy(models);
  const { version, outputs } = run(repo, "0.5");
  expect(outputs.map(({ path }) => path).sort()).toEqual(["models/net", "models/vocab.txt", "results/experiments.db"]);
  expect(outputs.find(({ path }) => path === "models/net")?.hash).toMatch(/\.dir$/);
  expect(pathsIn(repo, version)).toEqual(["models/.gitignore", "models/net.dvc", "models/vocab.txt.dvc"]);
  expect(repo.git("status", "--porcelain")).toBe("");
  if (HAS_DVC) expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
});

it("is got, promoted, kept as a candidate, replaced whole by a later one, and taken back", () => {
  const repo = makeStudy(FOLDER);
  const first = run(repo, "0.5");
  const second = run(repo, "0.2");
  const out = makeFolder("out");
  must(repo, "models", "get", first.version, "-o", join(out, "old"));
  expect(repo.run("cat", [join(out, "old/weights/part-1.bin")]).stdout).toBe("one 0.5");
  must(repo, "models", "promote", first.version);
  must(repo, "models", "promote", "--best");
  expect(repo.read("models/production/net/config.json")).toBe("0.2");
  const { path } = must(repo, "models", "add", first.run_id);
  expect(repo.read(`${path}/weights/part-2.bin`)).toBe("two");
  expect(must(repo, "models", "list").models.filter(({ candidate }: { candidate: string | null }) => candidate === path)).toMatchObject([
    { version: first.version, path: "models/net", bytesAre: ["cache", "candidates"] },
  ]);
  must(repo, "models", "demote");
  expect(repo.read("models/production/net/config.json")).toBe("0.5");
  expect(must(repo, "models", "info").is).toMatchObject([{ version: first.version, run: first.run_id }]);
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(second.version).toBe("e0.2.0");
});

it("what the run leaves out of the folder is no longer in it", () => {
  const repo = makeStudy(FOLDER);
  run(repo, "0.5");
  repo.write(
    "train.js",
    'require("fs").rmSync("models/net/weights", { recursive: true }); require("fs").writeFileSync("models/net/new", "n");',
  );
  repo.commit("other");
  const { version } = must(repo, "run", "--", "node", "train.js");
  const out = join(makeFolder("out"), "net");
  must(repo, "models", "get", version, "-o", out);
  expect([existsSync(join(out, "new")), existsSync(join(out, "weights"))]).toEqual([true, false]);
});

it("file by file stays a folder with pointers, or files of Git's, in it", () => {
  const repo = makeStudy(FOLDER);
  repo.write("models/net/README.md", "of Git");
  repo.commit("a text");
  const { outputs } = run(repo, "0.5");
  const files = ["models/net/config.json", "models/net/weights/part-1.bin", "models/net/weights/part-2.bin", "models/vocab.txt"];
  expect(
    outputs
      .map(({ path }) => path)
      .filter((path) => path !== "results/experiments.db")
      .sort(),
  ).toEqual(files);
  repo.git("rm", "-q", "models/net/README.md");
  repo.git("commit", "-q", "-m", "gone");
  expect(run(repo, "0.4").outputs.map(({ path }) => path)).not.toContain("models/net");
  expect(repo.git("status", "--porcelain")).toBe("");
});

it("a folder among the candidates: once it is pruned it is found in the history; changed, what its run left is meant", () => {
  const repo = makeStudy(FOLDER);
  const [first, best] = [run(repo, "0.5"), run(repo, "0.2")];
  repo.write("extra/head/a.bin", "of a part");
  must(repo, "models", "add", "extra/head", "--run", first.run_id);
  must(repo, "models", "add", best.run_id);
  must(repo, "models", "prune", "--keep", "1", "--to-trash", "--yes");
  must(repo, "ops", "purge", "--yes");
  const out = makeFolder("out");
  for (const [index, name] of [`${first.run_id}_head`, `models/candidates/${first.run_id}_head`].entries()) {
    must(repo, "models", "get", name, "-o", join(out, String(index)));
    expect(repo.run("cat", [join(out, String(index), "a.bin")]).stdout).toBe("of a part");
  }
  expect(repo.expverJson(["models", "get", `${first.run_id}_tail`]).error?.code).toBe("E_NOT_FOUND");

  must(repo, "models", "add", "extra/head", "--run", first.run_id);
  const listed = () => must(repo, "models", "list").models.find(({ path }: { path: string }) => path.endsWith("_head"));
  const { path, hash } = listed();
  repo.write(`${path}/a.bin`, "tampered");
  expect(listed()).toMatchObject({ path, hash });
  must(repo, "models", "promote", `${first.run_id}_head`);
  expect(repo.read("models/production/net/a.bin")).toBe("of a part");
});

it("of a tag that is no version what lay in production is meant, whatever it was called there", () => {
  const repo = makeStudy(FOLDER);
  repo.write("expver.yaml", "metrics: { loss: min }\n");
  repo.write("models/clf.pkl", "the output");
  repo.write("models/production/clf.pkl", "in production");
  must(repo, "data", "add", "models/clf.pkl", "models/production/clf.pkl");
  repo.commit("by hand");
  repo.git("tag", "exp-cnn-v1");
  must(repo, "models", "get", "exp-cnn-v1", "-o", "old.pkl");
  expect(repo.read("old.pkl")).toBe("in production");
});
