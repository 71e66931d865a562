/**
 * Which version has which tracked bytes, and as what. Worked out once a version from its tag and the pointers of its commit, and kept in
 * the state folder: an entry counts only for exactly that tag object, commit, configuration and state of `git replace`, so what has changed is worked out anew.
 */

import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { modelPlaces } from "../config/model-places.ts";
import { isUnder } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { resultsPath } from "../config/results-place.ts";
import { git } from "../git/git.ts";
import { commitsHere } from "../git/history.ts";
import { readTextIfExists, writeFileAtomic } from "../platform/files.ts";
import { inputPointers } from "../store/pointers/data-hash.ts";
import { readPointersOf } from "../store/pointers/pointers.ts";
import type { Pointer } from "../store/types.ts";
import { artifactEntries } from "../versions/artifacts.ts";
import type { Version } from "../versions/types.ts";

/** `input`: read. `model`, `results`, `output`: left there. */
export type Role = "input" | "model" | "results" | "output";

export interface Use {
  role: Role;
  /** From the top, with `/`. */
  path: string;
  /** `32 hex` or `32 hex.dir`. */
  hash: string;
  /** Bytes; null when nobody says. */
  size: number | null;
  isImport: boolean;
  /** Lay there with these bytes, and came of no stage, when the version's runs began: they have not made it. */
  wasThere: boolean;
  /** Of what it has left the bytes that lay there when its runs began; null: none, or the same. */
  over: string | null;
}

interface Entry {
  /** Tag object (commit of a lightweight tag) and commit. */
  of: string;
  uses: Use[];
}

interface Index {
  schema: 5;
  /** Digest of what decides about roles. */
  config: string;
  versions: Record<string, Entry>;
}

/** Uses by version. Saves what it had to work out, where it may write. */
export function readUses(project: Project, versions: readonly Version[]): Map<string, Use[]> {
  const config = digestOf(project);
  const known = readIndex(project, config);
  const whole = versions.filter(({ commit }) => commit !== "");
  const fresh = whole.filter((version) => known[version.name]?.of !== identityOf(version));
  const began = codesHere(project, fresh);
  const pointers = readPointersOf(project, [...new Set([...fresh.map(({ commit }) => commit), ...began.values()])], () => {});
  const pointersAt = (commit: string | undefined) => (commit === undefined ? undefined : pointers.get(commit)) ?? [];
  const worked = new Map(
    fresh.map((version) => {
      const before = pointersAt(began.get(version.name));
      return [version.name, usesOf(project, version, { pointers: pointersAt(version.commit), before })];
    }),
  );
  const uses = new Map(whole.map(({ name }) => [name, worked.get(name) ?? known[name]?.uses ?? []]));
  // What was there before its runs is known once their code is here.
  const guessed = new Set(fresh.filter((version) => codeOf(version) !== null && !began.has(version.name)).map(({ name }) => name));
  const settled = whole.filter(({ name }) => !guessed.has(name));
  const isSame = fresh.length === guessed.size && Object.keys(known).length === settled.length;
  if (!isSame) {
    const entries = settled.map((version) => [version.name, { of: identityOf(version), uses: uses.get(version.name) ?? [] }]);
    saveIndex(project, { schema: 5, config, versions: Object.fromEntries(entries) });
  }
  return uses;
}

/** By version, the commit its runs began from; a shallow clone may lack it. */
function codesHere({ repository }: Project, versions: readonly Version[]): Map<string, string> {
  const codes = versions.flatMap((version): [string, string][] => {
    const code = codeOf(version);
    return code === null ? [] : [[version.name, code]];
  });
  const here = repository === null ? new Set<string>() : commitsHere(repository, [...new Set(codes.map(([, code]) => code))]);
  return new Map(codes.filter(([, code]) => here.has(code)));
}

function codeOf({ message: { kind, code } }: Version): string | null {
  return kind === "run" || kind === "sweep" ? code : null;
}

/** The tag says what was used; the commit's pointers add what it does not say. */
function usesOf(
  project: Project,
  { message }: Pick<Version, "message">,
  { pointers, before }: { pointers: readonly Pointer[]; before: readonly Pointer[] },
): Use[] {
  const roleOf = roles(project, message, pointers);
  const imports = new Set(pointers.filter(({ isImport }) => isImport).map(({ path }) => path));
  const stood = new Map(before.filter(({ stage }) => stage === undefined).map(({ path, hash }) => [path, hash]));
  const told = [
    ...message.data.map((entry) => ({ ...entry, role: "input" as const })),
    ...message.models.map((entry) => ({ ...entry, role: "model" as const })),
  ];
  const isTold = new Set(told.map(({ path, hash }) => `${hash} ${path}`));
  const added = artifactEntries(pointers)
    .filter(({ path, hash }) => !isTold.has(`${hash} ${path}`))
    .map((entry) => ({ ...entry, role: roleOf(entry.path) }));
  return [...told, ...added]
    .map(({ role, path, hash, size }) => {
      const there = stood.get(path) ?? null;
      const isLeft = role === "model" || role === "output";
      const over = isLeft && there !== hash ? there : null;
      return { role, path, hash, size, isImport: imports.has(path), wasThere: there === hash, over };
    })
    .sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : one.hash < other.hash ? -1 : 1));
}

/** What tracked paths are to a version. */
export function roles(
  project: Project,
  { kind, data }: Pick<Version["message"], "kind" | "data">,
  pointers: readonly Pointer[],
): (path: string) => Role {
  const [models, database] = [modelPlaces(project), resultsPath(project)];
  // The tag of a run names all it has read. Where nobody has noted that, it is what a run would take.
  const isNoted = kind === "run" || kind === "sweep";
  const inputs = new Set((isNoted ? data : inputPointers(project, pointers)).map(({ path }) => path));
  return (path) => (path === database ? "results" : isUnder(path, models) ? "model" : inputs.has(path) ? "input" : "output");
}

function identityOf({ tagObject, commit }: Version): string {
  return `${tagObject ?? ""} ${commit}`;
}

function digestOf({ config: { data, models, results, track }, root, repository }: Project): string {
  // `git replace` gives a commit other contents under the same name.
  const replaced = repository === null ? "" : git(repository, ["for-each-ref", "refs/replace"]);
  return createHash("md5")
    .update(JSON.stringify([data, models, results, track, root.slice(repository?.root.length ?? 0), replaced]))
    .digest("hex");
}

/** Empty when there is none, or none that can be used: then all is worked out. */
function readIndex(project: Project, config: string): Record<string, Entry | undefined> {
  try {
    const index = JSON.parse(readTextIfExists(fileOf(project)) ?? "null") as Index | null;
    return index?.schema === 5 && index.config === config && typeof index.versions === "object" ? index.versions : {};
  } catch {
    return {};
  }
}

function saveIndex(project: Project, index: Index): void {
  try {
    mkdirSync(dirname(fileOf(project)), { recursive: true });
    writeFileAtomic(fileOf(project), JSON.stringify(index));
  } catch {
    // Only a memory: who may not write here works it out each time.
  }
}

function fileOf({ stateDir }: Project): string {
  return join(stateDir, "lineage", "uses.json");
}
