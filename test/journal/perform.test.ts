import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { ExpverError } from "../../src/errors.ts";
import { applyTextEdits } from "../../src/journal/file-edits.ts";
import { beginOperation, eachOperation } from "../../src/journal/operations.ts";
import { perform } from "../../src/journal/perform.ts";
import { makeFolder, makeRepository } from "../support/repository.ts";

const start = { command: "x", argv: [], summary: "" };

test("work that throws leaves nothing behind, and its operation says why", async () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  const path = join(repo.root, "new/file");
  const work = perform(project, repo.context, {
    ...start,
    work: (operation) => {
      applyTextEdits(project, operation, [{ path, before: null, after: "x" }]);
      expect(existsSync(path)).toBe(true);
      operation.record({ kind: "remote", remote: "origin", detail: "pushed" });
      throw new Error("the disk is full");
    },
  });
  await expect(work).rejects.toThrow("the disk is full");
  expect(existsSync(join(repo.root, "new"))).toBe(false);
  expect([...eachOperation(project)]).toMatchObject([{ state: "failed", outcome: "the disk is full" }]);
  expect(repo.warnings()).toEqual(["origin: pushed could not be taken back: done on a remote"]);
});

test("a ref that Git refused was set by another command, and stays", async () => {
  const repo = makeRepository();
  const head = repo.commit("first", { x: "1" });
  const project = openProject(repo.context);
  const tag = (name: string) => ({ kind: "ref", ref: `refs/tags/${name}`, before: null, after: head }) as const;
  const work = perform(project, repo.context, {
    ...start,
    work: (operation) => {
      operation.record(tag("ours"), tag("others"));
      repo.git("tag", "ours");
      repo.git("tag", "others");
      throw new ExpverError("E_REF_MOVED", "it is there", { details: { refs: ["refs/tags/others"] } });
    },
  });
  await expect(work).rejects.toThrow("it is there");
  expect(repo.git("tag")).toBe("others");
});

test("texts are not written where a link leads out of the repository", () => {
  const repo = makeRepository();
  const outside = makeFolder("outside");
  symlinkSync(outside, join(repo.root, "link"));
  const project = openProject(repo.context);
  const operation = beginOperation(project, repo.context, start);
  const edit = (path: string) => () => applyTextEdits(project, operation, [{ path: join(repo.root, path), before: null, after: "x" }]);
  for (const path of ["link/file", "link/new/file", "../file"]) expect(edit(path)).toThrow(expect.objectContaining({ code: "E_OUTSIDE" }));
  expect(readdirSync(outside)).toEqual([]);
  expect(operation.effects).toEqual([]);
});

test("work that ends gives its value, and the operation is done", async () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  expect(await perform(project, repo.context, { ...start, work: async () => 7 })).toBe(7);
  expect([...eachOperation(project)]).toMatchObject([{ state: "done" }]);
});

test("while much is taken back, others get their turn: a second Ctrl-C is heard", async () => {
  const repo = makeRepository();
  const project = openProject(repo.context);
  const names = Array.from({ length: 200_000 }, (_, index) => `aa/${index}`);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const work = perform(project, repo.context, {
    ...start,
    work: (operation) => {
      operation.record({ kind: "objects", folder: join(repo.root, "cache"), trash: join(repo.root, "trash"), names });
      throw new Error("the disk is full");
    },
  });
  await expect(work).rejects.toThrow("the disk is full");
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});
