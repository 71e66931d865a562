/** Pointers as a tag's message names them. */
import type { Pointer } from "../store/types.ts";
import type { ArtifactEntry } from "./types.ts";

/** One that nothing is stored of yet is left out. */
export function artifactEntries(pointers: readonly Pointer[]): ArtifactEntry[] {
  return pointers.flatMap(({ path, hash, size }) => (hash === null ? [] : [{ hash, size: size ?? null, path }]));
}
