/**
 * Uploads that Google's server has begun. Only who began one knows where it goes on, so that is remembered until the object is whole: a
 * later command asks how far it is. Whoever knows it may write there: for the user's eyes only.
 */
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { ExpverError } from "../../../errors.ts";
import { readTextIfExists, removePath, writeFileAtomic } from "../../../platform/files.ts";
import { newOwnName, ownerOf } from "../../objects/staging.ts";

// The server forgets them after a week.
const LAST_MS = 6 * 24 * 3600 * 1000;

export interface Session {
  /** Where it goes on, below the endpoint, when who began it is dead; null when nothing is remembered. */
  find(): string | null;
  keep(path: string): void;
  forget(): void;
}

/** The one of these bytes to this place. A folder is made when something is remembered; null: nothing is. */
export function sessionOf(folder: string | null, place: { endpoint: string; bucket: string; name: string; size: number }): Session {
  if (folder === null) return { find: () => null, keep: () => {}, forget: () => {} };
  const { endpoint, bucket, name, size } = place;
  const file = `${folder}/${createHash("md5")
    .update(JSON.stringify([endpoint, bucket, name, size]))
    .digest("hex")}`;
  return {
    find() {
      removeOld(folder);
      const [owner = "", path = ""] = (readTextIfExists(file) ?? "").split("\n");
      return ownerOf(owner) === "dead" ? path : null;
    },
    // To go on would be well: not to is no reason to fail.
    keep: (path) => quietly(() => writeFileAtomic(file, `${newOwnName()}\n${path}`, { mode: 0o600 })),
    forget: () => quietly(() => removePath(file)),
  };
}

function removeOld(folder: string): void {
  quietly(() => {
    for (const name of readdirSync(folder)) {
      const { mtimeMs = Date.now() } = statSync(`${folder}/${name}`, { throwIfNoEntry: false }) ?? {};
      if (Date.now() - mtimeMs > LAST_MS) removePath(`${folder}/${name}`);
    }
  });
}

function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ExpverError) && !(error instanceof Error && "code" in error)) throw error;
  }
}
