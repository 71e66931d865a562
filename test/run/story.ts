/** A small experiment repository for tests of runs: set up, committed, with programs written in node. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { openResults } from "../../src/results/database.ts";
import { MAIN } from "../support/command-line.ts";
import { makeRepository, type TestRepository } from "../support/repository.ts";

const CONFIG = `metrics: { accuracy: max }
models: { output: models/model.json, production: models/production/model.json, candidates: models/candidates }
track: [reports/*.json]
`;

/** Writes model, metrics and a line of output; asks for nothing. */
export const TRAIN = `
const fs = require("fs");
const lr = JSON.parse(process.env.EXPVER_PARAMS).lr ?? 0.5;
console.log("training", lr);
fs.mkdirSync("models", { recursive: true });
fs.writeFileSync("models/model.json", JSON.stringify({ lr, data: fs.existsSync("data.csv") ? fs.readFileSync("data.csv", "utf8") : null }));
fs.writeFileSync("metrics.json", JSON.stringify({ accuracy: 0.8667 }));
`;

/** One commit with train.js and expver.yaml. */
export function makeExperiment(options: Parameters<typeof makeRepository>[0] = {}): TestRepository {
  const repo = makeRepository(options);
  const made = repo.expver(["init"]);
  if (made.code !== 0) throw new Error(made.stderr);
  repo.write("expver.yaml", CONFIG);
  repo.write("train.js", TRAIN);
  repo.commit("start");
  return repo;
}

/** Waits until something is true. */
export async function until(what: () => boolean, milliseconds = 120_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!what()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(20);
  }
}

export interface Background {
  pid: number;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** On stderr so far. */
  said: () => string;
  kill: (signal: NodeJS.Signals) => void;
}

/** `expver` beside the test, to be disturbed. */
export function inBackground(
  repo: TestRepository,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Background {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: join(repo.root, options.cwd ?? "."),
    env: { ...repo.context.env, ...options.env },
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }));
  });
  return { pid: child.pid ?? 0, ended, said: () => Buffer.concat(err).toString(), kill: (signal) => void child.kill(signal) };
}

/** All rows of the default events table with their stamps. */
export function rowsOf(repo: TestRepository, table = "default"): Record<string, unknown>[] {
  const path = join(repo.root, "results/experiments.db");
  if (!existsSync(path)) return [];
  const db = openResults(path, { readonly: true });
  try {
    return db.all(`SELECT * FROM "${table}" `);
  } finally {
    db.close();
  }
}

export function runRows(repo: TestRepository): Record<string, unknown>[] {
  if (!existsSync(join(repo.root, "results/experiments.db"))) return [];
  const db = openResults(join(repo.root, "results/experiments.db"), { readonly: true });
  try {
    return db.all("SELECT * FROM expver_runs ORDER BY start");
  } finally {
    db.close();
  }
}

export function exists(repo: TestRepository, path: string): boolean {
  return existsSync(join(repo.root, path));
}

function readState(repo: TestRepository, path: string): string {
  return readFileSync(join(repo.root, ".git/expver", path), "utf8");
}

/** No half-done thing: refs, rows, index, worktree and leases agree. */
export function checkWhole(repo: TestRepository, from: string, about: string): void {
  expect(
    repo
      .git("status", "--porcelain")
      .split("\n")
      .filter((line) => line !== "?? metrics.json" && line !== ""),
    about,
  ).toEqual([]);
  expect(repo.git("for-each-ref", "refs/expver/reserved")).toBe("");
  expect(namesIn(repo, "leases").filter((name) => name.endsWith(".json"))).toEqual([]);
  expect(openOperations(repo), about).toEqual([]);
  expect(() => repo.git("merge-base", "--is-ancestor", from, "HEAD")).not.toThrow();
  const tags = repo.git("tag").split("\n").filter(Boolean);
  const runs = runRows(repo);
  expect(runs.filter(({ status }) => status === "running")).toEqual([]);
  expect(runs.flatMap(({ version }) => (version === null ? [] : [String(version)])).sort()).toEqual(tags.sort());
  expect([...new Set(rowsOf(repo).flatMap(({ version }) => (version === null ? [] : [String(version)])))].sort()).toEqual(tags.sort());
  for (const tag of tags) expect(repo.git("show", `${tag}:results/experiments.db.dvc`)).toContain("md5");
}

function namesIn(repo: TestRepository, folder: string): string[] {
  const path = join(repo.root, ".git/expver", folder);
  return existsSync(path) ? readdirSync(path) : [];
}

/**
 * One that was killed before its first line was written has not begun: its empty file says nothing. One with an end has ended: its file
 * gets its name from the next writing command.
 */
export function openOperations(repo: TestRepository): string[] {
  const isOpen = (text: string) => text !== "" && !/^\{"end":.*\}$/m.test(text);
  return namesIn(repo, "operations").filter((name) => name.endsWith(".open.jsonl") && isOpen(readState(repo, `operations/${name}`)));
}
