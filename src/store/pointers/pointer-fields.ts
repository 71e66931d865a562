/** What an entry of a `.dvc` file or `dvc.lock` may say, and what it means. Every value is checked: the file may come from anyone. */

import { posix } from "node:path";
import { loadYaml } from "../../config/yaml.ts";
import { ExpverError } from "../../errors.ts";
import { isMapping } from "../../platform/mapping.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { clashAmong } from "../objects/clashes.ts";
import { listingHash, renderListing, staysInside } from "../objects/listing.ts";
import type { Pointer, VersionedFile } from "../types.ts";

export type Fields = Record<string, unknown>;

const HASH_AND_META = ["md5", "etag", "checksum", "size", "nfiles", "isexec", "version_id", "cloud"];
// `metric` and `plot` are DVC 1's.
const OUT_KEYS = new Set(
  [HASH_AND_META, "path", "hash", "files", "fs_config", "persist", "cache", "remote", "push", "desc", "type", "labels", "meta"]
    .flat()
    .concat("metric", "plot"),
);
const MEMBER_KEYS = new Set([...HASH_AND_META, "relpath"]);
const PLAIN_LINE = /^(- | {2})(md5|size|nfiles|isexec|hash|path): ([\w.](?:[\w./ -]*[\w./-])?)$/;
const LARGEST_TEXT = 64 * 2 ** 20;

/** Where an entry stands. `folder` is what its path is relative to, from the root. */
export interface EntryPlace {
  file: string;
  folder: string;
  isImport: boolean;
  stage?: string;
}

/** One output. Throws E_POINTER naming the file and the value. */
export function toPointer(value: unknown, place: EntryPlace): Pointer {
  const { file, stage, isImport } = place;
  const fields = asFields(value, file, "an entry of outs");
  refuseUnknown(fields, OUT_KEYS, file);
  const members = readMembers(fields.files, file);
  const hash = members === undefined ? readHash(fields.md5, file, /^[0-9a-f]{32}(?:\.dir)?$/) : listingHash(renderListing(members));
  const size = members === undefined ? wholeNumber(fields.size, file, "size") : sizeOf(members);
  const files = members ?? ownFile(fields, { file, hash, size });
  const nfiles = members?.length ?? wholeNumber(fields.nfiles, file, "nfiles");
  const remote = text(fields.remote);
  return {
    file,
    ...(stage === undefined ? {} : { stage }),
    path: readPath(fields.path, place),
    hash,
    hashName: text(fields.hash) === undefined && hash !== null ? "md5-dos2unix" : "md5",
    ...(size === undefined ? {} : { size }),
    ...(nfiles === undefined ? {} : { nfiles }),
    ...(truth(fields.isexec, file, "isexec", false) ? { isexec: true } : {}),
    cache: truth(fields.cache, file, "cache", true),
    push: truth(fields.push, file, "push", true),
    isImport,
    ...(remote === undefined ? {} : { remote }),
    ...(files === undefined ? {} : { files }),
  };
}

/** A file's top mapping with every scalar as the text that was written. */
export function readMapping(text: string, file: string): Fields {
  if (/^<{7} /m.test(text) && /^>{7} /m.test(text)) throw inConflict(file);
  if (text.length > LARGEST_TEXT) throw badPointer(file, "the file", `is larger than ${LARGEST_TEXT} bytes`);
  const plain = readPlain(text);
  if (plain !== null) return plain;
  let value: unknown;
  try {
    value = loadYaml(text, file, { exact: true });
  } catch (error) {
    throw new ExpverError("E_POINTER", error instanceof Error ? error.message : String(error), { details: { file }, cause: error });
  }
  return isNull(value) ? {} : asFields(value, file, "the file");
}

/**
 * What DVC writes for outputs with plain names, where every line means what it says: a hundred times as fast as reading YAML, which a
 * repository of thousands of pointers feels, and so does one of one, where the reader has to warm up first. Null for any other text.
 */
function readPlain(text: string): Fields | null {
  const lines = text.split("\n");
  if (lines.length < 3 || lines[0] !== "outs:" || lines.pop() !== "") return null;
  const outs: Fields[] = [];
  for (const line of lines.slice(1)) {
    const [, start, key = "", value] = PLAIN_LINE.exec(line) ?? [];
    if (start === "- ") outs.push({});
    const entry = outs.at(-1);
    if (value === undefined || entry === undefined || Object.hasOwn(entry, key)) return null;
    entry[key] = value;
  }
  return { outs };
}

export function asFields(value: unknown, file: string, where: string): Fields {
  if (!isMapping(value)) throw badPointer(file, where, `is no mapping: ${show(value)}`);
  return value;
}

/** An absent or empty list is an empty one. */
export function asList(value: unknown, file: string, where: string): unknown[] {
  if (isNull(value)) return [];
  if (!Array.isArray(value)) throw badPointer(file, where, `is no list: ${show(value)}`);
  return value;
}

export function refuseUnknown(fields: Fields, known: ReadonlySet<string>, file: string): void {
  const key = Object.keys(fields).find((name) => !known.has(name));
  if (key !== undefined) throw badPointer(file, key.slice(0, 60), `is a key that dvc does not know: ${show(fields[key])}`);
}

export function badPointer(file: string, field: string, what: string): ExpverError {
  return new ExpverError("E_POINTER", `${file}: ${field} ${what}`, { details: { file, field } });
}

/** Git merged the text, and could not. `typed`: the file as a word of a command line. */
export function inConflict(file: string, typed = shellWord(file)): ExpverError {
  const hint = `expver merge --resolve ours|theirs ${typed}: merges what can be merged, and decides the rest`;
  return new ExpverError("E_POINTER", `${file} is in conflict: Git left both sides in it`, { hint, details: { file, inConflict: true } });
}

/** The text of a scalar, or undefined when it is absent or null. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && !isNull(value) ? value : undefined;
}

export function truth(value: unknown, file: string, field: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === "string" && /^(?:true|True|TRUE)$/.test(value)) return true;
  if (typeof value === "string" && /^(?:false|False|FALSE)$/.test(value)) return false;
  throw badPointer(file, field, `is neither true nor false: ${show(value)}`);
}

/** Of an output's path as it is written: none of the repository. What DVC does not keep there concerns nobody here. */
export function liesElsewhere(path: unknown, folder: string): boolean {
  return typeof path === "string" && (/^(?:\w+:)?\//.test(path) || !staysInside(fromRoot(folder, path)));
}

/** A folder's slash at its end says nothing. */
function fromRoot(folder: string, path: string): string {
  return posix.join(folder, path).replace(/\/$/, "");
}

/** An output's path from the root. It never leaves the root, and never leads into Git's or DVC's own folders. */
function readPath(value: unknown, { file, folder }: EntryPlace): string {
  if (typeof value !== "string" || value === "")
    throw badPointer(file, "path", value === undefined ? "is missing" : `is no path: ${show(value)}`);
  if (/^\w+:\/\//.test(value)) throw badPointer(file, "path", `lies outside the repository: ${show(value)}`);
  const full = fromRoot(folder, value);
  if (posix.isAbsolute(value) || !staysInside(full)) throw badPointer(file, "path", `leads out of the repository: ${show(value)}`);
  if (full.split("/").some((part) => /^\.(?:git|dvc|hg)$/i.test(part)) || /(?:\.dvc|(?:^|\/)dvc\.(?:yaml|lock))$/.test(full))
    throw badPointer(file, "path", `names a file of git or dvc itself: ${show(value)}`);
  return full;
}

function readHash(value: unknown, file: string, pattern: RegExp): string | null {
  if (isNull(value)) return null;
  if (typeof value !== "string" || !pattern.test(value)) throw badPointer(file, "md5", `is no hash: ${show(value)}`);
  return value;
}

/** `files:` lists a folder whose members are kept under their own names on a cloud-versioned remote. */
function readMembers(value: unknown, file: string): VersionedFile[] | undefined {
  if (isNull(value)) return undefined;
  const members = asList(value, file, "files").map((item) => {
    const fields = asFields(item, file, "an entry of files");
    refuseUnknown(fields, MEMBER_KEYS, file);
    const md5 = readHash(fields.md5, file, /^[0-9a-f]{32}$/);
    const { relpath } = fields;
    if (md5 === null || typeof relpath !== "string" || !staysInside(relpath))
      throw badPointer(file, "files", `has a bad member: ${show(relpath)}`);
    const size = wholeNumber(fields.size, file, "size");
    const isexec = truth(fields.isexec, file, "isexec", false);
    return { md5, relpath, ...(size === undefined ? {} : { size }), ...(isexec ? { isexec } : {}), ...versionIn(fields, file) };
  });
  const clash = clashAmong(members);
  if (clash !== null) throw badPointer(file, "files", `names ${clash}`);
  return members;
}

/** A single file that a remote keeps a version of. */
function ownFile(
  fields: Fields,
  { file, hash, size }: { file: string; hash: string | null; size: number | undefined },
): VersionedFile[] | undefined {
  const kept = versionIn(fields, file);
  if (hash === null || hash.endsWith(".dir") || kept.version === undefined) return undefined;
  return [{ relpath: "", md5: hash, ...(size === undefined ? {} : { size }), ...kept }];
}

/** `cloud: {REMOTE: {etag, version_id}}`; before DVC 3 the same two stood beside the hash. */
function versionIn(fields: Fields, file: string): Pick<VersionedFile, "remote" | "version" | "etag"> {
  const [remote, said] = Object.entries(isNull(fields.cloud) ? {} : asFields(fields.cloud, file, "cloud"))[0] ?? [];
  const own = remote === undefined ? fields : asFields(said, file, `cloud of ${remote}`);
  const version = text(own.version_id);
  const etag = text(own.etag);
  return {
    ...(remote === undefined ? {} : { remote }),
    ...(version === undefined ? {} : { version }),
    ...(etag === undefined ? {} : { etag }),
  };
}

/** Undefined when a file does not say its own. */
function sizeOf(files: readonly VersionedFile[]): number | undefined {
  return files.every(({ size }) => size !== undefined) ? files.reduce((sum, { size = 0 }) => sum + size, 0) : undefined;
}

/** YAML's whole numbers as DVC's reader knows them: `1_000`, `0x1F`, `0o17`, `0b1`, and `012` is twelve. */
function wholeNumber(value: unknown, file: string, field: string): number | undefined {
  if (isNull(value)) return undefined;
  const digits = typeof value === "string" ? value.replaceAll("_", "") : "";
  const number = /^\+?(?:[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+)$/.test(digits) ? Number(digits.replace("+", "")) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw badPointer(file, field, `is no whole number: ${show(value)}`);
  return number;
}

function isNull(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && /^(?:|~|null|Null|NULL)$/.test(value));
}

/** For a message: short, and never walking into a structure that aliases may have made endless. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  return Array.isArray(value) ? "a list" : isMapping(value) ? "a mapping" : String(value);
}
