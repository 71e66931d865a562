import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hashesHere } from "../../src/git/hashes-here.ts";
import { makeRepository } from "../support/repository.ts";

it("names files as Git does, whatever they are called; of a link what it says; folders and what is not there are left out", () => {
  const repo = makeRepository();
  const names = ["plain", '"quoted".txt', 'in "the middle"', "new\nline", "ends\r", "back\\slash", "tab\t", " blank ", "数据"];
  for (const name of names) repo.write(name, `bytes of ${name}\n`);
  symlinkSync("nowhere/at all", join(repo.root, "link"));
  repo.write("folder/file", "");
  repo.git("add", "--all");
  const staged = new Map(
    repo
      .git("ls-files", "-s", "-z")
      .split("\0")
      .filter(Boolean)
      .map((line) => [line.slice(line.indexOf("\t") + 1), line.split(" ")[1]]),
  );
  staged.delete("folder/file");
  expect(hashesHere(repo.repository, [...names, "link", "folder", "gone"])).toEqual(staged);
});
