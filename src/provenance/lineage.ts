/** Where a version came from: its code, the data it read and who made that, what it merged; and so on back to the beginning. */
import type { Version } from "../versions/types.ts";
import type { Use } from "./uses-index.ts";

export interface Source extends Omit<Use, "wasThere" | "over"> {
  /** The first version that has these bytes, when it left them and did not read them; null: they came from outside. */
  madeBy: string | null;
  /** The first version that has them at all. */
  since: string;
  /** What it was written over: a program that goes on from a checkpoint has begun with that. Null: nothing lay there, or the same. */
  over: { hash: string; madeBy: string | null } | null;
}

export interface Lineage {
  version: string;
  /** Null: unrecorded. */
  kind: string | null;
  commit: string;
  /** Snapshot commit; null: unrecorded. */
  code: string | null;
  runs: string[];
  /** What it read. */
  inputs: Source[];
  /** What lies in the models folders; its own has `madeBy` of this version. */
  models: Source[];
  /** What else is tracked there and was not read, such as what the stages of a pipeline have made. */
  outputs: Source[];
  /** Versions it merged. */
  merged: string[];
  /** Those it came from: makers of its inputs, and what it merged. Each version once in the whole answer. */
  from: Lineage[];
}

export interface Known {
  /** Any order. */
  versions: readonly Version[];
  uses: ReadonlyMap<string, readonly Use[]>;
}

/** Inputs of one version, each with who made it. `origins`: made once for many versions. */
export function inputsOf(known: Known, name: string, origins: Origins): Source[] {
  return sourcesOf(known, name, { role: "input", origins });
}

export function lineageOf(known: Known, version: Version): Lineage {
  const origins = originsOf(known);
  const byName = new Map(known.versions.map((one) => [one.name, one]));
  const told = new Set([version.name]);
  return tell(version);

  function tell({ name, commit, message }: Version): Lineage {
    const inputs = inputsOf(known, name, origins);
    const parents = [...inputs.flatMap(({ madeBy }) => madeBy ?? []), ...message.merged];
    const own: Lineage = {
      version: name,
      kind: message.kind,
      commit,
      code: message.code,
      runs: message.runs.map(({ run }) => run),
      inputs,
      models: sourcesOf(known, name, { role: "model", origins }),
      outputs: sourcesOf(known, name, { role: "output", origins }),
      merged: message.merged,
      from: [],
    };
    for (const parent of parents) {
      const found = byName.get(parent);
      if (found === undefined || told.has(parent)) continue;
      told.add(parent);
      own.from.push(tell(found));
    }
    return own;
  }
}

/** By hash: the first version that made it, and the first that has it. */
export interface Origins {
  made: Map<string, string>;
  seen: Map<string, string>;
}

export function originsOf({ versions, uses }: Known): Origins {
  const origins: Origins = { made: new Map(), seen: new Map() };
  for (const { name, message } of oldestFirst(versions)) {
    const own = uses.get(name) ?? [];
    // Of the models that lie there, such as candidates, a run's tag names those that the run has left.
    const left = message.kind === "run" ? new Set(message.models.map(({ hash }) => hash)) : null;
    // What it reads it has not made, whatever else has the same bytes.
    const read = new Set(own.filter(({ role }) => role === "input").map(({ hash }) => hash));
    for (const { role, hash, wasThere } of own) {
      if (role === "results" || wasThere || read.has(hash) || origins.seen.has(hash)) continue;
      if (role !== "model" || left === null || left.has(hash)) origins.made.set(hash, name);
    }
    for (const { hash } of own) if (!origins.seen.has(hash)) origins.seen.set(hash, name);
  }
  return origins;
}

function sourcesOf({ uses }: Known, name: string, { role, origins }: { role: Use["role"]; origins: Origins }): Source[] {
  const own = (uses.get(name) ?? []).filter((use) => use.role === role);
  return own.map(({ wasThere, over, ...use }) => ({
    ...use,
    over: over === null ? null : { hash: over, madeBy: origins.made.get(over) ?? null },
    madeBy: origins.made.get(use.hash) ?? null,
    since: origins.seen.get(use.hash) ?? name,
  }));
}

/** By when their commits were made, for a tag may be made anew, or late; then by number: the order they are given in decides between equals. */
export function oldestFirst(versions: readonly Version[]): Version[] {
  const time = (date: string) => Date.parse(date) || 0;
  return versions.toSorted((one, other) => time(one.committed) - time(other.committed));
}
