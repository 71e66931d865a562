/** A pointer in a text of the past. */
import { failedWith } from "../errors.ts";
import { parsePointerFile } from "../store/pointers/pointer-file.ts";
import type { Pointer } from "../store/types.ts";

/** Undefined also for a text that is no pointer file: a merge's conflict may have been committed. */
export function pointerIn(text: string, { file, path }: { file: string; path: string }): Pointer | undefined {
  try {
    return parsePointerFile(text, file).find((pointer) => pointer.path === path);
  } catch (error) {
    if (failedWith(error, "E_POINTER")) return undefined;
    throw error;
  }
}
