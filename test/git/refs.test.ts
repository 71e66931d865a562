import { expect, it } from "vitest";
import { headBranch, readHead, readRef, readRefs, resolveCommit, updateRefs } from "../../src/git/refs.ts";
import { makeRepository } from "../support/repository.ts";

it("knows the branch of an unborn HEAD, whose commit is null", () => {
  const { repository } = makeRepository();
  expect(headBranch(repository)).toBe("refs/heads/main");
  expect(readRef(repository, "HEAD")).toBeNull();
  expect(readHead(repository)).toEqual({ branch: "refs/heads/main", commit: null, tree: null });
});

it("knows branch and commit of HEAD at once, also beside a file and a branch of that name", () => {
  const repo = makeRepository();
  const commit = repo.commit("first", { HEAD: "" });
  repo.git("branch", "x/HEAD");
  expect(readHead(repo.repository)).toEqual({ branch: "refs/heads/main", commit, tree: repo.git("rev-parse", "main^{tree}") });
});

it("reads several refs at once, and no others below or beside them", () => {
  const repo = makeRepository();
  const commit = repo.commit("first");
  for (const name of ["one", "two/below", "one-more"]) repo.git("tag", name);
  expect(readRefs(repo.repository, ["refs/tags/one", "refs/tags/two", "refs/tags/gone"])).toEqual({
    found: new Map([["refs/tags/one", commit]]),
    head: null,
  });
  expect(readRefs(repo.repository, ["refs/heads/main", "refs/tags/one"]).head).toBe("refs/heads/main");
});

it("has no branch when HEAD is detached", () => {
  const repo = makeRepository();
  repo.commit("first");
  repo.git("checkout", "-q", "--detach");
  expect(headBranch(repo.repository)).toBeNull();
  expect(readHead(repo.repository)).toEqual({
    branch: null,
    commit: repo.git("rev-parse", "HEAD"),
    tree: repo.git("rev-parse", "HEAD^{tree}"),
  });
});

it("answers the tag's own object, and the commit behind it", () => {
  const repo = makeRepository();
  const commit = repo.commit("first");
  repo.git("tag", "-a", "e0.1.0", "-m", "text");
  expect(readRef(repo.repository, "refs/tags/e0.1.0")).toBe(repo.git("rev-parse", "e0.1.0"));
  expect(resolveCommit(repo.repository, "e0.1.0")).toBe(commit);
  expect(resolveCommit(repo.repository, "--all")).toBeNull();
});

it("moves, creates and deletes several refs in one step", () => {
  const repo = makeRepository();
  const first = repo.commit("first");
  const second = repo.commit("second");
  repo.git("tag", "old", first);
  updateRefs(repo.repository, [
    { ref: "refs/heads/main", before: second, after: first },
    { ref: "refs/tags/new", before: null, after: second },
    { ref: "refs/tags/old", before: first, after: null },
    { ref: "refs/tags/never", before: null, after: null },
  ]);
  expect(["refs/heads/main", "refs/tags/new", "refs/tags/old"].map((ref) => readRef(repo.repository, ref))).toEqual([first, second, null]);
});

it.each([
  ["moved", { ref: "refs/heads/main", before: "FIRST", after: "SECOND" }],
  ["made by somebody else", { ref: "refs/tags/taken", before: null, after: "SECOND" }],
  ["deleted", { ref: "refs/tags/gone", before: "FIRST", after: "SECOND" }],
  ["there although it should not be", { ref: "refs/tags/taken", before: null, after: null }],
])("changes nothing at all when one ref was %s meanwhile", (_why, change) => {
  const repo = makeRepository();
  const first = repo.commit("first");
  const second = repo.commit("second");
  repo.git("tag", "taken", first);
  const named = (value: string | null) => (value === "FIRST" ? first : value === "SECOND" ? second : value);
  const changes = [
    { ref: "refs/tags/other", before: null, after: second },
    { ref: change.ref, before: named(change.before), after: named(change.after) },
  ];
  expect(() => updateRefs(repo.repository, changes)).toThrowError(expect.objectContaining({ code: "E_REF_MOVED" }));
  expect(readRef(repo.repository, "refs/tags/other")).toBeNull();
});
