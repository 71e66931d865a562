/** An experiment finished into main: results, data, model, code, version; what stands in the way; stopped and repeated. */
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { rowsOf, runRows } from "../run/story.ts";
import { keepFolder } from "../support/kept-folder.ts";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import type { TestRepository } from "../support/repository.ts";
import { categoriesOf, type Lab, makeLab, mustIn, train } from "./story.ts";

const POINTS = sampledPoints(101);

let lab: Lab;
let repo: TestRepository;
let there: TestRepository;
beforeEach(() => {
  lab = makeLab({ remotes: false });
  repo = lab.repo;
  there = experiment("augment");
});

/** Other data and code, one version with accuracy 0.8. */
function experiment(name: string): TestRepository {
  lab.must("worktree", "create", name);
  const made = lab.inside(`exp-${name}`);
  rmSync(join(made.root, "data/train.csv"));
  made.write("data/train.csv", "a,b\n1,2\n3,4\n");
  made.write("augment.py", "code of the experiment\n");
  train(made, "0.8");
  return made;
}

const finish = (...args: string[]) => repo.expverJson(["worktree", "finish", "augment", ...args]);

/** What finishing must leave, whatever way it got there. */
function expectFinished(about?: string): void {
  expect(repo.git("status", "--porcelain"), about).toBe("");
  expect(existsSync(there.root), about).toBe(false);
  expect(repo.git("branch", "--list", "exp/*"), about).toBe("");
  expect(repo.read("data/train.csv"), about).toBe("a,b\n1,2\n3,4\n");
  expect(
    runRows(repo).map(({ version }) => version),
    about,
  ).toEqual(["e0.1.0", "e0.2.0"]);
  expect(repo.git("tag"), about).toBe("e0.1.0\ne0.2.0\ne0.3.0");
  expect(repo.git("rev-parse", "e0.3.0^{commit}"), about).toBe(repo.git("rev-parse", "HEAD"));
  const message = repo.git("tag", "-l", "--format=%(contents)", "e0.3.0");
  expect(message, about).toContain("Kind: merge");
  expect(message, about).toContain("Merged: e0.2.0");
  expect(repo.expverJson(["verify", "e0.3.0", "e0.2.0"]), about).toMatchObject({ code: 0 });
  expect(repo.expver(["data", "status", "--quiet"]).code, about).toBe(0);
}

describe("--edit", () => {
  it("says in the editor what the version here is called; without words nothing is changed", () => {
    const before = [repo.git("rev-parse", "HEAD", "exp/augment"), rowsOf(repo)];
    const finishIn = (editor: string) => repo.expverJson(["worktree", "finish", "augment", "-e"], { env: { GIT_EDITOR: editor } });
    expect(finishIn("truncate -s 0")).toMatchObject({ code: 1, error: { code: "E_NO_DESCRIPTION" } });
    expect([repo.git("rev-parse", "HEAD", "exp/augment"), rowsOf(repo)]).toEqual(before);
    expect(finishIn('f() { head -1 "$1" > ../seen.txt; echo "more rows help" > "$1"; }; f')).toMatchObject({ code: 0 });
    expect(repo.read("../seen.txt")).toBe("Merge exp/augment: accuracy 0.8\n");
    expect(repo.git("tag", "-l", "--format=%(contents:subject)", "e0.3.0")).toMatch(/ \| more rows help$/);
    expectFinished();
  });
});

describe("a finished run", () => {
  it("is merged, tagged and removed; undo takes it back step by step", () => {
    const before = [repo.git("rev-parse", "HEAD"), repo.read("data/train.csv"), rowsOf(repo)];
    const plan = finish("--dry-run");
    expect(plan.data.steps.map(({ verb, target }: { verb: string; target: string }) => `${verb} ${target}`)).toEqual([
      "note exp/augment",
      "note e0.2.0",
      "skip publish",
      "add model of e0.2.0",
      `merge ${there.root} default`,
      `merge ${there.root} expver_runs`,
      `merge ${there.root} expver_run_tracks`,
      "change results/experiments.db",
      "merge data/train.csv",
      "skip code",
      "commit what was merged",
      "tag the next version",
      `remove ${there.root}`,
      "delete branch exp/augment",
    ]);
    expect([repo.git("rev-parse", "HEAD"), repo.read("data/train.csv"), rowsOf(repo)]).toEqual(before);
    const { data, code } = finish("-m", "augmented data");
    expect({ code, data }).toMatchObject({
      code: 0,
      data: { experiment: "e0.2.0", version: "e0.3.0", model: { as: "candidate" }, removed: { branch: "exp/augment" } },
    });
    expectFinished();
    expect(existsSync(join(repo.root, "augment.py"))).toBe(false);
    expect(existsSync(join(repo.root, data.model.path))).toBe(true);
    for (const next of ["worktree finish", "models add", "worktree create"]) {
      const { stdout } = repo.expver(["undo"]);
      expect(stdout).toMatch(/^undone(?!(?:.|\n)*refs\/expver\/backup\/)/);
      expect(stdout).toContain(`expver undo would now take back ${next} `);
    }
    expect(repo.git("for-each-ref", "refs/expver/backup/**/backup/**")).toBe("");
    expect([repo.git("rev-parse", "HEAD"), repo.read("data/train.csv"), rowsOf(repo)]).toEqual(before);
    expect(there.read("augment.py")).toBe("code of the experiment\n");
    expect(finish("-m", "again").data).toMatchObject({ version: "e0.3.0" });
    expectFinished();
  });

  it("with --models promote and --code merge: production model and code are the experiment's", () => {
    expect(finish("--models", "promote", "--code", "merge").data.model).toMatchObject({ as: "production" });
    expectFinished();
    expect(repo.read("augment.py")).toBe("code of the experiment\n");
    expect(repo.expverJson(["models", "info"]).data.production.state).toBe("right");
    expect(repo.git("log", "-1", "--format=%P").split(" ")).toHaveLength(2);
  });

  it("that is repeated with more to bring says that it cannot, and removes nothing", () => {
    expect(finish("--keep").data).toMatchObject({ version: "e0.3.0" });
    expect(finish("--code", "merge")).toMatchObject({
      code: 4,
      error: { code: "E_GIT_STATE", message: expect.stringContaining("without its code") },
    });
    expect(existsSync(there.root)).toBe(true);
    const again = repo.expver(["worktree", "finish", "augment", "--models", "promote"]);
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("hint: expver models promote e0.2.0") });
    expectFinished();
  });

  it("that has promoted its model does not say that it cannot when it is repeated", () => {
    expect(finish("--models", "promote", "--keep").data).toMatchObject({ model: { as: "production" } });
    const again = repo.expver(["worktree", "finish", "augment", "--models", "promote"]);
    expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining("not promoted") });
  });

  it("every step can be left out", () => {
    const { data } = finish("--results", "none", "--data", "none", "--models", "none", "--keep");
    expect(data).toMatchObject({ model: null, removed: null, commit: null, version: null });
    expect(repo.read("data/train.csv")).toBe("a,b\n1,2\n");
    expect(runRows(repo)).toHaveLength(1);
    expect(existsSync(there.root)).toBe(true);
  });
});

it("commits and tags first what is left to commit and tag there", () => {
  there.write("train.sh", "printf '{\"accuracy\": 0.1}' > metrics.json\n");
  rmSync(join(there.root, "data/train.csv"));
  there.write("data/train.csv", "a,b\n9,9\n");
  const { data } = finish("-m", "the last touch");
  expect(data).toMatchObject({ experiment: "e0.3.0", version: "e0.4.0" });
  expect(repo.read("data/train.csv")).toBe("a,b\n9,9\n");
  expect(repo.git("show", "e0.3.0:train.sh")).toContain("0.1");
});

describe("what stands in the way", () => {
  it.each([
    ["untracked", () => there.write("notes.txt", "by hand\n")],
    ["ignored", () => there.write("run.log", "log\n")],
  ])("%s: refused before anything is done; --force NAME, or --keep", (category, leave) => {
    leave();
    const head = repo.git("rev-parse", "HEAD");
    const refused = finish();
    expect(refused).toMatchObject({ code: 4, error: { code: "E_WOULD_LOSE" } });
    expect(categoriesOf(refused.error?.details.findings as { category: string }[])).toEqual([category]);
    expect(refused.error?.hint).toBe(`Give it up by name: expver worktree finish augment --force ${category}`);
    expect(repo.git("rev-parse", "HEAD")).toBe(head);
    expect(finish("--force", category).code).toBe(3);
    expect(finish("--force", category, "--yes").code).toBe(0);
    expectFinished();
  });

  it("code that differs in the same lines: nothing of main is touched, and it goes on once that is settled there", () => {
    there.commit("one way", { "train.sh": "one way\n" });
    repo.commit("another", { "train.sh": "another\n" });
    const before = [repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain"), rowsOf(repo)];
    const refused = finish("--code", "merge");
    expect(refused).toMatchObject({ code: 4, error: { code: "E_CONFLICT", details: { paths: ["train.sh"] } } });
    expect([repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain"), rowsOf(repo)]).toEqual(before);
    expect(there.run("git", ["merge", "main"]).code).not.toBe(0);
    there.write("train.sh", "both ways\n");
    there.git("checkout", "--ours", ".");
    there.write("train.sh", "both ways\n");
    there.git("add", "-A");
    there.git("commit", "-q", "-m", "settled");
    expect(finish("--code", "merge").code).toBe(0);
    expect(repo.read("train.sh")).toBe("both ways\n");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it.each([
    ["a file where its folder belongs", "lib", "lib/code.py"],
    ["a folder where its file belongs", "lib/mine.py", "lib"],
    ["an ignored file in such a folder", "lib/mine.log", "lib"],
  ])("code for which something of main that is in no commit is in the way, %s, is refused", (_what, mine, theirs) => {
    there.commit("more code", { [theirs]: "theirs\n" });
    repo.write(mine, "mine\n");
    const head = repo.git("rev-parse", "HEAD");
    expect(finish("--code", "merge")).toMatchObject({ code: 4, error: { code: "E_UNSAVED", details: { paths: [mine] } } });
    expect([repo.read(mine), repo.git("rev-parse", "HEAD")]).toEqual(["mine\n", head]);
    rmSync(join(repo.root, "lib"), { recursive: true });
    expect(finish("--code", "merge").code).toBe(0);
    expect(repo.read(theirs)).toBe("theirs\n");
  });

  it("data that both have changed: rows of both with merge, the experiment's with rebase; bytes stored nowhere are refused", () => {
    rmSync(join(repo.root, "data/train.csv"));
    repo.write("data/train.csv", "a,b\n1,2\n5,6\n");
    expect(finish("--keep").error?.code).toBe("E_UNSAVED");
    lab.must("data", "add", "data/train.csv");
    repo.commit("more on main");
    expect(finish("--data", "rebase", "--keep")).toMatchObject({ code: 3 });
    expect(finish("--code", "none").code).toBe(0);
    expect(repo.read("data/train.csv").split("\n").sort()).toEqual(["", "1,2", "3,4", "5,6", "a,b"]);
  });

  it("rows that main deleted stay gone; a rebase asks, and undo brings the replaced rows back", () => {
    const db = openResults(join(repo.root, "results/experiments.db"));
    db.exec(`UPDATE "default" SET accuracy = 0.1`);
    db.close();
    // e0.1.0 has another accuracy here than where the experiment began: main's change, nobody else's.
    expect(finish("--keep", "--data", "none", "--models", "none").code).toBe(0);
    expect(rowsOf(repo).map(({ accuracy }) => accuracy)).toEqual([0.1, 0.8]);
    lab.must("undo");
    const before = rowsOf(repo);
    const rebase = ["--keep", "--data", "none", "--models", "none", "--results", "rebase", "--key-columns", "version"];
    expect(finish(...rebase).code).toBe(3);
    expect(finish(...rebase, "--yes").code).toBe(0);
    expect(rowsOf(repo).map(({ accuracy }) => accuracy)).toEqual([0.5, 0.8]);
    lab.must("undo");
    expect(rowsOf(repo)).toEqual(before);
  });

  it("typed inside the experiment, or for one that is not there", () => {
    const { error } = there.expverJson(["worktree", "finish", "augment"]);
    expect([error?.code, error?.hint]).toEqual(["E_DATA", expect.stringContaining(`expver -C ${repo.root} worktree finish augment`)]);
    expect(repo.expverJson(["worktree", "finish", "nothing"]).error?.code).toBe("E_NOT_FOUND");
    expect(finish("--results", "rebase").error?.code).toBe("E_USAGE");
  });
});

it("publishes both versions when asked, and is refused without while there are remotes", { timeout: 300_000 }, () => {
  lab = makeLab();
  repo = lab.repo;
  there = experiment("augment");
  expect(categoriesOf(finish().error?.details.findings as { category: string }[])).toEqual(["objects", "versions"]);
  expect(finish("--publish").data.published).toEqual(["e0.2.0", "e0.3.0"]);
  expectFinished();
  expect(repo.git("ls-remote", "--tags", "origin")).toContain("refs/tags/e0.3.0");
});

it("killed before any of its changes it goes on when it is repeated, and ends the same", { timeout: 900_000 }, () => {
  const kept = keepFolder(dirname(repo.root));
  const points = atEveryKill((at) => {
    kept.bringBack();
    const killed = runKilledAt(repo, ["worktree", "finish", "augment", "-m", "x", "--code", "merge"], at);
    const about = JSON.stringify({ at, err: killed.stderr });
    const isLeft = () => existsSync(there.root) || repo.git("branch", "--list", "exp/augment") !== "";
    // A removal that was killed at its last step is taken back whole.
    if (!isLeft()) mustIn(repo, "doctor", "--fix");
    if (isLeft()) {
      const { code, error } = finish("-m", "x", "--code", "merge");
      expect({ code, error, about }).toMatchObject({ code: 0 });
    }
    expectFinished(about);
    expect(repo.read("augment.py"), about).toBe("code of the experiment\n");
    return killed;
  }, POINTS);
  expect(points).toBeGreaterThan(100);
});
