/** Names that file systems of macOS, Windows and most external drives take for one: those that differ only in case, or in how an accent is written. */
import { basename, dirname, join } from "node:path";
import { isThere } from "../../platform/files.ts";
import type { ScannedFile } from "./scan.ts";

/** Of files that are to go, those under whose name, or in whose folder's name, others are to come: they must go first. */
export function renamedInCase<File extends Pick<ScannedFile, "relpath">>(
  removes: readonly File[],
  places: readonly { relpath: string }[],
): File[] {
  if (removes.length === 0) return [];
  const spelt = new Map(removes.flatMap(({ relpath }) => upTo(relpath).map((path) => [folded(path), path])));
  const clashing = new Set<string>();
  for (const path of pathsOf(places)) {
    const here = spelt.get(folded(path));
    if (here !== undefined && here !== path) clashing.add(here);
  }
  return clashing.size === 0 ? [] : removes.filter(({ relpath }) => upTo(relpath).some((path) => clashing.has(path)));
}

/** Two files that cannot both be in this folder; null where its file system tells their names apart. */
export function clashIn(folder: string, files: readonly { relpath: string }[]): [string, string] | null {
  if (!isThere(join(dirname(folder), basename(folder).toUpperCase()))) return null;
  const seen = new Map<string, string>();
  for (const { relpath } of files) {
    const other = seen.get(folded(relpath));
    if (other !== undefined) return [other, relpath];
    seen.set(folded(relpath), relpath);
  }
  return null;
}

function folded(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** `a`, `a/b`, `a/b/c` of `a/b/c`. */
function upTo(path: string): string[] {
  const names = path.split("/");
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}

function* pathsOf(files: readonly { relpath: string }[]): Generator<string> {
  let last = "";
  for (const { relpath } of files) {
    const folder = relpath.slice(0, Math.max(0, relpath.lastIndexOf("/")));
    // Mostly they stand side by side.
    if (folder !== last && folder !== "") yield* upTo(folder);
    last = folder;
    yield relpath;
  }
}
