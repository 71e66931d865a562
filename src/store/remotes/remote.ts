/** A place outside the machine's cache where objects are kept: a handful of functions, the same for every kind of remote. */
import type { ExpverError } from "../../errors.ts";
import type { Pacing } from "../../platform/pace.ts";
import type { ObjectFolder, ObjectName } from "../objects/layout.ts";
import type { Found } from "./server.ts";

/** An object here, on its way out. */
export interface Parcel {
  object: ObjectName;
  /** Absolute path of its bytes. */
  from: string;
  /** Bytes. */
  size: number;
}

export interface TransferFailure {
  object: ObjectName;
  /** Null: it is not there. */
  error: ExpverError | null;
}

/** An object that is looked for; one of another size than the expected does not count. */
export interface Wanted extends Expected {
  size?: number;
}

/** An object that is there. */
export interface Seen extends ObjectName {
  /** Bytes. */
  size?: number | undefined;
}

export interface LookOptions {
  /** Where the server says nothing of any of them, all count as absent; else that is E_REMOTE_FORBIDDEN. */
  mayGuess?: boolean;
}

/** An object that is looked for, or is to come. */
export interface Expected extends ObjectName {
  /** Where a remote that keeps versions has these bytes; null: nobody has said. Absent: any pointer of the worktree may say it. */
  at?: VersionAt | null;
  /** Bytes of the output it belongs to: it should not have more. */
  within?: number | undefined;
}

/** A file under its own name. */
export interface FileAt {
  /** As pointers have it, from the top. */
  path: string;
}

export interface VersionAt extends FileAt {
  /** As the server names it. */
  version: string;
}

export interface StoredObject extends ObjectName {
  /** Bytes. */
  size: number;
}

export interface Received {
  /** How many came that were not in the cache before. */
  objects: number;
  failures: TransferFailure[];
}

/** A remote that has files under their own names, and every version of them. */
export interface Versions {
  /** What each of these has there: the version, where one is named, else the newest. Null: nothing. */
  look(files: readonly (FileAt & { version?: string | undefined })[], pacing: Pacing): Promise<(Found | null)[]>;
  /** Sends files, each of which becomes the newest version of its name, whole. Answers what is kept of each, null of those that failed. */
  send(parcels: readonly (Parcel & FileAt)[], pacing: Pacing): Promise<{ kept: (Found | null)[]; failures: TransferFailure[] }>;
}

export interface Remote {
  readonly name: string;
  /** Null: it has objects, under the names that their hashes give them. */
  readonly versions: Versions | null;
  /** Folder or URL, for messages. */
  readonly location: string;
  /** Of a remote that is a folder here: where its objects lie. */
  readonly folder?: ObjectFolder;
  /** What it has taken is there, for we have renamed it into its place; of others it must be seen. */
  readonly isCertain: boolean;
  /** Which of these are there and can be relied on; with their sizes, where the server says them. */
  present(objects: readonly Wanted[], pacing: Pacing, options?: LookOptions): Promise<Seen[]>;
  /** Sends objects; each becomes visible whole and verified, or not at all. Answers those that failed by themselves. */
  send(parcels: readonly Parcel[], pacing: Pacing): Promise<TransferFailure[]>;
  /** Brings objects into a cache, verified. Those that are not there are failures. */
  receive(objects: readonly Expected[], cache: ObjectFolder, pacing: Pacing): Promise<Received>;
  /** Bytes of a small object, verified; null when it is not there or damaged. Throws E_OBJECT when it does not end. */
  read(object: ObjectName, pacing?: Pacing): Promise<Buffer | null>;
  /** Every object that is there. Throws E_REMOTE where a server cannot list. */
  list(pacing: Pacing): Promise<StoredObject[]>;
  /** Deletes objects; those that are not there are no failure. */
  remove(objects: readonly ObjectName[], pacing: Pacing): Promise<TransferFailure[]>;
}
