/** What the journal of a sweep costs while it goes on. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sweepState } from "../../src/workflows/sweep/open-sweep.ts";
import { countText, finishedRuns, jobStates } from "../../src/workflows/sweep/state.ts";
import { beginSweep, readSweep } from "../../src/workflows/sweep/sweep-journal.ts";
import { bytesRead } from "../support/bytes-read.ts";

const RUNS = 2_000;

it.skipIf(process.platform !== "linux")("2,000 runs: nothing is read again, and what is known equals what is written", () => {
  const place = { stateDir: mkdtempSync(join(tmpdir(), "expver-journal-")) };
  const ending = { tag: true, promote: true, publish: false, keep: null, metric: null };
  const request = { message: null, metrics: null, params: {}, paramsFile: null, repeat: 1, ending };
  const jobs = Array.from({ length: RUNS }, (_, n) => ({ n: String(n) }));
  beginSweep(place, { id: "s", worktree: "/", folder: "", since: "", argv: ["x"], hidden: false, jobs, wanted: "minor", request });
  const sweep = sweepState(place, "s");
  const end = { status: "finished", exitCode: 0, signal: null, cause: null, seconds: 1, params: {}, artifacts: [] } as const;
  const before = bytesRead();
  for (let job = 0; job < RUNS; job += 1) {
    const run = `run-${job}`;
    sweep.write({ start: { job, run, slot: 1 + (job % 8) } });
    if (job % 100 === 7) sweep.write({ dropped: run });
    else if (job >= 8 && (job - 8) % 100 !== 7)
      sweep.write({ end: { run: `run-${job - 8}`, ...end, params: {}, metrics: { a: `${job}` }, artifacts: [] } });
    expect(sweep.state().attempts.length).toBeGreaterThan(0);
  }
  // The whole journal has some 300 kB; read at each change it would be more than 300 MB.
  expect(bytesRead() - before).toBeLessThan(20_000_000);
  expect(readSweep(place, "s")).toEqual(sweep.state());
  expect(countText(sweep.state())).toBe("2000 runs · 1953 finished · 47 missing");
  expect(finishedRuns(sweep.state()).length).toBe(jobStates(sweep.state()).filter(({ state }) => state === "finished").length);
});
