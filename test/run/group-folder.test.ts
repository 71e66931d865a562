/** One working folder of a group, on a machine for all: `git init --shared`, umask 002, and two people who take turns in it. */
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { CAN_MAKE_USERS, makePeople, must, type Person } from "../support/people.ts";
import { TRAIN } from "./story.ts";

describe.skipIf(!CAN_MAKE_USERS)("a folder of two users (skipped without root and useradd)", () => {
  let [ann, bob] = [] as unknown as [Person, Person];
  let remove: () => void;
  const database = () => join(ann.root(), "results/experiments.db");
  /** In ann's folder. */
  const types = (who: Person, ...args: string[]) =>
    who.run("sh", "-c", 'cd "$0" && "$@"; echo "code $?"', ann.root(), process.execPath, MAIN, ...args);

  beforeAll(() => {
    const people = makePeople();
    remove = people.remove;
    [ann, bob] = [people.ann.withUmask("002"), people.bob.withUmask("002")];
    must("chmod", "2775", ann.root());
    ann.run("git", "init", "-q", "-b", "main", "--shared=group");
    types(ann, "init");
    ann.write("train.js", TRAIN);
    ann.write("expver.yaml", "metrics: { accuracy: max }\nmodels: { output: models/model.json }\n");
    ann.run("git", "add", "-A");
    ann.run("git", "commit", "-qm", "start");
  });

  afterAll(() => remove());

  it("either goes on from what the other has made, and takes it back", () => {
    for (const who of [ann, bob, ann]) expect(types(who, "run", "--metrics", "metrics.json", "--", "node", "train.js")).toContain("code 0");
    expect(statSync(database()).mode & 0o777).toBe(0o664);
    expect(types(bob, "sweep", "--grid", "lr=1,2", "--metrics", "metrics.json", "--", "node", "train.js", "{lr}")).toContain("code 0");
    for (const who of [ann, bob]) expect(types(who, "undo", "--yes")).toContain("code 0");
    expect(types(bob, "verify")).toContain("code 0");
    expect(types(ann, "doctor")).toContain("code 0");
  });

  it("what a merge makes where the database is gone is the group's too", () => {
    ann.run("git", "branch", "other");
    rmSync(database());
    expect(types(ann, "merge", "other", "--yes")).toContain("code 0");
    expect(statSync(database()).mode & 0o777).toBe(0o664);
  });

  it("a database that only its owner may write: said before the work, not after it", () => {
    chmodSync(database(), 0o644);
    for (const command of [["run"], ["sweep", "--grid", "lr=1,2"]]) {
      const said = types(bob, ...command, "--json", "--", "touch", "ran");
      expect(said).toContain("E_DATABASE_READONLY");
      expect(said).toContain(`chmod g+w ${database()}`);
    }
    expect(spawnSync("find", [ann.root(), "-name", "ran"], { encoding: "utf8" }).stdout).toBe("");
    chmodSync(database(), 0o664);
  });

  it("a folder where only its owner may write: the hint names it, and no link into the cache", () => {
    const folder = dirname(database());
    const { mode } = statSync(folder);
    chmodSync(folder, 0o755);
    const said = types(bob, "log", "a=1", "--json");
    chmodSync(folder, mode & 0o7777);
    expect(said).toContain("E_DATABASE_READONLY");
    expect(said).toContain(`let ${folder} be written`);
  });

  it("a run of the other's cannot be stopped, and gets its version: it was recorded as killed", () => {
    types(ann, "run", "--detach", "--metrics", "metrics.json", "-m", "slow", "--", "sh", "-c", "sleep 3; node train.js");
    const said = types(bob, "runs", "stop", "--json");
    expect(said).toMatch(/program of run .* is another user's[\s\S]*sudo kill -- -\d+/);
    expect(types(bob, "runs", "wait")).toMatch(/status +finished[\s\S]*version +e0/);
  });
});
