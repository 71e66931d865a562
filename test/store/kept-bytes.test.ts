/** Ignore files are bytes to Git: a pattern or a remark in another encoding than ours stays what it is. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bytesFor, keepingLines } from "../../src/platform/kept-bytes.ts";
import { makeExperiment } from "../run/story.ts";
import { makeFolder } from "../support/repository.ts";

const LATIN = Buffer.from("donn\xe9es/\r\n# caf\xe9 \u00ff\n", "latin1");

it("keeps lines that are there, with the ends they are to have, and writes others as they are", () => {
  const path = join(makeFolder(), "file");
  writeFileSync(path, LATIN);
  const text = LATIN.toString("utf8");
  expect(Buffer.from(bytesFor(path, text)).equals(LATIN)).toBe(true);
  const [first = "", second = ""] = text.split(/\r?\n/);
  const other = keepingLines(`${second}\n/é\n${first}\n`, LATIN);
  expect(Buffer.from(other).toString("latin1")).toBe("# caf\xe9 \xff\n/\xc3\xa9\ndonn\xe9es/\n");
  expect(Buffer.from(bytesFor(join(path, "not"), "a\uFFFD")).toString("utf8")).toBe("a\uFFFD");
});

it("tells lines apart that differ only in what is no UTF-8", () => {
  const lines = Buffer.from("donn\xe9es\n\ndonn\xe8es\n\n", "latin1");
  expect(Buffer.from(keepingLines(`${lines.toString("utf8")}/x.csv\n`, lines)).toString("latin1")).toBe(
    "donn\xe9es\n\ndonn\xe8es\n\n/x.csv\n",
  );
});

it("init, add, a run and an undo leave what is not UTF-8 in ignore files as it was", () => {
  const repo = makeExperiment();
  const file = (name: string) => readFileSync(join(repo.root, name));
  const begins = (name: string) => file(name).subarray(0, LATIN.length).equals(LATIN);
  for (const name of [".gitignore", "models/.gitignore", ".gitattributes"]) {
    repo.write(name, "");
    writeFileSync(join(repo.root, name), LATIN);
  }
  repo.write("data.csv", "1");
  for (const args of [["init"], ["data", "add", "data.csv"], ["run", "-m", "one", "--", "node", "train.js"]]) {
    expect(repo.expver(args).code).toBe(0);
    expect([".gitignore", ".gitattributes"].map(begins)).toEqual([true, true]);
  }
  expect(begins("models/.gitignore")).toBe(true);
  expect(repo.git("status", "--porcelain", "-uno")).toBe("");
  expect(repo.expver(["undo"]).code).toBe(0);
  expect(file("models/.gitignore").equals(LATIN)).toBe(true);
});
