/** Whether the bytes that pointers name are what their names say, here or on a remote. */

import { existsSync } from "node:fs";
import type { Project } from "../config/project.ts";
import { type ExpverError, failedWith, throwUnlessFailure } from "../errors.ts";
import { type Pacing, paceWork } from "../platform/pace.ts";
import { eachOf } from "../platform/together.ts";
import { openCache } from "../store/objects/cache.ts";
import { examining, type Health } from "../store/objects/damaged.ts";
import { keyOf, type ObjectName, objectPath } from "../store/objects/layout.ts";
import { openRemote } from "../store/remotes/open-remote.ts";
import { isOfRemote } from "../store/remotes/retry.ts";
import { otherRemotes, readDvcConfig } from "../store/settings/dvc-config.ts";
import { LISTINGS_AT_ONCE, listingFinder } from "../store/transfer/listings.ts";
import type { ListingEntry, Pointer } from "../store/types.ts";
import type { Link } from "./chain.ts";

export interface ObjectChecks {
  /** Nothing is read: what would take bytes is not looked at. */
  readonly quick: boolean;
  /** Asks the remotes, at once, for what these pointers need of them. */
  expect(pointers: readonly Pointer[]): Promise<void>;
  /** One link a pointer. */
  check(pointer: Pointer): Promise<Link>;
}

export interface ObjectOptions {
  /** Only look whether objects are there, without reading them. */
  quick: boolean;
  /** Objects must be on the remote too. */
  cloud: boolean;
  /** Name of the remote; default: the pointer's own, else the default one. */
  remote: string | undefined;
}

/** Objects that several versions share are read once. Throws E_REMOTE where there is no remote of the name. */
export function objectChecks(project: Project, context: Pacing, { quick, cloud, remote }: ObjectOptions): ObjectChecks {
  if (remote !== undefined) openRemote(project, remote);
  const cache = openCache(project);
  const nameOf = (pointer: Pointer) => pointer.remote ?? remote;
  const findListing = listingFinder(project, { ...context, remoteName: remote });
  const local = new Map<string, Health>();
  const elsewhere = new Map<string | undefined, Map<string, boolean>>();
  const silent = new Map<string | undefined, ExpverError>();

  async function look(objects: readonly ObjectName[], path: string): Promise<void> {
    const unknown = objects.filter((object) => !local.has(keyOf(object)));
    const found = quick
      ? unknown.map((object) => (existsSync(objectPath(cache.dir, object)) ? "right" : "absent"))
      : await paceWork(examining(cache.dir, unknown), context, { label: `reading ${path}`, total: unknown.length });
    for (const [index, object] of unknown.entries()) local.set(keyOf(object), found[index] as Health);
  }

  /** Which of the objects the remote has, or why that cannot be said. */
  async function present(objects: readonly ObjectName[], name: string | undefined): Promise<Set<string> | ExpverError> {
    const known = elsewhere.get(name) ?? new Map<string, boolean>();
    elsewhere.set(name, known);
    const unknown = objects.filter((object) => !known.has(keyOf(object)));
    const before = silent.get(name);
    if (before !== undefined && unknown.length > 0) return before;
    try {
      const there = new Set((unknown.length === 0 ? [] : await openRemote(project, name).present(unknown, context)).map(keyOf));
      for (const object of unknown) known.set(keyOf(object), there.has(keyOf(object)));
    } catch (error) {
      throwUnlessFailure(error);
      if (isOfRemote(error)) silent.set(name, error);
      return error;
    }
    return new Set(objects.map(keyOf).filter((key) => known.get(key)));
  }

  const isHere = (object: ObjectName) => existsSync(objectPath(cache.dir, object));

  const askedOf = (pointer: Pointer) => [pointer.hash, pointer.hashName, nameOf(pointer), pointer.cache && isShared(pointer)].join("\0");

  /** Objects of a pointer that a remote will be asked for; by their keys, for many versions share them. */
  async function expected(pointer: Pointer): Promise<[string, ObjectName][]> {
    const { hash, hashName } = pointer;
    if (hash === null || !pointer.cache) return [];
    const own = { hash, hashName };
    const isWanted = cloud && isShared(pointer);
    if (!isWanted && isHere(own)) return [];
    const members = hash.endsWith(".dir") ? await listingOf(pointer) : [];
    if (members === null || members === "damaged") return [];
    const all = [own, ...members.map(({ md5 }) => ({ hash: md5, hashName }))];
    return (isWanted ? all : all.filter((object) => !isHere(object))).map((object) => [keyOf(object), object]);
  }

  /** A damaged one is this version's own trouble: the others are looked at all the same. */
  async function listingOf(pointer: Pointer): Promise<ListingEntry[] | null | "damaged"> {
    try {
      return await findListing(pointer);
    } catch (error) {
      if (failedWith(error, "E_LISTING")) return "damaged";
      throw error;
    }
  }

  function nowhere(pointer: Pointer): string {
    const asked = nameOf(pointer);
    const name = asked ?? readDvcConfig(project).defaultRemote;
    const others = otherRemotes(project, asked);
    const unasked = others.length === 0 ? "" : ` (not asked: ${others.join(", ")}; --remote ${others[0]})`;
    return `${name === null ? "not in the cache, and there is no default remote" : `neither in the cache nor on ${name}`}${unasked}`;
  }

  return {
    quick,
    async expect(pointers) {
      const first = new Map(pointers.map((pointer) => [askedOf(pointer), pointer]));
      const byName = new Map<string | undefined, Map<string, ObjectName>>();
      for (const pointer of first.values()) byName.set(nameOf(pointer), new Map());
      await eachOf([...first.values()], context.connections ?? LISTINGS_AT_ONCE, async (pointer) => {
        for (const [key, object] of await expected(pointer)) byName.get(nameOf(pointer))?.set(key, object);
      });
      for (const [name, objects] of byName) if (objects.size > 0) await present([...objects.values()], name);
    },
    async check(pointer) {
      const { path, hash, hashName } = pointer;
      const link = (state: Link["state"], detail: string): Link => ({ kind: "object", target: path, state, detail });
      if (hash === null) return link("unrecorded", "its pointer names no bytes");
      if (!pointer.cache) return link("unrecorded", "kept out of the cache (cache: false): only its hash is recorded");
      const own: ObjectName = { hash, hashName };
      const members = hash.endsWith(".dir") ? await listingOf(pointer) : [];
      if (members === "damaged")
        return link("wrong", `its listing ${hash} in the cache is not what its name says: expver data verify --repair`);
      if (members === null) return link("missing", `its listing ${hash} is ${nowhere(pointer)}`);
      const files = members.map(({ relpath, md5 }) => ({ object: { hash: md5, hashName }, path: `${path}/${relpath}` }));
      const all = [...files, { object: own, path }];
      await look(
        all.map(({ object }) => object),
        path,
      );
      const wrong: string[] = [];
      const absent: ObjectName[] = [];
      for (const one of all) {
        const found = local.get(keyOf(one.object));
        if (found === "wrong") wrong.push(one.path);
        if (found !== "right") absent.push(one.object);
      }
      const damage =
        wrong.length === 0 ? "" : `${wrong.length} in the cache are not what their names say (${wrong[0]}${wrong.length > 1 ? " …" : ""})`;
      const wantsCloud = cloud && isShared(pointer);
      const asked = wantsCloud ? all.map(({ object }) => object) : absent;
      const answer = asked.length === 0 ? new Set<string>() : await present(asked, nameOf(pointer));
      const there = answer instanceof Set ? answer : null;
      // E_REMOTE: there is none.
      const silence = answer instanceof Set || answer.code === "E_REMOTE" ? null : answer.message;
      const lost = absent.filter((object) => !there?.has(keyOf(object)));
      if (lost.length > 0 && damage !== "") return link("wrong", `${damage}, and ${silence ?? "no remote has them"}`);
      if (lost.length > 0 && !isShared(pointer)) return link("unrecorded", `not in this cache, and ${unsharedBecause(pointer)}`);
      if (lost.length > 0 && silence !== null)
        return link("missing", `${lost.length} of ${all.length} objects are not in the cache, and ${silence}`);
      if (lost.length > 0) return link("missing", `${lost.length} of ${all.length} objects are ${nowhere(pointer)}`);
      if (damage !== "") return link("wrong", `${damage}; a remote has them: expver data verify --repair`);
      if (wantsCloud && there === null) return link("missing", silence ?? "there is no remote");
      const unsent = wantsCloud ? asked.filter((object) => !there?.has(keyOf(object))) : [];
      if (unsent.length > 0) return link("missing", `${unsent.length} of ${all.length} objects are not on the remote`);
      const where = absent.length === 0 ? "in the cache" : absent.length === all.length ? "on a remote" : "in the cache and on a remote";
      const how = quick || absent.length === all.length ? "" : ", read and right";
      return link("proven", `${where}${how}${wantsCloud && absent.length === 0 ? "; on the remote" : ""}`);
    },
  };
}

/** Others have an import from where it was imported, and `push: false` not at all. */
function isShared({ isImport, push }: Pointer): boolean {
  return push && !isImport;
}

function unsharedBecause({ isImport, push }: Pointer): string {
  return isImport || push ? "what is imported is on no remote: expver data pull brings it from its source" : "never pushed (push: false)";
}
