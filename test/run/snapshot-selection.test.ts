import { expect, it } from "vitest";
import { underAny } from "../../src/config/paths.ts";
import { shellWord } from "../../src/platform/shell-word.ts";
import { type Change, type SnapshotRules, selectSnapshot } from "../../src/workflows/run/snapshot/snapshot-selection.ts";

const RULES: SnapshotRules = {
  database: "results/experiments.db",
  models: ["models", "out/best.bin"],
  isData: underAny(["data/train.csv"]),
  renamedIn: () => [],
  isOutput: (path) => path === "metrics.json" || path.startsWith("reports/"),
  isOutputBeside: () => false,
  left: new Map([["out/net/net.pt", "out/net"]]),
  typed: shellWord,
  named: (path) => path,
};
const untracked = (path: string, bytes = 10): Change => ({ path, tracked: false, deleted: false, bytes });
const modified = (path: string, bytes = 10): Change => ({ ...untracked(path, bytes), tracked: true });

const included = (...changes: Change[]) => selectSnapshot(changes, RULES).included.map(({ path }) => path);
const held = (...changes: Change[]) => selectSnapshot(changes, RULES).heldBack;

it("takes modified, deleted and small new files", () => {
  const files = [modified("train.py", 5e6), { ...modified("old.py"), deleted: true }, untracked("new.py"), untracked("-odd \n name")];
  expect(included(...files)).toEqual(["train.py", "old.py", "new.py", "-odd \n name"]);
});

it("holds back a large new file and says how to track it", () => {
  expect(held(untracked("big file.npy", 2 ** 20))).toEqual([
    { path: "big file.npy", reason: "large", advice: "expver data add 'big file.npy'", files: 1, bytes: 2 ** 20 },
  ]);
  expect(included(untracked("small.npy", 2 ** 20 - 1))).toEqual(["small.npy"]);
});

it("holds back what looks like a secret unless Git has it already", () => {
  expect(held(untracked(".env"))).toMatchObject([{ path: ".env", reason: "secret" }]);
  expect(included(modified("config/server.key"))).toEqual(["config/server.key"]);
});

it("names an environment folder once, whatever it is called", () => {
  const found = held(
    untracked("env/pyvenv.cfg"),
    untracked("env/lib/a.py"),
    untracked("src/__pycache__/a.pyc"),
    untracked("web/node_modules/x/y.js"),
    untracked("web/node_modules/x/.gitignore"),
  );
  expect(found.map(({ path, reason, files }) => [path, reason, files])).toEqual([
    ["env", "environment", 2],
    ["src/__pycache__", "environment", 1],
    ["web/node_modules", "environment", 2],
  ]);
});

it("takes what other tools write about runs for no code, unless Git has it", () => {
  const found = held(
    untracked("mlruns/0/abc/metrics/acc"),
    untracked("mlruns/0/meta.yaml"),
    untracked("sub/wandb/run-20260101_1-abc/files/config.yaml"),
    untracked("lightning_logs/version_0/checkpoints/last.ckpt", 2 ** 20),
    untracked("outputs/2026-01-01/12-00-00/.hydra/config.yaml"),
    untracked("tb/events.out.tfevents.1.host"),
    untracked("nohup.out"),
    untracked("mlflow.db", 900_000),
    untracked(".aim/meta/index"),
    untracked("runs/detect/train2/args.yaml"),
    untracked("runs/detect/train-2/args.yaml"),
  );
  expect(found.map(({ path, reason, files, advice }) => [path, reason, files, advice.split(": ")[1]])).toEqual([
    ["mlruns", "log", 2, "echo mlruns/ >> .gitignore"],
    ["sub/wandb", "log", 1, "echo wandb/ >> .gitignore"],
    ["lightning_logs", "log", 1, "echo lightning_logs/ >> .gitignore"],
    ["outputs", "log", 1, "echo outputs/ >> .gitignore"],
    ["tb/events.out.tfevents.1.host", "log", 1, "echo 'events.out.tfevents.*' >> .gitignore"],
    ["nohup.out", "log", 1, "echo nohup.out >> .gitignore"],
    ["mlflow.db", "log", 1, "echo 'mlflow.db*' >> .gitignore"],
    [".aim", "log", 1, "echo .aim/ >> .gitignore"],
    ["runs", "log", 2, "echo runs/ >> .gitignore"],
  ]);
  const code = ["wandb/sweep.py", "outputs/plot.py", "lightning_logs/read.py", "mlruns", "events.py", "runs/train.py"];
  expect(included(...code.map((path) => untracked(path)), modified("mlruns/kept.yaml"))).toEqual([...code, "mlruns/kept.yaml"]);
});

it("never lets models, the results database or tracked data in", () => {
  expect(
    included(
      modified("models/model.bin"),
      untracked("models/new/x.bin"),
      untracked("out/best.bin"),
      untracked("results/experiments.db"),
      untracked("results/experiments.db-journal"),
      modified("results/experiments.db"),
      untracked("data/train.csv"),
      untracked("metrics.json"),
      untracked("reports/a.json"),
    ),
  ).toEqual([]);
  expect(held(untracked("models/new/x.bin"))).toMatchObject([{ reason: "output" }]);
  expect(included(untracked("modelstuff.py"), untracked("results/notes.md"), untracked("out/other.txt"))).toHaveLength(3);
});

it("lets pointers and ignore files in wherever they lie", () => {
  const files = ["models/model.bin.dvc", "models/.gitignore", "data/train.csv.dvc", "dvc.lock"];
  expect(included(...files.map((path) => untracked(path)))).toEqual(files);
});

it("takes a moved submodule and holds back one with changes of its own, or a foreign repository", () => {
  const sub = (repository: "moved" | "dirty" | "foreign") => ({ ...modified("lib"), repository });
  expect(included(sub("moved"))).toEqual(["lib"]);
  expect(held(sub("dirty"))).toMatchObject([{ reason: "repository" }]);
  expect(held({ ...sub("foreign"), tracked: false })).toMatchObject([{ reason: "repository" }]);
});
