/** What was typed, as workflows want it. */
import { ExpverError } from "../errors.ts";
import type { Input } from "./contract.ts";

/** The text of an option or argument that takes one. */
export function textIn(value: Input[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Words typed for a variadic argument or a repeatable option. */
export function wordsOf(value: Input[string]): string[] {
  return [value].flat().filter((word) => typeof word === "string");
}

/** `-n` and `--all`, the same for every list. How many to show: `otherwise` when nothing was asked. Throws E_USAGE. */
export function limitOf({ limit, all }: Input, otherwise: number): number {
  if (all === true) return Number.POSITIVE_INFINITY;
  if (limit === undefined) return otherwise;
  return countOf(limit, "-n");
}

/** Throws E_USAGE for what is no whole number from 0 on. */
export function countOf(value: Input[string], flag: string): number {
  if (typeof value === "string" && /^\d{1,9}$/.test(value)) return Number(value);
  throw new ExpverError("E_USAGE", `${flag} takes a whole number from 0 on, not ${JSON.stringify(value)}`, {
    details: { received: value },
  });
}

/** `--older-than`: milliseconds of `30d`, `12h`, `2w`, 0 when nothing was asked. Throws E_USAGE. */
export function ageOf({ olderThan: value }: Input): number {
  if (value === undefined) return 0;
  const [, number, unit] = (typeof value === "string" && /^(\d{1,5})([hdw])$/.exec(value)) || [];
  const hours = unit === "h" ? 1 : unit === "d" ? 24 : 24 * 7;
  if (number !== undefined) return Number(number) * hours * 60 * 60_000;
  throw new ExpverError("E_USAGE", `--older-than takes hours, days or weeks, such as 12h, 30d or 2w, not ${JSON.stringify(value)}`, {
    details: { received: value },
  });
}

/** Throws E_USAGE for a word that is none of them. */
export function choice<T extends string>(value: Input[string], known: readonly T[], flag: string): T | undefined {
  if (value === undefined) return undefined;
  const found = known.find((one) => one === value);
  if (found === undefined) {
    throw new ExpverError("E_USAGE", `${flag} is one of ${known.join(", ")}, not ${JSON.stringify(value)}`, {
      details: { received: value },
    });
  }
  return found;
}

/** `a,b` and `a b` are both two words. */
export function listOf(value: Input[string]): string[] {
  return wordsOf(value)
    .flatMap((word) => word.split(","))
    .filter(Boolean);
}

/** `--confidence`: a number between 0 and 1, both left out. Throws E_USAGE. */
export function confidenceOf({ confidence: value = "0.95" }: Input): number {
  const number = typeof value === "string" && /^0?\.\d+$/.test(value) ? Number(value) : 0;
  if (number > 0 && number < 1) return number;
  throw new ExpverError("E_USAGE", `--confidence takes a number between 0 and 1, such as 0.95, not ${JSON.stringify(value)}`, {
    details: { received: value },
  });
}
