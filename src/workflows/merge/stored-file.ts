/**
 * Files that only a commit has: named by its pointers (out of the cache, else fetched) or kept by Git. What is fetched for a merge is thrown
 * away with it: a plan that is only looked at leaves the cache as it is.
 */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isWithin } from "../../config/paths.ts";
import { type Project, requireRepository } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { catFiles, readTree } from "../../git/tree.ts";
import { besideOf } from "../../merge/beside.ts";
import type { Context } from "../../platform/context.ts";
import { openCache } from "../../store/objects/cache.ts";
import { type ObjectFolder, type ObjectName, objectPath, readListing } from "../../store/objects/layout.ts";
import { readPointersAt } from "../../store/pointers/pointers.ts";
import { fetchObjects } from "../../store/transfer/transfer.ts";
import type { Pointer } from "../../store/types.ts";

interface Wanted {
  commit: string;
  /** In stored form. */
  path: string;
}

/** Absolute path of the bytes of what a pointer of that commit names, or a member of it; null when it tracks no such file. Throws E_NOT_STORED when its bytes are nowhere. */
export async function storedObject(context: Context, project: Project, { commit, path }: Wanted): Promise<string | null> {
  const pointer = readPointersAt(project, commit).find((one) => isWithin(path, one.path));
  if (pointer === undefined || pointer.hash === null) return null;
  const relpath = path.slice(pointer.path.length + 1);
  if (relpath !== "" && !pointer.hash.endsWith(".dir")) return null;
  const cache = openCache(project);
  const there = lookFor(cache, pointer, relpath);
  if (there === null) return null;
  if (there !== undefined && existsSync(there)) return there;
  const fetched = fetchedFolder(project);
  await fetchObjects(project, [pointer], context, {
    into: fetched,
    ...(relpath === "" ? {} : { only: new Map([[pointer.path, [relpath]]]) }),
  });
  const brought = lookFor(fetched, pointer, relpath);
  if (brought === null) return null;
  if (brought !== undefined && existsSync(brought)) return brought;
  throw new ExpverError("E_NOT_STORED", `${path} of ${commit.slice(0, 7)} (${pointer.hash}) is neither in the cache nor on the remote`, {
    hint: "Push it from where it was stored: expver data push.",
    details: { path, commit, hash: pointer.hash },
  });
}

/** The same, and what Git itself keeps; under its own name. Null when the commit has no such file. */
export async function storedFile(context: Context, project: Project, wanted: Wanted): Promise<string | null> {
  const object = await storedObject(context, project, wanted);
  const repository = requireRepository(project);
  const entry = object === null ? readTree(repository, wanted.commit, [wanted.path])[0] : undefined;
  if (object === null && entry === undefined) return null;
  const named = join(fetchedFolder(project).dir, "named", wanted.commit, wanted.path);
  mkdirSync(dirname(named), { recursive: true });
  if (existsSync(named)) return named;
  if (object !== null) symlinkSync(object, named);
  else writeFileSync(named, catFiles(repository, [entry?.object ?? ""]).get(entry?.object ?? "") ?? "");
  return named;
}

/** Undefined: its listing is not here. Null: there is no such member. */
function lookFor({ dir }: ObjectFolder, { hash, hashName }: Pointer, relpath: string): string | null | undefined {
  const object: ObjectName = { hash: hash ?? "", hashName };
  if (relpath === "") return objectPath(dir, object);
  const listing = readListing(dir, object);
  if (listing === null) return undefined;
  const member = listing.find((one) => one.relpath === relpath);
  return member === undefined ? null : objectPath(dir, { hash: member.md5, hashName });
}

function fetchedFolder({ stateDir }: Project): ObjectFolder {
  mkdirSync(join(stateDir, "merging"), { recursive: true });
  const dir = besideOf(join(stateDir, "merging", "fetched"), "spill");
  mkdirSync(dir, { recursive: true });
  return { dir, shared: false };
}
