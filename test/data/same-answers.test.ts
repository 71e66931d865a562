/** What is asked of dvc seldom, and is answered as dvc does. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DVC, makeTwins } from "../support/twins.ts";

describe.skipIf(DVC === null)("as dvc does it", { timeout: 180_000 }, () => {
  it("shows and removes all that is said of a remote by its name alone", () => {
    const twins = makeTwins();
    for (const words of ["add -q -d one s3://bucket/path", "add -q two ../two", "modify one jobs 3", "modify one profile it's"])
      twins.run(["remote", ...words.split(" ")]);
    twins.run(["remote", "modify", "--local", "one", "access_key_id", 'a"b']);
    for (const words of ["remote.one", "remote.one --project", "remote.one --local --show-origin", "remote.none", "remote.none --project"])
      twins.same(["config", ...words.split(" ")]);
    for (const words of ["remote.two -u", "remote.two -u", "remote.one -u --local"]) twins.run(["config", ...words.split(" ")]);
    expect(twins.ours.read(".dvc/config")).toBe(twins.theirs.read(".dvc/config"));
    expect(twins.ours.read(".dvc/config.local")).toBe(twins.theirs.read(".dvc/config.local"));
  });

  it("knows a pipeline by its dvc.yaml, not by its dvc.lock", () => {
    const twins = makeTwins();
    const lock =
      "schema: '2.0'\nstages:\n  s:\n    cmd: echo 1 > out\n    outs:\n    - path: out\n      hash: md5\n      md5: b026324c6904b2a9cb4b88d6d61c81d1\n      size: 2\n";
    twins.each(({ commit }) =>
      commit("pipeline", { "dvc.yaml": "stages:\n  s:\n    cmd: echo 1 > out\n    outs: [out]\n", "dvc.lock": lock }),
    );
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    for (const words of ["status", "checkout", "push", "fetch", "commit -f", "update", "diff --targets"])
      expect(twins.run([...words.split(" "), "dvc.lock"]).ours.stderr, words).toContain("dvc.lock");
    twins.run(["status", "dvc.yaml"]);
  });

  it("an import from a folder is known by all its files, those too that are ignored here", () => {
    const twins = makeTwins();
    twins.each(({ root, commit }) => {
      commit("ignoring", { ".dvcignore": "*.tmp\n" });
      mkdirSync(join(root, "../from/sub"), { recursive: true });
      for (const path of ["a", "b.tmp", "sub/c"]) writeFileSync(join(root, "../from", path), path);
    });
    for (const args of [["import-url", "-q", "../from", "here"], ["update", "-q", "here.dvc"], ["status"]]) twins.run(args);
    expect(twins.ours.read("here.dvc")).toBe(twins.theirs.read("here.dvc"));
    expect(twins.ours.read("here.dvc")).toMatch(/nfiles: 3[\s\S]*nfiles: 2/);
    twins.each(({ root }) => writeFileSync(join(root, "../from/b.tmp"), "changed"));
    twins.run(["update", "-q", "here.dvc"]);
    expect(twins.ours.read("here.dvc")).toBe(twins.theirs.read("here.dvc"));
  });

  it("gc ends with dvc's code when a pipeline or a pointer cannot be read", () => {
    const twins = makeTwins();
    for (const [path, text] of [
      ["bad.dvc", "outs: 3\n"],
      ["dvc.yaml", "stages: [\n"],
    ] as const) {
      twins.each(({ write, commit }) => {
        commit("lock", { "dvc.lock": "schema: '2.0'\nstages: {}\n" });
        write(path, text);
      });
      twins.run(["gc", "-w", "-f"]);
      twins.each(({ git }) => git("clean", "-q", "-f", path));
    }
  });
});
