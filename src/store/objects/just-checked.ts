/**
 * Large objects whose bytes this process has hashed a moment ago, when it stored them. They are not hashed once more where they are
 * copied from the cache right after: to hash a gigabyte takes longer than to copy it. What is written to one within the same tick of the
 * clock in which it got its name is not seen; nobody knows that name yet.
 */
import { lstatSync } from "node:fs";
import { type FileIdentity, fileStat } from "../../platform/file-stat.ts";

// What a server that stays for weeks has stored yesterday is read again.
const MOMENT_MS = 10 * 60 * 1000;
const MOST = 10_000;

interface Checked extends FileIdentity {
  at: number;
}

const checked = new Map<string, Checked>();

/** The object at this absolute path has just been stored. */
export function noteChecked(path: string): void {
  if (checked.size >= MOST) return;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat !== undefined) checked.set(path, { ...fileStat(stat), at: Date.now() });
}

/** Nobody has touched it since. */
export function isJustChecked(path: string): boolean {
  const known = checked.get(path);
  if (known === undefined) return false;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const isSame = (name: keyof FileIdentity) => stat?.[name] === known[name];
  if (Date.now() < known.at + MOMENT_MS && (["dev", "ino", "size", "mtimeMs", "ctimeMs"] as const).every(isSame)) return true;
  checked.delete(path);
  return false;
}
