import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

// Thirty commands, of which nine train a model: slow on a busy machine.
describe("expver demo", { timeout: 240_000 }, () => {
  let base: TestRepository;
  let planned: { verb: string; target: string }[];
  let played: ReturnType<TestRepository["expver"]>;

  beforeAll(() => {
    base = openTestRepository(makeFolder("demo"));
    planned = base.expverJson(["demo", "here", "--dry-run"]).data.steps;
    played = base.expver(["demo", "here"]);
  });

  it("plays the story and leaves a repository whose model learned something", () => {
    expect(played.code).toBe(0);
    expect(played.stdout).toContain(`cd ${join(base.root, "here")}`);
    const { accuracy } = JSON.parse(base.read("here/metrics.json"));
    expect(accuracy).toBeGreaterThan(0.9);
    expect(base.read("here/data/train.csv").trim().split("\n")).toHaveLength(201);
    expect(base.read("here/data/test.csv").trim().split("\n")).toHaveLength(51);
  });

  it("prints each command before its output", () => {
    const { stderr } = played;
    const lines = stderr.split("\n").filter((line) => line.startsWith("$ "));
    expect(lines).toEqual(planned.flatMap(({ verb, target }) => (verb === "type" ? [`$ ${target}`] : [])));
    expect(stderr).toMatch(/\$ expver run -m .*\n.*plan .*\n(?:epoch .*\n)+accuracy 0\.84/);
    expect(stderr).toMatch(/\$ expver list\n2 versions, best accuracy first \(highest is best\)\n.*\n1 +e0\.2\.0 +0\.94 /);
    expect(stderr).toMatch(/\$ expver diff e0\.1\.0 e0\.2\.0\n[^$]*accuracy .* better/);
    expect(stderr).toMatch(/\$ expver sweep .*\n[^$]*6 runs · 6 finished · best accuracy=0\.96 .* promoted/);
    expect(stderr).toMatch(/\$ expver merge e0\.2\.0 --strategy rebase .* --yes\n[^$]*2 there already · 4 replaced/);
    expect(stderr).toMatch(/\$ expver check augment\n[^$]*not published: e0\.4\.0/);
    expect(stderr).toMatch(/\$ expver worktree finish augment .*\naugment {2}is e0\.5\.0 now\n/);
    expect(stderr.trimEnd()).toMatch(/e0\.5\.0 {2}whole\n\d+ proven$/);
    expect(stderr).toMatch(/\$ expver show e0\.2\.0\ne0\.2\.0 {2}run\n/);
  });

  it("leaves nothing uncommitted, and nothing beside it", () => {
    expect(base.run("git", ["status", "--porcelain"], { cwd: "here" }).stdout).toBe("");
    expect(base.run("git", ["worktree", "list", "--porcelain"], { cwd: "here" }).stdout.match(/^worktree /gm)).toHaveLength(1);
    expect(readdirSync(base.root)).toEqual(["here"]);
  });

  it("needs no Git identity and does not touch the repository around it", () => {
    const around = makeRepository();
    around.commit("one", { "a.txt": "a" });
    const before = around.git("rev-parse", "HEAD");
    const env = { GIT_DIR: join(around.root, ".git"), GIT_CONFIG_GLOBAL: "/dev/null" };
    expect(around.expver(["demo", "inside", "--brief"], { env }).code).toBe(0);
    expect(around.git("rev-parse", "HEAD")).toBe(before);
    expect(around.git("status", "--porcelain")).toBe("?? inside/");
    expect(existsSync(join(around.root, ".dvc"))).toBe(false);
  });

  it("refuses a folder in use and writes nothing there", () => {
    const base = openTestRepository(makeFolder("demo"));
    base.write("here/mine.txt", "mine");
    const { code, error } = base.expverJson(["demo", "here"]);
    expect(code).toBe(4);
    expect(error?.code).toBe("E_DEMO_FOLDER");
    expect(readFileSync(join(base.root, "here/mine.txt"), "utf8")).toBe("mine");
    expect(existsSync(join(base.root, "here/.git"))).toBe(false);
  });

  it("refuses while something is where its worktree goes; --brief needs no worktree", () => {
    const base = openTestRepository(makeFolder("demo"));
    base.write("exp-augment/mine.txt", "mine");
    const { code, error } = base.expverJson(["demo", "here"]);
    expect({ code, error: error?.code }).toEqual({ code: 4, error: "E_DEMO_FOLDER" });
    const brief = base.expver(["demo", "here", "--brief"]);
    expect(brief.stderr).toMatch(/e0\.2\.0 {2}whole/);
    expect(brief.stderr).not.toContain("augment");
  });

  it("--dry-run writes nothing", () => {
    const base = openTestRepository(makeFolder("demo"));
    expect(base.expver(["demo", "here", "--dry-run"]).code).toBe(0);
    expect(existsSync(join(base.root, "here"))).toBe(false);
  });

  it.skipIf(!peer("dvc"))("leaves data, model and results that real dvc finds in order, here and on the remote", () => {
    const dvc = (...args: string[]) => JSON.parse(base.run(peer("dvc") as string, args, { cwd: "here" }).stdout);
    expect(dvc("status", "--json")).toEqual({});
    expect(dvc("status", "--cloud", "--json")).toEqual({});
  });
});
