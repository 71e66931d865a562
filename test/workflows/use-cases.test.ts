/**
 * Somebody who knows the skill's text only plays its fourteen situations, each in a fresh repository; at a random moment the machine goes
 * dark. They go on as the text says, and end where it says, with every earlier result still there. By default three of them, at moments that once left half of something;
 * EXPVER_USE_CASES=all or 2,7 plays others, EXPVER_SEED other moments.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { killEnvironment, SIGKILLED } from "../support/kill-at.ts";
import { makeFolder, openTestRepository, type TestRepository } from "../support/repository.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "skills/expver/references/use-cases.md"), "utf8");
const seed = Number(process.env.EXPVER_SEED ?? 3);

interface Case {
  number: number;
  lines: string[];
}

const CASES: Case[] = [...page.matchAll(/^## (\d+)\. [\s\S]*?^```sh\n([\s\S]*?)^```/gm)].map(([, number, block = ""]) => ({
  number: Number(number),
  lines: block.trimEnd().split("\n"),
}));

/** What the text says each ends with. */
const ENDS: Record<number, (repo: TestRepository) => void> = {
  1: (repo) => expect(described(repo)).toContain("baseline again"),
  2: (repo) => {
    expect(described(repo)).toContain("lr x l2");
    const { runs } = data<{ runs: { status: string; params: Record<string, string> }[] }>(repo, "runs", "list", "--all");
    const grid = runs.filter(({ status, params }) => status === "finished" && params.l2 !== undefined);
    expect(new Set(grid.map(({ params }) => `${params.lr} ${params.l2}`)).size).toBe(4);
  },
  3: (repo) => expectMerged(repo, "transformer", "another architecture"),
  4: (repo) => {
    expectMerged(repo, "augmented", "augmented");
    expect(repo.read("data/train.csv").length).toBeGreaterThan(trainBytes);
  },
  5: (repo) => {
    expect(described(repo)).toContain("before the new evaluation");
    expect(existsSync(join(repo.root, "new_eval.db"))).toBe(false);
  },
  6: (repo) => expect(candidates(repo)).toBeGreaterThanOrEqual(2),
  7: (repo) => {
    expect(described(repo)).toContain("before the new schema");
    expectMerged(repo, "schema", "new schema");
  },
  8: (repo) => {
    expect(described(repo)).toContain("HOTFIX: tokenizer overflow");
    expect(existsSync(join(repo.root, "models/production/model.json"))).toBe(true);
  },
  9: (repo) => expect(existsSync(join(repo.root, "old-model.json"))).toBe(false),
  10: (repo) => expect(described(repo)).toHaveLength(2),
  11: (repo) => expectBytes(repo, "model_v1.json", "models/model.json"),
  12: (repo) => expectBytes(repo, "train_v1.csv", "data/train.csv"),
  13: (repo) => expect(existsSync(join(repo.root, "../explore-e0.1.0"))).toBe(false),
  14: (repo) => expect(described(repo)).toHaveLength(2),
};

let demo: string;
let trainBytes: number;

beforeAll(() => {
  const base = openTestRepository(makeFolder("use-cases"));
  expect(base.expver(["demo", "demo", "--brief"]).code).toBe(0);
  demo = join(base.root, "demo");
  trainBytes = readFileSync(join(demo, "data/train.csv")).length;
});

it("the page has fourteen, each with something to type and an end", () => {
  expect(CASES.map(({ number }) => number)).toEqual(Array.from({ length: 14 }, (_, index) => index + 1));
  expect(Object.keys(ENDS)).toHaveLength(14);
});

it.each(chosen())("situation $number ends as its text says, though the machine went dark", { timeout: 240_000 }, ({ number, lines }) => {
  const repo = aRepository();
  const random = randomNumbers(`${seed} ${number}`);
  const typed = lines.flatMap((line, index) => (line.includes("expver ") ? [index] : []));
  const dark = typed[Math.floor(random() * typed.length)];
  const at = 1 + Math.floor(random() ** 2 * 150);
  const before = results(repo);
  for (const [index, line] of lines.entries()) {
    const first = type(repo, line, index === dark ? killEnvironment(at) : {});
    if (first.code !== SIGKILLED) expect({ line, at, ...first }).toMatchObject({ line, code: 0 });
    else goOn(repo, line, at);
  }
  const found = { seed, number, dark: lines[dark ?? 0], at };
  expect({ ...found, lost: before.filter((one) => !results(repo).includes(one)) }).toEqual({ ...found, lost: [] });
  const { code, text } = type(repo, "expver verify");
  expect({ ...found, code, text: code === 0 ? "" : text }).toEqual({ ...found, code: 0, text: "" });
  ENDS[number]?.(repo);
});

function chosen(): Case[] {
  const asked = process.env.EXPVER_USE_CASES ?? "4,8,13";
  if (asked === "all") return CASES;
  return CASES.filter(({ number }) => asked.split(",").includes(String(number)));
}

function aRepository(): TestRepository {
  const folder = makeFolder("situation");
  cpSync(demo, join(folder, "demo"), { recursive: true });
  const repo = openTestRepository(join(folder, "demo"));
  repo.write("../bin/expver", `#!/bin/sh\nexec "${process.execPath}" "${join(root, "dist/main.cjs")}" "$@"\n`);
  repo.run("chmod", ["+x", "../bin/expver"]);
  repo.git("update-index", "-q", "--refresh");
  return repo;
}

function type(repo: TestRepository, line: string, env: Record<string, string> = {}): { code: number; text: string } {
  const path = `${join(repo.root, "../bin")}:${process.env.PATH}`;
  const { code, stdout, stderr } = repo.run("bash", ["-c", line], { env: { PATH: path, ...env } });
  return { code: code === 128 ? SIGKILLED : code, text: stdout + stderr };
}

/**
 * As the pages on what is wrong say: `expver doctor` finds it; a sweep is resumed; of everything else "the next writing command finishes or
 * takes back what was half-done", so that it is typed again, and may be refused because it is done already.
 */
function goOn(repo: TestRepository, line: string, at: number): void {
  if (process.env.EXPVER_USE_CASES !== undefined) console.log(`killed at ${at}: ${line}`);
  const doctor = type(repo, "expver doctor --dry-run");
  expect([0, 5], doctor.text).toContain(doctor.code);
  if (line.startsWith("expver sweep") && type(repo, "expver sweep --resume").code === 0) return;
  const again = type(repo, line);
  expect([0, 1, 4], `seed ${seed}, killed at ${at}: ${line}\n${again.text}`).toContain(again.code);
  expect(again.text).not.toMatch(/has a bug/);
}

/** Every version and every run there is. */
function results(repo: TestRepository): string[] {
  const { rows } = data<{ rows: string[][] }>(repo, "sql", "SELECT run_id, version FROM expver_runs WHERE status = 'finished'");
  return [...repo.git("tag", "--list", "--format=%(refname) %(objectname)").split("\n"), ...rows.map((row) => row.join(" "))];
}

function data<Data>(repo: TestRepository, ...args: string[]): Data {
  const { code, data: answer, error } = repo.expverJson(args);
  expect({ code, error }).toEqual({ code: 0, error: null });
  return answer as Data;
}

function described(repo: TestRepository): string[] {
  return data<{ versions: { description: string }[] }>(repo, "list", "--all").versions.map(({ description }) => description);
}

function candidates(repo: TestRepository): number {
  const { models } = data<{ models: { candidate: unknown }[] }>(repo, "models", "list");
  return models.filter(({ candidate }) => candidate !== null && candidate !== undefined).length;
}

/** The worktree is gone, its version and its results are here, and so is the version of the merge. */
function expectMerged(repo: TestRepository, name: string, description: string): void {
  expect(existsSync(join(repo.root, `../exp-${name}`))).toBe(false);
  expect(described(repo)).toEqual(expect.arrayContaining([description, expect.stringContaining(`Merge exp/${name}`)]));
  const { rows } = data<{ rows: string[][] }>(repo, "sql", `SELECT count(*) AS n FROM expver_runs WHERE message = '${description}'`);
  expect(Number(rows[0]?.[0])).toBeGreaterThanOrEqual(1);
}

function expectBytes(repo: TestRepository, path: string, of: string): void {
  const { data: shown } = repo.expverJson(["show", "e0.1.0"]) as { data: { artifacts?: { path: string; hash: string }[] } };
  const md5 = createHash("md5")
    .update(readFileSync(join(repo.root, path)))
    .digest("hex");
  expect(JSON.stringify(shown)).toContain(md5);
  expect(JSON.stringify(shown)).toContain(of);
}

/** The same ones for the same words, between 0 and 1. */
function randomNumbers(words: string): () => number {
  let count = 0;
  return () => {
    count += 1;
    return createHash("sha256").update(`${words} ${count}`).digest().readUInt32BE(0) / 2 ** 32;
  };
}
