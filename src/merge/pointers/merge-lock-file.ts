/**
 * One `dvc.lock` that two sides changed, stage by stage: what a stage read and made belongs together, so an entry is taken whole. The
 * text of each stays as its side has it. A stage that both changed stands between Git's markers, which no reader takes for an answer.
 */
import { isDeepStrictEqual } from "node:util";
import { loadYaml, parseYaml } from "../../config/yaml.ts";
import { ExpverError } from "../../errors.ts";
import { fieldsOf, isMapping } from "../../platform/mapping.ts";
import type { ConflictChoice } from "../results/types.ts";

export interface LockMerge {
  /** The `dvc.lock`, in stored form. */
  file: string;
  /** Null or empty: the sides have no common ancestor. */
  base: string | null;
  ours: string;
  theirs: string;
  /** Decides stages that both sides changed; `newest` cannot, for an entry says no time. */
  choice?: ConflictChoice | undefined;
}

export interface MergedLock {
  text: string;
  /** What came from the other side, for a person. */
  says: string[];
  /** Empty when it is merged. */
  conflicts: string[];
}

/** A stage's entry in the text. */
interface Stage {
  text: string;
  value: unknown;
}

interface Side {
  /** Everything up to the first stage. */
  head: string;
  rest: Record<string, unknown>;
  stages: Map<string, Stage>;
}

/** Throws E_POINTER where a side is not as dvc writes it: that is left to Git. */
export function mergeLockFile(merge: LockMerge): MergedLock {
  const { file, choice } = merge;
  const [ours, theirs] = [readSide(merge.ours, file), readSide(merge.theirs, file)];
  const base = merge.base === null || merge.base.trim() === "" ? null : readSide(merge.base, file);
  if (!isDeepStrictEqual(ours.rest, theirs.rest)) throw left(file, "the two sides differ beyond their stages");
  const merged: MergedLock = { text: ours.head, says: [], conflicts: [] };
  const stages: [string, unknown][] = [];
  const take = (name: string, stage: Stage | undefined) => {
    if (stage === undefined) return;
    merged.text += stage.text;
    stages.push([name, stage.value]);
  };
  for (const name of new Set([...ours.stages.keys(), ...theirs.stages.keys()])) {
    const [was, our, their] = [base?.stages.get(name), ours.stages.get(name), theirs.stages.get(name)];
    if (isSame(our, their) || isSame(was, their)) take(name, our);
    else if (isSame(was, our) || choice === "theirs") {
      take(name, their);
      merged.says.push(`stage ${name}: theirs`);
    } else if (choice === "ours") take(name, our);
    else {
      merged.text += `<<<<<<< ours\n${our?.text ?? ""}=======\n${their?.text ?? ""}>>>>>>> theirs\n`;
      merged.conflicts.push(`${file}: both sides changed stage ${name}`);
    }
  }
  if (merged.conflicts.length === 0) refuseOther(merged.text, { ...ours.rest, stages: Object.fromEntries(stages) }, file);
  return merged;
}

function isSame(one: Stage | undefined, other: Stage | undefined): boolean {
  return isDeepStrictEqual(one?.value, other?.value);
}

/** Entries that lean on others (an alias) may say something else in new company. */
function refuseOther(text: string, expected: Record<string, unknown>, file: string): void {
  const found = readValues(text, file);
  if (!isDeepStrictEqual({ ...found, stages: fieldsOf(found.stages) }, expected)) throw left(file, "its stages cannot be taken apart");
}

function readValues(text: string, file: string): Record<string, unknown> {
  try {
    return fieldsOf(loadYaml(text, file, { exact: true }));
  } catch (error) {
    throw left(file, error instanceof Error ? error.message : String(error));
  }
}

function readSide(given: string, file: string): Side {
  const text = given.endsWith("\n") ? given : `${given}\n`;
  const { stages, ...rest } = readValues(text, file);
  const tree = parseYaml(text, file);
  const last = tree?.kind === "mapping" && !tree.flow ? tree.entries.at(-1) : undefined;
  const isAsWritten = last?.key.kind === "scalar" && last.key.text === "stages" && last.value.kind === "mapping" && !last.value.flow;
  if (!isAsWritten || last.value.kind !== "mapping" || !isMapping(stages))
    throw left(file, "its stages are not written as dvc writes them");
  const { entries } = last.value;
  const starts = entries.map(({ key }) => text.lastIndexOf("\n", key.start) + 1);
  const found = entries.map(({ key }, index): [string, Stage] => {
    const name = key.kind === "scalar" ? key.text : "";
    return [name, { text: text.slice(starts[index], starts[index + 1]), value: stages[name] }];
  });
  return { head: text.slice(0, starts[0]), rest, stages: new Map(found) };
}

function left(file: string, why: string): ExpverError {
  return new ExpverError("E_POINTER", `${file}: ${why}`, { details: { file } });
}
