/** A sweep whose runs failed says why, and how to read the rest. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { makeSweepExperiment } from "./story.ts";

const FAILS = `
const { n } = JSON.parse(process.env.EXPVER_PARAMS);
console.log("epoch 1 of " + n);
if (n === 2) { console.error("quietly"); process.exit(3); }
if (n !== 0) throw new RangeError("step \\u001b[31m" + n + " is too large");
require("fs").writeFileSync("metrics.json", JSON.stringify({ accuracy: 0.5 }));
`;
const sweepOf = (values: string) => ["sweep", "--grid", `n=${values}`, "--metrics", "metrics.json", "--", "node", "train.js"];

it("names the first that failed, the line of its log that says why, and the command that shows its log", () => {
  const repo = makeSweepExperiment();
  repo.write("train.js", FAILS);
  // All fail: an error.
  const all = repo.expverJson(sweepOf("1,2"));
  const { failure, runs } = all.data;
  expect(all).toMatchObject({ code: 1, error: { code: "E_SWEEP" } });
  expect(failure).toMatchObject({ run: runs[0].run, how: "exit code 1", read: `expver runs logs ${runs[0].run}` });
  expect(all.error?.message).toContain(`${runs[0].run} failed (exit code 1): RangeError: step`);
  expect(all.error?.hint).toContain(failure.read);
  expect(all.error?.hint).not.toContain("--partial");
  expect(repo.expver(failure.read.split(" ").slice(1)).stdout).toContain("epoch 1 of 1");
  // Some fail: a version, and the same two lines; colours that a program printed are not passed on.
  const some = repo.expver(sweepOf("0,2,1"));
  expect(some.code).toBe(1);
  expect(some.stdout).toMatch(
    /3 runs · 1 finished · 2 failed[\s\S]*e0\.1\.0[\s\S]*-\d{4} failed \(exit code 3\): quietly\n {2}its output: expver runs logs /,
  );
  const shown = repo.expver(["sweep", "show"]).stdout;
  expect(shown).toContain("failed (exit code 3): quietly");
  // None does: nothing is said of it.
  expect(repo.expverJson(sweepOf("0")).data.failure).toBe(null);
});

it("a run whose metrics file cannot be read has failed, for that reason; the others go on, unless asked otherwise", () => {
  const repo = makeSweepExperiment();
  repo.write(
    "train.js",
    `const { n } = JSON.parse(process.env.EXPVER_PARAMS);
    require("fs").writeFileSync("metrics.json", n === 1 ? '{"accuracy": 0.' : JSON.stringify({ accuracy: n / 10 }));`,
  );
  const { code, data } = repo.expverJson(sweepOf("0,1,2"));
  expect(code).toBe(1);
  expect(data).toMatchObject({ counts: "3 runs · 2 finished · 1 failed", version: "e0.1.0", best: { settings: { n: "2" } } });
  expect(data.runs[1]).toMatchObject({ state: "failed", status: "failed", cause: "metrics file", metrics: {} });
  expect(data.failure).toMatchObject({ run: data.runs[1].run, how: "metrics file" });
  expect(data.failure.line).toMatch(/^its program has ended well, but its metrics file cannot be read: metrics\.json: not valid JSON/);
  const fast = repo.expverJson([...sweepOf("1,2").slice(0, 3), "--fail-fast", ...sweepOf("").slice(3)]);
  expect(fast.data.counts).toBe("2 runs · 1 failed · 1 missing");
});

it("while it goes on its beginning is not undone; a tag made by hand under its number: resumed, it gets another", () => {
  const repo = makeSweepExperiment();
  const there = `cd '${repo.root}' && unset GIT_DIR GIT_WORK_TREE`;
  const undo = `(${there} && '${process.execPath}' '${MAIN}' undo --json > ../undone.json; git tag e0.1.0 HEAD)`;
  const { code, error } = repo.expverJson([
    "sweep",
    "--grid",
    "lr=0.1",
    "--metrics",
    "metrics.json",
    "--",
    "sh",
    "-c",
    `${undo}; node train.js`,
  ]);
  const undone = JSON.parse(readFileSync(join(repo.root, "../undone.json"), "utf8"));
  expect(undone.error).toMatchObject({ code: "E_BUSY", hint: expect.stringContaining("expver sweep stop sweep-") });
  expect({ code, error: error?.code }).toEqual({ code: 4, error: "E_VERSION_TAKEN" });
  const [resume = ""] = /expver sweep --resume sweep-\S+/.exec(String(error?.hint)) ?? [];
  expect(repo.expverJson(resume.split(" ").slice(1))).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
  // When it is over its operations are undone as any other.
  expect(repo.expver(["undo", "--yes"]).code).toBe(0);
});
