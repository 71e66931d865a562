/** What was in production when, and the way back: one demotion a promotion, down to nothing. */
import { chmodSync, existsSync, rmSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { dvcCalls, HAS_DVC, jsonOf } from "../support/dvc.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";
import { LOSSES, makeModels, md5, modelOf, must, runOfVersion, stateOf, train } from "./story.ts";

const PRODUCTION = "models/production/model.json";
const FILES = [PRODUCTION, `${PRODUCTION}.dvc`, "models/production/.gitignore"];

type Entry = Record<string, unknown>;

function entries(repo: TestRepository, ...options: string[]): Entry[] {
  return must(repo, "models", "history", ...options).entries;
}

it("names version, run, metric, commit and operation of each, and since when until when", () => {
  const repo = makeModels();
  expect(entries(repo)).toEqual([]);
  const first = must(repo, "models", "promote", "e0.1.0");
  const second = must(repo, "models", "promote", "e0.2.0");
  const back = must(repo, "models", "demote");
  expect(back).toMatchObject({ demoted: { version: "e0.2.0" }, back: { version: "e0.1.0", run: runOfVersion(repo, "e0.1.0") } });
  expect(repo.read(PRODUCTION)).toBe(modelOf("0.5"));
  const of = (version: string, loss: string) => ({ version, run: runOfVersion(repo, version), value: loss, hash: md5(modelOf(loss)) });
  const all = entries(repo);
  expect(all).toMatchObject([
    { ...of("e0.1.0", "0.5"), commit: back.commit, how: "demoted", until: null, bytesAre: ["cache"] },
    { ...of("e0.2.0", "0.2"), commit: second.commit, how: "promoted", until: all[0]?.date },
    { ...of("e0.1.0", "0.5"), commit: first.commit, how: "promoted", until: all[1]?.date },
  ]);
  const operations = must(repo, "ops").operations as { id: string; command: string }[];
  const commandOf = ({ operation }: Entry) => operations.find(({ id }) => id === operation)?.command;
  expect(all.map(commandOf)).toEqual(["models demote", "models promote", "models promote"]);
  expect(must(repo, "models", "history", "-n", "1")).toMatchObject({ entries: [{ commit: back.commit }], leftOut: 2 });
  expect(repo.expver(["models", "history"], { env: { COLUMNS: "200" } }).stdout).toMatch(/e0\.1\.0 .* 0\.5 .* now +demoted/);
  // Whole addresses are for programs; a narrow terminal is not run over.
  expect(all[0]?.by).toBe("Ada Tester <ada@example.com>");
  expect(repo.expver(["models", "history"], { env: { COLUMNS: "200" } }).stdout).toMatch(/ demoted +Ada Tester +[0-9a-f]{12} /);
  const narrow = repo.expver(["models", "history"], { env: { COLUMNS: "44", FORCE_COLOR: "1" } }).stdout;
  const lines = stripVTControlCharacters(narrow).split("\n");
  expect(lines.filter((line) => line.length > 44)).toEqual([]);
  must(repo, "undo");
  expect(entries(repo)).toHaveLength(2);
});

it("one demotion a promotion, the last leaves nothing; dvc agrees; each is undone bit by bit", () => {
  const repo = makeModels();
  for (const version of ["e0.1.0", "e0.2.0", "e0.3.0"]) must(repo, "models", "promote", version);
  const states: unknown[] = [];
  const comesBack = [modelOf("0.2"), modelOf("0.5"), null];
  for (const text of comesBack) {
    states.push(stateOf(repo, ...FILES));
    const { commit } = must(repo, "models", "demote");
    expect(repo.git("diff-tree", "-r", "--name-only", "HEAD~1", "HEAD")).toBe(`${PRODUCTION}.dvc`);
    expect(commit).toBe(repo.git("rev-parse", "HEAD"));
    expect(existsSync(join(repo.root, PRODUCTION)) ? repo.read(PRODUCTION) : null).toBe(text);
    expect(repo.git("status", "--porcelain")).toBe("");
  }
  if (HAS_DVC) expect(jsonOf(dvcCalls(repo, [["status", "--json"]])[0])).toEqual({});
  expect(existsSync(join(repo.root, `${PRODUCTION}.dvc`))).toBe(false);
  expect(must(repo, "models", "info").production.state).toBe("none");
  expect(entries(repo)[0]).toMatchObject({ hash: null, version: null, how: "demoted" });
  expect(repo.expverJson(["models", "demote"])).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
  for (const state of states.reverse()) {
    must(repo, "undo");
    expect(stateOf(repo, ...FILES)).toEqual(state);
  }
});

it("what was promoted anew is above what was demoted; a dry run changes nothing", () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  must(repo, "models", "promote", "e0.3.0");
  must(repo, "models", "demote");
  must(repo, "models", "promote", "e0.2.0");
  const before = stateOf(repo, ...FILES);
  expect(must(repo, "models", "demote", "--dry-run").back).toMatchObject({ version: "e0.1.0" });
  expect(stateOf(repo, ...FILES)).toEqual(before);
  expect(must(repo, "models", "demote").back).toMatchObject({ version: "e0.1.0" });
});

it("bytes that are stored nowhere are taken away only after a yes, and undo has them", () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  repo.write(PRODUCTION, "trained by hand");
  const before = stateOf(repo, ...FILES);
  expect(repo.expverJson(["models", "demote"]).code).toBe(3);
  expect(stateOf(repo, ...FILES)).toEqual(before);
  must(repo, "models", "demote", "--yes");
  expect(existsSync(join(repo.root, PRODUCTION))).toBe(false);
  must(repo, "undo");
  expect(stateOf(repo, ...FILES)).toEqual(before);
});

it("bytes whose object was cut off in the cache are stored nowhere", () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  const whole = repo.read(PRODUCTION);
  const hash = md5(whole);
  const object = join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
  chmodSync(object, 0o644);
  truncateSync(object, 3);
  chmodSync(object, 0o444);
  expect(repo.expverJson(["models", "promote", "e0.2.0"]).code).toBe(3);
  must(repo, "models", "promote", "e0.2.0", "--yes");
  must(repo, "undo");
  expect(repo.read(PRODUCTION)).toBe(whole);
});

it("what a hand put there and what came by a merge are in it; where the bytes are is asked of cache and remote", () => {
  const repo = makeModels();
  must(repo, "data", "remote", "add", "-d", "storage", join(dirname(repo.root), "storage"));
  repo.commit("remote");
  must(repo, "models", "promote", "e0.1.0");
  must(repo, "data", "push");
  repo.git("checkout", "-q", "-b", "side");
  must(repo, "models", "promote", "e0.2.0");
  repo.git("checkout", "-q", "main");
  repo.git("merge", "-q", "--no-ff", "-m", "merged", "side");
  repo.write(PRODUCTION, "by hand");
  must(repo, "data", "add", PRODUCTION);
  repo.commit("by hand");
  const shown = (...options: string[]) => entries(repo, ...options).map(({ version, how, bytesAre }) => [version, how, bytesAre]);
  const hash = md5(modelOf("0.5"));
  rmSync(join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2)));
  const merged = entries(repo)[1];
  expect([merged?.commit, repo.git("log", "-1", "--format=%s", String(merged?.commit))]).toEqual([
    repo.git("rev-parse", "HEAD~1"),
    "merged",
  ]);
  expect(shown()).toEqual([
    [null, "unsaid", ["cache"]],
    ["e0.2.0", "unsaid", ["cache"]],
    ["e0.1.0", "promoted", []],
  ]);
  expect(shown("--cloud")[2]).toEqual(["e0.1.0", "promoted", ["storage"]]);
  expect(must(repo, "models", "demote").back).toMatchObject({ version: "e0.2.0" });
});

it("of versions with the same bytes a merge put that one into production which was promoted on its branch", () => {
  const repo = makeModels();
  const run = train(repo, LOSSES[1] as string);
  must(repo, "models", "promote", "e0.1.0");
  repo.git("checkout", "-q", "-b", "side");
  must(repo, "models", "promote", "e0.4.0");
  repo.git("checkout", "-q", "main");
  repo.git("merge", "-q", "--no-ff", "-m", "merged", "side");
  must(repo, "data", "checkout");
  const what = { version: "e0.4.0", run, how: "unsaid", commit: repo.git("rev-parse", "HEAD") };
  expect(entries(repo)).toMatchObject([what, { version: "e0.1.0", how: "promoted" }]);
  expect(must(repo, "models", "info")).toMatchObject({ promotion: what, is: [{ version: "e0.4.0" }, { version: "e0.2.0" }] });
  // So does whatever is asked for it by that word.
  expect(must(repo, "models", "add", "production")).toMatchObject({ run });
});

it("a shallow clone does not know what was before, and says so; a demotion there takes nothing away", () => {
  const repo = makeModels();
  must(repo, "models", "promote", "e0.1.0");
  must(repo, "models", "promote", "e0.2.0");
  repo.git("commit", "-q", "--allow-empty", "-m", "of somebody else");
  repo.git("commit", "-q", "--allow-empty", "-m", "another");
  const clone = openTestRepository(makeFolder("shallow"));
  clone.git("init", "-q");
  clone.git("fetch", "-q", "--depth", "2", `file://${repo.root}`, "main");
  clone.git("switch", "-q", "-c", "main", "FETCH_HEAD");
  for (const command of ["history", "info"]) {
    expect(clone.expverJson(["models", command]).warnings).toMatchObject([{ text: expect.stringContaining("shallow clone") }]);
  }
  expect(clone.expverJson(["models", "demote", "--dry-run"]).error).toMatchObject({ hint: expect.stringContaining("--unshallow") });
  clone.git("fetch", "-q", "--unshallow", `file://${repo.root}`, "main");
  expect(clone.expverJson(["models", "history"])).toMatchObject({
    warnings: [],
    data: { entries: [{ how: "promoted" }, { how: "promoted" }] },
  });
});
