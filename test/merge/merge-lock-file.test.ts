/** `dvc.lock` on two branches: stages against an oracle, through real merges of Git, and read by real dvc. */
import { beforeAll, describe, expect, it } from "vitest";
import { loadYaml } from "../../src/config/yaml.ts";
import { mergeLockFile } from "../../src/merge/pointers/merge-lock-file.ts";
import { parseLockFile } from "../../src/store/pointers/lock-file.ts";
import { makeRepository, seededRandom, type TestRepository } from "../support/repository.ts";

type Stages = Record<string, string>;

const entry = (name: string, md5: string) =>
  `  ${name}:\n    cmd: "cat in && echo *"\n    deps:\n    - path: in\n      hash: md5\n      md5: ${md5.repeat(32)}\n      size: 1\n    outs:\n    - path: ${name}.out\n      hash: md5\n      md5: ${md5.repeat(32)}\n      size: 1\n`;
const lockOf = (stages: Stages) =>
  `schema: '2.0'\nstages:\n${Object.entries(stages)
    .map(([name, md5]) => entry(name, md5))
    .join("")}`;
const stagesIn = (text: string) => (loadYaml(text, "dvc.lock", { exact: true }) as { stages: Record<string, unknown> }).stages;

function edited(stages: Stages, random: () => number): Stages {
  const now = { ...stages };
  for (const name of ["a", "b", "c", "d", "e"]) {
    const dice = random();
    if (dice < 0.15) delete now[name];
    else if (dice < 0.4) now[name] = String(Math.floor(random() * 3));
  }
  return Object.keys(now).length === 0 ? stages : now;
}

it("merges stages as an oracle does; what both changed is for nobody to read until it is decided", () => {
  const random = seededRandom(20261127);
  let decided = 0;
  for (let round = 0; round < 200; round += 1) {
    const base: Stages = { a: "0", b: "1", c: "2" };
    const [ours, theirs] = [edited(base, random), edited(base, random)];
    const clashing = [..."abcde"].filter((name) => ours[name] !== theirs[name] && base[name] !== ours[name] && base[name] !== theirs[name]);
    const sides = { file: "dvc.lock", base: lockOf(base), ours: lockOf(ours), theirs: lockOf(theirs) };
    const about = JSON.stringify({ ours, theirs });
    const oracle = (choice: Stages) => {
      const pick = (name: string) => (clashing.includes(name) ? choice : base[name] === ours[name] ? theirs : ours)[name];
      return Object.fromEntries([..."abcde"].flatMap((name) => (pick(name) === undefined ? [] : [[name, pick(name) as string]])));
    };
    const merged = mergeLockFile(sides);
    expect(merged.conflicts, about).toEqual(
      [...clashing].sort((one, other) => orderIn(ours, theirs, one, other)).map((name) => `dvc.lock: both sides changed stage ${name}`),
    );
    if (clashing.length > 0) {
      decided += 1;
      expect(() => parseLockFile(merged.text, "dvc.lock"), about).toThrow(/in conflict/);
    } else if (Object.keys(oracle(ours)).length > 0) expect(stagesIn(merged.text), about).toEqual(stagesIn(lockOf(oracle(ours))));
    for (const choice of ["ours", "theirs"] as const) {
      const result = oracle(choice === "ours" ? ours : theirs);
      const { text, conflicts } = mergeLockFile({ ...sides, choice });
      expect(conflicts).toEqual([]);
      if (Object.keys(result).length > 0) expect(stagesIn(text), about).toEqual(stagesIn(lockOf(result)));
    }
  }
  expect(decided).toBeGreaterThan(25);
});

function orderIn(ours: Stages, theirs: Stages, one: string, other: string): number {
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  return names.indexOf(one) - names.indexOf(other);
}

it.each([null, "", "\n"])("without an ancestor (%j), and without a last line feed, stages are merged all the same", (base) => {
  const [ours, theirs] = [lockOf({ a: "0", b: "1" }), lockOf({ b: "1", c: "2" })].map((text) => text.trimEnd()) as [string, string];
  const { text, conflicts } = mergeLockFile({ file: "dvc.lock", base, ours, theirs });
  expect([conflicts, stagesIn(text)]).toEqual([[], stagesIn(lockOf({ a: "0", b: "1", c: "2" }))]);
});

it.each([
  ["stages that are not written as dvc writes them", "stages: {a: {cmd: x}}\n"],
  ["another schema on each side", lockOf({ a: "0" }).replace("2.0", "3.0")],
  ["something that is no YAML", "stages:\n  a: [\n"],
  ["an alias to another stage", "schema: '2.0'\nstages:\n  a: &x\n    cmd: x\n  b: *x\n"],
])("%s is left to Git", (_, theirs) => {
  const merge = { file: "dvc.lock", base: lockOf({ a: "0" }), ours: lockOf({ c: "1" }), theirs, choice: "ours" as const };
  expect(() => mergeLockFile(merge)).toThrow(expect.objectContaining({ code: "E_POINTER" }));
});

describe("through Git", () => {
  let repo: TestRepository;
  beforeAll(() => {
    repo = makeRepository();
    expect(repo.expver(["init"]).code).toBe(0);
    const pipeline = [..."abcd"]
      .map((name) => `  ${name}:\n    cmd: "cat in && echo *"\n    deps: [in]\n    outs: [${name}.out]\n`)
      .join("");
    repo.commit("base", { "dvc.yaml": `stages:\n${pipeline}`, "dvc.lock": lockOf({ a: "0", b: "1", c: "2" }) });
    repo.git("branch", "theirs");
  });

  it("neighbours are merged, a stage that both ran waits for a word", () => {
    repo.commit("ours", { "dvc.lock": lockOf({ a: "0", b: "3", c: "2" }) });
    repo.git("switch", "-q", "theirs");
    repo.commit("theirs", { "dvc.lock": lockOf({ a: "4", c: "2", b: "1", d: "5" }) });
    repo.git("switch", "-q", "main");
    expect(repo.run("git", ["merge", "-q", "theirs"])).toMatchObject({ code: 0 });
    expect(stagesIn(repo.read("dvc.lock"))).toEqual(stagesIn(lockOf({ a: "4", b: "3", c: "2", d: "5" })));

    repo.git("switch", "-q", "theirs");
    repo.commit("more", { "dvc.lock": lockOf({ a: "6", b: "1", c: "7" }) });
    repo.git("switch", "-q", "main");
    repo.commit("more", { "dvc.lock": lockOf({ a: "8", b: "3", c: "2", d: "5" }) });
    expect(repo.run("git", ["merge", "-q", "theirs"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("both sides changed stage a"),
    });
    expect(repo.read("dvc.lock")).toContain("<<<<<<< ours\n  a:\n");
    expect(repo.expver(["data", "status"])).toMatchObject({ code: 1, stderr: expect.stringContaining("merge --resolve") });
    expect(repo.expver(["merge", "--resolve"]).code).toBe(4);
    expect(repo.expver(["merge", "--resolve", "theirs", "dvc.lock"]).code).toBe(0);
    expect(stagesIn(repo.read("dvc.lock"))).toEqual(stagesIn(lockOf({ a: "6", b: "3", c: "7" })));
    expect(repo.git("status", "--porcelain", "--", "dvc.lock")).toMatch(/^M /);
  });
});
