/**
 * Three people who share a remote do what comes to their minds, step after step. Whatever that was, each version gives back the very bytes its
 * program read and made, says the parameter and metric it had, and its chain is whole. Longer walks, and others, by the environment:
 * EXPVER_WALK_SEED, EXPVER_WALK_STEPS.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { runKilledAt } from "../support/kill-at.ts";
import { awaitProgramsEnded } from "../support/programs-ended.ts";
import { makeFolder, makeRepository, seededRandom, type TestRepository } from "../support/repository.ts";

const SEED = Number(process.env.EXPVER_WALK_SEED ?? 1);
const STEPS = Number(process.env.EXPVER_WALK_STEPS ?? 24);
const DATA = "data/train.csv";
const MODEL = "models/model.bin";

/** Notes, out of reach of everybody, what it read and made. */
const TRAIN = `
const { appendFileSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const { createHash, randomBytes } = require("node:crypto");
const [, , lr, fails] = process.argv;
if (fails) process.exit(3);
const digest = (bytes) => createHash("md5").update(bytes).digest("hex");
const model = randomBytes(100);
const accuracy = Number((1 / (1 + Math.abs(lr - 1))).toFixed(4));
mkdirSync("models", { recursive: true });
writeFileSync("${MODEL}", model);
writeFileSync("metrics.json", JSON.stringify({ accuracy }));
const bytes = { "${MODEL}": digest(model), "${DATA}": digest(readFileSync("${DATA}")), "train.js": digest(readFileSync("train.js")) };
appendFileSync(process.env.WALK_TRUTH, JSON.stringify({ run: process.env.EXPVER_RUN_ID, lr, accuracy, bytes }) + "\\n");
`;
const PROGRAM = ["--", "node", "train.js", "{lr}"];

/** What a step may run into; anything else is a fault. */
const REFUSALS = ["E_DATA", "E_DATA_CHANGED", "E_NOT_FOUND", "E_RUN_FAILED", "E_UNDO", "E_UNSAVED", "E_USAGE", "E_WOULD_LOSE"];

interface Truth {
  run: string;
  lr: string;
  accuracy: number;
  /** By path. */
  bytes: Record<string, string>;
}

interface Person {
  name: string;
  repo: TestRepository;
  /** Folders of experiments of theirs. */
  worktrees: string[];
  /** In a file nobody else writes; null: a command may have brought back an earlier one. */
  notes: string | null;
}

it("each version of anybody is what it was, whatever was done before and since", { timeout: 3_600_000 }, () => {
  const walk = new Walk();
  for (let step = 1; step <= STEPS; step += 1) walk.step(step);
  walk.end();
});

class Walk {
  private readonly random = seededRandom(SEED);
  private readonly base = makeFolder("team");
  private readonly truthFile = join(this.base, "truth");
  private readonly said: string[] = [];
  private readonly people: Person[];
  private made = 0;

  constructor() {
    writeFileSync(this.truthFile, "");
    const first = this.repository();
    first.git("init", "-q", "--bare", "../up.git");
    first.expver(["init"]);
    first.write(DATA, "id,x\n1,2\n");
    first.write("train.js", TRAIN);
    for (const name of ["ada", "bea", "cem"]) first.write(`notes-${name}.txt`, "");
    appendFileSync(join(first.root, "expver.yaml"), `\nmodels: { output: ${MODEL}, keep: 3 }\nmetrics: { accuracy: max }\n`);
    for (const args of [
      ["data", "add", DATA],
      ["data", "remote", "add", "-d", "storage", join(this.base, "storage")],
      ["data", "push"],
    ])
      expect(first.expver(args)).toMatchObject({ code: 0 });
    first.commit("start");
    first.git("remote", "add", "origin", "../up.git");
    first.git("push", "-q", "-u", "origin", "main");
    // What made all this is nothing that anybody's undo could take back.
    this.people = ["ada", "bea", "cem"].map((name) => {
      const repo = this.repository(join(dirname(first.root), "up.git"));
      repo.expver(["init"]);
      expect(repo.expver(["data", "pull"]).code).toBe(0);
      return { name, repo, worktrees: [], notes: "" };
    });
  }

  step(number: number): void {
    const person = this.pick(this.people);
    person.worktrees = person.worktrees.filter((folder) => existsSync(join(person.repo.root, folder)));
    const folder = person.worktrees.length > 0 && this.random() < 0.35 ? this.pick(person.worktrees) : ".";
    const [name, act] = this.pick(this.bag);
    this.said.push(`-- ${number} ${person.name} ${name} in ${folder}`);
    act(person, folder);
    if (person.notes !== null) expect(this.about(person.repo.read(`notes-${person.name}.txt`))).toEqual(this.about(person.notes));
    if (number % 8 === 0) this.check(this.pick(this.people), 3);
  }

  end(): void {
    for (const { repo } of this.people) {
      this.run(repo, ".", "doctor", "--fix");
      this.run(repo, ".", "publish");
    }
    for (const { repo } of this.people) this.run(repo, ".", "sync", "--data");
    for (const person of this.people) this.check(person, Number.POSITIVE_INFINITY);
    expect(this.truths().size).toBeGreaterThan(0);
  }

  private readonly steps: Record<string, [weight: number, act: (person: Person, folder: string) => void]> = {
    code: [6, ({ repo }, folder) => appendFileSync(join(repo.root, folder, "train.js"), `// ${this.count()}\n`)],
    data: [6, (person, folder) => this.editData(person, folder)],
    notes: [
      4,
      (person) => {
        person.notes = `${this.count()}\n`;
        person.repo.write(`notes-${person.name}.txt`, person.notes);
      },
    ],
    commit: [
      5,
      ({ repo }, folder) => {
        this.git(repo, folder, "add", "-A");
        this.git(repo, folder, "commit", "-qm", "by hand");
      },
    ],
    run: [16, ({ repo }, folder) => this.train(repo, folder)],
    fail: [2, ({ repo }, folder) => void this.run(repo, folder, "run", "--param", "lr=9", ...PROGRAM, "fails")],
    killed: [7, ({ repo }) => this.kill(repo)],
    sweep: [
      4,
      ({ repo }, folder) =>
        void this.run(repo, folder, "sweep", "--grid", `lr=${this.lr()},${this.lr()}`, "--metrics", "metrics.json", ...PROGRAM),
    ],
    publish: [8, ({ repo }, folder) => void this.run(repo, folder, "publish")],
    sync: [4, ({ repo }, folder) => void this.run(repo, folder, "sync", ...(this.random() < 0.5 ? ["--data"] : []))],
    pull: [8, ({ repo }, folder) => this.pull(repo, folder)],
    create: [3, (person) => this.create(person)],
    finish: [5, (person) => this.finish(person)],
    undo: [
      4,
      (person, folder) => {
        this.run(person.repo, folder, "undo", "--yes");
        person.notes = null;
      },
    ],
    promote: [3, ({ repo }, folder) => this.ofAny(repo, folder, (version) => ["models", "promote", version, "--yes"])],
    add: [2, ({ repo }, folder) => this.ofAny(repo, folder, (version) => ["models", "add", version])],
    prune: [2, ({ repo }, folder) => void this.run(repo, folder, "models", "prune", "--keep", "2", "--yes")],
    restore: [
      3,
      ({ repo }, folder) => this.ofAny(repo, folder, (version) => ["restore", version, this.pick(["models", DATA, "train.js"]), "--yes"]),
    ],
    gc: [2, ({ repo }, folder) => void this.run(repo, folder, "data", "gc", "-a", "-T", "-A", "-f")],
    "git gc": [1, ({ repo }, folder) => void this.git(repo, folder, "gc", "-q", "--prune=now")],
    tag: [2, ({ repo }, folder) => void this.run(repo, folder, "tag", "-d", "by hand")],
    "tag of a run": [3, ({ repo }, folder) => this.tagRun(repo, folder)],
  };
  private readonly bag = Object.entries(this.steps).flatMap(([name, [weight, act]]) =>
    Array.from({ length: weight }, () => [name, act] as const),
  );

  /** A program that writes anew what it changes: links to the cache stay what they are. */
  private editData({ repo, name }: Person, folder: string): void {
    const path = join(repo.root, folder, DATA);
    if (!existsSync(path)) return;
    const text = readFileSync(path, "utf8");
    rmSync(path);
    writeFileSync(path, `${text}${this.count()},${name}\n`);
    if (this.random() < 0.3) this.run(repo, folder, "data", "add", DATA);
  }

  private train(repo: TestRepository, folder: string): void {
    const lr = this.lr();
    const [publish, tag] = [this.random() < 0.25 ? ["--publish"] : [], this.random() < 0.1 ? ["--no-tag"] : []];
    const { data } = this.run(repo, folder, "run", "--param", `lr=${lr}`, "--metrics", "metrics.json", ...publish, ...tag, ...PROGRAM);
    if (data?.status === "finished") expect(this.about([data.params.lr, this.truths().get(data.run_id)?.lr])).toEqual(this.about([lr, lr]));
  }

  private kill(repo: TestRepository): void {
    const args = this.pick([
      ["run", "--param", "lr=1", "--metrics", "metrics.json", ...PROGRAM],
      ["sweep", "--grid", "lr=0.5,1.5", "--metrics", "metrics.json", ...PROGRAM],
      ["publish"],
      ["sync"],
      ["undo", "--yes"],
      ["data", "add", DATA],
      ["models", "prune", "--keep", "2", "--yes"],
    ]);
    const { code } = runKilledAt(repo, args, 1 + Math.floor(this.random() * 120));
    this.said.push(`${args.join(" ")} killed: ${code}`);
    awaitProgramsEnded(repo.root);
    this.run(repo, ".", "doctor", "--fix");
  }

  private pull(repo: TestRepository, folder: string): void {
    if (this.git(repo, folder, "pull", "-q", "--no-rebase", "--no-edit") !== 0) {
      const conflicts = () =>
        repo.run("git", ["diff", "--name-only", "--diff-filter=U"], { cwd: folder }).stdout.split("\n").filter(Boolean);
      if (conflicts().length === 0) return;
      this.run(repo, folder, "merge", "--resolve", "newest", "--on-conflict", "newest", "--yes");
      for (const path of conflicts()) for (const args of [["checkout", "--theirs", "--"], ["add"]]) this.git(repo, folder, ...args, path);
      if (this.git(repo, folder, "commit", "-q", "--no-edit") !== 0) this.git(repo, folder, "merge", "--abort");
    }
    this.run(repo, folder, "sync");
    repo.expver(["data", "pull"], { cwd: folder });
  }

  private create({ repo, name, worktrees }: Person): void {
    const experiment = `${name}${this.count()}`;
    if (this.run(repo, ".", "worktree", "create", experiment).ok) worktrees.push(`../exp-${experiment}`);
  }

  private finish({ repo, worktrees }: Person): void {
    if (worktrees.length === 0) return;
    const experiment = basename(this.pick(worktrees)).replace(/^exp-/, "");
    const how = ["--data", this.pick(["merge", "rebase", "none"]), "--models", this.pick(["candidate", "promote", "none"])];
    const code = ["--code", this.pick(["none", "merge"])];
    this.run(repo, ".", "worktree", "finish", experiment, "--on-conflict", "newest", ...how, ...code, "-m", "finished", "--yes");
  }

  private ofAny(repo: TestRepository, folder: string, command: (version: string) => string[]): void {
    const { versions } = this.run(repo, folder, "list").data;
    if (versions.length > 0) this.run(repo, folder, ...command(this.pick<{ version: string }>(versions).version));
  }

  private tagRun(repo: TestRepository, folder: string): void {
    const runs = (this.run(repo, folder, "runs", "list").data.runs as { run_id: string; version: string | null }[]).filter(
      (run) => !run.version,
    );
    if (runs.length > 0) this.run(repo, folder, "tag", "--run", this.pick(runs).run_id);
  }

  /** Of so many versions all that can be asked; of each the numbers, and the chain. */
  private check({ repo }: Person, many: number): void {
    const truths = this.truths();
    const { versions } = this.run(repo, ".", "list").data;
    for (const [index, { version, params, metrics }] of versions.entries()) {
      const { kind, bestRun, runs } = this.run(repo, ".", "show", version).data;
      const truth = truths.get(bestRun ?? (runs.runs.length === 1 ? runs.runs[0].run : ""));
      if (truth === undefined || kind === "merge") continue;
      const { lr, accuracy, bytes } = truth;
      expect(this.about([version, params.lr ?? lr, Number(metrics.accuracy ?? accuracy)])).toEqual(this.about([version, lr, accuracy]));
      if (index >= many) continue;
      for (const [path, digest] of Object.entries(bytes)) {
        const out = join(this.base, "out");
        rmSync(out, { force: true });
        const got = this.run(repo, ".", "get", version, path, "-o", out);
        const found = got.ok ? createHash("md5").update(readFileSync(out)).digest("hex") : got.error;
        expect(this.about([version, path, found])).toEqual(this.about([version, path, digest]));
      }
    }
    const { data } = this.run(repo, ".", "verify");
    expect(this.about(data.versions.filter(({ state }: { state: string }) => state === "broken"))).toEqual(this.about([]));
    expect(this.git(repo, ".", "fsck", "--no-progress", "--connectivity-only")).toBe(0);
  }

  private run(repo: TestRepository, folder: string, ...args: string[]): ReturnType<TestRepository["expverJson"]> {
    const answer = repo.expverJson(args, { cwd: folder });
    this.said.push(`${args.join(" ")}: ${answer.code} ${answer.error?.message ?? ""}`);
    if (answer.error !== null) expect(this.about(REFUSALS)).toEqual(this.about(expect.arrayContaining([answer.error.code])));
    return answer;
  }

  private git(repo: TestRepository, folder: string, ...args: string[]): number {
    const { code } = repo.run("git", args, { cwd: folder });
    this.said.push(`git ${args.join(" ")}: ${code}`);
    return code;
  }

  /** With how one came there. */
  private about<T>(value: T): { seed: number; lately: string[]; value: T } {
    return { seed: SEED, lately: this.said.slice(-60), value };
  }

  private truths(): Map<string, Truth> {
    const lines = readFileSync(this.truthFile, "utf8").split("\n").filter(Boolean);
    return new Map(lines.map((line) => JSON.parse(line) as Truth).map((truth) => [truth.run, truth]));
  }

  private repository(cloneOf?: string): TestRepository {
    return makeRepository({ ...(cloneOf === undefined ? {} : { cloneOf }), env: { WALK_TRUTH: this.truthFile } });
  }

  private count(): number {
    this.made += 1;
    return this.made;
  }

  private lr(): string {
    return String(Math.round(this.random() * 300) / 100);
  }

  private pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)] as T;
  }
}
