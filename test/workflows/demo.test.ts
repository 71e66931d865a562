import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository, openTestRepository } from "../support/repository.ts";

// Every story trains two models with ten commands: slow on a busy machine.
describe("expver demo", { timeout: 240_000 }, () => {
  it("plays the story and leaves a repository whose model learned something", () => {
    const base = openTestRepository(makeFolder("demo"));
    const { code, data } = base.expverJson(["demo", "here"]);
    expect(code).toBe(0);
    expect(data.folder).toBe(join(base.root, "here"));
    const { accuracy } = JSON.parse(base.read("here/metrics.json"));
    expect(accuracy).toBeGreaterThan(0.9);
    expect(base.read("here/data/train.csv").trim().split("\n")).toHaveLength(101);
    expect(base.read("here/data/test.csv").trim().split("\n")).toHaveLength(51);
  });

  it("prints each command before its output", () => {
    const base = openTestRepository(makeFolder("demo"));
    const { stderr, stdout } = base.expver(["demo"]);
    const lines = stderr.split("\n").filter((line) => line.startsWith("$ "));
    const { steps } = base.expverJson(["demo", "again", "--dry-run"]).data;
    const typed = steps.filter(({ verb }: { verb: string }) => verb === "type").map(({ target }: { target: string }) => `$ ${target}`);
    expect(lines).toEqual(typed);
    expect(stderr).toMatch(/\$ expver run -m .*\n.*plan .*\n(?:epoch .*\n)+accuracy 0\.84/);
    expect(stderr).toMatch(/\$ expver list\n2 versions, best accuracy first \(highest is best\)\n.*\n1 +e0\.2\.0 +0\.94 /);
    expect(stderr).toMatch(/\$ expver diff e0\.1\.0 e0\.2\.0\n[^$]*accuracy .* better/);
    expect(stderr).toMatch(/\$ expver show e0\.2\.0\ne0\.2\.0 {2}run\n/);
    expect(stdout).toContain(`cd ${join(base.root, "expver-demo")}`);
  });

  it("leaves nothing uncommitted", () => {
    const base = openTestRepository(makeFolder("demo"));
    base.expver(["demo", "here"]);
    expect(base.run("git", ["status", "--porcelain"], { cwd: "here" }).stdout).toBe("");
  });

  it("needs no Git identity and does not touch the repository around it", () => {
    const around = makeRepository();
    around.commit("one", { "a.txt": "a" });
    const before = around.git("rev-parse", "HEAD");
    const env = { GIT_DIR: join(around.root, ".git"), GIT_CONFIG_GLOBAL: "/dev/null" };
    expect(around.expver(["demo", "inside"], { env }).code).toBe(0);
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

  it("--dry-run writes nothing", () => {
    const base = openTestRepository(makeFolder("demo"));
    expect(base.expver(["demo", "here", "--dry-run"]).code).toBe(0);
    expect(existsSync(join(base.root, "here"))).toBe(false);
  });

  it.skipIf(!peer("dvc"))("leaves data, model and results that real dvc finds in order", () => {
    const base = openTestRepository(makeFolder("demo"));
    base.expver(["demo", "here"]);
    const status = base.run(peer("dvc") as string, ["status", "--json"], { cwd: "here" });
    expect(JSON.parse(status.stdout)).toEqual({});
  });
});
