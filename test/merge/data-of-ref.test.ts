/** `expver merge REF -- data/x.csv`: rows of another branch's file, wherever its bytes are. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;
const FILE = "data/rows.csv";
const must = (...args: string[]) => {
  const { code, data, error } = repo.expverJson(args);
  if (code !== 0) throw new Error(`${args.join(" ")}: ${JSON.stringify(error)}`);
  return data;
};
const rows = () => repo.read(FILE).trim().split("\n").slice(1).sort();

beforeEach(() => {
  repo = makeRepository();
  must("init");
  repo.write(FILE, "id,x\n1,a\n");
  must("data", "add", FILE);
  repo.commit("start");
  repo.git("checkout", "-q", "-b", "other");
  repo.write(FILE, "id,x\n1,a\n2,b\n");
  must("data", "add", FILE);
  repo.commit("theirs");
  repo.git("checkout", "-q", "main");
  must("data", "checkout");
  repo.write(FILE, "id,x\n1,a\n3,c\n");
});

describe("a data file of another branch", () => {
  it("comes out of the cache; repeating adds nothing; only that file is changed", () => {
    const dry = must("merge", "other", "--dry-run", "--", FILE);
    expect(JSON.stringify(dry.steps)).toContain("1 new row of 2");
    expect(rows()).toEqual(["1,a", "3,c"]);
    const merged = must("merge", "other", "--", FILE);
    expect(merged.data.sources).toMatchObject([{ source: `other:${FILE}`, rows: 2, inserted: 1 }]);
    expect(rows()).toEqual(["1,a", "2,b", "3,c"]);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(must("merge", "other", "--", FILE).data).toMatchObject({ changed: false });
    expect(repo.run("find", [".git/expver/merging", "-type", "f"]).stdout).toBe("");
  });

  it("is fetched when only the remote has it, and the cache stays as it is; a file in a tracked folder, and one that Git keeps", () => {
    const remote = makeFolder("remote");
    must("data", "remote", "add", "--local", "-d", "store", remote);
    repo.git("checkout", "-q", "-f", "other");
    must("data", "checkout", "--force");
    repo.write("set/part.csv", "id\n1\n2\n");
    must("data", "add", "set");
    repo.write("kept.csv", "id\n1\n2\n");
    repo.commit("more");
    must("data", "push");
    repo.git("checkout", "-q", "main");
    must("data", "checkout");
    repo.write(FILE, "id,x\n1,a\n3,c\n");
    repo.write("set/part.csv", "id\n3\n");
    repo.write("kept.csv", "id\n3\n");
    rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
    must("merge", "other", "--", FILE);
    expect(rows()).toEqual(["1,a", "2,b", "3,c"]);
    must("merge", "other", "--", "set/part.csv");
    expect(repo.read("set/part.csv").trim().split("\n").sort()).toEqual(["1", "2", "3", "id"]);
    must("merge", "other", "--", "kept.csv");
    expect(repo.read("kept.csv").trim().split("\n").sort()).toEqual(["1", "2", "3", "id"]);
    expect(existsSync(join(repo.root, ".dvc/cache/files"))).toBe(false);
  });

  it("says what is missing: the file here, the file there, its bytes, a second file", () => {
    const codeOf = (...args: string[]) => repo.expverJson(["merge", ...args]).error?.code ?? "none";
    expect(codeOf("other", "--", "data/none.csv")).toBe("E_NOT_FOUND");
    repo.write("data/mine.csv", "id\n1\n");
    expect(codeOf("other", "--", "data/mine.csv")).toBe("E_NOT_FOUND");
    expect(codeOf("othr", "--", FILE)).toBe("E_NOT_FOUND");
    repo.git("tag", "e0.7.0", "HEAD^{tree}");
    expect(codeOf("e0.7.0", "--", FILE)).toBe("E_VERSION");
    expect(codeOf("other", "--", FILE, "data/mine.csv")).toBe("E_USAGE");
    expect(codeOf("other", "--", "../outside.csv")).toBe("E_OUTSIDE");
    rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
    expect(codeOf("other", "--", FILE)).not.toBe("none");
    expect(rows()).toEqual(["1,a", "3,c"]);
  });
});
