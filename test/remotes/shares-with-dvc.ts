/** One remote, two tools: what either pushes the other pulls, byte for byte. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import type { Site } from "./conformance.ts";

type Run = (repository: TestRepository, args: string[]) => void;

export function sharesWithDvc(
  dvc: string,
  { url, options = {}, env = {}, hasRuns = true }: Pick<Site, "url" | "options" | "env"> & { hasRuns?: boolean },
): void {
  const run = (repository: TestRepository, args: string[]) =>
    expect([args, repository.expver(["data", ...args])]).toMatchObject([args, { code: 0 }]);
  const runDvc = (repository: TestRepository, args: string[]) => {
    const site = { DVC_SITE_CACHE_DIR: join(repository.root, ".dvc/tmp/site") };
    expect([args, repository.run(dvc, args, { env: site })]).toMatchObject([args, { code: 0 }]);
  };
  const [ours, theirs] = [makeRepository({ env }), makeRepository({ env })];
  for (const repository of [ours, theirs]) {
    run(repository, ["init"]);
    run(repository, ["remote", "add", "-d", "store", url]);
    for (const [key, value] of Object.entries(options)) run(repository, ["remote", "modify", "--local", "store", key, value]);
    repository.write("d/a", "");
    repository.write("d/sub/b", "two\r\n");
  }
  ours.write("big.bin", Buffer.alloc(3_000_000, "o"));
  run(ours, ["add", "d", "big.bin"]);
  run(ours, ["push"]);
  receive(theirs, ours, runDvc);
  theirs.write("big.bin", Buffer.alloc(3_000_001, "t"));
  runDvc(theirs, ["add", "big.bin"]);
  runDvc(theirs, ["push"]);
  receive(ours, theirs, run);
  expect(JSON.parse(ours.expver(["data", "status", "-c", "--json"]).stdout)).toEqual({});
  runsAreShared(ours, theirs, { run, runDvc }, hasRuns);
}

/** Both ways: the runs that either has made or got, the other fetches, and `dvc repro` finds them. Where there is no run cache nothing happens. */
function runsAreShared(
  ours: TestRepository,
  theirs: TestRepository,
  { run, runDvc }: Record<"run" | "runDvc", Run>,
  hasRuns: boolean,
): void {
  theirs.write("dvc.yaml", "stages:\n  copy:\n    cmd: cat in > out && echo ran >> ../ran\n    deps: [in]\n    outs: [out]\n");
  const made = (text: string) => {
    theirs.write("in", text);
    runDvc(theirs, ["repro"]);
  };
  made("first\n");
  runDvc(theirs, ["push", "--run-cache"]);
  run(ours, ["fetch", "--run-cache"]);
  expect(runsOf(ours)).toEqual(hasRuns ? runsOf(theirs) : new Map());
  if (!hasRuns) return;
  made("second\n");
  const both = runsOf(theirs);
  expect(both.size).toBe(2);
  for (const [name, text] of both) ours.write(`.dvc/cache/runs/${name}`, text);
  run(ours, ["push", "--run-cache"]);
  run(theirs, ["push"]);
  theirs.run("rm", ["-rf", ".dvc/cache", "out", "dvc.lock"]);
  runDvc(theirs, ["fetch", "--run-cache"]);
  expect(runsOf(theirs)).toEqual(both);
  runDvc(theirs, ["repro", "--pull"]);
  expect(theirs.read("out")).toBe("second\n");
  expect(theirs.read("../ran")).toBe("ran\nran\n");
}

function runsOf({ root }: TestRepository): Map<string, string> {
  const top = join(root, ".dvc/cache/runs");
  const names = existsSync(top) ? (readdirSync(top, { recursive: true }) as string[]).filter((name) => name.split("/").length === 3) : [];
  return new Map(names.sort().map((name) => [name, readFileSync(join(top, name), "utf8")]));
}

/** Pulls what another repository's pointers name, from nothing. */
function receive(to: TestRepository, from: TestRepository, run: Run): void {
  for (const file of ["d.dvc", "big.bin.dvc"]) to.write(file, from.read(file));
  to.run("rm", ["-rf", "d", "big.bin", ".dvc/cache", ".dvc/tmp"]);
  run(to, ["pull"]);
  expect(readFileSync(join(to.root, "big.bin")).equals(readFileSync(join(from.root, "big.bin")))).toBe(true);
  expect(to.read("d/sub/b")).toBe("two\r\n");
  expect(to.read("d/a")).toBe("");
}
