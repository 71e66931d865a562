/** `.dvcignore`: which files of a folder are data. That dvc reads the patterns alike is seen in test/data/twins.test.ts. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { dvcIgnore, ignoreRules, matchingPattern } from "../../src/store/settings/dvcignore.ts";
import { makeRepository } from "../support/repository.ts";

function withIgnore(files: Record<string, string>) {
  const repository = makeRepository();
  expect(repository.expver(["data", "init", "-q"]).code).toBe(0);
  for (const [path, text] of Object.entries(files)) repository.write(path, text);
  const project = openProject(repository.context);
  return { project, at: (path: string) => join(repository.root, path) };
}

it("lines are stripped at both ends; the last that fits wins, of inner files after outer ones; case counts", () => {
  const { project, at } = withIgnore({
    ".dvcignore": "  *.log  \r\n# *.txt\n\n!keep.log\nonly/\n*.Tmp\n",
    "data/.dvcignore": "!back.log\nkeep.log\n",
  });
  const ignored = dvcIgnore(project, at("data/set"));
  const files = { "a.log": true, "a.txt": false, "keep.log": true, "back.log": false, "x.tmp": false, "x.Tmp": true, only: false };
  for (const [name, expected] of Object.entries(files)) expect([name, ignored(at(`data/set/${name}`), false)]).toEqual([name, expected]);
  expect(ignored(at("data/set/only"), true)).toBe(true);
  // A file of a folder beside it has no say.
  expect(dvcIgnore(project, at("other/set"))(at("other/set/back.log"), false)).toBe(true);
});

it("what lies outside has no patterns, and one that lies in the output itself is data", () => {
  const { project, at } = withIgnore({ ".dvcignore": "*\n", "set/.dvcignore": "!*\n" });
  expect(dvcIgnore(project, "/elsewhere/set")("/elsewhere/set/a", false)).toBe(false);
  expect(matchingPattern(project, "/elsewhere/a")).toBeNull();
  expect(dvcIgnore(project, at("set"))(at("set/a"), false)).toBe(true);
  expect(ignoreRules(project, at("set"))).toBe(JSON.stringify([["*"]]));
});

it("the pattern that decides is named; below an ignored folder nothing is taken back", () => {
  const { project, at } = withIgnore({ ".dvcignore": "build/\n!build/keep\n", "sub/.dvcignore": "\n!*.log\n" });
  const shown = (path: string) => matchingPattern(project, at(path));
  expect(shown("build/keep")).toEqual({ shown: ".dvcignore:1:build/", ignores: true, fits: expect.anything() });
  expect(shown("sub/x.log")).toMatchObject({ shown: "sub/.dvcignore:2:!*.log", ignores: false });
  expect(shown("x.log")).toBeNull();
  for (const [path, pattern] of [
    [".git/config", ":.git"],
    [".git", ":.git"],
    [".dvc/config", ":.dvc/"],
    ["sub/.hg/x", ":.hg/"],
  ] as const)
    expect([path, shown(path)?.shown]).toEqual([path, pattern]);
});
