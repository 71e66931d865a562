/** Tools keep what they have worked out beside the data they read: Ultralytics `labels/train.cache`, Hugging Face's datasets `cache-….arrow`. */
import { basename, extname } from "node:path/posix";
import { absolutePath, storedPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { finishWork } from "../../../platform/pace.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import type { Pointer } from "../../../store/types.ts";
import { storedMembers } from "../../../store/worktree/make-output.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";

/** What to type where a folder has all it had when the run began, and more; null for any other change. */
export function hintOfGrown(project: Project, input: Pointer): string | null {
  const before = new Map(storedMembers(project, input)?.map(({ relpath, md5 }) => [relpath, md5]));
  const { isFolder, files } = finishWork(scanOutput(project, absolutePath(project, input.path)));
  const added = files.flatMap(({ relpath }) => (before.has(relpath) ? [] : [relpath]));
  const stayed = files.filter(({ relpath, md5 }) => before.get(relpath) === md5);
  if (!isFolder || before.size === 0 || stayed.length < before.size) return null;
  const names = `${added.slice(0, 3).join(", ")}${added.length > 3 ? " …" : ""}`;
  const line = lineFor(added, [...before.keys()]) ?? `/${storedPath(project, input.path)}/${added[0]}`;
  const file = typedPath(project, storedPath(project, ".dvcignore"));
  return `${input.path} has ${names} besides what the run read, and counts as other data from now on. What a tool keeps there for itself is left out by: echo ${shellWord(line)} >> ${file}`;
}

/** What the names of all of them share, and none of the others has; null: nothing. */
function lineFor(added: readonly string[], others: readonly string[]): string | null {
  const [first = "", ...rest] = added.map((path) => basename(path));
  const end = extname(first);
  let start = first.slice(0, first.length - end.length);
  for (const name of rest) while (!name.startsWith(start)) start = start.slice(0, -1);
  const isShared = (name: string) => name.startsWith(start) && name.endsWith(end);
  return end !== "" && rest.length > 0 && rest.every(isShared) && !others.some((path) => isShared(basename(path)))
    ? `${start}*${end}`
    : null;
}
