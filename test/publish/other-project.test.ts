/** Two projects of one repository that call their versions alike. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder, makeRepository } from "../support/repository.ts";

it("publish sends no version of another project, whose data it cannot send, and verify proves only its own", () => {
  const repo = makeRepository();
  const outside = makeFolder("remotes");
  repo.git("init", "-q", "--bare", join(outside, "origin.git"));
  repo.git("remote", "add", "origin", join(outside, "origin.git"));
  for (const cwd of ["one", "two"]) {
    repo.commit(cwd, { [`${cwd}/expver.yaml`]: "metrics: { a: max }\n", [`${cwd}/.gitignore`]: "m.json\n" });
    expect(repo.expver(["init"], { cwd }).code).toBe(0);
    repo.write(`${cwd}/data.csv`, `${cwd}\n`);
    expect(repo.expver(["data", "add", "data.csv"], { cwd }).code).toBe(0);
    expect(repo.expver(["data", "remote", "add", "-d", "store", join(outside, cwd)], { cwd }).code).toBe(0);
    repo.commit("data");
    expect(repo.expver(["run", "--metrics", "m.json", "--", "sh", "-c", `echo '{"a":1}' > m.json`], { cwd }).code).toBe(0);
  }
  const told = repo
    .expverJson(["doctor"], { cwd: "two" })
    .data.findings.filter(({ check }: { check: string }) => check === "others-versions");
  expect(told).toMatchObject([
    { what: expect.stringContaining("e0.1.0 is of another project"), remedy: expect.stringContaining("prefix") },
  ]);
  const published = () => repo.git("ls-remote", "--tags", "origin");
  expect(repo.expverJson(["publish", "e0.1.0"], { cwd: "two" })).toMatchObject({ code: 4, error: { code: "E_PUBLISH" } });
  expect(published()).toBe("");
  const { code, warnings } = repo.expverJson(["publish"], { cwd: "two" });
  expect(code).toBe(0);
  expect(warnings).toMatchObject([{ text: expect.stringContaining("left out: e0.1.0") }]);
  expect(published()).toContain("e0.2.0");
  expect(published()).not.toContain("e0.1.0");
  expect(existsSync(join(outside, "one"))).toBe(false);
  expect(repo.expverJson(["publish"], { cwd: "one" }).data.versions).toMatchObject([{ version: "e0.1.0" }]);
  expect(existsSync(join(outside, "one"))).toBe(true);
  for (const cwd of ["one", "two"]) {
    const verified = repo.expverJson(["verify", "--cloud"], { cwd });
    expect(verified.code).toBe(0);
    expect(verified.data.versions).toMatchObject([{ version: cwd === "one" ? "e0.1.0" : "e0.2.0", state: "whole" }]);
  }
});
