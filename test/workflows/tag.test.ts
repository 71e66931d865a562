import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderTag } from "../../src/cli/render/tag.ts";
import { openDatabase } from "../../src/platform/sqlite.ts";
import type { Link } from "../../src/provenance/chain.ts";
import { parseMessage } from "../../src/versions/message.ts";
import type { ListedVersion } from "../../src/workflows/list/listed.ts";
import { type TagData, tag } from "../../src/workflows/tag.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { PIPE } from "../support/terminal.ts";

async function apply(repo: TestRepository, input: Record<string, string | boolean>): Promise<TagData> {
  return tag.apply(repo.context, await tag.plan(repo.context, input));
}

const messageOf = (repo: TestRepository, name: string) => parseMessage(repo.git("tag", "-l", "--format=%(contents)", name));

function must(repo: TestRepository, ...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

/** As the original workflow does it: data and database added, committed by hand. */
function byHand(
  rows: [track: string, version: string | null, f1: number, at: string][],
  config = "metrics: { f1: max }\n",
): TestRepository {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("data/train.csv", "a,b\n");
  repo.write("models/production/model.bin", "model");
  repo.write("results/keep", "");
  const db = openDatabase(join(repo.root, "results/experiments.db"), { create: true });
  db.run(
    "CREATE TABLE predictions (track_id TEXT, timestamp TEXT, version TEXT, lr REAL, f1 REAL, api_token TEXT, PRIMARY KEY (track_id, timestamp))",
  );
  for (const [track, version, f1, at] of rows)
    db.run("INSERT INTO predictions VALUES (?, ?, ?, 1e-05, ?, 'hunter2')", [track, at, version, f1]);
  db.close();
  for (const path of ["data/train.csv", "models/production/model.bin", "results/experiments.db"]) must(repo, "data", "add", path);
  repo.commit("tune the thing", {
    "expver.yaml": `${config}params: params.yaml\n`,
    "params.yaml": "train: { epochs: 3, lr: 1e-3 }\nsecret_key: abc\n",
  });
  return repo;
}

/** Data, and a program whose f1 is what it is told; answers the run. */
function trained(): { repo: TestRepository; train(option: string, f1: string): string } {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("data/train.csv", "1");
  must(repo, "data", "add", "data/train.csv");
  repo.commit("first", { "expver.yaml": "metrics: { f1: max }\n" });
  const train = (option: string, f1: string) => {
    const script = `mkdir -p models; echo "$EXPVER_RUN_ID" > models/w; echo '{"f1": ${f1}}' > m.json`;
    const named = option === "-m" ? ["-m", "named"] : [option];
    return repo.expverJson(["run", ...named, "--param", `f1=${f1}`, "--metrics", "m.json", "--", "sh", "-c", script]).data.run_id;
  };
  return { repo, train };
}

function linksOfRuns(repo: TestRepository): string[] {
  const { links } = repo.expverJson(["verify", "e0.2.0"]).data.versions[0] as { links: Link[] };
  return links
    .filter(({ kind }) => kind === "run" || kind === "rows")
    .map(({ kind, target, state, detail }) => `${state} ${kind} ${target}${kind === "rows" ? `: ${detail}` : ""}`);
}

describe("tagging HEAD", () => {
  it("records numbers, data and models of HEAD's own objects, and commits nothing", async () => {
    const repo = byHand([
      ["old", "e0.0.1", 0.99, "2026-01-01 00:00:00.000000"],
      ["mine", null, 0.5, "2026-01-02 00:00:00.000000"],
      ["mine", null, 0.7, "2026-01-02 00:00:01.000000"],
    ]);
    const head = repo.git("rev-parse", "HEAD");
    const status = repo.git("status", "--porcelain");
    const data = await apply(repo, {});
    expect(data).toMatchObject({
      kind: "tagged",
      version: "e0.1.0",
      commit: head,
      line: expect.stringMatching(/^train\.epochs=3 \| train\.lr=1e-3 \| .*f1=0\.7 \| data=[0-9a-f]{6} \| tune the thing$/),
    });
    expect(messageOf(repo, "e0.1.0")).toMatchObject({
      kind: "manual",
      description: "tune the thing",
      code: head,
      runs: [{ run: "mine" }],
      params: { "train.epochs": "3", "train.lr": "1e-3", secret_key: "***", lr: "1e-05", api_token: "***" },
      metrics: [{ name: "f1", value: "0.7", direction: "max" }],
      data: [{ path: "data/train.csv", size: 4 }],
      models: [{ path: "models/production/model.bin", size: 5 }],
    });
    expect(repo.git("rev-parse", "HEAD", "e0.1.0^{commit}").split("\n")).toEqual([head, head]);
    expect(repo.git("status", "--porcelain")).toBe(status);
    expect(repo.git("for-each-ref", "--format=%(refname)", "refs/expver/unpublished")).toBe("refs/expver/unpublished/e0.1.0");
    expect(renderTag(data, PIPE)).toContain("not published: expver publish e0.1.0");
  });

  it("takes the rows stamped with the version, and of several runs the best in the metric's direction", async () => {
    const rows: [string, string | null, number, string][] = [
      ["a", "e0.2.0", 0.9, "2026-01-01 00:00:00.000000"],
      ["b", "e0.2.0", 0.2, "2026-01-02 00:00:00.000000"],
      ["c", null, 0.1, "2026-01-03 00:00:00.000000"],
    ];
    const best = byHand(rows);
    await apply(best, { version: "e0.2.0" });
    expect(messageOf(best, "e0.2.0")).toMatchObject({ runs: [{ run: "a" }, { run: "b" }], bestRun: "a", metrics: [{ value: "0.9" }] });
    const least = byHand(rows, "metrics: { f1: min }\n");
    await apply(least, { version: "e0.2.0" });
    expect(messageOf(least, "e0.2.0")).toMatchObject({ bestRun: "b", metrics: [{ value: "0.2", direction: "min" }] });
  });

  it("says that it took the latest of several runs when no metric has a direction", async () => {
    const rows: [string, string | null, number, string][] = [
      ["a", "e0.2.0", 0.9, "2026-01-01 00:00:00.000000"],
      ["b", "e0.2.0", 0.2, "2026-01-02 00:00:00.000000"],
    ];
    const repo = byHand(rows, "");
    await apply(repo, { version: "e0.2.0" });
    expect(messageOf(repo, "e0.2.0")).toMatchObject({ bestRun: null, metrics: [{ value: "0.2" }] });
    expect(repo.warnings()).toEqual(["2 runs carry e0.2.0 and no metric has a direction: it gets the numbers of the latest, b"]);
    const known = byHand(rows);
    await apply(known, { version: "e0.2.0" });
    expect(known.warnings()).toEqual([]);
  });

  it("makes of a tracker's own rows a version that verify finds whole, and broken once they are another's", async () => {
    const repo = byHand([
      ["a", "e0.2.0", 0.9, "2026-01-01 00:00:00.000000"],
      ["b", "e0.2.0", 0.2, "2026-01-02 00:00:00.000000"],
    ]);
    await apply(repo, { version: "e0.2.0" });
    expect(linksOfRuns(repo)).toEqual([
      "unrecorded run a",
      "proven rows a: 1 row carries its version",
      "unrecorded run b",
      "proven rows b: 1 row carries its version",
    ]);
    expect(repo.expver(["verify", "e0.2.0"]).code).toBe(0);

    // Other rows under the same version, as after a rebase of the database by hand.
    const db = openDatabase(join(repo.root, "results/experiments.db"));
    db.run("UPDATE predictions SET version = 'e0.9.0' WHERE track_id = 'a'");
    db.run("UPDATE predictions SET track_id = 'stranger' WHERE track_id = 'b'");
    db.close();
    must(repo, "data", "add", "results/experiments.db");
    repo.git("commit", "-qam", "other rows");
    repo.git("tag", "-f", "e0.2.0", "-m", repo.git("tag", "-l", "--format=%(contents)", "e0.2.0"));
    expect(linksOfRuns(repo)).toEqual([
      "unrecorded run a",
      "wrong rows a: 1 of 1 rows carry another version",
      "missing run b",
      "wrong rows predictions: 1 row with e0.2.0 that belong to none of its runs",
    ]);
    expect(repo.expver(["verify", "e0.2.0"]).code).toBe(5);
  });

  it("takes the older skill's experiment_version for the version of a row, where it is a version's name", async () => {
    const repo = byHand([
      ["a", "e0.2.0", 0.8, "2026-01-01 00:00:00.000000"],
      ["b", "e0.3.0", 0.9, "2026-01-02 00:00:00.000000"],
      ["c", "second try", 0.7, "2026-01-03 00:00:00.000000"],
    ]);
    const db = openDatabase(join(repo.root, "results/experiments.db"));
    db.run("ALTER TABLE predictions RENAME COLUMN version TO experiment_version");
    db.close();
    must(repo, "data", "add", "results/experiments.db");
    repo.git("commit", "-qam", "as the older skill writes it");
    for (const version of ["e0.2.0", "e0.4.0"]) await apply(repo, { version });
    expect(messageOf(repo, "e0.2.0")).toMatchObject({ metrics: [{ value: "0.8" }], runs: [{ run: "a" }] });
    expect(messageOf(repo, "e0.4.0")).toMatchObject({ metrics: [{ value: "0.7" }], runs: [{ run: "c" }] });
    expect(repo.expver(["verify"]).code).toBe(0);
  });

  it("never takes numbers of another version, and says when it has none", async () => {
    const repo = byHand([["old", "e0.0.1", 0.99, "2026-01-01 00:00:00.000000"]]);
    await apply(repo, { version: "e0.3.0" });
    expect(messageOf(repo, "e0.3.0")).toMatchObject({ metrics: [], runs: [] });
    expect(repo.warnings()).toEqual([expect.stringContaining("belongs to another version")]);
  });

  it("counts the same data as inputs as a run does", async () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.write("data/train.csv", "1");
    must(repo, "data", "add", "data/train.csv");
    must(repo, "run", "--", "sh", "-c", "mkdir -p models; echo w > models/weights.json");
    const { dataHash } = messageOf(repo, "e0.1.0");
    expect(dataHash).toMatch(/^[0-9a-f]{32}$/);
    await apply(repo, { version: "e0.2.0" });
    expect(messageOf(repo, "e0.2.0")).toMatchObject({ dataHash, models: [{ path: "models/weights.json" }] });
  });

  it("does not take the numbers of a run that failed", () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.commit("first", { "expver.yaml": "metrics: { f1: max }\n" });
    must(repo, "run", "--no-tag", "--metrics", "m.json", "--", "sh", "-c", "echo '{\"f1\": 0.5}' > m.json");
    expect(repo.expver(["run", "--metrics", "m.json", "--", "sh", "-c", "echo '{\"f1\": 0.9}' > m.json; exit 1"]).code).toBe(1);
    must(repo, "data", "add", "results/experiments.db");
    repo.commit("with the failed one");
    must(repo, "tag", "e0.1.0", "-d", "by hand");
    expect(messageOf(repo, "e0.1.0").metrics).toMatchObject([{ name: "f1", value: "0.5" }]);
  });

  it("does not take later rows of a run that has a version already", () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.commit("first", { "expver.yaml": "metrics: { f1: max }\n" });
    must(repo, "run", "--metrics", "m.json", "--", "sh", "-c", "echo '{\"f1\": 0.5}' > m.json");
    must(repo, "log", "--track-id", repo.expverJson(["runs", "list"]).data.runs[0].run_id, "f1=0.9");
    must(repo, "data", "add", "results/experiments.db");
    repo.commit("with a row that came later");
    expect(repo.expver(["tag", "e0.2.0", "-d", "by hand"]).stderr).toContain("no numbers for e0.2.0");
    expect(messageOf(repo, "e0.2.0")).toMatchObject({ runs: [], metrics: [] });
  });

  it("of a run without a version is one that verify does not call broken", () => {
    const { repo, train } = trained();
    train("--no-tag", "0.5");
    must(repo, "tag", "e0.1.0", "-d", "by hand");
    expect(messageOf(repo, "e0.1.0").metrics).toMatchObject([{ name: "f1", value: "0.5" }]);
    const { code, data } = repo.expverJson(["verify"]);
    expect({ code, broken: data.links.missing + data.links.wrong }).toEqual({ code: 0, broken: 0 });
    const { run_id: run } = repo.expverJson(["runs", "list"]).data.runs[0];
    expect(data.versions[0].links.filter(({ target }: Link) => target === run)).toMatchObject([
      { kind: "run", state: "unrecorded" },
      { kind: "rows", state: "unrecorded" },
    ]);
  });

  it("does not take the numbers of a run that another has followed: the model is the other's", () => {
    const { repo, train } = trained();
    const run = train("--no-tag", "0.5");
    train("-m", "0.9");
    expect(repo.expver(["tag", "e0.2.0", "-d", "by hand"]).stderr).toContain(`not those of ${run}`);
    expect(messageOf(repo, "e0.2.0")).toMatchObject({ runs: [], metrics: [], params: {} });
    expect(repo.expver(["verify"]).code).toBe(0);
  });

  it("does not take the numbers of a run that read other data", () => {
    const { repo, train } = trained();
    const run = train("--no-tag", "0.5");
    repo.write("data/train.csv", "2");
    must(repo, "data", "add", "data/train.csv");
    repo.commit("other data");
    expect(repo.expver(["tag", "e0.1.0", "-d", "by hand"]).stderr).toContain(`not those of ${run}`);
    expect(messageOf(repo, "e0.1.0")).toMatchObject({ runs: [], metrics: [] });
  });

  it("does not take the numbers of a run that ran other code, unless that is the configuration or what the run itself wrote", () => {
    const { repo, train } = trained();
    repo.commit("metrics under Git", { "m.json": "{}" });
    const run = train("--no-tag", "0.5");
    const before = repo.git("rev-parse", "HEAD");
    repo.commit("other code", { "train.sh": "# other\n" });
    const { stderr } = repo.expver(["tag", "e0.1.0", "-d", "by hand"]);
    expect(stderr).toContain(`not those of ${run}, which has no version, for HEAD has other code: train.sh`);
    expect(stderr).toContain(`expver tag VERSION --run ${run}`);
    expect(messageOf(repo, "e0.1.0")).toMatchObject({ runs: [], metrics: [], params: {} });
    repo.git("reset", "-q", "--hard", before);
    repo.commit("no code", { "expver.yaml": `${repo.read("expver.yaml")}\n# a word\n`, "m.json": "{}" });
    must(repo, "tag", "e0.2.0", "-d", "by hand");
    expect(messageOf(repo, "e0.2.0")).toMatchObject({ runs: [{ run }], metrics: [{ value: "0.5" }] });
  });

  it("takes the numbers of a run whose own commit was squashed away: which files it wrote is not known any more", () => {
    const { repo, train } = trained();
    const run = train("--no-tag", "0.5");
    for (const ref of repo.git("for-each-ref", "--format=%(refname)", "refs/expver").split("\n").filter(Boolean))
      repo.git("update-ref", "-d", ref);
    repo.git("reset", "-q", "--soft", "HEAD~1");
    repo.commit("squashed", { "notes.txt": "text\n" });
    must(repo, "tag", "e0.1.0", "-d", "by hand");
    expect(messageOf(repo, "e0.1.0")).toMatchObject({ runs: [{ run }], metrics: [{ value: "0.5" }] });
  });

  it("says which run it took when several have no version", async () => {
    const repo = byHand([
      ["a", null, 0.1, "2026-01-01 00:00:00.000000"],
      ["b", null, 0.2, "2026-01-02 00:00:00.000000"],
    ]);
    await apply(repo, { version: "e0.1.0" });
    expect(messageOf(repo, "e0.1.0").runs).toEqual([{ run: "b", params: {} }]);
    expect(repo.warnings()).toEqual([expect.stringContaining("2 runs have no version; e0.1.0 gets the numbers of the latest, b")]);
  });

  it("works without data or database, and warns of what HEAD does not have", async () => {
    const repo = makeRepository();
    repo.commit("first", { code: "1" });
    repo.write("code", "2");
    await apply(repo, { version: "e0.1.0", description: "one\n\n# two\nthree" });
    expect(messageOf(repo, "e0.1.0")).toMatchObject({
      headline: [],
      description: "one",
      body: "# two\nthree",
      kind: "manual",
      dataHash: null,
    });
    expect(repo.warnings()).toEqual([
      expect.stringContaining("HEAD tracks no results/experiments.db"),
      expect.stringContaining("not in this version: code"),
    ]);
  });

  it("says when HEAD is a version already", async () => {
    const repo = makeRepository();
    repo.commit("first");
    await apply(repo, {});
    await apply(repo, { patch: true });
    expect(repo.warnings()).toContain("HEAD is e0.1.0 already");
    expect(repo.git("tag")).toBe("e0.1.0\ne0.1.1");
  });
});

describe("what stops a tag", () => {
  it("is data that is no longer what HEAD says", async () => {
    const repo = byHand([["mine", null, 0.5, "2026-01-02 00:00:00.000000"]]);
    repo.write("data/train.csv", "other");
    await expect(tag.plan(repo.context, {})).rejects.toMatchObject({
      code: "E_DATA_CHANGED",
      message: expect.stringContaining("data/train.csv"),
      hint: expect.stringContaining("expver data add data/train.csv"),
    });
    must(repo, "data", "add", "data/train.csv");
    await expect(tag.plan(repo.context, {})).rejects.toMatchObject({ code: "E_DATA_CHANGED" });
    repo.commit("new data");
    await expect(tag.plan(repo.context, {})).resolves.toMatchObject({ version: "e0.1.0" });
    expect(repo.expver(["tag", "--dry-run"])).toMatchObject({ code: 0, stdout: expect.stringContaining("e0.1.0") });
    expect(repo.git("tag")).toBe("");
  });

  it("is a database with other rows, not one with other bytes", async () => {
    const repo = byHand([["mine", null, 0.5, "2026-01-02 00:00:00.000000"]]);
    const change = (sql: string) => {
      const db = openDatabase(join(repo.root, "results/experiments.db"));
      db.run(sql);
      db.close();
    };
    change("CREATE TABLE made_by_a_reader (x)");
    await expect(tag.plan(repo.context, {})).resolves.toMatchObject({ version: "e0.1.0" });
    change("UPDATE predictions SET f1 = 1.0");
    await expect(tag.plan(repo.context, {})).rejects.toMatchObject({ code: "E_DATA_CHANGED" });
    change("UPDATE predictions SET f1 = 0.5");
    await expect(tag.plan(repo.context, {})).resolves.toMatchObject({ version: "e0.1.0" });
    change("DELETE FROM predictions");
    await expect(tag.plan(repo.context, {})).rejects.toMatchObject({ code: "E_DATA_CHANGED" });
  });

  it("is not data that is merely not checked out", async () => {
    const repo = byHand([["mine", null, 0.5, "2026-01-02 00:00:00.000000"]]);
    rmSync(join(repo.root, "data/train.csv"));
    rmSync(join(repo.root, "results/experiments.db"));
    await apply(repo, {});
    expect(messageOf(repo, "e0.1.0").metrics).toEqual([{ name: "f1", value: "0.5", direction: "max" }]);
    expect(existsSync(join(repo.root, "results/experiments.db"))).toBe(false);
  });

  it("is a taken, reserved or ill-formed name, with the next free one in the hint", async () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "e0.1.0");
    await expect(tag.plan(repo.context, { version: "e0.1.0" })).rejects.toMatchObject({
      code: "E_VERSION_TAKEN",
      hint: expect.stringContaining("e0.2.0"),
    });
    await expect(tag.plan(repo.context, { version: "v1" })).rejects.toMatchObject({ code: "E_USAGE" });
    await expect(tag.plan(repo.context, { version: "e0.2.0", major: true })).rejects.toMatchObject({ code: "E_USAGE" });
  });

  it("is a repository without a commit, or without an identity", async () => {
    await expect(tag.plan(makeRepository().context, {})).rejects.toMatchObject({ code: "E_NOT_FOUND" });
    const repo = makeRepository();
    repo.commit("first");
    repo.write("../home/.gitconfig", "[user]\n\tuseConfigOnly = true\n");
    await expect(tag.plan(repo.context, {})).rejects.toMatchObject({ code: "E_GIT_IDENTITY" });
  });

  it("takes the tag of another command away by no failure of its own, also where that made the very same one", async () => {
    const repo = makeRepository({ env: { GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z" } });
    repo.commit("first");
    const [plan, same] = [await tag.plan(repo.context, { description: "x" }), await tag.plan(repo.context, { description: "x" })];
    await tag.apply(repo.context, plan);
    const refs = repo.git("for-each-ref");
    await expect(tag.apply(repo.context, same)).rejects.toMatchObject({ code: "E_REF_MOVED" });
    expect(repo.git("for-each-ref")).toBe(refs);
  });

  it("is a HEAD that moved, or a tag that was made, after the plan", async () => {
    const repo = makeRepository();
    repo.commit("first");
    const plan = await tag.plan(repo.context, {});
    const other = await tag.plan(repo.context, {});
    await tag.apply(repo.context, plan);
    await expect(tag.apply(repo.context, other)).rejects.toMatchObject({ code: "E_REF_MOVED" });
    const late = await tag.plan(repo.context, {});
    repo.commit("second");
    await expect(tag.apply(repo.context, late)).rejects.toMatchObject({ code: "E_PLAN_STALE" });
  });
});

describe("from the command line", () => {
  it("suggests without writing, tags, and can be undone", () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "e1.2.3");
    expect(repo.expverJson(["tag", "--suggest"])).toMatchObject({
      ok: true,
      data: { kind: "suggested", version: "e1.3.0", levels: { major: "e2.0.0", minor: "e1.3.0", patch: "e1.2.4" } },
    });
    expect(repo.git("tag")).toBe("e1.2.3");
    expect(repo.expver(["tag", "--major", "-d", "a new start"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("e2.0.0  a new start"),
    });
    expect(repo.expver(["tag", "e2.0.0"])).toMatchObject({ code: 4, stdout: "", stderr: expect.stringContaining("e2.1.0") });
    must(repo, "undo");
    expect(repo.git("tag")).toBe("e1.2.3");
    expect(repo.git("for-each-ref", "refs/expver/unpublished")).toBe("");
  });

  it("counts on from a remote's versions, and says that none of them is here to compare with", () => {
    const theirs = makeRepository();
    theirs.commit("first");
    theirs.git("tag", "e0.4.0");
    theirs.git("tag", "e0.10.0");
    const ours = makeRepository({ cloneOf: theirs.root });
    ours.git("tag", "-d", "e0.4.0", "e0.10.0");
    const suggested = ours.expverJson(["tag", "--suggest"]);
    expect(suggested.data).toMatchObject({ version: "e0.11.0", levels: { major: "e1.0.0", minor: "e0.11.0", patch: "e0.10.1" } });
    const warning = expect.objectContaining({
      text: expect.stringContaining("origin has versions (up to e0.10.0)"),
      hint: expect.stringContaining("expver sync"),
    });
    expect(suggested.warnings).toContainEqual(warning);
    must(ours, "init");
    const run = ours.expverJson(["run", "--", "true"]);
    expect(run.warnings).toContainEqual(warning);
    expect(run.data).toMatchObject({ version: "e0.11.0", description: "no earlier version here" });
    ours.git("fetch", "-q", "--tags");
    expect(ours.expverJson(["tag", "--suggest"]).warnings).not.toContainEqual(warning);
    const alone = makeRepository({ cloneOf: theirs.root });
    alone.git("tag", "-d", "e0.4.0", "e0.10.0");
    alone.git("remote", "set-url", "origin", "../nowhere");
    expect(alone.expverJson(["tag", "--suggest"]).warnings).toContainEqual(
      expect.objectContaining({ text: expect.stringContaining("origin did not answer") }),
    );
  });

  it("knows the original script's spellings", () => {
    const repo = makeRepository();
    repo.commit("first");
    must(repo, "tag", "--version", "e0.1.0", "-d", "text", "--db", "x.db");
    must(repo, "tag", "--prefix", "m", "--patch");
    expect(repo.git("tag")).toBe("e0.1.0\nm0.0.1");
    expect(repo.expver(["tag", "--list"]).stdout).toBe("e0.1.0  text  [manual]\n");
    expect(repo.expver(["tag", "--show", "e0.1.0"]).stdout).toContain("e0.1.0  manual");
  });

  it("makes a version of a run that has none", () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.commit("first");
    must(repo, "run", "--no-tag", "--param", "lr=1", "--", "true");
    const run = repo.expverJson(["runs", "list"]).data.runs[0].run_id;
    expect(repo.expver(["tag", "--patch", "--run", run, "-d", "after all"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("e0.0.1"),
    });
    expect(messageOf(repo, "e0.0.1")).toMatchObject({ kind: "run", description: "after all", runs: [{ run }] });
    const version = () => repo.expverJson(["runs", "show", run]).data.version;
    expect(version()).toBe("e0.0.1");
    must(repo, "undo");
    expect([repo.git("tag"), version()]).toEqual(["", null]);
    expect(repo.expver(["tag", "--patch", "--run", run]).code).toBe(0);
  });

  it("of a run that failed is marked so wherever versions are listed, and can be left out", () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.commit("first");
    must(repo, "run", "-m", "fine", "--", "true");
    expect(repo.expver(["run", "--", "false"]).code).toBe(1);
    must(repo, "tag", "e0.2.0", "--run", repo.expverJson(["runs", "list"]).data.runs[0].run_id, "-d", "after all");
    const listed = (...args: string[]) =>
      repo.expverJson(["list", ...args]).data.versions.map(({ version, status }: ListedVersion) => [version, status]);
    expect(listed("--sort", "-version")).toEqual([
      ["e0.1.0", null],
      ["e0.2.0", "failed"],
    ]);
    expect(listed("--where", "status is missing")).toEqual([["e0.1.0", null]]);
    expect(repo.expver(["list"]).stdout).toMatch(/e0\.2\.0 .* failed · off-branch +after all/);
    expect(repo.expver(["show", "e0.2.0"]).stdout).toMatch(/^ {2}Status +failed$/m);
  });

  it("makes one of another clone's run, with the model it left there", () => {
    const { repo, train } = trained();
    const run = train("--no-tag", "0.5");
    repo.git("init", "-q", "--bare", "../up.git");
    repo.git("remote", "add", "origin", "../up.git");
    must(repo, "data", "remote", "add", "-d", "storage", join(repo.root, "../storage"));
    repo.git("commit", "-qam", "a remote");
    must(repo, "data", "push");
    repo.git("push", "-q", "origin", "main");
    const clone = makeRepository({ cloneOf: join(repo.root, "../up.git") });
    must(clone, "data", "pull");
    must(clone, "tag", "e0.1.0", "--run", run, "-d", "theirs");
    expect(messageOf(clone, "e0.1.0")).toMatchObject({ data: [{ path: "data/train.csv" }], models: [{ path: "models/w" }] });
    must(clone, "get", "e0.1.0", "models/w", "-o", "model");
    expect(clone.read("model")).toBe(`${run}\n`);
    expect(clone.expverJson(["verify"])).toMatchObject({ code: 0, data: { links: { missing: 0, wrong: 0 } } });
  });

  it("says what it lacks of a run whose branch is not here", () => {
    const { repo, train } = trained();
    // Then the snapshot is a commit of its own, which says the run as well.
    repo.write("notes.txt", "new");
    const run = train("--no-tag", "0.5");
    rmSync(join(repo.root, ".git/expver/runs", run), { recursive: true });
    const snapshot = repo.git("rev-parse", "HEAD^");
    repo.git("reset", "-q", "--soft", snapshot);
    repo.git("update-ref", "-d", `refs/expver/runs/${run}`);
    const { stderr } = repo.expver(["tag", "e0.1.0", "--run", run, "-d", "code and rows"]);
    expect(stderr).toContain(`what run ${run} left is not in this repository`);
    expect(messageOf(repo, "e0.1.0")).toMatchObject({ data: [{ path: "data/train.csv" }], models: [] });
    expect(repo.expver(["verify"]).code).toBe(0);
  });

  it("makes one of a run that failed, whose chain is whole", () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.commit("first");
    expect(repo.expver(["run", "--", "false"]).code).toBe(1);
    const { run_id: run } = repo.expverJson(["runs", "list"]).data.runs[0];
    must(repo, "tag", "--run", run);
    const { code, data } = repo.expverJson(["verify"]);
    expect({ code, links: data.versions[0].links }).toMatchObject({
      code: 0,
      links: expect.arrayContaining([
        expect.objectContaining({ kind: "run", state: "proven", detail: expect.stringMatching(/^failed, /) }),
      ]),
    });
  });

  it("a number whose tag was deleted by hand can be used again, by a run, by hand, and for the run it was of", () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.commit("first");
    must(repo, "run", "--version", "e0.1.0", "-m", "one", "--", "true");
    const run = repo.expverJson(["runs", "list"]).data.runs[0].run_id;
    const taken = repo.expverJson(["tag", "--run", run]);
    expect(taken).toMatchObject({ code: 4, error: { code: "E_VERSION_TAKEN" } });
    repo.git("tag", "-d", "e0.1.0");
    must(repo, "tag", "e0.1.0", "--run", run, "-d", "after all");
    expect(messageOf(repo, "e0.1.0")).toMatchObject({ kind: "run", description: "after all", runs: [{ run }] });
    expect(repo.expverJson(["verify", "e0.1.0"]).data.versions).toMatchObject([{ state: "whole" }]);
    repo.git("tag", "-d", "e0.1.0");
    expect(repo.expverJson(["run", "--version", "e0.1.0", "-m", "two", "--", "true"])).toMatchObject({
      code: 0,
      data: { version: "e0.1.0" },
    });
    repo.git("tag", "-d", "e0.1.0");
    must(repo, "tag", "e0.1.0", "-d", "by hand");
    expect(repo.git("rev-parse", "e0.1.0")).toBe(repo.git("rev-parse", "refs/expver/unpublished/e0.1.0"));
  });

  it("a run whose version's tag is on the Git remote, and not here, is that version still", () => {
    const repo = makeRepository();
    must(repo, "init");
    repo.commit("first");
    repo.git("init", "-q", "--bare", "../up.git");
    repo.git("remote", "add", "origin", "../up.git");
    must(repo, "run", "-m", "one", "--", "true");
    repo.git("push", "-q", "origin", "e0.1.0");
    repo.git("tag", "-d", "e0.1.0");
    const run = repo.expverJson(["runs", "list"]).data.runs[0].run_id;
    const refused = repo.expverJson(["tag", "--run", run]);
    expect(refused).toMatchObject({ code: 4, error: { code: "E_VERSION_TAKEN", hint: expect.stringContaining("expver sync") } });
    must(repo, "sync");
    expect(repo.git("tag")).toBe("e0.1.0");
  });
});
