/** Somebody's file or folder behind a URL: looked at, copied, and known by what its server calls its bytes, as DVC has it. */

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Place } from "../../config/project.ts";
import { ExpverError, fromSystemError } from "../../errors.ts";
import { makeFolders } from "../../platform/files.ts";
import type { Pacing } from "../../platform/pace.ts";
import { refuseWithoutRoom } from "../../platform/room.ts";
import { counted } from "../../platform/words.ts";
import { asciiJson, compareCodePoints, listingHash } from "../objects/listing.ts";
import type { SourceFields } from "../pointers/import-file.ts";
import { mostOf, taking } from "../remotes/bounds.ts";
import { filesBelow, LONGEST_PATH, strangeFile } from "../remotes/files-below.ts";
import type { Environment } from "../remotes/http-access.ts";
import { forMany, signalOf } from "../remotes/many.ts";
import { once } from "../remotes/once.ts";
import { jobsFor, schemeOf, serverAt, withoutSecrets } from "../remotes/open-remote.ts";
import { retrying } from "../remotes/retry.ts";
import type { FileThere, FolderThere, Key, ObjectServer } from "../remotes/server.ts";
import { isUrl, readDvcConfig } from "../settings/dvc-config.ts";
import { checkDvcConfig, isVersionAware } from "../settings/dvc-options.ts";
import type { OutputContent, TakenVersion } from "../types.ts";

/** What is there now. */
export interface There {
  isFolder: boolean;
  /** One for a single file, whose relpath is "". */
  files: readonly (Omit<FileThere, "size"> & { size: number | undefined })[];
  /** Versions are asked for, and those named here go with the next. */
  isPassing?: boolean;
}

export interface UrlOptions {
  /** Of the place, beside those of a remote that is named. */
  options: ReadonlyMap<string, string>;
  /** Versions are asked for, as an option or the URL itself may say too. */
  isVersioned?: boolean;
  /** The version to take of a single file, instead of the newest. */
  version?: string | undefined;
}

export interface UrlSource {
  /** The URL without a password. */
  readonly location: string;
  /** The versions there are what is spoken of, where there are any. */
  readonly isVersioned: boolean;
  /** As DVC's file systems call it: bucket and key, the path on the machine, the whole URL. */
  readonly path: string;
  /** Null: nothing. */
  look(pacing: Pacing): Promise<There | null>;
  /** What is right in it, or in a folder of it; null: there is no such folder. */
  list(folder: Key | null, pacing: Pacing): Promise<FolderThere | null>;
  /** Files of it in the versions that were taken. */
  taken(versions: readonly TakenVersion[]): There["files"];
  /** Copies files of it below a folder, a single one to the path itself; answers what came, by relpath. */
  copy(files: There["files"], target: string, pacing: Pacing): Promise<Map<string, { md5: string; size: number }>>;
  /** What a `.dvc` file says about the bytes there; null where only the bytes themselves tell. */
  fields(there: There): SourceFields | null;
}

/** What DVC calls a server's name for bytes. */
const TAGS: Record<string, string> = {
  azure: "etag",
  gs: "etag",
  http: "checksum",
  https: "checksum",
  s3: "etag",
  webdav: "etag",
  webdavs: "etag",
};
const KINDS = new Set([...Object.keys(TAGS), "ssh"]);

/** `remote://NAME/…` needs a project. Throws E_REMOTE, E_REMOTE_KIND. */
export function openUrl(
  url: string,
  { place, env, options: more, ...asked }: UrlOptions & { place: Place | null; env: Environment },
): UrlSource {
  const { name, address: spelled, options: known } = resolved(url, place);
  const { address, version: named } = versionIn(spelled);
  const options = new Map([...known, ...more]);
  const location = withoutSecrets(address);
  const scheme = schemeOf(address);
  if (!KINDS.has(scheme))
    throw new ExpverError("E_REMOTE_KIND", `${location}: files at ${scheme}:// are not read by name`, {
      hint: "Use `dvc get-url` or `dvc import-url`; what they write is read here.",
      details: { url: location, scheme },
    });
  checkDvcConfig(new Map([[`remote "${name}"`, new Map([["url", address], ...more])]]));
  const { around, key } = split(address, scheme);
  // What is there in a version is told by all, whether or not anybody wants it.
  const told = scheme === "s3" ? new Map([...options, ["version_aware", "true"]]) : options;
  const server = once(() => serverAt({ name, url: around, options: told }, env));
  const version = asked.version ?? named;
  const isVersioned = isBucket(scheme) && (asked.isVersioned === true || version !== undefined || isVersionAware(options));
  return {
    location,
    isVersioned,
    path: scheme.startsWith("http") ? location : location.replace(isBucket(scheme) ? /^\w+:\/\// : /^\w+:\/\/[^/]*/, ""),
    async look(pacing) {
      const from = await server();
      const { signal, release } = signalOf(pacing);
      const file = async (): Promise<There | null> => {
        const found = key === "" || address.endsWith("/") ? null : await from.find(key, signal, version);
        return found === null
          ? null
          : { isFolder: false, files: [{ key, relpath: "", size: found.size, tag: found.tag, version: found.version }] };
      };
      const folder = async (): Promise<There | null> => {
        if (version !== undefined) return null;
        const files = await filesBelow(from, key, { location, signal, isVersioned });
        return files && { isFolder: true, files: files.sort((a, b) => compareCodePoints(a.relpath, b.relpath)) };
      };
      // A WebDAV server asked for a folder as if it were a file answers anything; the others know what is a file.
      const [first, second] = scheme.startsWith("webdav") ? [folder, file] : [file, folder];
      try {
        const there = await retrying(async () => (await first()) ?? (await second()), { signal });
        if (there !== null && isVersioned) there.isPassing = (await from.keepsVersions?.(signal)) === false;
        return there;
      } finally {
        release();
      }
    },
    async list(folder, pacing) {
      const from = await server();
      const { signal, release } = signalOf(pacing);
      if ((folder ?? "").length > 3 * LONGEST_PATH) throw strangeFile(location, `${folder?.slice(0, 100)}…`);
      try {
        return await retrying(async () => (await from.readFolder?.(folder === null ? key : folder, signal)) ?? null, { signal });
      } finally {
        release();
      }
    },
    async copy(files, target, pacing) {
      const from = await server();
      const bytes = files.reduce((sum, { size = 0 }) => sum + size, 0);
      refuseWithoutRoom(target, { what: `${counted(files.length, "file")} of ${location}`, bytes });
      const came = new Map<string, { md5: string; size: number }>();
      const items = files.map((file) => ({ file, object: { hash: file.relpath, hashName: "md5" as const }, size: file.size ?? 0 }));
      const jobs = jobsFor({ url: address, options });
      const [failure] = await forMany(items, { pacing, jobs, label: `copying from ${name}` }, async ({ file }, { signal, tell }) => {
        const path = join(target, file.relpath);
        const pinned = isVersioned ? file : { ...file, version: undefined };
        came.set(file.relpath, await copyOne(from, pinned, { path, location, signal, tell: (bytes) => tell({ files: 0, bytes }) }));
      });
      if (failure !== undefined) throw failure.error ?? gone(location, failure.object.hash);
      return came;
    },
    taken: (versions) =>
      versions.map(({ relpath, version: taken, size, tag }) => {
        return { key: relpath === "" ? key : `${key}/${relpath}`, relpath, size, tag, version: taken };
      }),
    fields: (there) => knownBy(TAGS[scheme], there, isVersioned),
  };
}

/** DVC's path of a file there begins with the bucket or container. */
function isBucket(scheme: string): boolean {
  return scheme === "s3" || scheme === "gs" || scheme === "azure";
}

/** The path of this machine that a typed place means; null for what is behind a server. */
export function pathHere(url: string, { cwd, place }: { cwd: string; place: Place | null }): string | null {
  if (url.startsWith("file://")) return fileURLToPath(url);
  const { address } = resolved(url, place);
  return isUrl(address) ? null : resolve(cwd, address);
}

/** What DVC writes for content known by its bytes. */
export function fieldsOfContent({ hash, size, nfiles, isexec }: OutputContent): SourceFields {
  const executable: SourceFields["fields"] = isexec ? [["isexec", "true"]] : [];
  const fields: SourceFields["fields"] = [["md5", hash], ["size", String(size)], ...folderField(nfiles), ...executable, ["hash", "md5"]];
  return { fields, files: null, isVersioned: false };
}

function knownBy(tagName: string | undefined, { isFolder, files }: There, isVersioned: boolean): SourceFields | null {
  if (tagName === undefined || files.some(({ tag }) => tag === undefined)) return null;
  const size = files.reduce<number | undefined>(
    (sum, one) => (one.size === undefined || sum === undefined ? undefined : sum + one.size),
    0,
  );
  const sized: [string, string][] = size === undefined ? [] : [["size", String(size)]];
  const [first] = files;
  const version: [string, string][] = first?.version === undefined ? [] : [["version_id", first.version]];
  if (!isFolder) return { fields: [[tagName, first?.tag ?? ""], ...sized, ...version, ["hash", "md5"]], files: null, isVersioned };
  if (isVersioned) return { fields: [["hash", "md5"]], files: files.map(takenOf), isVersioned };
  const entries = files.map(({ relpath, tag = "" }) => `{${asciiJson(tagName)}: ${asciiJson(tag)}, "relpath": ${asciiJson(relpath)}}`);
  const hash = listingHash(Buffer.from(`[${entries.join(", ")}]`));
  return { fields: [["md5", hash], ...sized, ...folderField(files.length), ["hash", "md5"]], files: null, isVersioned };
}

/** The same files with the same bytes, as the server calls them. */
export function sameTaken(some: readonly TakenVersion[], others: readonly TakenVersion[]): boolean {
  const known = new Map(some.map(({ relpath, tag }) => [relpath, tag]));
  return some.length === others.length && others.every(({ relpath, tag }) => tag !== undefined && known.get(relpath) === tag);
}

export function takenOf({ relpath, tag, version, size }: There["files"][number]): TakenVersion {
  return { relpath, tag, version, size };
}

function folderField(nfiles: number | undefined): [string, string][] {
  return nfiles === undefined ? [] : [["nfiles", String(nfiles)]];
}

/** A URL may name a version, as the libraries dvc uses have it. */
export function versionIn(url: string): { address: string; version: string | undefined } {
  const named = /^(s3:.*)\?versionId=([^?&#]+)$/s.exec(url) ?? /^(gs:.*)#(\d+)$/s.exec(url);
  return { address: named?.[1] ?? url, version: named?.[2] };
}

/** The same URL naming another version, if it named one. */
export function withVersion(url: string, version: string): string {
  const { address, version: named } = versionIn(url);
  return named === undefined ? url : `${address}${address.startsWith("gs:") ? "#" : "?versionId="}${version}`;
}

/** The remote a URL means, or one without a name. */
function resolved(url: string, place: Place | null): { name: string; address: string; options: ReadonlyMap<string, string> } {
  const [, named, below = ""] = /^remote:\/\/([^/]*)\/?(.*)$/.exec(url) ?? [];
  if (named === undefined) return { name: schemeOf(url), address: url, options: new Map() };
  const remote = place === null || place.dvcRoot === null ? undefined : readDvcConfig(place).remotes.get(named.toLowerCase());
  if (remote === undefined) throw new ExpverError("E_REMOTE", `there is no remote ${named}`, { details: { remote: named } });
  return { name: remote.name, address: `${remote.url.replace(/\/+$/, "")}/${below}`, options: remote.options };
}

/** The folder around, where the server is opened, and the name in it, which it is asked for: only so is a file as good as a folder. */
function split(address: string, scheme: string): { around: string; key: string } {
  const [, host = "", rest = ""] = /^(\w+:\/\/[^/]*)\/*(.*)$/s.exec(address) ?? [];
  // Elsewhere these signs are letters of a name.
  const query = scheme.startsWith("http") ? (/[?#].*$/s.exec(rest)?.[0] ?? "") : "";
  const path = rest.slice(0, rest.length - query.length).replace(/\/+$/, "");
  const slash = path.lastIndexOf("/");
  return { around: slash < 0 ? host : `${host}/${path.slice(0, slash)}`, key: path.slice(slash + 1) + query };
}

/** From the beginning each time: bytes of two versions must not end up in one file. */
async function copyOne(
  server: ObjectServer,
  { key, relpath, size, version }: There["files"][number],
  { path, location, signal, tell }: { path: string; location: string; signal: AbortSignal; tell: (bytes: number) => void },
): Promise<{ md5: string; size: number }> {
  const answer = await server.get(key, { from: 0, signal, version });
  if (answer === null) throw gone(location, relpath);
  if (answer.from !== 0)
    throw new ExpverError("E_REMOTE_ANSWER", `${location}: ${relpath || "it"} comes from byte ${answer.from} on, not from its beginning`);
  try {
    makeFolders(dirname(path));
  } catch (error) {
    throw fromSystemError(error, `cannot write ${path}`);
  }
  const hash = createHash("md5");
  let came = 0;
  const to = await open(path, "w").catch((error: unknown) => {
    throw fromSystemError(error, `cannot write ${path}`);
  });
  try {
    for await (const chunk of taking(answer, { place: `${location}/${relpath}`, most: size ?? mostOf(size), folder: dirname(path) })) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) {
        const { bytesWritten } = await to.write(chunk, at).catch((error: unknown) => {
          throw fromSystemError(error, `cannot write ${path}`);
        });
        at += bytesWritten;
      }
      came += chunk.length;
      tell(chunk.length);
    }
  } finally {
    await to.close();
  }
  if (size !== undefined && came !== size)
    throw new ExpverError("E_REMOTE_ANSWER", `${location}: ${relpath || "it"} has ${size} bytes, ${came} came`, {
      details: { passing: true },
    });
  return { md5: hash.digest("hex"), size: came };
}

function gone(location: string, relpath: string): ExpverError {
  const path = relpath === "" ? location : `${location}/${relpath}`;
  return new ExpverError("E_NOT_FOUND", `there is no ${path}`, { details: { path } });
}
