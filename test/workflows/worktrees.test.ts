/** Worktrees: made with their data, listed with what is nowhere else, removed only when nothing is lost. */
import { spawn } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;
let around: string;
beforeEach(() => {
  repo = makeRepository();
  around = dirname(repo.root);
  must("init");
  repo.write("data/train.csv", "a,b\n1,2\n");
  repo.write("data/images/one", "1");
  must("data", "add", "data/train.csv", "data/images");
  repo.commit("first", {
    "expver.yaml": `metrics: { accuracy: max }\nworktrees: { dir: ../${basename(repo.root)}-trees }\n`,
    ".env.example": "x\n",
    "train.sh": `printf '{"accuracy": 0.9}' > metrics.json\nmkdir -p models\necho "model of $(cat data/train.csv | wc -l)" > models/model.bin\n`,
  });
  repo.write(".gitignore", `${existsSync(join(repo.root, ".gitignore")) ? repo.read(".gitignore") : ""}*.log\n/.env\nmetrics.json\n`);
  repo.commit("ignore");
  must("run", "--metrics", "metrics.json", "-m", "first", "--", "sh", "train.sh");
});

function must(...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

const tree = (name: string) => join(around, `${basename(repo.root)}-trees`, name);
const inside = (name: string): TestRepository => openTestRepository(tree(name), repo.context.env as Record<string, string>);

/** Everything of the main worktree that must not move. */
function state(): unknown {
  return [
    repo.git("rev-parse", "HEAD"),
    repo.git("status", "--porcelain"),
    readFileSync(join(repo.root, ".git/index")).toString("hex"),
    repo.git("stash", "list"),
  ];
}

function findings(error: { details: Record<string, unknown> } | null): string[] {
  return ((error?.details.findings ?? []) as { category: string }[]).map(({ category }) => category);
}

describe("exploring a version", () => {
  it("has it as it was, with its data and database; this worktree stays as it is; real dvc finds it in order", () => {
    repo.write("data/train.csv", "a,b\n1,2\n3,4\n");
    must("data", "add", "data/train.csv");
    repo.commit("more data");
    repo.write("notes.txt", "mine");
    const before = state();
    must("checkout", "e0.1.0");
    expect(state()).toEqual(before);
    const there = inside("explore-e0.1.0");
    expect(there.read("data/train.csv")).toBe("a,b\n1,2\n");
    expect(there.read("models/model.bin")).toBe("model of 2\n");
    expect(there.git("rev-parse", "HEAD")).toBe(repo.git("rev-parse", "e0.1.0^{commit}"));
    expect(lstatSync(join(there.root, "results/experiments.db")).isSymbolicLink()).toBe(false);
    expect(there.git("status", "--porcelain")).toBe("");
    expect(repo.expverJson(["checkout", "e0.1.0"]).data).toMatchObject({ made: false });
    expect(repo.expverJson(["worktrees", "--check"]).data.worktrees).toMatchObject([
      { kind: "main", branch: "main", commit: repo.git("rev-parse", "HEAD") },
      { kind: "exploration", name: "e0.1.0", branch: null, commit: there.git("rev-parse", "HEAD"), findings: [] },
    ]);
    const dvc = peer("dvc");
    if (dvc !== null) expect(there.run(dvc, ["status", "--json"]).stdout.trim()).toBe("{}");
    must("cleanup");
    expect(existsSync(there.root)).toBe(false);
    expect(state()).toEqual(before);
    // Nothing was in it that a checkout does not make.
    expect(repo.expverJson(["undo"]).error).toMatchObject({ code: "E_UNDO", hint: "expver checkout e0.1.0" });
    expect(repo.expverJson(["worktrees", "--check"]).data.worktrees).toMatchObject([{ kind: "main" }]);
  });

  it("is not cleaned up from within: nobody is left in a folder that is gone", () => {
    must("checkout", "e0.1.0");
    const there = inside("explore-e0.1.0");
    expect(there.expverJson(["cleanup"]).data).toMatchObject({
      removed: [],
      left: [{ name: "e0.1.0", findings: [{ category: "program" }] }],
    });
    expect(there.expverJson(["cleanup", "e0.1.0"])).toMatchObject({ code: 4, error: { code: "E_WOULD_LOSE" } });
    expect(existsSync(there.root)).toBe(true);
    must("cleanup", "e0.1.0");
    expect(existsSync(there.root)).toBe(false);
  });

  it("a branch that has gone on since is not taken for what lies there", () => {
    must("checkout", "main");
    expect(repo.expverJson(["checkout", "main"]).data).toMatchObject({ made: false });
    repo.commit("further", { "new.py": "x\n" });
    expect(repo.expverJson(["checkout", "main"])).toMatchObject({
      code: 1,
      error: { code: "E_DATA", hint: expect.stringContaining("expver cleanup main") },
    });
    must("cleanup", "main");
    must("checkout", "main");
    expect(inside("explore-main").read("new.py")).toBe("x\n");
    must("cleanup", "main");
  });

  it("brings from the remote what the cache lacks, and says what is nowhere", () => {
    const remote = makeFolder("remote");
    must("data", "remote", "add", "-d", "store", remote);
    must("data", "push");
    rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
    must("checkout", "e0.1.0");
    expect(inside("explore-e0.1.0").read("data/images/one")).toBe("1");
    must("cleanup", "e0.1.0");
    rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
    rmSync(remote, { recursive: true });
    const { data } = repo.expverJson(["checkout", "e0.1.0"]);
    expect(data.missing).toContain("data/train.csv");
  });

  it.each([
    ["tracked", (there: TestRepository) => there.write("train.sh", "other\n")],
    ["untracked", (there: TestRepository) => there.write("notes.txt", "found something\n")],
    ["ignored", (there: TestRepository) => there.write("run.log", "a log Git would delete silently\n")],
    [
      "data",
      (there: TestRepository) => {
        rmSync(join(there.root, "data/train.csv"));
        there.write("data/train.csv", "edited\n");
      },
    ],
    ["commits", (there: TestRepository) => there.commit("on a detached HEAD", { "more.txt": "x" })],
  ])("stays while there is something in it that is nowhere else: %s", (category, change) => {
    must("checkout", "e0.1.0");
    const there = inside("explore-e0.1.0");
    change(there);
    const refused = repo.expverJson(["cleanup", "e0.1.0"]);
    expect(refused).toMatchObject({ code: 4, error: { code: "E_WOULD_LOSE" } });
    expect(findings(refused.error)).toEqual([category]);
    expect(repo.expver(["cleanup"]).code).toBe(0);
    expect(existsSync(there.root)).toBe(true);
    expect(repo.expverJson(["cleanup", "e0.1.0", "--force", category])).toMatchObject({ code: 3 });
    const gone = repo.expverJson(["cleanup", "e0.1.0", "--force", category, "--yes"]);
    expect(existsSync(there.root)).toBe(false);
    expect(readdirSync(gone.data.removed[0].trash)).toContain("train.sh");
  });

  it("stays when it cannot be looked through; one whose folder is gone is only forgotten", () => {
    must("checkout", "e0.1.0");
    const there = inside("explore-e0.1.0");
    there.write("data/train.csv.dvc", "outs: [");
    must("cleanup");
    expect(findings(repo.expverJson(["cleanup", "e0.1.0"]).error)).toEqual(["unreadable"]);
    expect(repo.expverJson(["worktrees", "--check"]).data.worktrees[1].findings).toHaveLength(1);
    expect(existsSync(there.root)).toBe(true);
    rmSync(there.root, { recursive: true });
    must("cleanup");
    expect(repo.expverJson(["worktrees", "--check"]).data.worktrees).toHaveLength(1);
  });

  it("stays while a program works in it", async () => {
    must("checkout", "e0.1.0");
    const program = spawn("sleep", ["60"], { cwd: tree("explore-e0.1.0") });
    try {
      expect(findings(repo.expverJson(["cleanup", "e0.1.0"]).error)).toEqual(["program"]);
    } finally {
      program.kill();
    }
  });
});

describe("an experiment's worktree", () => {
  it("runs there, and is removed when its results, versions and commits are safe", () => {
    repo.write(".env", "SECRET=1\n");
    const made = repo.expverJson(["worktree", "create", "augment/more"]);
    expect(made.data).toMatchObject({ branch: "exp/augment/more", absent: [".env"] });
    const there = inside("exp-augment-more");
    there.write("data/train.csv", "a,b\n1,2\n3,4\n");
    expect(there.expver(["run", "--metrics", "metrics.json", "-m", "augmented", "--", "sh", "train.sh"]).code).toBe(0);
    expect(repo.git("tag", "-l")).toBe("e0.1.0\ne0.2.0");
    // The tag holds the commit; metrics.json is ignored, and the rows are in no other database.
    const refused = repo.expverJson(["worktree", "remove", "augment/more"]);
    expect(findings(refused.error)).toEqual(["results"]);
    must("merge", "--base-db", "results/experiments.db", join(there.root, "results/experiments.db"));
    // The numbers of the run's metrics file are in its rows; once it was written again they are not.
    there.write("metrics.json", "{}\n");
    expect(findings(repo.expverJson(["worktree", "remove", "augment/more"]).error)).toEqual(["ignored"]);
    rmSync(join(there.root, "metrics.json"));
    must("worktree", "remove", "augment/more");
    expect(existsSync(there.root)).toBe(false);
    expect(repo.git("branch", "--list", "exp/*")).toBe("");
    must("undo");
    expect(repo.git("branch", "--list", "exp/*")).toContain("exp/augment/more");
  });

  it("is kept while its branch has commits, stashes or unpublished versions of its own", () => {
    const remote = makeRepository({ bare: true });
    repo.git("remote", "add", "origin", remote.root);
    repo.git("push", "-q", "origin", "HEAD");
    must("worktree", "create", "lr");
    const there = inside("exp-lr");
    there.commit("only here", { "new.py": "x\n" });
    there.git("tag", "e0.5.0", "-a", "-m", "accuracy=1 | here");
    there.write("new.py", "stashed\n");
    there.git("stash");
    expect(findings(repo.expverJson(["worktree", "remove", "lr"]).error)).toEqual(["stashes", "versions"]);
    there.git("tag", "-d", "e0.5.0");
    expect(findings(repo.expverJson(["worktree", "remove", "lr"]).error)).toEqual(["commits", "stashes"]);
  });

  it("is kept while a version made on it is not published and the data remote lacks its bytes", () => {
    const origin = makeRepository({ bare: true });
    repo.git("remote", "add", "origin", origin.root);
    must("data", "remote", "add", "-d", "store", makeFolder("remote"));
    repo.commit("a data remote");
    must("publish");
    must("worktree", "create", "more");
    expect(repo.expver(["worktree", "remove", "more", "--dry-run"]).code).toBe(0);
    const there = inside("exp-more");
    there.write("data/train.csv", "a,b\n5,6\n");
    expect(there.expver(["run", "--metrics", "metrics.json", "-m", "more", "--", "sh", "train.sh"]).code).toBe(0);
    expect(findings(repo.expverJson(["worktree", "remove", "more"]).error)).toEqual(["versions", "objects", "results"]);
    expect(there.expver(["publish"]).code).toBe(0);
    expect(findings(repo.expverJson(["worktree", "remove", "more"]).error)).toEqual(["results"]);
  });

  it("leaves nothing behind when it cannot be made", () => {
    const before = [repo.git("worktree", "list"), repo.git("branch", "--list")];
    for (const [args, code] of [
      [["worktree", "create", "a..b"], "E_USAGE"],
      [["worktree", "create", "x", "--from", "nothing"], "E_NOT_FOUND"],
      [["worktree", "create", "x", "--path", repo.root], "E_DATA"],
      [["worktree", "create"], "E_USAGE"],
    ] as const) {
      expect(repo.expverJson([...args]).error?.code).toBe(code);
    }
    repo.write("blocker", "a file where a folder is wanted");
    expect(repo.expver(["worktree", "create", "x", "--path", join(repo.root, "blocker/x")]).code).not.toBe(0);
    expect([repo.git("worktree", "list"), repo.git("branch", "--list")]).toEqual(before);
    expect(existsSync(tree("exp-x"))).toBe(false);
  });

  it("is made from a sub-folder and from another worktree, beside the main one", () => {
    must("worktree", "create", "one");
    expect(inside("exp-one").expver(["worktree", "create", "two"], { cwd: "data" }).code).toBe(0);
    const { worktrees } = repo.expverJson(["worktree", "list"]).data;
    expect(worktrees.map(({ root }: { root: string }) => root)).toEqual([
      repo.root,
      realpathSync(tree("exp-one")),
      realpathSync(tree("exp-two")),
    ]);
    expect(inside("exp-one").expverJson(["worktree", "remove", "one"]).error?.code).toBe("E_DATA");
  });
});
