/** What a run read and left: as this machine noted it, or, of a run of another clone, as far as its commits are here. */
import { modelPlaces } from "../../../config/model-places.ts";
import { isUnder } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { git, type Repository } from "../../../git/git.ts";
import type { RunRecord } from "../../../results/types.ts";
import { dataHash, inputPointers } from "../../../store/pointers/data-hash.ts";
import { readPointersOf } from "../../../store/pointers/pointers.ts";
import { artifactEntries } from "../../../versions/artifacts.ts";
import { type RunFacts, readFacts } from "../run-facts.ts";

export interface LeftByRun extends Pick<RunFacts, "inputs" | "outputs" | "models"> {
  /** The commit that `outputs` are put on: the snapshot, or a results commit, which has them. */
  base: string;
  /** Of its inputs; null: it had none, or it is not known which. */
  dataHash: string | null;
  /** Neither a note nor a results commit of it is here. */
  isUnknown: boolean;
}

export function leftByRun(
  project: Project,
  repository: Repository,
  { run_id: run, dvc_hash: hash }: RunRecord,
  snapshot: string,
): LeftByRun {
  const facts = readFacts(project, run);
  if (facts !== null) {
    const { inputs, outputs, models } = facts;
    return { base: snapshot, inputs, outputs, models, dataHash: hash, isUnknown: false };
  }
  const results = resultsOf(repository, run, snapshot);
  const base = results ?? snapshot;
  // What is unreadable there is no reason against a version.
  const pointers = readPointersOf(project, [snapshot, base], () => {});
  const before = pointers.get(snapshot) ?? [];
  const hashes = new Map(before.map((pointer) => [pointer.path, pointer.hash]));
  const places = modelPlaces(project);
  const made = (pointers.get(base) ?? []).filter(({ path, hash: now }) => isUnder(path, places) && now !== hashes.get(path));
  const inputs = [false, true]
    .map((runsStages) => inputPointers(project, before, { runsStages }))
    .find((one) => one.length > 0 && dataHash(one) === hash);
  return {
    base,
    inputs: inputs ?? [],
    outputs: [],
    models: artifactEntries(made),
    dataHash: inputs === undefined ? null : hash,
    isUnknown: results === null,
  };
}

/** A commit on the snapshot that says the run: where its branch, or what keeps it, was fetched. */
export function resultsOf(repository: Repository, run: string, snapshot: string): string | null {
  const trailer = `Run: ${run}`;
  const found = git(repository, [
    "log",
    "--all",
    "--no-show-signature",
    "--fixed-strings",
    `--grep=${trailer}`,
    "-z",
    "--format=%H %P%n%B",
  ]);
  for (const [head = "", ...body] of found.split("\0").map((text) => text.split("\n"))) {
    const [commit = "", parent] = head.split(" ");
    if (parent === snapshot && body.includes(trailer)) return commit;
  }
  return null;
}
