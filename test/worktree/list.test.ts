/** `worktree list`: how each worktree stands, and with how few git processes it is known of many. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MAIN } from "../support/command-line.ts";
import { countGit } from "../support/git-counter.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { LEAVINGS, makeLab } from "./story.ts";

const asked = ["worktree", "list"];
const environment = (repo: TestRepository) => repo.context.env as Record<string, string>;

function must(repo: TestRepository, ...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

it("tells branch, commits both ways, changes, data, rows, versions, runs and programs of each", { timeout: 600_000 }, async () => {
  const lab = makeLab();
  for (const name of ["busy", "idle", "broken"]) lab.must("worktree", "create", name);
  const busy = lab.inside("exp-busy");
  LEAVINGS.versions?.leave(busy);
  busy.commit("more", { "new.py": "x\n" });
  busy.write("train.sh", "changed\n");
  busy.write("notes.txt", "x\n");
  rmSync(join(busy.root, "data/train.csv"));
  lab.repo.commit("meanwhile on main");
  const idle = lab.inside("exp-idle");
  rmSync(join(idle.root, "data/train.csv"));
  idle.write("data/train.csv", "a,b\n9,9\n");
  idle.git("checkout", "-q", "--detach");
  lab.repo.git("worktree", "lock", "--reason", "a stick", idle.root);
  lab.inside("exp-broken").write("expver.yaml", "metric: {\n");
  const program = spawn("sleep", ["600"], { cwd: busy.root });
  try {
    const { data } = lab.repo.expverJson(asked);
    expect(data.worktrees).toMatchObject([
      {
        kind: "main",
        branch: "main",
        ahead: 0,
        behind: 0,
        changed: 0,
        untracked: 0,
        data: { changed: 0, missing: 0 },
        rows: 0,
        unpublished: [],
        findings: null,
      },
      {
        name: "broken",
        branch: "exp/broken",
        ahead: 0,
        behind: 1,
        changed: 1,
        data: null,
        problem: expect.stringContaining("expver.yaml"),
      },
      {
        name: "busy",
        branch: "exp/busy",
        ahead: 2,
        behind: 1,
        changed: 1,
        untracked: 1,
        data: { changed: 0, missing: 1 },
        rows: 1,
        unpublished: ["e0.2.0"],
        processes: [program.pid],
        run: null,
      },
      { name: "idle", branch: null, ahead: 0, behind: 1, data: { changed: 1, missing: 0 }, rows: 0, locked: "a stick", processes: [] },
    ]);
  } finally {
    program.kill("SIGKILL");
  }
  const run = spawn(process.execPath, [MAIN, "run", "--no-tag", "--", "sh", "-c", "touch started; sleep 600"], {
    cwd: lab.inside("exp-busy").root,
    env: lab.repo.context.env as Record<string, string>,
    stdio: "ignore",
  });
  try {
    await expect
      .poll(() => lab.repo.expverJson(asked).data.worktrees[2].run, { timeout: 200_000, interval: 500 })
      .toMatch(/^\w+-\w+-\d{4}$/);
    expect(lab.repo.expver(asked).stdout).toMatch(/run \w+-\w+-\d{4} goes on/);
  } finally {
    run.kill("SIGINT");
    await new Promise((resolve) => run.once("close", resolve));
  }
});

it("rows of a worktree are all its own while the main one has no results database", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.commit("first");
  must(repo, "worktree", "create", "w");
  must(openTestRepository(join(repo.root, "../exp-w"), environment(repo)), "log", "accuracy=1");
  const { worktrees } = repo.expverJson(asked).data;
  expect(worktrees[1]).toMatchObject({ name: "w", rows: 1, problem: null });
});

it("a repository whose Git folder is elsewhere has its worktrees looked through, and its cache collected, from the main one", () => {
  const elsewhere = makeRepository();
  const root = join(makeFolder("apart"), "here");
  elsewhere.git("init", "-q", "-b", "main", `--separate-git-dir=${root}.git`, root);
  const repo = openTestRepository(root, environment(elsewhere));
  must(repo, "init");
  repo.write("data.csv", "1\n");
  must(repo, "data", "add", "data.csv");
  repo.commit("first");
  must(repo, "worktree", "create", "w");
  expect(repo.expverJson(asked).data.worktrees[0]).toMatchObject({ kind: "main", root });
  must(repo, "check", "w");
  must(repo, "data", "gc", "-w", "-f");
  must(repo, "worktree", "remove", "w");
});

it("who only reads what is said, by one pipe or two, is no program at work", async () => {
  const lab = makeLab({ remotes: false });
  lab.must("worktree", "create", "one");
  const expver = `"${process.execPath}" "${MAIN}"`;
  const program = spawn("sleep", ["600"], { cwd: lab.inside("exp-one").root });
  try {
    const said = lab.inside("exp-one").run("sh", ["-c", `${expver} worktree list --json | tee said.json | cat`]).stdout;
    const [, one] = JSON.parse(said).data.worktrees;
    expect(one).toMatchObject({ name: "one", processes: [program.pid] });
  } finally {
    program.kill("SIGKILL");
  }
});

it("asks git twice for each further worktree", { timeout: 600_000 }, () => {
  const lab = makeLab({ remotes: false });
  const counter = countGit();
  const processes = () => {
    counter.reset();
    expect(lab.repo.expver(asked, { env: { PATH: counter.path } }).code).toBe(0);
    return counter.calls().length;
  };
  for (const name of ["one", "two"]) lab.must("worktree", "create", name);
  const few = processes();
  for (const name of ["three", "four", "five"]) lab.must("worktree", "create", name);
  expect(processes() - few).toBe(6);
});
