/** What pruning may take, for any candidates, numbers and remotes there could be. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { openProject } from "../../src/config/project.ts";
import { proofOf } from "../../src/workflows/models/kept-elsewhere.ts";
import { reasonsToStay } from "../../src/workflows/models/reasons-to-stay.ts";
import { makeRepository } from "../support/repository.ts";

const project = openProject(makeRepository().context);

const values = fc.oneof(
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.constantFrom("nan", "inf", "-inf", "1e-3", "0.10", "0.1", "broken"),
  fc.constant(undefined),
);

const scene = fc.record({
  direction: fc.constantFrom("max" as const, "min" as const),
  keep: fc.integer({ min: 0, max: 4 }),
  runs: fc.array(fc.record({ value: values, files: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 3 }) }), {
    maxLength: 7,
  }),
  there: fc.integer({ min: 0, max: 9 }),
  recorded: fc.integer({ min: 0, max: 9 }),
});

function mostlyNull(problem: string): fc.Arbitrary<string | null> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant(problem) });
}

function numberOf(text: string | undefined): number | null {
  const number = text === undefined ? Number.NaN : Number(text.replace("inf", "Infinity"));
  return Number.isNaN(number) ? null : number;
}

it("never the model in production, never one of the best run, never one whose metric is unknown, at least keep runs", () => {
  let gone = 0;
  fc.assert(
    fc.property(scene, ({ direction, keep, runs, there, recorded }) => {
      const candidates = runs.flatMap(({ files }, run) =>
        files.map((hash, file) => ({
          run: `run-${run}`,
          name: `${file}`,
          path: `c/run-${run}_${file}`,
          hash: `h${hash}`,
          size: 1,
          md5s: [`h${hash}`],
        })),
      );
      const valueIn = (run: string) => runs[Number(run.slice(4))]?.value;
      const metricsOf = (run: string): Record<string, string> => {
        const value = valueIn(run);
        return value === undefined ? {} : { score: value };
      };
      const production = {
        path: "p",
        state: "changed" as const,
        recorded: { hash: `h${recorded}`, size: 1 },
        there: { hash: `h${there}`, size: 1 },
      };
      const folder = { path: "c", candidates, strays: [] };
      const by = { metric: "score", direction, source: "config" as const };
      const reasons = reasonsToStay({ project, folder, production, metricsOf, versions: [] }, by, keep);
      const goes = candidates.filter(({ path }) => !reasons.has(path));
      gone += goes.length;
      const sign = direction === "max" ? 1 : -1;
      const known = [...new Set(candidates.map(({ run }) => run))].flatMap((run) => {
        const number = numberOf(valueIn(run));
        return number === null ? [] : [{ run, number: sign * number }];
      });
      const best = Math.max(...known.map(({ number }) => number));
      for (const { hash, run } of goes) {
        expect([`h${there}`, `h${recorded}`]).not.toContain(hash);
        const number = numberOf(valueIn(run));
        expect(number).not.toBeNull();
        // Equal to the best is allowed to go only where another run that is as good stays.
        const better = known.filter(
          (one) => one.run !== run && one.number >= sign * (number ?? 0) && !goes.some((other) => other.run === one.run),
        );
        expect(better.length).toBeGreaterThanOrEqual(Math.max(1, keep));
      }
      if (known.length > 0) expect(known.some((one) => one.number === best && !goes.some(({ run }) => run === one.run))).toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect(gone).toBeGreaterThan(100);
});

it("kept elsewhere is only what a version names whose tag is public and whose every object is there", () => {
  let proven = 0;
  const naming = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    objects: fc.uniqueArray(fc.constantFrom("x", "y", "z"), { minLength: 1 }),
  });
  const remote = fc.record({
    namings: fc.array(naming, { maxLength: 4 }),
    tags: fc.uniqueArray(fc.constantFrom("a", "b", "c")),
    there: fc.uniqueArray(fc.constantFrom("x", "y", "z")),
    tagProblem: mostlyNull("does not answer"),
    dataProblem: mostlyNull("cannot be asked"),
  });
  fc.assert(
    fc.property(remote, ({ namings, tags, there, tagProblem, dataProblem }) => {
      const asked = namings.map(({ name, objects }) => ({
        version: { name } as never,
        objects: objects.map((hash) => ({ hash, hashName: "md5" as const })),
      }));
      const isThere = new Set(there);
      const proof = proofOf(
        asked,
        { remote: "origin", has: ({ name }) => tagProblem === null && tags.includes(name as never), problem: tagProblem },
        { where: "storage", has: ({ hash }) => dataProblem === null && isThere.has(hash as never), problem: dataProblem },
      );
      const isKept =
        tagProblem === null &&
        dataProblem === null &&
        namings.some(({ name, objects }) => tags.includes(name) && objects.every((object) => isThere.has(object)));
      expect(proof.where !== null).toBe(isKept);
      expect(proof.lacks === null).toBe(isKept);
      if (isKept) proven += 1;
    }),
    { numRuns: 2000 },
  );
  expect(proven).toBeGreaterThan(20);
});
