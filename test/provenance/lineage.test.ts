/** Lineage and uses: what the index answers is what looking at every commit answers, whatever happened to tags, commits and the index. */
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeFolder, makeRepository, openTestRepository, seededRandom, type TestRepository } from "../support/repository.ts";

function must(repo: TestRepository, ...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")} (${code}): ${stderr}`);
}

function put(repo: TestRepository, path: string, text: string): void {
  rmSync(join(repo.root, path), { force: true });
  repo.write(path, text);
}

describe("a chain of experiments", () => {
  let repo: TestRepository;
  beforeAll(() => {
    repo = makeRepository();
    must(repo, "init");
    repo.write("data/raw.csv", "1\n");
    repo.write("data/images/one", "1");
    must(repo, "data", "add", "data/raw.csv", "data/images");
    repo.commit("start", {
      "expver.yaml": "metrics: { accuracy: max }\ndata: [data/**]\ntrack: [features/*.csv]\n",
      "features.sh": "mkdir -p features; (cat data/raw.csv; echo made) > features/made.csv",
      "train.sh": "mkdir -p models; cat data/* > models/model.bin 2>/dev/null; true",
    });
    must(repo, "run", "-m", "makes features", "--", "sh", "features.sh");
    // What one version left is what the next one reads.
    put(repo, "data/features.csv", repo.read("features/made.csv"));
    repo.setTime("2026-03-02T12:00:00Z");
    must(repo, "data", "add", "data/features.csv");
    repo.commit("read them");
    must(repo, "run", "-m", "trains on them", "--", "sh", "train.sh");
  });

  it("lineage answers what made a model, back to the beginning", () => {
    const { data } = repo.expverJson(["lineage", "e0.2.0"]);
    expect(data).toMatchObject({ version: "e0.2.0", kind: "run", merged: [] });
    const made = (paths: { path: string; madeBy: string | null }[]) => Object.fromEntries(paths.map(({ path, madeBy }) => [path, madeBy]));
    expect(made(data.models)).toEqual({ "models/model.bin": "e0.2.0" });
    expect(data.inputs.find(({ path }: { path: string }) => path === "data/images")).toMatchObject({ madeBy: null, since: "e0.1.0" });
    expect(repo.expver(["lineage", "0.2.0"]).stdout).toMatch(/made {4,}models\/model\.bin/);
    expect(repo.expverJson(["lineage", "e9.0.0"]).error?.code).toBe("E_NOT_FOUND");
    expect(repo.expverJson(["lineage"]).error?.code).toBe("E_USAGE");
  });

  it("data that an earlier version made leads back to it, and forward from it", () => {
    const features = repo.expverJson(["lineage", "e0.2.0"]).data.inputs.find(({ path }: { path: string }) => path === "data/features.csv");
    expect(features).toMatchObject({ madeBy: "e0.1.0" });
    expect(repo.expverJson(["lineage", "e0.2.0"]).data.from).toMatchObject([{ version: "e0.1.0" }]);
    expect(repo.expverJson(["uses", "e0.1.0"]).data.uses).toMatchObject([{ version: "e0.2.0", role: "input", path: "data/features.csv" }]);
  });

  it("a tag that is made anew, or late, changes nothing about what came first", () => {
    const before = { lineage: repo.expverJson(["lineage", "e0.2.0"]).data, uses: repo.expverJson(["uses", "data/features.csv"]).data.uses };
    const [object, commit] = [repo.git("rev-parse", "e0.1.0"), repo.git("rev-parse", "e0.1.0^{}")];
    repo.setTime("2026-03-03T12:00:00Z");
    const message = repo.git("for-each-ref", "--format=%(contents)", "refs/tags/e0.1.0");
    repo.run("git", ["tag", "-f", "-a", "e0.1.0", commit, "--cleanup=verbatim", "-F", "-"], { input: `mended ${message}` });
    expect(repo.expverJson(["lineage", "e0.2.0"]).data).toEqual(before.lineage);
    expect(repo.expverJson(["uses", "e0.1.0"]).data.uses).toMatchObject([{ version: "e0.2.0", path: "data/features.csv" }]);
    // What is proposed is told against the version before, not against the one whose tag is the newest.
    expect(repo.expverJson(["advise"]).data).toMatchObject({ since: { last: "e0.2.0" } });
    repo.git("update-ref", "refs/tags/e0.1.0", object);
  });

  it("a run has not made the candidates that lie there", () => {
    repo.write("models/candidates/other.bin", "put there by hand");
    must(repo, "data", "add", "models/candidates");
    repo.commit("a candidate");
    repo.write("train.sh", "echo third > models/model.bin");
    must(repo, "run", "-m", "third", "--", "sh", "train.sh");
    const { models } = repo.expverJson(["lineage", "e0.3.0"]).data;
    expect(models).toMatchObject([
      { path: "models/candidates", madeBy: null, since: "e0.3.0" },
      { path: "models/model.bin", madeBy: "e0.3.0" },
    ]);
  });

  it("a run has not made what was tracked before it began, input or not", () => {
    repo.write("lib/words.txt", "by hand");
    must(repo, "data", "add", "lib/words.txt");
    repo.commit("words");
    repo.write("train.sh", "echo fourth > models/model.bin");
    must(repo, "run", "-m", "fourth", "--", "sh", "train.sh");
    const { outputs } = repo.expverJson(["lineage", "e0.4.0"]).data;
    expect(outputs).toContainEqual(expect.objectContaining({ path: "lib/words.txt", madeBy: null, since: "e0.4.0" }));
    expect(repo.expver(["lineage", "e0.4.0"]).stdout).toMatch(/has {5,}lib\/words\.txt {2}\w+ {2}\(new\)/);
  });

  it("uses finds a path, its .dvc file, a file in a tracked folder, and bytes by the beginning of their hash", () => {
    const found = (what: string, cwd = ".") =>
      repo
        .expverJson(["uses", what], { cwd })
        .data.uses.map(({ version, path }: { version: string; path: string }) => `${version} ${path}`);
    const all = (path: string) => ["e0.1.0", "e0.2.0", "e0.3.0", "e0.4.0"].map((version) => `${version} ${path}`);
    expect(found("data/raw.csv")).toEqual(all("data/raw.csv"));
    expect(found("data/raw.csv.dvc")).toEqual(all("data/raw.csv"));
    expect(found("raw.csv", "data")).toEqual(all("data/raw.csv"));
    expect(found("data/images/one")).toEqual(all("data/images/one"));
    // md5 of "1": a file in a folder by its bytes.
    expect(found("c4ca4238")).toEqual(all("data/images/one"));
    expect(repo.expverJson(["uses", "nothing.csv"]).error?.code).toBe("E_NOT_FOUND");
    expect(repo.expverJson(["uses", "data/rwa.csv"]).error?.message).toContain("did you mean data/raw.csv?");
    expect(repo.expver(["uses", "data/raw.csv"]).stdout).toContain("e0.2.0");
    expect(repo.expverJson(["uses", "data/raw.csv"]).data.elsewhere).toEqual([]);
  });

  it("uses of a file or folder that lies elsewhere finds the versions that have its bytes", () => {
    const elsewhere = join(repo.root, "..", "received");
    cpSync(join(repo.root, "data/images"), elsewhere, { recursive: true });
    writeFileSync(join(repo.root, "..", "model.bin"), "third\n");
    const uses = (what: string) => repo.expverJson(["uses", what], { cwd: "data" });
    expect(uses("../../model.bin").data).toMatchObject({
      kind: "file",
      uses: [{ version: "e0.3.0", role: "model", path: "models/model.bin" }],
    });
    expect(uses(elsewhere).data.uses).toMatchObject([{ version: "e0.1.0", path: "data/images" }, {}, {}, {}]);
    expect(uses(join(elsewhere, "one")).data.uses).toMatchObject([{ version: "e0.1.0", path: "data/images/one" }, {}, {}, {}]);
    writeFileSync(join(elsewhere, "one"), "2");
    expect(uses(elsewhere)).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
    expect(uses(elsewhere).error?.message).toContain("no version has the bytes of");
    for (const all of [repo.root, "/"]) expect(uses(all)).toMatchObject({ code: 1, error: { code: "E_NOT_FOUND" } });
    expect(repo.expver(["uses", "../model.bin"]).stdout).toContain("e0.3.0 is the first that has these bytes: expver show e0.3.0");
    // Whoever cannot look into a folder does not know that nobody has them.
    renameSync(join(repo.root, ".dvc/cache"), join(repo.root, ".dvc/elsewhere"));
    expect(uses(elsewhere).error?.hint).toContain("could not be looked into");
    renameSync(join(repo.root, ".dvc/elsewhere"), join(repo.root, ".dvc/cache"));
  });

  it("uses of a path that was renamed names the versions that had its bytes under the old one", () => {
    must(repo, "data", "move", "data/images", "data/pictures");
    repo.commit("renamed");
    must(repo, "tag", "e0.9.0", "-d", "renamed");
    const { uses, elsewhere } = repo.expverJson(["uses", "data/pictures"]).data;
    expect(uses).toMatchObject([{ version: "e0.9.0", path: "data/pictures" }]);
    expect(elsewhere.map(({ version, path }: { version: string; path: string }) => `${version} ${path}`)).toEqual(
      ["e0.1.0", "e0.2.0", "e0.3.0", "e0.4.0"].map((version) => `${version} data/images`),
    );
    expect(repo.expver(["uses", "data/pictures/one"]).stdout).toContain("the same bytes under another path: data/images/one in e0.1.0");
  });
});

it("the model of a run that its sweep did not keep leads to the sweep, and the run's name too", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.commit("start", {
    "expver.yaml": "metrics: { acc: max }\n",
    "train.sh": `mkdir -p models; echo "model $1" > models/model.bin; echo "acc: $1" > metrics.yaml`,
  });
  must(repo, "sweep", "--grid", "x=0.5,0.7", "--keep", "1", "--metrics", "metrics.yaml", "--", "sh", "train.sh", "{x}");
  const { runs } = repo.expverJson(["show", "e0.1.0"]).data.runs;
  const { run } = runs.find(({ params }: { params: { x: string } }) => params.x === "0.5");
  writeFileSync(join(repo.root, "..", "model.bin"), "model 0.5\n");
  const path = `models/candidates/${run}_model.bin`;
  const found = repo.expverJson(["uses", "../model.bin"]).data.uses;
  expect(found).toMatchObject([{ version: "e0.1.0", role: "candidate", path }]);
  expect(repo.expverJson(["uses", found[0].hash.slice(0, 8)]).data.uses).toEqual(found);
  expect(repo.expver(["uses", "../model.bin"]).stdout).toContain("expver models get");
  must(repo, "models", "get", path, "--out", "again.bin");
  expect(repo.read("again.bin")).toBe("model 0.5\n");
  for (const asked of [run, `e0.1.0#${run}`]) {
    expect(repo.expverJson(["show", asked]).error).toMatchObject({ code: "E_NOT_FOUND", details: { nearest: "e0.1.0", run } });
    expect(repo.expver(["show", asked]).stderr).toContain(`expver runs show ${run}`);
  }
});

it("equals brute force over random histories, and rebuilds itself", { timeout: 300_000 }, () => {
  const random = seededRandom(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const repo = makeRepository();
  must(repo, "init");
  repo.commit("start", { "expver.yaml": "models: { output: models/model.bin }\n" });
  const paths = ["data/a.csv", "data/b.csv", "models/model.bin"];
  const index = join(repo.root, ".git/expver/lineage/uses.json");
  let number = 0;
  for (let round = 0; round < Number(process.env.EXPVER_ROUNDS ?? 14); round += 1) {
    const change = random();
    const tags = repo.git("tag").split("\n").filter(Boolean);
    if (change < 0.6 || tags.length < 2) {
      const path = pick(paths);
      put(repo, path, `content ${Math.floor(random() * 4)}`);
      must(repo, "data", "add", path);
      repo.commit(`round ${round}`);
      number += 1;
      repo.git("tag", "-a", `e0.${number}.0`, "-m", `round ${round}`);
    } else if (change < 0.7) repo.git("tag", "-d", pick(tags));
    else if (change < 0.8) repo.git("tag", "-f", "-a", pick(tags), "-m", "moved", `${pick(tags)}^{commit}`);
    else if (change < 0.85) put(repo, "expver.yaml", pick(["models: { output: models/model.bin }\n", "data: [data/a.csv]\n"]));
    else if (change < 0.93) rmSync(index, { force: true });
    else if (existsSync(index))
      writeFileSync(index, pick(["", "{", '{"schema":3}', '{"schema":3,"config":"x","versions":{"e0.1.0":{"of":"x","uses":[]}}}']));
    const truth = bruteForce(repo);
    for (const path of paths) {
      expect(usesOf(repo, path), `round ${round} ${path}`).toEqual(truth.filter((one) => one.path === path));
    }
    for (const hash of new Set(truth.map((one) => one.hash))) {
      expect(usesOf(repo, hash.slice(0, 8)), `round ${round} ${hash}`).toEqual(truth.filter((one) => one.hash === hash));
    }
  }
  expect(number).toBeGreaterThan(5);
});

it("follows git replace, and its end", () => {
  const repo = makeRepository();
  must(repo, "init");
  for (const number of [1, 2]) {
    put(repo, "data/a.csv", `content ${number}`);
    must(repo, "data", "add", "data/a.csv");
    repo.commit(`data ${number}`);
    repo.git("tag", `e0.${number}.0`);
  }
  const asGitSays = () => expect(usesOf(repo, "data/a.csv")).toEqual(bruteForce(repo));
  asGitSays();
  const first = repo.git("rev-parse", "e0.1.0");
  repo.git("replace", first, repo.git("rev-parse", "e0.2.0"));
  asGitSays();
  repo.git("replace", "-d", first);
  asGitSays();
});

interface Fact {
  version: string;
  path: string;
  hash: string;
}

const inOrder = (facts: Fact[]) => facts.sort((one, other) => (`${one.version} ${one.path}` < `${other.version} ${other.path}` ? -1 : 1));

function usesOf(repo: TestRepository, what: string): Fact[] {
  const { data, error } = repo.expverJson(["uses", what]);
  if (error?.code === "E_NOT_FOUND") return [];
  return inOrder(data.uses.map(({ version, path, hash }: Fact) => ({ version, path, hash })));
}

/** Every .dvc file of every tag's commit, read with git alone. */
function bruteForce(repo: TestRepository): Fact[] {
  const tags = repo.git("tag").split("\n").filter(Boolean);
  return inOrder(
    tags.flatMap((version) =>
      repo
        .git("ls-tree", "-r", "--name-only", version)
        .split("\n")
        .filter((file) => file.endsWith(".dvc"))
        .map((file) => ({ version, path: file.slice(0, -4), hash: /md5: (\w+)/.exec(repo.git("show", `${version}:${file}`))?.[1] ?? "" })),
    ),
  );
}

it("what a shallow clone could not know of a version it knows when it has the history", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("lib/words.txt", "by hand");
  must(repo, "data", "add", "lib/words.txt");
  repo.commit("start", { "expver.yaml": "data: [data/**]\n", "train.sh": "mkdir -p models; echo m > models/model.bin" });
  must(repo, "run", "--", "sh", "train.sh");
  const clone = openTestRepository(makeFolder("shallow"));
  clone.git("init", "-q");
  clone.git("fetch", "-q", "--depth", "1", `file://${repo.root}`, "tag", "e0.1.0");
  clone.git("checkout", "-q", "e0.1.0");
  const words = () => clone.expverJson(["lineage", "e0.1.0"]).data.outputs.find(({ path }: { path: string }) => path === "lib/words.txt");
  expect(words()).toMatchObject({ since: "e0.1.0" });
  clone.git("fetch", "-q", "--unshallow", `file://${repo.root}`, "main");
  expect(words()).toMatchObject({ madeBy: null, since: "e0.1.0" });
});

it("what a run has written over is told: a program that goes on from a checkpoint has begun with that, and can again", () => {
  const repo = makeRepository();
  must(repo, "init");
  repo.write("expver.yaml", "track: [ckpt/last]\n");
  repo.commit("start", { "train.sh": "mkdir -p ckpt models; echo step >> ckpt/last; cat ckpt/last > models/m.bin" });
  must(repo, "run", "-m", "one", "--", "sh", "train.sh");
  must(repo, "run", "-m", "two", "--", "sh", "train.sh");
  const outputs = (version: string) => repo.expverJson(["lineage", version]).data.outputs;
  const [first] = outputs("e0.1.0");
  expect(first).toMatchObject({ path: "ckpt/last", over: null });
  expect(outputs("e0.2.0")).toMatchObject([{ path: "ckpt/last", madeBy: "e0.2.0", over: { hash: first.hash, madeBy: "e0.1.0" } }]);
  expect(repo.expver(["lineage", "e0.2.0"]).stdout).toMatch(/made +ckpt\/last {2}\w{6} {2}\(over \w{6}, made by e0\.1\.0\)/);
  must(repo, "get", "e0.2.0~1", "ckpt/last", "-o", "began");
  expect(repo.read("began")).toBe("step\n");
});
