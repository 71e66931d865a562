/** What one kind of server can do with one object. Everything else is the same for all and lies in `served.ts`. */

/** Where an object lies, relative to the remote: `files/md5/ab/cdef…`. */
export type Key = string;

export interface Found {
  /** Bytes; undefined when the server does not say. */
  size: number | undefined;
}

export interface KeyAndSize {
  key: Key;
  size: number;
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
  find(key: Key, signal: AbortSignal): Promise<Found | null>;
  /** Bytes from an offset on; `from` of the answer is 0 when the server only gives everything. Null: not there. */
  get(key: Key, options: { from: number; signal: AbortSignal }): Promise<{ from: number; bytes: AsyncIterable<Buffer> } | null>;
  /** The object appears whole, or not at all. */
  put(key: Key, source: Source, signal: AbortSignal): Promise<void>;
  /** Deleting what is not there is no failure. */
  remove(key: Key, signal: AbortSignal): Promise<void>;
  /** Pages of what lies below a folder, in the order of their keys; null where the protocol cannot list. */
  list: ((folder: Key, signal: AbortSignal) => AsyncIterable<KeyAndSize[]>) | null;
  /** As `put`, in several requests however small the object is; absent where there is no such thing. */
  putInParts?(key: Key, source: Source, signal: AbortSignal): Promise<void>;
  /** Who we are there and where that comes from, for a person. */
  identity(): Promise<string>;
  /** How far the server's clock is ahead of ours, in milliseconds, by its last answer; null when it has not said. */
  skewMs(): number | null;
}
