/** Every file below a folder of a server, however it lists. */
import { ExpverError } from "../../errors.ts";
import { staysInside } from "../objects/listing.ts";
import { MOST_NAMES } from "./bounds.ts";
import type { FileThere, Key, ObjectServer } from "./server.ts";

// No system has longer ones: a server that shows one leads around in a circle.
export const LONGEST_PATH = 4096;

/** Null: there is no such folder. Throws E_DATA for a name that leads out of it, or stands there twice. */
export async function filesBelow(
  server: ObjectServer,
  folder: Key,
  { location, signal, isVersioned = false }: { location: string; signal: AbortSignal; isVersioned?: boolean },
): Promise<FileThere[] | null> {
  const files: FileThere[] = [];
  if (isVersioned && server.walkVersions !== undefined) {
    for await (const page of server.walkVersions(folder, signal))
      for (const { isNewest, md5: _, ...file } of page) if (isNewest) files.push(file);
    if (files.length === 0) return null;
  } else if (server.walk === undefined) {
    const visit = async (key: Key, below: string): Promise<boolean> => {
      if (below.length > LONGEST_PATH || files.length > MOST_NAMES) throw strangeFile(location, `${below.slice(0, 100)}…`);
      const found = (await server.readFolder?.(key, signal)) ?? null;
      for (const file of found?.files ?? []) files.push({ ...file, relpath: below + file.relpath });
      for (const { name, key: inner } of found?.folders ?? []) await visit(inner, `${below}${name}/`);
      return found !== null;
    };
    if (!(await visit(folder, ""))) return null;
  } else {
    for await (const page of server.walk(folder, signal)) for (const file of page) files.push(file);
    if (files.length === 0 && (await server.readFolder?.(folder, signal)) === null) return null;
  }
  const names = new Set<string>();
  for (const { relpath } of files) {
    if (!staysInside(relpath) || names.has(relpath)) throw strangeFile(location, relpath);
    names.add(relpath);
  }
  return files;
}

export function strangeFile(location: string, relpath: string): ExpverError {
  return new ExpverError("E_DATA", `${location} has a file whose name leads elsewhere, or stands there twice: ${JSON.stringify(relpath)}`, {
    details: { url: location },
  });
}
