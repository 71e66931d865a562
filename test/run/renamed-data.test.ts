/** Tracked data that was renamed by hand is no code: the run says how its pointer follows. */
import { renameSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { TestRepository } from "../support/repository.ts";
import { makeExperiment } from "./story.ts";

function study(): TestRepository {
  const repo = makeExperiment();
  for (const [path, text] of Object.entries({ "a.csv": "x,1\n", "d/1": "one\n", "d/sub/2": "two\n" })) repo.write(path, text);
  must(repo, "data", "add", "a.csv", "d");
  repo.commit("data");
  return repo;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into data of every command.
function must(repo: TestRepository, ...args: string[]): any {
  const answer = repo.expverJson(args);
  expect(answer, JSON.stringify(answer.error)).toMatchObject({ code: 0 });
  return answer;
}

const rename = (repo: TestRepository, from: string, to: string) => renameSync(join(repo.root, from), join(repo.root, to));

it("a file and a folder stay out of the snapshot, and what is said to be typed makes all well", () => {
  const repo = study();
  rename(repo, "a.csv", "b.csv");
  rename(repo, "d", "e");
  repo.write("e/3", "new\n");
  repo.write("code.js", "1\n");
  const { data, warnings } = must(repo, "run", "--", "node", "train.js");
  const said = (path: string) =>
    warnings.find(({ text }: { text: string }) => text === `${path} is not part of this experiment (data)`)?.hint;
  const away = warnings.find(({ text }: { text: string }) => text.startsWith("inputs that are not here"));
  expect(away).toEqual({ text: expect.stringContaining("a.csv, d") });
  expect(repo.git("ls-tree", "-r", "--name-only", data.snapshot).split("\n")).toEqual(expect.arrayContaining(["code.js", "a.csv.dvc"]));
  expect(repo.git("ls-tree", "-r", "--name-only", data.snapshot)).not.toMatch(/^(b\.csv|e\/.*)$/m);
  expect(said("b.csv")).toBe("a.csv under another name: expver data move a.csv b.csv");
  expect(said("e")).toBe("d under another name: mv e d && expver data move d e");
  must(repo, "data", "move", "a.csv", "b.csv");
  rename(repo, "e", "d");
  must(repo, "data", "move", "d", "e");
  must(repo, "data", "add", "e");
  repo.commit("renamed");
  must(repo, "run", "--", "node", "train.js");
  const tag = repo.git("tag", "-l", "--format=%(contents)", "e0.2.0");
  expect([...tag.matchAll(/^Data: \w+(?:\.dir)? \d+ (.*)$/gm)].map(([, path]) => path)).toEqual(["b.csv", "e"]);
});

it("what only looks like it is code: other bytes of the same size, an empty file, a copy", () => {
  const repo = study();
  rename(repo, "a.csv", "away");
  writeFileSync(join(repo.root, "away"), "y,2\n");
  rename(repo, "d", "e");
  repo.write("e/1", "other\n");
  repo.write("e/sub/2", "others\n");
  repo.write("empty", "");
  const { data } = must(repo, "run", "--", "node", "train.js");
  const names = repo.git("ls-tree", "-r", "--name-only", data.snapshot).split("\n");
  expect(names).toEqual(expect.arrayContaining(["away", "e/1", "e/sub/2", "empty"]));
});

it("a folder of code into which the files of one were moved is none: its new code is in the snapshot", () => {
  const repo = study();
  repo.commit("code", { "src/main.js": "1\n" });
  repo.write("src/new.js", "2\n");
  rename(repo, "d/1", "src/1");
  rename(repo, "d/sub", "src/sub");
  rmdirSync(join(repo.root, "d"));
  const { data } = must(repo, "run", "--", "node", "train.js");
  expect(repo.git("ls-tree", "-r", "--name-only", data.snapshot).split("\n")).toEqual(
    expect.arrayContaining(["src/main.js", "src/new.js"]),
  );
});
