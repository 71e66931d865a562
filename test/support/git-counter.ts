/** Counts the git processes a piece of code starts: a wrapper in front of git on PATH that notes each call. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./repository.ts";

export interface GitCounter {
  /** PATH to use. */
  readonly path: string;
  /** Arguments of every call since the last `reset`, one text each. */
  calls(): string[];
  reset(): void;
}

export function countGit(): GitCounter {
  const folder = makeFolder("bin");
  const log = join(folder, "calls");
  const real = spawnSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).stdout.trim();
  writeFileSync(join(folder, "git"), `#!/bin/sh\necho "$*" >> '${log}'\nexec '${real}' "$@"\n`);
  chmodSync(join(folder, "git"), 0o755);
  return {
    path: `${folder}:${process.env.PATH}`,
    calls: () => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []),
    reset: () => rmSync(log, { force: true }),
  };
}
