/** Candidates: copies named after their runs, one pointer beside the folder that real dvc takes for its own. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeFolder } from "../support/repository.ts";
import { makeModels, modelOf, must, runOfVersion, stateOf } from "./story.ts";

const FOLDER = "models/candidates";

it("the model of a run, a version, a file from anywhere: one commit each, dvc status clean, undone bit by bit", () => {
  const repo = makeModels();
  const [first = "", second = "", third = ""] = ["e0.1.0", "e0.2.0", "e0.3.0"].map((version) => runOfVersion(repo, version));
  const before = stateOf(repo, `${FOLDER}.dvc`, "models/.gitignore");
  expect(must(repo, "models", "add", first).path).toBe(`${FOLDER}/${first}_model.json`);
  expect(repo.git("diff-tree", "-r", "--name-only", "HEAD~1", "HEAD").split("\n")).toEqual(["models/.gitignore", `${FOLDER}.dvc`]);
  must(repo, "models", "add", "e0.2.0");
  const file = join(makeFolder("elsewhere"), "epoch7.bin");
  repo.run("sh", ["-c", `printf seven > ${file}`]);
  must(repo, "models", "add", file, "--run-id", third);
  expect(repo.read(`${FOLDER}/${second}_model.json`)).toBe(modelOf("0.2"));
  expect(repo.read(`${FOLDER}/${third}_epoch7.bin`)).toBe("seven");
  expect(repo.git("status", "--porcelain")).toBe("");
  if (HAS_DVC) expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
  expect(must(repo, "models", "add", second).commit).toBeNull();
  for (let count = 0; count < 3; count += 1) must(repo, "undo");
  expect(stateOf(repo, `${FOLDER}.dvc`, "models/.gitignore")).toEqual(before);
  expect(existsSync(join(repo.root, FOLDER))).toBe(false);
});

it("overwrites nothing silently, leads nowhere else, takes no run that is none", () => {
  const repo = makeModels();
  const run = runOfVersion(repo, "e0.1.0");
  repo.write("model.json", "another");
  must(repo, "models", "add", run);
  const before = stateOf(repo, `${FOLDER}/${run}_model.json`);
  expect(repo.expverJson(["models", "add", "model.json", "--run", run]).error?.code).toBe("E_DATA");
  expect(repo.expverJson(["models", "add", "model.json", "--run", "../../x"]).error?.code).toBe("E_NOT_FOUND");
  expect(repo.expverJson(["models", "add", "model.json", "--run", "calm-fox-0001"]).error?.code).toBe("E_NOT_FOUND");
  expect(repo.expverJson(["models", "add", "model.json"]).error?.code).toBe("E_USAGE");
  expect(repo.expverJson(["models", "add", "out/modle.json"]).error?.message).toBe("there is no file or folder out/modle.json");
  expect(repo.expverJson(["models", "add", "e0.1.0", "--run", "../../x"]).error?.code).toBe("E_NOT_FOUND");
  expect(stateOf(repo, `${FOLDER}/${run}_model.json`)).toEqual(before);
  must(repo, "models", "add", "model.json", "--run", run, "--force");
  expect(repo.read(`${FOLDER}/${run}_model.json`)).toBe("another");
  must(repo, "undo");
  expect(stateOf(repo, `${FOLDER}/${run}_model.json`)).toEqual(before);
});

it("candidates that are not in this worktree stay in the pointer", () => {
  const repo = makeModels();
  const [first = "", second = ""] = ["e0.1.0", "e0.2.0"].map((version) => runOfVersion(repo, version));
  must(repo, "models", "add", first);
  rmSync(join(repo.root, FOLDER), { recursive: true });
  must(repo, "models", "add", second);
  must(repo, "data", "checkout", `${FOLDER}.dvc`);
  expect(repo.read(`${FOLDER}/${first}_model.json`)).toBe(modelOf("0.5"));
  expect(repo.read(`${FOLDER}/${second}_model.json`)).toBe(modelOf("0.2"));
});
