/** `expver data list-url URL`: what is in somebody's folder, on this machine or behind a server. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { findPlace } from "../../../config/project.ts";
import { ExpverError, failedWith } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { compareCodePoints } from "../../../store/objects/listing.ts";
import { isUrl } from "../../../store/settings/dvc-config.ts";
import { openUrl, pathHere } from "../../../store/sources/url-source.ts";
import type { Input, ReadWorkflow } from "../../contract.ts";
import { withExitCode } from "../exit-codes.ts";
import { fsConfigOf } from "./fs-config.ts";
import { type ListEntry, type ListResult, wholeLevel } from "./list.ts";

/** How a kind of place is read: one folder at a time, each with what leads further. */
interface Folders<Way> {
  /** As dvc names the place itself. */
  name: string;
  top: Way;
  read(way: Way): Promise<{ files: { name: string; size: number | null }[]; folders: { name: string; way: Way }[] } | null>;
  /** Null: nothing is there. */
  file(): Promise<{ size: number | null } | null>;
}

export const dataListUrl: ReadWorkflow<Input, ListResult> = {
  async read(context, input) {
    const url = String(input.url);
    const depth = input.level === undefined ? Number.POSITIVE_INFINITY : wholeLevel(input.level);
    const shape = { isTree: input.tree === true, isDeep: input.recursive === true, depth };
    const options = fsConfigOf(input);
    const listed = await asConfigured(async () => {
      const path = pathHere(url, { cwd: context.cwd, place: findPlace(context) });
      return path !== null ? list(ofPath(path), shape) : list(ofUrl(context, url, options), shape);
    });
    // A path is called as it was typed.
    if (listed.tree !== null && !isUrl(url)) listed.tree.path = url;
    return { ...listed, size: input.size === true, hash: false };
  },
};

interface Shape {
  isTree: boolean;
  isDeep: boolean;
  depth: number;
}

async function list<Way>(place: Folders<Way>, { isTree, isDeep, depth }: Shape): Promise<Pick<ListResult, "json" | "tree">> {
  const root = (await place.read(place.top)) ?? null;
  const file = root === null ? await place.file() : null;
  if (root === null && file === null)
    throw new ExpverError("E_NOT_FOUND", `there is no ${place.name}`, { details: { path: place.name, exitCode: 255 } });
  const self = entry(place.name, { isdir: root !== null, size: null });
  if (root === null || (depth === 0 && !isTree)) {
    const alone = { ...self, isdir: false };
    return { json: isTree ? [] : [alone], tree: isTree ? alone : null };
  }
  const entries: ListEntry[] = [];
  const visit = async (folder: NonNullable<typeof root>, below: string, level: number): Promise<void> => {
    const last = level >= depth;
    const byName = <T extends { name: string }>(some: T[]) => [...some].sort((a, b) => compareCodePoints(a.name, b.name));
    for (const { name, size } of byName(folder.files)) entries.push(entry(below + name, { isdir: false, size }));
    const folders = byName(folder.folders);
    if (isTree || !isDeep || last) for (const { name } of folders) entries.push(entry(below + name, { isdir: true, size: null }));
    if (last || !(isDeep || isTree)) return;
    for (const { name, way } of folders) {
      const inside = await place.read(way);
      if (inside !== null) await visit(inside, `${below}${name}/`, level + 1);
    }
  };
  if (depth > 0) await visit(root, "", 1);
  // A tree is drawn from entries in the order of their paths.
  return { json: isTree ? entries.sort((a, b) => compareCodePoints(a.path, b.path)) : entries, tree: isTree ? self : null };
}

function ofPath(top: string): Folders<string> {
  const stat = (path: string) => statSync(path, { throwIfNoEntry: false });
  return {
    name: top,
    top,
    async read(folder) {
      if (!stat(folder)?.isDirectory()) return null;
      const entries = readdirSync(folder, { withFileTypes: true });
      // As with dvc a link is listed and not followed: it may lead around in a circle.
      const [folders, files] = [entries.filter((one) => one.isDirectory()), entries.filter((one) => !one.isDirectory())];
      return {
        files: files.map(({ name }) => ({ name, size: stat(join(folder, name))?.size ?? 0 })),
        folders: folders.map(({ name }) => ({ name, way: join(folder, name) })),
      };
    },
    file: async () => (existsSync(top) ? { size: stat(top)?.size ?? null } : null),
  };
}

/** What is no place at all is a mistake of the configuration here. */
async function asConfigured<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isNone = failedWith(error, "E_REMOTE", "E_REMOTE_KIND");
    throw isNone ? withExitCode(error, 251) : error;
  }
}

function ofUrl(context: Context, url: string, options: ReadonlyMap<string, string>): Folders<string | null> {
  const source = openUrl(url, { place: findPlace(context), env: context.env, options });
  return {
    name: source.path,
    top: null,
    async read(way) {
      const found = await source.list(way, context);
      return (
        found && {
          files: found.files.map(({ relpath, size }) => ({ name: relpath, size })),
          folders: found.folders.map(({ name, key }) => ({ name, way: key })),
        }
      );
    },
    async file() {
      const there = await source.look(context);
      return there === null ? null : { size: there.files[0]?.size ?? null };
    },
  };
}

function entry(path: string, { isdir, size }: Pick<ListEntry, "isdir" | "size">): ListEntry {
  return { isout: false, isdir, isexec: false, size, md5: null, path };
}
