/** Whether bytes that would give way can be had again: from Git's objects or from the cache. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { absolutePath } from "../../config/paths.ts";
import { type Project, topOf } from "../../config/project.ts";
import { gitResult, type Repository } from "../../git/git.ts";
import { hashesHere } from "../../git/hashes-here.ts";
import { fileSize, isThere } from "../../platform/files.ts";
import { hashingFile } from "../../platform/hashing.ts";
import type { Work } from "../../platform/pace.ts";
import { openCache } from "../../store/objects/cache.ts";
import { isStored } from "../../store/objects/layout.ts";

/**
 * Of everything at or below these stored paths: the files whose bytes are in no Git object and in no cache. `md5s`: those known already.
 * What a merge wrote about a conflict is in an object that no commit leads to.
 */
export function* lookingForUnsaved(
  project: Project,
  repository: Repository,
  { paths, md5s, conflicts }: { paths: readonly string[]; md5s: ReadonlyMap<string, string>; conflicts?: ReadonlySet<string> },
): Work<string[]> {
  const { dir } = openCache(project);
  const notCached: string[] = [];
  for (const top of paths) {
    for (const path of filesBelow(project, top)) {
      yield { files: 1, bytes: 0 };
      const absolute = absolutePath(project, path);
      const md5 = conflicts?.has(path) ? null : (md5s.get(path) ?? (yield* hashingFile(absolute)).md5);
      if (md5 === null || !isStored(dir, { md5, size: fileSize(absolute) })) notCached.push(path);
    }
  }
  const hashes = hashesHere(repository, notCached);
  const input = notCached.map((path) => `${hashes.get(path) ?? "0"}\n`).join("");
  const answers =
    notCached.length === 0 ? [] : gitResult(repository, ["cat-file", "--batch-check"], { input }).stdout.toString("utf8").split("\n");
  return notCached.filter((path, index) => conflicts?.has(path) || answers[index]?.endsWith(" missing") !== false);
}

/** A link to somewhere is no bytes of its own. */
function* filesBelow(project: Project, path: string): Generator<string> {
  const absolute = join(topOf(project), path);
  if (!isThere(absolute)) return;
  const stat = lstatSync(absolute);
  if (stat.isFile()) yield path;
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(absolute)) yield* filesBelow(project, `${path}/${name}`);
}
