/** `expver run -- dvc repro`: what the stages leave for Git goes into the results commit, and undo takes it back. */
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { peer, peerWith } from "../support/peers.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const PIPELINE = `stages:
  train:
    cmd: mkdir -p out sub plots && cat raw.csv > out/model.bin && cp raw.csv sub/features.csv && echo '{"accuracy":0.5}' > metrics.json && cp raw.csv plots/p.csv
    deps: [raw.csv]
    outs: [out, sub/features.csv]
    metrics:
    - metrics.json: { cache: false }
    plots:
    - plots/: { cache: false }
`;

describe.skipIf(!HAS_DVC)("a run of a pipeline", { timeout: 240_000 }, () => {
  let repo: TestRepository;
  const env = { PATH: `${dirname(peer("dvc") ?? "")}:${process.env.PATH}` };
  const inCommit = (version: string) => repo.git("ls-tree", "-r", "--name-only", version).split("\n");
  const repro = () => repo.expverJson(["run", "--metrics", "metrics.json", "--", "dvc", "repro", "-q"], { env });

  beforeAll(() => {
    repo = makeRepository();
    repo.expver(["init"]);
    repo.commit("pipeline", { "dvc.yaml": PIPELINE, "raw.csv": "1\n", ".gitignore": "# mine\n" });
    expect(repro().code).toBe(0);
  });

  it("commits lock, outputs that are not cached and the lines that ignore the others: nothing is left over", () => {
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(inCommit("e0.1.0")).toEqual(expect.arrayContaining(["dvc.lock", "metrics.json", "plots/p.csv", ".gitignore", "sub/.gitignore"]));
    expect(repo.git("show", "e0.1.0:.gitignore")).toMatch(/^# mine[\s\S]*^\/out$/m);
    const [status] = dvcCalls(repo, [["status", "--json"]]);
    expect(jsonOf(status)).toEqual({});
    expect(repo.expverJson(["runs", "show"]).data.changed_during_run ?? null).toBe(null);
  });

  it("what Git keeps of it can be had again like the rest, and a version stands as it was", () => {
    expect(repo.expverJson(["get", "e0.1.0", "plots/p.csv", "-o", "../p.csv"]).data).toBeTruthy();
    expect(repo.read("../p.csv")).toBe("1\n");
    expect(repo.expver(["get", "e0.1.0", "plots", "-o", "../plots"]).code).toBe(0);
    expect(repo.read("../plots/p.csv")).toBe("1\n");
    expect(repo.expver(["checkout", "e0.1.0"]).code).toBe(0);
    expect(repo.expverJson(["cleanup", "e0.1.0"]).code).toBe(0);
    expect(existsSync(join(repo.root, "../explore-e0.1.0"))).toBe(false);
  });

  it("parameters that `dvc exp run -S` sets are those of the version, in its tag and in its file", () => {
    const made = makeRepository();
    made.expver(["init"]);
    const stage =
      "stages:\n  train:\n    cmd: cp params.yaml metrics.yaml\n    params: [lr]\n    metrics:\n    - metrics.yaml: { cache: false }\n";
    made.commit("pipeline", { "dvc.yaml": stage, "params.yaml": "lr: 0.1\n" });
    const { code, data, warnings } = made.expverJson(["run", "-m", "set", "--", "dvc", "exp", "run", "-q", "-S", "lr=0.2"], { env });
    expect({ code, params: data.params, warnings }).toEqual({ code: 0, params: { lr: "0.2" }, warnings: [] });
    expect(made.git("show", "e0.1.0:params.yaml")).toContain("lr: 0.2");
    expect(made.git("status", "--porcelain")).toBe("");
    const [status] = dvcCalls(made, [["status", "--json"]]);
    expect(jsonOf(status)).toEqual({});
    expect(made.expver(["undo"]).code).toBe(0);
    expect(made.git("show", "HEAD:params.yaml")).toContain("lr: 0.1");
  });

  it("dvc and expver list the same as data", () => {
    const [theirs] = dvcCalls(repo, [["list", ".", "-R", "--dvc-only", "--json"]]);
    const pathsOf = (result: unknown) => (result as { path: string; isout: boolean }[]).map(({ path, isout }) => `${path} ${isout}`).sort();
    const ours = jsonOf(repo.expver(["data", "list", ".", "-R", "--dvc-only", "--json"]));
    expect(pathsOf(ours)).toEqual(pathsOf(jsonOf(theirs)));
  });

  it("a run for which dvc runs no stage has the numbers and the model of what is there; where that is not what dvc made, it has none", () => {
    const made = makeRepository();
    made.expver(["init", "--yes"]);
    made.commit("pipeline", {
      "dvc.yaml": PIPELINE.replaceAll("out/", "models/").replace("out sub", "models sub").replace("[out,", "[models/model.bin,"),
      "raw.csv": "1\n",
    });
    const again = (...words: string[]) => made.expver(["run", "--yes", "-m", "x", "--", ...words], { env });
    const message = (version: string) => made.git("tag", "-l", "--format=%(contents)", version);
    for (const version of ["e0.1.0", "e0.2.0"]) {
      expect(again("dvc", "repro", "-q")).toMatchObject({ code: 0, stderr: expect.not.stringContaining("warning") });
      expect(message(version)).toMatch(/^Model: [0-9a-f]{32} 2 models\/model.bin\nMetric: accuracy=0.5/m);
    }
    expect(made.expver(["verify"]).code).toBe(0);
    expect(made.expver(["undo", "--yes"]).code).toBe(0);
    expect([made.read("models/model.bin"), made.read("metrics.json")]).toEqual(["1\n", '{"accuracy":0.5}\n']);
    // Another stage is asked for, and of this one something is not as it was.
    const pipeline = `${made.read("dvc.yaml")}  other:\n    cmd: echo 1 > other\n    outs: [other]\n`;
    made.commit("other", { "dvc.yaml": pipeline });
    const base = made.git("rev-parse", "HEAD");
    for (const [number, change] of [
      { "raw.csv": "2\n" },
      { "dvc.yaml": pipeline.replace("cmd: mkdir", "cmd: true && mkdir") },
      { "metrics.json": '{"accuracy":0.9}\n' },
    ].entries()) {
      made.git("reset", "-q", "--hard", base);
      rmSync(join(made.root, "other"), { force: true });
      made.commit("changed", change);
      const { code, stderr } = again("dvc", "repro", "-q", "other");
      expect([code, stderr]).toEqual([0, expect.stringContaining("metrics.json was not written during the run and counts for nothing")]);
      expect(message(`e0.${number + 2}.0`)).not.toMatch(number < 2 ? /^(Model|Metric):/m : /^Metric:/m);
    }
  });

  it("undo of the next run brings the files of the one before back; of the first one, takes them away", () => {
    repo.commit("more", { "raw.csv": "1\n2\n" });
    expect(repro().code).toBe(0);
    expect(repo.git("show", "e0.2.0:plots/p.csv")).toBe("1\n2");
    expect(repo.expver(["undo", "--yes"]).code).toBe(0);
    expect([repo.read("plots/p.csv"), repo.read("sub/features.csv")]).toEqual(["1\n", "1\n"]);
    repo.git("reset", "-q", "--hard", "HEAD~1");
    const first = repo.expverJson(["ops"]).data.operations.findLast(({ command }: { command: string }) => command === "run");
    expect(repo.expver(["undo", first.id, "--yes"])).toMatchObject({ code: 0, stderr: "" });
    for (const path of ["dvc.lock", "metrics.json", "plots"]) expect(existsSync(join(repo.root, path)), path).toBe(false);
    expect(repo.read(".gitignore")).not.toContain("/out");
    expect(repo.git("status", "--porcelain", "--untracked-files=no")).toBe("");
  });
});

const IN_STEPS = `stages:
  feat:
    cmd: mkdir -p data && sort raw.csv > data/feat.csv
    deps: [raw.csv]
    outs: [data/feat.csv]
  train:
    cmd: mkdir -p models results && cp data/feat.csv models/model.bin && cp data/feat.csv results/z.csv && cp data/feat.csv results/a.csv
    deps: [data/feat.csv]
    outs: [results/z.csv, models/model.bin, results/a.csv]
`;

describe.skipIf(!HAS_DVC)("a program that runs stages without saying so (make, a script)", { timeout: 240_000 }, () => {
  const env = { PATH: `${dirname(peer("dvc") ?? "")}:${process.env.PATH}` };
  const run = (repo: TestRepository, ...words: string[]) => {
    const ran = repo.expver(["run", "--yes", "-m", "x", "--", ...words], { env });
    expect([ran.code, ran.stderr]).toEqual([0, expect.not.stringMatching(/changed while|what no version has/)]);
  };

  it.each(["", "data: [raw.csv, data/**]"])("what they make is its output and never its input, whatever is named as data: %j", (named) => {
    const repo = makeRepository();
    repo.expver(["init", "--yes"]);
    repo.write("expver.yaml", `${repo.read("expver.yaml")}\n${named}\n`);
    repo.write("raw.csv", "1\n");
    expect(repo.expver(["data", "add", "raw.csv"]).code).toBe(0);
    repo.commit("pipeline", { "dvc.yaml": IN_STEPS, "build.sh": "dvc repro -q\n" });
    for (const [index, words] of [
      ["sh", "build.sh"],
      ["sh", "build.sh"],
      ["sh", "-c", "true && dvc -q repro"],
    ].entries()) {
      repo.write("raw.csv", "1\n".repeat(index + 1));
      run(repo, ...words);
      expect(repo.git("status", "--porcelain")).toBe("");
      const message = repo.git("tag", "-l", "--format=%(contents)", `e0.${index + 1}.0`);
      expect(message.match(/^(Data|Model): .*$/gm)?.map((line) => line.replace(/[0-9a-f]{32} /, ""))).toEqual([
        `Data: ${2 * (index + 1)} raw.csv`,
        `Model: ${2 * (index + 1)} models/model.bin`,
      ]);
      expect(/^Data-Hash: (.*)$/m.exec(message)?.[1]).toBe(/md5: (.*)/.exec(repo.read("raw.csv.dvc"))?.[1]);
    }
    const verified = repo.expver(["verify"]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/whole[\s\S]*whole[\s\S]*whole/)]);
    expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
  });

  it("--no-commit of dvc: the version's bytes are stored all the same", () => {
    const repo = makeRepository();
    repo.expver(["init", "--yes"]);
    repo.commit("pipeline", { "dvc.yaml": IN_STEPS, "raw.csv": "1\n" });
    run(repo, "dvc", "repro", "-q", "--no-commit");
    expect(repo.expver(["verify", "e0.1.0"])).toMatchObject({ code: 0 });
  });

  it("what a stage promises that has not run: the program that writes it is told, and what it leaves for Git is no data of the next run", () => {
    const repo = makeRepository();
    repo.expver(["init", "--yes"]);
    const pipeline =
      "stages:\n  train:\n    cmd: sh train.sh\n    deps: [raw.csv]\n    outs: [models/model.bin]\n    metrics: [m.json: { cache: false }]\n";
    const script = "mkdir -p models; date +%N > models/model.bin; echo '{\"a\": '$(date +%N | sed 's/^0*//')'}' > m.json\n";
    repo.write("raw.csv", "1\n");
    repo.expver(["data", "add", "raw.csv"]);
    repo.commit("pipeline", { "dvc.yaml": pipeline, "train.sh": script });
    const train = () => repo.expver(["run", "--metrics", "m.json", "--", "sh", "train.sh"]);
    const first = train();
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringMatching(/models\/model.bin is an output of stage train in dvc.yaml, which has not run/),
    ]);
    expect(() => dvcCalls(repo, [["status", "-q"]])).toThrow();
    expect(first.stderr).toContain("expver data remove models/model.bin.dvc && dvc commit -f train");
    const { findings } = repo.expverJson(["doctor"]).data;
    expect(findings).toContainEqual(
      expect.objectContaining({ check: "contested-outputs", remedy: "expver data remove models/model.bin.dvc && dvc commit -f train" }),
    );
    repo.expver(["data", "remove", "models/model.bin.dvc"]);
    dvcCalls(repo, [["commit", "-q", "-f", "train"]]);
    repo.commit("lock", {});
    const later = train();
    expect([later.code, later.stderr]).toEqual([0, expect.not.stringMatching(/has not run/)]);
    const dataOf = (version: string) => repo.git("tag", "-l", "--format=%(contents)", version).match(/^Data.*$/gm);
    expect(dataOf("e0.2.0")).toEqual(dataOf("e0.1.0"));
    expect(dataOf("e0.2.0")).toHaveLength(2);
  });
});

const OF_EXPVER = `stages:
  train:
    cmd: python train.py
    deps: [raw.csv, train.py]
    outs:
    - models/model.bin
    - results/experiments.db: { persist: true }
`;
const TRAIN = `import pathlib
from xetrack import Tracker
text = pathlib.Path("raw.csv").read_text()
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("models/model.bin").write_text("model of " + text)
Tracker("results/experiments.db", params={"lr": 0.1}).log({"acc": len(text) / 10})
`;

describe.skipIf(peerWith("dvc", "xetrack") === null)(
  "stages whose outputs are models and the results database",
  { timeout: 240_000 },
  () => {
    it("are tracked once, by dvc.lock, which says what the version has: dvc goes on with it, run after run", () => {
      const repo = makeRepository();
      const env = { PATH: `${dirname(peer("dvc") ?? "")}:${process.env.PATH}` };
      repo.expver(["init"]);
      repo.commit("pipeline", { "dvc.yaml": OF_EXPVER, "train.py": TRAIN, "raw.csv": "1\n" });
      let before = "";
      const isRight = () => {
        expect(repo.git("status", "--porcelain")).toBe("");
        expect(repo.git("ls-tree", "-r", "--name-only", "HEAD")).not.toMatch(/\.dvc$/m);
        expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
      };
      for (const [index, words] of [
        ["dvc", "repro", "-q"],
        ["dvc", "repro", "-q"],
        ["python", "train.py"],
      ].entries()) {
        repo.commit(`data ${index}`, { "raw.csv": "1\n".repeat(index + 1) });
        if (words[0] === "python") expect(repo.run(peer("dvc") ?? "", ["commit", "-q", "--force"], { env }).code).toBe(0);
        before = existsSync(join(repo.root, "dvc.lock")) ? repo.read("dvc.lock") : "";
        expect(repo.expver(["run", "--yes", "--", ...words], { env })).toMatchObject({ code: 0 });
        isRight();
      }
      for (const version of ["e0.1.0", "e0.2.0", "e0.3.0"]) {
        expect(repo.expver(["verify", version])).toMatchObject({ code: 0 });
        expect(repo.git("tag", "-l", "--format=%(contents)", version)).toMatch(/^Model: [0-9a-f]{32} \d+ models\/model.bin$/m);
        const { rows } = repo.expverJson(["show", version]).data;
        expect(rows ?? 1).toBe(1);
      }
      expect(repo.expver(["get", "e0.1.0", "models/model.bin", "-o", "../model.bin"]).code).toBe(0);
      expect(repo.read("../model.bin")).toBe("model of 1\n");
      expect(repo.read("models/model.bin")).toBe("model of 1\n1\n1\n");
      expect(repo.expver(["undo", "--yes"]).code).toBe(0);
      // As `dvc commit` had left it.
      expect(repo.read("dvc.lock")).toBe(before);
      expect(repo.read("models/model.bin")).toBe("model of 1\n1\n");
    });

    it("are what they were in an older run that gets its version later", () => {
      const repo = makeRepository();
      const env = { PATH: `${dirname(peer("dvc") ?? "")}:${process.env.PATH}` };
      repo.expver(["init"]);
      repo.commit("pipeline", { "dvc.yaml": OF_EXPVER, "train.py": TRAIN, "raw.csv": "1\n" });
      for (const index of [0, 1]) {
        repo.commit(`data ${index}`, { "raw.csv": "1\n".repeat(index + 1) });
        expect(repo.expver(["run", "--no-tag", "--yes", "--", "dvc", "repro", "-q"], { env })).toMatchObject({ code: 0 });
      }
      const [, older] = repo.expverJson(["runs", "list"]).data.runs.map(({ run_id }: { run_id: string }) => run_id);
      const now = repo.read("dvc.lock");
      const md5s = (text: string) => [...text.matchAll(/md5: (\w{32})\n/g)].map(([, md5]) => md5);
      const ofRun = md5s(repo.git("show", `${repo.git("rev-parse", `:/Run: ${older}`)}:dvc.lock`));
      expect(repo.expver(["tag", "e0.1.0", "--run", older])).toMatchObject({ code: 0 });
      expect(repo.expver(["verify", "e0.1.0"])).toMatchObject({ code: 0 });
      expect(repo.expver(["get", "e0.1.0", "models/model.bin", "-o", "../model.bin"]).code).toBe(0);
      expect(repo.read("../model.bin")).toBe("model of 1\n");
      const ofVersion = md5s(repo.git("show", "e0.1.0:dvc.lock"));
      // The rows in the database say the version by now.
      expect(ofVersion.filter((md5) => !ofRun.includes(md5))).toHaveLength(1);
      expect(repo.read("dvc.lock")).toBe(now);
      expect(repo.git("status", "--porcelain")).toBe("");
      expect(repo.git("ls-tree", "-r", "--name-only", "e0.1.0")).not.toMatch(/\.dvc$/m);
    });
  },
);
