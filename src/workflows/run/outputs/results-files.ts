/** The files of R: texts of pointers and ignore files on those of S, outputs Git tracks itself. */

import { writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type Project, topOf } from "../../../config/project.ts";
import type { Repository } from "../../../git/git.ts";
import { filesHere } from "../../../git/hashes-here.ts";
import { hashBlob, hashFiles } from "../../../git/objects.ts";
import { catFiles, readTree, type TreeEntry, textsAt, withLineEndsOf } from "../../../git/tree.ts";
import { readTextIfExists, removePath } from "../../../platform/files.ts";
import { bytesFor } from "../../../platform/kept-bytes.ts";
import { makeStaging } from "../../../store/objects/staging.ts";
import { isIgnoreFile } from "../../../store/settings/gitignore.ts";
import type { FileEdit } from "../../../store/types.ts";
import type { OutputFile } from "../run-facts.ts";

/** Where the texts of R stand on those of S. */
export interface SnapshotPlace {
  project: Project;
  repository: Repository;
  /** Snapshot commit S. */
  snapshot: string | null;
}

/**
 * Edits as files of R: their texts stand on those of S, whatever the worktree's ignore files say by now. `ignored`: lines that R's ignore
 * files get besides, by path; the worktree has them.
 */
export function editedFiles(
  place: SnapshotPlace,
  edits: readonly FileEdit[],
  ignored: ReadonlyMap<string, readonly string[]> = new Map(),
): OutputFile[] {
  const { project } = place;
  const top = topOf(project);
  const merged = new Map<string, { before: string | null; added: string[]; after: string | null }>();
  for (const { path, before, after } of edits) {
    const stored = relative(top, path).split(sep).join("/");
    const known = merged.get(stored);
    const added = addedLines(known === undefined ? before : known.before, after);
    merged.set(stored, { before, after, added: [...(known?.added ?? []), ...added] });
  }
  const snapshotTexts = textsAt(place.repository, place.snapshot, [
    ...[...merged].flatMap(([path, { after }]) => (isIgnoreFile(path) || after?.includes("\r\n") ? [path] : [])),
    ...[...ignored.keys()].filter(isIgnoreFile),
  ]);
  // In the order the worktree has them: else its file would differ from R's.
  const textInR = (path: string, inWorktree: string, lines: readonly string[]) => {
    const wanted = new Set([...lines, ...(ignored.get(path) ?? [])]);
    return withLines(snapshotTexts.get(path) ?? null, [...inWorktree.split(/\r?\n/).filter((line) => wanted.has(line)), ...wanted]);
  };
  const edited = [...merged].flatMap(([path, { before, after, added }]) => {
    if (after === null) return [];
    const inWorktree = isIgnoreFile(path) ? withLines(before, added) : after;
    const inR = isIgnoreFile(path) ? textInR(path, inWorktree, added) : withLineEndsOf(snapshotTexts.get(path), after);
    return [{ path, inR, edit: { before, after: inWorktree } }];
  });
  const others = [...ignored.keys()]
    .filter((path) => !merged.has(path))
    .map((path) => ({ path, inR: textInR(path, readTextIfExists(join(top, path)) ?? "", []) }))
    .filter(({ path, inR }) => inR !== snapshotTexts.get(path));
  const files = [...edited, ...others];
  const objects = blobsOf(
    place,
    files.map(({ path, inR }) => bytesFor(join(top, path), inR)),
  );
  return files.map(({ inR: _, ...file }, index) => ({ ...file, mode: "100644", object: objects[index] ?? "" }));
}

/** Texts that R has of another worktree, as edits of this one; of ignore files only their lines are brought. */
export function broughtEdits({ project, repository }: SnapshotPlace, files: readonly OutputFile[]): FileEdit[] {
  const blobs = catFiles(
    repository,
    files.map(({ object }) => object),
  );
  return files.map(({ path, object }) => {
    const file = join(topOf(project), path);
    const before = readTextIfExists(file);
    const text = blobs.get(object)?.toString("utf8") ?? "";
    return { path: file, before, after: isIgnoreFile(path) ? withLines(before, text.split(/\r?\n/).filter(Boolean)) : text };
  });
}

/** Git takes one text at a time, or any number of files. */
function blobsOf({ project, repository }: SnapshotPlace, texts: readonly Uint8Array[]): string[] {
  if (texts.length <= 1 || project.stateDir.includes("\n")) return texts.map((text) => hashBlob(repository, text));
  const staging = makeStaging(join(project.stateDir, "tmp"));
  try {
    const files = texts.map((text, index) => {
      const file = join(staging, String(index));
      writeFileSync(file, text);
      return file;
    });
    return hashFiles(repository, files);
  } finally {
    removePath(staging);
  }
}

/** Outputs Git tracks itself: their bytes go into R as `git add` would take them. One that is gone stays what it is in S. */
export function ownedFiles({ repository }: SnapshotPlace, tracked: ReadonlyMap<string, TreeEntry>): OutputFile[] {
  return [...filesHere(repository, [...tracked.keys()], { write: true })].flatMap(([path, now]): OutputFile[] => {
    const before = tracked.get(path);
    // Whether a file may be executed is no output.
    const mode = now.mode === "120000" || before?.mode === "120000" ? now.mode : (before?.mode ?? now.mode);
    return now.object === before?.object && mode === before.mode ? [] : [{ path, mode, object: now.object }];
  });
}

/** Those of the paths that S has. */
export function treeEntries({ repository, snapshot }: SnapshotPlace, paths: readonly string[]): Map<string, TreeEntry> {
  if (snapshot === null || paths.length === 0) return new Map();
  const wanted = new Set(paths);
  return new Map(
    readTree(repository, snapshot, paths)
      .filter(({ path }) => wanted.has(path))
      .map((entry) => [entry.path, entry]),
  );
}

function addedLines(before: string | null, after: string | null): string[] {
  const had = new Set((before ?? "").split("\n"));
  return (after ?? "").split("\n").filter((line) => line !== "" && !had.has(line));
}

function withLines(text: string | null, lines: readonly string[]): string {
  const had = new Set((text ?? "").split(/\r?\n/));
  const missing = [...new Set(lines)].filter((line) => !had.has(line));
  const start = text === null || text === "" || text.endsWith("\n") ? (text ?? "") : `${text}\n`;
  return start + missing.map((line) => `${line}\n`).join("");
}
