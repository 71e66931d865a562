/** Where a version came from: its code, the data it read and who made that, what it merged; and so on back to the beginning. */
import type { Version } from "../versions/types.ts";
import type { Use } from "./uses-index.ts";

export interface Source extends Use {
  /** The first version that has these bytes, when it left them and did not read them; null: they came from outside. */
  madeBy: string | null;
  /** The first version that has them at all. */
  since: string;
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

export function lineageOf(known: Known, version: Version): Lineage {
  const firsts = firstOf(known);
  const byName = new Map(known.versions.map((one) => [one.name, one]));
  const told = new Set([version.name]);
  return tell(version);

  function tell({ name, commit, message }: Version): Lineage {
    const uses = known.uses.get(name) ?? [];
    const sources = (role: Use["role"]) =>
      uses.filter((use) => use.role === role).map((use) => ({ ...use, ...originOf(use.hash, firsts, name) }));
    const inputs = sources("input");
    const parents = [...inputs.flatMap(({ madeBy }) => madeBy ?? []), ...message.merged];
    const own: Lineage = {
      version: name,
      kind: message.kind,
      commit,
      code: message.code,
      runs: message.runs.map(({ run }) => run),
      inputs,
      models: sources("model"),
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

interface Firsts {
  made: Map<string, string>;
  seen: Map<string, string>;
}

function originOf(hash: string, { made, seen }: Firsts, name: string): Pick<Source, "madeBy" | "since"> {
  return { madeBy: made.get(hash) ?? null, since: seen.get(hash) ?? name };
}

function firstOf({ versions, uses }: Known): Firsts {
  const firsts: Firsts = { made: new Map(), seen: new Map() };
  for (const { name } of oldestFirst(versions)) {
    const own = uses.get(name) ?? [];
    // What it reads it has not made, whatever else has the same bytes.
    const read = new Set(own.filter(({ role }) => role === "input").map(({ hash }) => hash));
    for (const { role, hash } of own) {
      if (role !== "results" && !read.has(hash) && !firsts.seen.has(hash)) firsts.made.set(hash, name);
    }
    for (const { hash } of own) if (!firsts.seen.has(hash)) firsts.seen.set(hash, name);
  }
  return firsts;
}

/** By date, then by number: the order in which they are given decides between equals. */
export function oldestFirst(versions: readonly Version[]): Version[] {
  return versions.toSorted((one, other) => (Date.parse(one.date) || 0) - (Date.parse(other.date) || 0));
}
