import { chmodSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { renderDiff } from "../../src/cli/render/diff.ts";
import { diff, type MetricRow, type ValueRow } from "../../src/workflows/diff.ts";
import { expverInTerminal, python } from "../support/pty.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { PIPE } from "../support/terminal.ts";

const TRAIN = `mkdir -p models
printf '{"accuracy": %s, "loss": %s}' "$ACCURACY" "$LOSS" > metrics.json
cat data/train.csv > models/model.bin
`;

/** Two runs: other parameter, other data (a folder with a new and a changed file), other code, the same script. */
function withTwo(): TestRepository {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("data/train.csv", "a,b\n1,2\n");
  repo.write("data/images/one", "1");
  repo.write("data/images/two", "2");
  must(repo, "data", "add", "data/train.csv", "data/images");
  repo.commit("first", {
    "expver.yaml": "metrics: { accuracy: max, loss: min }\n",
    "train.sh": TRAIN,
    "src/old.py": "one\ntwo\nthree\nfour\n",
  });
  const run = (accuracy: string, loss: string, lr: string) => {
    const done = repo.expver(
      ["run", "--param", `lr=${lr}`, "--param", "seed=7", "--metrics", "metrics.json", "-m", lr, "--", "sh", "train.sh"],
      {
        env: { ACCURACY: accuracy, LOSS: loss },
      },
    );
    expect(done.code, done.stderr).toBe(0);
  };
  run("0.86670000000000003", "1e-05", "0.1");
  repo.write("data/images/two", "22");
  repo.write("data/images/three", "3");
  must(repo, "data", "add", "data/images");
  repo.git("mv", "src/old.py", "src/new.py");
  repo.write("src/new.py", "one\ntwo\nthree\nfive\n");
  run("0.9", "2e-05", "1");
  return repo;
}

function must(repo: TestRepository, ...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

it("tells what two versions have apart, to the last digit, and whether it helped", async () => {
  const repo = withTwo();
  // Written meanwhile by a dvc of another user, say: to know its size it is neither read nor made read-only.
  const object = join(repo.root, ".dvc/cache/files/md5/b6", "d767d2f8ed5d21a44b0e5886680cb9"); // "22"
  chmodSync(object, 0o664);
  const found = await diff.read(repo.context, { version: ["e0.1.0", "e0.2.0"] });
  expect(statSync(object).mode & 0o777).toBe(0o664);
  expect(found.params).toEqual([
    { name: "lr", values: ["0.1", "1"], differs: true },
    { name: "seed", values: ["7", "7"], differs: false },
  ]);
  expect(found.metrics).toMatchObject([
    { name: "accuracy", deltas: ["+0.03329999999999997"], verdicts: ["better"], direction: "max" },
    { name: "loss", deltas: ["+0.00001"], verdicts: ["worse"], direction: "min" },
  ]);
  const artifact = (path: string) => found.artifacts.find((one) => one.path === path);
  expect(artifact("data/images")).toMatchObject({ role: "data", differs: true, files: [{ added: 1, removed: 0, changed: 1 }] });
  expect(artifact("data/images")?.files[0]?.named).toEqual([
    { path: "three", change: "added", sizes: [null, 1] },
    { path: "two", change: "changed", sizes: [1, 2] },
  ]);
  expect(artifact("data/train.csv")).toMatchObject({ differs: false });
  expect(artifact("models/model.bin")).toMatchObject({ differs: false });
  expect(found.code).toEqual([
    { from: "e0.1.0", to: "e0.2.0", files: [{ path: "src/new.py", was: "src/old.py", added: 1, removed: 1 }], patch: null },
  ]);
  const text = renderDiff(found, PIPE);
  for (const part of ["+0.03329999999999997 better", "+0.00001 worse", "src/old.py → src/new.py", "+1 -0 ~1"]) expect(text).toContain(part);
  expect(text).not.toContain("seed");
});

it("compares more than two with the first, and says by the exit code whether anything differs", () => {
  const repo = withTwo();
  const three = repo.expverJson(["diff", "e0.2.0", "e0.1.0", "e0.2.0", "--exit-code"]);
  expect(three.code).toBe(5);
  expect(three.data.metrics[0].verdicts).toEqual(["worse", "same"]);
  expect(three.data.code.map(({ files }: { files: unknown[] }) => files.length)).toEqual([1, 0]);
  expect(repo.expver(["diff", "--v1", "e0.1.0", "--v2", "e0.1.0", "--exit-code"])).toMatchObject({
    code: 0,
    stdout: "e0.1.0 and e0.1.0 do not differ\n",
  });
  expect(repo.expver(["diff", "e0.1.0", "e0.2.0", "--code"]).stdout).toContain("-four\n+five\n");
  // The patch of whoever has Git show patches in a way of their own can be applied too.
  const { patch } = repo.expverJson(["diff", "e0.1.0", "e0.2.0", "--code"]).data.code[0];
  for (const [key, value] of Object.entries({ "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.relative": "true" })) {
    repo.git("config", key, value);
    expect(repo.expverJson(["diff", "e0.1.0", "e0.2.0", "--code"], { cwd: "data" }).data.code[0].patch, key).toBe(patch);
    repo.git("config", "--unset", key);
  }
  expect(repo.expverJson(["diff", "e0.1.0"]).error?.code).toBe("E_USAGE");
  expect(repo.expverJson(["diff", "e0.1.0", "e9.9.9"]).error?.code).toBe("E_NOT_FOUND");
});

it("names the files of a folder that differ, as many as fit, and counts the rest", () => {
  const repo = withTwo();
  for (let index = 10; index < 22; index += 1) repo.write(`data/images/new ${index}é`, "x".repeat(index));
  rmSync(join(repo.root, "data/images/one"));
  must(repo, "data", "add", "data/images");
  repo.commit("more images", {});
  must(repo, "tag", "e0.3.0", "-d", "more images");
  const { code, stdout, stderr } = repo.expver(["diff", "e0.2.0", "e0.3.0"]);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain("data/images e0.2.0..e0.3.0\n");
  expect(stdout).toMatch(/added +new 10é +– +10 B/);
  expect(stdout).not.toContain("new 20é");
  expect(stdout).toContain("3 more");
  const [files] = repo
    .expverJson(["diff", "e0.2.0", "e0.3.0"])
    .data.artifacts.find(({ path }: { path: string }) => path === "data/images").files;
  expect(files).toMatchObject({ added: 12, removed: 1, changed: 0 });
  expect(files.named).toHaveLength(13);
  expect(files.named.at(-1)).toEqual({ path: "one", change: "removed", sizes: [1, null] });
});

it("shows a file or folder of the same bytes under another name as renamed, through several versions", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("images/one", "1");
  repo.write("images/two", "2");
  repo.write("train.csv", "a\n");
  repo.write("kept.csv", "a\n");
  must(repo, "data", "add", "images", "train.csv", "kept.csv");
  repo.commit("first");
  repo.git("tag", "e0.1.0");
  must(repo, "data", "move", "images", "raw");
  must(repo, "data", "move", "train.csv", "table.csv");
  repo.commit("second");
  repo.git("tag", "e0.2.0");
  must(repo, "data", "move", "raw", "photos");
  repo.write("photos/three", "3");
  must(repo, "data", "add", "photos");
  const text = repo.expver(["diff", "e0.1.0", "e0.2.0"]).stdout;
  expect(text).toMatch(/data\s+images → raw\s+(\w{6}) 2 B in 2 files\s+\1 2 B in 2 files/);
  expect(text).toContain("train.csv → table.csv");
  expect(text).not.toContain("–");
  expect(repo.expver(["diff", "e0.1.0", "e0.2.0", "--exit-code"]).code).toBe(5);
  expect(repo.expver(["report", "e0.2.0", "--against", "e0.1.0"]).stdout).toContain("| images → raw |");
  const { artifacts } = repo.expverJson(["diff", "e0.1.0", "e0.2.0", "now"]).data;
  expect(artifacts).toHaveLength(4);
  const names = (path: string) =>
    artifacts.find((one: { path: string }) => one.path === path).values.map((one: { path: string } | null) => one?.path);
  expect(names("table.csv")).toEqual(["train.csv", "table.csv", "table.csv"]);
  // What is renamed and changed in one step is no longer known to be the same.
  expect(names("raw")).toEqual(["images", "raw", undefined]);
  expect(names("photos")).toEqual([undefined, undefined, "photos"]);
});

it("a tag by hand has the numbers of its first line; listings that are not here are not guessed at", async () => {
  const repo = withTwo();
  repo.git("tag", "-a", "e0.3.0", "-m", "model=bert | lr=1 | accuracy=0.95 | by hand");
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  const found = await diff.read(repo.context, { version: ["e0.2.0", "e0.3.0", "e0.1.0"] });
  expect(found.params.find(({ name }) => name === "model")?.values).toEqual([null, "bert", null]);
  expect(found.metrics[0]).toMatchObject({ name: "accuracy", deltas: ["+0.05", "-0.03329999999999997"], verdicts: ["better", "worse"] });
  expect(found.artifacts.find(({ path }) => path === "data/images")).toMatchObject({ differs: true, files: [null, null] });
});

it("tells what the runs ran on where that is another", () => {
  const repo = makeRepository();
  must(repo, "init");
  const lock = Array.from({ length: 30 }, (_, index) => `package-${index}==1.${index}\n`).join("");
  const first = { "requirements.txt": "torch==2.1\nnumpy==1.26\n", "uv.lock": "version = 1\n", "train.sh": TRAIN, "data/train.csv": "a\n" };
  repo.commit("first", first);
  const run = (env: Record<string, string>) =>
    repo.expver(["run", "--metrics", "metrics.json", "-m", "text", "--", "sh", "train.sh"], { env: { ACCURACY: "1", LOSS: "0", ...env } });
  expect(run({ CUDA_VISIBLE_DEVICES: "0" }).stderr).toContain("e0.1.0");
  repo.write("requirements.txt", `torch==2.2\n${lock}`);
  repo.write("uv.lock", "version = 2\n");
  expect(run({ CUDA_VISIBLE_DEVICES: "1" }).stderr).toContain("e0.2.0");
  const found = repo.expverJson(["diff", "e0.1.0", "e0.2.0", "now"]).data;
  const row = (name: string) => found.environment.find((one: { name: string }) => one.name === name);
  expect(row("devices")).toEqual({ name: "devices", values: ["0", "1", "1"], differs: true });
  expect(row("requirements.txt")).toMatchObject({ differs: true });
  expect(row("platform")).toMatchObject({ differs: false });
  expect(repo.expver(["diff", "e0.1.0", "e0.2.0"]).stdout).toMatch(/environment\n +e0\.1\.0 +e0\.2\.0\ndevices +0 +1\n/);
  expect(found.packages).toMatchObject([
    { file: "requirements.txt", from: "e0.1.0", to: "e0.2.0", difference: { added: 30, removed: 1, changed: 1 }, missing: [] },
    { file: "uv.lock", difference: { added: 0, removed: 0, changed: 0, named: [] } },
    { file: "requirements.txt", to: "now", difference: { added: 30 } },
    { file: "uv.lock", to: "now" },
  ]);
  const { named } = found.packages[0].difference;
  expect(named[0]).toEqual({ name: "numpy", change: "removed", versions: ["1.26", null] });
  expect(named.at(-1)).toEqual({ name: "torch", change: "changed", versions: ["2.1", "2.2"] });
  const { stdout } = repo.expver(["diff", "e0.1.0", "e0.2.0"]);
  expect(stdout).toMatch(/packages of requirements\.txt e0\.1\.0\.\.e0\.2\.0\nis +package +before +after\nremoved +numpy +1\.26 +–\n/);
  expect(stdout).toContain("+30 -1 ~1, 12 more");
  expect(stdout).toMatch(/packages of uv\.lock e0\.1\.0\.\.e0\.2\.0\n.*the same/);
  // Edited since the run: what ran is in the commit it ran from.
  repo.write("requirements.txt", "edited\n");
  expect(repo.expverJson(["diff", "e0.1.0", "now"]).data.packages[0].difference).toMatchObject({ added: 30, removed: 1, changed: 1 });
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  expect(repo.expverJson(["diff", "e0.1.0", "e0.2.0"]).data).toMatchObject({ environment: [], packages: [] });
});

it("a lock file that no commit has as it ran is said to be unknown", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.commit("first", { ".gitignore": `${repo.read(".gitignore")}requirements.txt\n`, "train.sh": TRAIN, "data/train.csv": "a\n" });
  for (const version of ["2.1", "2.2"]) {
    repo.write("requirements.txt", `torch==${version}\n`);
    repo.expver(["run", "--metrics", "metrics.json", "-m", version, "--", "sh", "train.sh"], { env: { ACCURACY: version, LOSS: "0" } });
  }
  const { packages } = repo.expverJson(["diff", "e0.1.0", "e0.2.0"]).data;
  expect(packages).toMatchObject([{ file: "requirements.txt", difference: null, missing: ["e0.1.0", "e0.2.0"] }]);
  expect(repo.expver(["diff", "e0.1.0", "e0.2.0"]).stdout).toMatch(/packages of requirements.txt .*\n.*e0\.1\.0 and e0\.2\.0/);
});

it.skipIf(python === null)("on a terminal, what does not fit goes through the pager Git would take", () => {
  const repo = makeRepository();
  const lines = (word: string) => Array.from({ length: 80 }, (_, index) => `${word} ${index}\n`).join("");
  repo.commit("first", { "a.txt": lines("old"), "b.txt": "b\n" });
  repo.git("tag", "e0.1.0");
  repo.commit("second", { "a.txt": lines("new") });
  repo.git("tag", "e0.2.0");
  repo.git("config", "core.pager", "sed 's/^/core: /'");
  const shown = (options: string[], env: Record<string, string> = {}) =>
    expverInTerminal(repo, ["diff", "e0.1.0", "e0.2.0", ...options], { env });
  const paged = shown(["--code"], { PAGER: "sed 's/^/other: /'" });
  expect(paged.code).toBe(0);
  expect(paged.lines).toContain("core: +new 79");
  expect(paged.raw).toContain("\u001b[32m+new 79");
  expect(shown(["--code"], { GIT_PAGER: "sed 's/^/git: /'" }).lines).toContain("git: -old 3");
  expect(shown(["--code", "--no-pager"]).lines).toContain("+new 79");
  expect(shown([]).lines.join("\n")).not.toContain("core: ");
  expect(shown(["--code"], { GIT_PAGER: "no-such-pager-here" }).lines).toContain("+new 79");
  expect(repo.expver(["diff", "e0.1.0", "e0.2.0", "--code"]).stdout).toContain("\n+new 79\n");
});

it("a submodule that stands elsewhere is other code, also where Git is told never to speak of it", () => {
  const inner = makeRepository();
  inner.commit("one", { f: "1" });
  const repo = makeRepository();
  repo.git("submodule", "--quiet", "add", inner.root, "lib");
  repo.git("config", "-f", ".gitmodules", "submodule.lib.ignore", "all");
  repo.commit("first");
  repo.git("tag", "e0.1.0");
  repo.git("-C", "lib", "commit", "-q", "--allow-empty", "-m", "two");
  repo.git("add", "--force", "lib");
  repo.git("commit", "-q", "-m", "second");
  repo.git("tag", "e0.2.0");
  const { code, data } = repo.expverJson(["diff", "e0.1.0", "e0.2.0", "--exit-code"]);
  expect(data.code[0].files).toEqual([{ path: "lib", was: null, added: 1, removed: 1 }]);
  expect(code).toBe(5);
});

it("compares a worktree whose folder is called after the time of day", () => {
  const around = makeRepository();
  around.git("init", "-q", 'at "12:30"');
  const repo = openTestRepository(join(around.root, 'at "12:30"'));
  repo.git("config", "user.name", "Ada");
  repo.git("config", "user.email", "ada@example.com");
  for (const path of ["a.txt", "deep/b.txt"]) {
    repo.write(path, "1\n");
    // Of a file that has just been written Git makes the object anew, and looks for no other.
    utimesSync(join(repo.root, path), 1e9, 1e9);
  }
  repo.commit("first");
  repo.git("tag", "e0.1.0");
  repo.write("a.txt", "2\n");
  const { data, error } = repo.expverJson(["diff", "e0.1.0", "now"]);
  expect(error).toBeNull();
  expect(data.code[0].files).toEqual([{ path: "a.txt", was: null, added: 1, removed: 1 }]);
});

it("a metric that is only written otherwise is no difference", () => {
  const repo = makeRepository();
  for (const [version, accuracy] of [
    ["e0.1.0", "0.70"],
    ["e0.2.0", "7e-1"],
  ] as const) {
    repo.commit(version);
    repo.git("tag", "-a", version, "-m", `x\n\nKind: run\nMetric: accuracy=${accuracy} max`);
  }
  const { code, data } = repo.expverJson(["diff", "e0.1.0", "e0.2.0", "--exit-code"]);
  expect(data.metrics).toMatchObject([{ values: ["0.70", "7e-1"], differs: false, verdicts: ["same"] }]);
  expect(code).toBe(0);
});

it("a parameter may be a version: 3.10 is another than 3.1, and not the same settings", () => {
  const repo = makeRepository();
  repo.expver(["init"]);
  repo.commit("first");
  const run = (python: string) => repo.expverJson(["run", "--param", `python=${python}`, "--param", "lr=1e-3", "--", "true"]).data;
  const described = [run("3.10"), run("3.1")].map(({ description }) => description);
  expect(described[1]).toBe("python 3.10 → 3.1");
  const { params } = repo.expverJson(["diff", "e0.1.0", "e0.2.0"]).data;
  expect(params.map(({ name, differs }: ValueRow) => [name, differs])).toEqual([
    ["python", true],
    ["lr", false],
  ]);
  const columns = repo.expver(["list", "--differing", "--csv"]).stdout.split("\n")[0];
  expect(columns).toContain("python");
  expect(columns).not.toContain("lr");
  const { groups } = repo.expverJson(["list", "--group-by", "python"]).data.groups;
  expect(groups.map(({ by }: { by: Record<string, string> }) => by.python).sort()).toEqual(["3.1", "3.10"]);
});

it("of a number that nobody has said what is better of, and whose name does not tell, only the change is said", () => {
  const repo = makeRepository();
  repo.expver(["init"]);
  repo.commit("first");
  const run = (value: number) => {
    repo.write(
      "m.js",
      `require("fs").writeFileSync("m.json", JSON.stringify({ val_loss: ${1 / value}, eval_runtime: ${value}, epoch: 3 }))`,
    );
    repo.expver(["run", "-m", "x", "--metrics", "m.json", "--", "node", "m.js"]);
  };
  run(2);
  run(4);
  const { metrics } = repo.expverJson(["diff", "e0.1.0", "e0.2.0"]).data;
  expect(metrics.map(({ name, direction, verdicts }: MetricRow) => [name, direction, verdicts])).toEqual([
    ["val_loss", "min", ["better"]],
    ["eval_runtime", null, [null]],
    ["epoch", null, ["same"]],
  ]);
  expect(repo.expver(["diff", "e0.1.0", "e0.2.0"]).stdout).toMatch(/^eval_runtime +2 +4 +\+2 *$/m);
  expect(repo.expver(["show", "e0.2.0"]).stdout).toMatch(/^ +eval_runtime +4$/m);
  repo.write("expver.yaml", "metrics: { eval_runtime: min }\n");
  expect(repo.expver(["show", "e0.2.0"]).stdout).toMatch(/^ +eval_runtime +4 +\(lowest is best\)$/m);
});

it("says how each was run where the commands differ: what a program is told in its arguments is no parameter", () => {
  const repo = makeRepository();
  repo.expver(["init"]);
  repo.commit("first");
  const diffOf = (...versions: string[]) => repo.expver(["diff", ...versions]).stdout;
  for (const lr of ["1", "2", "2"]) expect(repo.expver(["run", "-m", "x", "--", "echo", "--lr", lr]).code).toBe(0);
  expect(diffOf("e0.1.0", "e0.2.0")).toMatch(/^run as\n +e0\.1\.0 +e0\.2\.0\ncommand +echo --lr 1 +echo --lr 2$/m);
  expect(repo.expverJson(["diff", "e0.1.0", "now"]).data.command).toEqual({
    name: "command",
    values: ["echo --lr 1", "echo --lr 2"],
    differs: true,
  });
  expect(diffOf("e0.2.0", "e0.3.0")).not.toContain("run as");
  // A commit was not run.
  expect(diffOf("e0.2.0", "e0.2.0~1")).not.toContain("run as");
  // What the parameters say need not be said twice.
  for (const lr of ["1", "2"])
    expect(repo.expver(["run", "-m", "x", "--param", `lr=${lr}`, "--", "echo", "{lr}", "--lr={lr}"]).code).toBe(0);
  expect(diffOf("e0.4.0", "e0.5.0")).not.toContain("run as");
});
