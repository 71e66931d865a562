/** Clones that have only a part: of the folders (sparse), of the history (shallow). */
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeStudy, must, runOnce, type Study } from "../publish/story.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";

function cloneWith({ upstream, storage }: Study, ...options: string[]): TestRepository {
  const root = join(makeFolder("part"), "clone");
  upstream.git("clone", "-q", "-b", "main", ...options, `file://${upstream.root}`, root);
  const clone = openTestRepository(root);
  clone.git("config", "--global", "user.email", "ada@example.com");
  // The remote is named by a relative path.
  clone.run("ln", ["-s", storage, join(root, "../storage")]);
  return clone;
}

it("sparse without .dvc: its settings are Git's, and nothing puts another in its place", () => {
  const study = makeStudy();
  const version = runOnce(study.repo);
  must(study.repo, ["publish"]);
  const clone = cloneWith(study, "--sparse");
  const adds = `git -C ${clone.root} sparse-checkout add .dvc`;
  for (const args of [["init"], ["data", "status"], ["data", "add", "x"], ["run", "--", "true"]]) {
    const { code, stderr } = clone.expver(args);
    expect({ failed: code !== 0, stderr }, args.join(" ")).toEqual({ failed: true, stderr: expect.stringContaining(adds) });
  }
  expect(clone.expver(["doctor"]).stdout).toContain(adds);
  must(clone, ["get", version, "data.csv", "-o", "got.csv"]);
  must(clone, ["sync"]);
  must(clone, ["verify"]);
  expect(clone.git("status", "--porcelain")).toBe("?? got.csv");
  clone.git("sparse-checkout", "add", ".dvc", "images");
  must(clone, ["data", "pull"]);
  expect(clone.read("data.csv")).toBe("x,y\n1,2\n");
  must(clone, ["run", "--", "node", "train.js"]);
  must(clone, ["publish"]);
});

it("nothing checked out, or single files only: settings are Git's all the same", () => {
  const study = makeStudy();
  const { repo } = study;
  repo.commit("named otherwise", { "expver.yaml": `${repo.read("expver.yaml")}versions: { prefix: "m" }\n` });
  const version = runOnce(repo);
  expect(version).toBe("m0.1.0");
  must(repo, ["publish"]);
  const [bare, files] = [cloneWith(study, "--no-checkout"), cloneWith(study)];
  files.git("sparse-checkout", "set", "--no-cone", "/train.js");
  for (const clone of [bare, files]) {
    expect(clone.expverJson(["list"]).data.versions).toMatchObject([{ version }]);
    must(clone, ["get", version, "data.csv", "-o", "got.csv"]);
    must(clone, ["verify"]);
    expect(clone.expver(["init"]).code).toBe(1);
  }
  expect(bare.expver(["init"]).stderr).toContain("Nothing is checked out here yet: git -C");
  bare.git("checkout", "-q");
  must(bare, ["data", "pull"]);
});

it("shallow: code before the cut is unread, and no damage", () => {
  const study = makeStudy();
  runOnce(study.repo);
  const version = runOnce(study.repo, "-m", "again");
  must(study.repo, ["publish"]);
  const clone = cloneWith(study, "--depth=1");
  clone.git("fetch", "-q", "--depth=1", "origin", "tag", "e0.1.0");
  const { stdout, code } = clone.expver(["verify", "--quick"]);
  expect({ stdout, code }).toMatchObject({ code: 0, stdout: expect.stringContaining("git fetch --unshallow") });
  expect(clone.expver(["verify", "--quick", version]).stdout).toMatch(/unread +code/);
  clone.git("fetch", "-q", "--unshallow");
  expect(clone.expver(["verify", "--quick", version]).stdout).toMatch(/proven +code/);
});
