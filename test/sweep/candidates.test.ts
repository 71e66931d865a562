/** Models of a sweep on their way into the candidates folder, where something of that is not as usual. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cloneOf, makeStudy, must, type Study } from "../publish/story.ts";
import type { TestRepository } from "../support/repository.ts";
import { rowsByRun } from "./story.ts";

const PROGRAM = `const fs = require("fs");
fs.mkdirSync("models", { recursive: true });
fs.writeFileSync("models/" + (process.env.NAME ?? "model.bin"), process.env.EXPVER_PARAM_LR);
fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: Number(process.env.EXPVER_PARAM_LR) }));
`;

const sweep = (repo: TestRepository, env = {}) =>
  repo.expverJson(["sweep", "--grid", "lr=0.1,0.2", "--metrics", "metrics.json", "--", "node", "sweep.js"], { env });

/** A clone by somebody who has none of the candidates that are there. */
function withCandidates(): { study: Study; clone: TestRepository } {
  const study = makeStudy();
  const { repo } = study;
  repo.write("expver.yaml", `${repo.read("expver.yaml").replace(/^metrics:.*$/m, "")}\nmetrics: { accuracy: max }\n`);
  repo.commit("to be swept", { "sweep.js": PROGRAM });
  const made = sweep(repo);
  expect(made.code, JSON.stringify(made.error)).toBe(0);
  must(repo, ["publish"]);
  const clone = cloneOf(study);
  must(clone, ["data", "pull", "data.csv", "images"]);
  must(clone, ["sync"]);
  return { study, clone };
}

it("in a clone without them: their listing is fetched, and they stay in the pointer", () => {
  const { clone } = withCandidates();
  const { code, error } = sweep(clone);
  expect(code, JSON.stringify(error)).toBe(0);
  must(clone, ["verify"]);
  must(clone, ["data", "pull"]);
  const runs = clone.expverJson(["runs", "list"]).data.runs.map((one: { run_id: string }) => one.run_id);
  const listed = clone.run("ls", ["models/candidates"]).stdout;
  for (const run of runs) expect(listed).toContain(`${run}_model.bin`);
});

it("where the listing is nowhere: nothing of the ending is left, and it goes on once it is there", () => {
  const { study, clone } = withCandidates();
  const aside = `${study.storage}.off`;
  renameSync(study.storage, aside);
  const { code, error, warnings } = sweep(clone);
  expect({ code, error: error?.code }).toEqual({ code: 1, error: "E_NOT_STORED" });
  expect(warnings.filter(({ text }) => text.includes("could not be taken back"))).toEqual([]);
  expect(rowsByRun(clone)).toHaveLength(2);
  renameSync(aside, study.storage);
  must(clone, ["sweep", "--resume"]);
  expect(rowsByRun(clone)).toHaveLength(4);
  must(clone, ["verify"]);
});

it("a name that has no room for that of the run: said, and the version is made", () => {
  const { study } = withCandidates();
  rmSync(join(study.repo.root, "models/model.bin"), { force: true });
  const { code, error, warnings, data } = sweep(study.repo, { NAME: "m".repeat(250) });
  expect(code, JSON.stringify(error)).toBe(0);
  expect(data.version).toBe("e0.2.0");
  expect(warnings.map(({ text }) => text)).toContainEqual(expect.stringContaining("no candidates were stored"));
});

describe("of a program that leaves its model in production", () => {
  const IN_PRODUCTION = PROGRAM.replace('mkdirSync("models"', 'mkdirSync("models/production"').replace(
    '"models/" +',
    '"models/production/" +',
  );
  const makeSwept = () => {
    const { repo } = makeStudy();
    repo.write("expver.yaml", "metrics: { accuracy: max }\n");
    repo.commit("to be swept", { "sweep.js": IN_PRODUCTION });
    return repo;
  };
  const over = (repo: TestRepository, grid: string, ...options: string[]) =>
    repo.expverJson(["sweep", "--grid", grid, "--metrics", "metrics.json", ...options, "--", "node", "sweep.js"]).data;
  const inProduction = (repo: TestRepository) => repo.read("models/production/model.bin");
  const modelSaid = (repo: TestRepository, version: string) => /^Model: \w+ \d+ (.*)$/m.exec(repo.git("cat-file", "tag", version))?.[1];

  it("all of them are candidates, and only a better one takes the place of what is there", () => {
    const repo = makeSwept();
    const first = over(repo, "lr=0.3,0.5");
    expect(first).toMatchObject({ candidates: 2, promotion: { promoted: true }, best: { value: "0.5" } });
    expect([inProduction(repo), modelSaid(repo, first.version)]).toEqual(["0.5", "models/production/model.bin"]);
    const worse = over(repo, "lr=0.2,0.1");
    expect(worse).toMatchObject({ candidates: 2, promotion: { promoted: false, why: expect.stringContaining("is not passed") } });
    expect(inProduction(repo)).toBe("0.5");
    expect(modelSaid(repo, worse.version)).toBe(`models/candidates/${worse.best.run}_model.bin`);
    expect(repo.git("status", "--porcelain")).toBe("");
    for (const { run, settings } of [...first.runs, ...worse.runs]) {
      must(repo, ["models", "get", run, "-o", `../${run}`]);
      expect(repo.read(`../${run}`)).toBe(settings.lr);
    }
    const { data, code } = repo.expverJson(["verify", worse.version]);
    expect(code).toBe(0);
    expect(data.versions[0].links).toContainEqual(
      expect.objectContaining({ kind: "pointer", state: "proven", target: modelSaid(repo, worse.version) }),
    );
    must(repo, ["models", "get", worse.version, "-o", "../worse"]);
    expect(repo.read("../worse")).toBe("0.2");
    must(repo, ["models", "promote", worse.version, "--yes"]);
    expect(inProduction(repo)).toBe("0.2");
  });

  it("under a name that nobody gave: it is called so in production, and the run before it counts", () => {
    const repo = makeSwept();
    const env = { NAME: "model.pkl" };
    const sweepOver = (grid: string) =>
      repo.expverJson(["sweep", "--grid", grid, "--metrics", "metrics.json", "--", "node", "sweep.js"], { env }).data;
    const there = () => repo.run("ls", ["models/production"]).stdout.trim().split("\n");
    must(repo, ["run", "--metrics", "metrics.json", "--", "env", "EXPVER_PARAM_LR=0.3", "NAME=model.pkl", "node", "sweep.js"]);
    expect(sweepOver("lr=0.2,0.1")).toMatchObject({ promotion: { promoted: false } });
    expect([repo.read("models/production/model.pkl"), there()]).toEqual(["0.3", ["model.pkl", "model.pkl.dvc"]]);
    expect(sweepOver("lr=0.4,0.1")).toMatchObject({ promotion: { promoted: true } });
    expect([repo.read("models/production/model.pkl"), there()]).toEqual(["0.4", ["model.pkl", "model.pkl.dvc"]]);
    expect(repo.git("status", "--porcelain")).toBe("");
    must(repo, ["verify"]);
  });

  it("under a name that nobody gave, before there was anything", () => {
    const repo = makeSwept();
    const args = ["sweep", "--grid", "lr=0.2,0.1", "--metrics", "metrics.json", "--", "node", "sweep.js"];
    expect(repo.expverJson(args, { env: { NAME: "model.pkl" } }).data).toMatchObject({ promotion: { promoted: true } });
    expect(repo.run("ls", ["models/production"]).stdout.trim().split("\n")).toEqual(["model.pkl", "model.pkl.dvc"]);
    expect(repo.expver(["models", "info"]).stdout).toContain("models/production/model.pkl  as promoted");
  });

  it("under another name than expver.yaml has: the tag names the place it was promoted to", () => {
    const repo = makeSwept();
    repo.write("expver.yaml", "metrics: { accuracy: max }\nmodels: { production: models/production/best.bin }\n");
    const first = over(repo, "lr=0.3,0.5");
    expect(first).toMatchObject({ candidates: 2, promotion: { promoted: true } });
    expect(repo.run("ls", ["models/production"]).stdout.trim().split("\n")).toEqual(["best.bin", "best.bin.dvc"]);
    expect(modelSaid(repo, first.version)).toBe("models/production/best.bin");
    must(repo, ["verify"]);
  });

  it("nothing is put there without being asked for", () => {
    const repo = makeSwept();
    expect(over(repo, "lr=0.3,0.5", "--no-promote")).toMatchObject({ candidates: 2, promotion: null });
    expect(existsSync(join(repo.root, "models/production"))).toBe(false);
    expect(repo.git("status", "--porcelain")).toBe("");
    must(repo, ["verify"]);
  });
});
