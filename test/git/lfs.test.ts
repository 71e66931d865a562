/** Git LFS, with a filter that stands for it and without any: nothing is taken for what it is not. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { mustIn } from "../worktree/story.ts";

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"4d".repeat(32)}\nsize 10\n`;

let repo: TestRepository;
beforeEach(() => {
  repo = makeRepository();
  mustIn(repo, "init");
  repo.write("data/train.csv", "a,b\n1,2\n");
  mustIn(repo, "data", "add", "data/train.csv");
  repo.commit("first", { ".gitattributes": `${repo.read(".gitattributes")}*.bin filter=lfs -text\n`, "big.bin": POINTER });
  mustIn(repo, "run", "-m", "first", "--", "true");
});

/** What `git lfs install` writes, for a program that is there or not. */
function configure(program: string): void {
  for (const verb of ["clean", "smudge"]) repo.git("config", `filter.lfs.${verb}`, `${program} ${verb} %f`);
  repo.git("config", "filter.lfs.required", "true");
}

it("no filter: the pointer is a file like any other; get says what it is", () => {
  const got = repo.expverJson(["get", "e0.1.0", "big.bin", "-o", "old.bin"]);
  expect(got).toMatchObject({
    code: 0,
    warnings: [{ text: expect.stringContaining("big.bin is a pointer of Git LFS"), hint: expect.stringContaining("git lfs") }],
  });
  expect(repo.read("old.bin")).toBe(POINTER);
  mustIn(repo, "worktree", "create", "augment");
  mustIn(repo, "checkout", "e0.1.0");
  mustIn(repo, "cleanup");
  mustIn(repo, "worktree", "remove", "augment");
});

it("a filter that knows the bytes: they come where a version is got, restored and checked out, and nothing has changed by that", () => {
  repo.write(
    "../lfs.sh",
    'case $1 in clean) cat >/dev/null; cat "$(dirname "$0")/pointer";; smudge) cat >/dev/null; printf "the bytes\\n";; esac\n',
  );
  repo.write("../pointer", POINTER);
  configure(`sh '${join(dirname(repo.root), "lfs.sh")}'`);
  mustIn(repo, "get", "e0.1.0", "big.bin", "-o", "../old.bin");
  expect(repo.read("../old.bin")).toBe("the bytes\n");
  mustIn(repo, "checkout", "e0.1.0");
  expect(repo.read("../explore-e0.1.0/big.bin")).toBe("the bytes\n");
  mustIn(repo, "cleanup");
  repo.run("rm", ["big.bin"]);
  mustIn(repo, "restore", "e0.1.0", "big.bin");
  expect(repo.read("big.bin")).toBe("the bytes\n");
  // Its size in the index is the pointer's, from before there was a filter.
  repo.git("add", "big.bin");
  expect(repo.git("status", "--porcelain")).toBe("");
  mustIn(repo, "worktree", "create", "augment");
  expect(repo.read("../exp-augment/big.bin")).toBe("the bytes\n");
  mustIn(repo, "worktree", "remove", "augment");
});

it("a filter that is not there: what cannot be done leaves nothing behind and says what to install", () => {
  configure("no-such-lfs");
  const before = repo.git("for-each-ref");
  for (const args of [
    ["worktree", "create", "augment"],
    ["checkout", "e0.1.0"],
  ]) {
    const { code, error } = repo.expverJson(args);
    expect({ code, error }).toMatchObject({ code: 1, error: { code: "E_GIT", hint: expect.stringContaining("no-such-lfs") } });
  }
  expect(existsSync(join(repo.root, "../exp-augment"))).toBe(false);
  expect(existsSync(join(repo.root, "../explore-e0.1.0"))).toBe(false);
  expect([repo.git("for-each-ref"), repo.git("worktree", "list").split("\n")]).toEqual([before, [expect.stringContaining(repo.root)]]);
  expect(repo.expverJson(["get", "e0.1.0", "big.bin", "-o", "../old.bin"]).warnings).toHaveLength(1);
});
