/** Many files taken away, piece by piece. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasCode, isMissing, removePath } from "./files.ts";
import type { Work } from "./pace.ts";

/** `removePath` of a folder of many files, to be paced. */
export function* removingFolder(folder: string): Work<void> {
  for (const entry of entriesIn(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* removingFolder(path);
    else removePath(path);
    yield { files: 1, bytes: 0 };
  }
  // Also what is no folder, and names that are not UTF-8.
  removePath(folder);
}

function entriesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error) || hasCode(error, "ENOTDIR")) return [];
    throw error;
  }
}
