/** One remote, two tools: what either pushes the other pulls, byte for byte. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import type { Site } from "./conformance.ts";

export function sharesWithDvc(dvc: string, { url, options = {}, env = {} }: Pick<Site, "url" | "options" | "env">): void {
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
}

/** Pulls what another repository's pointers name, from nothing. */
function receive(to: TestRepository, from: TestRepository, run: (repository: TestRepository, args: string[]) => void): void {
  for (const file of ["d.dvc", "big.bin.dvc"]) to.write(file, from.read(file));
  to.run("rm", ["-rf", "d", "big.bin", ".dvc/cache", ".dvc/tmp"]);
  run(to, ["pull"]);
  expect(readFileSync(join(to.root, "big.bin")).equals(readFileSync(join(from.root, "big.bin")))).toBe(true);
  expect(to.read("d/sub/b")).toBe("two\r\n");
  expect(to.read("d/a")).toBe("");
}
