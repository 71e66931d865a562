/**
 * kill -9 after a random time, round after round in one repository: no committed byte is ever lost, nothing half-written is ever found under
 * an object's name, and repeating the command finishes it. Longer runs by the environment: EXPVER_KILL_ROUNDS, EXPVER_KILL_SEED,
 * EXPVER_KILL_REMOTE (`folder`, `ssh`, `webdav`, `s3`), EXPVER_KILL_LINKS (a `cache.type`), EXPVER_KILL_FILES (members of a folder of small
 * files), EXPVER_KILL_AGAIN (how often what mends the last kill is killed too: 0.8 is four more on average, for many kills in little time).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { md5Of } from "../../src/platform/hashing.ts";
import { MAIN } from "../support/command-line.ts";
import { jsonOf } from "../support/dvc.ts";
import { makeFolder, makeRepository, openTestRepository, seededRandom, type TestRepository } from "../support/repository.ts";
import { startNginx } from "../support/servers/nginx.ts";
import { keysOf, startSeaweed } from "../support/servers/seaweed.ts";
import { startSshd } from "../support/servers/sshd.ts";
import { checkedObjects, temporariesIn } from "../support/stores.ts";
import { DVC, runDvc } from "../support/twins.ts";

const ROUNDS = Number(process.env.EXPVER_KILL_ROUNDS ?? 12);
const SEED = Number(process.env.EXPVER_KILL_SEED ?? 1);
const REMOTE = process.env.EXPVER_KILL_REMOTE ?? "folder";
const LINKS = process.env.EXPVER_KILL_LINKS;
const MANY = Number(process.env.EXPVER_KILL_FILES ?? 20);
const AGAIN = Number(process.env.EXPVER_KILL_AGAIN ?? 0.25);
/** What a command takes is learnt; at first it is this. */
const FIRST_MS = 400;
const FILES = ["d/a", "d/b", "d/s/c", "e/x", "e/y", "f"];
const OUTPUTS = ["d", "e", "f"];

/** For each, what makes something for it to do, and the command. */
type Kind = "add" | "add a member" | "commit" | "checkout" | "switch" | "unprotect" | "push" | "fetch" | "pull" | "gc" | "gc -c" | "update";
const KINDS: Kind[] = [
  "add",
  "add",
  "add a member",
  "commit",
  "checkout",
  "switch",
  "unprotect",
  "push",
  "push",
  "fetch",
  "pull",
  "gc",
  "gc -c",
  "update",
];

/** Those that read the data and write none of it. */
const LEAVE_DATA: Kind[] = ["add", "add a member", "commit", "unprotect", "push", "gc", "gc -c"];
// Symbolic links into a cache that is gone come back to life.
if (LINKS !== "symlink") LEAVE_DATA.push("fetch");

interface Share {
  url: string;
  /** A folder with its files as they are now. */
  look: () => Promise<string>;
  options?: Record<string, string>;
  env?: Record<string, string>;
}

const stops: (() => unknown)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
});

async function share(): Promise<Share> {
  if (REMOTE === "ssh") {
    const server = await startSshd();
    stops.push(() => server.stop());
    server.configure(server.usual);
    const { user, port, root, key: keyfile, path: PATH } = server;
    const look = async () => join(root, "store");
    return { url: `ssh://${user}@127.0.0.1:${port}${root}/store`, look, options: { keyfile }, env: { PATH } };
  }
  if (REMOTE === "webdav") {
    const server = await startNginx();
    stops.push(() => server.stop());
    mkdirSync(join(server.root, "open/store"));
    return { url: `${server.url.replace("http", "webdav")}/open/store`, look: async () => join(server.root, "open/store") };
  }
  if (REMOTE === "s3") {
    const server = await startSeaweed();
    stops.push(() => server.stop());
    await server.makeBucket("killed");
    const folder = join(makeFolder("copy"), "store");
    const look = async () => {
      rmSync(folder, { recursive: true, force: true });
      for (const [key, bytes] of await server.contents("killed", "store")) {
        mkdirSync(dirname(join(folder, key)), { recursive: true });
        writeFileSync(join(folder, key), bytes);
      }
      return folder;
    };
    return { url: "s3://killed/store", look, options: { endpointurl: server.url, ...keysOf("all") } };
  }
  const folder = join(makeFolder("store"), "store");
  return { url: folder, look: async () => folder };
}

test("killed at random", { timeout: 4 * 3_600_000 }, async () => {
  const random = seededRandom(SEED);
  const { url, look, options = {}, env = {} } = await share();
  const repository = makeRepository({ env });
  const { root } = repository;
  const run = (...args: string[]) => repository.expver(["data", ...args]);
  const must = (...args: string[]) => expect([args, run(...args)]).toMatchObject([args, { code: 0 }]);
  must("init", "-q");
  must("remote", "add", "-q", "-d", "store", url);
  for (const [key, value] of Object.entries(options)) must("remote", "modify", "-q", "--local", "store", key, value);
  if (LINKS !== undefined) must("config", "cache.type", LINKS);
  /** Not through a link: that would change the object. */
  const replace = (path: string, content: string) => {
    rmSync(join(root, path), { force: true });
    repository.write(path, content);
  };
  const write = (share: number) => {
    const now = Math.floor(random() * 1e9);
    for (const path of FILES) if (random() < share) replace(path, text(path, now, random));
    for (let count = 0; count < MANY; count += 1) if (random() < share / 3) replace(`d/many/${count}`, `${now} ${count}`);
  };
  write(3);
  must("add", ...OUTPUTS);
  const source = sourceOf(repository);
  must("import", "-q", source.root, "data", "-o", "imported");
  repository.commit("0");
  /** What the commits name. */
  const committed = new Set(namedNow(repository));
  const commits = [repository.git("rev-parse", "HEAD")];
  const expected = new Map<Kind, number>();
  const kills = new Map<Kind, number>();
  let [killed, rounds] = [0, 0];

  for (let round = 1; round <= ROUNDS; round += 1) {
    const kind = KINDS[Math.floor(random() * KINDS.length)] as Kind;
    const args = prepare(kind);
    const before = dataOf(repository);
    let where = `seed ${SEED}, round ${round}: ${args.join(" ")}`;
    // Some are killed again while they mend what the first kill left.
    do {
      rounds += 1;
      where += `, killed after ${killSometime(kind, args)} ms`;
      if (LEAVE_DATA.includes(kind)) expect(dataOf(repository), where).toEqual(before);
      await nothingLost(where);
    } while (random() < AGAIN);
    expect([where, run(...args)]).toMatchObject([where, { code: 0 }]);
    if (LEAVE_DATA.includes(kind)) expect(dataOf(repository), where).toEqual(before);
    const store = await nothingLost(`${where}, repeated`);
    expect([where, JSON.parse(run("status", "--no-updates", "--json").stdout)]).toEqual([where, {}]);
    expect([...temporariesIn(root), ...(existsSync(store) ? temporariesIn(store) : [])], where).toEqual([]);
    if (kind === "switch") {
      repository.git("checkout", "-q", "main");
      must("checkout", "-q", "-f");
    }
    if (kind === "add" || kind === "add a member" || kind === "commit" || kind === "update") {
      repository.commit(String(round));
      commits.push(repository.git("rev-parse", "HEAD"));
      for (const object of namedNow(repository)) committed.add(object);
    }
    if (round % 10 === 0 && DVC !== null) {
      must("push", "-q");
      const { code, stdout, stderr } = runDvc(repository, ["status", "-c", "--json"]);
      expect([where, code, code === 0 ? jsonOf({ code, stdout, stderr }) : stderr]).toEqual([where, 0, {}]);
    }
    if (ROUNDS > 50 && (round % 25 === 0 || round === ROUNDS))
      console.log(`round ${round}: ${rounds} runs, ${killed} killed (${[...kills].map(([name, count]) => `${name} ${count}`).join(", ")})`);
  }

  /** Runs a command and kills it somewhere within the time it takes; answers when. */
  function killSometime(kind: Kind, args: string[]): number {
    const takes = expected.get(kind) ?? FIRST_MS;
    const timeout = Math.ceil((0.2 + 0.8 * random()) * takes);
    const start = Date.now();
    const { signal } = spawnSync(process.execPath, [MAIN, "data", ...args], {
      cwd: root,
      env: { ...repository.context.env },
      timeout,
      killSignal: "SIGKILL",
      stdio: "ignore",
    });
    expected.set(kind, signal === "SIGKILL" ? takes * 1.05 : Date.now() - start);
    if (signal === "SIGKILL") {
      killed += 1;
      kills.set(kind, (kills.get(kind) ?? 0) + 1);
    }
    return timeout;
  }

  /** Makes something for the command to do; answers its arguments. */
  function prepare(kind: Kind): string[] {
    if (kind === "add" || kind === "commit") {
      write(0.6);
      return kind === "add" ? ["add", ...OUTPUTS] : ["commit", "-f"];
    }
    if (kind === "add a member") {
      replace("d/s/c", text("d/s/c", random(), random));
      replace("e/x", text("e/x", random(), random));
      return ["add", "d/s/c", "e/x"];
    }
    if (kind === "update") {
      source.write("data/x", `${random()}`);
      expect(source.expver(["data", "add", "data"]).code).toBe(0);
      source.commit("more");
      return ["update", "imported.dvc"];
    }
    if (kind === "unprotect") return ["unprotect", ...OUTPUTS];
    if (kind === "push") return ["push", "-A"];
    if (kind === "gc") return ["gc", "-f", "-A"];
    if (kind === "gc -c") {
      must("push", "-q", "-A");
      return ["gc", "-f", "-A", "-c"];
    }
    if (kind === "checkout") {
      for (const path of FILES) if (random() < 0.5) replace(path, "changed by hand");
      rmSync(join(root, "e"), { recursive: true });
      return ["checkout", "-f"];
    }
    if (kind === "switch") {
      // After a pull only what is here now was brought.
      must("fetch", "-q", "-A");
      repository.git("checkout", "-q", commits[Math.floor(random() * commits.length)] as string);
      return random() < 0.5 ? ["checkout"] : ["checkout", "-f"];
    }
    must("push", "-q", "-A");
    rmSync(join(root, ".dvc/cache/files"), { recursive: true, force: true });
    if (kind === "pull") rmSync(join(root, "d"), { recursive: true });
    return kind === "pull" ? ["pull", "-f"] : ["fetch", "-A"];
  }

  /** Answers where the remote's files were seen. */
  async function nothingLost(where: string): Promise<string> {
    const store = await look();
    const known = new Set([
      ...checkedObjects(join(root, ".dvc/cache")),
      ...checkedObjects(store, { readOnly: REMOTE === "folder" }),
      ...checkedObjects(join(source.root, ".dvc/cache")),
    ]);
    expect(
      [...committed].filter((object) => !known.has(object)),
      where,
    ).toEqual([]);
    return store;
  }
});

/** A repository with data of its own, to import from. */
function sourceOf({ context: { env } }: TestRepository): TestRepository {
  const source = openTestRepository(makeFolder("source"), env as Record<string, string>);
  source.git("init", "-q", "-b", "main");
  expect(source.expver(["data", "init", "-q"]).code).toBe(0);
  source.write("data/x", "x");
  source.write("data/y", "y");
  expect(source.expver(["data", "add", "-q", "data"]).code).toBe(0);
  source.commit("data");
  return source;
}

function text(path: string, round: number, random: () => number): string {
  return `${path} ${round} `.repeat(1 + Math.floor(random() * 30_000));
}

function dataOf(repository: TestRepository): string[] {
  return FILES.filter((path) => existsSync(join(repository.root, path))).map(
    (path) => `${path} ${md5Of(readFileSync(join(repository.root, path)))}`,
  );
}

/** Objects the pointers of the worktree name, folders' members too. */
function namedNow(repository: TestRepository): string[] {
  return [...OUTPUTS, "imported"].flatMap((name) => {
    const hash = /outs:\n- md5: (\S+)/.exec(repository.read(`${name}.dvc`))?.[1] ?? "";
    if (!hash.endsWith(".dir")) return [hash];
    const listing = join(repository.root, ".dvc/cache/files/md5", hash.slice(0, 2), hash.slice(2));
    return [hash, ...(JSON.parse(readFileSync(listing, "utf8")) as { md5: string }[]).map(({ md5 }) => md5)];
  });
}
