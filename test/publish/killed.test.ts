/** kill -9 of `expver publish` just before each of its changes: no tag is ever public without its data, and repeating finishes. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { rowsOf, runRows } from "../run/story.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import type { TestRepository } from "../support/repository.ts";
import { cloneOf, makeStudy, must, objectsIn, refsOf, runOnce } from "./story.ts";

// Every point takes most of a second: a share of them each time.
const POINTS = sampledPoints(9);

it("killed at any point", { timeout: 600_000 }, () => {
  const { repo, upstream, storage } = makeStudy();
  const version = runOnce(repo);
  const marker = repo.git("rev-parse", version);
  const needed = objectsIn(join(repo.root, ".dvc/cache")).sort();
  let whileKilled = 0;
  const points = atEveryKill((at) => {
    for (const ref of refsOf(upstream, "refs")) upstream.git("update-ref", "-d", ref);
    rmSync(join(storage, "files"), { recursive: true, force: true });
    repo.git("update-ref", `refs/expver/unpublished/${version}`, marker);
    const killed = runKilledAt(repo, ["publish"], at);
    if (killed.code === 137) whileKilled += 1;
    if (refsOf(upstream, "refs/tags").length > 0) expect(objectsIn(storage).filter(isWhole).sort(), `killed at ${at}`).toEqual(needed);
    must(repo, ["publish"]);
    must(repo, ["publish", version]);
    expect({ at, refs: refsOf(upstream, "refs") }).toEqual({ at, refs: ["refs/heads/main", `refs/tags/${version}`] });
    expect({ at, objects: objectsIn(storage).filter(isWhole).sort() }).toEqual({ at, objects: needed });
    expect({ at, markers: refsOf(repo, "refs/expver/unpublished") }).toEqual({ at, markers: [] });
    expect(openOperations(repo), `killed at ${at}`).toEqual([]);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(30);
  expect(whileKilled).toBeGreaterThan(5);
});

it("killed at any point while a version gets another number", { timeout: 900_000 }, () => {
  const study = makeStudy();
  study.repo.git("push", "-q", "-u", "origin", "main");
  must(study.repo, ["data", "push"]);
  const other = cloneOf(study);
  must(other, ["data", "pull"]);
  runOnce(study.repo, "--param", "lr=0.1");
  runOnce(other, "--param", "lr=0.2");
  must(study.repo, ["publish"]);
  const { upstream } = study;
  const theirs = upstream.git("rev-parse", "e0.1.0");
  const kept = `${other.root}.kept`;
  cpSync(other.root, kept, { recursive: true, preserveTimestamps: true });
  const points = atEveryKill((at) => {
    rmSync(other.root, { recursive: true });
    cpSync(kept, other.root, { recursive: true, preserveTimestamps: true });
    for (const ref of refsOf(upstream, "refs/tags")) if (ref !== "refs/tags/e0.1.0") upstream.git("update-ref", "-d", ref);
    const killed = runKilledAt(other, ["publish"], at);
    must(other, ["publish"]);
    const tags = refsOf(other, "refs/tags");
    expect({ at, tags }).toEqual({ at, tags: ["refs/tags/e0.2.0"] });
    expect({ at, rows: rowsOf(other).map(({ version }) => version) }).toEqual({ at, rows: ["e0.2.0"] });
    expect({ at, runs: runRows(other).map(({ version }) => version) }).toEqual({ at, runs: ["e0.2.0"] });
    expect({ at, upstream: refsOf(upstream, "refs/tags") }).toEqual({ at, upstream: ["refs/tags/e0.1.0", "refs/tags/e0.2.0"] });
    expect(upstream.git("rev-parse", "e0.1.0")).toBe(theirs);
    expect({ at, head: other.git("rev-parse", "HEAD") }).toEqual({ at, head: other.git("rev-parse", "e0.2.0^{commit}") });
    expect({ at, status: other.git("status", "--porcelain") }).toEqual({ at, status: "" });
    expect(openOperations(other), `killed at ${at}`).toEqual([]);
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(60);
});

/** Temporaries of a killed push do no harm: nobody looks under their names. */
function isWhole(name: string): boolean {
  return /^[0-9a-f]{32}(\.dir)?$/.test(name);
}

function openOperations(repo: TestRepository): unknown[] {
  return must(repo, ["ops", "list", "--all"]).data.operations.filter(
    ({ state }: { state: string }) => state === "killed" || state === "open",
  );
}
