/** What a worktree takes of the disk, and whether its data are links into the cache. */
import { lstatSync, mkdirSync, readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { underAny } from "../../config/paths.ts";
import { type Project, topOf } from "../../config/project.ts";
import { type LinkType, writesReadOnlyFiles } from "../../platform/links.ts";
import { sharesBlocks } from "../../platform/room.ts";
import { dvcFolder, namesLinkTypes } from "../../store/settings/dvc-config.ts";
import { LINKED_ABOVE, LINKS_FIRST } from "../../store/worktree/link-rule.ts";

export interface DiskUse {
  /** Of all files in it. */
  bytes: number;
  /** Those of them that only the cache holds: links, and blocks that are shared. */
  shared: number;
}

/** For links first, else null: as the configuration says. Root could write through a link into the cache, so root has to ask. */
export function linkTypesFor(project: Project, { bytes, asked }: { bytes: number; asked: boolean }): LinkType[] | null {
  const isLarge = bytes > LINKED_ABOVE && !writesReadOnlyFiles() && !namesLinkTypes(project);
  return asked || isLarge ? [...LINKS_FIRST] : null;
}

/** `outputs`: data in it, from the top; they may share blocks with the cache. */
export function diskUse(inside: Project, outputs: readonly string[]): DiskUse {
  const top = topOf(inside);
  const isOutput = underAny(outputs);
  const use = { bytes: 0, shared: 0 };
  let sharesBlocks: boolean | null = null;
  const add = (path: string, stat: Stats) => {
    const isLink = stat.isSymbolicLink() || stat.nlink > 1;
    const size = stat.isSymbolicLink() ? (statSync(join(top, path), { throwIfNoEntry: false })?.size ?? 0) : stat.size;
    if (!isLink && size > 0 && isOutput(path)) sharesBlocks ??= canShareBlocks(inside, join(top, path));
    use.bytes += size;
    if (isLink || (sharesBlocks === true && isOutput(path))) use.shared += size;
  };
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(top, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const stat = lstatSync(join(top, path), { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) walk(path);
      else add(path, stat);
    }
  };
  walk("");
  return use;
}

function canShareBlocks(inside: Project, file: string): boolean {
  const tmp = join(dvcFolder(inside), "tmp");
  mkdirSync(tmp, { recursive: true });
  return sharesBlocks(file, tmp);
}
