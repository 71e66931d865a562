/** S3, Azure and Google know no folders, only keys with slashes in them: what is below one, and what looks like a folder there. */
import type { FileThere, FolderThere, Key, KeyAndSize, ObjectServer, VersionThere } from "./server.ts";

export interface KeyPage {
  entries: KeyEntry[];
  /** What ends at the delimiter, with it. */
  folders: string[];
}

interface KeyEntry {
  key: string;
  size: number;
  tag: string | undefined;
  md5?: string | undefined;
  /** Where versions were asked for. */
  version?: string | undefined;
  isNewest?: boolean;
}

export type ListKeys = (prefix: string, options: { signal: AbortSignal; doing: string; delimiter?: string }) => AsyncIterable<KeyPage>;

/** `root`: what all keys of the remote begin with, ending in a slash, or nothing. */
export function flatFolders(
  root: string,
  listKeys: ListKeys,
  listVersions?: ListKeys,
): Pick<ObjectServer, "walkVersions"> & Required<Pick<ObjectServer, "readFolder" | "walk">> & { list: NonNullable<ObjectServer["list"]> } {
  const prefixOf = (folder: Key) => (folder === "" ? root : `${root}${folder}/`);
  const keyOf = (full: string): Key => full.slice(root.length);
  const doingOf = (folder: Key) => `list ${folder === "" ? "what it has" : folder}`;
  return {
    async *list(folder, signal) {
      for await (const { entries } of listKeys(prefixOf(folder), { signal, doing: doingOf(folder) }))
        yield entries.map(({ key, size }): KeyAndSize => ({ key: keyOf(key), size }));
    },

    async readFolder(folder, signal) {
      const prefix = prefixOf(folder);
      const found: FolderThere = { files: [], folders: [] };
      let isThere = prefix === "";
      for await (const { entries, folders } of listKeys(prefix, { signal, doing: doingOf(folder), delimiter: "/" })) {
        isThere ||= entries.length + folders.length > 0;
        for (const { key, size, tag } of entries)
          if (!key.endsWith("/")) found.files.push({ key: keyOf(key), relpath: key.slice(prefix.length), size, tag });
        for (const path of folders) found.folders.push({ key: keyOf(path).slice(0, -1), name: path.slice(prefix.length, -1) });
      }
      return isThere ? found : null;
    },

    async *walk(folder, signal) {
      const prefix = prefixOf(folder);
      for await (const { entries } of listKeys(prefix, { signal, doing: doingOf(folder) })) {
        // A key that ends in a slash is how some programs make a folder.
        const files = entries.filter(({ key }) => !key.endsWith("/"));
        yield files.map(({ key, size, tag }): FileThere => ({ key: keyOf(key), relpath: key.slice(prefix.length), size, tag }));
      }
    },

    ...(listVersions === undefined ? {} : { walkVersions: (folder, signal) => walkVersions(listVersions, folder, signal) }),
  };

  async function* walkVersions(listing: ListKeys, folder: Key, signal: AbortSignal): AsyncIterable<VersionThere[]> {
    const prefix = prefixOf(folder);
    for await (const { entries } of listing(prefix, { signal, doing: `list versions in ${folder}` })) {
      const files = entries.filter(({ key }) => !key.endsWith("/"));
      yield files.map(({ key, isNewest = false, ...rest }) => ({ ...rest, key: keyOf(key), relpath: key.slice(prefix.length), isNewest }));
    }
  }
}
