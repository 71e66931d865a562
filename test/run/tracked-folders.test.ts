/** Outputs that people track in another way than a run would: in a folder as a whole, or as an import. */
import { join } from "node:path";
import { expect, it } from "vitest";
import type { TestRepository } from "../support/repository.ts";
import { makeExperiment } from "./story.ts";

function must(repo: TestRepository, ...args: string[]) {
  const answer = repo.expverJson(args);
  if (answer.code !== 0) throw new Error(`expver ${args.join(" ")}: ${JSON.stringify(answer.error)}`);
  return answer;
}

it("a models folder that one pointer tracks is what a run made of it, run after run and in a sweep", () => {
  const repo = makeExperiment();
  repo.write("models/readme", "of people");
  must(repo, "data", "add", "models");
  const writes = "require('fs').writeFileSync('models/model.bin', String(process.env.EXPVER_PARAM_LR));";
  repo.commit("models are one", { "write.js": writes });
  for (const lr of ["1", "2"]) {
    must(repo, "run", "--param", `lr=${lr}`, "-m", "one", "--", "node", "write.js");
    expect(repo.git("ls-files", "models", "models.dvc")).toBe("models.dvc");
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.expver(["data", "status", "--json"]).stdout.trim()).toBe("{}");
  }
  must(repo, "sweep", "--grid", "lr=3,4", "--", "node", "write.js");
  must(repo, "verify");
  must(repo, "get", "e0.1.0", "models/model.bin", "-o", "got");
  expect(repo.read("got")).toBe("1");
  expect(repo.expverJson(["models", "promote", "e0.1.0"]).error?.hint).toContain("models: { candidates:");
});

it("a folder of data and one of reports, each tracked as a whole, are read and stored where their globs end in **", () => {
  const repo = makeExperiment();
  repo.write("data/a", "1");
  repo.write("reports/old", "1");
  must(repo, "data", "add", "data", "reports");
  repo.commit("folders", { "expver.yaml": "data: [data/**]\ntrack: [reports/**]\n" });
  repo.write("data/a", "2");
  must(repo, "run", "-m", "one", "--", "node", "-e", "require('fs').writeFileSync('reports/new', '1')");
  expect(repo.git("status", "--porcelain")).toBe("");
  const read = (path: string) => {
    must(repo, "get", "e0.1.0", path, "-o", `../got-${path.replace("/", "-")}`, "--force");
    return repo.read(`../got-${path.replace("/", "-")}`);
  };
  expect([read("data/a"), read("reports/new")]).toEqual(["2", "1"]);
  expect(repo.git("tag", "-l", "--format=%(contents)", "e0.1.0")).toMatch(/^Data: \S+ \d+ data$/m);
});

it("a database in a folder that one pointer tracks is refused before anything runs", () => {
  const repo = makeExperiment();
  repo.write("results/readme", "of people");
  must(repo, "data", "add", "results");
  repo.commit("results are one");
  const refused = repo.expverJson(["run", "--", "node", "-e", "require('fs').writeFileSync('ran', '')"]);
  expect(refused).toMatchObject({ code: 1, error: { code: "E_DATA", message: expect.stringContaining("results.dvc tracks as a whole") } });
  expect(refused.error?.hint).toContain("expver data remove results.dvc");
  const pipeline = "stages:\n  train:\n    cmd: 'true'\n    outs: [results]\n";
  const promised = makeExperiment();
  promised.commit("a stage is to make all of them", { "dvc.yaml": pipeline });
  expect(promised.expverJson(["run", "--", "true"]).error).toMatchObject({
    code: "E_DATA",
    message: expect.stringContaining("lies in results, which stage train makes as a whole"),
    hint: "Name another place in expver.yaml: results: { database: PATH }",
  });
  must(repo, "data", "remove", "results.dvc");
  repo.commit("results are no output");
  must(repo, "run", "-m", "one", "--", "true");
  expect(repo.git("ls-files", "results")).toContain("results/experiments.db.dvc");
});

it("an imported database that a run writes into is data of one's own", () => {
  const source = makeExperiment();
  must(source, "run", "-m", "theirs", "--", "node", "train.js");
  const repo = makeExperiment();
  repo.run("mkdir", ["-p", join(repo.root, "results")]);
  must(repo, "data", "import", source.root, "results/experiments.db", "-o", "results/experiments.db");
  repo.commit("what others found");
  must(repo, "run", "-m", "ours", "--", "node", "train.js");
  const pointer = repo.git("show", "HEAD:results/experiments.db.dvc");
  expect(pointer).toContain("experiments.db");
  expect(pointer).not.toMatch(/repo:|frozen|deps/);
});

it("what .dvcignore hides of pointers is said, with the line", () => {
  const repo = makeExperiment();
  repo.commit("hidden", { ".dvcignore": "*.log\nresults\n" });
  const { warnings } = must(repo, "run", "-m", "one", "--", "node", "train.js");
  const found = warnings.find(({ text }) => text.startsWith(".dvcignore leaves out results/experiments.db.dvc: dvc does not find"));
  expect(found?.hint).toContain("expver data check-ignore -d results/experiments.db.dvc");
  expect(repo.expver(["data", "check-ignore", "-d", "results/experiments.db.dvc"]).stdout).toContain(".dvcignore:2:results");
  repo.commit("seen", { ".dvcignore": "*.log\n" });
  expect(
    must(repo, "run", "-m", "two", "--", "node", "train.js")
      .warnings.map(({ text }) => text)
      .join("\n"),
  ).not.toContain(".dvcignore");
});

it("a folder of code whose place a file took, and the other way round, is a change like any", () => {
  const repo = makeExperiment();
  repo.commit("a folder", { "tool/in/a.py": "1" });
  repo.run("rm", ["-r", "tool"]);
  repo.write("tool", "a script");
  must(repo, "run", "-m", "file", "--", "true");
  expect(repo.git("ls-tree", "-r", "--name-only", "HEAD", "tool")).toBe("tool");
  repo.run("rm", ["tool"]);
  repo.write("tool/b.py", "2");
  must(repo, "sweep", "--grid", "lr=1,2", "-m", "folder", "--", "node", "train.js");
  expect(repo.git("ls-tree", "-r", "--name-only", "HEAD", "tool")).toBe("tool/b.py");
  expect(repo.git("status", "--porcelain", "-uno")).toBe("");
});

it("a run that puts a file in the place of a folder of outputs ends as others do", () => {
  const repo = makeExperiment();
  const writes = (code: string) => must(repo, "run", "-m", "one", "--", "node", "-e", `const fs = require("fs"); ${code}`);
  writes(`fs.mkdirSync("reports"); fs.writeFileSync("reports/a.json", "{}")`);
  writes(`fs.rmSync("reports", { recursive: true }); fs.writeFileSync("reports", "")`);
  expect(must(repo, "runs", "list").data.runs.map(({ status }: { status: string }) => status)).toEqual(["finished", "finished"]);
});
