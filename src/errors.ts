/**
 * The one error class and the closed table of its codes.
 *
 * Every failure a person can meet is thrown as {@link ExpverError}; anything else that reaches the entry point is a bug.
 * The documentation page of error codes is generated from {@link ERROR_CODES}.
 */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
/** Decides the exit code: see `cli/exit-codes.ts`. */
export type ErrorKind = "failed" | "usage" | "confirmation" | "refused" | "differs";

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** What it means, in one sentence. */
  readonly means: string;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
}

export const ERROR_CODES = {
  // Command line
  E_USAGE: { kind: "usage", means: "The arguments do not parse.", remedy: "Read the command's --help." },
  E_CONFIRM: {
    kind: "confirmation",
    means: "A destructive plan needs a confirmation.",
    remedy: "Repeat with --yes, or with --plan FINGERPRINT to apply exactly the plan that was shown.",
  },
  E_PLAN_STALE: {
    kind: "refused",
    means: "What the plan was made from has changed since.",
    remedy: "Look at the new plan with --dry-run.",
  },
  E_NOT_FOUND: { kind: "failed", means: "A name names nothing.", remedy: "Check the spelling." },
  E_IO: {
    kind: "failed",
    means: "The operating system refused to read or write a file.",
    remedy: "See the path and reason in the message.",
  },
  E_DISK_FULL: { kind: "failed", means: "The disk is full.", remedy: "Free space and repeat the command; nothing was half-written." },
  E_INTERRUPTED: {
    kind: "failed",
    means: "The command was interrupted.",
    remedy: "Repeat it; the next writing command repairs what was left.",
  },
  E_BUSY: {
    kind: "refused",
    means: "Another command holds the lock or lease.",
    remedy: "Wait for the process the message names, or stop it.",
  },
  E_UNDO: {
    kind: "refused",
    means: "An operation cannot be taken back, because what it left has changed since or lies elsewhere.",
    remedy: "The message names what stands in the way; `expver ops show OP` shows all effects.",
  },
  // Git
  E_NO_GIT: { kind: "failed", means: "There is no Git repository here.", remedy: "Run `expver init`." },
  E_GIT: { kind: "failed", means: "A git command failed.", remedy: "See git's own message." },
  E_REF_MOVED: {
    kind: "refused",
    means: "A branch or tag is no longer where it was when the command began.",
    remedy: "Repeat the command; it starts from what is there now.",
  },
  E_GIT_STATE: {
    kind: "refused",
    means: "The repository is in the middle of a merge, rebase or similar.",
    remedy: "Finish or abort it first.",
  },
  E_GIT_IDENTITY: {
    kind: "refused",
    means: "Git does not know who commits.",
    remedy: 'Set it: git config user.name "…" and git config user.email "…".',
  },
  // Versions
  E_VERSION: {
    kind: "failed",
    means: "A version's tag leads to no commit.",
    remedy: "See what it is with `git cat-file -p TAG`; delete it, or tag the commit that was meant.",
  },
  E_VERSION_TAKEN: {
    kind: "refused",
    means: "The version has a tag already, here or on the remote, or a run that is going on has reserved it.",
    remedy: "Take the next free one: `expver tag --suggest`.",
  },
  E_NO_DESCRIPTION: {
    kind: "failed",
    means: "The description was left empty in the editor, so no version was made.",
    remedy: "Say it with -m, or repeat with -e.",
  },
  E_DATA_CHANGED: {
    kind: "refused",
    means: "Tracked bytes in the worktree are not what HEAD's pointers say, so a version of HEAD would not be what was run.",
    remedy: "Store and commit them (`expver data add`, `git commit`), or put them back (`expver data checkout`).",
  },
  E_PUBLISH: {
    kind: "refused",
    means: "Publishing would make a tag public whose data others cannot get, or it is not known where to publish.",
    remedy: "See the message; `expver publish --dry-run` shows what would be published.",
  },
  E_HOOK: { kind: "refused", means: "A Git hook refused.", remedy: "Correct what the hook says, or skip it with --no-verify." },
  // Runs
  E_DATABASE_BEHIND: {
    kind: "refused",
    means: "The working results database lacks rows of the version in HEAD.",
    remedy: "Fetch that version's database: expver data fetch.",
  },
  E_RUN_FAILED: {
    kind: "failed",
    means: "The program of a run ended with a failure; its rows and log are kept and it uses no version.",
    remedy: "Read its output: expver runs logs RUN.",
  },
  E_RUN_KILLED: {
    kind: "failed",
    means: "A run was killed or interrupted; its rows and log are kept and it uses no version.",
    remedy: "Repeat the command, or make a version of what there is: expver tag VERSION --run RUN.",
  },
  E_SWEEP: {
    kind: "failed",
    means: "Runs of a sweep are missing, or none has finished; what has finished is kept, and there is no version yet.",
    remedy: "Go on with it: expver sweep --resume.",
  },
  E_HISTORY_CHANGED: {
    kind: "refused",
    means: "Rows that were in the results database before a run are gone or changed after it; the run is recorded, not versioned.",
    remedy: "Find out what rewrote them; if it was meant: expver tag VERSION --run RUN, and next time --allow-history-change.",
  },
  // Models
  E_GATE: {
    kind: "refused",
    means: "A gate of a promotion or a removal was not passed; nothing was changed.",
    remedy: "The message names the gate and the value.",
  },
  // Project
  E_NO_PROJECT: { kind: "failed", means: "There is no expver project here.", remedy: "Run `expver init`." },
  E_CONFIG: { kind: "failed", means: "A configuration file has a mistake.", remedy: "Correct the key that the message names." },
  // Results
  E_DATABASE: {
    kind: "failed",
    means: "A file is no SQLite database, or it is damaged.",
    remedy: "Check the path; the last stored copy comes back with `expver data checkout --force PATH`, the damaged file goes to the trash.",
  },
  E_SCHEMA: {
    kind: "refused",
    means: "Columns of data files do not fit together without values turning into text or losing digits; nothing was merged.",
    remedy: "Correct the types where the file is made, or allow it with --allow-widen.",
  },
  E_KEY: {
    kind: "refused",
    means: "The key columns do not tell the rows of a file apart, or are not there; nothing was merged.",
    remedy: "Name columns whose values occur once: --key-columns.",
  },
  E_NO_DUCKDB: {
    kind: "failed",
    means: "DuckDB, which data files are merged with, is not installed, or its library does not load here.",
    remedy: "Install the optional package: `npm install @duckdb/node-bindings`, with -g where expver was installed so.",
  },
  E_MEMORY: {
    kind: "failed",
    means: "Work did not fit into the memory it may use.",
    remedy: "Free space for what is spilled beside the output, or give more with --memory 4GB.",
  },
  E_CONFLICT: {
    kind: "refused",
    means: "Two different values of one cell meet in a merge, or a row breaks a rule of its table; nothing was merged.",
    remedy: "Say which stays: --on-conflict ours, theirs or newest (the run that ended later).",
  },
  E_DATABASE_BUSY: {
    kind: "refused",
    means: "Other programs kept the results database locked for longer than we wait.",
    remedy: "Let the program that writes to it end its transaction, then repeat.",
  },
  E_DATABASE_READONLY: {
    kind: "refused",
    means: "The results database cannot be written.",
    remedy: "Make it a file of its own: copy it to a new file and rename that over it.",
  },
  E_NO_SQLITE: {
    kind: "failed",
    means: "No SQLite driver could be loaded.",
    remedy: "Use Node 22.16 or later, which has SQLite itself, or install the optional package @photostructure/sqlite.",
  },
  E_DEMO: { kind: "failed", means: "A command of the demo failed.", remedy: "See its own message; the folder is left as it was then." },
  E_DEMO_FOLDER: { kind: "refused", means: "The demo's folder is in use.", remedy: "Name a folder that is empty or not there." },
  E_OUTSIDE: { kind: "refused", means: "A path leads out of the repository.", remedy: "Use a path inside it." },
  // Store
  E_POINTER: {
    kind: "failed",
    means: "A pointer file (`.dvc`, `dvc.lock`) cannot be read or names something it must not.",
    remedy: "Correct the entry that the message names, or restore the file from Git.",
  },
  E_DATA: {
    kind: "failed",
    means: "A file or folder cannot be tracked as it is.",
    remedy: "See the path and the reason in the message.",
  },
  E_OBJECT: {
    kind: "failed",
    means: "A stored object's bytes are not what its name says.",
    remedy: "Fetch it again from a remote that has it whole (expver data pull), or store the data anew (expver data commit -f).",
  },
  E_NOT_STORED: {
    kind: "failed",
    means: "Bytes that are needed are in no cache here.",
    remedy: "Fetch them: `expver data fetch`, or name the remote with -r.",
  },
  E_WOULD_LOSE: {
    kind: "refused",
    means: "A worktree has something that is in no commit, no cache, on no remote.",
    remedy: "The message names each thing and the command that brings it to safety; what is not needed is named with --force.",
  },
  E_UNSAVED: {
    kind: "refused",
    means: "Data would be overwritten or removed that is stored nowhere.",
    remedy: "Store it first with `expver data commit` or `expver data add`, or give it up with --force.",
  },
  E_IN_USE: {
    kind: "refused",
    means: "A database would be replaced while a program has it open.",
    remedy: "Stop the process the message names, or let it end.",
  },
  E_REMOTE: {
    kind: "failed",
    means: "A data remote is not configured, not supported or not reachable.",
    remedy: "Look at `expver data remote list`; add one with `expver data remote add NAME FOLDER` (-d: as the default one).",
  },
  E_REMOTE_KIND: {
    kind: "failed",
    means: "A data remote is of a kind that is not built in.",
    remedy: "Install dvc with the extra the message names, or use a folder, S3, SSH, HTTP or WebDAV.",
  },
  E_REMOTE_AUTH: {
    kind: "failed",
    means: "A data remote does not know who we are: no credentials, or wrong ones.",
    remedy: "See what is set with `expver data config --list`, and set the right credentials, best with --local.",
  },
  E_REMOTE_FORBIDDEN: {
    kind: "failed",
    means: "A data remote knows who we are and does not allow what was asked.",
    remedy: "Ask whoever runs the remote for the permission that the message names.",
  },
  E_REMOTE_ABSENT: {
    kind: "failed",
    means: "The bucket, folder or host path of a data remote does not exist.",
    remedy: "Compare the remote's url with the server; create the bucket or folder there.",
  },
  E_REMOTE_UNREACHABLE: {
    kind: "failed",
    means: "A data remote's server cannot be reached: unknown name, refused or broken connection.",
    remedy: "Check the network and the remote's url; what had been moved stays, so repeating the command goes on from there.",
  },
  E_REMOTE_TIMEOUT: {
    kind: "failed",
    means: "A data remote's server did not answer in time.",
    remedy: "Repeat the command, which goes on where it stopped; for a slow server raise read_timeout or lower jobs.",
  },
  E_REMOTE_CERTIFICATE: {
    kind: "failed",
    means: "The certificate of a data remote's server is not trusted.",
    remedy: "Name the authority's file: expver data remote modify NAME ssl_verify /path/to/ca.pem",
  },
  E_REMOTE_CLOCK: {
    kind: "failed",
    means: "This machine's clock and the server's differ too much for signed requests.",
    remedy: "Set the clock (NTP), then repeat the command.",
  },
  E_REMOTE_FULL: {
    kind: "failed",
    means: "A data remote has no space left, or a quota is used up.",
    remedy:
      "Free space there (`expver data gc --all-commits --cloud` removes what no commit needs) or raise the quota, then repeat the command.",
  },
  E_REMOTE_ANSWER: {
    kind: "failed",
    means: "A data remote's server failed, or answered what was not expected, again and again.",
    remedy: "See the status in the message; repeating the command goes on where it stopped.",
  },
  E_LISTING: {
    kind: "failed",
    means: "The listing of a tracked folder is damaged.",
    remedy: "Fetch it again (expver data verify --repair), or restore the folder and store it anew.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorOptions {
  /** What to type or do next, specific to this case. */
  hint?: string | undefined;
  /** Machine-readable particulars: paths, values, counts. Becomes `error.details` of the JSON envelope. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

export class ExpverError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, { hint, details, cause }: ErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ExpverError";
    this.code = code;
    this.hint = hint ?? ERROR_CODES[code].remedy;
    this.details = details ?? {};
  }

  get kind(): ErrorKind {
    return ERROR_CODES[this.code].kind;
  }
}

/** Whether this is a failure of ours, and one of these. */
export function failedWith<Code extends ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is ExpverError & { readonly code: Code } {
  return error instanceof ExpverError && (codes as readonly ErrorCode[]).includes(error.code);
}

/** What a command may tell of and go on after: a failure of ours. All else is thrown again, and an interruption, which ends the command. */
export function throwUnlessFailure(error: unknown): asserts error is ExpverError {
  if (!(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
}

/** Turns an operating-system error into ours, naming the path; passes everything else through. */
export function fromSystemError(error: unknown, doing: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string" || error instanceof ExpverError) return error;
  // Node's own mistakes of use have codes too (ERR_…), but no system call: those are bugs.
  if (!("syscall" in error)) return error;
  const path = "path" in error && typeof error.path === "string" ? error.path : undefined;
  const code = error.code === "ENOSPC" || error.code === "EDQUOT" ? "E_DISK_FULL" : "E_IO";
  const errno = error.code === "ENOENT" && error.syscall === "mkdir" && path !== undefined ? (whyNoFolder(path) ?? error.code) : error.code;
  const isForbidden = ["EACCES", "EPERM", "EROFS"].includes(errno);
  const isBlocked = errno === "ENOTDIR" || (errno === "EEXIST" && error.syscall === "mkdir");
  const places = isBlocked ? [path, "dest" in error ? error.dest : undefined] : [];
  const blocker = places.flatMap((place) => (typeof place === "string" ? (fileAbove(place) ?? []) : []))[0];
  const hint = isForbidden
    ? { hint: "You may not do that there: ask whoever owns it, or work in a clone of your own." }
    : blocker !== undefined
      ? { hint: `${blocker} is in the way, where a folder belongs: look what it is, move it elsewhere, and repeat.` }
      : {};
  const why = errno === error.code ? error.message : `${errno}: nothing can be made there, mkdir '${path}'`;
  return new ExpverError(code, `${doing}: ${why}`, { ...hint, details: { path, errno }, cause: error });
}

/** The file of which a path says that it is a folder. */
function fileAbove(path: string): string | null {
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    try {
      return statSync(at).isDirectory() ? null : at;
    } catch {
      // What cannot be looked at is below it.
    }
  }
  return null;
}

/** Making a folder with those above it, Node says ENOENT on a read-only file system too. Undefined when that is not why. */
function whyNoFolder(path: string): string | undefined {
  let there = dirname(path);
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    accessSync(there, constants.W_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : undefined;
  }
}
