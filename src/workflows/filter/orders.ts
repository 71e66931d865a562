/** The order of facts that are neither numbers nor plain texts. */
import { compareVersions, parseTagName } from "../../versions/tag-name.ts";

/** Of names of versions, by their numbers; the prefix may be left out. */
export function versionOrder(prefix: string): (one: string, other: string) => number | null {
  const numberOf = (text: string) => parseTagName(text, prefix) ?? parseTagName(prefix + text, prefix);
  return (one, other) => {
    const [a, b] = [numberOf(one), numberOf(other)];
    return a === null || b === null ? null : compareVersions(a, b);
  };
}

/** Hashes may be shortened on either side. */
export function hashOrder(one: string, other: string): number | null {
  return one.startsWith(other) || other.startsWith(one) ? 0 : null;
}
