/**
 * Random programs of data commands, run by dvc in one repository and by expver in its twin: after every step both are the same. Then
 * the same with either tool at random in the twin. EXPVER_TWIN_SEED, EXPVER_TWIN_PROGRAMS and EXPVER_TWIN_STEPS make longer runs.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { runKilledAt, SIGKILLED } from "../support/kill-at.ts";
import { seededRandom, type TestRepository } from "../support/repository.ts";
import { DVC, makeTwins, objectsBelow, ordered, runDvc, runExpver, snapshot, type Twins } from "../support/twins.ts";
import { type Data, fill, importable, nextStep, settle } from "./program.ts";

const SEED = Number(process.env.EXPVER_TWIN_SEED ?? 1);
const PROGRAMS = Number(process.env.EXPVER_TWIN_PROGRAMS ?? 1);
const STEPS = Number(process.env.EXPVER_TWIN_STEPS ?? 15);

describe.skipIf(DVC === null)("twins stay twins", { timeout: 3_600_000 }, () => {
  const theirs: Data = (repository, args) => runDvc(repository, args);
  const ours: Data = (repository, args, killedAt) => {
    if (killedAt === undefined) return runExpver(repository, args);
    const first = runKilledAt(repository, ["data", ...args], killedAt);
    if (first.code !== SIGKILLED) return first;
    const repeated = runExpver(repository, args);
    // It was killed when all was done: what is gone cannot be removed again.
    return args[0] === "remove" && repeated.stderr.includes("is no .dvc file") ? { ...repeated, code: 0 } : repeated;
  };

  const seeds = Array.from({ length: PROGRAMS }, (_, index) => SEED + index);
  it.each(seeds)("when expver does what dvc does, program %i", (seed) => play({ seed, theirs, ours }));

  it.each(seeds)("when either does the next step, program %i", (seed) => {
    const coin = seededRandom(seed + 1_000_000);
    play({ seed: seed + 500_000, theirs, ours: (...call) => (coin() < 0.5 ? theirs : ours)(...call) });
  });
});

describe.skipIf(DVC === null)("where the two part, on purpose (docs/data-differences.md)", { timeout: 300_000 }, () => {
  it("commit with an output that is not there: dvc stores the others, expver nothing", () => {
    const twins = started();
    twins.each(({ root, write }) => {
      rmSync(join(root, "a"));
      write("d/x", "changed");
    });
    const before = snapshot(twins.ours);
    twins.run(["commit", "-q", "-f"]);
    expect(snapshot(twins.ours)).toEqual(before);
    twins.each(({ write }) => write("a", "back"));
    twins.run(["commit", "-q", "-f"]);
    expect(ordered(runExpver(twins.ours, ["status", "--json"]).stdout)).toEqual({});
    expect(filesOf(twins.ours)).toEqual(filesOf(twins.theirs));
  });

  it("checkout when an object is missing: dvc removes the output, expver leaves it", () => {
    const twins = started();
    twins.each(({ write }) => write("d/x", "changed, and stored"));
    twins.run(["add", "-q", "d"]);
    twins.each(({ root, git }) => {
      git("checkout", "-q", "--", "d.dvc");
      rmSync(join(root, ".dvc/cache/files"), { recursive: true });
    });
    const before = filesOf(twins.ours);
    twins.run(["checkout", "-q", "-f", "d"]);
    expect(filesOf(twins.ours)).toEqual(before);
    expect(Object.keys(filesOf(twins.theirs)).filter((path) => path.startsWith("d/"))).toEqual([]);
  });

  it("push of one file of a folder: dvc sends the listing with it and the rest never, expver sends it when all is there", () => {
    const twins = started();
    twins.each(({ root }) => mkdirSync(join(root, "../store")));
    twins.run(["remote", "add", "-q", "-d", "store", "../store"]);
    const listingsOf = ({ root }: TestRepository) => objectsBelow(join(root, "../store")).filter((name) => name.endsWith(".dir"));
    const { ours } = twins.run(["push", "d/x"]);
    expect(ours).toMatchObject({ stdout: "1 file pushed\n", stderr: expect.stringContaining("expver data push d\n") });
    expect([listingsOf(twins.theirs), listingsOf(twins.ours)]).toEqual([[expect.any(String)], []]);
    twins.run(["push", "-q", "d"]);
    expect(listingsOf(twins.ours)).toEqual(listingsOf(twins.theirs));
    // With the listing there, one file goes as any.
    expect(runExpver(twins.ours, ["push", "d/x"])).toMatchObject({ code: 0, stderr: "" });
    twins.each(({ root }) => rmSync(join(root, ".dvc/cache"), { recursive: true }));
    expect(runExpver(twins.ours, ["fetch", "-q", "d"]).code).toBe(0);
    expect(runDvc(twins.theirs, ["fetch", "-q", "d"]).code).toBe(1);
  });

  function started(): Twins {
    const twins = makeTwins();
    twins.each(fill);
    twins.run(["add", "-q", "a", "b.bin", "d"]);
    twins.each(({ commit }) => commit("data"));
    return twins;
  }

  const filesOf = (repository: TestRepository) => snapshot(repository).files as Record<string, string>;
});

interface Program {
  seed: number;
  theirs: Data;
  ours: Data;
}

/** Where the twins part on purpose, others go on. */
function play(program: Program): void {
  const random = seededRandom(program.seed);
  for (let count = 0, settings = program.seed; count < STEPS; settings += 1)
    count = playUntilTheyPart(program, { random, count, settings });
}

/** Answers how many steps have been played in all. */
function playUntilTheyPart(
  { seed, theirs, ours }: Program,
  { random, count: played, settings }: { random: () => number; count: number; settings: number },
): number {
  const twins = makeTwins();
  settle(twins.theirs, theirs, settings);
  settle(twins.ours, ours, settings);
  const transcript: string[] = [];
  for (let count = played + 1; count <= STEPS; count += 1) {
    const step = nextStep(twins.theirs, random, count);
    transcript.push(step.says);
    const before = state(twins.ours);
    const [want, got] = [step.run(twins.theirs, theirs), step.run(twins.ours, ours)];
    const where = `seed ${seed}, settings ${settings}, step ${count}:\n${transcript.join("\n")}\n`;
    expect(got.codes, where).toEqual(want.codes);
    if (want.json !== undefined && want.codes[0] === 0) expect(ordered(got.json ?? ""), where).toEqual(ordered(want.json));
    const [after, wanted] = [state(twins.ours), state(twins.theirs)];
    if (want.codes.some((code) => code !== 0) && !isDeepStrictEqual(after, wanted)) {
      // A command that failed may have done half of it in dvc, never in expver; there the twins part.
      expect(after, where).toEqual(before);
      return count;
    }
    expect(after, where).toEqual(wanted);
  }
  return STEPS;
}

function state(repository: TestRepository) {
  const seen = snapshot(repository);
  const imported = importable(repository);
  const cache = (seen.cache as string[]).filter((object) => !imported.has(object));
  return { ...seen, cache, branch: repository.git("branch", "--show-current") };
}
