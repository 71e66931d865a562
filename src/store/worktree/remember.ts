/** What is known of files without a scan, for the next one. */
import type { Project } from "../../config/project.ts";
import type { OutputContent } from "../types.ts";
import { openSingles, type Scan } from "./scan.ts";
import { isRacy, openStatCache, type StatCache } from "./stat-cache.ts";
import type { WalkedFile } from "./walk.ts";

interface Output {
  content: OutputContent;
  isFolder: boolean;
  files: readonly WalkedFile[];
}

/** What was read elsewhere of the output at this absolute path; `readAt`: when that began, in milliseconds since 1970. */
export function rememberRead(project: Project, path: string, output: Output & { md5s: ReadonlyMap<string, string>; readAt: number }): void {
  const { files, isFolder, md5s, readAt } = output;
  if (files.some(({ relpath }) => !md5s.has(relpath))) return;
  remembering(project, path, output, (memory) => {
    for (const { relpath, stat } of files) memory.set(isFolder ? relpath : path, stat, md5s.get(relpath) as string, readAt);
  });
}

/**
 * Files that we have made ourselves and then read at once were younger than a tick, and forgotten: a large one would be read again by whoever
 * looks next. Nobody else has had the time to change them. `md5s`: of what was made, by path below; what is stored of a database may have
 * other bytes. `readAt` as above.
 */
export function rememberMade(
  project: Project,
  path: string,
  scan: Scan,
  { md5s, readAt }: { md5s: ReadonlyMap<string, string>; readAt: number },
): void {
  const { files, isFolder } = scan;
  if (!files.some(({ stat }) => isRacy(stat, readAt))) return;
  remembering(project, path, scan, (memory) => {
    for (const file of files) {
      const name = isFolder ? file.relpath : path;
      const isKnown = memory.get(name, file.stat) === file.md5;
      if (!isKnown && md5s.get(file.relpath) === file.md5) memory.setPlaced(name, file.stat, file.md5);
    }
  });
}

function remembering(project: Project, path: string, { content, isFolder, files }: Output, fill: (memory: StatCache) => void): void {
  const memory = isFolder ? openStatCache(project.stateDir, path) : openSingles(project);
  fill(memory);
  memory.save(isFolder ? { listing: { hash: content.hash, files: files.length } } : { keepOthers: true });
}
