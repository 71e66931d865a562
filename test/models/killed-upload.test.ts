/** kill -9 of `models add --publish`: the old state or the new one, nothing public without its bytes, and the next command says which and goes on. */
import { cpSync, existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { openTestRepository } from "../support/repository.ts";
import { addRemotes, makeModels, must, runOfVersion } from "./story.ts";

const POINTS = sampledPoints(79);

it("killed at any point", { timeout: 900_000 }, () => {
  const repo = makeModels();
  const storage = addRemotes(repo);
  const base = dirname(repo.root);
  const upstream = openTestRepository(join(base, "up.git"));
  repo.write("head.bin", "another part");
  const run = runOfVersion(repo, "e0.2.0");
  const head = repo.git("rev-parse", "HEAD");
  const kept = `${base}.kept`;
  cpSync(base, kept, { recursive: true, preserveTimestamps: true });
  const args = ["models", "add", "head.bin", "--run", run, "--publish"];
  const stages = new Set<string>();
  const points = atEveryKill((at) => {
    rmSync(base, { recursive: true });
    cpSync(kept, base, { recursive: true, preserveTimestamps: true });
    const killed = runKilledAt(repo, args, at);
    const there = upstream.git("for-each-ref", "--format=%(refname) %(*objectname)%(objectname)");
    // What is public is whole: a clone gets the bytes of all it names.
    if (there !== "") {
      const clone = openTestRepository(join(base, "clone"));
      upstream.git("clone", "-q", upstream.root, clone.root);
      must(clone, "data", "remote", "modify", "--local", "storage", "url", storage);
      const { code, stderr } = clone.expver(["data", "pull"]);
      expect({ at, code, stderr: code === 0 ? "" : stderr }).toEqual({ at, code: 0, stderr: "" });
      rmSync(clone.root, { recursive: true });
    }
    const fixed = repo.expver(["doctor", "--fix"]);
    const isAdded = repo.git("rev-parse", "HEAD") !== head;
    expect({ at, file: existsSync(join(repo.root, `models/candidates/${run}_head.bin`)) }).toEqual({ at, file: isAdded });
    expect({ at, status: repo.git("status", "--porcelain") }).toEqual({ at, status: "?? head.bin" });
    // The next command says what is left to do.
    const next = must(repo, ...args, "--dry-run").steps;
    const verbs = (next as { verb: string }[]).map(({ verb }) => verb);
    expect({ at, verbs, said: fixed.stderr }).toMatchObject({ at, verbs: isAdded ? ["publish"] : ["write", "commit", "publish"] });
    stages.add(`${isAdded} ${there !== ""}`);
    const { published } = must(repo, ...args);
    expect({ at, published }).toMatchObject({ at, published: { remote: "origin", branch: "main" } });
    expect({ at, main: upstream.git("rev-parse", "main"), tags: upstream.git("tag") }).toEqual({
      at,
      main: repo.git("rev-parse", "HEAD"),
      tags: "e0.2.0",
    });
    const open = must(repo, "ops", "list", "--all").operations.filter(
      ({ state }: { state: string }) => state === "killed" || state === "open",
    );
    expect({ at, open }).toEqual({ at, open: [] });
    return killed;
  }, POINTS);
  rmSync(kept, { recursive: true });
  expect(points).toBeGreaterThan(100);
  expect(stages).toEqual(new Set(["false false", "true false", "true true"]));
});
