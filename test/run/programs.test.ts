/** Programs as they are: they fork, they flood, they write bytes, they keep databases in their own way. */
import { readFileSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { peer } from "../support/peers.ts";
import { makeFolder, type TestRepository } from "../support/repository.ts";
import { exists, makeExperiment, rowsOf, until } from "./story.ts";

const DB = "results/experiments.db";
const python = peer("python");
const dvc = peer("dvc");

function expectClean(repo: TestRepository): void {
  expect(repo.git("status", "--porcelain")).toBe("");
  if (dvc !== null) expect(repo.run(dvc, ["status"]).stdout).toContain("up to date");
}

describe("output", () => {
  it("by the megabyte: all of it in the log and on stderr, none on stdout", () => {
    const repo = makeExperiment();
    const flood = `const b = Buffer.alloc(1 << 20, "x"); b[b.length - 1] = 10; for (let i = 0; i < 30; i += 1) require("fs").writeSync(1, b);`;
    const { code, stdout, stderr } = repo.expver(["run", "--json", "--", "node", "-e", flood]);
    expect(code).toBe(0);
    const { data } = JSON.parse(stdout);
    expect(readFileSync(data.log).length).toBe(30 << 20);
    expect(stderr.length).toBeGreaterThanOrEqual(30 << 20);
  });

  it("of bytes that are no text: the log has them as they are", () => {
    const repo = makeExperiment();
    const bytes = [0, 255, 254, 10, 27, 91, 65, 195, 13];
    const { data } = repo.expverJson(["run", "--", "node", "-e", `process.stdout.write(Buffer.from([${bytes}]))`]);
    expect([...readFileSync(data.log)]).toEqual(bytes);
    expect(repo.expverJson(["runs", "logs"])).toMatchObject({ code: 0 });
  });
});

it("a daemon that keeps the output open does not keep the run open, and its later words reach the log", async () => {
  const repo = makeExperiment();
  const daemon = `require("child_process").spawn("sh", ["-c", "until [ -e go ]; do sleep 0.05; done; echo late; rm go"], { detached: true, stdio: "inherit" }).unref();`;
  const { code, data } = repo.expverJson(["run", "--", "node", "-e", daemon]);
  expect({ code, version: data.version }).toEqual({ code: 0, version: "e0.1.0" });
  repo.write("go", "");
  await until(() => !exists(repo, "go"));
  await until(() => readFileSync(data.log, "utf8") === "late\n");
});

it.each([
  ["exit 137", 137, "failed", "for want of memory"],
  ["kill -9 $$", null, "killed", "SIGKILL"],
])("a program that ends with %s", (script, exitCode, status, said) => {
  const repo = makeExperiment();
  const { code, data, error } = repo.expverJson(["run", "--", "sh", "-c", script]);
  expect(code).toBe(1);
  expect(data).toMatchObject({ status, exit_code: exitCode, version: null });
  expect(error?.message).toContain(said);
});

describe("the results database", () => {
  it("of no bytes is one without rows", () => {
    const repo = makeExperiment();
    repo.write(DB, "");
    expect(repo.expverJson(["run", "--param", "lr=1", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.1.0", rows: 1 } });
    expectClean(repo);
  });

  it("that Git tracks: refused before anything runs, with the way out; init says so too", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--", "true"]).code).toBe(0);
    repo.git("rm", "-q", "--cached", `${DB}.dvc`);
    repo.run("rm", [`${DB}.dvc`, "expver.yaml"]);
    repo.git("add", "-f", DB);
    repo.commit("a database in Git");
    expect(repo.expver(["init"]).stderr).toContain(`${DB} is tracked by Git`);
    const refused = repo.expverJson(["run", "--", "touch", "ran"]);
    expect(refused).toMatchObject({ code: 1, error: { code: "E_DATA", hint: expect.stringContaining(`git rm --cached -- ${DB}`) } });
    expect(exists(repo, "ran")).toBe(false);
    repo.git("rm", "-q", "--cached", DB);
    repo.commit("out of Git", { ".gitignore": `${repo.read(".gitignore")}/${DB}\n` });
    expect(repo.expver(["run", "--version", "e2.0.0", "--", "true"]).code).toBe(0);
    expectClean(repo);
  });

  it("behind a link to a folder: refused before anything runs; models there are said to be in no version", () => {
    const repo = makeExperiment();
    const elsewhere = makeFolder();
    symlinkSync(elsewhere, join(repo.root, "results"));
    const refused = repo.expverJson(["run", "--", "touch", "ran"]);
    expect(refused).toMatchObject({ code: 1, error: { code: "E_DATA", message: expect.stringContaining("results is a symbolic link") } });
    expect(exists(repo, "ran")).toBe(false);
    repo.run("rm", ["results"]);
    symlinkSync(elsewhere, join(repo.root, "models"));
    const { code, data, warnings } = repo.expverJson(["run", "--", "node", "train.js"]);
    expect({ code, outputs: data.outputs.map(({ path }: { path: string }) => path) }).toEqual({ code: 0, outputs: [DB] });
    expect(warnings.map(({ text }) => text).join()).toContain("models is a symbolic link");
    repo.run("rm", ["models"]);
    // Also when the program itself makes the link.
    const program = `mkdir -p models && ln -s ${elsewhere} models/behind && echo m > models/m.json && ln -s m.json models/alias.json`;
    const own = repo.expverJson(["run", "--", "sh", "-c", program]);
    expect(own).toMatchObject({ code: 0, data: { version: "e0.2.0" } });
    expect(own.data.outputs.map(({ path }: { path: string }) => path).sort()).toEqual(["models/alias.json", "models/m.json", DB]);
  });

  it("is open in no process of ours while the program runs", () => {
    const repo = makeExperiment();
    expect(repo.expver(["run", "--", "true"]).code).toBe(0);
    const count = 'ls -l /proc/$(cut -d" " -f4 /proc/$$/stat)/fd | grep -c experiments.db; true';
    const { data } = repo.expverJson(["run", "--", "sh", "-c", count]);
    expect(readFileSync(data.log, "utf8")).toBe("0\n");
  });

  it.skipIf(python === null)("in WAL mode stays so, its object is whole, readers and xetrack go on", () => {
    const repo = makeExperiment();
    repo.write("results/.keep", "");
    const open = "import sqlite3; c = sqlite3.connect('results/experiments.db'); print(c.execute('PRAGMA journal_mode=wal').fetchone()[0])";
    expect(repo.run(python ?? "", ["-c", open]).stdout).toBe("wal\n");
    repo.write(
      "track.py",
      "from xetrack import Tracker\nimport os\nTracker(os.environ['EXPVER_DB'], params={'lr': 1}).log({'acc': 0.5})\n",
    );
    for (const version of ["e0.1.0", "e0.2.0"]) {
      const { code, data } = repo.expverJson(["run", "--", python ?? "", "track.py"]);
      expect({ code, ...data }).toMatchObject({ code: 0, version, rows: 1, metrics: { acc: "0.5" } });
      expectClean(repo);
    }
    // xetrack sets its own mode when it opens the file; we set none.
    expect(repo.run(python ?? "", ["-c", open]).stdout).toBe("wal\n");
    expect(repo.expverJson(["run", "--param", "lr=2", "--", "true"]).data.version).toBe("e0.3.0");
    expect(repo.run(python ?? "", ["-c", open.replace("=wal", "")]).stdout).toBe("wal\n");
    expectClean(repo);
    expect(rowsOf(repo).map(({ version }) => version)).toEqual(["e0.1.0", "e0.2.0", "e0.3.0"]);
    const hash = /md5: (\w+)/.exec(repo.read(`${DB}.dvc`))?.[1] ?? "";
    const object = join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
    const count = `import sqlite3; print(sqlite3.connect('file:${object}?mode=ro&immutable=1', uri=True).execute('SELECT count(*) FROM "default"').fetchone()[0])`;
    expect(repo.run(python ?? "", ["-c", count]).stdout).toBe("3\n");
  });
});

it("a run without a number is told which file has some, when its program wrote one", () => {
  const repo = makeExperiment();
  const hintOf = (script: string) => repo.expver(["run", "--", "sh", "-c", script]).stderr.match(/could rank it.*\n *hint: (.*)/)?.[1];
  expect(hintOf("true")).toMatch(/^A JSON, YAML or CSV file/);
  expect(hintOf("echo no numbers > metrics.json")).toMatch(/^A JSON, YAML or CSV file/);
  expect(hintOf(`echo '{"acc": 0.5, "loss": 1}' > metrics.json`)).toBe(
    "It wrote metrics.json, which has acc, loss: --metrics metrics.json before the --.",
  );
  utimesSync(join(repo.root, "metrics.json"), 1e9, 1e9);
  expect(hintOf("true")).toMatch(/^A JSON, YAML or CSV file/);
  const log = `'${process.execPath}' '${MAIN}' log --db own.db accuracy=0.9`;
  expect(hintOf(`unset EXPVER_RUN_ID EXPVER_DB; ${log}`)).toBe(
    "It logged into own.db, which is not the results database: results: { database: own.db } in expver.yaml, or let the program log into the file that the variable EXPVER_DB names.",
  );
  repo.write("sub/keep", "");
  const inFolder = ["run", "--", "sh", "-c", `echo '{"acc": 0.5}' > metrics.json`];
  expect(repo.expver(inFolder, { cwd: "sub" }).stderr).toContain(
    "It wrote metrics.json, which has acc: --metrics metrics.json before the --.",
  );
  repo.run("rm", ["sub/metrics.json"]);
  expect(hintOf(`mkdir out; echo '{"acc": 0.5}' > out/metrics.json`)).toBe(
    "It wrote out/metrics.json, which has acc: --metrics out/metrics.json before the --.",
  );
  const epochs = (file: string) => `mkdir -p $(dirname ${file}); printf 'epoch,acc\\n1,0.4\\n2,0.5\\n' > ${file}`;
  expect(hintOf(`rm -rf out; ${epochs("training.log")}`)).toBe(
    "It wrote training.log, which has acc: --metrics training.log before the --.",
  );
  repo.run("rm", ["training.log"]);
  const numbered =
    "It wrote lightning_logs/version_1/metrics.csv, which has acc: --metrics 'lightning_logs/version_*/metrics.csv' before the -- (the next run may write elsewhere).";
  expect(hintOf(epochs("lightning_logs/version_1/metrics.csv"))).toBe(numbered);
  const before = ["run", "--metrics", "lightning_logs/version_0/metrics.csv", "--", "sh", "-c"];
  expect(repo.expverJson([...before, epochs("lightning_logs/version_0/metrics.csv")]).data.metrics).toEqual({ acc: "0.5" });
  utimesSync(join(repo.root, "lightning_logs/version_0/metrics.csv"), 1e9, 1e9);
  const { warnings } = repo.expverJson([...before, epochs("lightning_logs/version_1/metrics.csv")]);
  expect(warnings).toContainEqual({
    text: "the metrics file lightning_logs/version_0/metrics.csv was not written during the run and counts for nothing",
    hint: numbered,
  });
  expect(repo.git("ls-files", "lightning_logs")).toBe("");
  // Links that lead to themselves end no run.
  expect(hintOf("rm -rf out metrics.json own.db*; ln -s metrics.json metrics.json; ln -s loop loop")).toMatch(/^A JSON, YAML or CSV file/);
});

it("a run that writes over a model which was taken for code is told how that becomes an output", () => {
  const repo = makeExperiment();
  repo.write("net.joblib", "made by hand before the first run");
  const run = () => repo.expverJson(["run", "-m", "over", "--", "sh", "-c", "echo $EXPVER_RUN_ID > net.joblib"]);
  expect(run().warnings).toContainEqual({
    text: "changed while the run went on, and recorded so: net.joblib",
    hint: "net.joblib is in the version's code as it was before the run. If the program writes it, say so in expver.yaml: track: [net.joblib], or for the model: models: { output: net.joblib }",
  });
  repo.write("expver.yaml", "track: [net.joblib]\n");
  const { data } = run();
  expect(repo.expver(["get", data.version, "net.joblib", "-o", "again"]).code).toBe(0);
  expect(repo.read("again")).toBe(`${data.run_id}\n`);
});

it("a run that writes over its own input is told how that becomes an output", () => {
  const repo = makeExperiment();
  repo.write("weights.bin", "one");
  repo.expver(["data", "add", "weights.bin"]);
  repo.commit("data");
  const { warnings } = repo.expverJson(["run", "-m", "over", "--", "sh", "-c", "rm weights.bin; echo two > weights.bin"]);
  expect(warnings).toContainEqual({
    text: "changed while the run went on, and recorded so: weights.bin",
    hint: "weights.bin counts as data that the run read. If the program writes it, say so in expver.yaml: track: [weights.bin], or for the model: models: { output: weights.bin }",
  });
  repo.write("expver.yaml", "track: [weights.bin]\n");
  const told = repo.expverJson(["run", "-m", "again", "--", "sh", "-c", "rm weights.bin; echo three > weights.bin"]);
  expect(JSON.stringify(told.warnings)).not.toContain("changed while");
  expect(repo.run("cat", ["weights.bin.dvc"]).stdout).toContain("size: 6");
});

it("a run whose tools keep something beside the data is told what leaves it out, and then the data stays what it is", () => {
  const repo = makeExperiment();
  repo.write("data/labels/a.txt", "0");
  repo.write("data/cache/1.arrow", "kept by hand");
  repo.expver(["data", "add", "data"]);
  const program = "echo a > data/labels/train.cache; echo b > data/labels/val.cache; mkdir -p data/cache; echo c > data/cache/2.arrow";
  const hintOf = (script: string) =>
    repo.expverJson(["run", "-m", "grown", "--", "sh", "-c", script]).warnings.find(({ text }) => text.endsWith("recorded so: data"))?.hint;
  expect(hintOf(program.split(";", 2).join(";"))).toBe(
    "data has labels/train.cache, labels/val.cache besides what the run read, and counts as other data from now on. What a tool keeps there for itself is left out by: echo '*.cache' >> .dvcignore",
  );
  repo.write(".dvcignore", "*.cache\n");
  // Its ending is that of the data.
  expect(hintOf(program)).toMatch(/^data has cache\/2\.arrow besides .*: echo \/data\/cache\/2\.arrow >> \.dvcignore$/);
  repo.write(".dvcignore", "*.cache\n/data/cache/2.arrow\n");
  expect(hintOf(program)).toBeUndefined();
  expect(hintOf("echo 1 > data/labels/a.txt; echo > data/new.txt")).toMatch(/^data counts as data that the run read/);
  const [first, ...others] = ["e0.1.0", "e0.2.0", "e0.3.0"].map((version) => repo.git("show", `${version}:data.dvc`));
  expect(new Set(others)).toEqual(new Set([first]));
});

it("a folder is no metrics file", () => {
  const repo = makeExperiment();
  repo.run("mkdir", ["models"]);
  expect(repo.expverJson(["run", "--metrics", "models", "--", "touch", "ran"])).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
  expect(repo.git("tag")).toBe("");
});

it("a pre-commit hook that rewrites files: what runs is what the snapshot has", () => {
  const repo = makeExperiment();
  repo.write(
    ".git/hooks/pre-commit",
    '#!/bin/sh\nfor f in $(git diff --cached --name-only); do sed -i s/one/two/ "$f"; git add "$f"; done\n',
  );
  repo.run("chmod", ["+x", ".git/hooks/pre-commit"]);
  repo.write("code.py", "one\n");
  const { data } = repo.expverJson(["run", "--", "cat", "code.py"]);
  expect(readFileSync(data.log, "utf8")).toBe("two\n");
  expect(repo.git("show", `${data.snapshot}:code.py`)).toBe("two");
  expect(data.changed_during_run).toEqual([]);
  expectClean(repo);
});

describe.skipIf(process.getuid?.() !== 0)("a program that writes through a link into the cache, as only root can", () => {
  it.each(["symlink", "hardlink"])("%s: no object keeps a name its bytes do not have, and what was written stays", (type) => {
    const repo = makeExperiment();
    expect(repo.expver(["data", "config", "cache.type", type]).code).toBe(0);
    repo.write("data.csv", "1\n");
    repo.write("parts/a", "a\n");
    repo.write("parts/b", "b\n");
    for (const path of ["data.csv", "parts"]) expect(repo.expver(["data", "add", path]).code).toBe(0);
    repo.commit("data");
    const { data, warnings } = repo.expverJson(["run", "--", "sh", "-c", "echo 2 >> data.csv; echo c >> parts/a"]);
    expect(data.changed_during_run.sort()).toEqual(["data.csv", "parts"]);
    const said = warnings.map(({ text }) => text).join("\n");
    expect(said).toContain("wrote through data.csv");
    expect(said).toContain("wrote through parts/a");
    expect([repo.read("data.csv"), repo.read("parts/a"), repo.read("parts/b")]).toEqual(["1\n2\n", "a\nc\n", "b\n"]);
    const sums = repo.run("sh", ["-c", "md5sum .dvc/cache/files/md5/??/*[!r]"]).stdout.trim().split("\n");
    for (const line of sums) expect(line.slice(34).replaceAll("/", "")).toContain(line.slice(0, 32));
    expect(repo.run("grep", ["-rl", "^2$", ".git/expver/trash"]).code).toBe(0);
  });
});
