/** `--wait`, and a run that goes on in the same worktree. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";

/** One that ends when there is a file `end`. */
function withRun(): TestRepository {
  const repository = makeRepository();
  expect(repository.expver(["init"]).code).toBe(0);
  const code = "touch begun; while [ ! -e end ]; do sleep 0.1; done; echo '{\"accuracy\": 1}' > metrics.json\n";
  repository.commit("code", { "train.sh": code, ".gitignore": "begun\nend\nsaid\nmetrics.json\n" });
  expect(repository.expver(["run", "--detach", "--no-tag", "--", "sh", "train.sh"])).toMatchObject({ code: 0 });
  repository.run("sh", ["-c", "while [ ! -e begun ]; do sleep 0.1; done"]);
  return repository;
}

it("a run waits for the one before it, as long as it was told to, and says for whom", () => {
  const repository = withRun();
  expect(repository.expver(["run", "--no-tag", "--", "true"])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("--wait SECONDS"),
  });
  expect(repository.expver(["run", "--no-tag", "--wait", "0.5", "--", "true"])).toMatchObject({ code: 4 });
  const ending = ["-c", '(sleep 2; touch end) & exec "$@"', "sh"];
  const main = join(import.meta.dirname, "../../dist/main.cjs");
  const second = repository.run("sh", [...ending, process.execPath, main, "run", "--no-tag", "--wait", "60", "--", "true"]);
  expect(second).toMatchObject({ code: 0, stderr: expect.stringMatching(/waiting: run \S+ goes on in this worktree \(process \d+/) });
  expect(existsSync(join(repository.root, "end"))).toBe(true);
  expect(repository.expverJson(["runs"]).data.runs).toHaveLength(2);
});

it("hears Ctrl-C while it waits", () => {
  const repository = withRun();
  const main = join(import.meta.dirname, "../../dist/main.cjs");
  const script = `"$@" 2>said & waiter=$!; while ! grep -q waiting: said; do sleep 0.1; done; kill -INT $waiter; wait $waiter; code=$?; cat said; exit $code`;
  const waiting = repository.run("sh", ["-c", script, "sh", process.execPath, main, "run", "--no-tag", "--wait", "600", "--", "true"]);
  expect(waiting).toMatchObject({ code: 130, stdout: expect.stringContaining("by SIGINT while waiting") });
  repository.write("end", "");
  expect(repository.expver(["run", "--no-tag", "--wait", "60", "--", "true"]).code).toBe(0);
});
