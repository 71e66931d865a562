import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { addRemotes, makeModels, md5, modelOf, must, runOfVersion, train } from "./story.ts";

function makeRemotes(): { repo: TestRepository; upstream: TestRepository; storage: string } {
  const repo = makeModels();
  const storage = addRemotes(repo);
  return { repo, upstream: openTestRepository(join(dirname(repo.root), "up.git")), storage };
}

it("objects, branch and the version of its run; a clone gets the candidate by the run's name; once more sends nothing", () => {
  const { repo, upstream } = makeRemotes();
  const run = runOfVersion(repo, "e0.2.0");
  repo.write("head.bin", "another part");
  const plan = must(repo, "models", "add", "head.bin", "--run", run, "--publish", "--dry-run");
  expect(plan.steps.at(-1)).toMatchObject({ verb: "publish", target: "origin main", detail: expect.stringContaining("e0.2.0") });
  const { commit, published } = must(repo, "models", "add", "head.bin", "--run", run, "--publish");
  expect(published).toMatchObject({ remote: "origin", branch: "main", version: "e0.2.0" });
  expect(published.objects).toBeGreaterThan(2);
  expect(upstream.git("rev-parse", "main")).toBe(commit);
  expect(upstream.git("tag")).toBe("e0.2.0");

  const clone = makeRepository({ cloneOf: upstream.root });
  must(clone, "models", "get", run, "--path", "head.bin", "-o", join(makeFolder("out"), "head.bin"));
  const again = must(repo, "models", "add", "head.bin", "--run", run, "--publish");
  expect(again).toMatchObject({ commit: null, published: { objects: 0, version: null } });
});

it("a run without a version: the branch goes without a tag; without a Git remote the objects alone", () => {
  const { repo, upstream } = makeRemotes();
  const run = train(repo, "0.7", "--no-tag");
  const { commit, published } = must(repo, "models", "add", run, "--publish");
  expect([published.version, upstream.git("rev-parse", "main"), upstream.git("tag")]).toEqual([null, commit, ""]);

  const lone = makeModels();
  const storage = makeFolder("storage");
  must(lone, "data", "remote", "add", "-d", "storage", storage);
  expect(must(lone, "models", "add", "e0.1.0", "--publish").published).toMatchObject({ remote: null, branch: null });
  const hash = md5(modelOf("0.5"));
  expect(lone.run("cat", [join(storage, "files/md5", hash.slice(0, 2), hash.slice(2))]).stdout).toBe(modelOf("0.5"));
});

it("where it cannot be published nothing is added; a branch that is refused is an error, and the candidate stays", () => {
  const repo = makeModels();
  const before = repo.git("rev-parse", "HEAD");
  expect(repo.expverJson(["models", "add", "e0.1.0", "--publish"])).toMatchObject({ code: 4, error: { code: "E_PUBLISH" } });
  expect(repo.git("rev-parse", "HEAD")).toBe(before);

  const { repo: other, upstream } = makeRemotes();
  other.git("push", "-q", "origin", "main");
  other.git("commit", "-q", "--amend", "-m", "rewritten");
  const run = runOfVersion(other, "e0.1.0");
  const answer = other.expverJson(["models", "add", "e0.1.0", "--publish"]);
  expect(answer).toMatchObject({
    code: 4,
    error: { code: "E_PUBLISH", hint: expect.stringContaining("git pull --no-rebase origin main") },
  });
  expect(answer.data).toMatchObject({ run, commit: other.git("rev-parse", "HEAD") });
  expect(upstream.git("rev-parse", "main")).not.toBe(other.git("rev-parse", "HEAD"));
});
