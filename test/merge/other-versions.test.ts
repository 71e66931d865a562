/** Results that come from another repository, whose versions have the names of versions here. */
import { expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const DATABASE = "results/experiments.db";

function study(): TestRepository {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  repo.commit("start", { "train.js": 'require("fs").writeFileSync("m.json", JSON.stringify({ loss: Number(process.argv[2]) }))\n' });
  return repo;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into data of every command.
function must(repo: TestRepository, ...args: string[]): any {
  const answer = repo.expverJson(args);
  expect(answer, JSON.stringify(answer.error)).toMatchObject({ code: 0 });
  return answer;
}

const train = (repo: TestRepository, loss: string) => must(repo, "run", "--metrics", "m.json", "--", "node", "train.js", loss).data.run_id;

it("a new version never has the name that rows of an imported database carry", () => {
  const [there, here] = [study(), study()];
  train(there, "0.5");
  here.run("mkdir", ["results"]);
  must(here, "data", "import", there.root, DATABASE, "-o", DATABASE);
  here.commit("results of another repository");
  expect(must(here, "list").data.versions).toEqual([]);
  const run = train(here, "0.7");
  expect(here.git("tag")).toBe("e0.2.0");
  expect(must(here, "verify").data.versions).toMatchObject([{ version: "e0.2.0", state: "whole" }]);
  expect(must(here, "show", "e0.2.0").data.runs.runs.map(({ run: id }: { run: string }) => id)).toEqual([run]);
});

it("a merge says which runs that come are of other versions than those here; list and show leave them out", () => {
  const [there, here] = [study(), study()];
  there.commit("of its own", { "README.md": "there\n" });
  const [other, run] = [train(there, "0.5"), train(here, "0.7")];
  const said = [expect.stringMatching(/^1 run of .* says e0\.1\.0, which is another version here$/)];
  const warnings = (...args: string[]) => must(here, ...args).warnings.map(({ text }: { text: string }) => text);
  const merge = ["merge", `${there.root}/${DATABASE}`, "--base-db", DATABASE];
  expect(warnings(...merge, "--dry-run")).toEqual(said);
  expect(warnings("merge", `${there.root}/${DATABASE}`)).toEqual(said);
  expect(warnings(...merge)).toEqual([]);
  expect(must(here, "show", "e0.1.0").data.runs.runs.map(({ run: id }: { run: string }) => id)).toEqual([run]);
  expect(must(here, "list").data.versions).toHaveLength(1);
  expect(must(here, "verify").data.versions).toMatchObject([{ version: "e0.1.0", state: "whole" }]);
  // Its code is not here; with it, it could have a version.
  expect(here.expverJson(["tag", "e0.2.0", "--run", other])).toMatchObject({ error: { code: "E_NOT_FOUND" } });
  here.git("fetch", "-q", there.root, "main");
  must(here, "tag", "e0.2.0", "--run", other);
  expect(must(here, "show", "e0.2.0").data.runs.runs.map(({ run: id }: { run: string }) => id)).toEqual([other]);
  expect(must(here, "verify").data.versions.map(({ state }: { state: string }) => state)).toEqual(["whole", "whole"]);
  must(here, "undo");
  expect(here.expver(["sql", `SELECT version FROM "default" WHERE track_id = '${other}'`]).stdout).toContain("e0.1.0");
  expect(here.expver(["sql", 'SELECT track_id FROM "default"']).stdout).toContain(other);
});
