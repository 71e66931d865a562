/** `--wait`, and a run that goes on in the same worktree. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
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
  const second = repository.run("sh", [...ending, process.execPath, MAIN, "run", "--no-tag", "--wait", "60", "--", "true"]);
  expect(second).toMatchObject({ code: 0, stderr: expect.stringMatching(/waiting: run \S+ goes on in this worktree \(process \d+/) });
  expect(existsSync(join(repository.root, "end"))).toBe(true);
  expect(repository.expverJson(["runs"]).data.runs).toHaveLength(2);
});

it("hears Ctrl-C while it waits", () => {
  const repository = withRun();
  const script = `"$@" 2>said & waiter=$!; while ! grep -q waiting: said; do sleep 0.1; done; kill -INT $waiter; wait $waiter; code=$?; cat said; exit $code`;
  const waiting = repository.run("sh", ["-c", script, "sh", process.execPath, MAIN, "run", "--no-tag", "--wait", "600", "--", "true"]);
  expect(waiting).toMatchObject({ code: 130, stdout: expect.stringContaining("by SIGINT while waiting") });
  repository.write("end", "");
  expect(repository.expver(["run", "--no-tag", "--wait", "60", "--", "true"]).code).toBe(0);
});

/** Somebody has DVC's lock until they are waited for, or until the command has ended without. */
function besideLock(repository: TestRepository, args: string[]) {
  const holding = "touch held; until [ -e over ] || grep -q waiting: said; do sleep 0.1; done";
  const script = `: > said; flock .dvc/tmp/lock sh -c '${holding}' & while [ ! -e held ]; do sleep 0.1; done; "$@" 2>said; code=$?; touch over; wait; cat said; exit $code`;
  mkdirSync(join(repository.root, ".dvc/tmp"), { recursive: true });
  return repository.run("sh", ["-c", script, "sh", process.execPath, MAIN, ...args]);
}

it("stores what a program wrote under DVC's lock, until pointers say so: dvc gc would take what nothing names", () => {
  const repository = makeRepository();
  repository.expver(["init"]);
  const code = "mkdir -p models; echo $1 > models/m; echo '{\"accuracy\": 1}' > metrics.json\n";
  repository.commit("code", { "train.sh": code, ".gitignore": "said\nheld\nover\nmetrics.json\n" });
  const program = ["--metrics", "metrics.json", "--", "sh", "train.sh"];
  const waited = { code: 0, stdout: expect.stringMatching(/waiting: another dvc or expver process .*is working/) };
  expect(besideLock(repository, ["run", ...program, "1"])).toMatchObject(waited);
  for (const name of ["held", "over"]) rmSync(join(repository.root, name));
  expect(besideLock(repository, ["sweep", "--grid", "x=2,3", ...program, "{x}"])).toMatchObject(waited);
  expect(repository.expverJson(["list"]).data.versions).toHaveLength(2);
  expect(repository.expver(["verify"]).code).toBe(0);
});

it("a run without a version is recorded only once the lock is free, also when it was interrupted", () => {
  const repository = makeRepository();
  repository.expver(["init"]);
  repository.commit("code", { ".gitignore": "said\nheld\nover\n" });
  expect(besideLock(repository, ["run", "--", "sh", "-c", "kill -INT $PPID; exit 3"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("waiting: another dvc or expver process"),
  });
  expect(repository.expverJson(["runs"]).data.runs).toMatchObject([{ status: expect.stringMatching(/failed|killed/), version: null }]);
});

it("does not give up what has run for a lock that nobody can take here", () => {
  const repository = makeRepository();
  repository.expver(["init"]);
  const code = "rm -rf .dvc/tmp; ln -s /proc/nowhere .dvc/tmp; echo '{\"accuracy\": 1}' > metrics.json\n";
  repository.commit("code", { "train.sh": code, ".gitignore": "metrics.json\n" });
  expect(repository.expver(["run", "--metrics", "metrics.json", "--", "sh", "train.sh"])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("cannot be taken"),
  });
  rmSync(join(repository.root, ".dvc/tmp"));
  expect(repository.expver(["verify", "e0.1.0"]).code).toBe(0);
});
