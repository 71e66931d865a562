/**
 * Imports that were changed here and committed as they are (`dvc commit` writes their pointers too): where they come from nobody has such
 * bytes. Their history tells, which has other bytes for the same commit of the source.
 */
import { isDeepStrictEqual } from "node:util";
import { ExpverError } from "../../errors.ts";
import { git, type Repository } from "../../git/git.ts";
import { catFilesIfThere } from "../../git/tree.ts";
import type { Pointer } from "../types.ts";
import { parsePointerFile } from "./pointer-file.ts";

export interface PointerAt {
  pointer: Pointer;
  /** A commit in whose history its file is looked for. */
  commit: string;
}

/** A few git processes for each import. One that was changed before it was first committed is not told. */
export function changedImports(repository: Repository, pointers: Iterable<PointerAt>): Pointer[] {
  const states = new Map<string, PointerAt>();
  for (const one of pointers) {
    const { path, file, hash, source } = one.pointer;
    if (source !== undefined && hash !== null) states.set([path, file, hash, source.lock].join("\0"), one);
  }
  return [...states.values()].flatMap(({ pointer, commit }) => {
    const first = asImported(repository, { pointer, commit });
    return first !== undefined && first.hashName === pointer.hashName && first.hash !== pointer.hash ? [pointer] : [];
  });
}

/** The first state of its file that names the same source at the same commit. */
function asImported(repository: Repository, { pointer: { path, file, source }, commit }: PointerAt): Pointer | undefined {
  const commits = git(repository, ["rev-list", "--full-history", commit, "--", `:(top,literal)${file}`])
    .split("\n")
    .filter(Boolean);
  const texts = catFilesIfThere(
    repository,
    commits.map((one) => `${one}:${file}`),
  );
  const states = [...texts.values()].flatMap((text) => pointersIn(text.toString(), file));
  return states.findLast((one) => one.path === path && one.hash !== null && isDeepStrictEqual(one.source, source));
}

function pointersIn(text: string, file: string): Pointer[] {
  try {
    return parsePointerFile(text, file);
  } catch (error) {
    if (error instanceof ExpverError) return [];
    throw error;
  }
}
