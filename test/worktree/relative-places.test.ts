/** DVC's settings whose paths are relative, or of this machine only, mean the same places in a linked worktree wherever that stands. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { HAS_DVC } from "../support/dvc.ts";
import { peer } from "../support/peers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const PIPELINE = "stages:\n  t:\n    cmd: mkdir -p models && cp data/a models/m.bin\n    deps: [data/a]\n    outs: [models/m.bin]\n";

function setUp(...settings: string[][]): { repo: TestRepository; wt: string; ok: (...args: string[]) => string } {
  const [repo, bare] = [makeRepository(), makeRepository({ bare: true })];
  const env = { PATH: `${dirname(peer("dvc") ?? "")}:${process.env.PATH}` };
  const ok = (...args: string[]) => {
    const ran = repo.expver(args, { env });
    expect([args, ran]).toMatchObject([args, { code: 0 }]);
    return ran.stdout;
  };
  ok("init", "--yes");
  for (const line of settings) ok("data", ...line);
  repo.write("data/a", "1\n");
  ok("data", "add", "data/a");
  repo.commit("start", { "dvc.yaml": PIPELINE });
  repo.git("remote", "add", "origin", bare.root);
  ok("worktree", "create", "deep", "--path", "../deeper/one/wt");
  return { repo, wt: join(repo.root, "../deeper/one/wt"), ok };
}

const namesIn = (path: string) => (existsSync(path) ? readdirSync(path, { recursive: true, encoding: "utf8" }) : []);
const hasObject = (path: string, start: string) => namesIn(path).some((name) => name.endsWith(start));
// Of "1\n".
const OBJECT = "b0/26324c6904b2a9cb4b88d6d61c81d1";

describe.skipIf(!HAS_DVC)("relative cache and remote", { timeout: 240_000 }, () => {
  it("a worktree elsewhere and the jobs of a sweep use those of the main worktree, dvc there too", () => {
    const { repo, wt, ok } = setUp(["cache", "dir", "../rel-cache"], ["remote", "add", "-d", "store", "../rel-store"]);
    const beside = join(repo.root, "..");
    ok("-C", wt, "run", "--yes", "-m", "x", "--", "dvc", "repro", "-q");
    expect(hasObject(join(beside, "rel-cache"), OBJECT)).toBe(true);
    ok("-C", wt, "verify", "e0.1.0");
    ok("-C", wt, "publish", "e0.1.0", "--yes");
    expect(hasObject(join(beside, "rel-store"), OBJECT)).toBe(true);
    ok(
      "sweep",
      "--yes",
      "-m",
      "x",
      "--grid",
      "k=1,2",
      "--",
      "sh",
      "-c",
      "dvc repro -q && echo {k} >> models/m.bin && mkdir -p models/k && echo {k} > models/k/w",
    );
    ok("verify", "e0.2.0");
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(namesIn(join(beside, "deeper")).filter((name) => /rel-(cache|store)/.test(name))).toEqual([]);
    expect(
      readdirSync(beside)
        .filter((name) => name.startsWith("rel-"))
        .sort(),
    ).toEqual(["rel-cache", "rel-store"]);
  });
});

it("what config.local of the main worktree says counts in a linked one: its cache before the team's, its remote", () => {
  const { repo, wt, ok } = setUp(
    ["cache", "dir", "../team-cache"],
    ["cache", "dir", "--local", "../my-cache"],
    ["remote", "add", "--local", "-d", "mine", "../my-store"],
  );
  ok("-C", wt, "run", "--yes", "-m", "x", "--", "sh", "-c", "mkdir -p models && echo 2 > models/m.bin");
  ok("-C", wt, "publish", "e0.1.0", "--yes");
  // Of "2\n".
  const made = "26/ab0db90d72e28ad0ba1e22ee510510";
  const beside = join(repo.root, "..");
  expect(["my-cache", "my-store", "team-cache"].map((name) => hasObject(join(beside, name), made))).toEqual([true, true, false]);
});
