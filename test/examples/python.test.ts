/** examples/python as its README tells it: scikit-learn trains, xetrack logs, real dvc and xetrack look at what is left. */
import { cpSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { peer } from "../support/peers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/python");
const python = peer("python");

describe.skipIf(!python)("examples/python", () => {
  let repo: TestRepository;

  beforeAll(() => {
    repo = makeRepository({ env: { PATH: `${dirname(python as string)}${delimiter}${process.env.PATH}` } });
    cpSync(EXAMPLE, repo.root, { recursive: true });
    repo.commit("A training script", {});
    for (const line of commandsOfReadme()) {
      const { code, stdout, stderr } = repo.run("bash", ["-c", `expver() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`]);
      expect({ line, code, output: code === 0 ? "" : stdout + stderr }).toEqual({ line, code: 0, output: "" });
    }
  });

  it("makes two versions with model, parameters and metrics, from rows xetrack wrote", () => {
    const { data } = repo.expverJson(["list"]);
    expect(data.versions.map(({ version }: { version: string }) => version).sort()).toEqual(["e0.1.0", "e0.2.0"]);
    const text = repo.git("for-each-ref", "--format=%(contents)", "refs/tags/e0.2.0");
    expect(text).toMatch(/^model=logreg \| C=0\.1 \| penalty=l1 \| accuracy=0\.9\d+ \| data=[0-9a-f]{6} \| lasso, stronger\n/);
    expect(text).toMatch(/^Param: C=0\.1$/m);
    expect(text).toMatch(/^Metric: accuracy=0\.9\d+ max$/m);
    expect(text).toMatch(/^Model: [0-9a-f]{32} \d+ models\/model\.joblib$/m);
  });

  it("leaves what real dvc finds in order, and nothing uncommitted", () => {
    expect(JSON.parse(repo.run("dvc", ["status", "--json"]).stdout)).toEqual({});
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("stamps the rows, which xetrack's Reader reads", () => {
    const script = `
from xetrack import Reader
rows = Reader("results/experiments.db").to_df()
print(rows[["version", "git_commit", "dvc_hash", "C", "accuracy"]].to_json(orient="records"))`;
    const { stdout, stderr } = repo.run("python", ["-c", script]);
    const rows = JSON.parse(stdout || stderr);
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      const text = repo.git("for-each-ref", "--format=%(contents)", `refs/tags/${row.version}`);
      expect(text).toContain(`Code: ${row.git_commit}\nData-Hash: ${row.dvc_hash}\n`);
    }
  });

  it("stores a model that predicts", () => {
    const script = `
import joblib, pandas as pd
rows = pd.read_csv("data/test.csv")
print(joblib.load("models/model.joblib").score(rows.drop(columns="target"), rows["target"]))`;
    const accuracy = repo.run("python", ["-c", script]).stdout.trim();
    expect(repo.git("for-each-ref", "--format=%(contents)", "refs/tags/e0.2.0")).toContain(`Metric: accuracy=${accuracy} max\n`);
  });
});

/** From `python prepare.py` on: what stands before makes the environment and the repository. */
function commandsOfReadme(): string[] {
  const [, block = ""] = readFileSync(join(EXAMPLE, "README.md"), "utf8").match(/```sh\n([\s\S]*?)```/) ?? [];
  const lines = block.trim().split("\n");
  return lines.slice(lines.findIndex((line) => line.startsWith("python prepare.py")));
}
