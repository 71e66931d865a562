/** The grammar of version names: prefix, then `major.minor.patch`, nothing else. The only place that knows it. */
import { ExpverError } from "../errors.ts";
import type { VersionNumber } from "./types.ts";

/** Major: fundamental change. Minor: meaningful variation. Patch: rerun, fix, small tweak. */
export type Level = "major" | "minor" | "patch";

const NUMBER = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/;
const PREFIX = /^(?!.*(\.\.|\/\/|\/\.|\.$|\/$|\.lock))[A-Za-z]([\w./@-]*[A-Za-z_./@-])?$/;

/** The number behind a tag's name, or null: `e0.1.0` yes; `e2`, `e01.2.3`, `exp-x`, `e1.2.3-rc` no. */
export function parseTagName(name: string, prefix: string): VersionNumber | null {
  const parts = name.startsWith(prefix) ? NUMBER.exec(name.slice(prefix.length)) : null;
  return parts === null ? null : { major: Number(parts[1]), minor: Number(parts[2]), patch: Number(parts[3]) };
}

export function formatTagName({ major, minor, patch }: VersionNumber, prefix: string): string {
  return `${checkPrefix(prefix)}${major}.${minor}.${patch}`;
}

/** A name that begins like a version but is none (`e2`, `e1.2`): worth telling the user. */
export function looksLikeVersion(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && /^\d/.test(name.slice(prefix.length)) && parseTagName(name, prefix) === null;
}

/** Throws E_USAGE, saying what a version looks like. */
export function requireTagName(name: string, prefix: string): VersionNumber {
  const number = parseTagName(name, checkPrefix(prefix));
  if (number !== null) return number;
  const example = formatTagName({ major: 0, minor: 1, patch: 0 }, prefix);
  throw new ExpverError("E_USAGE", `${JSON.stringify(name)} is not a version: expected ${prefix}MAJOR.MINOR.PATCH, such as ${example}`, {
    hint: `\`expver tag --suggest\` proposes the next one.${/^\w[\w.-]*$/.test(name) ? ` A name of your own is Git's: git tag -a ${name} -m "…"; get, checkout and diff take it.` : ""}`,
    details: { received: name, prefix },
  });
}

/** Throws E_USAGE when a tag name cannot begin like that. */
export function checkPrefix(prefix: string): string {
  if (PREFIX.test(prefix)) return prefix;
  throw new ExpverError(
    "E_USAGE",
    `${JSON.stringify(prefix)} cannot begin a version: letters that may begin a tag name and do not end in a digit, such as e or exp-`,
    {
      details: { received: prefix },
    },
  );
}

/** Negative when `one` is older. */
export function compareVersions(one: VersionNumber, other: VersionNumber): number {
  return one.major - other.major || one.minor - other.minor || one.patch - other.patch;
}

/** Negative when `one` was made earlier. Dates of tags have whole seconds: of two in one second the lower number was first. */
export function compareAge(one: { date: string; number: VersionNumber }, other: { date: string; number: VersionNumber }): number {
  return Date.parse(one.date) - Date.parse(other.date) || compareVersions(one.number, other.number);
}

/**
 * The version after the highest one; gaps below it stay gaps, since a number that was given up may be written down
 * somewhere. The first of all is 0.1.0 (1.0.0, 0.0.1).
 */
export function nextVersion(existing: Iterable<VersionNumber>, level: Level): VersionNumber {
  let highest: VersionNumber = { major: 0, minor: 0, patch: 0 };
  for (const number of existing) if (compareVersions(number, highest) > 0) highest = number;
  const { major, minor, patch } = highest;
  if (level === "major") return { major: major + 1, minor: 0, patch: 0 };
  if (level === "minor") return { major, minor: minor + 1, patch: 0 };
  return { major, minor, patch: patch + 1 };
}
