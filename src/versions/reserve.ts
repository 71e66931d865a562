/**
 * Numbers are taken before the hours of work that lead to their tag: by a ref that only one process can create. Two runs
 * in two worktrees of one repository never get the same number; a number that was given up stays a gap.
 */
import { type Project, requireRepository } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import { git, gitResult, type Repository } from "../git/git.ts";
import { hashBlob } from "../git/objects.ts";
import { updateRefs } from "../git/refs.ts";
import { identityOf, lifeOf, type ProcessIdentity, whereIs } from "../platform/processes.ts";
import { recordedVersions } from "./recorded.ts";
import { compareVersions, formatTagName, type Level, nextVersion, parseTagName, requireTagName } from "./tag-name.ts";

export interface Reservation {
  /** Tag name. */
  name: string;
  /** `refs/expver/reserved/<name>`. */
  ref: string;
  /** The blob it points to: who holds it. */
  object: string;
}

export interface NumberingOptions {
  /** Tag names (or a map by name) the remote has; null or absent when it did not answer. */
  remoteTags?: ReadonlyMap<string, unknown> | ReadonlySet<string> | null;
  /** Default: the project's. */
  prefix?: string;
}

/** The numbers that are taken here, on the remote and in reservations. */
export interface Numbers {
  /** For {@link reserveVersion}. */
  readonly taken: Taken;
  /** The next free name. Reserves nothing. */
  next(level: Level): string;
  /** Throws E_VERSION_TAKEN, with the next free name in the hint, when a tag or a living reservation has the name. E_USAGE when it is none. */
  requireFree(name: string): void;
  /** The remote's highest version, when there are none here at all. */
  onlyRemote: string | null;
}

export function readNumbers(project: Project, options: NumberingOptions = {}): Numbers {
  const taken = readTaken(project, options);
  const prefix = prefixOf(project, options);
  const numbersOf = (names: Set<string>) => [...names].flatMap((name) => parseTagName(name, prefix) ?? []);
  const highest = numbersOf(taken.here).length > 0 ? undefined : numbersOf(taken.remote).sort(compareVersions).at(-1);
  return {
    taken,
    next: (level) => nextFree(taken, level, prefix),
    requireFree(name) {
      requireTagName(name, prefix);
      refuseTaken(project, name, taken, prefix);
    },
    onlyRemote: highest === undefined ? null : formatTagName(highest, prefix),
  };
}

/**
 * Takes a number: the next one of a level, or exactly this name. `numbers`: read a moment ago; should they no longer hold, they are read anew.
 *
 * @throws E_VERSION_TAKEN when the name is taken; E_USAGE when it is no version.
 */
export function reserveVersion(
  project: Project,
  wanted: Level | (string & {}),
  { owner = identityOf(process.pid), numbers, ...options }: NumberingOptions & { owner?: ProcessIdentity; numbers?: Numbers } = {},
): Reservation {
  const repository = requireRepository(project);
  const prefix = prefixOf(project, options);
  const object = hashBlob(repository, `${JSON.stringify(owner)}\n`);
  for (let attempt = 0; ; attempt += 1) {
    const taken = attempt === 0 && numbers !== undefined ? numbers.taken : readTaken(project, options);
    const name = isLevel(wanted) ? nextFree(taken, wanted, prefix) : wanted;
    if (!isLevel(wanted)) {
      requireTagName(name, prefix);
      refuseTaken(project, name, taken, prefix);
    }
    const ref = RESERVED + name;
    try {
      // A tag made since the numbers were read is seen by the same step that takes one.
      const changes = [
        { ref, before: taken.reserved.get(name) ?? null, after: object },
        { ref: `refs/tags/${name}`, before: null, after: null },
      ];
      updateRefs(repository, changes, { reason: `expver: reserve ${name}` });
      return { name, ref, object };
    } catch (error) {
      const lost = error instanceof ExpverError && (error.code === "E_REF_MOVED" || /lock/.test(error.message));
      if (!lost || attempt >= 100) throw error; // Somebody else was faster: look again.
    }
  }
}

/** Who holds a reserved name; null when nobody does or it does not say. */
export function holderOf(repository: Repository, object: string): ProcessIdentity | null {
  const answer = gitResult(repository, ["cat-file", "blob", object], { allow: [128] });
  try {
    const holder = JSON.parse(answer.stdout.toString("utf8")) as Partial<ProcessIdentity> | null;
    return typeof holder?.host === "string" && typeof holder.pid === "number"
      ? { boot: "", start: "", ...holder, host: holder.host, pid: holder.pid }
      : null;
  } catch {
    return null;
  }
}

interface Taken {
  here: Set<string>;
  remote: Set<string>;
  /** Name → object. */
  reserved: Map<string, string>;
  /** What runs in the results database say; may be asked for by name. */
  recorded: readonly string[];
}

/** Where reservations are: `refs/expver/reserved/<tag>`. */
export const RESERVED = "refs/expver/reserved/";

function prefixOf(project: Project, options: NumberingOptions): string {
  return options.prefix ?? project.config.versions.prefix;
}

function isLevel(wanted: string): wanted is Level {
  return wanted === "major" || wanted === "minor" || wanted === "patch";
}

function readTaken(project: Project, options: NumberingOptions): Taken {
  const repository = requireRepository(project);
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", `refs/tags/${prefixOf(project, options)}[0-9]*`, RESERVED];
  const remote = new Set(options.remoteTags?.keys() ?? []);
  const taken: Taken = { here: new Set(), remote, reserved: new Map(), recorded: recordedVersions(project) };
  for (const line of git(repository, args).split("\n").filter(Boolean)) {
    const at = line.indexOf(" ");
    const ref = line.slice(at + 1);
    if (ref.startsWith(RESERVED)) taken.reserved.set(ref.slice(RESERVED.length), line.slice(0, at));
    else taken.here.add(ref.slice("refs/tags/".length));
  }
  return taken;
}

function nextFree({ here, remote, reserved, recorded }: Taken, level: Level, prefix: string): string {
  const names = [...here, ...remote, ...reserved.keys(), ...recorded];
  return formatTagName(
    nextVersion(
      names.flatMap((name) => parseTagName(name, prefix) ?? []),
      level,
    ),
    prefix,
  );
}

function refuseTaken(project: Project, name: string, taken: Taken, prefix: string): void {
  const by = takenBy(project, name, taken);
  if (by === null) return;
  const free = nextFree(taken, "minor", prefix);
  throw new ExpverError("E_VERSION_TAKEN", `${name} ${by}`, {
    hint: `The next free one is ${free} (${nextFree(taken, "patch", prefix)} for a small change).`,
    details: { version: name, free },
  });
}

function takenBy(project: Project, name: string, { here, remote, reserved }: Taken): string | null {
  if (here.has(name)) return "exists already";
  if (remote.has(name)) return "exists already on the remote";
  const object = reserved.get(name);
  if (object === undefined) return null;
  const holder = holderOf(requireRepository(project), object);
  // A dead holder's number may be asked for by name: whoever asks knows that it was given up.
  if (holder === null || lifeOf(holder) === "dead") return null;
  return `is reserved by process ${holder.pid} on ${whereIs(holder)}`;
}
