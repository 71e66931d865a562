/** doctor and worktrees that were moved, half-removed, locked or are off their branch; and the troubleshooting list of the skill. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { until } from "../run/story.ts";
import { MAIN } from "../support/command-line.ts";
import { makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { type Lab, makeLab, train } from "./story.ts";

let lab: Lab;
let repo: TestRepository;
let there: TestRepository;
beforeEach(() => {
  lab = makeLab({ remotes: false });
  repo = lab.repo;
  lab.must("worktree", "create", "trial");
  there = lab.inside("exp-trial");
  there.commit("only here", { "new.py": "x\n" });
  there.write("notes.txt", "by hand\n");
});

interface Found {
  check: string;
  level: string;
  what: string;
  remedy: string;
  fix?: string;
  fixed?: string;
}

/** Findings of one check; with `fix` after repairing. */
const found = (check: string, ...args: string[]): Found[] =>
  repo.expverJson(["doctor", ...args]).data.findings.filter((one: Found) => one.check === check);

const own = (check: string) => found(check, "--fix").filter(({ fixed }) => fixed !== undefined);

describe("a worktree", () => {
  it("that git has moved is ours where it lies now, with all that is in it", () => {
    const moved = join(dirname(there.root), "moved by git");
    repo.git("worktree", "move", there.root, moved);
    expect([...found("moved-worktrees"), ...found("half-removed-worktrees")]).toEqual([]);
    const [place] = repo.expverJson(["check", "trial"]).data.checked;
    expect(place).toMatchObject({ root: moved });
    expect(place.findings).toEqual(expect.arrayContaining([expect.objectContaining({ category: "untracked" })]));
    expect(repo.expverJson(["worktree", "remove", "trial"])).toMatchObject({ code: 4, error: { code: "E_WOULD_LOSE" } });
    repo.git("worktree", "move", moved, there.root);
  });

  it("that was moved by hand is found and known again, to Git and to us", () => {
    const moved = join(dirname(there.root), "elsewhere");
    renameSync(there.root, moved);
    expect(found("moved-worktrees")).toMatchObject([{ level: "problem", fix: expect.stringContaining(moved) }]);
    expect(own("moved-worktrees")).toHaveLength(1);
    expect(found("moved-worktrees")).toEqual([]);
    expect(openTestRepository(moved, repo.context.env as Record<string, string>).git("status", "--porcelain")).toBe("?? notes.txt");
    expect(repo.expverJson(["check", "trial"]).data.checked[0]).toMatchObject({ root: moved });
    repo.git("-C", moved, "switch", "-q", "-c", "another");
    expect(found("half-removed-worktrees")).toEqual([]);
    expect(found("detached-worktrees")[0]?.what).toContain(moved);
  });

  it("whose folder is gone: what is left is named, nothing of its branch goes", () => {
    rmSync(there.root, { recursive: true });
    expect(found("moved-worktrees", "--fix")).toMatchObject([{ level: "warning", remedy: expect.stringContaining("expver check trial") }]);
    expect(repo.git("branch", "--list", "exp/trial")).toContain("exp/trial");
    repo.git("worktree", "prune");
    expect(found("half-removed-worktrees")).toMatchObject([
      { level: "warning", remedy: expect.stringContaining("expver worktree remove trial") },
    ]);
    lab.must("worktree", "remove", "trial", "--force", "commits", "--yes");
    expect(found("half-removed-worktrees")).toEqual([]);
  });

  it("whose folder is gone with HEAD on no branch: its commits are told, and kept when they are given up", () => {
    there.git("checkout", "-q", "--detach");
    there.commit("on no branch", { "more.py": "x\n" });
    const lost = there.git("rev-parse", "HEAD").trim();
    rmSync(there.root, { recursive: true });
    const [place] = repo.expverJson(["check", "trial"]).data.checked;
    expect(place.findings.map(({ remedy }: { remedy: string }) => remedy)).toContain(`git branch KEEP ${lost.slice(0, 12)}`);
    const { items } = repo.expverJson(["advise", "cleanup"]).data;
    expect(items.find(({ command }: { command: string }) => command === "expver worktree remove trial").blockedBy).toHaveLength(1);
    lab.must("worktree", "remove", "trial", "--force", "commits", "--yes");
    expect(repo.git("for-each-ref", "--format=%(objectname)", "refs/expver/backup")).toContain(lost);
  });

  it("that Git has forgotten gets its place again, with its files", () => {
    rmSync(join(repo.root, ".git/worktrees"), { recursive: true });
    expect(there.run("git", ["status"]).code).not.toBe(0);
    expect(own("half-removed-worktrees")).toHaveLength(1);
    expect(there.git("status", "--porcelain")).toBe("?? notes.txt");
    expect(there.git("symbolic-ref", "HEAD")).toBe("refs/heads/exp/trial");
    expect(there.read("notes.txt")).toBe("by hand\n");
    expect(found("half-removed-worktrees")).toEqual([]);
  });

  it("on another disk that Git has forgotten gets its place again, too", () => {
    const disk = mkdtempSync(join(tmpdir(), "expver-disk-"));
    try {
      const far = join(disk, "far");
      lab.must("worktree", "create", "far", "--path", far);
      rmSync(join(repo.root, ".git/worktrees/far"), { recursive: true });
      expect(own("half-removed-worktrees")).toHaveLength(1);
      expect(openTestRepository(far, repo.context.env as Record<string, string>).git("symbolic-ref", "HEAD")).toBe("refs/heads/exp/far");
      expect([...found("half-removed-worktrees"), ...found("moved-worktrees")]).toEqual([]);
    } finally {
      rmSync(disk, { recursive: true });
    }
  });

  it("that is locked is named with the reason; the lock of a git that died goes", () => {
    repo.git("worktree", "lock", "--reason", "on a stick", there.root);
    expect(found("locked-worktrees", "--fix")).toMatchObject([{ level: "note", remedy: expect.stringContaining("git worktree unlock") }]);
    repo.git("worktree", "unlock", there.root);
    repo.git("worktree", "lock", "--reason", "initializing", there.root);
    expect(own("locked-worktrees")).toHaveLength(1);
    expect(found("locked-worktrees")).toEqual([]);
  });

  it("with a blank in its name is typed as one word", () => {
    const far = join(dirname(there.root), "far away");
    lab.must("worktree", "create", "far", "--path", far);
    repo.git("worktree", "lock", far);
    repo.git("-C", far, "switch", "-q", "-c", "another");
    for (const check of ["locked-worktrees", "detached-worktrees"]) expect(found(check)[0]?.remedy).toContain(`'${far}'`);
  });

  it("that is detached goes back to its branch, with the commits made meanwhile; one elsewhere is left", () => {
    there.git("checkout", "-q", "--detach");
    const commit = there.commit("made detached", { "more.py": "y\n" });
    // `git switch` would leave the commit behind.
    expect(found("detached-worktrees")[0]).toMatchObject({
      what: expect.stringContaining(" 1 commit ahead"),
      remedy: "expver doctor --fix",
    });
    expect(own("detached-worktrees")).toHaveLength(1);
    expect(there.git("rev-parse", "exp/trial")).toBe(commit);
    expect(there.git("status", "--porcelain")).toBe("");
    there.git("switch", "-q", "-c", "another");
    expect(found("detached-worktrees", "--fix")).toMatchObject([{ level: "warning" }]);
    expect(there.git("symbolic-ref", "HEAD")).toBe("refs/heads/another");
  });

  it("with a link to the shared cache has none of its own", () => {
    repo.write("x", "1");
    expect(repo.expver(["data", "add", "x"])).toMatchObject({ code: 0 });
    symlinkSync(join(repo.root, ".dvc/cache"), join(there.root, ".dvc/cache"));
    expect(found("own-caches")).toEqual([]);
  });

  it("with a cache of its own: what is said to be typed brings every version into the shared one", () => {
    const type = (remedy: string) =>
      repo.run("sh", ["-c", remedy.replaceAll("expver -C", `${process.execPath} ${MAIN} -C`).replace(/; expver doctor .*/, "")]);
    const cache = join(there.root, ".dvc/cache");
    const must = (...args: string[]) => expect(there.expver(args)).toMatchObject({ code: 0 });
    must("data", "cache", "dir", "--local", ".dvc/cache");
    must("data", "config", "--local", "cache.type", "symlink");
    for (const text of ["1", "2"]) {
      there.run("rm", ["-f", "x"]);
      there.write("x", text);
      must("data", "add", "x");
      there.commit(text);
    }
    const [first] = found("own-caches");
    expect(first).toMatchObject({ level: "warning", what: expect.stringContaining("2 objects in it are in no other") });
    type(first?.remedy ?? "");
    expect(found("own-caches")).toMatchObject([{ level: "note", remedy: `rm -rf ${cache}` }]);
    type(found("own-caches")[0]?.remedy ?? "");
    expect(existsSync(cache)).toBe(false);
    expect(found("own-caches")).toEqual([]);
    expect(there.read("x")).toBe("2");
    expect(there.expverJson(["get", "HEAD~1", "x", "-o", "old"])).toMatchObject({ code: 0 });
    expect(there.read("old")).toBe("1");
  });
});

describe("of the troubleshooting list", () => {
  it("a database that a pipeline would delete", () => {
    repo.write("dvc.yaml", "stages:\n  train:\n    cmd: sh train.sh 0.1\n    outs: [results/experiments.db]\n");
    expect(found("pipeline-persist")).toMatchObject([{ level: "problem", remedy: expect.stringContaining("persist: true") }]);
    repo.write("dvc.yaml", "stages:\n  train:\n    cmd: sh train.sh 0.1\n    outs:\n      - results/experiments.db: { persist: true }\n");
    expect(found("pipeline-persist")).toEqual([]);
  });

  it("a production model that is gone, changed, or that nobody promoted", () => {
    const path = "models/production/model.bin";
    repo.write(path, "copied by hand");
    expect(found("production-model")).toMatchObject([{ remedy: expect.stringContaining("models promote") }]);
    rmSync(join(repo.root, path));
    lab.must("models", "promote", "e0.1.0");
    expect(found("production-model")).toEqual([]);
    rmSync(join(repo.root, path));
    expect(found("production-model")).toMatchObject([{ remedy: `expver data checkout ${path}` }]);
    repo.write(path, "other");
    expect(found("production-model")).toHaveLength(1);
  });

  it("a damaged database, and two programs that have it open", async () => {
    const path = join(repo.root, "results/experiments.db");
    const programs = [1, 2].map(() => spawn("sh", ["-c", "exec 9<results/experiments.db; echo open; exec sleep 600"], { cwd: repo.root }));
    let open = 0;
    for (const program of programs)
      program.stdout.on("data", () => {
        open += 1;
      });
    try {
      await until(() => open === 2);
      expect(found("parallel-writers")).toMatchObject([{ level: "note" }]);
    } finally {
      for (const program of programs) program.kill("SIGKILL");
    }
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 7)]));
    expect(found("database-damage")).toMatchObject([{ level: "problem", remedy: expect.stringContaining("expver data checkout --force") }]);
    writeFileSync(path, Buffer.concat([Buffer.alloc(8), Buffer.from("DUCK"), Buffer.alloc(500)]));
    expect(found("database-damage")).toMatchObject([{ level: "problem", what: expect.stringContaining("is a DuckDB file") }]);
  });

  it("a schema that is another in a worktree: columns, types and keys, with what a merge makes of them", () => {
    expect(found("results-schemas")).toEqual([]);
    const sql = (one: TestRepository, text: string) => {
      const db = openResults(join(one.root, "results/experiments.db"));
      db.exec(text);
      db.close();
    };
    sql(there, 'ALTER TABLE "default" ADD COLUMN recall REAL; ALTER TABLE "default" ADD COLUMN lr TEXT; CREATE TABLE own (x)');
    sql(repo, 'ALTER TABLE "default" ADD COLUMN "LR" REAL');
    expect(found("results-schemas")).toMatchObject([
      {
        level: "note",
        what: expect.stringMatching(/^results of trial, table default: only there recall\. A merge/),
        remedy: expect.stringContaining("expver merge trial --dry-run"),
      },
      { level: "warning", what: expect.stringContaining("lr is TEXT there and REAL here") },
    ]);
    expect(repo.expver(["merge", "trial", "--dry-run"]).code).toBe(0);
    sql(repo, 'CREATE TABLE loose AS SELECT * FROM "default"; DROP TABLE "default"; ALTER TABLE loose RENAME TO "default"');
    expect(found("results-schemas").at(-1)).toMatchObject({
      level: "warning",
      what: expect.stringContaining("key track_id, timestamp only there"),
    });
    rmSync(join(there.root, "results/experiments.db"));
    expect(found("results-schemas")).toEqual([]);
  });

  it("a version whose bytes went with a worktree that was removed", () => {
    const object = /md5: (\w+)/.exec(repo.git("show", "e0.1.0:models/model.bin.dvc"))?.[1] ?? "";
    train(repo, "0.6");
    expect(found("lost-versions")).toEqual([]);
    rmSync(join(repo.root, ".dvc/cache/files/md5", object.slice(0, 2), object.slice(2)), { force: true });
    expect(found("lost-versions")).toMatchObject([{ remedy: expect.stringContaining("expver verify --quick e0.1.0") }]);
  });

  it("a push that sent the commits and not the data", () => {
    const remotes = makeLab();
    repo = remotes.repo;
    expect(found("unsent-objects")).toEqual([]);
    train(repo, "0.7");
    repo.git("push", "-q", "origin", "main");
    repo.git("fetch", "-q", "origin");
    expect(found("unsent-objects")).toMatchObject([{ level: "problem", remedy: expect.stringContaining("expver data push") }]);
    remotes.must("data", "push");
    expect(found("unsent-objects")).toEqual([]);
  });

  it("a version that was pushed by hand without its data, when HEAD is elsewhere by now; bytes that are on no remote either", () => {
    const remotes = makeLab();
    repo = remotes.repo;
    train(repo, "0.7");
    repo.git("push", "-q", "origin", "e0.2.0");
    repo.commit("went on", { "more.txt": "1\n" });
    expect(found("unsent-objects")).toMatchObject([
      {
        level: "problem",
        what: expect.stringMatching(/^e0\.2\.0 is on the Git remote/),
        remedy: expect.stringContaining("expver publish e0.2.0"),
      },
    ]);
    remotes.must("publish", "e0.2.0");
    expect(found("unsent-objects")).toEqual([]);
    expect(found("lost-versions")).toEqual([]);
    const object = /md5: (\w+)/.exec(repo.git("show", "e0.1.0:models/model.bin.dvc"))?.[1] ?? "";
    const name = join("files/md5", object.slice(0, 2), object.slice(2));
    rmSync(join(repo.root, ".dvc/cache", name));
    expect(found("lost-versions")).toEqual([]);
    rmSync(join(remotes.store, name));
    expect(found("lost-versions")).toMatchObject([{ what: expect.stringContaining("bytes of e0.1.0 are neither in the cache") }]);
  });

  it("a candidate that is gone, and a model beside the candidates that no run knows", () => {
    lab.must("models", "add", "e0.1.0");
    expect(found("candidate-models")).toEqual([]);
    const folder = join(repo.root, "models/candidates");
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    repo.write("models/candidates/by_hand.bin", "x");
    expect(found("candidate-models")).toMatchObject([
      { level: "warning", remedy: "expver data checkout models/candidates" },
      { level: "note", what: expect.stringContaining("models/candidates/by_hand.bin belongs to no run") },
    ]);
  });

  it("what a killed merge left, and a tag that is no version", () => {
    repo.write("results/.experiments.db.999999.merged.tmp", "half");
    const old = new Date(Date.now() - 3_600_000);
    repo.run("touch", ["-d", old.toISOString(), "results/.experiments.db.999999.merged.tmp"]);
    expect(own("leftovers")).toHaveLength(1);
    expect(existsSync(join(repo.root, "results/.experiments.db.999999.merged.tmp"))).toBe(false);
    repo.git("tag", "e7.1");
    expect(found("misnamed-tags")).toHaveLength(1);
  });
});

it("a repository without any of it has none of these findings", () => {
  repo = makeRepository();
  repo.expver(["init"]);
  const { data } = repo.expverJson(["doctor"]);
  expect(data.counts).toMatchObject({ problem: 0, warning: 0 });
});
