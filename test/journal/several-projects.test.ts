/** Several projects in one repository share its journal: what one has begun is repaired and taken back as its own. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;
beforeEach(() => {
  repo = makeRepository();
  for (const name of ["one", "two"]) {
    repo.commit(name, {
      [`${name}/expver.yaml`]: `metrics: { a: max }\nversions: { prefix: ${name} }\n`,
      [`${name}/.gitignore`]: "m.json\n",
    });
    expect(repo.expver(["init"], { cwd: name }).code).toBe(0);
    repo.commit("init");
    expect(run(name, "echo '{\"a\":1}' > m.json").code).toBe(0);
  }
});

const run = (cwd: string, script: string) => repo.expver(["run", "--metrics", "m.json", "--", "sh", "-c", script], { cwd });

interface SeenRun {
  run_id: string;
  status: string;
  version: string | null;
}

function runsOf(cwd: string): string[] {
  const { runs } = repo.expverJson(["runs", "list"], { cwd }).data;
  return runs.map(({ status, version }: SeenRun) => `${status} ${version}`).sort();
}

it("a killed run is recorded in the results of its own project, whichever repairs it", () => {
  const before = repo.git("show", "HEAD:two/results/experiments.db.dvc");
  run("one", "mkdir -p models; echo m > models/model.json; kill -9 $PPID");
  expect(runsOf("two")).toEqual(["finished two0.1.0"]);
  const { stderr } = repo.expver(["undo"], { cwd: "two" });
  expect(stderr).toContain("is recorded as killed");
  expect(runsOf("one")).toEqual(["finished one0.1.0", "killed null"]);
  expect(runsOf("two")).toEqual(["finished two0.1.0"]);
  expect(repo.expver(["data", "status", "--quiet"], { cwd: "two" }).code).toBe(0);
  expect(repo.git("show", "HEAD:two/results/experiments.db.dvc")).toBe(before);
  expect(run("two", "echo '{\"a\":2}' > m.json").code).toBe(0);
  expect(runsOf("two")).toEqual(["finished two0.1.0", "finished two0.2.0"]);
});

it("undo takes back what a run of another project has left, from that one's cache", () => {
  expect(run("one", "mkdir -p models; echo first > models/model.json; echo '{\"a\":2}' > m.json").code).toBe(0);
  expect(run("one", "echo second > models/model.json; echo '{\"a\":3}' > m.json").code).toBe(0);
  expect(repo.expver(["undo"], { cwd: "two" }).code).toBe(0);
  expect(repo.read("one/models/model.json")).toBe("first\n");
  expect(repo.expver(["undo"], { cwd: "two" }).code).toBe(0);
  expect(existsSync(join(repo.root, "one/models/model.json"))).toBe(false);
  expect(runsOf("one")).toEqual(["finished one0.1.0"]);
  expect(repo.git("status", "--porcelain")).toBe("");
});

it("a sweep goes on in its own project only", () => {
  const failing = ["sweep", "--grid", "x=1,2", "--metrics", "m.json", "--", "sh", "-c", "kill -9 $PPID"];
  repo.expver(failing, { cwd: "one" });
  const [sweep] = readdirSync(join(repo.root, ".git/expver/sweeps"));
  const { code, stderr } = repo.expver(["sweep", "--resume", String(sweep)], { cwd: "two" });
  expect(code).toBe(1);
  expect(stderr).toContain(`expver -C ${join(repo.root, "one")} sweep --resume`);
});
