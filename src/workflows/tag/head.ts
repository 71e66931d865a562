/** What HEAD has tracked, whether the worktree still has exactly that, and what it says about an experiment. */

import { existsSync } from "node:fs";
import { guessDirection } from "../../config/metric-direction.ts";
import { modelPlaces } from "../../config/model-places.ts";
import { absolutePath, isUnder, storedPath, typedPath } from "../../config/paths.ts";
import { CONFIG_FILE, type Project, requireRepository } from "../../config/project.ts";
import { resultsPath } from "../../config/results-place.ts";
import { hideSecrets } from "../../config/secrets.ts";
import { stringSource } from "../../config/yaml-text.ts";
import { ExpverError } from "../../errors.ts";
import { gitResult, type Repository } from "../../git/git.ts";
import type { Context } from "../../platform/context.ts";
import { paceWork } from "../../platform/pace.ts";
import { someOf } from "../../platform/words.ts";
import { openCache } from "../../store/objects/cache.ts";
import { objectPath } from "../../store/objects/layout.ts";
import { dataHash, inputPointers } from "../../store/pointers/data-hash.ts";
import { readPointersAt } from "../../store/pointers/pointers.ts";
import type { Pointer } from "../../store/types.ts";
import { readingStatus } from "../../store/worktree/status.ts";
import { artifactEntries } from "../../versions/artifacts.ts";
import type { ArtifactEntry, RunEntry } from "../../versions/types.ts";
import { codeBetween } from "../advise/since-last.ts";
import { parametersIn } from "../run/parameters/parameters.ts";
import { resultsOf } from "../run/version/left-by-run.ts";
import type { HeadNumbers } from "./head-numbers.ts";

export interface HeadFacts {
  data: ArtifactEntry[];
  models: ArtifactEntry[];
  dataHash: string | null;
  runs: RunEntry[];
  bestRun: string | null;
  params: Record<string, string>;
  metrics: Record<string, string>;
  /** The command line of the run these are of, when it is known. */
  command?: string;
  /** Every pointer of HEAD, for the plan's fingerprint. */
  pointers: { path: string; hash: string | null }[];
}

/** Throws E_DATA_CHANGED when tracked bytes are not what HEAD's pointers say. */
export async function factsOfHead(project: Project, context: Context, version: string): Promise<HeadFacts> {
  const repository = project.repository as Repository;
  const pointers = readPointersAt(project, "HEAD");
  await refuseChanged(project, context, pointers);
  const inputs = inputPointers(project, pointers);
  const models = modelPlaces(project);
  const hash = dataHash(inputs);
  const numbers = await numbersOf(project, context, { pointers, version, dataHash: hash });
  return {
    data: artifactEntries(inputs),
    models: artifactEntries(pointers.filter(({ path }) => isUnder(path, models))),
    dataHash: hash,
    runs: numbers.runs.map((run) => ({ run, params: {} })),
    bestRun: numbers.best,
    params: { ...parametersAtHead(project, repository), ...numbers.params },
    metrics: numbers.metrics,
    ...(numbers.command === undefined ? {} : { command: numbers.command }),
    pointers: pointers.map(({ path, hash }) => ({ path, hash })),
  };
}

async function refuseChanged(project: Project, context: Context, pointers: readonly Pointer[]): Promise<void> {
  const states = await paceWork(readingStatus(project, pointers), context, { label: "looking at data" });
  const modified = states.filter(({ worktree }) => worktree === "modified");
  const changed: string[] = [];
  for (const { pointer } of modified) if (!(await hasEqualRows(project, pointer))) changed.push(pointer.path);
  if (changed.length === 0) return;
  const first = typedPath(project, changed[0] ?? "");
  throw new ExpverError("E_DATA_CHANGED", `not what HEAD says any more: ${someOf(changed, 5)}`, {
    hint: `Store and commit it first: expver data add ${first} && git commit -am '…'; or put it back: expver data checkout ${first}`,
    details: { paths: changed },
  });
}

/** A database that a reader opened may have other bytes and the same rows. */
async function hasEqualRows(project: Project, pointer: Pointer): Promise<boolean> {
  if (pointer.path !== resultsPath(project)) return false;
  const object = objectOf(project, pointer);
  if (object === null) return false;
  const { sameRows } = await import("./same-rows.ts");
  return sameRows(absolutePath(project, pointer.path), object);
}

/** What the run wrote, its results commit has: that is no code, and no change after it. */
function codeSince(project: Project, run: string, snapshot: string): string[] {
  const repository = requireRepository(project);
  const results = resultsOf(repository, run, snapshot);
  if (results === null) return [];
  const others = new Set([storedPath(project, CONFIG_FILE), ...codeBetween(repository, snapshot, results)]);
  return codeBetween(repository, results, "HEAD").filter((path) => !others.has(path));
}

async function numbersOf(
  project: Project,
  context: Context,
  { pointers, version, dataHash: hash }: { pointers: readonly Pointer[]; version: string; dataHash: string | null },
): Promise<HeadNumbers> {
  const none: HeadNumbers = { runs: [], best: null, params: {}, metrics: {}, passedOver: 0 };
  const path = resultsPath(project);
  const pointer = pointers.find((one) => one.path === path);
  const object = pointer === undefined ? null : objectOf(project, pointer);
  if (object === null) {
    const why = pointer === undefined ? `HEAD tracks no ${path}` : `HEAD's ${path} is not in the cache`;
    context.report({
      kind: "warning",
      text: `no numbers for ${version}: ${why}`,
      hint: pointer === undefined ? `expver data add ${typedPath(project, path)}` : `expver data fetch ${typedPath(project, path)}`,
    });
    return none;
  }
  const { numbersAtHead } = await import("./head-numbers.ts");
  const numbers = numbersAtHead(
    { file: object, version, dataHash: hash, codeSince: (run, snapshot) => codeSince(project, run, snapshot) },
    project.config,
  );
  if (numbers.notTaken !== undefined) {
    const { run, why } = numbers.notTaken;
    const text = `no numbers for ${version}: not those of ${run}, which has no version, for ${why}`;
    context.report({ kind: "warning", text, hint: `A version of that run: expver tag VERSION --run ${run}` });
  } else if (numbers.runs.length === 0)
    context.report({
      kind: "warning",
      text: `no numbers for ${version}: every row of HEAD's ${path} belongs to another version, or to a run that did not end well`,
    });
  if (numbers.runs.length > 1 && numbers.best === null) {
    const names = Object.keys(numbers.metrics);
    const metric = names.find((name) => guessDirection(name) !== undefined) ?? names[0] ?? "NAME";
    context.report({
      kind: "warning",
      text: `${numbers.runs.length} runs carry ${version} and no metric has a direction: it gets the numbers of the latest, ${numbers.runs.at(-1)}`,
      hint: `For those of the best, say it in ${CONFIG_FILE} first: metrics: { ${stringSource(metric)}: ${guessDirection(metric) ?? "max"} }  (max or min)`,
    });
  }
  if (numbers.passedOver > 0) {
    const text = `${numbers.passedOver + 1} runs have no version; ${version} gets the numbers of the latest, ${numbers.runs[0]}`;
    context.report({ kind: "warning", text, hint: "Name the run: expver tag VERSION --run RUN" });
  }
  return numbers;
}

function parametersAtHead(project: Project, repository: Repository): Record<string, string> {
  if (project.config.params === null) return {};
  const path = storedPath(project, project.config.params);
  const answer = gitResult(repository, ["cat-file", "blob", `HEAD:${path}`], { allow: [128] });
  return answer.code === 0 ? hideSecrets(parametersIn(answer.stdout.toString("utf8"), path)) : {};
}

function objectOf(project: Project, { hash, hashName }: Pointer): string | null {
  if (hash === null) return null;
  const file = objectPath(openCache(project).dir, { hash, hashName });
  return existsSync(file) ? file : null;
}
