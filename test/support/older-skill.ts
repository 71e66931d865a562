/** A repository for somebody who knows the older skill only: `expver` on the PATH, and its five scripts' names. */
import { join } from "node:path";
import { openResults } from "../../src/results/database.ts";
import { type CommandResult, makeFolder, openTestRepository, type TestRepository } from "./repository.ts";

const ROOT = join(import.meta.dirname, "../..");

export function openOlderRepository(): TestRepository {
  const repo = openTestRepository(join(makeFolder("older"), "project"));
  repo.write("README.md", "x\n");
  repo.git("init", "-q");
  repo.write("../bin/expver", `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "dist/main.cjs")}" "$@"\n`);
  repo.run("chmod", ["+x", "../bin/expver"]);
  return repo;
}

/** Rows as its pages log them. */
export function writeRows(repo: TestRepository, path: string, rows: readonly [track: string, version: string, accuracy: number][]): void {
  const db = openResults(join(repo.root, path), { create: true });
  db.exec(
    "CREATE TABLE IF NOT EXISTS predictions (timestamp TEXT, track_id TEXT, version TEXT, accuracy REAL, PRIMARY KEY (track_id, timestamp))",
  );
  for (const [track, version, accuracy] of rows)
    db.exec(`INSERT INTO predictions VALUES ('2026-01-01 ${track}', '${track}', '${version}', ${accuracy})`);
  db.close();
}

/** `script.py words`, `dvc words` (which are `expver data`'s) or any other program's line. */
export function typeLine(repo: TestRepository, line: string, env: Record<string, string> = {}): { code: number; text: string } {
  const { code, stdout, stderr } = callOf(repo, line, { PATH: `${join(repo.root, "../bin")}:${process.env.PATH}`, ...env });
  return { code, text: stdout + stderr };
}

function callOf(repo: TestRepository, line: string, env: Record<string, string>): CommandResult {
  const [first = "", ...words] = line.split(" ");
  const script = join(ROOT, "skills/expver/scripts", first);
  if (first.endsWith(".py")) return repo.run("python3", [script, ...words], { env });
  if (first.endsWith(".sh")) return repo.run(script, words, { env });
  return first === "dvc" ? repo.run("expver", ["data", ...words], { env }) : repo.run("bash", ["-c", line], { env });
}
