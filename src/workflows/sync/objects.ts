/** Which objects `sync` brings: the results databases of all versions, and everything of those that were named. */

import { type Project, requireRepository } from "../../config/project.ts";
import { resultsPath } from "../../config/results-place.ts";
import { ExpverError } from "../../errors.ts";
import { catFilesIfThere } from "../../git/tree.ts";
import type { Context } from "../../platform/context.ts";
import { counted } from "../../platform/words.ts";
import { withDvcLock } from "../../store/dvc-lock.ts";
import { parsePointerFile } from "../../store/pointers/pointer-file.ts";
import { readPointersOf } from "../../store/pointers/pointers.ts";
import { isPushable } from "../../store/transfer/by-remote.ts";
import { fetchObjects } from "../../store/transfer/transfer.ts";
import type { Pointer } from "../../store/types.ts";
import type { Version } from "../../versions/types.ts";

export interface FetchedObjects {
  objects: number;
  remotes: string[];
  /** Paths whose bytes are neither here nor on the remote. */
  missing: string[];
}

/** `whole`: versions of which everything is wanted. Each state of an output once. */
export function wantedPointers(project: Project, versions: readonly Version[], whole: readonly Version[]): Pointer[] {
  const ofWhole = readPointersOf(project, [...new Set(whole.map(({ commit }) => commit))]);
  const all = [...databasesOf(project, versions), ...[...ofWhole.values()].flat()].filter(isPushable);
  return [...new Map(all.map((pointer) => [`${pointer.path}\0${pointer.hash}\0${pointer.hashName}\0${pointer.remote}`, pointer])).values()];
}

/** `asked`: the person named data, so that a remote that cannot be used is an error. */
export async function bringObjects(
  project: Project,
  context: Context,
  { pointers, remote, asked }: { pointers: readonly Pointer[]; remote: string | undefined; asked: boolean },
): Promise<FetchedObjects> {
  try {
    const report = await withDvcLock(project, () => fetchObjects(project, pointers, context, { remote }));
    const [first] = report.failed;
    if (first !== undefined) {
      throw new ExpverError(
        first.code,
        `${counted(report.failed.length, "object")} failed to fetch; first ${first.path}: ${first.reason}`,
        {
          details: { failed: report.failed },
        },
      );
    }
    return { objects: report.objects, remotes: report.remotes, missing: [...new Set(report.missing)] };
  } catch (error) {
    if (asked || !(error instanceof ExpverError) || !error.code.startsWith("E_REMOTE")) throw error;
    context.report({ kind: "warning", text: `results databases were not fetched: ${error.message}`, hint: error.hint });
    return { objects: 0, remotes: [], missing: [] };
  }
}

/** Of any number of versions: the pointer beside the database, where it usually is, with one git process; of others every pointer. */
function databasesOf(project: Project, versions: readonly Version[]): Pointer[] {
  const database = resultsPath(project);
  const file = `${database}.dvc`;
  const commits = [...new Set(versions.map(({ commit }) => commit).filter((commit) => commit !== ""))];
  const texts = catFilesIfThere(
    requireRepository(project),
    commits.map((commit) => `${commit}:${file}`),
  );
  const read = new Map([...texts].map(([name, text]) => [name, pointersIn(text.toString("utf8"), file)]));
  const isOfIt = ({ path }: Pointer) => path === database;
  const elsewhere = commits.filter((commit) => !read.get(`${commit}:${file}`)?.some(isOfIt));
  const others = readPointersOf(project, elsewhere, () => {});
  return [...read.values(), ...others.values()].flat().filter(isOfIt);
}

/** `show` and `verify` tell of a version with a broken pointer. */
function pointersIn(text: string, file: string): Pointer[] {
  try {
    return parsePointerFile(text, file);
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return [];
  }
}
