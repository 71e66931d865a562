/** What an import has made is known at once by the bytes it was made of, and never by others. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { md5OfFile } from "../../src/platform/hashing.ts";
import { finishWork } from "../../src/platform/pace.ts";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { copyDatabase } from "../../src/results/copy.ts";
import { storingOutputs } from "../../src/store/worktree/contents.ts";
import { rememberMade } from "../../src/store/worktree/remember.ts";
import { openSingles, type Scan, scanOutput } from "../../src/store/worktree/scan.ts";
import { makeRepository } from "../support/repository.ts";

function project() {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  const { context, root } = repo;
  return { root, project: openProject(context) };
}

it("a database that was stored by other bytes than its file has", () => {
  const { root, project: here } = project();
  const path = join(root, "rows.db");
  const [writer, reader] = [openDatabase(path, { create: true }), openDatabase(path)];
  try {
    writer.exec("PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(TRUNCATE)");
    // What is read stands, and keeps what is written after it out of the file.
    reader.exec("BEGIN");
    reader.get("SELECT * FROM t");
    writer.exec("INSERT INTO t VALUES (2)");
    const since = Date.now();
    const [scan] = finishWork(storingOutputs(here, ["rows.db"], { copyDatabase })) as [Scan];
    const { md5 } = md5OfFile(path);
    expect(scan.files[0]?.md5).not.toBe(md5);
    rememberMade(here, path, scan, { md5s: new Map([["", md5]]), readAt: since });
    expect(finishWork(scanOutput(here, path)).files[0]?.md5).toBe(md5);
  } finally {
    reader.close();
    writer.close();
  }
});

it("a file that was stored by its own bytes, though it is young", () => {
  const { root, project: here } = project();
  const path = join(root, "young");
  writeFileSync(path, "young");
  const since = Date.now();
  const [scan] = finishWork(storingOutputs(here, ["young"])) as [Scan];
  const [file] = scan.files as [Scan["files"][number]];
  rememberMade(here, path, scan, { md5s: new Map([["", file.md5]]), readAt: since });
  expect(openSingles(here).get(path, file.stat)).toBe(file.md5);
});
