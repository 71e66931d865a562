import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { countGit } from "../support/git-counter.ts";
import { makeRepository } from "../support/repository.ts";
import { exists, makeExperiment, openOperations, rowsOf, runRows, TRAIN } from "./story.ts";

describe("a run that does well", () => {
  it("asks git nothing twice that cannot have changed meanwhile", () => {
    const repo = makeExperiment();
    const counter = countGit();
    const done = repo.expver(["run", "--metrics", "metrics.json", "--", "node", "train.js"], { env: { PATH: counter.path } });
    expect(done.code, done.stderr).toBe(0);
    const times = (words: string) => counter.calls().filter((call) => call.includes(words)).length;
    // Before the program and after it: what Git does not know.
    expect(["GIT_COMMITTER_IDENT", "--symbolic-full-name", "diff-tree", "status --porcelain"].map(times)).toEqual([1, 1, 1, 2]);
    expect(["symbolic-ref", "rev-parse --verify", "gpgsign"].map(times)).toEqual([0, 0, 1]);
    repo.write("new.py", "1\n");
    counter.reset();
    expect(
      repo.expver(["run", "--metrics", "metrics.json", "-m", "two", "--", "node", "train.js"], { env: { PATH: counter.path } }).code,
    ).toBe(0);
    expect(counter.calls().length).toBeLessThanOrEqual(33);
  });

  it("leaves snapshot, rows with three stamps, outputs, results commit and tag, and a clean worktree", () => {
    const repo = makeExperiment();
    const head = repo.git("rev-parse", "HEAD");
    repo.write("train.js", `${TRAIN}\n// changed\n`);
    repo.write("notes.txt", "new");
    const { code, data } = repo.expverJson([
      "run",
      "-m",
      "first baseline",
      "--param",
      "lr=0.10",
      "--metrics",
      "metrics.json",
      "--",
      "node",
      "train.js",
    ]);
    expect(code).toBe(0);
    expect(data).toMatchObject({
      status: "finished",
      version: "e0.1.0",
      onBranch: true,
      metrics: { accuracy: "0.8667" },
      params: { lr: "0.10" },
      primaryMetric: "accuracy",
    });

    const [results, snapshot, start] = repo.git("log", "--format=%H", "-3").split("\n");
    expect([results, snapshot, start]).toEqual([data.results, data.snapshot, head]);
    expect(repo.git("diff", "--name-only", `${head}`, `${snapshot}`).split("\n")).toEqual(["notes.txt", "train.js"]);
    expect(repo.git("diff", "--name-only", `${snapshot}`, `${results}`).split("\n")).toEqual([
      ".gitignore",
      "models/.gitignore",
      "models/model.json.dvc",
      "results/experiments.db.dvc",
    ]);
    expect(repo.git("rev-parse", "e0.1.0^{commit}")).toBe(results);
    expect(repo.git("tag", "-l", "--format=%(contents)", "e0.1.0")).toContain("lr=0.10 | accuracy=0.8667 | first baseline");
    expect(repo.git("tag", "-l", "--format=%(contents)", "e0.1.0")).toContain(`Run: ${data.run_id} lr=0.10`);
    expect(rowsOf(repo)).toMatchObject([{ version: "e0.1.0", git_commit: snapshot, lr: 0.1, accuracy: 0.8667 }]);
    expect(runRows(repo)).toMatchObject([
      { run_id: data.run_id, status: "finished", version: "e0.1.0", exit_code: 0n, git_commit: snapshot },
    ]);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.git("for-each-ref", "refs/expver/runs", "refs/expver/reserved")).toBe("");
  });

  it("stores in the tag's commit a database that says the same as the working one", () => {
    const repo = makeExperiment();
    repo.expver(["run", "--", "node", "train.js"]);
    const md5 = /md5: (\w+)/.exec(repo.git("show", "e0.1.0:results/experiments.db.dvc"))?.[1] ?? "";
    const object = join(repo.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2));
    expect(repo.run("cmp", [object, "results/experiments.db"]).code).toBe(0);
  });

  it("counts on: minor by default, major and patch when asked, a named one; and never takes one twice", () => {
    const repo = makeExperiment();
    const version = (...args: string[]) => repo.expverJson(["run", ...args, "--", "true"]).data?.version;
    expect([version(), version(), version("--patch"), version("--major"), version("--version", "e7.0.0")]).toEqual([
      "e0.1.0",
      "e0.2.0",
      "e0.2.1",
      "e1.0.0",
      "e7.0.0",
    ]);
    expect(repo.expverJson(["run", "--version", "e7.0.0", "--", "true"])).toMatchObject({ code: 4, error: { code: "E_VERSION_TAKEN" } });
    expect(repo.expverJson(["run", "--version", "7", "--", "true"])).toMatchObject({ code: 2, error: { code: "E_USAGE" } });
    expect(repo.expverJson(["run", "--major", "--patch", "--", "true"])).toMatchObject({ code: 2 });
  });

  it("works from a sub-folder, in a linked worktree, and with GIT_DIR set", () => {
    const repo = makeExperiment();
    repo.write("sub/where.js", 'console.log(process.cwd()); require("fs").writeFileSync("made", process.env.EXPVER_DB)');
    repo.commit("sub");
    repo.git("worktree", "add", "-q", "../other");
    const first = repo.expverJson(["run", "--", "node", "where.js"], { cwd: "sub" });
    expect(first.data).toMatchObject({ version: "e0.1.0", status: "finished" });
    expect(repo.read("sub/made")).toBe(join(repo.root, "results/experiments.db"));
    const other = repo.expverJson(["run", "--", "node", "where.js"], { cwd: "../other/sub" });
    expect(other).toMatchObject({ code: 0, data: { version: "e0.2.0", onBranch: true } });
    expect(repo.git("-C", "../other", "status", "--porcelain")).toBe("?? sub/made");
    expect(repo.git("rev-parse", "refs/heads/other")).toBe(other.data.results);
    const withDir = repo.expverJson(["run", "--", "true"], { env: { GIT_DIR: join(repo.root, ".git"), GIT_WORK_TREE: repo.root } });
    expect(withDir).toMatchObject({ code: 0, data: { version: "e0.3.0" } });
  });

  it("gives the program its parameters and facts", () => {
    const repo = makeExperiment();
    repo.write("params.yaml", "l2: 1e-3\nnet: {depth: 007}\n");
    repo.write("expver.yaml", "params: params.yaml\n");
    repo.write("show.js", "console.log(JSON.stringify([process.argv.slice(2), process.env]))");
    const { data } = repo.expverJson(["run", "--param", "lr=1e-5", "--", "node", "show.js", "--lr={lr}", "{l2}", "{net.depth}", "{}"]);
    const [argv, env] = JSON.parse(repo.expverJson(["runs", "logs"]).data.text);
    expect(argv).toEqual(["--lr=1e-5", "1e-3", "007", "{}"]);
    expect(env).toMatchObject({
      EXPVER_RUN_ID: data.run_id,
      EXPVER_VERSION: "e0.1.0",
      EXPVER_GIT_COMMIT: data.snapshot,
      EXPVER_PARAM_LR: "1e-5",
      EXPVER_PARAM_NET_DEPTH: "007",
      EXPVER_PARAMS: '{"l2": 1e-3, "net.depth": "007", "lr": 1e-5}',
      PYTHONUNBUFFERED: "1",
    });
    expect(data.params).toEqual({ l2: "1e-3", "net.depth": "007", lr: "1e-5" });
  });

  it("is told in one line each, whatever its parameters say", () => {
    const repo = makeExperiment();
    const { stdout } = repo.expver(["run", "--param", "note=two\nlines", "-m", "notes", "--", "true"]);
    expect(stdout).toMatch(/^ {2}run .* note=two\\nlines .*\n {2}tag {5}e0\.1\.0 {2}note="two\\nlines" \| notes\n/);
  });

  it("stores secrets nowhere", () => {
    const repo = makeExperiment();
    repo.write("length.js", "console.log(process.env.EXPVER_PARAM_API_KEY.length)");
    const args = ["run", "--param", "api_key=s3cr3t-value", "--", "node", "length.js", "--token", "t0k3n-value", "{api_key}"];
    expect(repo.expverJson(args).data).toMatchObject({ status: "finished", params: { api_key: "***" } });
    expect(
      JSON.stringify(runRows(repo), (_k, v) => (typeof v === "bigint" ? Number(v) : v)) +
        JSON.stringify(rowsOf(repo)) +
        repo.git("log", "-3", "--format=%B") +
        repo.git("cat-file", "-p", "e0.1.0"),
    ).not.toMatch(/s3cr3t|t0k3n/);
    expect(repo.run("grep", ["-rlE", "s3cr3t-value|t0k3n-value", ".git/expver"]).stdout).toBe("");
    expect(repo.run("grep", ["-c", "s3cr3t-value", "results/experiments.db"]).stdout.trim()).toBe("0");
    expect(repo.expverJson(["runs", "logs"]).data.text).toBe("12\n");
  });

  it("finds the rows a program wrote itself and adds none of its own", () => {
    const repo = makeExperiment();
    repo.write(
      "log.js",
      `
      const { DatabaseSync } = require(process.versions.node.split(".")[0] >= 24 ? "node:sqlite" : "${join(import.meta.dirname, "../../node_modules/@photostructure/sqlite")}");
      const db = new DatabaseSync(process.env.EXPVER_DB);
      db.exec("CREATE TABLE IF NOT EXISTS epochs (track_id TEXT, timestamp TEXT, loss REAL, PRIMARY KEY (track_id, timestamp))");
      for (const n of [1, 2]) db.exec("INSERT INTO epochs (track_id, timestamp, loss) VALUES ('mine', '" + new Date().toISOString() + n + "', 0." + n + ")");
    `,
    );
    const { data } = repo.expverJson(["run", "--", "node", "log.js"]);
    expect(data).toMatchObject({ rows: 2, metrics: { loss: "0.2" } });
    expect(rowsOf(repo, "epochs")).toMatchObject([
      { version: "e0.1.0", git_commit: data.snapshot },
      { version: "e0.1.0", git_commit: data.snapshot },
    ]);
    const again = repo.expverJson(["run", "--", "node", "log.js"]).data;
    expect(again).toMatchObject({ rows: 2, version: "e0.2.0" });
    expect(rowsOf(repo, "epochs").map(({ version }) => version)).toEqual(["e0.1.0", "e0.1.0", "e0.2.0", "e0.2.0"]);
  });

  it("a number of a metrics file is a metric and no parameter as well, whatever its name", () => {
    const repo = makeExperiment();
    const { data } = repo.expverJson(["run", "--metrics", "m.json", "--", "sh", "-c", "echo '{\"warmup_ratio\": 0.06}' > m.json"]);
    expect(data).toMatchObject({ metrics: { warmup_ratio: "0.06" }, params: {} });
    expect(data.params).toEqual({});
    expect(repo.git("tag", "-l", "--format=%(contents)", "e0.1.0")).not.toContain("Param:");
  });

  it("a mistyped parameter or metrics file is told what it may have been", () => {
    const repo = makeExperiment();
    const command = ["--", "node", "train.js", "--lr", "{l}"];
    const { warnings } = repo.expverJson(["run", "--param", "lr=0.1", "--metrics", "metrcs.json", ...command, "{lr}"]);
    expect(warnings).toContainEqual(expect.objectContaining({ text: expect.stringContaining("{l}"), hint: "Did you mean {lr}?" }));
    expect(warnings).toContainEqual(
      expect.objectContaining({
        text: "the metrics file metrcs.json does not exist",
        hint: expect.stringContaining("--metrics metrics.json"),
      }),
    );
  });

  it.each([
    ["run", "--param", "lr=0.1"],
    ["sweep", "--grid", "lr=1,2"],
  ])("%s does not start with a name almost that of a parameter given for it, which the command has nowhere", (...words) => {
    const repo = makeExperiment();
    const { code, error } = repo.expverJson([...words, "--", "node", "train.js", "--lr", "{lrr}"]);
    expect(code).toBe(2);
    expect(error).toMatchObject({ code: "E_USAGE", hint: "Did you mean {lr}?" });
    expect(repo.git("tag")).toBe("");
  });

  it("counts a metrics file only if it was written after the start", () => {
    const repo = makeExperiment();
    repo.write("metrics.json", '{"accuracy": 1}');
    const { data, warnings } = repo.expverJson(["run", "--metrics", "metrics.json", "--", "true"]);
    expect(data.metrics).toEqual({});
    expect(warnings.map(({ text }) => text).join()).toMatch(/metrics\.json was not written during the run/);
  });

  it("tracks new models each by its own pointer, a folder of them by one, what `track` names, and files Git tracks as such", () => {
    const repo = makeExperiment();
    repo.commit("a report under Git", { "reports/kept.json": "1" });
    const program =
      'const fs=require("fs"); for (const f of ["models","models/candidates","reports"]) fs.mkdirSync(f,{recursive:true}); fs.writeFileSync("models/candidates/a b.bin","x"); fs.writeFileSync("models/extra.bin","y"); fs.writeFileSync("reports/new.json","2"); fs.writeFileSync("reports/kept.json","3"); fs.writeFileSync("other.txt","4")';
    const { data } = repo.expverJson(["run", "--", "node", "-e", program]);
    expect(data.outputs.map(({ path }: { path: string }) => path).sort()).toEqual([
      "models/candidates",
      "models/extra.bin",
      "reports/new.json",
      "results/experiments.db",
    ]);
    expect(repo.git("show", "e0.1.0:reports/kept.json")).toBe("3");
    expect(repo.git("ls-tree", "-r", "--name-only", "e0.1.0")).toContain("models/candidates.dvc");
    expect(repo.git("status", "--porcelain")).toBe("?? other.txt");
  });

  it("--no-tag stores and commits all the same", () => {
    const repo = makeExperiment();
    const { data } = repo.expverJson(["run", "--no-tag", "--", "node", "train.js"]);
    expect(data).toMatchObject({ version: null, status: "finished", onBranch: true });
    expect(repo.git("rev-parse", "HEAD")).toBe(data.results);
    expect(repo.git("tag")).toBe("");
    expect(repo.git("rev-parse", `refs/expver/runs/${data.run_id}`)).toBe(data.results);
    expect(rowsOf(repo)).toMatchObject([{ version: null, git_commit: data.snapshot }]);
    expect(repo.expverJson(["run", "--", "true"]).data.version).toBe("e0.1.0");
  });

  it("--no-commit leaves the branch alone and records the patch", () => {
    const repo = makeExperiment();
    const head = repo.git("rev-parse", "HEAD");
    repo.write("train.js", `${TRAIN}\n// changed\n`);
    const { data } = repo.expverJson(["run", "--no-commit", "--", "node", "train.js"]);
    expect(data).toMatchObject({ snapshot: head, dirty: true, onBranch: false, version: "e0.1.0" });
    expect(repo.git("rev-parse", "HEAD")).toBe(head);
    expect(runRows(repo)[0]?.patch).toContain("+// changed");
    expect(repo.git("cat-file", "-p", "e0.1.0")).toContain("Dirty: yes");
    expect(repo.git("rev-parse", "e0.1.0^{commit}^")).toBe(head);
  });
});

describe("a run that does not do well", () => {
  it("keeps rows, log and status, uses no version and leaves no commit on the branch", () => {
    const repo = makeExperiment();
    const head = repo.git("rev-parse", "HEAD");
    repo.write("new.py", "1");
    const { code, ok, data, error } = repo.expverJson(["run", "--", "node", "-e", "console.log('so far'); process.exit(7)"]);
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(error).toMatchObject({ code: "E_RUN_FAILED" });
    expect(data).toMatchObject({ status: "failed", exit_code: 7, version: null });
    expect(repo.git("rev-parse", "HEAD")).toBe(head);
    expect(repo.git("tag")).toBe("");
    expect(repo.git("for-each-ref", "--format=%(refname)", "refs/expver")).toBe(`refs/expver/runs/${data.run_id}`);
    expect(repo.git("status", "--porcelain")).toBe("?? new.py");
    expect(rowsOf(repo)).toMatchObject([{ version: null, git_commit: data.snapshot }]);
    expect(runRows(repo)).toMatchObject([{ status: "failed", exit_code: 7n, version: null }]);
    expect(repo.expverJson(["runs", "logs", data.run_id]).data.text).toBe("so far\n");
    expect(repo.expverJson(["run", "--", "true"]).data.version).toBe("e0.1.0");
  });

  it("has failed when its metrics file cannot be read, and leaves nothing open", () => {
    const repo = makeExperiment();
    const bad = `require("fs").writeFileSync("metrics.json", '{"accuracy": 0.')`;
    const { code, data, error } = repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "-e", bad]);
    expect({ code, status: data.status, exit: data.exit_code, version: data.version }).toEqual({
      code: 1,
      status: "failed",
      exit: 0,
      version: null,
    });
    expect(error?.message).toContain("its metrics file cannot be read: metrics.json: not valid JSON");
    expect(repo.expverJson(["runs", "logs", data.run_id]).data.text).toContain("expver: its program has ended well");
    expect(openOperations(repo)).toEqual([]);
    // What another run writes there later is not taken for its own.
    expect(repo.expverJson(["run", "--metrics", "metrics.json", "--", "node", "train.js"]).data.metrics).toEqual({ accuracy: "0.8667" });
    expect(runRows(repo).map(({ status, metrics }) => `${status} ${metrics}`)).toEqual(["failed {}", 'finished {"accuracy":"0.8667"}']);
  });

  it("is recorded but not versioned when rows of earlier runs are gone or changed", () => {
    const repo = makeExperiment();
    repo.expver(["run", "--param", "lr=1", "--", "true"]);
    const sqlite = join(import.meta.dirname, "../../node_modules/@photostructure/sqlite");
    const program = `const { DatabaseSync } = require("${sqlite}"); const db = new DatabaseSync(process.env.EXPVER_DB); db.exec("UPDATE \\"default\\" SET lr = 5")`;
    const { code, data, error } = repo.expverJson(["run", "--", "node", "-e", program]);
    expect(code).toBe(4);
    expect(error).toMatchObject({ code: "E_HISTORY_CHANGED", details: { changed: 1, vanished: 0 } });
    expect(data).toMatchObject({ status: "finished", version: null });
    expect(repo.git("tag")).toBe("e0.1.0");
    const gone = program.replace(/UPDATE.*5/, 'DELETE FROM \\"default\\"');
    expect(repo.expverJson(["run", "--", "node", "-e", gone])).toMatchObject({ code: 4, error: { code: "E_HISTORY_CHANGED" } });
    expect(repo.expverJson(["run", "--allow-history-change", "--", "node", "-e", gone])).toMatchObject({
      code: 0,
      data: { version: "e0.2.0" },
    });
  });

  it("costs nothing when the program does not exist", () => {
    const repo = makeExperiment();
    repo.write("new.py", "1");
    expect(repo.expverJson(["run", "--", "no-such-program"])).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
    expect(repo.expverJson(["run", "--", "node train.js"]).error?.hint).toContain("Write the words apart");
    expect(repo.expverJson(["run"])).toMatchObject({ code: 2 });
    expect(existsSync(join(repo.root, "results"))).toBe(false);
    expect(repo.git("for-each-ref", "refs/expver/runs", "refs/expver/reserved")).toBe("");
  });
});

describe("the snapshot", () => {
  it("holds back large, secret-looking and generated files, and says so in the plan", () => {
    const repo = makeExperiment();
    repo.write("big.npy", Buffer.alloc(2 ** 20));
    repo.write(".env.local", "KEY=1");
    repo.write("venv/pyvenv.cfg", "x");
    repo.write("models/old.bin", "m");
    repo.write("small.py", "1");
    const plan = repo.expverJson(["run", "--dry-run", "--", "true"]).data;
    expect(plan.included).toEqual(["small.py"]);
    expect(plan.heldBack.map(({ path, reason }: { path: string; reason: string }) => `${path} ${reason}`).sort()).toEqual([
      ".env.local secret",
      "big.npy large",
      "models/old.bin output",
      "venv environment",
    ]);
    expect(plan.steps.find(({ target }: { target: string }) => target === "big.npy").detail).toContain("expver data add big.npy");
    const { data, warnings } = repo.expverJson(["run", "--", "true"]);
    expect(repo.git("show", "--name-only", "--format=", data.snapshot)).toBe("small.py");
    expect(warnings.map(({ text }) => text).join("\n")).toContain("big.npy is not part of this experiment");
  });

  it("takes in what was staged, however large or secret-looking, and says so in plan, run and detached run", () => {
    const repo = makeExperiment();
    repo.write(".gitattributes", "*.lfs filter=lfs\n");
    repo.write("big one.npy", Buffer.alloc(2 ** 20));
    repo.write("kept.lfs", Buffer.alloc(2 ** 20));
    repo.write("deploy/server.pem", "KEY");
    repo.write("small.py", "1");
    // As Git LFS does where it is installed: a pointer goes into the index.
    repo.git("config", "filter.lfs.clean", "echo pointer");
    repo.git("add", "-A");
    const unstage = (path: string) => `git rm --cached -- ${path} && `;
    const plan = repo.expverJson(["run", "--dry-run", "--", "true"]).data;
    expect(plan.heldBack).toEqual([]);
    const told = plan.steps.filter(({ verb }: { verb: string }) => verb === "take in");
    expect(told.map(({ target, detail }: Record<string, string>) => [target, detail])).toEqual([
      ["big one.npy", expect.stringContaining(`${unstage("'big one.npy'")}expver data add 'big one.npy'`)],
      ["deploy/server.pem", expect.stringContaining(unstage("deploy/server.pem"))],
    ]);
    const large = expect.objectContaining({
      text: expect.stringContaining("big one.npy is large"),
      hint: expect.stringContaining("data add"),
    });
    expect(repo.expverJson(["run", "--detach", "--no-commit", "--", "true"]).warnings).toContainEqual(large);
    expect(repo.expver(["runs", "wait"]).code).toBe(0);
    const { data, warnings } = repo.expverJson(["run", "--", "true"]);
    expect(warnings).toContainEqual(large);
    expect(warnings.map(({ text }) => text).join("\n")).toMatch(/server\.pem looks like a secret/);
    expect(repo.git("ls-tree", "--name-only", data.snapshot, "big one.npy", "kept.lfs")).toBe("big one.npy\nkept.lfs");
    // The next run finds it in HEAD: that was decided.
    repo.write("big one.npy", Buffer.alloc(2 ** 20 + 1));
    repo.git("add", "-A");
    expect(repo.expverJson(["run", "--", "true"]).warnings).not.toContainEqual(large);
  });

  it("sees a change of the same size in the second in which git last looked", () => {
    const repo = makeExperiment();
    // Whole seconds are all that git compares.
    while (Date.now() % 1000 > 300 || Date.now() % 1000 < 30);
    repo.write("code.py", "1");
    repo.commit("one");
    repo.git("status");
    repo.write("code.py", "2");
    const second = Math.floor(Date.now() / 1000);
    while (Math.floor(Date.now() / 1000) === second); // the run itself begins in the next one
    const { data } = repo.expverJson(["run", "--", "true"]);
    expect(repo.git("show", `${data.snapshot}:code.py`)).toBe("2");
  });

  it("is HEAD when nothing has changed", () => {
    const repo = makeExperiment();
    const head = repo.git("rev-parse", "HEAD");
    expect(repo.expverJson(["run", "--", "true"]).data.snapshot).toBe(head);
  });

  it("takes changed inputs by pointer, and the tag names the data", () => {
    const repo = makeExperiment();
    repo.write("data.csv", "1,2\n");
    repo.write("data.csv.dvc", "outs:\n- md5: 00000000000000000000000000000000\n  size: 4\n  hash: md5\n  path: data.csv\n");
    repo.write(".gitignore", `${repo.read(".gitignore")}/data.csv\n`);
    repo.commit("data");
    const { data } = repo.expverJson(["run", "--", "node", "train.js"]);
    const md5 = repo.run("md5sum", ["data.csv"]).stdout.slice(0, 32);
    expect(data.dvc_hash).toBe(md5);
    expect(repo.git("show", `${data.snapshot}:data.csv.dvc`)).toContain(md5);
    expect(repo.git("cat-file", "-p", "e0.1.0")).toContain(`Data: ${md5} 4 data.csv`);
    expect(repo.git("cat-file", "-p", "e0.1.0").split("\n\n")[1]).toContain(`data=${md5.slice(0, 6)}`);
    expect(exists(repo, `.dvc/cache/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`)).toBe(true);
    expect(repo.git("status", "--porcelain")).toBe("?? metrics.json");
    expect(repo.read("data.csv.dvc")).toContain(md5);
  });

  it("is refused by the pre-commit hook before anything runs, and --no-verify skips it", () => {
    const repo = makeExperiment();
    repo.write(
      ".git/hooks/pre-commit",
      '#!/bin/sh\ngit diff --cached --name-only; git diff --cached --quiet -- bad.py || { echo "bad.py is bad" >&2; exit 1; }\n',
    );
    chmodSync(join(repo.root, ".git/hooks/pre-commit"), 0o755);
    repo.write("bad.py", "1");
    const refused = repo.expverJson(["run", "--", "touch", "ran"]);
    expect(refused).toMatchObject({ code: 4, error: { code: "E_HOOK" } });
    expect(refused.error?.message).toContain("bad.py is bad");
    expect(exists(repo, "ran")).toBe(false);
    expect(repo.git("for-each-ref", "refs/expver/runs", "refs/expver/reserved")).toBe("");
    expect(readdirSync(join(repo.root, ".git/expver/runs"))).toEqual([]);
    mkdirSync(join(repo.root, ".git/our hooks"));
    renameSync(join(repo.root, ".git/hooks/pre-commit"), join(repo.root, ".git/our hooks/pre-commit"));
    repo.git("config", "core.hooksPath", ".git/our hooks");
    expect(repo.expverJson(["run", "--", "touch", "ran"]).error?.code).toBe("E_HOOK");
    expect(repo.expverJson(["run", "--no-verify", "--", "touch", "ran"])).toMatchObject({ code: 0 });
  });

  it("never touches what the user has staged, and keeps it staged", () => {
    const repo = makeExperiment();
    repo.write("staged.bin", Buffer.alloc(2 ** 20, 1));
    repo.write("models/readme.md", "about");
    repo.git("add", "-f", "models/readme.md");
    repo.write("half.py", "one\n");
    repo.git("add", "half.py");
    repo.write("half.py", "one\ntwo\n");
    const { data } = repo.expverJson(["run", "--", "true"]);
    expect(repo.git("show", `${data.snapshot}:half.py`)).toBe("one\ntwo");
    expect(repo.git("status", "--porcelain").split("\n").sort()).toEqual(["?? staged.bin", "A  models/readme.md"]);
  });
});

describe("where a run starts", () => {
  it("makes the first commit of an unborn branch", () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    repo.write("a.py", "1");
    expect(repo.expverJson(["run", "--", "true"])).toMatchObject({ code: 0, data: { version: "e0.1.0", onBranch: true } });
    expect(repo.git("rev-list", "--count", "HEAD")).toBe("2");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("moves a detached HEAD and no branch", () => {
    const repo = makeExperiment();
    const main = repo.git("rev-parse", "main");
    repo.git("checkout", "-q", "--detach");
    const { data } = repo.expverJson(["run", "--", "node", "train.js"]);
    expect(repo.git("rev-parse", "HEAD")).toBe(data.results);
    expect(repo.git("rev-parse", "main")).toBe(main);
    expect(repo.git("status", "--porcelain")).toBe("?? metrics.json");
  });

  it("is refused in the middle of a merge, and without an identity", () => {
    const repo = makeExperiment();
    repo.git("checkout", "-q", "-b", "side");
    repo.commit("side", { "train.js": "a" });
    repo.git("checkout", "-q", "main");
    repo.commit("main", { "train.js": "b" });
    expect(() => repo.git("merge", "side")).toThrow();
    expect(repo.expverJson(["run", "--", "touch", "ran"])).toMatchObject({ code: 4, error: { code: "E_GIT_STATE" } });
    repo.git("merge", "--abort");
    repo.git("config", "--global", "--unset", "user.name");
    repo.git("config", "--global", "--unset", "user.email");
    expect(repo.expverJson(["run", "--", "touch", "ran"], { env: { EMAIL: "" } })).toMatchObject({
      code: 4,
      error: { code: "E_GIT_IDENTITY" },
    });
    expect(exists(repo, "ran")).toBe(false);
  });

  it("works in a repository that has a submodule, and names one with changes of its own", () => {
    const library = makeRepository();
    library.commit("lib", { "lib.py": "1" });
    const repo = makeExperiment();
    repo.git("submodule", "add", "-q", library.root, "lib");
    repo.commit("sub");
    repo.write("lib/lib.py", "2");
    const { data } = repo.expverJson(["run", "--", "true"]);
    expect(data.heldBack).toMatchObject([{ path: "lib", reason: "repository" }]);
    repo.run("git", ["-C", "lib", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "two"]);
    const moved = repo.expverJson(["run", "--", "true"]).data;
    expect(repo.git("ls-tree", moved.snapshot, "lib")).toContain(repo.git("-C", "lib", "rev-parse", "HEAD"));
  });
});
