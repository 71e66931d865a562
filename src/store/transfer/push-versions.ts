/**
 * Push to a remote that keeps versions: files go there under their own names, and which version each became is for the pointers to say. A
 * file whose version is there is left alone; one that is there by other hands, with the same bytes, only has its version written down.
 */
import { isWithin } from "../../config/paths.ts";
import { type Pacing, paceWork } from "../../platform/pace.ts";
import { type ObjectFolder, objectPath, readListing, trustedSizes } from "../objects/layout.ts";
import type { Parcel, TransferFailure, Versions } from "../remotes/remote.ts";
import type { Found } from "../remotes/server.ts";
import { joined } from "../remotes/versioned.ts";
import type { VersionedFile } from "../types.ts";
import type { StoredPointer } from "./bundles.ts";

/** What the pointer of an output is to say of its files. */
export interface PushedOutput {
  pointer: StoredPointer;
  files: readonly VersionedFile[];
}

export interface VersionSurvey {
  outputs: PushedOutput[];
  /** Files whose recorded version is there. */
  settled: number;
  /** Newest versions there that no pointer names yet. */
  adopted: (OneFile & { found: Found })[];
  lacking: NamedParcel[];
  /** Neither here nor there. */
  missing: { path: string; pointer: StoredPointer }[];
}

interface OneFile {
  file: VersionedFile;
  path: string;
  pointer: StoredPointer;
}

type NamedParcel = Parcel & OneFile;

interface Options {
  cache: ObjectFolder;
  context: Pacing;
  only?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** Looks only. */
export async function surveyVersions(
  versions: Versions,
  pointers: readonly StoredPointer[],
  { cache, context, only }: Options,
): Promise<VersionSurvey> {
  const survey: VersionSurvey = { outputs: [], settled: 0, adopted: [], lacking: [], missing: [] };
  const asked: OneFile[] = [];
  for (const pointer of pointers) {
    const files = filesOf(pointer, cache);
    if (files === null) survey.missing.push({ path: pointer.path, pointer });
    else survey.outputs.push({ pointer, files });
    const selected = only?.get(pointer.path);
    for (const file of files ?? []) {
      const { relpath } = file;
      if (selected === undefined || selected.some((part) => isWithin(relpath, part)))
        asked.push({ file, path: joined(pointer.path, relpath), pointer });
    }
  }
  const named = asked.filter(({ file }) => file.version !== undefined);
  const recorded = await versions.look(
    named.map(({ path, file }) => ({ path, version: file.version })),
    context,
  );
  const gone = new Set(named.filter((_, index) => recorded[index] === null));
  const unsettled = asked.filter((one) => one.file.version === undefined || gone.has(one));
  survey.settled = asked.length - unsettled.length;
  const newest = await versions.look(
    unsettled.map(({ path }) => ({ path })),
    context,
  );
  const absent = unsettled.filter((one, index) => {
    const found = newest[index] ?? null;
    if (found === null || !isSame(found, one.file)) return true;
    survey.adopted.push({ ...one, found });
    return false;
  });
  const objects = absent.map(({ file: { md5: hash }, pointer: { hashName } }) => ({ hash, hashName }));
  const sizes = await paceWork(trustedSizes(cache.dir, objects), context, { label: "comparing data" });
  for (const [index, { file, path, pointer }] of absent.entries()) {
    const size = sizes[index] ?? null;
    const object = objects[index];
    if (size === null || object === undefined) survey.missing.push({ path, pointer });
    else survey.lacking.push({ object, size, from: objectPath(cache.dir, object), path, file, pointer });
  }
  return survey;
}

/** Sends what is lacking. Answers what every pointer is to say that has something new to say. */
export async function sendVersions(
  versions: Versions,
  { outputs, adopted, lacking }: VersionSurvey,
  { context, remote }: { context: Pacing; remote: string },
): Promise<{ pushed: PushedOutput[]; failures: TransferFailure[] }> {
  const { kept, failures } = await versions.send(lacking, context);
  const now = new Map<VersionedFile, Found>(adopted.map(({ file, found }) => [file, found]));
  for (const [index, { file }] of lacking.entries()) {
    const found = kept[index];
    if (found) now.set(file, found);
  }
  const said = (file: VersionedFile): VersionedFile => {
    const found = now.get(file);
    if (found === undefined) return file;
    const { etag: _etag, ...rest } = file;
    return {
      ...rest,
      size: found.size ?? file.size ?? 0,
      remote,
      version: found.version as string,
      ...(found.tag === undefined ? {} : { etag: found.tag }),
    };
  };
  const pushed = outputs.filter(({ files }) => files.some((file) => now.has(file)));
  return { pushed: pushed.map(({ pointer, files }) => ({ pointer, files: files.map(said) })), failures };
}

/** Null when nobody says what is in a folder. */
function filesOf({ hash, hashName, files, size }: StoredPointer, cache: ObjectFolder): readonly VersionedFile[] | null {
  if (files !== undefined) return files;
  if (!hash.endsWith(".dir")) return [{ relpath: "", md5: hash, ...(size === undefined ? {} : { size }) }];
  return readListing(cache.dir, { hash, hashName });
}

/** On S3 what came in one piece is called by its MD5. */
function isSame({ version, tag, md5 }: Found, file: VersionedFile): boolean {
  if (version === undefined) return false;
  return [tag === file.etag && tag !== undefined, tag === file.md5, md5 === file.md5].includes(true);
}
