/** `expver worktree finish`: data that both sides have changed since the experiment began. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import type { TestRepository } from "../support/repository.ts";
import { type Lab, makeLab, mustIn } from "./story.ts";

let lab: Lab;
let repo: TestRepository;
let there: TestRepository;

/** What is tracked, as each side has it: files by path. */
function both(began: Record<string, string>, ours: Record<string, string | null>, theirs: Record<string, string | null>): void {
  const outputs = [...new Set(Object.keys({ ...began, ...theirs }).map((path) => path.split("/").slice(0, 2).join("/")))];
  const set = (side: TestRepository, files: Record<string, string | null>, about: string) => {
    for (const [path, text] of Object.entries(files)) {
      rmSync(join(side.root, path), { force: true });
      if (text !== null) side.write(path, text);
    }
    mustIn(side, "data", "add", ...outputs);
    side.git("add", "-A");
    side.commit(about);
  };
  set(repo, began, "where both begin");
  lab.must("worktree", "create", "labels");
  there = lab.inside("exp-labels");
  set(repo, ours, "main goes on");
  set(there, theirs, "the experiment goes on");
}

const finish = () => repo.expverJson(["worktree", "finish", "labels", "--keep"]);

/** Object of an output as HEAD's pointer, or an older one, names it. */
function forget(pointer: string, revision = "HEAD"): string {
  const [, hash = ""] = /md5: ([0-9a-f]{32}(?:\.dir)?)/.exec(repo.git("show", `${revision}:${pointer}`)) ?? [];
  const object = join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
  rmSync(object);
  return object;
}

beforeEach(() => {
  lab = makeLab();
  repo = lab.repo;
});

it("a folder whose listing main has not here is fetched: it counted as empty, and its files were gone", () => {
  both({ "data/set/1.txt": "1", "data/set/2.txt": "2" }, { "data/set/3.txt": "3" }, { "data/set/4.txt": "4", "data/set/1.txt": null });
  lab.must("data", "push");
  forget("data/set.dvc");
  expect(finish().error).toBeNull();
  expect(readdirSync(join(repo.root, "data/set")).sort()).toEqual(["2.txt", "3.txt", "4.txt"]);
});

it("it refuses where nobody has that listing, and says when only that of the ancestor is nowhere", () => {
  both({ "data/set/1.txt": "1", "data/set/2.txt": "2" }, { "data/set/3.txt": "3" }, { "data/set/4.txt": "4" });
  const head = repo.git("rev-parse", "HEAD");
  forget("data/set.dvc");
  expect(finish().error?.code).toBe("E_NOT_STORED");
  expect(repo.git("rev-parse", "HEAD")).toBe(head);
  expect(readdirSync(join(repo.root, "data/set")).sort()).toEqual(["1.txt", "2.txt", "3.txt"]);
  lab.must("data", "commit", "-f", "data/set.dvc");
  forget("data/set.dvc", "HEAD~1");
  const { ok, warnings } = finish();
  expect(ok).toBe(true);
  expect(JSON.stringify(warnings)).toMatch(/what one of them has deleted may be back/);
  expect(readdirSync(join(repo.root, "data/set")).sort()).toEqual(["1.txt", "2.txt", "3.txt", "4.txt"]);
});

it("rows that one side has deleted or corrected do not come back by the other; without the ancestor that is said", () => {
  const began = { "data/t.csv": "id,y\n1,cat\n2,dog\n3,cow\n" };
  both(began, { "data/t.csv": "id,y\n1,cat\n2,wolf\n" }, { "data/t.csv": "id,y\n1,cat\n2,dog\n3,cow\n4,hen\n" });
  expect(finish()).toMatchObject({ error: null, warnings: expect.not.arrayContaining([expect.objectContaining({ text: /nowhere/ })]) });
  expect(repo.read("data/t.csv")).toBe("id,y\n1,cat\n2,wolf\n4,hen\n");
  lab.must("undo");
  expect(repo.read("data/t.csv")).toBe("id,y\n1,cat\n2,wolf\n");
  forget("data/t.csv.dvc", "HEAD~1");
  const { error, warnings } = finish();
  expect([error, JSON.stringify(warnings)]).toEqual([null, expect.stringContaining("what one of them has deleted may be back")]);
  expect(repo.read("data/t.csv").split("\n")).toHaveLength(7);
});
