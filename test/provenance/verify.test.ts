/** Every link of the chain, broken on purpose. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import type { Link } from "../../src/provenance/chain.ts";
import { countGit } from "../support/git-counter.ts";
import { makeFolder, makeRepository, type TestRepository } from "../support/repository.ts";

let repo: TestRepository;
beforeEach(() => {
  repo = makeRepository();
  must("init");
  repo.write("data/train.csv", "a,b\n1,2\n");
  repo.write("data/images/one", "1");
  repo.write("data/images/two", "22");
  must("data", "add", "data/train.csv", "data/images");
  repo.commit("first", {
    "expver.yaml": "metrics: { accuracy: max }\n",
    "train.sh": `printf '{"accuracy": 0.9}' > metrics.json\nmkdir -p models\necho model > models/model.bin\n`,
  });
  must("run", "--param", "lr=0.1", "--metrics", "metrics.json", "-m", "first", "--", "sh", "train.sh");
});

function must(...args: string[]): void {
  const { code, stderr } = repo.expver(args);
  if (code !== 0) throw new Error(`expver ${args.join(" ")}: ${stderr}`);
}

function verify(...args: string[]): { code: number; broken: string[]; state: string; links: Link[] } {
  const { code, data, error } = repo.expverJson(["verify", "e0.1.0", ...args]);
  if (data === null) throw new Error(error?.message);
  const { links, state } = data.versions[0] as { links: Link[]; state: string };
  const broken = links.filter((link) => link.state === "missing" || link.state === "wrong");
  return { code, state, links, broken: broken.map((link) => `${link.state} ${link.kind} ${link.target}`) };
}

function objectOf(pointerFile: string): string {
  const [, hash = ""] = /md5: (\S+)/.exec(repo.read(pointerFile)) ?? [];
  return join(repo.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
}

/** The same tag with another text. */
function retag(change: (message: string) => string, commit = "e0.1.0^{commit}"): void {
  const message = change(repo.git("tag", "-l", "--format=%(contents)", "e0.1.0"));
  repo.git("tag", "-f", "-a", "--cleanup=verbatim", "e0.1.0", "-m", message, commit);
}

it("proves every link of a run, the bytes read", () => {
  const { code, state, broken, links } = verify();
  expect({ code, state, broken }).toEqual({ code: 0, state: "whole", broken: [] });
  expect(links.map(({ kind }) => kind)).toEqual([
    ...["tag", "results commit", "code", "data hash", "pointer", "pointer", "pointer"],
    ...["object", "object", "object", "object", "run", "rows"],
  ]);
});

it("a remote of a name that none has is a mistake, not a broken version", () => {
  must("data", "remote", "add", "store", makeFolder("remote"));
  expect(repo.expverJson(["verify", "--cloud", "--remote", "stor"])).toMatchObject({
    code: 1,
    error: { code: "E_REMOTE", message: "there is no remote stor; there are: store" },
  });
});

it("as many git processes for forty more versions, of which each has other pointers and comes from another commit", () => {
  const counter = countGit();
  const calls = (...args: string[]) => {
    counter.reset();
    expect(repo.expver(args, { env: { PATH: counter.path } })).toMatchObject({ code: 0, stderr: expect.not.stringContaining("error") });
    return counter.calls().length;
  };
  const make = (from: number, to: number) => {
    for (let index = from; index < to; index += 1) {
      const code = repo.commit(`code ${index}`, { "train.sh": `echo ${index}\n` });
      repo.write(`more.dvc`, `outs:\n- md5: ${String(index).padStart(32, "0")}\n  size: 1\n  hash: md5\n  push: false\n  path: more\n`);
      repo.commit(`e1.${index}.0`);
      repo.git("tag", "-a", `e1.${index}.0`, "-m", `version ${index}\n\nKind: manual\nCode: ${code}\n`);
    }
  };
  const readings = () => [calls("verify"), calls("data", "gc", "-a", "-T", "-A", "--dry")];
  make(0, 10);
  const few = readings();
  make(10, 50);
  expect(readings()).toEqual(few);
  expect(repo.expverJson(["verify"]).data.versions).toHaveLength(51);
});

describe("bytes", () => {
  it("that are gone, until a remote has them", () => {
    const folder = makeFolder("remote");
    must("data", "remote", "add", "-d", "store", folder);
    expect(verify("--cloud", "--quick")).toMatchObject({ code: 5, state: "broken" });
    must("data", "push");
    expect(verify("--cloud").broken).toEqual([]);
    rmSync(objectOf("data/train.csv.dvc"));
    const [found] = verify().links.filter(({ kind, target }) => kind === "object" && target === "data/train.csv");
    expect(found).toMatchObject({ state: "proven", detail: "on a remote" });
    rmSync(folder, { recursive: true });
    must("data", "remote", "add", "other", makeFolder("other"));
    const gone = verify();
    expect(gone.broken).toEqual(["missing object data/train.csv"]);
    expect(gone.links.find(({ state }) => state === "missing")?.detail).toBe(
      "1 of 1 objects are neither in the cache nor on store (not asked: other; --remote other)",
    );
  });

  it("of a database that only a remote has: its rows are not read, which is no damage", () => {
    must("data", "remote", "add", "-d", "store", makeFolder("remote"));
    must("data", "push");
    rmSync(objectOf("results/experiments.db.dvc"));
    const found = verify();
    expect(found).toMatchObject({ code: 0, state: "unread", broken: [] });
    expect(found.links.at(-1)).toMatchObject({ kind: "rows", state: "unread", detail: expect.stringContaining("expver sync") });
    must("sync");
    expect(verify()).toMatchObject({ code: 0, state: "whole" });
  });

  it("that are gone here, while the remote does not answer: nobody says that it lacks them", () => {
    must("data", "remote", "add", "-d", "store", "http://127.0.0.1:9/x");
    rmSync(objectOf("data/train.csv.dvc"));
    const link = verify().links.find(({ kind, target }) => kind === "object" && target === "data/train.csv");
    expect(link).toMatchObject({ state: "missing", detail: expect.stringMatching(/not in the cache, and remote store: .*ECONNREFUSED/) });
    expect(link?.detail).not.toContain("nor on a remote");
  });

  it("that were changed in the cache: one file of a folder; --quick does not read them", () => {
    const listing = JSON.parse(readFileSync(objectOf("data/images.dvc"), "utf8")) as { md5: string }[];
    const { md5 = "" } = listing[0] ?? {};
    const object = join(repo.root, ".dvc/cache/files/md5", md5.slice(0, 2), md5.slice(2));
    chmodSync(object, 0o644);
    writeFileSync(object, "7");
    chmodSync(object, 0o444);
    expect(verify().broken).toEqual(["wrong object data/images"]);
    expect(verify("--quick").broken).toEqual([]);
  });

  it("whose listing was changed: it is told, and the other links are looked at", () => {
    const listing = objectOf("data/images.dvc");
    chmodSync(listing, 0o644);
    writeFileSync(listing, '[{"md5": "00000000000000000000000000000000", "relpath": "x"}]');
    chmodSync(listing, 0o444);
    const { code, broken, links } = verify();
    expect({ code, broken }).toEqual({ code: 5, broken: ["wrong object data/images"] });
    expect(links.at(-1)?.kind).toBe("rows");
  });

  it("whose listing is gone", () => {
    rmSync(objectOf("data/images.dvc"));
    expect(verify().broken).toEqual(["missing object data/images"]);
  });
});

describe("the tag", () => {
  it("names other data than the commit's pointers", () => {
    retag((message) => message.replace(/^(Data: )[0-9a-f]{32}( .*train\.csv)$/m, `$1${"0".repeat(32)}$2`));
    expect(verify().broken).toEqual([expect.stringMatching(/^wrong data hash/), "wrong pointer data/train.csv"]);
  });

  it("names code that is not here, or that its results do not come from", () => {
    retag((message) => message.replace(/^Code: .*$/m, `Code: ${"1".repeat(40)}`));
    expect(verify().broken).toEqual([
      `missing code ${"1".repeat(40)}`,
      expect.stringMatching(/^wrong run/),
      expect.stringMatching(/^wrong rows/),
    ]);
    const other = repo.git("commit-tree", "HEAD^{tree}", "-m", "elsewhere");
    retag((message) => message.replace(/^Code: .*$/m, `Code: ${other}`));
    expect(verify().broken[0]).toBe(`wrong code ${other}`);
  });

  it("made by hand, or lightweight, is unrecorded, not broken", () => {
    repo.git("tag", "-f", "-a", "e0.1.0", "-m", "lr=0.1 | accuracy=0.9 | by hand", "e0.1.0^{commit}");
    expect(verify()).toMatchObject({ code: 0, state: "unrecorded", broken: [] });
    const commit = repo.git("rev-parse", "e0.1.0^{commit}");
    repo.git("tag", "-f", "e0.1.0", commit);
    expect(verify()).toMatchObject({ code: 0, state: "unrecorded", broken: [] });
    // In the letters of another time.
    repo.run("git", ["tag", "-f", "-a", "e0.1.0", "-F", "-", commit], { input: Buffer.from("accuracy=0.9 | caf\xe9\n", "latin1") });
    expect(verify()).toMatchObject({ code: 0, state: "unrecorded", broken: [] });
    expect(repo.expver(["verify", "e0.1.0"]).stdout).toContain("not valid UTF-8");
  });
});

describe("rows", () => {
  /** The version's own database, changed, stored and committed; the tag moved there. */
  function rewrite(sql: string): void {
    const db = openDatabase(join(repo.root, "results/experiments.db"));
    db.exec(sql);
    db.close();
    must("data", "add", "results/experiments.db");
    repo.commit("rewritten");
    retag((message) => message, "HEAD");
  }

  it.each([
    ["gone", "DELETE FROM predictions", /^missing rows/],
    ["stamped otherwise", "UPDATE predictions SET git_commit = 'x'", /^wrong rows/],
    ["stamped as another version", "UPDATE predictions SET version = 'e9.0.0'", /^wrong rows/],
    ["that lost their version", "UPDATE predictions SET version = NULL", /^wrong rows/],
    ["of nobody", "INSERT INTO predictions (track_id, timestamp, version) VALUES ('t', '1', 'e0.1.0')", /^wrong rows predictions/],
    [
      "of another run that carry this version",
      `INSERT INTO expver_run_tracks (run_id, "table", track_id, first, last, rows) VALUES ('other', 'TABLE', 't', '1', '1', 1);
       INSERT INTO predictions (track_id, timestamp, version) VALUES ('t', '1', 'e0.1.0')`,
      /^wrong rows predictions/,
    ],
    ["of a run the database does not know", "DELETE FROM expver_runs", /^missing run/],
    ["of a run with another status", "UPDATE expver_runs SET status = 'failed'", /^wrong run/],
  ])("%s", (_what, sql, expected) => {
    const [{ name = "" } = {}] = tables();
    rewrite(sql.replaceAll("predictions", `"${name}"`).replaceAll("TABLE", name));
    const { code, broken } = verify();
    expect(code).toBe(5);
    expect(broken.map((text) => text.replace(` ${name}`, " predictions"))).toEqual([expect.stringMatching(expected)]);
  });

  it("with a version of the program's own, which no run overwrites, are no damage", () => {
    const [{ name = "" } = {}] = tables();
    rewrite(`UPDATE "${name}" SET version = '2.1'`);
    expect(verify()).toMatchObject({ code: 0, broken: [] });
    expect(repo.expver(["verify", "e0.1.0"]).stdout).toContain("a version of their program's own");
  });

  function tables(): { name?: string }[] {
    const db = openDatabase(join(repo.root, "results/experiments.db"));
    const found = db.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'expver%'") as { name: string }[];
    db.close();
    return found;
  }
});

it("bytes that nobody pushes (push: false, imports) are no damage elsewhere, and pull says why they do not come", () => {
  const source = makeRepository();
  expect(source.expver(["data", "init"]).code).toBe(0);
  source.write("theirs", "theirs\n");
  expect(source.expver(["data", "add", "theirs"]).code).toBe(0);
  source.commit("theirs");
  const bare = makeRepository({ bare: true });
  repo.git("remote", "add", "origin", bare.root);
  must("data", "import", source.root, "theirs");
  must("data", "remote", "add", "-d", "store", makeFolder("remote"));
  repo.write("private", "kept\n");
  must("data", "add", "private");
  repo.write("private.dvc", `${repo.read("private.dvc")}  push: false\n`);
  repo.commit("kept here");
  must("tag", "e0.2.0", "-m", "x");
  must("publish", "--yes");
  const other = makeRepository({ cloneOf: bare.root });
  const read = () => {
    const { code, data } = other.expverJson(["verify", "e0.2.0"]);
    const links = (data as { versions: { links: Link[] }[] }).versions[0]?.links ?? [];
    return {
      code,
      told: links.filter(({ kind, state }) => kind === "object" && state !== "proven").map((link) => [link.target, link.state]),
    };
  };
  other.git("checkout", "-q", "e0.2.0");
  expect(read()).toEqual({
    code: 0,
    told: [
      ["private", "unrecorded"],
      ["theirs", "unrecorded"],
    ],
  });
  const pulled = other.expver(["data", "pull"]);
  expect([pulled.code, pulled.stderr]).toEqual([1, expect.stringContaining("push: false")]);
  expect(pulled.stderr).not.toContain("expver data push");
  expect([other.read("theirs"), read().told]).toEqual(["theirs\n", [["private", "unrecorded"]]]);
});

describe("what Git has of a version", () => {
  function lose(object: string): void {
    const file = join(repo.root, ".git/objects", object.slice(0, 2), object.slice(2));
    expect(existsSync(file)).toBe(true);
    rmSync(file, { force: true });
  }

  it("a file of its code that is lost: the version is not whole", () => {
    lose(repo.git("rev-parse", "e0.1.0^{commit}:train.sh").trim());
    const { code, broken } = verify();
    const [commit, snapshot] = [repo.git("rev-parse", "e0.1.0^{commit}").trim(), repo.git("rev-parse", "e0.1.0^{commit}^").trim()];
    expect({ code, broken }).toEqual({ code: 5, broken: [`missing results commit ${commit}`, `missing code ${snapshot}`] });
  });

  it("of one that cannot be read is told, and the others are looked at", () => {
    const first = repo.git("rev-parse", "HEAD").trim();
    repo.git("switch", "-q", "-c", "bad");
    repo.write("data/train.csv.dvc", "<<<<<<< ours\nouts:\n=======\n");
    repo.git("commit", "-q", "-a", "-m", "a conflict");
    repo.git("tag", "-a", "e0.2.0", "-m", "bad");
    repo.git("switch", "-q", "--detach", first);
    const { code, data } = repo.expverJson(["verify"]);
    expect(code).toBe(5);
    expect(data.versions.map(({ version, state }: { version: string; state: string }) => [version, state])).toEqual([
      ["e0.1.0", "whole"],
      ["e0.2.0", "broken"],
    ]);
    lose(repo.git("rev-parse", "e0.2.0^{tree}").trim());
    expect(repo.expverJson(["verify"])).toMatchObject({ code: 5, data: { versions: [{ state: "whole" }, { state: "broken" }] } });
  });

  it("in a partial clone is not read, and not called lost", () => {
    const clone = join(makeFolder("partial"), "clone");
    repo.git("config", "uploadpack.allowFilter", "true");
    repo.git("clone", "-q", "--no-checkout", "--filter=blob:none", `file://${repo.root}`, clone);
    const { stdout } = repo.expver(["-C", clone, "verify", "e0.1.0", "--json"]);
    const { links } = JSON.parse(stdout).data.versions[0] as { links: Link[] };
    expect(links.find(({ kind }) => kind === "results commit")).toMatchObject({ state: "unread" });
    repo.git("-C", clone, "tag", "e0.1.1", "e0.1.0^{}");
    const [, lacks, advised = ""] =
      /this (\w+) clone lacks: (git fetch .+) brings them/.exec(repo.expver(["-C", clone, "verify"]).stdout) ?? [];
    expect(lacks).toBe("partial");
    repo.git("-C", clone, ...advised.split(" ").slice(1));
    expect(repo.expver(["-C", clone, "verify", "e0.1.0"]).stdout).toMatch(/proven +results commit/);
  });
});
