/** Git's own three-way merge of texts. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removePath } from "../platform/files.ts";
import { gitResult, type Repository } from "./git.ts";

export interface TextSides {
  base: string;
  ours: string;
  theirs: string;
}

/** Null when they conflict. */
export function mergeTexts(repository: Repository, { base, ours, theirs }: TextSides): string | null {
  if (ours === theirs || theirs === base) return ours;
  if (ours === base) return theirs;
  const folder = mkdtempSync(join(tmpdir(), "expver-merge-"));
  try {
    const files = Object.entries({ ours, base, theirs }).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    // Its exit code is the number of conflicts, up to 127; 255 for files it takes for binary.
    const everyCode = Array.from({ length: 255 }, (_, index) => index + 1);
    const { code, stdout } = gitResult(repository, ["merge-file", "-p", "-q", ...files], { allow: everyCode });
    return code === 0 ? stdout.toString("utf8") : null;
  } finally {
    removePath(folder);
  }
}
