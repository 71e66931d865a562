/** A repository whose branches change the same pointers. */
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { type CommandResult, makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

export interface Story {
  repo: TestRepository;
  /** Adds rows (track → x) or changes them, stores the database and commits. */
  rows(message: string, rows: Record<string, number>, more?: { without?: string[]; into?: TestRepository; mode?: string }): void;
  /** Writes members of the folder `data/set` (null: removes), stores it and commits. */
  files(message: string, files: Record<string, string | null>, more?: { into?: TestRepository }): void;
}

export function must(repo: TestRepository, ...args: string[]): CommandResult {
  const result = repo.expver(args);
  if (result.code !== 0) throw new Error(`expver ${args.join(" ")} (exit ${result.code}): ${result.stdout}${result.stderr}`);
  return result;
}

/** On `main`: rows a and b, files one and two. */
export function makeStory(): Story {
  const repo = makeRepository();
  must(repo, "init");
  const story: Story = {
    repo,
    rows(message, rows, { without = [], into = repo, mode = "delete" } = {}) {
      changeRows(into, rows, { without, mode });
      must(into, "data", "add", "results/experiments.db");
      into.commit(message);
    },
    files(message, files, { into = repo } = {}) {
      for (const [name, text] of Object.entries(files)) {
        if (text === null) into.run("rm", [`data/set/${name}`]);
        else into.write(`data/set/${name}`, text);
      }
      must(into, "data", "add", "data/set");
      into.commit(message);
    },
  };
  repo.write("results/.keep", "");
  story.rows("rows", { a: 1, b: 2 });
  story.files("files", { one: "1", two: "2" });
  return story;
}

/** In a copy: the driver of older Nodes keeps a file open that it has closed. */
function changeRows(
  repo: TestRepository,
  rows: Record<string, number>,
  { without, mode }: { without: readonly string[]; mode: string },
): void {
  const database = join(repo.root, "results/experiments.db");
  const copy = join(makeFolder("rows"), "copy.db");
  if (existsSync(database)) copyFileSync(database, copy);
  const db = openDatabase(copy, { create: true });
  db.exec(`PRAGMA journal_mode = ${mode}`);
  db.exec(`CREATE TABLE IF NOT EXISTS "default" (track_id TEXT, timestamp TEXT, x REAL, PRIMARY KEY (track_id, timestamp))`);
  for (const [track, x] of Object.entries(rows)) {
    db.run(`INSERT OR REPLACE INTO "default" (track_id, timestamp, x) VALUES (?, '1', cast(? as real))`, [track, x]);
  }
  for (const track of without) db.run(`DELETE FROM "default" WHERE track_id = ?`, [track]);
  if (mode === "wal") db.get("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  copyFileSync(copy, database);
}

/** `track x` of the rows the pointer of this worktree leads to. */
export function storedRows(repo: TestRepository, cache = join(repo.root, ".dvc/cache")): string[] {
  const db = openDatabase(objectOf(repo, "results/experiments.db.dvc", cache), { immutable: true });
  try {
    return db.all(`SELECT track_id, x FROM "default" ORDER BY track_id`).map(({ track_id, x }) => `${track_id} ${x}`);
  } finally {
    db.close();
  }
}

/** Members by path, of the listing the pointer leads to. */
export function storedFiles(repo: TestRepository, cache = join(repo.root, ".dvc/cache")): string[] {
  const listing = JSON.parse(readFileSync(objectOf(repo, "data/set.dvc", cache), "utf8")) as { relpath: string }[];
  return listing.map(({ relpath }) => relpath);
}

export function objectOf(repo: TestRepository, pointer: string, cache = join(repo.root, ".dvc/cache")): string {
  const hash = /md5: (\S+)/.exec(repo.read(pointer))?.[1] ?? "";
  return join(cache, "files/md5", hash.slice(0, 2), hash.slice(2));
}

/** Works on a new branch and comes back to `main`. */
export function onBranch({ repo }: Story, name: string, work: () => void, from = "main"): void {
  repo.git("checkout", "-q", "-b", name, from);
  must(repo, "data", "checkout");
  work();
  repo.git("checkout", "-q", "main");
  must(repo, "data", "checkout");
}

export function unmerged(repo: TestRepository): string[] {
  return repo.git("diff", "--name-only", "--diff-filter=U").split("\n").filter(Boolean);
}
