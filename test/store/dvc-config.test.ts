/** DVC's configuration: the dialect of its files, and what its four levels come to. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { openRemote } from "../../src/store/remotes/open-remote.ts";
import { otherRemotes, readDvcConfig, sharedCache } from "../../src/store/settings/dvc-config.ts";
import { parseDvcConfig, renderDvcConfig } from "../../src/store/settings/dvc-config-file.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";

const parse = (text: string) =>
  Object.fromEntries([...parseDvcConfig(text, "config")].map(([name, keys]) => [name, Object.fromEntries(keys)]));

describe("a file", () => {
  it("has sections, keys of any case, quotes, lists, comments and texts of several lines", () => {
    const text = `# a comment
[Core]
    REMOTE = Store   # said why
    "quoted key" = 'a # no comment'
['remote "Store"']
    url = "s3://bucket/a,b"
    list = one, "two, three", four,
    none = ,
    empty =
    long = '''first
second'''
`;
    expect(parse(text)).toEqual({
      core: { remote: "Store", "quoted key": "a # no comment" },
      'remote "store"': { url: "s3://bucket/a,b", list: ["one", "two, three", "four"], none: [], empty: "", long: "first\nsecond" },
    });
  });

  it.each([
    ["a section twice", "[core]\nremote = a\n[CORE]\n", "line 3: section core stands twice"],
    ["a key twice", "[core]\nremote = a\nRemote = b\n", "line 3: remote stands twice"],
    ["a key before any section", "remote = a\n", "line 1: neither a section nor"],
    ["no value", "[core]\nremote\n", "line 2: neither a section nor"],
    ["a quote that is not closed", "[core]\nremote = '''a\nb\n", "a quote is not closed"],
    ["a value in half a quote", '[core]\nremote = "a\n', "line 2: the value of remote does not parse"],
  ])("with %s is refused by its line", (_what, text, message) => {
    expect(() => parseDvcConfig(text, "config")).toThrow(
      expect.objectContaining({ code: "E_CONFIG", message: expect.stringContaining(message) }),
    );
  });

  it("may name other values of a section; one that is not there, or that ends nowhere, is refused by its key", () => {
    expect(parse("[core]\nuser = bob\nremote = %(user)s-%(user)s\nlist = %(remote)s, 5%\n").core).toEqual({
      user: "bob",
      remote: "bob-bob",
      list: ["bob-bob", "5%"],
    });
    for (const value of ["%(a)s", "%(remote)s", "x, %(a)s"])
      expect(() => parse(`[core]\nremote = ${value}\n`)).toThrow(
        expect.objectContaining({ code: "E_CONFIG", message: expect.stringMatching(/^config: core\.remote .*in interpolation/) }),
      );
  });

  it("is written so that it reads the same, remotes behind the rest, empty sections left out", () => {
    const values = ["plain", "", " a", "a\t", "a,b", "a # b", "it's", 'say "x"', `both ' and "`, "two\nlines", ["one"], ["a", "b,c"], []];
    const options = new Map(values.map((value, index) => [`key${index}`, value]));
    const sections = new Map([
      ['remote "x"', new Map([["url", "/x"]])],
      ["core", options],
      ["empty", new Map()],
      ["cache", new Map([["dir", "/c"]])],
    ]);
    const text = renderDvcConfig(sections);
    expect([...text.matchAll(/^\[.*\]$/gm)].map(([header]) => header)).toEqual(["[core]", "[cache]", "['remote \"x\"']"]);
    const again = parseDvcConfig(text, "config");
    expect([...(again.get("core") ?? [])]).toEqual([...options]);
    expect(renderDvcConfig(again)).toBe(text);
    expect(renderDvcConfig(new Map())).toBe("\n");
  });
});

describe("levels", () => {
  /** A repository with the user's and the machine's files beside it. */
  function withLevels(files: { system?: string; global?: string; repo?: string; local?: string }): TestRepository {
    const base = makeFolder();
    const repository = makeRepository({
      env: { DVC_SYSTEM_CONFIG_DIR: join(base, "system"), DVC_GLOBAL_CONFIG_DIR: join(base, "global") },
    });
    expect(repository.expver(["data", "init", "-q"]).code).toBe(0);
    const places = {
      system: join(base, "system/config"),
      global: join(base, "global/config"),
      repo: join(repository.root, ".dvc/config"),
      local: join(repository.root, ".dvc/config.local"),
    };
    for (const [level, text] of Object.entries(files)) {
      const path = places[level as keyof typeof places];
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return repository;
  }
  const configOf = (repository: TestRepository) => readDvcConfig(openProject(repository.context));

  it("win one over the other, key by key", () => {
    const repository = withLevels({
      system: "[core]\nremote = system\nautostage = true\n[cache]\ntype = symlink\nshared = group\n",
      global: "[core]\nremote = global\n[cache]\ntype = hardlink,copy\n",
      repo: "[core]\nremote = Repo\nhardlink_lock = TRUE\n[cache]\nshared = none\n",
      local: "[core]\nremote = Local\n",
    });
    expect(configOf(repository)).toMatchObject({
      defaultRemote: "local",
      autostage: true,
      hardlinkLock: true,
      cache: { linkTypes: ["hardlink", "copy"], shared: false },
    });
    rmSync(join(repository.root, ".dvc/config.local"));
    expect(configOf(repository).defaultRemote).toBe("repo");
  });

  it("say paths relative to their own file, of the cache, of remotes and of their key files; ~ is the user's folder", () => {
    const repository = withLevels({
      global: "['remote \"far\"']\nurl = ../store\n",
      repo: "[cache]\ndir = ../../cache\n['remote \"here\"']\nurl = ssh://host/x\nkeyfile = keys/id\ncredentialpath = ~/keys\nuser = ../me\n",
      local: "['remote \"abs\"']\nurl = /abs/x\n",
    });
    const { cache, remotes } = configOf(repository);
    expect(cache.dir).toBe(join(dirname(repository.root), "cache"));
    expect(remotes.get("far")?.url).toBe(join(dirname(configFolder(repository)), "store"));
    expect(Object.fromEntries(remotes.get("here")?.options ?? [])).toEqual({
      url: "ssh://host/x",
      keyfile: join(repository.root, ".dvc/keys/id"),
      credentialpath: join(homedir(), "keys"),
      user: "../me",
    });
    expect(remotes.get("abs")?.url).toBe("/abs/x");
    expect(otherRemotes(openProject(repository.context), "FAR").sort()).toEqual(["abs", "here"]);
  });

  it("may call the cache by the name of a remote on this machine, as DVC 0 did", () => {
    const withCache = (local: string) =>
      configOf(
        withLevels({
          repo: `[cache]\ndir = elsewhere\nlocal = ${local}\n['remote "Here"']\nurl = /abs/x\n['remote "far"']\nurl = s3://b\n`,
        }),
      );
    expect(withCache("Here").cache.dir).toBe("/abs/x");
    expect(() => withCache("far")).toThrow(/cache\.local .* is far: .* no folder of this machine/);
    expect(() => withCache("gone")).toThrow(/no remote gone is configured/);
  });

  it("a remote below another has its options, its own win; one below itself or nothing is what it says", () => {
    const repository = withLevels({
      repo: `['remote "base"']
url = s3://bucket/top/
region = one
profile = base
['remote "below"']
url = remote://Base/sub/dir
profile = own
['remote "same"']
url = remote://base
['remote "self"']
url = remote://self/x
['remote "lost"']
url = remote://nothing/x
`,
    });
    const { remotes } = configOf(repository);
    expect(Object.fromEntries(remotes.get("below")?.options ?? [])).toEqual({
      url: "s3://bucket/top/sub/dir",
      region: "one",
      profile: "own",
    });
    expect(remotes.get("below")).toMatchObject({ name: "below", url: "s3://bucket/top/sub/dir" });
    expect(remotes.get("same")?.url).toBe("s3://bucket/top/");
    expect([remotes.get("self")?.url, remotes.get("lost")?.url]).toEqual(["remote://self/x", "remote://nothing/x"]);
  });

  it("a remote that leads around in a circle is what it says, and cannot be used", () => {
    const repository = withLevels({
      repo: `['remote "one"']\nurl = remote://two/x\n['remote "two"']\nurl = remote://three\n['remote "three"']\nurl = remote://one/y\n`,
    });
    expect([...configOf(repository).remotes.values()].every(({ url }) => url.startsWith("remote://"))).toBe(true);
    expect(() => openRemote(openProject(repository.context), "one")).toThrow(expect.objectContaining({ code: "E_REMOTE" }));
  });

  it("have their usual places where a variable that could name another is empty", () => {
    const repository = makeRepository({ env: { DVC_GLOBAL_CONFIG_DIR: "", DVC_SYSTEM_CONFIG_DIR: "" } });
    repository.write("config", "no configuration of DVC\n");
    expect(repository.expver(["data", "init", "-q"]).code).toBe(0);
    expect(repository.expver(["data", "status"])).toMatchObject({ code: 0 });
  });

  it("refuse a link type that is none, naming it", () => {
    const repository = withLevels({ repo: "[cache]\ntype = reflink,hardlnk\n" });
    expect(() => configOf(repository)).toThrow(
      expect.objectContaining({ code: "E_CONFIG", message: expect.stringContaining('"hardlnk"') }),
    );
  });

  it("of the main worktree say where the cache of a linked one is; a submodule has its own, and no bare repository has one", () => {
    const main = withLevels({});
    main.commit("first");
    const linked = join(dirname(main.root), "linked");
    main.git("worktree", "add", "-q", linked);
    const project = (root: string) => openProject(openTestRepository(root).context);
    expect(sharedCache(project(main.root))).toBeNull();
    expect(sharedCache(project(linked))).toBe(join(main.root, ".dvc/cache"));
    main.write(".dvc/config.local", "[cache]\ndir = ../elsewhere\n");
    expect(readDvcConfig(project(linked)).cache.dir).toBe(join(main.root, "elsewhere"));
    main.run("git", ["-c", "protocol.file.allow=always", "submodule", "add", "-q", main.root, "inner"]);
    expect(sharedCache(project(join(main.root, "inner")))).toBeNull();
    const bare = join(dirname(main.root), "bare.git");
    main.git("clone", "-q", "--bare", main.root, bare);
    main.git("-C", bare, "worktree", "add", "-q", "../of-bare");
    expect(sharedCache(project(join(dirname(main.root), "of-bare")))).toBeNull();
    // Beside a bare `.git` lies what it and its worktrees share.
    const beside = join(dirname(main.root), "beside");
    main.git("clone", "-q", "--bare", main.root, join(beside, ".git"));
    main.git("-C", beside, "worktree", "add", "-q", "one", "main");
    expect(readDvcConfig(project(beside)).cache.dir).toBe(join(beside, ".dvc/cache"));
    expect(sharedCache(project(join(beside, "one")))).toBe(join(beside, ".dvc/cache"));
  });
});

/** Of the user's level. */
function configFolder({ context }: TestRepository): string {
  return context.env.DVC_GLOBAL_CONFIG_DIR as string;
}
