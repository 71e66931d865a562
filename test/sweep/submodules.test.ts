/** Code that the program has in submodules: Git leaves them empty in a further worktree. */
import { expect, it } from "vitest";
import { makeRepository } from "../support/repository.ts";
import { makeSweepExperiment } from "./story.ts";

it("each run has the submodules' files as the commit has them, whatever the last run did to them; what cannot be there is said", () => {
  const inner = makeRepository();
  inner.commit("lib", { "lib.js": "exports.word = 'lib';\n" });
  const library = makeRepository();
  library.git("submodule", "--quiet", "add", inner.root, "deep");
  library.commit("with another", { "lib.js": "exports.word = 'outer ' + require('./deep/lib.js').word;\n" });
  const repo = makeSweepExperiment();
  repo.git("submodule", "--quiet", "add", library.root, "li b");
  repo.git("submodule", "--quiet", "update", "--init", "--recursive");
  const spoil = "fs.appendFileSync('li b/lib.js', 'exports.word = 1;'); fs.writeFileSync('li b/deep/left', '');";
  const look = "console.log(require('./li b/lib.js').word, fs.readdirSync('li b/deep').join());";
  repo.commit("a library", { "train.js": `${repo.read("train.js")}\n${look}\n${spoil}\n` });
  const sweep = () => repo.expverJson(["sweep", "--grid", "lr=0.1,0.2", "--metrics", "metrics.json", "--", "node", "train.js"]);

  const first = sweep();
  expect(first.code, JSON.stringify(first.error)).toBe(0);
  expect(first.warnings).toEqual([]);
  for (const { run_id: run } of repo.expverJson(["runs", "list"]).data.runs) {
    expect(repo.expver(["runs", "logs", run]).stdout).toBe("outer lib lib.js\n");
  }
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(repo.git("-C", "li b", "status", "--porcelain", "--ignored")).toBe("");

  repo.git("-C", "li b", "submodule", "--quiet", "deinit", "--all", "-f");
  repo.write("train.js", repo.read("train.js").replace(look, "").replace(spoil, ""));
  expect(sweep().warnings).toEqual([
    { text: expect.stringContaining("empty in the runs of a sweep: li b/deep"), hint: "git submodule update --init --recursive" },
  ]);
  const made = repo.expverJson(["worktree", "create", "other"]).data;
  expect(made.next[1]).toBe("git submodule update --init --recursive");
  expect(repo.expverJson(["checkout", "e0.1.0"]).data.next[1]).toBe("git submodule update --init --recursive");
});

it("where Git goes into submodules of itself, worktrees and runs are made all the same", () => {
  const inner = makeRepository();
  inner.commit("lib", { "lib.js": "exports.word = 'lib';\n" });
  const repo = makeSweepExperiment();
  repo.git("submodule", "--quiet", "add", inner.root, "lib");
  repo.commit("a library", { "train.js": `${repo.read("train.js")}\nconsole.log(require('./lib/lib.js').word);\n` });
  repo.git("config", "submodule.recurse", "true");
  // One slot is used twice.
  const swept = repo.expverJson(["sweep", "--jobs", "1", "--grid", "lr=0.1,0.2", "--metrics", "metrics.json", "--", "node", "train.js"]);
  expect(swept.code, JSON.stringify(swept.error)).toBe(0);
  expect(swept.warnings).toEqual([]);
  expect(repo.expverJson(["checkout", "e0.1.0"])).toMatchObject({ code: 0, error: null });
  expect(repo.expverJson(["worktree", "create", "other"])).toMatchObject({ code: 0, error: null });
});
