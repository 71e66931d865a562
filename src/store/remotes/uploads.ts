/**
 * Where an upload lies on a server until it is whole and gets its name: a folder beside the shards, which DVC takes for none. Its name
 * says whose it is, so that what a killed process left goes with the next push or gc, and nothing else does.
 */
import { setTimeout as pause } from "node:timers/promises";
import { ExpverError } from "../../errors.ts";
import { newOwnName, ownerOf } from "../objects/staging.ts";
import { newController } from "./many.ts";
import { once } from "./once.ts";
import type { Key } from "./server.ts";

// Of another machine nothing is known: what was not written to for so long is nobody's. Requests give up after minutes.
const ABANDONED_MS = 7 * 24 * 3600 * 1000;
const PATIENCE_MS = 5000;

export interface Uploads {
  /** A new name for an object's bytes, in a folder that is made once. */
  nameFor(key: Key, signal: AbortSignal): Promise<Key>;
  /** Removes, once, what lies beside this object's shard and is provably nobody's; without a word when that fails. */
  sweepBeside(key: Key): Promise<void>;
}

interface UploadsServer {
  makeFolder(folder: Key, signal: AbortSignal): Promise<void>;
  /** Files of a folder and when they were last written to, by our clock; undefined when the server does not say. */
  files(folder: Key, signal: AbortSignal): Promise<{ name: string; modified: number | undefined }[]>;
  remove(key: Key, signal: AbortSignal): Promise<unknown>;
}

export function uploadsOf(server: UploadsServer): Uploads {
  const make = once(server.makeFolder, (folder) => folder);
  const sweepBeside = once((key: Key) => sweep(server, folderBeside(key)), folderBeside);
  return {
    sweepBeside,
    async nameFor(key, signal) {
      await make(folderBeside(key), signal);
      await sweepBeside(key);
      return `${folderBeside(key)}/${newOwnName()}`;
    },
  };
}

/** `files/md5/expver-uploads`, `expver-uploads` for DVC 2's objects: on the disk of the shards. Servers hide names that begin with a dot. */
function folderBeside(key: Key): Key {
  return key.split("/").slice(0, -2).concat("expver-uploads").join("/");
}

async function sweep(server: UploadsServer, folder: Key): Promise<void> {
  const controller = newController();
  const { signal } = controller;
  const sweeping = server.files(folder, signal).then(async (files) => {
    for (const { name, modified } of files) if (isNobodys(name, modified)) await server.remove(`${folder}/${name}`, signal);
  });
  await Promise.race([sweeping, pause(PATIENCE_MS, undefined, { ref: false })]).catch((error: unknown) => {
    // Whoever may not look or delete there can push all the same.
    if (!(error instanceof ExpverError)) throw error;
  });
  controller.abort();
  sweeping.catch(() => {});
}

function isNobodys(name: string, modified: number | undefined): boolean {
  const owner = ownerOf(name, modified);
  return owner === "dead" || (owner === "elsewhere" && modified !== undefined && Date.now() - modified > ABANDONED_MS);
}
