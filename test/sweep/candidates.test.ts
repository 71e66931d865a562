/** Models of a sweep on their way into the candidates folder, where something of that is not as usual. */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
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
