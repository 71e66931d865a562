/**
 * Every command of the catalogue, as its first example says, where people do type it: in a sub-folder of a linked worktree below a path
 * with blanks and umlauts, in a repository they may only read, and in one that is somebody else's.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../src/workflows/catalogue/index.ts";
import type { Command } from "../../src/workflows/contract.ts";
import { TRAIN } from "../run/story.ts";
import { MAIN } from "../support/command-line.ts";
import { sampledPoints } from "../support/kill-at.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";
import { mustIn } from "../worktree/story.ts";

const NOBODY = 65534;
const NAMELESS = 54_321;
/** Only root becomes somebody else; and they must be able to read Node and the build, wherever those lie. */
const CAN_BE_NOBODY =
  process.getuid?.() === 0 && spawnSync(process.execPath, [MAIN, "--version"], { uid: NOBODY, gid: NOBODY, cwd: "/" }).status === 0;

interface Answer {
  line: string;
  kind: Command["kind"];
  code: number;
  said: string;
}

/** One of its own for each place: commands change what they run in. */
function makePlace(): { main: TestRepository; linked: TestRepository } {
  const folder = join(makeFolder("places"), "Übungen № 1", "o'brien");
  mkdirSync(join(folder, "work"), { recursive: true });
  for (let up = folder; up !== "/dev/shm" && up !== "/tmp" && up !== "/"; up = join(up, "..")) chmodSync(up, 0o755);
  const main = openTestRepository(join(folder, "work"));
  main.git("init", "-q", "-b", "main");
  mustIn(main, "init");
  main.write("data/train.csv", "a,b\n1,2\n");
  main.write("data/images/größe 1.txt", "1\n");
  mustIn(main, "data", "add", "data/train.csv", "data/images");
  main.commit("start", {
    "expver.yaml": "metrics: { accuracy: max }\nmodels: { output: models/model.json }\n",
    "train.js": TRAIN,
    "sub folder/train.js": TRAIN,
    ".gitignore": `${main.read(".gitignore")}metrics.json\n`,
  });
  mustIn(main, "run", "--metrics", "metrics.json", "-m", "first", "--", "node", "train.js");
  mustIn(main, "worktree", "create", "linked");
  return { main, linked: openTestRepository(join(folder, "exp-linked"), main.context.env as Record<string, string>) };
}

/** Without those that serve or play until somebody ends them. */
const LINES = CATALOGUE.filter(({ serves, name, hidden }) => serves === undefined && !hidden && name !== "demo").flatMap(
  ({ examples, kind }) => {
    const [first] = examples;
    return first === undefined ? [] : [{ line: first[0], kind }];
  },
);

/** A few at once when they only look; one after the other when they write. */
async function typeAll(
  repo: TestRepository,
  cwd: string,
  options: { uid?: number; env?: Record<string, string | undefined>; atOnce?: number },
): Promise<Answer[]> {
  const { uid, env, atOnce = 1 } = options;
  const answers: Answer[] = [];
  // In the gate a share of them; all with EXPVER_KILL_STEP=1.
  const { step, from } = sampledPoints(5);
  const left = LINES.filter(({ line }, index) => line === "list" || index % step === from % step);
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { line, kind } = next;
      const child = spawn("sh", ["-c", `exec "$0" "$1" ${line}`, process.execPath, MAIN], {
        cwd: join(repo.root, cwd),
        env: { ...(repo.context.env as Record<string, string>), ...env },
        stdio: ["ignore", "pipe", "pipe"],
        ...(uid === undefined ? {} : { uid, gid: uid }),
      });
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += String(chunk)));
      const timer = setTimeout(() => child.kill("SIGKILL"), 240_000);
      const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 137)));
      clearTimeout(timer);
      answers.push({ line, kind, code, said });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return answers;
}

/** A bug, a stack trace, or a failure of the system without a word on what to do. */
function unclear({ code, said, line }: Answer): string[] {
  const isBug = code === 137 || /E_BUG|^\s+at .*:\d+:\d+|TypeError|ReferenceError|See the path and reason/m.test(said);
  return isBug ? [`${line} (${code}): ${said.slice(0, 600)}`] : [];
}

/** What an example names is not in this repository; or it answers by its exit code alone. */
const NAMES_NOTHING = /^error (?:E_NOT_FOUND|E_REMOTE\w*)|^$/;

it("in a sub-folder of a linked worktree below a path with blanks and umlauts: each does its work or says why not", {
  timeout: 600_000,
}, async () => {
  const { linked } = makePlace();
  expect((await typeAll(linked, "sub folder", {})).flatMap(unclear)).toEqual([]);
});

describe.runIf(CAN_BE_NOBODY)("as another user", () => {
  it("who may only read: reading works, and writing is refused by name", { timeout: 600_000 }, async () => {
    const { main } = makePlace();
    const before = [main.git("for-each-ref"), main.git("status", "--porcelain"), main.read("results/experiments.db")];
    const trusting = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };
    const answers = await typeAll(main, "", { uid: NOBODY, env: { ...strangersHome(), ...trusting }, atOnce: 2 });
    expect(answers.flatMap(unclear)).toEqual([]);
    const refused = answers.filter(({ kind, code, said }) => kind === "read" && ![0, 4, 5].includes(code) && !NAMES_NOTHING.test(said));
    expect(refused).toEqual([]);
    expect([main.git("for-each-ref"), main.git("status", "--porcelain"), main.read("results/experiments.db")]).toEqual(before);
  });

  it("who has neither a name nor a folder, in a container that says nothing of either", { timeout: 600_000 }, async () => {
    const { main } = makePlace();
    expect(spawnSync("chmod", ["-R", "a+rwX", join(main.root, "..")]).status).toBe(0);
    const { XDG_CONFIG_DIRS } = strangersHome();
    const homeless = { HOME: undefined, USER: undefined, LOGNAME: undefined, XDG_CONFIG_HOME: undefined, XDG_CONFIG_DIRS };
    const trusting = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };
    const answers = await typeAll(main, "", { uid: NAMELESS, env: { ...homeless, ...trusting } });
    expect(answers.flatMap(unclear)).toEqual([]);
    expect(answers.find(({ line }) => line === "list")?.code).toBe(0);
  });

  it("whose repository it is not: git's refusal, and what to type", { timeout: 600_000 }, async () => {
    const { main } = makePlace();
    const answers = await typeAll(main, "", { uid: NOBODY, env: strangersHome(), atOnce: 2 });
    expect(answers.flatMap(unclear)).toEqual([]);
    const list = answers.find(({ line }) => line === "list");
    expect(list?.code).toBe(1);
    expect(list?.said).toContain("git config --global --add safe.directory");
  });
});

/** Git knows who they are, and nothing else is configured. */
function strangersHome(): Record<string, string> {
  const home = makeFolder("stranger");
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = A Stranger\n\temail = stranger@example.com\n");
  chmodSync(home, 0o777);
  return { HOME: home, XDG_CONFIG_HOME: join(home, ".config"), XDG_CONFIG_DIRS: join(home, "etc"), XDG_CACHE_HOME: join(home, ".cache") };
}
