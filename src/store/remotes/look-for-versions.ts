/**
 * What a server has of files, each in a version or as the newest: by listing all versions where that takes fewer rounds than asking for each.
 */
import { compareCodePoints } from "../objects/listing.ts";
import { isRefusal } from "./look-for.ts";
import { forMany, type ManyOptions } from "./many.ts";
import type { Found, Key, ObjectServer } from "./server.ts";

interface FileAsked {
  key: Key;
  version?: string | undefined;
}

/** In order; null: nothing. */
export async function lookForVersions(server: ObjectServer, files: readonly FileAsked[], options: ManyOptions): Promise<(Found | null)[]> {
  const answers: (Found | null | undefined)[] = files.map(() => undefined);
  // A page follows a page; questions are asked side by side.
  const pages = Math.floor(files.length / options.jobs);
  const { walkVersions } = server;
  if (pages > 0 && walkVersions !== undefined) {
    const folder = folderAround(files.map(({ key }) => key));
    const listing = [{ object: { hash: folder, hashName: "md5" as const } }];
    const [failure] = await forMany(listing, options, async (_, { signal }) => {
      try {
        await list(walkVersions(folder, signal), { files, answers, pages });
      } catch (error) {
        // Some may ask and not list, and some servers know no such listing.
        if (!isRefusal(error)) throw error;
      }
    });
    if (failure?.error) throw failure.error;
  }
  const left = files.flatMap((file, index) =>
    answers[index] === undefined ? [{ file, index, object: { hash: file.key, hashName: "md5" as const } }] : [],
  );
  const failures = await forMany(left, options, async ({ file, index }, { signal }) => {
    answers[index] = await server.find(file.key, signal, file.version);
  });
  for (const { error } of failures) if (error !== null) throw error;
  return answers.map((answer) => answer ?? null);
}

/** Answers what the listing decides, until so many pages have come. */
async function list(
  listing: ReturnType<NonNullable<ObjectServer["walkVersions"]>>,
  { files, answers, pages }: { files: readonly FileAsked[]; answers: (Found | null | undefined)[]; pages: number },
): Promise<void> {
  const waiting = new Map<Key, number[]>();
  for (const [index, { key }] of files.entries()) waiting.set(key, [...(waiting.get(key) ?? []), index]);
  const settle = (isSettled: (key: Key) => boolean) => {
    for (const [key, indexes] of waiting) {
      if (!isSettled(key)) continue;
      // That a version is written down and not listed is looked at once more: the file would be sent again.
      for (const index of indexes) if (answers[index] === undefined && files[index]?.version === undefined) answers[index] = null;
      waiting.delete(key);
    }
  };
  let came = 0;
  for await (const page of listing) {
    came += 1;
    for (const { key, size, tag, md5, version, isNewest } of page) {
      for (const index of waiting.get(key) ?? []) {
        const wanted = files[index]?.version;
        if (wanted === undefined ? isNewest : wanted === version) answers[index] = { size, tag, md5, version };
      }
    }
    const last = page.at(-1)?.key;
    if (last !== undefined) settle((key) => compareCodePoints(key, last) < 0);
    if (waiting.size === 0 || came >= pages) return;
  }
  settle(() => true);
}

/** The deepest folder that all of them are in. */
function folderAround(keys: readonly Key[]): Key {
  let folder = keys[0]?.split("/").slice(0, -1) ?? [];
  for (const key of keys) {
    const parts = key.split("/");
    const same = folder.findIndex((part, index) => parts[index] !== part || index === parts.length - 1);
    if (same >= 0) folder = folder.slice(0, same);
  }
  return folder.join("/");
}
