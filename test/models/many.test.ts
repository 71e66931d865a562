/** What the models commands read does not grow with the number of versions: as many processes, and no rows nobody asks about. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { readTracks } from "../../src/workflows/models/tracks.ts";
import { countGit } from "../support/git-counter.ts";
import type { TestRepository } from "../support/repository.ts";
import { makeModels, must, runOfVersion } from "./story.ts";

const CANDIDATES = "models/candidates.dvc";

/** Tags without trailers, whose models and candidates stand in pointers only, each commit's others. */
function tagByHand(repo: TestRepository, from: number, to: number): void {
  for (let index = from; index < to; index += 1) {
    const hash = String(index).padStart(32, "0");
    repo.write("models/model.json.dvc", `outs:\n- md5: ${hash}\n  size: ${index}\n  hash: md5\n  path: model.json\n`);
    repo.write(CANDIDATES, `outs:\n- md5: ${hash}.dir\n  size: ${index}\n  nfiles: 1\n  hash: md5\n  path: candidates\n`);
    repo.commit(`by hand ${index}`);
    repo.git("tag", `e1.${index}.0`);
  }
}

it("as many git processes for forty more versions; one that was pruned is found below them all", () => {
  const repo = makeModels();
  const run = runOfVersion(repo, "e0.3.0");
  repo.write("head.bin", "another part");
  must(repo, "models", "add", "head.bin", "--run", run);
  must(repo, "models", "add", "e0.2.0");
  must(repo, "models", "prune", "--keep", "1", "--to-trash", "--yes");
  const counter = countGit();
  const processes = (...args: string[]) => {
    counter.reset();
    const { code, data, error } = repo.expverJson(args, { env: { PATH: counter.path } });
    expect(error).toBeNull();
    expect(code).toBe(0);
    return { calls: counter.calls().length, data };
  };
  const readings = (name: string) => [
    processes("models", "list"),
    processes("models", "info"),
    processes("models", "get", run, "--path", "head.bin", "-o", name),
  ];
  tagByHand(repo, 0, 10);
  const few = readings("few.bin");
  tagByHand(repo, 10, 50);
  const many = readings("many.bin");
  expect(many.map(({ calls }) => calls)).toEqual(few.map(({ calls }) => calls));
  expect(many[0]?.data.models).toHaveLength(few[0]?.data.models.length + 40);
  expect(repo.read("many.bin")).toBe("another part");
});

it("reads of tracks only those that candidates are named after", () => {
  const repo = makeModels();
  for (const [track, loss] of Object.entries({ one: "0.1", two: "0.2", three: "0.3" })) {
    must(repo, "log", `loss=${loss}`, "--track-id", track);
  }
  const database = join(repo.root, "results/experiments.db");
  const config = { metrics: { loss: "min" as const }, aggregate: {} };
  expect([...readTracks(database, config, ["two", "nobody", "three"])]).toEqual([
    ["three", { loss: "0.3" }],
    ["two", { loss: "0.2" }],
  ]);
  expect(readTracks(join(repo.root, "no.db"), config, []).size).toBe(0);
});
