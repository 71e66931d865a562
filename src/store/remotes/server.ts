/** What one kind of server can do with one object. Everything else is the same for all and lies in `served.ts`. */

/** Where an object lies, relative to the remote: `files/md5/ab/cdef…`. */
export type Key = string;

export interface Found {
  /** Bytes; undefined when the server does not say. */
  size: number | undefined;
  /** What the server calls these bytes, an ETag mostly, as a `.dvc` file has it. */
  tag?: string | undefined;
  /** Of the bytes, 32 hex digits, where the server says it beside what it calls them. */
  md5?: string | undefined;
  /** Which of the versions the server keeps it is, where DVC writes that down. */
  version?: string | undefined;
}

export interface KeyAndSize {
  key: Key;
  size: number;
}

/** What is in somebody's folder, as against objects of ours. */
export interface FolderThere {
  files: FileThere[];
  /** Names as files here would be called, with their keys. */
  folders: { name: string; key: Key }[];
}

export interface FileThere extends KeyAndSize {
  /** Below the folder that was asked for, with `/`, as a file here would be called. */
  relpath: string;
  tag?: string | undefined;
  version?: string | undefined;
}

/** One of the versions of a file. */
export interface VersionThere extends FileThere {
  /** False for a newest one when the file was deleted after it. */
  isNewest: boolean;
  md5?: string | undefined;
}

/** An object's bytes on their way here. */
export interface Coming {
  /** The offset they begin at. */
  from: number;
  /** Bytes the server says will come; undefined when it does not say. */
  length: number | undefined;
  bytes: AsyncIterable<Buffer>;
}

export interface Source {
  /** Bytes. */
  size: number;
  /** What the bytes' MD5 is, as 32 hex digits; null when the object is named by another digest. */
  md5: string | null;
  /** Absolute path of a file with these bytes, when there is one. */
  path?: string;
  /** The bytes, at most 1 MiB at a time, each piece valid until the next. Throws E_OBJECT before the last piece when they are not the object's. */
  chunks(): AsyncIterable<Buffer>;
}

/** Failures are thrown as E_REMOTE_…; those of `isTransient` are tried again by the caller. */
export interface ObjectServer {
  /** Null: not there. */
  find(key: Key, signal: AbortSignal, version?: string): Promise<Found | null>;
  /** Bytes from an offset on; `from` of the answer is 0 when the server only gives everything. Null: not there. */
  get(key: Key, options: { from: number; signal: AbortSignal; version?: string | undefined }): Promise<Coming | null>;
  /** The object appears whole, or not at all. */
  put(key: Key, source: Source, signal: AbortSignal): Promise<void>;
  /** As `put`; answers what the server now has there. Absent where versions are not kept, and `version` is nothing to ask for. */
  putVersion?(key: Key, source: Source, signal: AbortSignal): Promise<Found>;
  /** Deleting what is not there is no failure. */
  remove(key: Key, signal: AbortSignal, version?: string): Promise<void>;
  /** Pages of what lies below a folder, in the order of their keys; null where the protocol cannot list. */
  list: ((folder: Key, signal: AbortSignal) => AsyncIterable<KeyAndSize[]>) | null;
  /** One folder; null: there is none. Absent where folders are not known. */
  readFolder?(folder: Key, signal: AbortSignal): Promise<FolderThere | null>;
  /** Every file below a folder, where that is one question; the answer may be empty for a folder that is not there. */
  walk?(folder: Key, signal: AbortSignal): AsyncIterable<FileThere[]>;
  /** Every version of every file below a folder, in the order of their keys; absent where versions are not kept, or not listed. */
  walkVersions?(folder: Key, signal: AbortSignal): AsyncIterable<VersionThere[]>;
  /** Where everything has a version's name, also what is thrown away with the next. Absent: what has such a name is kept. */
  keepsVersions?(signal: AbortSignal): Promise<boolean>;
  /** As `put`, in several requests however small the object is; absent where there is no such thing. */
  putInParts?(key: Key, source: Source, signal: AbortSignal): Promise<void>;
  /** Who we are there and where that comes from, for a person. */
  identity(): Promise<string>;
  /** How far the server's clock is ahead of ours, in milliseconds, by its last answer; null when it has not said. */
  skewMs(): number | null;
}
