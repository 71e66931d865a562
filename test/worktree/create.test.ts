/** Making a worktree: a part of a repository, files Git does not have, links, and every place it can be typed in. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { beginOperation } from "../../src/journal/operations.ts";
import { deadIdentity } from "../support/dead-process.ts";
import { peer } from "../support/peers.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { mustIn } from "./story.ts";

// Many commands each: a busy machine needs longer than usual.
vi.setConfig({ testTimeout: 300_000 });

let repo: TestRepository;
let trees: string;
beforeEach(() => {
  repo = makeRepository();
  trees = join(dirname(repo.root), "trees");
  mustIn(repo, "init");
  repo.write("data/train.csv", "a,b\n1,2\n");
  repo.write("data/images/one", "1");
  repo.write("raw", "large\n");
  mustIn(repo, "data", "add", "data/train.csv", "data/images", "raw");
  repo.commit("first", {
    "expver.yaml": "metrics: { accuracy: max }\nworktrees: { dir: ../trees }\n",
    ".gitignore": `${repo.read(".gitignore")}/.env\nnode_modules\nmetrics.json\n`,
    "text/train.sh": `printf '{"accuracy": 0.9}' > metrics.json\nmkdir -p models\necho model > models/model.bin\n`,
    "image/train.sh": "exit 1\n",
  });
});

const inside = (name: string) => openTestRepository(join(trees, name), repo.context.env as Record<string, string>);

it("a folder for worktrees may be named by its whole path", () => {
  const elsewhere = join(dirname(repo.root), "elsewhere");
  repo.commit("whole path", { "expver.yaml": `worktrees: { dir: ${elsewhere} }\n` });
  mustIn(repo, "worktree", "create", "far");
  expect(readdirSync(elsewhere)).toEqual(["exp-far"]);
  expect(repo.git("status", "--porcelain")).toBe("");
});

/** As a command that another one overtakes: `making` is typed just before Git is to make its worktree. */
function overtaken(making: string): Record<string, string> {
  const folder = makeFolder("bin");
  const git = repo.run("sh", ["-c", "command -v git"]).stdout.trim();
  const script = `#!/bin/sh\ncase "$*" in *"worktree add"*) PATH='${process.env.PATH}' sh -c '${making}' ;; esac\nexec '${git}' "$@"\n`;
  writeFileSync(join(folder, "git"), script, { mode: 0o755 });
  return { PATH: `${folder}:${process.env.PATH}` };
}

it("what another command makes at the same moment under the same name stays", () => {
  const folder = join(trees, "exp-both");
  const both = overtaken(`git worktree add -q -b exp/both "${folder}" && echo mine > "${folder}/mine.txt"`);
  expect(repo.expverJson(["worktree", "create", "both"], { env: both })).toMatchObject({ code: 1, error: { code: "E_GIT" } });
  expect(inside("exp-both").read("mine.txt")).toBe("mine\n");
  expect(inside("exp-both").git("branch", "--show-current")).toBe("exp/both");
  const place = join(trees, "exp-place");
  const taken = overtaken(`mkdir -p "${place}" && echo mine > "${place}/mine.txt"`);
  expect(repo.expverJson(["worktree", "create", "place"], { env: taken })).toMatchObject({ code: 1, error: { code: "E_GIT" } });
  expect(readdirSync(place)).toEqual(["mine.txt"]);
  expect(repo.git("branch", "--list", "exp/place")).toBe("");
});

it("what was made elsewhere since a making was killed is no leftover of it", () => {
  repo.git("worktree", "add", "-q", "-b", "side", "../side");
  const wanted = { kind: "experiment", name: "w", root: join(trees, "exp-w"), commit: repo.git("rev-parse", "HEAD"), branch: "exp/w" };
  const start = { command: "worktree create", argv: ["worktree", "create", "w"], summary: `make ${wanted.root}`, notes: { wanted } };
  beginOperation(openProject(repo.context), repo.context, { ...start, owner: deadIdentity() });
  mustIn(openTestRepository(join(dirname(repo.root), "side"), repo.context.env as Record<string, string>), "worktree", "create", "w");
  inside("exp-w").write("mine.txt", "mine\n");
  expect(repo.expver(["data", "checkout"]).stderr).toContain("was made by another command since, and stays");
  expect(inside("exp-w").read("mine.txt")).toBe("mine\n");
  const { worktrees } = repo.expverJson(["worktree", "list"]).data;
  expect(worktrees.map(({ name }: { name: string | null }) => name)).toContain("w");
});

it("an experiment may have a long name in any script, and runs", () => {
  const name = "опыт-с-очень-длинным-именем-для-проверки-имени";
  mustIn(repo, "worktree", "create", name);
  mustIn(inside(`exp-${name}`), "run", "--metrics", "metrics.json", "-m", "long", "--", "sh", "text/train.sh");
  mustIn(repo, "worktree", "finish", name, "--yes");
  expect(repo.expverJson(["worktree", "list"]).data.worktrees).toHaveLength(1);
});

describe("--sparse", () => {
  it("has the folders and data that were named, runs and finishes; nothing of the rest is lost on main", () => {
    const plan = repo.expver(["worktree", "create", "part", "--sparse", "text", "data/images", "--dry-run"]);
    expect(plan.stdout).toContain("only text, data/images");
    mustIn(repo, "worktree", "create", "part", "--sparse", "text", "data/images");
    const there = inside("exp-part");
    expect(readdirSync(join(there.root, "text"))).toEqual(["train.sh"]);
    expect(existsSync(join(there.root, "image"))).toBe(false);
    expect(there.read("data/images/one")).toBe("1");
    expect([existsSync(join(there.root, "raw")), existsSync(join(there.root, "data/train.csv"))]).toEqual([false, false]);
    expect(there.git("status", "--porcelain")).toBe("");
    expect(repo.expverJson(["check", "part"]).data.checked[0].findings).toEqual([]);
    const dvc = peer("dvc");
    // Both that worktree and this one are still repositories real dvc can read.
    if (dvc !== null) expect([there, repo].map((one) => one.run(dvc, ["data", "status", "--json"]).code)).toEqual([0, 0]);
    mustIn(there, "run", "--metrics", "metrics.json", "-m", "part", "--", "sh", "text/train.sh");
    rmSync(join(there.root, "metrics.json"));
    // The run could name only the data that was there: the rest is no news to the next version.
    expect(there.expver(["tag", "--dry-run"]).stdout).toContain("same code, data and parameters as e0.1.0");
    mustIn(repo, "worktree", "finish", "part", "--yes");
    expect(repo.git("ls-files", "image", "raw.dvc", "data/train.csv.dvc").split("\n")).toHaveLength(3);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.read("raw")).toBe("large\n");
  });

  it("one made from within a sparse one is whole; a name that is nothing is refused before anything is made", () => {
    mustIn(repo, "worktree", "create", "part", "--sparse", "text");
    mustIn(inside("exp-part"), "worktree", "create", "whole");
    expect(inside("exp-whole").read("image/train.sh")).toBe("exit 1\n");
    expect(inside("exp-whole").read("raw")).toBe("large\n");
    expect(repo.expverJson(["worktree", "create", "none", "--sparse", "txt"]).error?.code).toBe("E_NOT_FOUND");
    expect(repo.git("branch", "--list", "exp/none")).toBe("");
  });
});

describe("--copy", () => {
  it("takes along what Git ignores; what is still as here stands in no removal's way, what was changed there does", () => {
    repo.write(".env", "SECRET=1\n");
    repo.write("node_modules/left/index.js", "1\n");
    const left = repo.expverJson(["worktree", "create", "keys", "--copy", ".env", "--dry-run"]);
    expect(left.data.steps.map(({ verb, target }: { verb: string; target: string }) => `${verb} ${target}`)).toEqual([
      `make ${join(trees, "exp-keys")}`,
      "check out data",
      "copy .env",
      "leave out node_modules/",
    ]);
    const made = repo.expverJson(["worktree", "create", "keys", "--copy", ".env", "node_modules"]);
    expect(made.data).toMatchObject({ copied: [".env", "node_modules"], absent: [] });
    const there = inside("exp-keys");
    expect([there.read(".env"), there.read("node_modules/left/index.js")]).toEqual(["SECRET=1\n", "1\n"]);
    expect(there.git("status", "--porcelain")).toBe("");
    expect(repo.expver(["check", "keys"]).code).toBe(0);
    there.write("node_modules/left/index.js", "2\n");
    expect(repo.expverJson(["check", "keys"]).data.checked[0].findings).toMatchObject([
      { category: "ignored", examples: ["node_modules/"] },
    ]);
    there.write("node_modules/left/index.js", "1\n");
    mustIn(repo, "worktree", "remove", "keys");
    expect(repo.read(".env")).toBe("SECRET=1\n");
  });

  it("takes no secret to where Git would add it, nothing Git has, nothing that is not there; and leaves nothing behind", () => {
    const old = repo.git("rev-parse", "HEAD");
    repo.commit("ignore more", { ".gitignore": `${repo.read(".gitignore")}/prod.pem\n` });
    repo.write("prod.pem", "key\n");
    const before = [repo.git("worktree", "list"), repo.git("branch", "--list"), readdirSync(dirname(repo.root))];
    const refused = repo.expverJson(["worktree", "create", "x", "--copy", "prod.pem", "--from", old]);
    expect(refused.error).toMatchObject({ code: "E_DATA", message: expect.stringContaining("looks like a secret") });
    expect(repo.expverJson(["worktree", "create", "x", "--copy", "expver.yaml"]).error?.code).toBe("E_USAGE");
    expect(repo.expverJson(["worktree", "create", "x", "--copy", ".env"]).error?.code).toBe("E_NOT_FOUND");
    expect(repo.expverJson(["worktree", "create", "x", "--copy", "../y"]).error?.code).toBe("E_OUTSIDE");
    expect([
      repo.git("worktree", "list"),
      repo.git("branch", "--list"),
      readdirSync(dirname(repo.root)).filter((name) => name !== "trees"),
    ]).toEqual(before);
    expect(existsSync(join(trees, "exp-x"))).toBe(false);
  });
});

it("--link: data are links into the cache that cannot be written to, and take no disk; an exploration too", () => {
  const { data } = repo.expverJson(["worktree", "create", "links", "--link"]);
  const there = inside("exp-links");
  expect(statSync(join(there.root, "data/train.csv")).mode & 0o222).toBe(0);
  expect(data.disk.shared).toBe("a,b\n1,2\n".length + 1 + "large\n".length);
  expect(data.disk.bytes).toBeGreaterThan(data.disk.shared);
  mustIn(repo, "worktree", "create", "copies");
  expect(statSync(join(inside("exp-copies").root, "data/train.csv")).mode & 0o200).toBe(0o200);
  repo.git("tag", "-a", "e0.1.0", "-m", "accuracy=1 | first");
  mustIn(repo, "checkout", "e0.1.0", "--link");
  expect(statSync(join(trees, "explore-e0.1.0/data/train.csv")).mode & 0o222).toBe(0);
  mustIn(repo, "cleanup");
  mustIn(repo, "worktree", "remove", "links");
});

it("brings imports too, from where they were imported; one that is gone from there is said", () => {
  const source = makeRepository();
  mustIn(source, "data", "init");
  source.write("d/1", "one\n");
  mustIn(source, "data", "add", "d");
  source.commit("source", { "code.py": "1\n" });
  mustIn(repo, "data", "import", source.root, "d");
  mustIn(repo, "data", "import", source.root, "code.py");
  repo.commit("imports");
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  mustIn(repo, "data", "add", "data/train.csv", "data/images", "raw");
  expect(repo.expverJson(["worktree", "create", "whole"])).toMatchObject({ code: 0, data: { missing: [] }, warnings: [] });
  expect([inside("exp-whole").read("d/1"), inside("exp-whole").read("code.py")]).toEqual(["one\n", "1\n"]);
  expect(inside("exp-whole").git("status", "--porcelain")).toBe("");
  rmSync(join(repo.root, ".dvc/cache"), { recursive: true });
  mustIn(repo, "data", "add", "data/train.csv", "data/images", "raw");
  rmSync(source.root, { recursive: true });
  const { code, data, warnings } = repo.expverJson(["worktree", "create", "less"]);
  expect({ code, missing: data.missing.sort() }).toEqual({ code: 0, missing: ["code.py", "d/"] });
  expect(warnings.filter(({ text }: { text: string }) => text.includes("where it was imported"))).toHaveLength(2);
});

describe("wherever it is typed", () => {
  it("in a bare repository: worktrees beside it, one cache for all", () => {
    const remote = makeFolder("remote");
    mustIn(repo, "data", "remote", "add", "-d", "store", remote);
    mustIn(repo, "data", "push");
    repo.commit("a remote");
    const bare = makeRepository({ bare: true });
    repo.git("push", "-q", bare.root, "main");
    mustIn(bare, "worktree", "create", "one/two");
    const tree = (name: string) => openTestRepository(join(dirname(bare.root), "trees", name), bare.context.env as Record<string, string>);
    const [first, second] = [tree("exp-one-two"), tree("exp-second")];
    expect(first.read("data/train.csv")).toBe("a,b\n1,2\n");
    rmSync(remote, { recursive: true });
    mustIn(first, "worktree", "create", "second");
    expect(second.read("data/train.csv")).toBe("a,b\n1,2\n");
    const { worktrees } = bare.expverJson(["worktree", "list"]).data;
    expect(worktrees.map(({ branch }: { branch: string }) => branch)).toEqual([null, "exp/one/two", "exp/second"]);
    // In the worktree itself no less is found than from elsewhere: it was compared with its own database.
    mustIn(second, "log", "accuracy=0.5");
    const categories = (where: TestRepository, name: string) =>
      where.expverJson(["check", name]).data.checked[0].findings.map(({ category }: { category: string }) => category);
    expect(categories(second, "second")).toContain("results");
    bare.git("worktree", "add", "-q", join(dirname(bare.root), "trees", "home"), "main");
    mustIn(tree("home"), "log", "accuracy=0.7");
    expect(categories(second, "second")).toContain("results");
    expect(categories(tree("home"), "second")).toContain("results");
    mustIn(tree("home"), "merge", "second");
    expect(categories(second, "second")).not.toContain("results");
  });

  it("a project in a folder of a larger repository has its data there too, and is looked through", () => {
    const mono = makeRepository();
    mono.commit("start", { "README.md": "all\n", "ml/notes.txt": "x\n" });
    expect(mono.expver(["init"], { cwd: "ml" }).code).toBe(0);
    mono.write("ml/data/train.csv", "a\n1\n");
    expect(mono.expver(["data", "add", "data/train.csv"], { cwd: "ml" }).code).toBe(0);
    mono.commit("data");
    expect(mono.expver(["worktree", "create", "sub", "--path", "../../sub-tree"], { cwd: "ml" }).code).toBe(0);
    const there = openTestRepository(join(dirname(mono.root), "sub-tree"), mono.context.env as Record<string, string>);
    expect(there.read("ml/data/train.csv")).toBe("a\n1\n");
    expect(mono.expver(["check", "sub"], { cwd: "ml" }).code).toBe(0);
    rmSync(join(there.root, "ml/data/train.csv"));
    there.write("ml/data/train.csv", "changed\n");
    const { checked } = mono.expverJson(["check", "sub"], { cwd: "ml" }).data;
    expect(checked[0].findings).toMatchObject([{ category: "data", examples: ["ml/data/train.csv"] }]);
    expect(basename(checked[0].root)).toBe("sub-tree");
  });

  it("of several projects in a repository it is that of its own: others look at it as that one does, and do not finish it", () => {
    const mono = makeRepository();
    for (const name of ["one", "two"]) {
      mono.commit(name, { [`${name}/expver.yaml`]: `versions: { prefix: ${name} }\n`, [`${name}/.gitignore`]: "m.json\n" });
      expect(mono.expver(["init"], { cwd: name }).code).toBe(0);
      mono.commit("init");
      expect(mono.expver(["run", "--metrics", "m.json", "--", "sh", "-c", `echo '{"a":1}' > m.json`], { cwd: name }).code).toBe(0);
    }
    expect(mono.expver(["worktree", "create", "w", "--path", "../../w"], { cwd: "one" }).code).toBe(0);
    const there = openTestRepository(join(dirname(mono.root), "w"), mono.context.env as Record<string, string>);
    expect(there.expver(["run", "--metrics", "m.json", "--", "sh", "-c", `echo '{"a":2}' > m.json`], { cwd: "one" }).code).toBe(0);
    const findings = (cwd: string) => mono.expverJson(["check", "w"], { cwd }).data.checked[0].findings;
    expect(findings("one").map(({ category }: { category: string }) => category)).toContain("results");
    expect(findings("two")).toEqual(findings("one"));
    const rows = (cwd: string) => mono.expverJson(["worktrees"], { cwd }).data.worktrees[1].rows;
    expect(rows("one")).toBeGreaterThan(0);
    expect([rows("two"), rows(".")]).toEqual([rows("one"), rows("one")]);
    const before = mono.git("for-each-ref");
    for (const cwd of ["two", "."]) {
      expect(mono.expverJson(["worktree", "finish", "w", "--yes"], { cwd })).toMatchObject({ code: 1, error: { code: "E_DATA" } });
      expect(mono.expver(["worktree", "finish", "w"], { cwd }).stderr).toContain(`expver -C ${join(mono.root, "one")} worktree finish w`);
    }
    expect(mono.git("for-each-ref")).toBe(before);
    expect(mono.expver(["-C", "one", "worktree", "finish", "w", "--yes"]).code).toBe(0);
    expect(mono.git("tag")).toBe("one0.1.0\none0.2.0\none0.3.0\ntwo0.1.0");
  });
});
