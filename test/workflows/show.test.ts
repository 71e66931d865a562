import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderShow } from "../../src/cli/render/show.ts";
import { show } from "../../src/workflows/show.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";
import { PIPE, testTerminal } from "../support/terminal.ts";

/** A repository with tracked data and one version made by `expver run`. */
function withRun(): TestRepository {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("data/train.csv", "a,b\n1,2\n");
  repo.write("data/images/one", "1");
  repo.write("data/images/two", "22");
  must(repo, "data", "add", "data/train.csv");
  must(repo, "data", "add", "data/images");
  repo.commit("first", {
    "expver.yaml": "metrics: { accuracy: max }\n",
    "train.sh": `printf '{"accuracy": 0.86670000000000003, "loss": 1e-05}' > metrics.json\nmkdir -p models\necho model > models/model.bin\n`,
  });
  must(repo, "run", "--param", "lr=0.1", "--metrics", "metrics.json", "-m", "first baseline\n\nwhy: | it works", "--", "sh", "train.sh");
  return repo;
}

function must(repo: TestRepository, ...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

describe("a version of a run", () => {
  it("is shown with its whole chain, numbers to the digit, runs, data, models and where the bytes are", async () => {
    const repo = withRun();
    const shown = await show.read(repo.context, { version: "e0.1.0" });
    expect(shown).toMatchObject({
      version: "e0.1.0",
      kind: "run",
      recorded: true,
      tag: repo.git("rev-parse", "e0.1.0"),
      commit: repo.git("rev-parse", "e0.1.0^{commit}"),
      code: { commit: repo.git("rev-parse", "e0.1.0~1"), here: true },
      onBranch: true,
      unpublished: null,
      description: "first baseline",
      body: "why: | it works",
      params: { lr: "0.1" },
      metrics: [
        { name: "accuracy", value: "0.86670000000000003", direction: "max", source: "config" },
        { name: "loss", value: "1e-05", direction: "min", source: "guess" },
      ],
      runs: { unknown: null, rows: 1, runs: [{ status: "finished", command: "sh train.sh", rows: 1, exitCode: 0, params: { lr: "0.1" } }] },
      problems: [],
    });
    expect(shown.artifacts.map(({ role, path, size, nfiles, cache }) => [role, path, size, nfiles, cache])).toEqual([
      ["data", "data/images", 3, 2, "complete"],
      ["data", "data/train.csv", 8, null, "complete"],
      ["model", "models/model.bin", 6, null, "complete"],
      ["results", "results/experiments.db", expect.any(Number), null, "complete"],
    ]);
    const text = renderShow(shown, PIPE);
    for (const part of [
      "0.86670000000000003",
      shown.commit,
      shown.code?.commit,
      shown.artifacts[0]?.hash,
      "1 row carries this version",
      "why: | it works",
    ]) {
      expect(text).toContain(part);
    }
  });

  it("says what is missing when the cache has lost bytes, and knows the runs by the tag alone", async () => {
    const repo = withRun();
    const before = await show.read(repo.context, { version: "e0.1.0" });
    const hashOf = (path: string) => before.artifacts.find((one) => one.path === path)?.hash ?? "";
    const object = (hash: string) => join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
    rmSync(object(hashOf("results/experiments.db")));
    rmSync(object(hashOf("data/train.csv")));
    rmSync(object("b6d767d2f8ed5d21a44b0e5886680cb9")); // "22"
    const shown = await show.read(repo.context, { version: "e0.1.0" });
    expect(shown.artifacts.map(({ cache }) => cache)).toEqual(["partial", "absent", "complete", "absent"]);
    expect(shown.runs).toMatchObject({
      rows: null,
      unknown: expect.stringContaining("not in the cache"),
      runs: [{ run: expect.stringMatching(/-\d{4}$/), status: null, params: { lr: "0.1" } }],
    });
    expect(shown.metrics).toEqual(before.metrics);
    expect(renderShow(shown, testTerminal({ width: 100 }))).toMatch(/data\/train\.csv .*not on this machine/);
  });

  it("does not look at the working database, which may be gone or ahead", async () => {
    const repo = withRun();
    rmSync(join(repo.root, "results/experiments.db"));
    expect((await show.read(repo.context, { version: "e0.1.0" })).runs.runs).toMatchObject([{ status: "finished" }]);
  });

  it("leaves nothing beside the objects it reads", async () => {
    const repo = withRun();
    const cache = join(repo.root, ".dvc/cache/files/md5");
    const files = () => readdirSync(cache, { recursive: true }).sort();
    const before = files();
    await show.read(repo.context, { version: "e0.1.0" });
    expect(files()).toEqual(before);
  });

  it("names a difference between the tag and its commit", async () => {
    const repo = withRun();
    const text = repo.git("tag", "-l", "--format=%(contents)", "e0.1.0").replace(/^Data: \S+ 8 /m, `Data: ${"0".repeat(32)} 8 `);
    repo.git("tag", "-a", "e0.2.0", "--cleanup=verbatim", "-m", text);
    const { problems } = await show.read(repo.context, { version: "e0.2.0" });
    expect(problems).toEqual([expect.stringMatching(/^data\/train\.csv: the tag says 0{32}, its commit [0-9a-f]{32}$/)]);
  });
});

it("a parameter called data is no digest of the data", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.commit("start");
  must(repo, "run", "--param", "data=small", "--", "true");
  expect(repo.expverJson(["show", "e0.1.0"]).data).toMatchObject({ dataHash: null, params: { data: "small" } });
  expect(repo.expverJson(["list"]).data.versions).toMatchObject([{ data: null, params: { data: "small" } }]);
});

it("a version of a kind of a later expver has its whole digest, not the first letters of it in the headline", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.commit("start");
  const digest = "0123456789abcdef0123456789abcdef";
  repo.git("tag", "-a", "e0.1.0", "-m", `data=0123456 | tried\n\nKind: later\nData-Hash: ${digest}`);
  expect(repo.expverJson(["show", "e0.1.0"]).data).toMatchObject({ dataHash: digest });
  expect(repo.expverJson(["list"]).data.versions).toMatchObject([{ data: digest }]);
});

describe("versions made otherwise", () => {
  it("are shown as unrecorded, with what their text and commit say", async () => {
    const repo = withRun();
    repo.git("tag", "-a", "e0.2.0", "-m", "model=bert | F1=0.89 | data=3a2f1b | by the original script");
    repo.git("tag", "e0.3.0");
    const shown = await show.read(repo.context, { version: "0.2.0" });
    expect(shown).toMatchObject({
      recorded: false,
      kind: null,
      code: null,
      params: { model: "bert" },
      metrics: [{ name: "F1", value: "0.89" }],
      dataHash: "3a2f1b",
    });
    expect(shown.artifacts.map(({ role }) => role)).toEqual(["data", "data", "model", "results"]);
    expect(renderShow(shown, PIPE)).toContain("unrecorded: its tag has no trailers");
    expect(renderShow(await show.read(repo.context, { version: "e0.3.0" }), PIPE)).toContain("lightweight");
  });

  it("are shown without a database, data or a commit of their own", async () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "-a", "e0.1.0", "-m", "x");
    expect(await show.read(repo.context, { version: "e0.1.0" })).toMatchObject({
      artifacts: [],
      runs: { runs: [], unknown: "its commit tracks no results database" },
    });
    await expect(show.read(repo.context, { version: "e9.0.0" })).rejects.toMatchObject({ code: "E_NOT_FOUND" });
    await expect(show.read(repo.context, {})).rejects.toMatchObject({ code: "E_USAGE" });
  });

  it("cannot move the cursor with what they say", async () => {
    const repo = makeRepository();
    repo.commit("first");
    repo.git("tag", "-a", "e0.1.0", "--cleanup=verbatim", "-m", "x \u001b[2J\n\nbody \u001b]0;title\u0007");
    expect(renderShow(await show.read(repo.context, { version: "e0.1.0" }), PIPE)).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

it("is reached from the command line, also with the skill's spelling", () => {
  const repo = makeRepository();
  repo.commit("first");
  repo.git("tag", "-a", "e0.1.0", "-m", "x");
  expect(repo.expver(["show", "e0.1.0"])).toMatchObject({ code: 0, stdout: expect.stringContaining("e0.1.0  unrecorded") });
  expect(repo.expverJson(["show", "--version", "e0.1.0"])).toMatchObject({ ok: true, data: { version: "e0.1.0" } });
  expect(repo.expver(["show", "e0.9.0"])).toMatchObject({ code: 1, stdout: "" });
});
