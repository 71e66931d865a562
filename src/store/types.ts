/** The nouns of the store. */

/** md5 of the raw bytes (DVC 3), or of bytes with CRLF folded in text (DVC 2, read only). */
export type HashName = "md5" | "md5-dos2unix";

/** What one entry of a `.dvc` file or `dvc.lock` says about one output. */
export interface Pointer {
  /** The `.dvc` or `dvc.lock` file, relative to the Git root (DVC root without Git), with `/`. */
  file: string;
  /** Stage name when it comes from `dvc.lock`. */
  stage?: string;
  /** What its stage calls it, beyond an output. */
  role?: "metrics" | "plots";
  /** The output, relative to the same root. */
  path: string;
  /** `32 hex` or `32 hex.dir`; null when nothing was stored yet. */
  hash: string | null;
  hashName: HashName;
  /** Bytes; undefined when the file does not say. */
  size?: number;
  /** Number of files of a folder. */
  nfiles?: number;
  isexec?: boolean;
  /** False: never stored in the cache. */
  cache: boolean;
  /** False: never pushed. */
  push: boolean;
  /** Comes from another repository or URL (`dvc import`). */
  isImport: boolean;
  /** Where in that repository. */
  source?: RepositorySource;
  /** The URL it comes from, when that keeps versions and the file names those that were taken. */
  origin?: UrlOrigin;
  /** Of data of a path or URL that is yet to be brought: as what the bytes are known there. */
  awaited?: string;
  /** Name of the only remote it may go to. */
  remote?: string;
  /** Its files as the pointer itself lists them, where they are kept by version; of a single file the relpath is empty. */
  files?: readonly VersionedFile[];
}

/** What an import says about the repository its data is from. */
export interface RepositorySource {
  url: string;
  /** In that repository. */
  path: string;
  rev: string | null;
  /** The commit it was taken from; null when nothing was yet. */
  lock: string | null;
  /** Name of the remote there, or options of its default one. */
  remote: string | Settings | null;
  /** DVC's settings that go before those there, or a file of them. */
  config: string | Settings | null;
}

/** A mapping of a pointer file. */
export interface Settings {
  [key: string]: string | Settings;
}

/** What an import says about the path or URL its data is from. */
export interface UrlOrigin {
  /** As the file has it, relative to `folder`. */
  path: string;
  /** From the top. */
  folder: string;
  /** As what the bytes are known there; null also for a folder whose files are listed. */
  hash: string | null;
  /** Of `fs_config`. */
  options: ReadonlyMap<string, string>;
  /** What was taken, where versions are kept; of a single file the relpath is empty. Null: no version is named. */
  versions: readonly TakenVersion[] | null;
}

export interface TakenVersion {
  relpath: string;
  version: string | undefined;
  /** What the server calls the bytes. */
  tag: string | undefined;
  /** Bytes. */
  size: number | undefined;
}

/** One member of a tracked folder. */
export interface ListingEntry {
  /** Relative to the folder, with `/`. */
  relpath: string;
  md5: string;
}

/** A file of an output, and what a remote that keeps versions calls the one it has of it. */
export interface VersionedFile extends ListingEntry {
  /** Bytes. */
  size?: number;
  isexec?: true;
  /** Name of the remote it was pushed to. */
  remote?: string;
  /** Absent: the file was never pushed there. */
  version?: string;
  etag?: string;
}

/** What hashing (and storing) one output gave. */
export interface OutputContent {
  hash: string;
  /** Bytes. */
  size: number;
  nfiles?: number;
  isexec?: boolean;
}

/** The text a pointer file or ignore file should have, not yet written. Lets a commit be built without touching the worktree. */
export interface FileEdit {
  /** Absolute. */
  path: string;
  /** Null: there was no such file. */
  before: string | null;
  /** Null: the file goes away. */
  after: string | null;
}
