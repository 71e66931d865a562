/** The real xetrack beside our files. */
import { spawnSync } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { peer } from "../support/peers.ts";
import type { TestRepository } from "../support/repository.ts";

export const python = peer("python");
export const xt = peer("xt");

/** xetrack keeps assets only where the package sqlitedict is installed (`test/requirements-peers.txt` has it). */
export const keepsAssets = python !== null && spawnSync(python, ["-c", "import sqlitedict"]).status === 0;

/** xetrack's DuckDB engine looks for its sqlite extension in the home folder, which tests have of their own. */
export function giveDuckDb(repo: TestRepository): void {
  const home = join(repo.context.env.HOME ?? "", ".duckdb");
  if (!existsSync(home)) symlinkSync(join(homedir(), ".duckdb"), home);
}

/** Runs Python; answers what it printed as JSON in its last line. DuckDB draws a progress bar before it when it is slow. */
function runPython<Value>(repo: TestRepository, program: string, ...args: string[]): Value {
  const { code, stdout, stderr } = repo.run(python as string, ["-c", program, ...args]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Value;
}

/** What xetrack's Reader says of a table: rows by time, cells as JSON values, bytes as their text, other objects as theirs. */
export function readWithXetrack(
  repo: TestRepository,
  { table, engine = "sqlite", database = "results/experiments.db" }: { table: string; engine?: "sqlite" | "duckdb"; database?: string },
): Record<string, unknown>[] {
  return runPython(
    repo,
    `
import json, math, sys
from xetrack import Reader
reader = Reader(sys.argv[1], engine=sys.argv[3], table=sys.argv[2])
frame = reader.to_df()
assert len(reader) == len(frame) > 0 and len(reader.latest()) > 0
def plain(value):
    if isinstance(value, (bytes, bytearray)): return bytes(value).decode()
    if hasattr(value, "item"): value = value.item()
    if value is None or type(value).__name__ == "NAType": return None
    if isinstance(value, float): return None if math.isnan(value) else str(value) if math.isinf(value) else value
    return value if isinstance(value, str) or abs(value) <= 2**53 else str(value)
print()
print(json.dumps([{k: plain(v) for k, v in row.items()} for row in frame.to_dict("records")]))
`,
    database,
    table,
    engine,
  );
}

/** Calls `xt` with each of the argument lists, in one process: its start takes a second. */
export function callXt(repo: TestRepository, calls: readonly string[][]): { code: number; output: string }[] {
  const program = `
import json, sys
from typer.testing import CliRunner
from xetrack.cli import app
ends = [CliRunner().invoke(app, args) for args in json.loads(sys.argv[1])]
print()
print(json.dumps([{"code": end.exit_code, "output": end.output + (repr(end.exception) if end.exception else "")} for end in ends]))
`;
  return runPython(repo, program, JSON.stringify(calls));
}
