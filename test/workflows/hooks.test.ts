/** Git hooks on request: they refuse what would lose something, run what was there, and leave as they came. */
import { existsSync, lstatSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { atEveryKill, runKilledAt, sampledPoints } from "../support/kill-at.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

function aRepository(): TestRepository {
  const repo = makeRepository();
  expect(repo.expver(["init"]).code).toBe(0);
  repo.write("data.csv", "a,b\n1,2\n");
  expect(repo.expver(["data", "add", "data.csv"]).code).toBe(0);
  repo.commit("data");
  const outside = makeFolder("remotes");
  repo.git("init", "-q", "--bare", join(outside, "origin.git"));
  repo.git("remote", "add", "origin", join(outside, "origin.git"));
  expect(repo.expver(["data", "remote", "add", "-d", "store", join(outside, "store")]).code).toBe(0);
  repo.commit("remote");
  expect(repo.expver(["tag", "-d", "first"]).code).toBe(0);
  return repo;
}

const gitCode = (repo: TestRepository, ...args: string[]) => {
  const { code, stdout, stderr } = repo.run("git", args);
  return { code, text: stdout + stderr };
};

it("no push of a branch or version whose data is nowhere else; afterwards it goes", () => {
  const repo = aRepository();
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  for (const ref of ["HEAD", "e0.1.0"]) {
    const { code, text } = gitCode(repo, "push", "origin", ref);
    expect(code).not.toBe(0);
    expect(text).toContain("E_GATE");
    expect(text).toMatch(/expver (publish e0\.1\.0|data push)/);
  }
  expect(gitCode(repo, "ls-remote", "origin").text).toBe("");
  expect(repo.expver(["data", "push"]).code).toBe(0);
  expect(gitCode(repo, "push", "-q", "origin", "HEAD", "e0.1.0").code).toBe(0);
  expect(gitCode(repo, "push", "-q", "origin", "--delete", "e0.1.0").code).toBe(0);
});

it("projects in folders of the repository are looked at, each with its own remote and versions", () => {
  const repo = makeRepository();
  const outside = makeFolder("remotes");
  repo.git("init", "-q", "--bare", join(outside, "origin.git"));
  repo.git("remote", "add", "origin", join(outside, "origin.git"));
  for (const cwd of ["one", "two"]) {
    repo.commit(cwd, { [`${cwd}/expver.yaml`]: `versions: { prefix: ${cwd} }\n` });
    expect(repo.expver(["init"], { cwd }).code).toBe(0);
    repo.write(`${cwd}/data.csv`, `${cwd}\n`);
    expect(repo.expver(["data", "add", "data.csv"], { cwd }).code).toBe(0);
    expect(repo.expver(["data", "remote", "add", "-d", "store", join(outside, cwd)], { cwd }).code).toBe(0);
    repo.commit("data");
    expect(repo.expver(["tag", "-d", "first"], { cwd }).code).toBe(0);
  }
  expect(repo.expver(["hooks", "install"], { cwd: "two" }).code).toBe(0);
  expect(gitCode(repo, "push", "origin", "HEAD").text).toContain("expver -C one data push sends them first");
  expect(repo.expver(["data", "push"], { cwd: "one" }).code).toBe(0);
  expect(gitCode(repo, "push", "origin", "HEAD").text).toContain("expver -C two data push sends them first");
  expect(gitCode(repo, "push", "-q", "origin", "one0.1.0").code).toBe(0);
  expect(gitCode(repo, "push", "origin", "two0.1.0").text).toContain("expver -C two publish two0.1.0 sends them first");
  expect(repo.expver(["publish"], { cwd: "two" }).code).toBe(0);
  expect(gitCode(repo, "push", "-q", "origin", "HEAD", "two0.1.0").code).toBe(0);
});

it("publish passes its own hook", () => {
  const repo = aRepository();
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  expect(repo.expver(["publish"]).code).toBe(0);
  expect(gitCode(repo, "ls-remote", "origin").text).toContain("refs/tags/e0.1.0");
});

it("no rebase that leaves versions on no branch", () => {
  const repo = aRepository();
  repo.git("branch", "other", "HEAD~1");
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  const branch = repo.git("branch", "--show-current");
  repo.git("checkout", "-q", "other");
  repo.commit("elsewhere", { "other.txt": "x\n" });
  repo.git("checkout", "-q", branch);
  const before = repo.git("rev-parse", "HEAD");
  const { code, text } = gitCode(repo, "rebase", "other");
  expect(code).not.toBe(0);
  expect(text).toContain("e0.1.0");
  expect(repo.git("rev-parse", "HEAD")).toBe(before);
  repo.git("checkout", "-q", "other");
  expect(gitCode(repo, "rebase", branch).code).toBe(0);
});

it("runs the hook that was there first, and brings it back", () => {
  const repo = aRepository();
  const path = join(repo.root, ".git/hooks/pre-push");
  const own = "#!/bin/sh\ncat > pushed.txt\n[ ! -e refuse ]\n";
  repo.write(".git/hooks/pre-push", own);
  repo.run("chmod", ["+x", ".git/hooks/pre-push"]);
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  expect(repo.expver(["data", "push"]).code).toBe(0);
  repo.write("refuse", "");
  expect(gitCode(repo, "push", "-q", "origin", "HEAD").code).not.toBe(0);
  rmSync(join(repo.root, "refuse"));
  expect(gitCode(repo, "push", "-q", "origin", "HEAD").code).toBe(0);
  expect(repo.read("pushed.txt")).toContain("refs/heads/");
  expect(repo.expverJson(["hooks"]).data).toMatchObject({
    hooks: [
      { state: "current", chained: true },
      { state: "current", chained: false },
      { name: "reference-transaction", state: "current", chained: false },
    ],
  });
  expect(repo.expver(["hooks", "remove"]).code).toBe(0);
  expect(repo.read(".git/hooks/pre-push")).toBe(own);
  expect(statSync(path).mode & 0o111).not.toBe(0);
  expect(existsSync(join(repo.root, ".git/hooks/pre-rebase"))).toBe(false);
});

it("says how to go on where it cannot look", () => {
  const repo = aRepository();
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  repo.write("expver.yaml", "metrics: [\n");
  const { code, text } = gitCode(repo, "push", "-q", "origin", "HEAD");
  expect(code).not.toBe(0);
  expect(text).toContain("git push --no-verify");
});

it("where expver is gone, Git goes on", () => {
  const repo = aRepository();
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  const hook = repo.read(".git/hooks/pre-push").replaceAll("dist/main.cjs", "dist/gone.js");
  repo.write(".git/hooks/pre-push", hook);
  const { code } = repo.run("git", ["push", "-q", "origin", "HEAD"], { env: { PATH: "/usr/bin:/bin" } });
  expect(code).toBe(0);
});

it("leaves hooks that others share alone", () => {
  const repo = aRepository();
  const folder = makeFolder("hooks");
  repo.git("config", "core.hooksPath", folder);
  expect(repo.expverJson(["hooks", "install"])).toMatchObject({ code: 4, error: { code: "E_GATE" } });
  expect(existsSync(join(folder, "pre-push"))).toBe(false);
});

it("works in a linked worktree, where Git has the hooks of the main one", () => {
  const repo = aRepository();
  expect(repo.expver(["worktree", "create", "side"]).code).toBe(0);
  expect(repo.expver(["hooks", "install"], { cwd: "../exp-side" }).code).toBe(0);
  expect(existsSync(join(repo.root, ".git/hooks/pre-push"))).toBe(true);
  expect(repo.run("git", ["push", "origin", "HEAD"], { cwd: "../exp-side" }).code).not.toBe(0);
});

it("gives the hook that was there what Git says, to the byte, and is found when it was renamed by what manages hooks", () => {
  const repo = aRepository();
  repo.write(".git/hooks/pre-push", "#!/bin/sh\ncat > pushed.txt\n");
  repo.run("chmod", ["+x", ".git/hooks/pre-push"]);
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  expect(repo.expver(["data", "push"]).code).toBe(0);
  expect(gitCode(repo, "push", "-q", "origin", "HEAD").code).toBe(0);
  expect(repo.read("pushed.txt")).toMatch(/^\S+ \S+ refs\/heads\/\S+ 0+\n$/);
  // Nothing to push: not even an empty line.
  expect(gitCode(repo, "push", "-q", "origin", "HEAD").code).toBe(0);
  expect(repo.read("pushed.txt")).toBe("");
  // As pre-commit does with a hook it finds.
  renameSync(join(repo.root, ".git/hooks/pre-push"), join(repo.root, ".git/hooks/pre-push.legacy"));
  rmSync(join(repo.root, "pushed.txt"));
  expect(repo.run("sh", ["-c", "printf 'a b c d\\n' | .git/hooks/pre-push.legacy origin x"]).code).toBe(0);
  expect(repo.read("pushed.txt")).toBe("a b c d\n");
});

it.each(["install", "remove"])("%s keeps lines that were added to it by hand", (verb) => {
  const repo = aRepository();
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  const edited = `${repo.read(".git/hooks/pre-push")}echo mine\n`;
  repo.write(".git/hooks/pre-push", edited);
  expect(repo.expverJson(["hooks"]).data).toMatchObject({ hooks: [{ state: "edited" }, { state: "current" }, { state: "current" }] });
  expect(repo.expver(["hooks", verb]).code).toBe(0);
  expect(repo.read(".git/hooks/pre-push.edited")).toBe(edited);
  expect(repo.expverJson(["hooks"]).data).toMatchObject({ hooks: [{ state: verb === "install" ? "current" : "missing" }, {}, {}] });
});

it("leaves a folder of hooks alone that is a link to elsewhere", () => {
  const repo = aRepository();
  const folder = makeFolder("linked-hooks");
  rmSync(join(repo.root, ".git/hooks"), { recursive: true });
  symlinkSync(folder, join(repo.root, ".git/hooks"));
  expect(repo.expverJson(["hooks", "install"])).toMatchObject({ code: 4, error: { code: "E_GATE" } });
  expect(existsSync(join(folder, "pre-push"))).toBe(false);
});

it("sees through a ref with blanks, a rebase of everything, and a branch that keeps the version", () => {
  const repo = aRepository();
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  expect(gitCode(repo, "push", "origin", "HEAD@{0 seconds ago}:refs/heads/main").code).not.toBe(0);
  expect(gitCode(repo, "rebase", "--root", "--force-rebase").text).toContain("e0.1.0");
  repo.git("branch", "start", "HEAD~1");
  repo.git("checkout", "-q", "-b", "side");
  repo.commit("more", { "more.txt": "x\n" });
  // The version stays on the branch it was made on.
  expect(gitCode(repo, "rebase", "--force-rebase", "start").code).toBe(0);
});

const hookFiles = (repo: TestRepository) => {
  const folder = join(repo.root, ".git/hooks");
  const names = readdirSync(folder).filter((name) => !name.endsWith(".sample"));
  return Object.fromEntries(names.sort().map((name) => [name, [lstatSync(join(folder, name)).mode, repo.read(`.git/hooks/${name}`)]]));
};

const OWN = "#!/bin/sh\necho own\n";

/** One hook by hand, one that is a link, as what manages hooks makes them. */
function withOwnHooks(): TestRepository {
  const repo = makeRepository();
  repo.commit("start", { "a.txt": "a\n" });
  expect(repo.expver(["init"]).code).toBe(0);
  repo.write(".git/hooks/pre-push", OWN);
  repo.write(".git/hooks/manager", "#!/bin/sh\necho managed\n");
  repo.run("chmod", ["750", ".git/hooks/pre-push", ".git/hooks/manager"]);
  symlinkSync("manager", join(repo.root, ".git/hooks/pre-rebase"));
  return repo;
}

it("install and remove are undone, to the mode and the link", () => {
  const repo = withOwnHooks();
  const before = hookFiles(repo);
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  const installed = hookFiles(repo);
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(hookFiles(repo)).toEqual(before);
  expect(repo.expver(["hooks", "install"]).code).toBe(0);
  expect(repo.expver(["hooks", "remove"]).code).toBe(0);
  expect(hookFiles(repo)).toEqual(before);
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(hookFiles(repo)).toEqual(installed);
  repo.write(".git/hooks/pre-push", `${repo.read(".git/hooks/pre-push")}echo mine\n`);
  const edited = hookFiles(repo);
  expect(repo.expver(["hooks", "remove"]).code).toBe(0);
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(hookFiles(repo)).toEqual(edited);
});

it.each(["install", "remove"])(
  "%s killed anywhere is taken back, and a hook of one's own was there all the time",
  (verb) => {
    const repo = withOwnHooks();
    if (verb === "remove") expect(repo.expver(["hooks", "install"]).code).toBe(0);
    const before = hookFiles(repo);
    const { step, from } = sampledPoints(7);
    const points = atEveryKill(
      (at) => {
        const killed = runKilledAt(repo, ["hooks", verb], at);
        const now = hookFiles(repo);
        // The one that was there, or ours, which calls it.
        expect([at, "pre-push" in now && (now["pre-push"]?.[1] === OWN || now["pre-push.before-expver"]?.[1] === OWN)]).toEqual([at, true]);
        // Killed behind its last word, it is done.
        expect(repo.expver(["doctor", "--fix"]).code).toBe(0);
        const last = repo.expverJson(["ops"]).data.operations.find((one: { command: string }) => one.command === `hooks ${verb}`);
        if (last?.state === "done") expect(repo.expver(["undo"]).code).toBe(0);
        expect([at, hookFiles(repo)]).toEqual([at, before]);
        return killed;
      },
      { step, from },
    );
    expect(points).toBeGreaterThan(10);
  },
  240_000,
);
