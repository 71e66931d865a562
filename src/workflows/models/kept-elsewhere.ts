/** Whether a candidate is provably kept elsewhere: named by a version whose tag is on the Git remote, its bytes on the data remote. */
import { storedPath } from "../../config/paths.ts";
import { topOf } from "../../config/project.ts";
import { ExpverError, throwUnlessFailure } from "../../errors.ts";
import { publishRemote, readRemoteRefs } from "../../git/remotes.ts";
import type { Candidate } from "../../models/types.ts";
import type { Context } from "../../platform/context.ts";
import { openCache } from "../../store/objects/cache.ts";
import { listingOrWarning } from "../../store/objects/damaged.ts";
import { keyOf, type ObjectName, trustedSize } from "../../store/objects/layout.ts";
import { readPointersOf } from "../../store/pointers/pointers.ts";
import { openRemote } from "../../store/remotes/open-remote.ts";
import type { Version } from "../../versions/types.ts";
import type { Survey } from "./survey.ts";

/** `where`: the proof, for a person. `lacks`: what is missing to it. */
export type Proof = { where: string; lacks: null } | { where: null; lacks: string };

/** By the candidate's path. Nothing is taken for granted: a remote that does not answer proves nothing. */
export async function proofsOf(
  context: Context,
  survey: Survey,
  { candidates, remote }: { candidates: readonly Candidate[]; remote: string | undefined },
): Promise<Map<string, Proof>> {
  if (candidates.length === 0) return new Map();
  const namings = namingsOf(survey, context, candidates);
  const tags = publicTags(survey);
  const objects = new Map([...namings.values()].flat().flatMap(({ objects: some }) => some.map((one) => [keyOf(one), one])));
  const bytes = await storedBytes(context, survey, {
    objects: [...objects.values()],
    sizes: sizesOf(candidates),
    remote,
    isPublic: tags.remote !== null,
  });
  return new Map(candidates.map(({ path }) => [path, proofOf(namings.get(path) ?? [], tags, bytes)]));
}

/** So many versions are named in one line. */
const FEW = 3;

export interface Naming {
  version: Version;
  /** What somebody needs to have who has only the tag. */
  objects: ObjectName[];
}

export interface PublicTags {
  /** Null: there is no Git remote. */
  remote: string | null;
  has(version: Version): boolean;
  /** Why nothing is known. */
  problem: string | null;
}

export interface StoredBytes {
  where: string;
  has(object: ObjectName): boolean;
  problem: string | null;
}

export function proofOf(namings: readonly Naming[], tags: PublicTags, bytes: StoredBytes): Proof {
  const lacks = (text: string): Proof => ({ where: null, lacks: text });
  if (namings.length === 0) return lacks("no version names these bytes");
  if (tags.problem !== null) return lacks(tags.problem);
  const tagged = namings.filter(({ version }) => tags.has(version));
  const all = [...new Set(namings.map(({ version }) => version.name))];
  const names = all.length <= FEW ? all.join(", ") : `${all.slice(0, FEW).join(", ")} and ${all.length - FEW} others`;
  if (tagged.length === 0) return lacks(`the tag of ${names} is not on ${tags.remote}`);
  if (bytes.problem !== null) return lacks(bytes.problem);
  const kept = tagged.find(({ objects }) => objects.every((object) => bytes.has(object)));
  if (kept === undefined) return lacks(`its bytes are not on ${bytes.where}`);
  return { where: `${kept.version.name}${tags.remote === null ? "" : ` on ${tags.remote}`}, bytes on ${bytes.where}`, lacks: null };
}

/** Versions that name the bytes as their model, or in their candidates folder. */
function namingsOf({ project, versions, models }: Survey, context: Context, candidates: readonly Candidate[]): Map<string, Naming[]> {
  const whole = versions.filter(({ commit }) => commit !== "");
  const folder = storedPath(project, project.config.models.candidates);
  const pointers = readPointersOf(project, [...new Set(whole.map(({ commit }) => commit))], () => {});
  const { dir } = openCache(project);
  // Most versions have the folder of the one before them.
  const listings = new Map<string, { own: ObjectName; md5s: Set<string>; versions: Version[] }>();
  for (const version of whole) {
    const pointer = pointers.get(version.commit)?.find(({ path }) => path === folder);
    if (pointer?.hash?.endsWith(".dir") !== true) continue;
    const own = { hash: pointer.hash, hashName: pointer.hashName };
    const known = listings.get(keyOf(own));
    if (known !== undefined) known.versions.push(version);
    else
      listings.set(keyOf(own), {
        own,
        md5s: new Set((listingOrWarning(dir, own, context) ?? []).map(({ md5 }) => md5)),
        versions: [version],
      });
  }
  const byName = new Map(whole.map((version) => [version.name, version]));
  const byHash = new Map<string, Version[]>();
  for (const { commit, hash, version: name } of models) {
    const version = commit === null || name === null ? undefined : byName.get(name);
    if (version !== undefined) byHash.set(hash, [...(byHash.get(hash) ?? []), version]);
  }
  return new Map(
    candidates.map(({ path, hash, md5s }) => {
      const files = md5s.map(md5Object);
      const ofModel = hash.endsWith(".dir") ? [md5Object(hash), ...files] : files;
      const asModel = (byHash.get(hash) ?? []).map((version): Naming => ({ version, objects: ofModel }));
      const asCandidate = [...listings.values()]
        .filter(({ md5s: all }) => md5s.every((md5) => all.has(md5)))
        .flatMap(({ own, versions: some }) => some.map((version): Naming => ({ version, objects: [own, ...files] })));
      return [path, [...asModel, ...asCandidate]];
    }),
  );
}

function publicTags({ repository }: Survey): PublicTags {
  const remote = publishRemote(repository);
  // Then the tag in the common repository is the one that others have.
  if (remote === null) return { remote, has: () => true, problem: null };
  try {
    const refs = readRemoteRefs(repository, remote);
    return { remote, has: ({ name, tagObject, commit }) => refs.get(`refs/tags/${name}`) === (tagObject ?? commit), problem: null };
  } catch (error) {
    if (!(error instanceof ExpverError)) throw error;
    return { remote, has: () => false, problem: `the Git remote ${remote} does not answer` };
  }
}

interface Asked {
  objects: readonly ObjectName[];
  /** What the files here have, by hash. */
  sizes: ReadonlyMap<string, number>;
  remote: string | undefined;
  isPublic: boolean;
}

/** Without a Git remote a cache outside of the worktree is elsewhere enough; else only the data remote is. */
async function storedBytes(context: Context, { project }: Survey, { objects, sizes, remote, isPublic }: Asked): Promise<StoredBytes> {
  const { dir } = openCache(project);
  const isOutside = !`${dir}/`.startsWith(`${topOf(project)}/`);
  try {
    const opened = openRemote(project, remote);
    // One that was cut off there keeps nothing.
    const wanted = objects.map((object) => {
      const size = sizes.get(object.hash) ?? trustedSize(dir, object);
      return size === null ? object : { ...object, size };
    });
    const there = new Set((await opened.present(wanted, context)).map(keyOf));
    return { where: opened.name, has: (object) => there.has(keyOf(object)), problem: null };
  } catch (error) {
    throwUnlessFailure(error);
    if (!isPublic && isOutside && remote === undefined) {
      const has = (object: ObjectName) => {
        const there = trustedSize(dir, object);
        return there !== null && there === (sizes.get(object.hash) ?? there);
      };
      return { where: `the cache ${dir}`, has, problem: null };
    }
    return { where: "", has: () => false, problem: `the data remote cannot be asked: ${error.message}` };
  }
}

/** Of candidates that are one file, by hash. */
function sizesOf(candidates: readonly Candidate[]): Map<string, number> {
  return new Map(candidates.flatMap(({ md5s: [md5, ...others], size }) => (md5 === undefined || others.length > 0 ? [] : [[md5, size]])));
}

function md5Object(hash: string): ObjectName {
  return { hash, hashName: "md5" };
}
