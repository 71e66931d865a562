/** kill -9 of `run --publish` and `sweep --publish` with data on a remote that keeps versions: whatever version there is can be published, with its data. */
import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepVersions, versionsOf } from "../remotes/versioned-bucket.ts";
import { openOperations, runRows } from "../run/story.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { awaitProgramsEnded } from "../support/programs-ended.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { DVC, runDvc } from "../support/twins.ts";
import { makeStudy, must, refsOf } from "./story.ts";

// Every point takes seconds: a share of them each time.
describe.skipIf(seaweedProgram() === null)("on a remote that keeps versions", { timeout: 900_000 }, () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await keepVersions(server, "bucket");
  });
  afterAll(() => server?.stop());

  /** A copy of the study whose data goes to a place of its own. */
  function copyOf(start: TestRepository, place: string): { repo: TestRepository; upstream: TestRepository } {
    const base = makeFolder("killed");
    cpSync(dirname(start.root), base, { recursive: true, preserveTimestamps: true });
    const repo = openTestRepository(join(base, "work"));
    const options = { url: `s3://bucket/${place}`, endpointurl: server.url, ...keysOf("all"), version_aware: "true" };
    for (const [key, value] of Object.entries(options)) must(repo, ["data", "remote", "modify", "storage", key, value]);
    repo.git("add", ".dvc");
    repo.git("commit", "-qm", "another remote");
    return { repo, upstream: openTestRepository(join(base, "up.git")) };
  }

  function makeStart(): TestRepository {
    const { repo } = makeStudy();
    // Data that changed is in the snapshot, with another pointer than the worktree's.
    repo.write("data.csv", "x,y\n3,4\n");
    return repo;
  }

  it("run --publish", () => {
    const start = makeStart();
    const args = ["run", "--publish", "--", "node", "train.js"];
    let late = 0;
    const points = atEveryKill((at) => {
      const { repo, upstream } = copyOf(start, `run-${at}`);
      const killed = runKilledAt(repo, args, at);
      awaitProgramsEnded(repo.root);
      const repaired = repo.expver(["doctor", "--fix"]);
      const about = JSON.stringify({ at, said: killed.stderr, repaired: repaired.stdout + repaired.stderr });
      expect(openOperations(repo), about).toEqual([]);
      let version = runRows(repo)[0]?.version;
      expect(refsOf(repo, "refs/tags"), about).toEqual(version ? [`refs/tags/${version}`] : []);
      if (version && killed.code !== 0) late += 1;
      version ||= must(repo, args).data.version;
      expectPublished({ repo, upstream }, { version: String(version), about });
      return killed;
    }, sampledPoints(29));
    expect(points).toBeGreaterThan(100);
    expect(late).toBeGreaterThan(0);
  });

  it("sweep --publish", () => {
    const start = makeStart();
    const args = ["sweep", "--grid", "lr=0.1,0.2", "--metrics", "metrics.json", "--publish", "--", "node", "train.js"];
    let late = 0;
    const points = atEveryKill((at) => {
      const { repo, upstream } = copyOf(start, `sweep-${at}`);
      const killed = runKilledAt(repo, args, at);
      awaitProgramsEnded(repo.root);
      const began = repo.expverJson(["sweep", "list"]).data.sweeps.length === 1;
      const repaired = repo.expver(["doctor", "--fix"]);
      const about = JSON.stringify({ at, said: killed.stderr, repaired: repaired.stdout + repaired.stderr });
      if (refsOf(repo, "refs/tags").length === 0) {
        if (began) late += 1;
        const again = repo.expverJson(began ? ["sweep", "--resume"] : args);
        expect([about, again]).toMatchObject([about, { code: 0, data: { published: true } }]);
      }
      expect(openOperations(repo), about).toEqual([]);
      const [version = "", ...others] = refsOf(repo, "refs/tags").map((ref) => ref.slice("refs/tags/".length));
      expect([about, version !== "", others]).toEqual([about, true, []]);
      expectPublished({ repo, upstream }, { version, about });
      return killed;
    }, sampledPoints(101));
    expect(points).toBeGreaterThan(100);
    expect(late).toBeGreaterThan(0);
  });
});

const FOLDERS_OF_TWO = ["images.dvc", "models/candidates.dvc"];

function expectPublished(
  { repo, upstream }: { repo: TestRepository; upstream: TestRepository },
  { version, about }: { version: string; about: string },
): void {
  if (!refsOf(upstream, "refs/tags").includes(`refs/tags/${version}`)) {
    const answer = repo.expverJson(["publish", version]);
    expect([about, answer]).toMatchObject([about, { code: 0 }]);
  }
  expect([repo.git("status", "--porcelain"), repo.read("data.csv")], about).toEqual(["", "x,y\n3,4\n"]);
  const pointers = repo
    .git("ls-tree", "-r", "--name-only", version)
    .split("\n")
    .filter((path) => path.endsWith(".dvc"));
  for (const path of pointers)
    expect([about, path, versionsOf(repo.git("show", `${version}:${path}`)).length]).toEqual([
      about,
      path,
      FOLDERS_OF_TWO.includes(path) ? 2 : 1,
    ]);
  const clone = makeRepository({ cloneOf: upstream.root });
  clone.git("checkout", "-q", version);
  must(clone, ["data", "pull"]);
  expect([clone.read("data.csv"), clone.read("models/model.json")], about).toEqual(["x,y\n3,4\n", repo.read("models/model.json")]);
  if (DVC !== null)
    expect([about, runDvc(clone, ["status", "--json"])]).toMatchObject([about, { code: 0, stdout: expect.stringMatching(/^\{\}\s*$/) }]);
}
