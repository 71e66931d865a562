/** A model of any version or run, with right bytes, and nothing else in the repository is other than before. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, makeRepository } from "../support/repository.ts";
import { makeModels, md5, modelOf, must, runOfVersion, stateOf, train } from "./story.ts";

it("that of a version, of a run, of VERSION#RUN, by the original script's words too; with edits and a stash about", () => {
  const repo = makeModels();
  repo.write("train.js", "stashed");
  repo.git("stash");
  repo.write("train.js", "edited");
  repo.git("add", "train.js");
  const run = runOfVersion(repo, "e0.2.0");
  const before = stateOf(repo, "models/model.json");
  const out = makeFolder("out");
  const typed = [
    ["get", "e0.2.0"],
    ["get", run],
    ["get", run.slice(0, -2)],
    ["get", `e0.2.0#${run}`],
    ["download", "--version", "e0.2.0", "--db", "results/experiments.db"],
    ["get", "--run-id", run],
  ];
  for (const [index, words] of typed.entries()) {
    const { hash } = must(repo, "models", ...words, "-o", join(out, String(index)));
    expect(hash).toBe(md5(modelOf("0.2")));
  }
  expect(readdirSync(out)).toHaveLength(typed.length);
  for (const name of readdirSync(out)) expect(repo.run("cat", [join(out, name)]).stdout).toBe(modelOf("0.2"));
  expect(stateOf(repo, "models/model.json")).toEqual(before);
  expect(repo.git("stash", "list")).not.toBe("");
});

it("bytes that are nowhere are an error, never today's model under another's name", () => {
  const repo = makeModels();
  const hash = md5(modelOf("0.5"));
  rmSync(join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2)));
  const answer = repo.expverJson(["models", "get", "e0.1.0", "-o", "old.json"]);
  expect([answer.code, answer.error?.code]).toEqual([1, "E_NOT_STORED"]);
  expect(readdirSync(repo.root)).not.toContain("old.json");
});

it("of a run without a version; names what there is not", () => {
  const repo = makeModels();
  const run = train(repo, "0.7", "--no-tag");
  must(repo, "models", "get", run, "-o", "mine.json");
  expect(repo.read("mine.json")).toBe(modelOf("0.7"));
  expect(repo.expverJson(["models", "get", run, "-o", "mine.json"]).error?.code).toBe("E_DATA");
  const error = repo.expverJson(["models", "get", "e0.4.0"]).error;
  expect(error).toMatchObject({ code: "E_NOT_FOUND", details: { nearest: expect.stringMatching(/^e0\.\d\.0$/) } });
  expect(repo.expverJson(["models", "get", `e0.1.0#${run}`]).error?.code).toBe("E_NOT_FOUND");
});

it("a candidate by its name or path, in the folder and once it is pruned; the one in production, whatever lies there", () => {
  const repo = makeModels();
  const run = runOfVersion(repo, "e0.3.0");
  repo.write("head.bin", "another part");
  must(repo, "models", "add", "head.bin", "--run", run);
  must(repo, "models", "add", "e0.3.0");
  const names = [`${run}_head.bin`, `models/candidates/${run}_head.bin`];
  const texts = (out: string) =>
    names.map((name, index) => {
      must(repo, "models", "get", name, "-o", `../${out}${index}`);
      return repo.read(`../${out}${index}`);
    });
  expect(texts("there")).toEqual(["another part", "another part"]);
  expect(repo.expver(["models", "get", names[0] ?? "", "-o", "../told"]).stdout).toContain("as it lies here");
  must(repo, "models", "get", `${run}_model.json`, "-o", "../copy");
  expect(repo.read("../copy")).toBe(modelOf("0.9"));
  must(repo, "models", "add", "e0.2.0");
  must(repo, "models", "prune", "--keep", "1", "--to-trash", "--yes");
  expect(texts("pruned")).toEqual(["another part", "another part"]);
  expect(repo.expverJson(["models", "get", `${run}_other.bin`]).error?.code).toBe("E_NOT_FOUND");

  expect(repo.expverJson(["models", "get", "production"]).error?.code).toBe("E_NOT_FOUND");
  must(repo, "models", "promote", "e0.1.0");
  repo.write("models/production/model.json", "trained by hand");
  expect(must(repo, "models", "get", "production", "-o", "../now").hash).toBe(md5(modelOf("0.5")));
  expect(repo.read("../now")).toBe(modelOf("0.5"));
});

it("a candidate whose file has a # in its name", () => {
  const repo = makeModels();
  const run = runOfVersion(repo, "e0.1.0");
  repo.write("head #1.bin", "another part");
  must(repo, "models", "add", "head #1.bin", "--run", run);
  for (const [index, name] of [`${run}_head #1.bin`, `models/candidates/${run}_head #1.bin`].entries()) {
    must(repo, "models", "get", name, "-o", `../odd${index}`);
    expect(repo.read(`../odd${index}`)).toBe("another part");
  }
  expect(repo.expverJson(["models", "get", "e9.9.9#nobody"]).error?.code).toBe("E_NOT_FOUND");
});

it("a candidate that was changed since it was stored: what its run left, in lists, copies and production", () => {
  const repo = makeRepository();
  repo.expver(["init"]);
  repo.commit("first", {
    "expver.yaml": "metrics: { f1: max }\nmodels: { output: models/model.bin }\n",
    "train.sh": `mkdir -p models; echo model $1 > models/model.bin; echo "{\\"f1\\": $1}" > m.json\n`,
  });
  expect(repo.expver(["sweep", "--grid", "f=1,2", "--metrics", "m.json", "-m", "x", "--", "sh", "train.sh", "{f}"]).code).toBe(0);
  const { models } = repo.expverJson(["models", "list"]).data;
  const { run } = models[1];
  repo.write(`models/candidates/${run}_model.bin`, "tampered\n");
  expect(repo.expverJson(["models", "list"]).data.models[1]).toMatchObject({ run, hash: models[1].hash });
  for (const name of [run, `${run}_model.bin`]) {
    expect(repo.expver(["models", "get", name, "-o", "out.bin"]).code).toBe(0);
    expect(repo.read("out.bin")).toBe("model 1\n");
    rmSync(join(repo.root, "out.bin"));
  }
  expect(repo.expver(["models", "promote", run]).code).toBe(0);
  expect(repo.read("models/production/model.bin")).toBe("model 1\n");
  expect(repo.read(`models/candidates/${run}_model.bin`)).toBe("tampered\n");
});

it("a model of another extension than production's keeps its name where nobody gave one, and is else promoted with a warning", () => {
  const repo = makeModels();
  repo.write("expver.yaml", "metrics: { loss: min }\n");
  repo.commit("defaults");
  for (const version of ["e0.1.0", "e0.2.0"]) {
    const answer = repo.expverJson(["models", "promote", version]);
    expect(answer).toMatchObject({ warnings: [], data: { version, path: "models/production/model.json" } });
  }
  expect(repo.expver(["models", "info"]).stdout).toContain("models/production/model.json  as promoted");
  // What was taken out is remembered by its name.
  for (let taken = 0; taken < 2; taken += 1) expect(repo.expver(["models", "demote"]).code).toBe(0);
  expect(repo.expver(["models", "history"]).stdout).toMatch(/^models\/production\/model\.json\n/);
  expect(repo.expverJson(["models", "promote", "e0.1.0"]).data.path).toBe("models/production/model.json");
  repo.write("expver.yaml", "metrics: { loss: min }\nmodels: { production: prod/model.bin }\n");
  repo.commit("named");
  const { data, warnings } = repo.expverJson(["models", "promote", "e0.1.0"]);
  expect(data.path).toBe("prod/model.bin");
  expect(warnings).toMatchObject([{ hint: expect.stringContaining("models: { output: models/model.json }") }]);
});

it("what lies in production and is nobody's stays there: the first model goes beside it", () => {
  const repo = makeModels();
  repo.write("expver.yaml", "metrics: { loss: min }\n");
  repo.commit("defaults");
  repo.write("models/production/model.json", "mine, stored nowhere");
  expect(repo.expverJson(["models", "promote", "e0.1.0"]).data.path).toBe("models/production/model.bin");
  expect(repo.read("models/production/model.json")).toBe("mine, stored nowhere");
});

it("of a version whose model is in Git it is said where that is, and how later ones come to be tracked", () => {
  const repo = makeModels();
  repo.git("rm", "-q", "--cached", "models/model.json.dvc");
  repo.run("rm", ["models/model.json.dvc"]);
  repo.git("add", "--force", "models/model.json");
  repo.git("commit", "-q", "-m", "the model in Git");
  train(repo, "0.1");
  const refused = repo.expverJson(["models", "get", "e0.4.0"]);
  expect(refused).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND", details: { inGit: ["models/model.json"] } } });
  expect(refused.error?.hint).toContain("expver get e0.4.0 models/model.json");
  must(repo, "get", "e0.4.0", "models/model.json", "--out", "old.json");
  expect(repo.read("old.json")).toBe(modelOf("0.1"));
  repo.git("rm", "-q", "--cached", "models/model.json");
  repo.git("commit", "-q", "-m", "no longer");
  train(repo, "0.3");
  must(repo, "models", "get", "e0.5.0", "--out", "new.json");
  expect(repo.read("new.json")).toBe(modelOf("0.3"));
});

it("of a run whose version was tagged once more under another name, which has one model", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.commit("start", {
    "expver.yaml": "metrics: { acc: max }\n",
    "train.sh": "mkdir -p models; echo m > models/m.json; echo 'acc: 1' > m.yaml",
  });
  const { run_id: run } = must(repo, "run", "--metrics", "m.yaml", "--", "sh", "train.sh");
  repo.git("tag", "e1.0.0", "e0.1.0");
  for (const name of [run, "e1.0.0"])
    expect(must(repo, "models", "get", name, "--out", `of-${name}`)).toMatchObject({ path: "models/m.json" });
  must(repo, "models", "get", run, "--path", "models/m.json", "--out", "by-path");
  expect(must(repo, "models", "promote", "--best")).toMatchObject({ version: "e0.1.0", run });
});
