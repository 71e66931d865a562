import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { peer } from "../support/peers.ts";
import { expverInTerminal, python } from "../support/pty.ts";
import { makeFolder, makeRepository, openTestRepository, type TestRepository } from "../support/repository.ts";
import { keysOf, type Seaweed, seaweedProgram, startSeaweed } from "../support/servers/seaweed.ts";
import { type Sshd, sshd, startSshd } from "../support/servers/sshd.ts";

const ok = { put: "ok", head: "ok", get: "ok", delete: "ok" };

function tried({ remote }: { remote: { probes: { step: string; state: string }[] } }): Record<string, string> {
  return Object.fromEntries(remote.probes.map(({ step, state }) => [step, state]));
}

/** Pushes an object and has dvc find it there. */
function dvcAgrees(repo: TestRepository, env: Record<string, string> = {}): string {
  repo.write("data.csv", "a\n1\n");
  expect(repo.expver(["data", "add", "data.csv"]).code).toBe(0);
  expect(repo.expver(["data", "push"], { env }).code).toBe(0);
  return repo.run(peer("dvc") ?? "dvc", ["status", "--cloud", "--json"], { env }).stdout.trim();
}

describe("init --remote", () => {
  it("with a folder: in config.local, made, tried, and used by dvc too; again, nothing is to do", () => {
    const repo = openTestRepository(makeFolder());
    const first = repo.expverJson(["init", "--remote", "store"]);
    expect([first.code, first.data.remote.location]).toEqual([0, join(repo.root, "store")]);
    expect(tried(first.data)).toMatchObject(ok);
    expect(repo.read(".dvc/config")).toBe("");
    expect(repo.read(".dvc/config.local")).toContain("url = ../store");
    expect(dvcAgrees(repo)).toBe("{}");
    expect(repo.expverJson(["init", "--remote", "store"]).data).toMatchObject({ written: [], exitCode: 0 });
    expect(repo.git("status", "--porcelain", "--untracked-files=all")).not.toContain("config.local");
  });

  it("shows the plan and changes nothing with --dry-run; --project writes a folder for everybody", () => {
    const repo = openTestRepository(makeFolder());
    const plan = repo.expverJson(["init", "--dry-run", "--remote", "/srv/none", "--cache", "/srv/cache"]);
    expect(plan.data.steps.map(({ verb }: { verb: string }) => verb)).toContain("check");
    expect([existsSync(join(repo.root, ".dvc")), existsSync("/srv/cache")]).toEqual([false, false]);
    const places = makeFolder();
    repo.expver(["init", "--project", "--remote", `${places}/store`, "--cache", `${places}/cache`]);
    expect(repo.read(".dvc/config")).toContain(`url = ${places}/store`);
    expect(repo.read(".dvc/config")).toContain(`dir = ${places}/cache`);
    expect(existsSync(join(repo.root, ".dvc/config.local"))).toBe(false);
  });

  it("keeps secrets out of what Git tracks, the URL's too", () => {
    const repo = openTestRepository(makeFolder());
    const options = ["--remote-option", "ssl_verify=false", "--remote-option", "custom_auth_header=X"];
    const { code } = repo.expverJson(["init", "--no-check", "--remote", "https://ada:s3cret@host.invalid/data", ...options]);
    expect(code).toBe(0);
    expect(repo.read(".dvc/config")).toContain("url = https://host.invalid/data");
    expect(repo.read(".dvc/config")).toContain("auth = basic");
    expect(repo.read(".dvc/config")).not.toMatch(/s3cret|ada/);
    expect(repo.read(".dvc/config.local")).toMatch(/user = ada\n\s+password = s3cret/);
    repo.git("add", "-A");
    expect(repo.run("git", ["grep", "--cached", "s3cret"]).stdout).toBe("");
  });

  it("takes a path among the options for a file as seen from where it is typed", () => {
    const repo = makeRepository();
    repo.write("sub/keys.json", "{}");
    const options = ["--remote-option", "credentialpath=keys.json", "--remote-option", "projectname=keys.json"];
    const { code } = repo.expver(["init", "--no-check", "--remote", "gs://bucket/x", ...options], { cwd: "sub" });
    expect(code).toBe(0);
    expect(repo.read(".dvc/config.local")).toContain("credentialpath = ../sub/keys.json");
    expect(repo.read(".dvc/config")).toContain("projectname = keys.json");
  });

  it("adopts the default remote that is there, and replaces none", () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    repo.expver(["data", "remote", "add", "-d", "nas", join(repo.root, "nas")]);
    const config = repo.read(".dvc/config");
    const { code, data } = repo.expverJson(["init", "--remote", "nas"]);
    expect([code, data.remote.remote, data.written]).toEqual([0, "nas", []]);
    const other = repo.expverJson(["init", "--remote", "elsewhere"]);
    expect([other.code, other.error?.code]).toEqual([1, "E_CONFIG"]);
    expect(other.error?.hint).toContain("--remote-name");
    expect(repo.read(".dvc/config")).toBe(config);
    expect(repo.expverJson(["init", "--remote", "elsewhere", "--remote-name", "second"]).data.remote.remote).toBe("second");
    expect(repo.expver(["data", "remote", "list"]).stdout).toMatch(/second.*\(default\)/);
  });

  it("says which permission is missing, exit code 1, and what to type when it is mended", () => {
    const repo = openTestRepository(makeFolder());
    repo.write("file", "");
    const { code, stdout } = repo.expver(["init", "--remote", "file/below"]);
    expect(code).toBe(1);
    expect(stdout).toContain("put failed");
    expect(stdout).toContain("expver data remote check storage");
  });

  it("refuses what cannot be meant", () => {
    const repo = openTestRepository(makeFolder());
    for (const words of [["--link", "magic"], ["--remote-option", "a=b"], ["--ask"]]) {
      expect([words, repo.expverJson(["init", ...words]).code]).toEqual([words, 2]);
    }
    expect(repo.expverJson(["init", "--remote", "s3://b/c", "--remote-option", "regoin=x"]).error?.code).toBe("E_CONFIG");
    expect(existsSync(join(repo.root, ".dvc"))).toBe(false);
  });
});

describe("init --cache", () => {
  it("fills a new cache with the objects of the one before, which stay; dvc finds them", () => {
    const repo = makeRepository();
    repo.expver(["init"]);
    repo.write("folder/one", "1");
    repo.write("folder/two", "2");
    repo.expver(["data", "add", "folder"]);
    const cache = join(makeFolder(), "cache");
    const { data } = repo.expverJson(["init", "--cache", cache, "--group", "--link", "symlink,copy"]);
    expect(data.cache).toEqual({ dir: cache, shared: true, copied: 3 });
    expect(repo.read(".dvc/config.local")).toMatch(/dir = .*cache\n\s+shared = group\n\s+type = "?symlink,copy/);
    expect(statSync(join(cache, "files/md5")).mode & 0o7777).toBe(0o2775);
    repo.run("rm", ["-rf", ".dvc/cache", "folder"]);
    expect(repo.run(peer("dvc") ?? "dvc", ["checkout"]).code).toBe(0);
    expect(readFileSync(join(repo.root, "folder/two"), "utf8")).toBe("2");
    expect(repo.expverJson(["init", "--cache", cache]).data).toMatchObject({ written: [], cache: { copied: 0 } });
  });

  it("takes a folder that was made for a group as one; `shared` leaves the cache where it is", () => {
    const repo = makeRepository();
    const cache = join(makeFolder(), "cache");
    mkdirSync(cache);
    repo.run("chmod", ["2775", cache]);
    expect(repo.expverJson(["init", "--cache", cache]).data.cache).toMatchObject({ dir: cache, shared: true });
    const other = makeRepository();
    expect(other.expverJson(["init", "--cache", "shared"]).data.cache).toMatchObject({ dir: join(other.root, ".dvc/cache"), shared: true });
    expect(statSync(join(other.root, ".dvc/cache")).mode & 0o7777).toBe(0o2775);
    expect(other.read(".dvc/config.local")).toBe("[cache]\n    shared = group\n");
  });
});

describe.skipIf(python === null)("init --ask", () => {
  it("asks what the repository cannot answer, and no more", () => {
    const repo = openTestRepository(makeFolder());
    const keys: [string, string][] = [
      ["nowhere yet", "store\r"],
      ["Where are its bytes kept?", "\r"],
      ["How are inputs put", "copy\r"],
    ];
    const { code, lines } = expverInTerminal(repo, ["init", "--ask"], { keys, width: 200 });
    expect([code, lines.join("\n").includes("tried, fine")]).toEqual([0, true]);
    expect(repo.read(".dvc/config.local")).toMatch(/type = copy[\s\S]*url = ..\/store/);
  });
});

describe.skipIf(seaweedProgram() === null)("on S3", () => {
  let server: Seaweed;
  beforeAll(async () => {
    server = await startSeaweed();
    await server.makeBucket("team");
  });
  afterAll(() => server?.stop());

  it("writes the place for everybody and the keys for this clone, and tries it", () => {
    const repo = openTestRepository(makeFolder());
    const keys = keysOf("all");
    const options = Object.entries({ endpointurl: server.url, ...keys }).flatMap(([name, value]) => [
      "--remote-option",
      `${name}=${value}`,
    ]);
    const { code, data } = repo.expverJson(["init", "--remote", "s3://team/project", ...options]);
    expect([code, tried(data)]).toEqual([0, { ...ok, list: "ok", multipart: "ok" }]);
    expect(repo.read(".dvc/config")).toMatch(/\[core\]\n\s+remote = storage/);
    expect(repo.read(".dvc/config")).toContain(`endpointurl = ${server.url}`);
    expect(repo.read(".dvc/config")).not.toContain(keys.secret_access_key);
    expect(dvcAgrees(repo)).toBe("{}");
  });
});

describe.skipIf(sshd === null)("by SSH", () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await startSshd();
    await server.configure(server.usual);
  });
  afterAll(() => server?.stop());

  it("tries it as ssh itself would get there", () => {
    const repo = openTestRepository(makeFolder());
    const { code, data } = repo.expverJson(["init", "--remote", `ssh://store${server.root}/team`], { env: { PATH: server.path } });
    expect([code, tried(data)]).toMatchObject([0, ok]);
    expect(repo.read(".dvc/config")).toContain(`url = ssh://store${server.root}/team`);
  });
});
