/** Outputs by the remote that keeps their bytes. */
import { ExpverError } from "../../errors.ts";
import type { Pointer } from "../types.ts";
import type { StoredPointer } from "./bundles.ts";

/** Imports come from their source, `push: false` stays here, and what is not cached has no object. */
export function isPushable({ push, isImport, cache, hash }: Pointer): boolean {
  return push && !isImport && cache && hash !== null;
}

/**
 * Outputs whose bytes a remote keeps, by its name: each output's own, else the one that is asked for (undefined: the default). What is
 * bound to another than that one is left out.
 */
export function byRemote(pointers: readonly Pointer[], asked: string | undefined): Map<string | undefined, StoredPointer[]> {
  const groups = new Map<string | undefined, StoredPointer[]>();
  for (const pointer of pointers) {
    if (pointer.hash === null || !pointer.cache) continue;
    if (asked !== undefined && pointer.remote !== undefined && pointer.remote.toLowerCase() !== asked.toLowerCase()) continue;
    const name = pointer.remote ?? asked;
    const group = groups.get(name) ?? [];
    group.push({ ...pointer, hash: pointer.hash });
    groups.set(name, group);
  }
  return groups;
}

export interface FailedRemote<T = StoredPointer> {
  /** What was to be done with it. */
  outputs: readonly T[];
  error: ExpverError;
}

/** Works with each remote, whatever becomes of the others: answers those that failed. What fails with the only one is thrown. */
export async function withEach<T>(
  groups: ReadonlyMap<string | undefined, T[]>,
  work: (name: string | undefined, outputs: T[]) => Promise<void>,
): Promise<FailedRemote<T>[]> {
  const failed: FailedRemote<T>[] = [];
  for (const [name, outputs] of groups) {
    try {
      await work(name, outputs);
    } catch (error) {
      if (groups.size === 1 || !(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
      failed.push({ outputs, error });
    }
  }
  return failed;
}
