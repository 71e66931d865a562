/** What a program writes beside its outputs: said, and in a sweep kept. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeSweepExperiment } from "../sweep/story.ts";
import { exists, makeExperiment } from "./story.ts";

const ASIDE = `
fs.mkdirSync("out/deep", { recursive: true });
fs.writeFileSync("out/deep/weights.pt", "weights of " + process.env.EXPVER_RUN_ID);
fs.writeFileSync("big.bin", Buffer.alloc(2 ** 20));
fs.mkdirSync("__pycache__", { recursive: true });
fs.writeFileSync("__pycache__/train.pyc", "compiled");
fs.writeFileSync("ignored.log", "said to be worth nothing");
fs.mkdirSync("reports", { recursive: true });
fs.writeFileSync("reports/r.json", "{}");
`;

describe("files that no version has", () => {
  it("are named at the end of a run, with what to write to keep them", () => {
    const repo = makeExperiment();
    repo.write(".gitignore", `${repo.read(".gitignore")}*.log\n`);
    repo.write("train.js", repo.read("train.js") + ASIDE);
    repo.write("notes.txt", "was there before, and is in the snapshot");
    repo.write("mine.bin", "x".repeat(2 ** 20));
    const { code, data, warnings } = repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]);
    expect(code).toBe(0);
    const left = {
      files: 2,
      bytes: 2 ** 20 + `weights of ${data.run_id}`.length,
      paths: ["big.bin", "out/deep/weights.pt"],
      model: "out/deep/weights.pt",
      folder: null,
    };
    expect(data.left).toEqual(left);
    expect(warnings).toMatchObject([
      { text: expect.stringContaining("mine.bin is not part of this experiment") },
      {
        text: `run ${data.run_id} left what no version has: big.bin, out/deep/weights.pt`,
        hint: "Name in expver.yaml what a run is to keep: track: ['big.bin', 'out/deep/weights.pt']; or now: expver data add big.bin",
      },
    ]);
    expect(repo.expverJson(["runs", "show"]).data.left).toEqual(left);
    expect(repo.expver(["runs", "show"]).stdout).toContain("left     big.bin, out/deep/weights.pt, 1.0 MiB, in no version");
    // From a sub-folder what is to be typed is another path.
    repo.write("train.js", `${repo.read("train.js")}fs.writeFileSync("late.bin", "");`);
    const below = repo.expverJson(["run", "--metrics", "../metrics.json", "--", "sh", "-c", "cd .. && node train.js"], { cwd: "models" });
    expect(below.warnings.at(-1)?.hint).toMatch(/track: \['late\.bin'.*; or now: expver data add \.\.\/late\.bin$/);
    // As the hint says.
    repo.write("expver.yaml", repo.read("expver.yaml").replace("track: [", "track: ['big.bin', 'out/deep/weights.pt', "));
    const next = repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]).data;
    expect(next).toMatchObject({ version: "e0.3.0", left: null });
    expect(repo.expver(["get", "e0.3.0", "out/deep/weights.pt", "-o", "again"]).code).toBe(0);
    expect(repo.read("again")).toBe(`weights of ${next.run_id}`);
  });

  it("are named by the folder they share, unless Git has something in it", () => {
    const repo = makeExperiment();
    repo.write("src/own.py", "");
    repo.commit("code");
    const many = `for (const [index, path] of ["checkpoints/1/w.pt", "checkpoints/2/w.pt", "src/a.py", "src/b.py", "lightning_logs/version_0/last.ckpt"].entries()) {
      fs.mkdirSync(require("path").dirname(path), { recursive: true });
      fs.writeFileSync(path, String(index));
    }`;
    repo.write("train.js", repo.read("train.js") + many);
    const { warnings, data } = repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]);
    expect(warnings).toMatchObject([
      {
        text: `run ${data.run_id} left what no version has: checkpoints/ (2 files), lightning_logs/version_0/last.ckpt, src/a.py and 1 more`,
        hint: "Name in expver.yaml what a run is to keep: track: ['checkpoints/**', 'lightning_logs/**', 'src/a.py']; or now: expver data add checkpoints",
      },
    ]);
    expect(repo.expver(["data", "add", "checkpoints"]).code).toBe(0);
    // Beside the results database, where Git has its pointer: what is in a folder of its own there is one all the same, a configuration too.
    const beside = `for (const path of ["checkpoint-1/net.pt", "checkpoint-1/config.json", "runs/Nov29_10-30-52_host/events.out.tfevents.1", "runs/Nov29_10-30-52_host/events.out.tfevents.2"]) {
      fs.mkdirSync(require("path").dirname("results/" + path), { recursive: true });
      fs.writeFileSync("results/" + path, "");
    }`;
    repo.write("train.js", repo.read("train.js").replace(many, beside));
    const next = repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]);
    expect(next.warnings.at(-1)).toMatchObject({
      text: `run ${next.data.run_id} left what no version has: results/checkpoint-1/ (2 files), results/runs/Nov29_10-30-52_host/ (2 files)`,
      hint: expect.stringContaining("track: ['results/checkpoint-1/**', 'results/runs/**']"),
    });
    const last = repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]).data;
    expect(last.heldBack.map(({ path }: { path: string }) => path)).toContain("results/checkpoint-1");
    expect(repo.git("ls-tree", "-r", "--name-only", last.version, "results")).not.toContain("config.json");
  });

  it("may be the model, where there is none in its place", () => {
    const repo = makeExperiment();
    repo.write("expver.yaml", "metrics: { accuracy: max }\n");
    repo.write("train.js", `require("fs").writeFileSync("net.pt", "weights");`);
    const [warning] = repo.expverJson(["run", "-m", "x", "--", "node", "train.js"]).warnings.slice(-1);
    const line = "models: { output: net.pt }";
    expect(warning?.hint).toContain(`track: ['net.pt'], or as the model: ${line}; or now`);
    repo.write("expver.yaml", `metrics: { accuracy: max }\n${line}\n`);
    expect(repo.expver(["run", "-m", "y", "--", "node", "train.js"]).stderr).not.toContain("left what");
    expect(repo.expverJson(["models", "list"]).data.models).toMatchObject([{ version: "e0.2.0", path: "net.pt" }]);
  });

  it("are no code of the next run, unless they are what people write or Git has them", () => {
    const repo = makeExperiment();
    repo.write(
      "train.js",
      `const fs = require("fs");
      fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: 0.9 }));
      fs.mkdirSync("out", { recursive: true });
      for (const path of ["model.json", "plot.png", "out/net.pt", "out/tokenizer.json", "helper.py", "vocabulary.bin"]) fs.writeFileSync(path, process.env.EXPVER_RUN_ID);
      if (process.argv[2] === "fail") process.exit(1);`,
    );
    const run = (...words: string[]) => repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js", ...words]);
    expect(run("fail").code).toBe(1);
    repo.write("added.csv", "1");
    expect(run().data.version).toBe("e0.1.0");
    const ofFirst = repo.git("ls-tree", "-r", "--name-only", "e0.1.0").split("\n");
    expect(ofFirst.filter((path) => /^(?:model|plot|out|voc|helper|added)/.test(path))).toEqual(["added.csv", "helper.py"]);
    expect(repo.expver(["diff", "e0.1.0", "now"]).stdout).not.toMatch(/plot\.png|model\.json/);
    repo.git("add", "vocabulary.bin");
    const { data, warnings } = run();
    expect(data.heldBack.map(({ path, files }: { path: string; files: number }) => [path, files])).toEqual([
      ["model.json", 1],
      ["out", 2],
      ["plot.png", 1],
    ]);
    expect(warnings[0]).toEqual({
      text: "model.json, out/ (2 files), plot.png are not part of this experiment (left by an earlier run)",
      hint: "model.json: an earlier run wrote it; where the program goes on from it, or to keep what runs write there: track: [model.json] in expver.yaml; if it only reads it: git add model.json",
    });
    expect(repo.git("ls-tree", "--name-only", "e0.2.0", "model.json", "vocabulary.bin")).toBe("vocabulary.bin");
  });

  it("by another program are what the next one reads: its snapshot has them, and a sweep finds them", () => {
    const repo = makeExperiment();
    repo.write(
      "prepare.js",
      'const fs = require("fs"); fs.mkdirSync("ready", { recursive: true }); fs.writeFileSync("ready/clean.csv", "a,b");',
    );
    const train =
      'const fs = require("fs"); fs.readFileSync("ready/clean.csv"); fs.writeFileSync("predictions.csv", process.argv[2] ?? "");';
    repo.write("train.js", train);
    const run = (...words: string[]) => expect(repo.expver(["run", "--", "node", ...words]).code).toBe(0);
    run("prepare.js");
    run("prepare.js");
    run("train.js");
    run("train.js", "--lr", "2");
    const inTree = (version: string) => repo.git("ls-tree", "-r", "--name-only", version, "ready", "predictions.csv");
    expect(["e0.2.0", "e0.3.0", "e0.4.0"].map(inTree)).toEqual(["", "ready/clean.csv", "ready/clean.csv"]);
    expect(repo.expver(["sweep", "--grid", "lr=1,2", "--", "node", "train.js", "{lr}"]).code).toBe(0);
  });

  it("are of what its command names, and databases, no code of the next run; what a person may have written meanwhile is", () => {
    const repo = makeExperiment();
    repo.write(
      "work.js",
      `for (const path of [...process.argv.slice(2), "new.py"]) require("fs").writeFileSync(path, process.env.EXPVER_RUN_ID);`,
    );
    repo.write("nb/keep", "");
    const run = () => repo.expverJson(["run", "--", "sh", "-c", "cd nb && node ../work.js ./out.ipynb study.db best_params.json"]);
    expect(run().data.left).toMatchObject({ files: 4 });
    const next = run().data;
    expect(next.heldBack.map(({ path }: { path: string }) => path)).toEqual(["nb/best_params.json", "nb/out.ipynb", "nb/study.db"]);
    expect(repo.git("ls-tree", "-r", "--name-only", next.snapshot, "nb")).toBe("nb/keep\nnb/new.py");
  });

  it("are what was written while the program ran", () => {
    const repo = makeExperiment();
    repo.write(
      "train.js",
      `const fs = require("fs");
      fs.writeFileSync("unpacked.csv", "");
      fs.utimesSync("unpacked.csv", 1, 1);`,
    );
    expect(repo.expver(["run", "--", "node", "train.js"]).code).toBe(0);
    expect(repo.expverJson(["run", "--", "node", "train.js"]).data.heldBack).toEqual([]);
  });

  it("are proposed as the model: the one that was written last, or the folder that it fills", () => {
    const repo = makeExperiment();
    repo.write("expver.yaml", "");
    repo.write(
      "train.js",
      `const fs = require("fs");
      const write = (path, age) => (fs.mkdirSync(require("path").dirname(path), { recursive: true }), fs.writeFileSync(path, ""), fs.utimesSync(path, 1e9 - age, 1e9 - age));
      for (let epoch = 10; epoch < 40; epoch += 1) write("checkpoints/" + epoch + "/net.pt", 100 - epoch);
      write("final/net.pt", 0); write("final/tokenizer.json", 0);`,
    );
    expect(repo.expver(["run", "--", "node", "train.js"]).stderr).toContain("or as the model: models: { output: final };");
    repo.write("train.js", `require("fs").writeFileSync("net.pt", "");`);
    expect(repo.expver(["run", "--", "node", "train.js"]).stderr).toContain("or as the model: models: { output: net.pt };");
  });

  it("are not those that were there, where no snapshot or no branch has them", () => {
    const repo = makeExperiment();
    repo.write("notes.txt", "in the version");
    const { code, data } = repo.expverJson(["run", "--no-commit", "--metrics", "metrics.json", "--", "node", "train.js"]);
    expect(code).toBe(0);
    expect(repo.git("status", "--porcelain", "notes.txt")).toBe("?? notes.txt");
    expect(data.left).toBeNull();
    const moved = makeExperiment();
    moved.write("notes.txt", "in the snapshot, and unknown to Git's index");
    moved.write("train.js", `${moved.read("train.js")}require("child_process").execSync("git commit -q --allow-empty -m meanwhile");`);
    const off = moved.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]).data;
    expect(off).toMatchObject({ onBranch: false, left: null });
  });

  it("of a sweep's runs are kept beside their logs, since the next run has the workspace; said once", () => {
    const repo = makeSweepExperiment();
    repo.write(
      "train.js",
      `${repo.read("train.js")}fs.mkdirSync("out"); fs.writeFileSync("out/weights.pt", String(p.lr));fs.writeFileSync("best.txt", "new");`,
    );
    // In Git, by mistake or not: what the program makes of it is nowhere else.
    repo.write("best.txt", "old");
    repo.write("params.yaml", "lr: 1");
    const { code, data, warnings } = repo.expverJson([
      "sweep",
      "--grid",
      "lr=0.1,0.2",
      "--metrics",
      "metrics.json",
      "--",
      "node",
      "train.js",
    ]);
    expect(code).toBe(0);
    const runs: { run: string; settings: { lr: string } }[] = data.runs;
    for (const { run, settings } of runs) {
      const { left } = repo.expverJson(["runs", "show", run]).data;
      expect(left).toMatchObject({ files: 2, paths: ["best.txt", "out/weights.pt"] });
      expect(readFileSync(join(left.folder, "best.txt"), "utf8")).toBe("new");
      expect(readFileSync(join(left.folder, "out/weights.pt"), "utf8")).toBe(settings.lr);
    }
    const said = warnings.filter(({ text }: { text: string }) => text.includes("left what no version has"));
    expect(said).toMatchObject([
      { text: expect.stringMatching(/best\.txt, out\/weights\.pt, kept in .*left$/), hint: expect.stringMatching(/weights\.pt'\]$/) },
    ]);
    expect(exists(repo, "out")).toBe(false);
  });
});

it("logs of tools that one line of an ignore file leaves out are said once", () => {
  const repo = makeExperiment();
  for (const n of [1, 2, 3]) repo.write(`tb/events.out.tfevents.${n}.host`, "");
  expect(repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]).warnings).toEqual([
    {
      text: "tb/events.out.tfevents.1.host and 2 more are not part of this experiment (log)",
      hint: "what a tool wrote about a run: echo 'events.out.tfevents.*' >> .gitignore",
    },
  ]);
});
