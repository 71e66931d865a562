/**
 * What runs of this worktree have left: beside its index it is noted, so that a later run of the same program does not take the model of another
 * run for its code. What another program has left (prepared data) is as likely what this one reads: that is in its snapshot.
 */
import { join } from "node:path";
import { isModelName } from "../../../config/model-places.ts";
import type { Repository } from "../../../git/git.ts";
import { isThere, readTextIfExists, writeFileAtomic } from "../../../platform/files.ts";

/** Files that share a folder in which Git has nothing count as one: the folder. */
export interface LeftUnit {
  path: string;
  paths: readonly string[];
}

interface NotedUnit extends LeftUnit {
  /** Whose run has written it, as {@link scriptOf} says. */
  script: string;
}

/** What programs write, and people do not. */
const PRODUCT =
  /\.(?:bin|pb|msgpack|np[yz]|parquet|feather|arrow|csv|tsv|jsonl|png|jpe?g|gif|svg|pdf|log|db|sqlite3?)$|(?:model|history|metrics|results?|scores|report|eval|evaluation|predictions|best_params)\.(?:json|txt)$/i;
const CODE = /\.(?:py|ipynb|r|rmd|jl|sh|[cm]?[jt]sx?|c|cc|cpp|cu|h|hpp|rs|go|java|scala|lua)$/i;

export function isProduct(path: string): boolean {
  return isModelName(path) || PRODUCT.test(path);
}

/** Somebody may have gone on working meanwhile: of what people write too only what its command names, or lies among products in a folder without code. */
function productsOf(units: readonly LeftUnit[], command: string): LeftUnit[] {
  const words = command.split(/[\s='"]+/).map((word) => word.replace(/^\.\//, ""));
  // As it is typed in some folder.
  const isNamed = (path: string) => words.some((word) => `/${path}`.endsWith(`/${word}`));
  return units.flatMap(({ path, paths }) => {
    const products = paths.filter((one) => isProduct(one) || isNamed(one));
    if (products.length === 0) return [];
    return paths.some((one) => CODE.test(one)) ? products.map((one) => ({ path: one, paths: [one] })) : [{ path, paths }];
  });
}

function fileOf({ gitDir }: Repository): string {
  return join(gitDir, "expver", "left.json");
}

/** None where the file is damaged: what is left counts as new then. */
function readUnits(repository: Repository): NotedUnit[] {
  const text = readTextIfExists(fileOf(repository));
  try {
    return text === null ? [] : (JSON.parse(text) as NotedUnit[]);
  } catch {
    return [];
  }
}

/** The unit of each file that runs of this program have left; of any without one. */
export function readNotedLeft(repository: Repository, script?: string): ReadonlyMap<string, string> {
  const units = readUnits(repository).filter((unit) => script === undefined || unit.script === script);
  return new Map(units.flatMap(({ path, paths }) => paths.map((one): [string, string] => [one, path])));
}

/** Adds to what earlier runs have left, as far as that is still there. `script`, `command`: of this run. */
export function noteLeft(
  repository: Repository,
  left: readonly LeftUnit[],
  { script = "", command }: { script?: string | undefined; command: string },
): void {
  const products = productsOf(left, command);
  if (products.length === 0) return;
  const isNew = new Set(products.flatMap(({ paths }) => paths));
  const standing = readUnits(repository).flatMap((unit) => {
    const still = unit.paths.filter((one) => !isNew.has(one) && isThere(join(repository.root, one)));
    return still.length === 0 ? [] : [{ ...unit, paths: still }];
  });
  writeFileAtomic(fileOf(repository), JSON.stringify([...standing, ...products.map((unit) => ({ ...unit, script }))]));
}
