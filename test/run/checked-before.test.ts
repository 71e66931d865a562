/** What would stop a run after hours stops it before the program is started, and leaves nothing behind. */
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { giveEachItsProcess } from "../support/command-line.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { exists, makeExperiment } from "./story.ts";

giveEachItsProcess();

function expectNothingBegun(repo: TestRepository, head: string): void {
  expect(exists(repo, "ran")).toBe(false);
  expect(exists(repo, "results")).toBe(false);
  expect(repo.git("rev-parse", "HEAD")).toBe(head);
  expect(repo.git("for-each-ref", "refs/expver", "refs/tags")).toBe("");
  expect(exists(repo, ".git/expver/runs") ? readdirSync(join(repo.root, ".git/expver/runs")) : []).toEqual([]);
}

describe("signing that does not work", () => {
  const unsigned = () => {
    const repo = makeExperiment();
    repo.git("config", "commit.gpgSign", "true");
    repo.git("config", "gpg.program", "false");
    return repo;
  };

  it.each([
    ["a snapshot is to be made", "new.py"],
    ["nothing has changed, so that only the results would be signed", null],
  ])("when %s", (_when, file) => {
    const repo = unsigned();
    const head = repo.git("rev-parse", "HEAD");
    if (file !== null) repo.write(file, "1");
    const { code, error } = repo.expverJson(["run", "--", "touch", "ran"]);
    expect({ code, error: error?.code }).toEqual({ code: 1, error: "E_GIT" });
    expect(error?.message).toMatch(/^git commit-tree: .*sign/);
    expect(error?.hint).toContain("git config commit.gpgSign false");
    expectNothingBegun(repo, head);
  });

  it("when only the tag would be signed; where it works, the version is signed and read as any other", () => {
    const repo = makeExperiment();
    const head = repo.git("rev-parse", "HEAD");
    const key = join(repo.root, "../key");
    for (const words of ["tag.gpgSign true", "gpg.format ssh", `user.signingKey ${key}`]) repo.git("config", ...words.split(" "));
    const { code, error } = repo.expverJson(["run", "--", "touch", "ran"]);
    expect({ code, error: error?.code }).toEqual({ code: 1, error: "E_GIT" });
    expect(error?.hint).toContain("git config tag.gpgSign false");
    expectNothingBegun(repo, head);
    expect(repo.expverJson(["run", "--no-tag", "--", "true"]).code).toBe(0);
    repo.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const { version } = repo.expverJson(["run", "-m", "signed", "--param", "lr=1", "--", "node", "train.js"]).data;
    expect(repo.git("cat-file", "tag", version)).toContain("SSH SIGNATURE");
    expect(repo.expverJson(["show", version]).data).toMatchObject({ params: { lr: "1" }, description: "signed" });
    expect(repo.expver(["verify", version]).code).toBe(0);
  });
});

it("a lock on the index that a dead git left: refused, named by doctor, and the run works once it is gone", () => {
  const repo = makeExperiment();
  const head = repo.git("rev-parse", "HEAD");
  repo.write(".git/index.lock", "");
  const { code, error } = repo.expverJson(["run", "--", "touch", "ran"]);
  expect({ code, error: error?.code }).toEqual({ code: 4, error: "E_BUSY" });
  expect(error?.hint).toContain(`rm ${join(repo.root, ".git/index.lock")}`);
  expectNothingBegun(repo, head);
  expect(repo.expver(["doctor"]).stdout).toContain("index.lock");
  expect(repo.expverJson(["run", "--no-commit", "--", "true"])).toMatchObject({ code: 0 });
  repo.run("rm", [".git/index.lock"]);
  expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 0 });
});

it("a lock on the index at the end: nothing moves, and the run gets its version when it is gone", () => {
  const repo = makeExperiment();
  const head = repo.git("rev-parse", "HEAD");
  const { code, error } = repo.expverJson(["run", "--", "sh", "-c", "mkdir -p models; echo m > models/model.json; touch .git/index.lock"]);
  expect({ code, error: error?.code }).toEqual({ code: 4, error: "E_BUSY" });
  expect(error?.hint).toContain("expver doctor --fix");
  expect([repo.git("rev-parse", "HEAD"), repo.git("tag")]).toEqual([head, ""]);
  repo.run("rm", [".git/index.lock"]);
  expect(repo.expver(["doctor", "--fix"]).stdout).toContain("it is e0.1.0 now");
  expect(repo.git("rev-parse", "HEAD")).toBe(repo.git("rev-parse", "e0.1.0^{commit}"));
  expect(repo.git("status", "--porcelain")).toBe("");
});

it("a file that is no program says how to make it one", () => {
  const repo = makeExperiment();
  const head = repo.git("rev-parse", "HEAD");
  writeFileSync(join(repo.root, "job.sh"), "touch ran\n");
  const refused = repo.expverJson(["run", "--", "./job.sh"]);
  expect(refused).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND", message: expect.stringContaining("may not be executed") } });
  expect(refused.error?.hint).toContain("chmod +x ./job.sh");
  repo.write("logs/2/metrics.csv", "");
  const spread = repo.expver(["run", "--metrics", "logs/1/metrics.csv", "logs/2/metrics.csv", "--", "./job.sh"]);
  expect(spread.stderr).toContain("It came from a glob of --metrics, of which the shell made several words: put that in quotes.");
  expectNothingBegun(repo, head);
  chmodSync(join(repo.root, "job.sh"), 0o755);
  expect(repo.expver(["run", "--", "./job.sh"]).code).not.toBe(4); // no interpreter line: what the system makes of it
});

it("without a .dvc nothing runs: Git would see the cache; where one lies below, it is named; no snapshot takes a cache", () => {
  const repo = makeRepository();
  repo.commit("start", { "proj/train.sh": "mkdir -p models && echo model > models/model.bin\n" });
  const run = (folder = "", code = 0) => {
    const answer = repo.expverJson(["run", "--", "sh", "train.sh"], { cwd: folder });
    expect(answer.code, JSON.stringify(answer.error)).toBe(code);
    return answer.error;
  };
  expect(run("", 1)).toMatchObject({ code: "E_NO_PROJECT", hint: "expver init" });
  repo.git("worktree", "add", "-q", "../linked");
  expect(repo.expverJson(["-C", "../linked", "run", "--", "true"])).toMatchObject({ code: 1, error: { code: "E_NO_PROJECT" } });
  expect(existsSync(join(repo.root, ".dvc"))).toBe(false);
  expect(repo.expver(["data", "init", "--subdir"], { cwd: "proj" }).code).toBe(0);
  repo.commit("a project below");
  expect(run("", 1)?.hint).toContain(join(repo.root, "proj"));
  run("proj");
  rmSync(join(repo.root, "proj/.dvc/.gitignore"));
  repo.write("proj/train.sh", "mkdir -p models && echo another > models/model.bin\n");
  run("proj");
  run("proj");
  expect(repo.git("ls-files", "proj/.dvc/cache")).toBe("");
});

it("a bare repository lists, but neither runs, nor is set up, nor tagged in", () => {
  const repo = makeExperiment();
  expect(repo.expver(["run", "-m", "one", "--", "true"]).code).toBe(0);
  const bare = makeRepository({ bare: true });
  bare.git("fetch", "-q", repo.root, "main:main", "refs/tags/*:refs/tags/*");
  for (const args of [["run", "--", "true"], ["init"], ["tag", "e9.0.0"]]) {
    expect(bare.expverJson(args), args.join(" ")).toMatchObject({
      code: 1,
      error: { code: "E_GIT", message: expect.stringContaining("bare"), hint: expect.stringContaining("clone") },
    });
  }
  expect(bare.expverJson(["list"]).data.versions).toMatchObject([{ version: "e0.1.0" }]);
  expect(bare.git("tag")).toBe("e0.1.0");
});

it("what somebody else owns says how to trust it", () => {
  const repo = makeExperiment();
  repo.run("chown", ["-R", "65534", repo.root]);
  const { code, error } = repo.expverJson(["run", "--", "touch", "ran"]);
  if (process.getuid?.() !== 0) return; // only root can give files away
  expect({ code, error: error?.code }).toEqual({ code: 1, error: "E_GIT" });
  expect(error?.hint).toContain(`git config --global --add safe.directory ${repo.root}`);
  expect(error?.message).toMatch(/dubious ownership in repository at '[^']*'$/);
});
