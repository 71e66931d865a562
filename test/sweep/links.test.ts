/** Inputs of a private workspace: copies up to 1 GiB in all, links above it. */
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { readPointers } from "../../src/store/pointers/pointers.ts";
import { inputLinks } from "../../src/workflows/sweep/jobs/input-links.ts";
import { makeSweepExperiment } from "./story.ts";

const PROGRAM = `
const fs = require("fs");
const stat = fs.lstatSync("data/big.csv");
const cache = fs.readFileSync(".dvc/config.local", "utf8");
fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: 0.5, linked: stat.nlink > 1 || stat.isSymbolicLink() ? 1 : 0, typed: /type = /.test(cache) ? 1 : 0 }));
`;
const SWEEP = ["sweep", "--grid", "lr=1,2", "--metrics", "metrics.json", "--no-promote"];
const isRoot = process.getuid?.() === 0;

it("are read-only links above that, said in the plan; as root only with --link; cache.type wins", { timeout: 240_000 }, () => {
  const repo = makeSweepExperiment();
  repo.write("data/big.csv", "a,b\n1,2\n");
  repo.write("train.js", PROGRAM);
  expect(repo.expver(["data", "add", "data/big.csv"]).code).toBe(0);
  repo.commit("data");
  const linked = (...args: string[]) => {
    const { data } = repo.expverJson([...SWEEP, ...args, "--", "node", "train.js"]);
    return [...new Set(data.runs.map(({ metrics }: { metrics: Record<string, string> }) => metrics.linked))];
  };
  const stepsOf = (...args: string[]) => repo.expverJson([...SWEEP, ...args, "--dry-run", "--", "node", "train.js"]).data.steps;
  const said = (...args: string[]) => JSON.stringify(stepsOf(...args).filter(({ verb }: { verb: string }) => verb === "place"));
  expect(said()).toBe("[]");
  expect(linked("--link")).toEqual(["0"]);
  // What the pointers say is what is counted: no gigabyte has to be made.
  repo.write("data/big.csv.dvc", repo.read("data/big.csv.dvc").replace(/size: \d+/, `size: ${1024 ** 3 + 1}`));
  repo.commit("large");
  const project = openProject(repo.context);
  const setting = (isRootNow: boolean, mayLink: boolean) =>
    inputLinks(project, readPointers(project), { mayLink, isRoot: isRootNow }).setting;
  expect([setting(true, false), setting(true, true), setting(false, false)]).toEqual([
    null,
    "reflink,hardlink,symlink",
    "reflink,hardlink,symlink",
  ]);
  expect(said()).toContain(isRoot ? "you are root" : "read-only links");
  expect(linked("--link")).toEqual(["1"]);
  expect(linked()).toEqual([isRoot ? "0" : "1"]);
  expect(repo.expver(["data", "config", "--local", "cache.type", "copy"]).code).toBe(0);
  expect(said("--link")).toBe("[]");
  expect(linked("--link")).toEqual(["0"]);
});

it("that a program wrote through are told, and no object keeps bytes its name does not mean", () => {
  const repo = makeSweepExperiment();
  repo.write("data/big.csv", "a,b\n1,2\n");
  repo.write("train.js", `${PROGRAM}fs.chmodSync("data/big.csv", 0o644); fs.appendFileSync("data/big.csv", "3,4\\n");`);
  expect(repo.expver(["data", "add", "data/big.csv"]).code).toBe(0);
  expect(repo.expver(["data", "config", "--local", "cache.type", "hardlink"]).code).toBe(0);
  repo.commit("data");
  const { code, stdout, stderr } = repo.expver([
    "sweep",
    "--grid",
    "lr=1",
    "--metrics",
    "metrics.json",
    "--no-promote",
    "--",
    "node",
    "train.js",
  ]);
  expect([code, stderr], stdout).toEqual([0, expect.stringContaining("wrote through data/big.csv")]);
  expect(repo.expver(["data", "data", "status"]).stdout).toContain("Not in cache");
});
