/** The lines DVC keeps in the `.gitignore` beside an output. */
import { basename, dirname, join, relative } from "node:path";
import type { Place } from "../../config/project.ts";
import { ignoredByGit } from "../../git/ignored.ts";
import { readTextIfExists } from "../../platform/files.ts";
import type { FileEdit } from "../types.ts";

/**
 * Edits that make Git ignore these outputs (absolute paths), as few as needed; none without Git. Two outputs may share a file. `ignored`:
 * what Git ignores of them, where it was asked already.
 */
export function ignoreEdits(project: Place, outputs: readonly string[], ignored?: ReadonlySet<string>): FileEdit[] {
  const { repository } = project;
  if (repository === null) return [];
  const isListed = listedUnder(repository.root);
  const unsure = outputs.filter((path) => !ignored?.has(path) && !isListed(path));
  const known = new Set(ignored === undefined ? ignoredByGit(repository, unsure) : []);
  const files = groupByFolder(unsure.filter((path) => !known.has(path)));
  return [...files].map(([folder, paths]) => {
    const path = join(folder, ".gitignore");
    const before = readTextIfExists(path);
    return { path, before, after: paths.reduce((text, output) => withLine(text, ignoreLine(basename(output))), before ?? "") };
  });
}

/**
 * Edit that takes an output's line away, or null when there is none; none without Git. A file that becomes empty goes away, as with DVC.
 * `pending`: the text an earlier edit of the same command gives the file.
 */
export function unignoreEdit(
  { repository }: Pick<Place, "repository">,
  output: string,
  pending: (path: string) => string | null | undefined = () => undefined,
): FileEdit | null {
  if (repository === null) return null;
  const path = join(dirname(output), ".gitignore");
  const planned = pending(path);
  const before = planned === undefined ? readTextIfExists(path) : planned;
  if (before === null) return null;
  const lines = before.split("\n");
  const own = linesOf(output);
  const kept = lines.filter((line) => !own.includes(line) && !own.includes(line.trim()));
  if (kept.length === lines.length) return null;
  const after = kept.join("\n");
  return { path, before, after: after.trim() === "" ? null : after };
}

/** True when a file in the output's folder, or above, has its line, and neither that nor one nearer takes anything back: no other has a say then. */
function listedUnder(top: string): (output: string) => boolean {
  const read = new Map<string, string[]>();
  const linesIn = (folder: string) => {
    const lines = read.get(folder) ?? readTextIfExists(join(folder, ".gitignore"))?.split("\n") ?? [];
    read.set(folder, lines);
    return lines;
  };
  return (output) => {
    for (let folder = dirname(output); ; folder = dirname(folder)) {
      const lines = linesIn(folder);
      const line = lines.lastIndexOf(ignoreLine(relative(folder, output)));
      const takesBack = lines.slice(Math.max(0, line)).some((other) => other.startsWith("!"));
      if (line !== -1 && !takesBack) return true;
      if (takesBack || folder === top || folder === dirname(folder)) return false;
    }
  };
}

/**
 * `/name`, or `/folder/name`, with the characters DVC escapes, and what Git would read as something else, or data would be committed: a backslash, a blank or
 * return at the end, and a line break, for which a class stands that has it.
 */
export function ignoreLine(path: string): string {
  return `/${path
    .replace(/[[\]!*#?\\]/g, "\\$&")
    .replace(/ $/, "\\ ")
    .replace(/\n|\r$/g, "[^ -~]")}`;
}

/** Lines that other versions and tools write for it. */
function linesOf(output: string): string[] {
  const name = basename(output);
  return [ignoreLine(name), `/${name.replace(/[[\]!*#?]/g, "\\$&")}`, `/${name}`];
}

function withLine(text: string, line: string): string {
  const start = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return `${start}${line}\n`;
}

function groupByFolder(paths: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const group = groups.get(dirname(path));
    if (group === undefined) groups.set(dirname(path), [path]);
    else group.push(path);
  }
  return groups;
}

export function isIgnoreFile(path: string): boolean {
  return path === ".gitignore" || path.endsWith("/.gitignore");
}
