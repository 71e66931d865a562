/** Packages that are not the same, installed ones and those of lock files: what came, went and has another version. */
import { storedPath } from "../../config/paths.ts";
import { type Project, requireRepository } from "../../config/project.ts";
import { catFilesIfThere } from "../../git/tree.ts";
import { reading } from "../../git/worktree-tree.ts";
import { compareCodePoints } from "../../store/objects/listing.ts";
import { LOCK_FILES, lockDigest } from "../run/program/environment.ts";
import { type Packages, packagesIn } from "./lock-packages.ts";
import type { Side } from "./sides.ts";

export interface PackageDifference {
  /** Name of the lock file, beside `expver.yaml` or at the top; null: what the runs found installed. */
  file: string | null;
  from: string;
  to: string;
  /** Null: what these ran with cannot be read, as they are named in `missing`. */
  difference: PackageChanges | null;
  /** Sides whose commits do not have the file as it was recorded. */
  missing: string[];
}

interface PackageChanges {
  added: number;
  removed: number;
  changed: number;
  /** The first of them by name; the counts are of all. */
  named: PackageChange[];
}

export interface PackageChange {
  name: string;
  change: "added" | "removed" | "changed";
  /** All versions of it there, joined; null: it is not there. */
  versions: [before: string | null, after: string | null];
}

const MOST_NAMED = 100;

/**
 * The first side against each further one: what was installed, and the lock files both have recorded with another digest. Those of Python
 * say nothing more where it is known what was installed.
 */
export function packageDifferences(
  project: Project,
  sides: readonly Side[],
  { objects }: { objects: readonly string[] },
): PackageDifference[] {
  const [first, ...others] = sides;
  if (first === undefined) return [];
  const installed = others.flatMap((other) => installedDifference(first, other));
  return [...installed, ...lockDifferences(project, [first, ...others], { objects })];
}

function installedDifference(first: Side, other: Side): PackageDifference[] {
  if (first.packages === null || other.packages === null) return [];
  const difference = changesBetween(installedIn(first.packages), installedIn(other.packages));
  return difference.named.length === 0 ? [] : [{ file: null, from: first.name, to: other.name, difference, missing: [] }];
}

function installedIn(packages: Record<string, string>): Packages {
  return new Map(Object.entries(packages).map(([name, version]) => [name, [version]]));
}

const OF_NODE = ["package-lock.json", "pnpm-lock.yaml", "yarn.lock"];

function lockDifferences(
  project: Project,
  [first, ...others]: readonly [Side, ...Side[]],
  { objects }: { objects: readonly string[] },
): PackageDifference[] {
  const files = ({ packages }: Side) => (first.packages === null || packages === null ? LOCK_FILES : OF_NODE);
  const pairs = others.flatMap((other) =>
    files(other)
      .filter((file) => {
        const [before, after] = [first.environment[file], other.environment[file]];
        return before !== undefined && after !== undefined && before !== after;
      })
      .map((file) => ({ file, other })),
  );
  if (pairs.length === 0) return [];
  const namesOf = ({ ran }: Side, file: string) => ran.flatMap((tree) => [`${tree}:${storedPath(project, file)}`, `${tree}:${file}`]);
  const wanted = pairs.flatMap(({ file, other }) => [first, other].flatMap((side) => namesOf(side, file)));
  const repository = requireRepository(project);
  const texts = catFilesIfThere({ ...repository, env: { ...repository.env, ...reading(objects) } }, wanted);
  const packagesOf = (side: Side, file: string): Packages | null => {
    const found = namesOf(side, file).flatMap((name) => texts.get(name) ?? []);
    const asItRan = found.find((bytes) => lockDigest(bytes) === side.environment[file]);
    return asItRan === undefined ? null : packagesIn(file, asItRan.toString("utf8"));
  };
  return pairs.map(({ file, other }) => {
    const [before, after] = [packagesOf(first, file), packagesOf(other, file)];
    const missing = [before === null ? first.name : [], after === null ? other.name : []].flat();
    const difference = before === null || after === null ? null : changesBetween(before, after);
    return { file, from: first.name, to: other.name, difference, missing };
  });
}

function changesBetween(before: Packages, after: Packages): PackageChanges {
  const versionsIn = (packages: Packages, name: string) => packages.get(name)?.join(", ") ?? null;
  const changes = [...new Set([...before.keys(), ...after.keys()])].sort(compareCodePoints).flatMap((name): PackageChange[] => {
    const versions: PackageChange["versions"] = [versionsIn(before, name), versionsIn(after, name)];
    if (versions[0] === versions[1]) return [];
    return [{ name, change: versions[0] === null ? "added" : versions[1] === null ? "removed" : "changed", versions }];
  });
  const count = (wanted: PackageChange["change"]) => changes.filter(({ change }) => change === wanted).length;
  return { added: count("added"), removed: count("removed"), changed: count("changed"), named: changes.slice(0, MOST_NAMED) };
}
