/** Names that a line of `.gitignore` says only when they are written otherwise: Git would commit the data. */
import { expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeRepository } from "../support/repository.ts";

const NAMES = [
  "line\nbreak",
  "return\r",
  "middle\rreturn",
  "blank ",
  "back\\slash",
  " ",
  "\\",
  "\n",
  "tab\tx",
  " lead",
  "#hash",
  "!bang",
  "[a]*?",
];

it("are ignored by Git, enter no snapshot, and leave no line behind", () => {
  const repo = makeRepository();
  repo.expver(["init"]);
  for (const name of NAMES) repo.write(`data/${name}`, `bytes of ${JSON.stringify(name)}`);
  repo.write("data/line break", "another");
  const paths = NAMES.map((name) => `data/${name}`);
  expect(repo.expver(["data", "add", "--", ...paths])).toMatchObject({ code: 0 });
  expect(
    repo
      .git("status", "--short", "-uall", "-z", "data")
      .split("\0")
      .filter((line) => line !== "" && !line.endsWith(".dvc")),
  ).toEqual(["?? data/.gitignore", "?? data/line break"]);
  expect(repo.expver(["run", "--", "true"]).code).toBe(0);
  const committed = repo.git("ls-tree", "-r", "-z", "--name-only", "HEAD", "data").split("\0");
  expect(committed.filter((path) => paths.includes(path))).toEqual([]);
  expect(committed).toContain("data/line break");
  const before = repo.read("data/.gitignore");
  if (HAS_DVC) expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
  expect(repo.expver(["data", "add", "--", ...paths]).code).toBe(0);
  expect(repo.read("data/.gitignore")).toBe(before);
  expect(repo.expver(["data", "remove", "--", ...paths.map((path) => `${path}.dvc`)]).code).toBe(0);
  expect(() => repo.read("data/.gitignore")).toThrow();
});
