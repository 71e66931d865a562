/** WebDAV: like HTTP, but with folders that can be made and listed, and with a rename that makes an upload appear whole. */
import { setTimeout as pause } from "node:timers/promises";
import { ExpverError } from "../../errors.ts";
import { dropAnswer } from "../../platform/http.ts";
import type { RemoteConfig } from "../settings/dvc-config.ts";
import { type Environment, getRange, type HttpAccess, httpAccess, lengthOf, textOf } from "./http-access.ts";
import { isFileName, strangeName } from "./keys.ts";
import { once } from "./once.ts";
import { notOfItsKind } from "./problems.ts";
import { retrying } from "./retry.ts";
import type { FolderThere, Found, Key, KeyAndSize, ObjectServer } from "./server.ts";
import { uploadsOf } from "./uploads.ts";
import { elementsIn, textIn, withoutPrefixes } from "./xml.ts";

const CLEANING_MS = 2000;
// Bytes of a PROPFIND answer: some 60,000 objects of a shard, half a million files in a folder.
const LONGEST_SHARD = 2 ** 25;
const LONGEST_FOLDER = 2 ** 28;

export function webdavServer(config: RemoteConfig, env: Environment): ObjectServer {
  const access = httpAccess(config, env);
  /** Makes a folder and those above it. */
  const makeFolder = once(
    (folder: Key, signal: AbortSignal) => mkcol(access, folder, signal),
    (folder) => folder,
  );
  const remove = async (key: Key, signal: AbortSignal) => {
    dropAnswer(await access.ask("DELETE", key, { signal, accept: [404, 410], doing: `delete ${key}` }));
  };
  const uploads = uploadsOf({ makeFolder, files: (folder, signal) => filesWithAge(access, folder, signal), remove });
  return {
    async find(key, signal) {
      const answer = await access.ask("HEAD", key, { signal, accept: [404, 410], doing: `look for ${key}` });
      dropAnswer(answer);
      if (answer.status >= 400) return null;
      const size = lengthOf(answer);
      return size === undefined ? propertiesOf(access, key, signal) : { size, tag: answer.headers.etag };
    },
    get: (key, options) => getRange(access, key, options),
    async put(key, source, signal) {
      await makeFolder(parentOf(key), signal);
      const temporary = await uploads.nameFor(key, signal);
      try {
        dropAnswer(await access.ask("PUT", temporary, { signal, source, doing: `write ${key}` }));
        const headers = { destination: access.urlOf(key).href, overwrite: "T" };
        // By itself: sending everything again because a name failed would be a waste.
        const move = () => access.ask("MOVE", temporary, { signal, headers, accept: [404], doing: `name ${key}` });
        const answer = await retrying(move, { signal });
        dropAnswer(answer);
        // Nothing to rename: an earlier try went through and its answer was lost, or something is wrong.
        if (answer.status === 404 && (await this.find(key, signal))?.size !== source.size) throw lost(access, key);
      } catch (error) {
        await removeQuietly(access, temporary);
        throw error;
      }
    },
    async remove(key, signal) {
      await uploads.sweepBeside(key);
      await remove(key, signal);
    },
    async *list(folder, signal) {
      const headers = { depth: "1", "content-type": "application/xml" };
      const doing = `list ${folder}`;
      const answer = await access.ask("PROPFIND", `${folder}/`, { signal, headers, accept: [404, 410], doing });
      if (answer.status >= 400) {
        dropAnswer(answer);
        return;
      }
      yield filesIn(await textOf(answer, { remote: access.name, doing }, LONGEST_SHARD), folder);
    },
    readFolder: (folder, signal) => readFolder(access, folder, signal),
    identity: async () => access.identity,
    skewMs: () => access.skewMs(),
  };
}

function lost({ name }: HttpAccess, key: Key): ExpverError {
  return new ExpverError("E_REMOTE_ANSWER", `remote ${name}: ${key} was written and is gone`, { details: { remote: name, passing: true } });
}

async function mkcol(access: HttpAccess, folder: Key, signal: AbortSignal, hasParent = false): Promise<void> {
  // 405: it is there. 409: what is above it is not.
  const answer = await access.ask("MKCOL", folder === "" ? "" : `${folder}/`, {
    signal,
    accept: [405, 409],
    doing: `make ${folder || "the folder"}`,
  });
  dropAnswer(answer);
  if (answer.status !== 409) return;
  if (hasParent) {
    throw new ExpverError("E_REMOTE_ANSWER", `remote ${access.name}: cannot make ${folder}: what is above it on the server is no folder`, {
      hint: `Look there at ${access.urlOf(parentOf(folder)).href} and move away what is in the way.`,
      details: { remote: access.name, path: folder },
    });
  }
  if (folder === "") {
    throw new ExpverError("E_REMOTE_ABSENT", `remote ${access.name}: the folder above ${access.urlOf("").href} does not exist`, {
      hint: "Make it on the server, or correct the remote's url.",
      details: { remote: access.name },
    });
  }
  await mkcol(access, parentOf(folder), signal);
  await mkcol(access, folder, signal, true);
}

/** After a failure, also an interruption: with a little patience, and without a word when it fails. */
async function removeQuietly(access: HttpAccess, key: Key): Promise<void> {
  const controller = new AbortController();
  const removing = access.ask("DELETE", key, { signal: controller.signal, accept: [404], doing: `delete ${key}` }).then(dropAnswer);
  await Promise.race([removing, pause(CLEANING_MS, undefined, { ref: false })]).catch(() => {});
  controller.abort();
  removing.catch(() => {});
}

/** What WebDAV itself says of a file, where a page for people may have answered. Null: it is not there. */
async function propertiesOf(access: HttpAccess, key: Key, signal: AbortSignal): Promise<Found | null> {
  const headers = { depth: "0", "content-type": "application/xml" };
  const asked = { remote: access.name, doing: `look for ${key}` };
  const answer = await access.ask("PROPFIND", key, { signal, headers, accept: [404, 405, 410, 501], doing: asked.doing });
  const [file] = elementsIn(withoutPrefixes(await textOf(answer, asked)), "response");
  if (answer.status === 404 || answer.status === 410) return null;
  if (file === undefined) throw notOfItsKind(asked, "WebDAV server");
  const length = textIn(file, "getcontentlength");
  return { size: length === undefined ? undefined : Number(length), tag: textIn(file, "getetag") };
}

/** Null: it is no folder, or not there. */
async function insideOf(access: HttpAccess, folder: Key, signal: AbortSignal): Promise<Entry[] | null> {
  const headers = { depth: "1", "content-type": "application/xml" };
  const asked = folder === "" ? "" : `${folder}/`;
  const answer = await access.ask("PROPFIND", asked, { signal, headers, accept: [404, 405, 409, 410], doing: `list ${folder}` });
  if (answer.status >= 400) {
    dropAnswer(answer);
    return null;
  }
  const [self, ...inside] = entriesIn(await textOf(answer, { remote: access.name, doing: `list ${folder}` }, LONGEST_FOLDER));
  return self?.isFolder === true ? inside : null;
}

/** When they were written is told by the server's clock, which is compared to ours. */
async function filesWithAge(
  access: HttpAccess,
  folder: Key,
  signal: AbortSignal,
): Promise<{ name: string; modified: number | undefined }[]> {
  const files = ((await insideOf(access, folder, signal)) ?? []).filter(({ isFolder }) => !isFolder);
  return files.map(({ name, modified }) => ({ name, modified: modified === undefined ? undefined : modified - (access.skewMs() ?? 0) }));
}

async function readFolder(access: HttpAccess, folder: Key, signal: AbortSignal): Promise<FolderThere | null> {
  const inside = await insideOf(access, folder, signal);
  if (inside === null) return null;
  const found: FolderThere = { files: [], folders: [] };
  for (const { name, isFolder, size, tag } of inside) {
    const key = folder === "" ? name : `${folder}/${name}`;
    const plain = decoded(name);
    if (plain === null) throw strangeName(access.name, { folder, name });
    if (isFolder) found.folders.push({ name: plain, key });
    else found.files.push({ key, relpath: plain, size, tag });
  }
  return found;
}

interface Entry {
  /** As in a URL. */
  name: string;
  isFolder: boolean;
  size: number;
  tag: string | undefined;
  /** Milliseconds, by the server's clock. */
  modified: number | undefined;
}

/** What a PROPFIND answer names, the folder that was asked for first. */
function entriesIn(xml: string): Entry[] {
  const entries = elementsIn(withoutPrefixes(xml), "response").flatMap((response) => {
    const href = textIn(response, "href")?.trim().replace(/\/+$/, "");
    if (href === undefined) return [];
    const modified = Date.parse(textIn(response, "getlastmodified") ?? "");
    return [
      {
        href,
        name: href.slice(href.lastIndexOf("/") + 1),
        isFolder: /<collection[\s/>]/.test(response),
        size: Number(textIn(response, "getcontentlength") ?? 0),
        tag: textIn(response, "getetag"),
        modified: Number.isNaN(modified) ? undefined : modified,
      },
    ];
  });
  return entries.sort((a, b) => a.href.length - b.href.length);
}

/** A name as a file here would have it; null for one that leads elsewhere. */
function decoded(name: string): string | null {
  try {
    const plain = decodeURIComponent(name);
    return isFileName(plain) ? plain : null;
  } catch {
    return null;
  }
}

/** The files of a PROPFIND answer, in the order of their names. */
function filesIn(xml: string, folder: Key): KeyAndSize[] {
  const files = entriesIn(xml).flatMap(({ name, isFolder, size }) => {
    const plain = isFolder ? null : decoded(name);
    return plain === null ? [] : [{ key: `${folder}/${plain}`, size }];
  });
  return files.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function parentOf(key: Key): Key {
  return key.includes("/") ? key.slice(0, key.lastIndexOf("/")) : "";
}
