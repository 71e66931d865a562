/** The trash is freed by the built program: what goes, what stays, and what undo says afterwards. */
import { existsSync, readdirSync, truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { beginOperation } from "../../src/journal/operations.ts";
import { moveToTrash, trashPlace } from "../../src/journal/trash.ts";
import { largeTrash } from "../../src/workflows/doctor/journal-checks.ts";
import { lookedAt } from "../../src/workflows/doctor/looked.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const trashOf = ({ root }: TestRepository) => {
  const trash = join(root, ".git/expver/trash");
  return existsSync(trash) ? readdirSync(trash) : [];
};

/** `a` was stored, then changed, then removed: what it was at last is in the trash alone. */
function withTrash(): TestRepository {
  const repository = makeRepository();
  repository.expver(["data", "init"]);
  repository.write("a", "stored");
  repository.expver(["data", "add", "a"]);
  repository.write("a", "stored nowhere");
  expect(repository.expver(["data", "remove", "--outs", "--yes", "a.dvc"]).code).toBe(0);
  return repository;
}

test("the plan names what goes, its size and the operation; only a yes frees it; undo then refuses and changes nothing", () => {
  const repository = withTrash();
  const [operation] = repository.expverJson(["ops"]).data.operations;
  const { steps } = repository.expverJson(["ops", "purge", "--dry-run"]).data;
  expect(steps).toEqual([
    {
      verb: "free",
      target: join(repository.root, "a"),
      detail: expect.stringContaining(`\`expver undo ${operation.id}\` (data remove)`),
      count: 1,
      bytes: "stored nowhere".length,
    },
  ]);
  expect(repository.expver(["ops", "purge"]).code).toBe(3);
  expect(repository.expver(["undo", "--dry-run"]).code).toBe(0);
  expect(repository.expverJson(["ops", "purge", "--yes"]).data).toEqual({ freed: 1, files: 1, bytes: 14, left: 0, lost: [operation.id] });
  expect(trashOf(repository)).toEqual([]);
  expect(repository.expver(["undo", operation.id])).toMatchObject({ code: 4, stderr: expect.stringContaining("in the trash") });
  expect(existsSync(join(repository.root, "a.dvc"))).toBe(false);
  expect(repository.expver(["ops", "purge", "--yes"])).toMatchObject({ code: 0, stdout: "the trash is empty\n" });
});

test("what replaced something stays when what it replaced is no longer there: undo refuses before it moves anything", () => {
  const repository = withTrash();
  repository.write("new", "new");
  repository.expver(["data", "add", "new"]);
  repository.write("b", "in the way, stored nowhere");
  repository.git("add", "-A");
  repository.git("commit", "-qm", "data");
  expect(repository.expver(["get", "HEAD", "new", "-o", "b", "--force"]).code).toBe(0);
  expect(repository.expver(["ops", "purge", "--yes"]).code).toBe(0);
  expect(repository.expver(["undo"]).code).toBe(4);
  expect(repository.read("b")).toBe("new");
});

test("--older-than keeps what is younger, and takes no nonsense", () => {
  const repository = withTrash();
  expect(repository.expverJson(["ops", "purge", "--older-than", "1d", "--yes"]).data).toMatchObject({ freed: 0, left: 1 });
  expect(repository.expver(["ops", "purge", "--older-than", "1 month"])).toMatchObject({ code: 2, stderr: expect.stringContaining("30d") });
  expect(trashOf(repository)).toHaveLength(1);
});

test("objects of data gc are freed too, but not those another repository put into a shared trash", () => {
  const repository = withTrash();
  repository.expver(["ops", "purge", "--yes"]);
  expect(repository.expver(["data", "gc", "-w", "-f"]).code).toBe(0);
  const trash = join(repository.root, ".dvc/cache/expver-trash");
  repository.write(".dvc/cache/expver-trash/0123456789abcdef/files/md5/ab/cd", "another's");
  utimesSync(join(trash, "0123456789abcdef"), 0, 0);
  expect(readdirSync(trash)).toHaveLength(2);
  expect(repository.expverJson(["ops", "purge", "--yes"]).data).toMatchObject({ freed: 1, files: 1, bytes: "stored".length });
  expect(readdirSync(trash)).toEqual(["0123456789abcdef"]);
});

test("what a command at work has thrown away stays, and what no operation names stays for a day", () => {
  const repository = withTrash();
  const project = openProject(repository.context);
  repository.expver(["ops", "purge", "--yes"]);
  repository.write("one", "1");
  repository.write("two", "2");
  const operation = beginOperation(project, repository.context, { command: "run", argv: [], summary: "at work" });
  const place = trashPlace(project, join(repository.root, "one"));
  operation.record({ kind: "trash", path: "one", trash: place });
  moveToTrash(project, join(repository.root, "one"), place);
  const unnamed = join(moveToTrash(project, join(repository.root, "two")), "../..");
  expect(repository.expverJson(["ops", "purge", "--yes"]).data).toMatchObject({ freed: 0, left: 2 });
  utimesSync(unnamed, 0, 0);
  expect(repository.expverJson(["ops", "purge", "--yes"]).data).toMatchObject({ freed: 1, left: 1 });
  operation.finish();
  beginOperation(project, repository.context, { command: "undo", argv: [], summary: "at work", notes: { undoes: operation.id } });
  expect(repository.expverJson(["ops", "purge", "--yes"]).data).toMatchObject({ freed: 0, left: 1 });
  expect(existsSync(place)).toBe(true);
});

test("doctor says how much a large trash keeps, and is silent about a small one", () => {
  const repository = withTrash();
  const place = openProject(repository.context);
  const look = () => largeTrash.find({ place, project: place, context: repository.context, looked: lookedAt(place, place) });
  expect(look()).toEqual([]);
  // Sparse: takes no disk.
  repository.write("huge", "");
  truncateSync(join(repository.root, "huge"), 2 * 1024 ** 3);
  moveToTrash(place, join(repository.root, "huge"));
  expect(look()).toMatchObject([{ level: "note", remedy: "expver ops purge --older-than 30d" }]);
});
