import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULTS } from "../../src/config/config.ts";
import { openProject } from "../../src/config/project.ts";
import { parseConfig } from "../../src/config/read-config.ts";
import { eachOperation } from "../../src/journal/operations.ts";
import type { Context } from "../../src/platform/context.ts";
import { openResults } from "../../src/results/database.ts";
import { appendRow } from "../../src/results/rows.ts";
import { configText } from "../../src/workflows/init/texts.ts";
import { type InitResult, init } from "../../src/workflows/init.ts";
import { undo } from "../../src/workflows/undo.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const run = async (context: Context): Promise<InitResult> => init.apply(context, await init.plan(context, {}));
const at = (repo: TestRepository, folder: string) => ({ ...repo.context, cwd: join(repo.root, folder) });
const FILES = [".dvc/config", ".dvc/.gitignore", ".dvcignore", "expver.yaml", ".gitignore", ".gitattributes"];

describe("expver init", () => {
  test("makes an empty folder a Git and DVC repository with a configuration that means the defaults", async () => {
    const repo = openTestRepository(makeFolder("name with space"));
    const result = await run(repo.context);
    expect(result).toMatchObject({ root: repo.root, madeRepository: true, written: FILES });
    expect([repo.read(".dvc/config"), repo.read(".dvc/.gitignore")]).toEqual(["", "/config.local\n/tmp\n/cache\n"]);
    expect(repo.read(".dvcignore")).toHaveLength(139);
    expect(openProject(repo.context)).toMatchObject({ root: repo.root, dvcRoot: repo.root, config: DEFAULTS });
    expect(repo.git("status", "--porcelain", "-uall").split("\n").sort()).toEqual([...FILES].map((file) => `?? ${file}`).sort());
  });

  test("shows its plan and changes nothing before it is applied", async () => {
    const repo = openTestRepository(makeFolder());
    const plan = await init.plan(repo.context, {});
    expect(plan.steps.map(({ verb }) => verb)).toEqual(["create", "write", "write", "write", "write", "write", "write", "configure"]);
    expect(plan.destructive).toBe(false);
    expect(readdirSync(repo.root)).toEqual([]);
  });

  test("the second time there is nothing to do", async () => {
    const repo = makeRepository();
    await run(repo.context);
    const before = repo.run("find", [".", "-newermt", "1970-01-01"]).stdout;
    const plan = await init.plan(repo.context, {});
    expect(plan.steps).toEqual([]);
    expect(await init.apply(repo.context, plan)).toMatchObject({ written: [], madeRepository: false, next: [] });
    expect(repo.run("find", [".", "-newermt", "1970-01-01"]).stdout).toBe(before);
    expect([...eachOperation(openProject(repo.context))]).toHaveLength(1);
  });

  test("says to track data only where none is, and to pull it where it is not here", () => {
    const repo = makeRepository();
    const next = () => {
      repo.run("rm", ["-f", "expver.yaml"]);
      return repo.expverJson(["init"]).data.next as string[];
    };
    expect(next()[0]).toBe("expver data add PATH");
    repo.write("results/experiments.db.dvc", "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  path: experiments.db\n");
    expect(next()[0]).toBe("expver data add PATH");
    repo.write("data/a.csv", "a\n");
    expect(repo.expver(["data", "add", "data/a.csv"]).code).toBe(0);
    expect(next()).toEqual(['expver run -m "first" -- COMMAND']);
    repo.run("rm", ["data/a.csv"]);
    expect(next()[0]).toBe("expver data pull");
  });

  test("in a clone it only gives that clone the command of the merge driver", async () => {
    const repo = makeRepository();
    await run(repo.context);
    repo.commit("set up");
    const clone = makeRepository({ cloneOf: repo.root });
    expect((await init.plan(clone.context, {})).steps).toEqual([
      { verb: "configure", target: ".git/config", detail: expect.stringContaining("merges") },
    ]);
    expect(await run(clone.context)).toMatchObject({ written: [], installedDriver: true });
    expect(clone.git("config", "merge.expver.driver")).toBe(repo.git("config", "merge.expver.driver"));
    expect(clone.git("status", "--porcelain")).toBe("");
  });

  test("a merge driver that is there already stays: attributes and their comments as they are", async () => {
    const repo = makeRepository();
    repo.write(".gitattributes", "# dvc merges\r\n*.dvc merge=dvc");
    await run(repo.context);
    expect(repo.read(".gitattributes")).toBe("# dvc merges\r\n*.dvc merge=dvc");
    expect(repo.run("git", ["config", "merge.expver.driver"]).code).toBe(1);
    repo.write(".gitattributes", "# large\r\n*.bin -diff");
    await run(repo.context);
    expect(repo.read(".gitattributes")).toBe("# large\r\n*.bin -diff\r\n*.dvc merge=expver\r\ndvc.lock merge=expver\r\n");
  });

  test("in a sub-folder sets up the repository it belongs to, and says so", async () => {
    const repo = makeRepository();
    mkdirSync(join(repo.root, "src/deep"), { recursive: true });
    expect(await run(at(repo, "src/deep"))).toMatchObject({ root: repo.root, madeRepository: false });
    expect(repo.warnings()).toEqual([expect.stringContaining(`the project is ${repo.root}`)]);
    expect(readdirSync(join(repo.root, "src/deep"))).toEqual([]);
  });

  test("in a linked worktree sets up that worktree", async () => {
    const repo = makeRepository();
    repo.commit("first", { x: "1" });
    const linked = join(makeFolder(), "linked");
    repo.git("worktree", "add", "-q", linked);
    expect(await run({ ...repo.context, cwd: linked })).toMatchObject({
      root: linked,
      written: FILES.toSpliced(3, 0, ".dvc/config.local"),
    });
    expect(readFileSync(join(linked, ".dvc/config.local"), "utf8")).toBe(`[cache]\n    dir = ${join(repo.root, ".dvc/cache")}\n`);
    expect(existsSync(join(repo.root, "expver.yaml"))).toBe(false);
    repo.git("-C", linked, "add", "-A");
    repo.git("-C", linked, "commit", "-q", "-m", "set up");
    expect((await init.plan({ ...repo.context, cwd: linked }, {})).steps).toEqual([]);
  });

  test.each([
    ["stages:\n  train:\n    cmd: x\n    params:\n    - conf/train.json: [lr]\n", "conf/train.json"],
    ["stages:\n  train:\n    cmd: x\n    wdir: conf\n    params:\n    - train.json:\n", "conf/train.json"],
    ["params:\n- conf/train.json\n", "conf/train.json"],
    ["stages:\n  a: { cmd: x, params: [conf/train.json: [lr]] }\n  b: { cmd: x, params: [other.yaml: [lr]] }\n", null],
    ["stages:\n  a: { cmd: x, params: [lr, conf/train.json: [lr]] }\n", null],
    ["stages:\n  a: { cmd: x, params: [../train.json: [lr]] }\n", null],
    ["stages:\n  a: { cmd: x, params: [not/here.yaml: [lr]] }\n", null],
  ])("adopts the one file of parameters that dvc.yaml names: %j", async (pipeline, params) => {
    const repo = makeRepository();
    repo.commit("pipeline", { "dvc.yaml": pipeline, "conf/train.json": '{"lr": 1e-5}' });
    expect((await run(repo.context)).adopted.params).toBe(params);
    expect(openProject(repo.context).config.params).toBe(params ?? "params.yaml");
  });

  test("adopts what an existing repository has, and changes no byte of it", async () => {
    const repo = makeRepository();
    const there = {
      ".dvc/config": "[core]\n    remote = x  # the big one\n",
      ".dvc/.gitignore": "/tmp\n",
      ".gitignore": "# ours\r\n/data\r\n__pycache__\r\nlast line without end",
      "params.yaml": "lr: 0.1 # tuned\n",
      "data.dvc": "outs:\n- md5: 3e2b31c72181b87149ff995e7202c0e3\n  size: 10\n  hash: md5\n  path: data\n",
      "models/model.pkl.dvc": "outs:\n- md5: 3e2b31c72181b87149ff995e7202c0e3\n  size: 10\n  hash: md5\n  path: model.pkl\n",
      "models/production/best.pkl.dvc": "outs: []\n",
      "models/candidates/.gitignore": "/x\n",
      "src/__pycache__/x.pyc": "",
      "node_modules/m/index.js": "",
      ".venv/bin/python": "",
      "venv/pyvenv.cfg": "",
    };
    for (const [path, text] of Object.entries(there)) repo.write(path, text);
    const result = await run(repo.context);
    expect(result.written).toEqual(["expver.yaml", ".gitignore", ".gitattributes"]);
    expect(result.adopted).toEqual({ database: null, tables: [], params: "params.yaml", models: ["models", "models/production"] });
    const { config } = openProject(repo.context);
    expect(config).toMatchObject({ params: "params.yaml", link: [".venv", "node_modules", ".env", "venv"] });
    expect(config.models).toEqual({
      output: "models/model.pkl",
      production: "models/production/best.pkl",
      namesProduction: true,
      candidates: "models/candidates",
      keep: 5,
    });
    for (const [path, text] of Object.entries(there)) expect(repo.read(path).slice(0, text.length)).toBe(text);
    expect(repo.read(".gitignore").slice(there[".gitignore"].length)).toBe(
      "\r\n/results/experiments.db\r\n/results/experiments.db-*\r\nnode_modules\r\n.venv\r\nvenv\r\n",
    );
    expect(existsSync(join(repo.root, ".dvcignore"))).toBe(false);
  });

  test("what a failed run leaves is not taken for code by who adds everything", () => {
    const repo = makeRepository();
    expect(repo.expver(["init"]).code).toBe(0);
    repo.commit("first");
    expect(repo.expver(["run", "--", "false"]).code).toBe(1);
    repo.commit("everything");
    expect(repo.git("ls-files", "results")).toBe("");
    expect(repo.expver(["run", "--", "true"]).code).toBe(0);
    expect(repo.git("ls-files", "results")).toBe("results/experiments.db.dvc");
  });

  test.each([
    ["kept by a later line", "/results/experiments.db\n!/results/*.db\n", ""],
    ["kept by a file nearer to it", "/results/experiments.db\n", "!*.db\n"],
  ])("a database that Git would take all the same is ignored by the run: %s", (_what, top, nearer) => {
    const repo = makeRepository();
    expect(repo.expver(["init"]).code).toBe(0);
    repo.commit("first", { ".gitignore": top, ...(nearer === "" ? {} : { "results/.gitignore": nearer }) });
    expect(repo.expver(["run", "--", "true"]).code).toBe(0);
    expect(repo.git("check-ignore", "results/experiments.db")).toBe("results/experiments.db");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  test("adopts the model that a pipeline names", async () => {
    const stage = (outs: string) => `stages:\n  prep: {cmd: a, outs: [data/p]}\n  train:\n    cmd: b\n    wdir: out\n    outs: ${outs}\n`;
    const adopted = async (pipeline: string) => {
      const repo = makeRepository();
      repo.write("dvc.yaml", pipeline);
      const { adopted } = await run(repo.context);
      return [openProject(repo.context).config.models.output, ...adopted.models];
    };
    expect(await adopted(stage("[model.pkl, log.txt]"))).toEqual(["out/model.pkl", "out"]);
    expect(await adopted(stage("[{../clf.onnx: {cache: false}}]"))).toEqual(["clf.onnx", "clf.onnx"]);
    const artifacts = "artifacts:\n  clf: {path: ./m/clf, type: model}\n  pictures: {path: data/p, type: dataset}\n";
    expect(await adopted(`${artifacts}${stage("[a.pkl, b.pkl]")}`)).toEqual(["m/clf", "m"]);
    // Not to be guessed.
    for (const pipeline of [stage("[a.pkl, b.pkl]"), stage("[../../a.pkl]"), stage("['$\u007Bname}.pkl']"), "stages: [", "- x\n", ""]) {
      expect(await adopted(pipeline), pipeline).toEqual(["models/model.bin"]);
    }
  });

  test("adopts the results database by its columns: name, tables, and says which it left", async () => {
    const repo = makeRepository();
    mkdirSync(join(repo.root, "old"));
    for (const [path, table] of [
      ["old/a.sqlite", "default"],
      ["runs.db", "scores of é"],
      ["runs.db", "metrics"],
    ] as const) {
      const db = openResults(join(repo.root, path), { create: true });
      appendRow(db, table, { trackId: "quiet-otter-0412", values: { accuracy: 0.5 } });
      db.close();
    }
    const other = openResults(join(repo.root, "app.db"), { create: true });
    other.exec("CREATE TABLE users (id)");
    other.close();
    repo.write("text.db", "no database");
    repo.write("runs.db.dvc", "outs:\n- path: runs.db\n");
    const before = readFileSync(join(repo.root, "runs.db"));
    expect(await run(repo.context)).toMatchObject({ adopted: { database: "runs.db", tables: ["scores of é", "metrics"] } });
    expect(openProject(repo.context).config.results).toEqual({ database: "runs.db", tables: ["scores of é", "metrics"] });
    expect(repo.warnings()).toEqual(["2 results databases found; runs.db is used, not old/a.sqlite"]);
    expect(repo.read(".gitignore")).toContain("/runs.db-*\n");
    expect(readFileSync(join(repo.root, "runs.db"))).toEqual(before);
  });

  test("ignores no environment file that is ignored already, or committed on purpose", async () => {
    const repo = makeRepository();
    repo.commit("first", { ".env": "PUBLIC=1\n", ".git/info/exclude": "node_modules\n*.db-journal\n" });
    repo.write("node_modules/x", "");
    repo.write(".venv/x", "");
    await run(repo.context);
    expect(repo.read(".gitignore")).toBe("/results/experiments.db\n.venv\n");
  });

  test("keeps a symbolic link at .venv out of Git too", async () => {
    const repo = makeRepository();
    symlinkSync("/usr", join(repo.root, ".venv"));
    await run(repo.context);
    expect(repo.git("status", "--porcelain", "-uall")).not.toMatch(/\.venv/);
  });

  test.each([
    [".dvc/config.local", "[core]\n    no_scm = true\n"],
    [".dvc/config", '[core]\n    no_scm = "true"\n'],
  ])("makes no Git repository where %s keeps Git out, however that is written", (file, text) => {
    const repo = makeRepository();
    repo.write("sub/.dvc/config", "");
    repo.write(`sub/${file}`, text);
    expect(repo.expver(["-C", "sub", "init"]).code).toBe(0);
    expect([existsSync(join(repo.root, "sub/.git")), existsSync(join(repo.root, "sub/expver.yaml"))]).toEqual([false, true]);
  });

  test("says so where a file stands in the place of a folder it needs, and leaves nothing", () => {
    const repo = makeRepository();
    repo.write(".dvc", "of somebody");
    expect(repo.expverJson(["init"])).toMatchObject({ code: 1, error: { code: "E_IO", hint: expect.stringContaining("is in the way") } });
    expect(repo.git("status", "--porcelain")).toBe("?? .dvc");
    expect(repo.read(".dvc")).toBe("of somebody");
  });

  test("leaves a DVC repository without Git without Git", async () => {
    const repo = openTestRepository(makeFolder());
    repo.write(".dvc/config", "[core]\n    no_scm = True\n");
    expect(await run(repo.context)).toMatchObject({ madeRepository: false, next: ["expver data add PATH"] });
    expect(existsSync(join(repo.root, ".git"))).toBe(false);
  });

  test("uses the folder of a DVC repository below the Git root", async () => {
    const repo = makeRepository();
    repo.write("ml/.dvc/config", "");
    expect(await run(at(repo, "ml"))).toMatchObject({
      root: join(repo.root, "ml"),
      written: ["expver.yaml", ".gitignore", ".gitattributes"],
    });
  });

  test("refuses a bare repository and a configuration with a mistake", async () => {
    const bare = makeRepository({ bare: true });
    await expect(init.plan(bare.context, {})).rejects.toThrow(/bare repository/);
    const repo = makeRepository();
    repo.write("expver.yaml", "publsh: ask\n");
    await expect(init.plan(repo.context, {})).rejects.toThrow(expect.objectContaining({ code: "E_CONFIG" }));
  });

  test("writes nothing when a file appeared since the plan", async () => {
    const repo = makeRepository();
    const plan = await init.plan(repo.context, {});
    repo.write("expver.yaml", "publish: auto\n");
    await expect(init.apply(repo.context, plan)).rejects.toThrow(expect.objectContaining({ code: "E_PLAN_STALE" }));
    expect(existsSync(join(repo.root, ".dvc"))).toBe(false);
  });

  test.skipIf(process.getuid?.() === 0)("says what it may not write", async () => {
    const repo = makeRepository();
    chmodSync(repo.root, 0o555);
    await expect(run(repo.context)).rejects.toThrow(expect.objectContaining({ code: "E_IO" }));
    chmodSync(repo.root, 0o755);
  });

  test("can be undone", async () => {
    const repo = makeRepository();
    repo.write(".gitignore", "mine\n");
    await run(repo.context);
    const result = await undo.apply(repo.context, await undo.plan(repo.context, {}));
    expect(result.undone?.command).toBe("init");
    expect(readdirSync(repo.root).sort()).toEqual([".git", ".gitignore"]);
    expect(readFileSync(join(repo.root, ".gitignore"), "utf8")).toBe("mine\n");
  });
});

test("every example line of the template is a valid setting", () => {
  const nothing = {
    databases: [],
    params: null,
    models: { output: null, production: null, candidates: null },
    environment: [],
    links: [],
    tracked: "none" as const,
  };
  const text = configText(nothing);
  expect(parseConfig(text, "expver.yaml")).toEqual(DEFAULTS);
  const uncommented = text.replace(/^# ([a-z]+: .*)$/gm, "$1");
  expect(parseConfig(uncommented, "expver.yaml")).toMatchObject({ metrics: { accuracy: "max" }, versions: { prefix: "e" } });
  expect(uncommented.match(/^[a-z]+:/gm)).toHaveLength(11);
});

test.each(["nothing", "a project"])("a sub-folder below %s becomes a project of its own as its init says", (above) => {
  const repo = makeRepository();
  repo.write("team-a/train.js", "");
  if (above === "a project") expect(repo.expver(["init"]).code).toBe(0);
  repo.commit("two teams");
  const cwd = "team-a";
  const { warnings } = repo.expverJson(["init", "--dry-run"], { cwd });
  expect(warnings).toMatchObject([
    { text: expect.stringContaining("set up there, not in"), hint: expect.stringContaining("expver data init --subdir && expver init") },
  ]);
  expect(repo.expver(["data", "init", "--subdir", "-q"], { cwd }).code).toBe(0);
  expect(repo.expverJson(["init"], { cwd })).toMatchObject({ code: 0, warnings: [] });
  const write = 'require("fs").mkdirSync("models"); require("fs").writeFileSync("models/model.bin", "a")';
  expect(repo.expver(["run", "-m", "x", "--", "node", "-e", write], { cwd }).code).toBe(0);
  const files = repo.git("ls-tree", "-r", "--name-only", "e0.1.0").split("\n");
  expect(files.filter((path) => /^team-a.*(expver\.yaml|\.dvc$)/.test(path))).toEqual([
    "team-a/expver.yaml",
    "team-a/models/model.bin.dvc",
    "team-a/results/experiments.db.dvc",
  ]);
});
