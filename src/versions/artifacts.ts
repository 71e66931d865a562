/** Pointers as a tag's message names them. */
import type { Pointer } from "../store/types.ts";
import type { ArtifactEntry } from "./types.ts";

/** One that nothing is stored of yet is left out; one that several pointer files say the same of is named once. */
export function artifactEntries(pointers: readonly Pointer[]): ArtifactEntry[] {
  const entries = new Map<string, ArtifactEntry>();
  for (const { path, hash, size } of pointers) {
    if (hash === null) continue;
    const same = entries.get(`${hash} ${path}`);
    if (same === undefined) entries.set(`${hash} ${path}`, { hash, size: size ?? null, path });
    else same.size ??= size ?? null;
  }
  return [...entries.values()];
}
