/** Making files of the worktree links to the cache, or files of their own, as the user wants them. */
import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Project, topOf } from "../config/project.ts";
import { createPlacer, type LinkType } from "../platform/links.ts";
import type { Work } from "../platform/pace.ts";
import { openCache } from "./cache.ts";
import { isDatabase, mutablePaths } from "./databases.ts";
import { dvcFolder } from "./dvc-config.ts";
import { objectPath, trustedSize } from "./layout.ts";
import type { Scan, ScannedFile } from "./scan.ts";

/**
 * After the bytes are in the cache: files become links to it where the configuration (or `types`) wants links, and links become files
 * where it does not. A file that changed since it was scanned is left alone: its new bytes are nowhere else.
 */
export function* relinkOutput(project: Project, scan: Scan, types?: readonly LinkType[]): Work<void> {
  const cache = openCache(project);
  const wanted = types ?? cache.linkTypes;
  const placer = createPlacer(wanted);
  const isMutable = mutablePaths(project);
  const staging = join(dvcFolder(project), "tmp", `expver-${randomBytes(6).toString("hex")}`);
  try {
    for (const file of scan.files) {
      const object = objectPath(cache.dir, { hash: file.md5, hashName: "md5" });
      const copyOnly =
        isMutable(file.path.slice(topOf(project).length + 1)) || (placer.links() && isDatabase(project, file.path, file.stat.size));
      const isRight = linkOf(file, object) === desiredLink(wanted, file, copyOnly);
      if (isRight || trustedSize(cache.dir, { hash: file.md5, hashName: "md5" }) === null) continue;
      mkdirSync(staging, { recursive: true });
      const temporary = join(staging, "file");
      const { type } = placer.place(object, temporary, { size: file.stat.size, copyOnly });
      if (scan.content.isexec && (type === "copy" || type === "reflink")) chmodSync(temporary, lstatSync(temporary).mode | 0o100);
      if (statSync(file.path).ctimeMs === file.stat.ctimeMs) renameSync(temporary, file.path);
      rmSync(temporary, { force: true });
      yield { files: 1, bytes: 0 };
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
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
  if (copyOnly || stat.size === 0) return null;
  return first === "hardlink" || first === "symlink" ? first : null;
}
