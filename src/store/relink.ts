/** Making files of the worktree links to the cache, or files of their own, as the user wants them. */
import { chmodSync, lstatSync, readlinkSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Project, topOf } from "../config/project.ts";
import { isThere } from "../platform/files.ts";
import { createPlacer, type LinkType } from "../platform/links.ts";
import type { Work } from "../platform/pace.ts";
import { openCache } from "./cache.ts";
import { isDatabase, mutablePaths } from "./databases.ts";
import { dvcFolder } from "./dvc-config.ts";
import { outsideOf } from "./inside.ts";
import { objectPath, trustedSize } from "./layout.ts";
import { hasChanged } from "./remove-files.ts";
import type { Scan, ScannedFile } from "./scan.ts";
import { makeStaging } from "./staging.ts";
import { readingFiles } from "./status.ts";
import { takeName } from "./take-name.ts";

/**
 * After the bytes are in the cache: files become links to it where the configuration (or `types`) wants links, and links become files
 * where it does not. A file that changed since it was scanned is left alone: its new bytes are nowhere else; and so is one outside of the
 * repository, which a link of a folder leads to.
 */
export function* relinkOutput(project: Project, scan: Scan, types?: readonly LinkType[]): Work<void> {
  const cache = openCache(project);
  const wanted = types ?? cache.linkTypes;
  const placer = createPlacer(wanted);
  const isMutable = mutablePaths(project);
  const outside = outsideOf(project);
  let staging: string | null = null;
  try {
    for (const file of yield* readingFiles(scan)) {
      if (!placer.links() && !file.isLink && file.stat.nlink < 2) continue;
      const object = objectPath(cache.dir, { hash: file.md5, hashName: "md5" });
      // A link has the mode of its object, which must stay 0444: what is executable is a file of its own.
      const copyOnly =
        scan.content.isexec === true ||
        isMutable(file.path.slice(topOf(project).length + 1)) ||
        (placer.links() && isDatabase(project, file.path, file.stat.size));
      const isRight = linkOf(file, object) === desiredLink(wanted, file, copyOnly);
      if (isRight || trustedSize(cache.dir, { hash: file.md5, hashName: "md5" }) === null) continue;
      if (outside(dirname(file.path)) !== null) continue;
      staging ??= makeStaging(join(dvcFolder(project), "tmp"));
      const temporary = join(staging, "file");
      const make = (at: string) => {
        placer.place(object, at, { size: file.stat.size, copyOnly });
        if (scan.content.isexec) chmodSync(at, lstatSync(at).mode | 0o100);
      };
      make(temporary);
      if (isThere(file.path) && !hasChanged(file)) takeName(temporary, file.path, make);
      else rmSync(temporary, { force: true });
      yield { files: 1, bytes: 0 };
    }
  } finally {
    if (staging !== null) rmSync(staging, { recursive: true, force: true });
  }
}

type Link = "hardlink" | "symlink" | "elsewhere" | null;

function linkOf({ path, stat, isLink }: ScannedFile, object: string): Link {
  if (isLink) return readlinkSync(path) === object ? "symlink" : "elsewhere";
  if (stat.nlink < 2) return null;
  const other = lstatSync(object, { throwIfNoEntry: false });
  return other?.ino === stat.ino && other.dev === stat.dev ? "hardlink" : null;
}

function desiredLink([first]: readonly LinkType[], { stat }: ScannedFile, copyOnly: boolean): Link {
  if (copyOnly) return null;
  return first === "symlink" || (first === "hardlink" && stat.size > 0) ? first : null;
}
