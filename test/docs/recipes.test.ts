/** The recipes for continuous integration: valid YAML, whose shell lines do in a fresh clone what the page says. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";

const root = join(import.meta.dirname, "../..");
const [github, gitlab] = [...readFileSync(join(root, "docs/publish.md"), "utf8").matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(
  ([, text = ""]) => load(text) as Recipe,
);

interface Recipe {
  jobs: { experiments: { steps: { run?: string; uses?: string; with?: object }[] } };
  experiments: { script: string[]; variables: object; rules: { if: string }[] };
}

let base: TestRepository;

/** Published versions, and tools that write down how they were called. */
beforeAll(() => {
  base = openTestRepository(makeFolder("recipes"));
  expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
  base.run("git", ["init", "-q", "--bare", "origin.git"]);
  const demo = openTestRepository(join(base.root, "demo"));
  demo.git("remote", "add", "origin", "../origin.git");
  expect(demo.expver(["init", "--project", "--remote", join(base.root, "store")]).code).toBe(0);
  demo.commit("a data remote");
  expect(demo.expver(["publish"]).stderr).not.toContain("error");
  const tool = (name: string, script: string) => {
    base.write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
    base.run("chmod", ["+x", `bin/${name}`]);
  };
  tool("npx", `[ "$1 $2" = "--yes expver" ] && shift 2 && exec "${process.execPath}" "${join(root, "dist/main.cjs")}" "$@"`);
  tool("gh", 'printf "%s\\n" "$@" > ../called; cat report.md >> ../called');
  tool("curl", 'printf "%s\\n" "$@" > ../called; cat report/report.md >> ../called');
});

/** Runs the lines as a runner does, each in a shell that stops at the first failure; answers the exit code of the first that fails. */
function play(lines: string[], name: string, env: Record<string, string> = {}): { code: number; called: string } {
  rmSync(join(base.root, "called"), { force: true });
  base.run("git", ["clone", "-q", "origin.git", name]);
  for (const line of lines) {
    const filled = line.replace(/\$\{\{ github\.event\.number \}\}/g, "7");
    const { code, stdout, stderr } = base.run("sh", ["-ec", filled], {
      cwd: name,
      env: { PATH: `${join(base.root, "bin")}:${process.env.PATH}`, ...env },
    });
    if (code !== 0) return { code, called: stdout + stderr };
  }
  return { code: 0, called: base.read("called") };
}

const runLines = () => github?.jobs.experiments.steps.flatMap(({ run }) => run ?? []) ?? [];

describe("GitHub Actions", () => {
  it("checks out every tag, verifies, and leaves one comment with the report", () => {
    expect(github?.jobs.experiments.steps[0]).toMatchObject({
      uses: expect.stringMatching(/^actions\/checkout@v\d/),
      with: { "fetch-depth": 0 },
    });
    const { code, called } = play(runLines(), "github");
    expect({ code, called }).toMatchObject({ code: 0 });
    expect(called).toMatch(/^pr\ncomment\n7\n--edit-last\n--create-if-none\n--body-file\nreport.md\n/);
    expect(called).toContain("Best: **e0.2.0**");
  });

  it("stops with exit code 5 where a version names data that the remote has not", () => {
    base.run("mv", ["store", "kept"]);
    base.run("mkdir", ["store"]);
    try {
      expect(play(runLines(), "missing").code).toBe(5);
    } finally {
      base.run("rm", ["-r", "store"]);
      base.run("mv", ["kept", "store"]);
    }
  });
});

it("GitLab: verifies, keeps report and picture, and comments on the merge request", () => {
  expect(gitlab?.experiments.rules).toEqual([{ if: '$CI_PIPELINE_SOURCE == "merge_request_event"' }]);
  const env = { REPORT_TOKEN: "t", CI_API_V4_URL: "https://gitlab.invalid/api/v4", CI_PROJECT_ID: "3", CI_MERGE_REQUEST_IID: "9" };
  const { code, called } = play(gitlab?.experiments.script ?? [], "gitlab", env);
  expect({ code, called }).toMatchObject({ code: 0 });
  expect(called).toContain(
    "PRIVATE-TOKEN: t\n--form\nbody=<report/report.md\nhttps://gitlab.invalid/api/v4/projects/3/merge_requests/9/notes\n",
  );
  expect(called).toContain("Best: **e0.2.0**");
  expect(base.read("gitlab/report/metric.svg")).toContain("<svg");
});
