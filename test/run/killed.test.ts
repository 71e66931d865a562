/** kill -9 of `expver run` just before each of its changes. */
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { awaitProgramsEnded } from "../support/programs-ended.ts";
import { checkWhole, makeExperiment, runRows } from "./story.ts";

// Every point takes seconds: a share of them each time, another share the next time this file changes its offset.
const POINTS = sampledPoints(13);

it("a run killed before any change leaves a whole version or none; what its program has finished gets its version late", {
  timeout: 900_000,
}, () => {
  const repo = makeExperiment();
  repo.write(".gitignore", `${repo.read(".gitignore")}metrics.json\n`);
  repo.commit("ignore");
  expect(repo.expver(["run", "--", "node", "train.js"]).code).toBe(0);
  let versionsMadeLate = 0;
  const points = atEveryKill((at) => {
    repo.write("code.py", `${at}`);
    const head = repo.git("rev-parse", "HEAD");
    const known = new Set(runRows(repo).map(({ run_id: id }) => id));
    const killed = runKilledAt(repo, ["run", "-m", `killed at ${at}`, "--", "node", "train.js"], at);
    awaitProgramsEnded(repo.root);
    const repaired = repo.expver(["doctor", "--fix"]).stderr;
    const about = JSON.stringify({
      at,
      repaired,
      ops: repo.expver(["ops", "show"]).stdout,
      refs: repo.git("log", "--all", "--oneline", "--graph", "-8"),
      status: repo.git("status", "--porcelain"),
    });
    const made = runRows(repo).filter(({ run_id: id }) => !known.has(id));
    if (killed.code === 137 && made[0]?.version) versionsMadeLate += 1;
    if (made[0]?.version) checkWhole(repo, head, about);
    else {
      expect(made.length, about).toBeLessThanOrEqual(1);
      expect(
        made.every(({ status }) => status === "killed" || status === "finished"),
        about,
      ).toBe(true);
      expect(repo.git("rev-parse", "HEAD"), about).toBe(head);
      repo.git("add", "code.py");
      repo.git("commit", "-qm", "code");
      checkWhole(repo, head, about);
    }
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(80);
  expect(versionsMadeLate).toBeGreaterThan(0);
});
