/**
 * Push and fetch. A listing is sent, or comes into the cache, only when all its members are there: others take a listing as
 * proof of them. We ourselves never do: members are always looked for one by one.
 */
import { shownPath, typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { type ErrorCode, ExpverError } from "../../errors.ts";
import { NOTHING_DONE, type Pacing, paceWork, type Work } from "../../platform/pace.ts";
import { eachOf } from "../../platform/together.ts";
import { openCache } from "../objects/cache.ts";
import { findingDamaged, saidOfQuarantine } from "../objects/damaged.ts";
import { beginIngest } from "../objects/ingest.ts";
import { keyOf, type ObjectFolder, type ObjectName, ObjectThere, sizesInPlaces, trustedSizes } from "../objects/layout.ts";
import { renderListing } from "../objects/listing.ts";
import { openRemote } from "../remotes/open-remote.ts";
import type { Parcel, Remote, TransferFailure, Versions } from "../remotes/remote.ts";
import { concernsAll } from "../remotes/retry.ts";
import type { Pointer } from "../types.ts";
import { type Bundle, bundleOf, byKey, keysOf, type Member, type Named, namingByKey, objectsOf, type StoredPointer } from "./bundles.ts";
import { byRemote, type FailedRemote, isPushable, withEach } from "./by-remote.ts";
import { LISTINGS_AT_ONCE } from "./listings.ts";
import { type PushedOutput, sendVersions, surveyVersions } from "./push-versions.ts";
import { refuseFetchWithoutRoom } from "./room-for-fetch.ts";
import { firstOfEach, wholeIn } from "./whole.ts";

export interface TransferOptions {
  /** Name of a remote; default: each pointer's own, else the default one. Pointers bound to another are left out. */
  remote?: string | undefined;
  /** Only these members of an output, by its path: relative paths, files or folders. */
  only?: ReadonlyMap<string, readonly string[]>;
  /** Fetching: they come into this folder instead of the cache. */
  into?: ObjectFolder;
  /** Pushing to a remote that keeps versions: is told what pointers are to say. Without it nothing is sent there. */
  record?: (pushed: PushedOutput[]) => void;
}

export interface TransferReport {
  /** Objects that were transferred. */
  objects: number;
  /** Names of the remotes that were asked. */
  remotes: string[];
  /** Paths whose bytes are neither here nor there, relative to the root. */
  missing: string[];
  failed: FailedPath[];
}

interface FailedPath {
  path: string;
  /** For a person. */
  reason: string;
  code: ErrorCode;
  /** What to do about it. */
  hint: string;
}

/** Everything the pointers name that the remote lacks. Never pushed: imports, `push: false`, `cache: false`. */
export async function pushObjects(
  project: Project,
  pointers: readonly Pointer[],
  context: Pacing,
  options: TransferOptions = {},
): Promise<TransferReport> {
  const tools = { project, cache: openCache(project), context, options };
  return transfer(project, pointers.filter(isPushable), options, (remote, some) => pushTo(remote, some, tools));
}

export interface PushSurvey {
  /** Names of the remotes that were asked. */
  remotes: string[];
  /** Objects the remote has already. */
  there: number;
  /** Objects it lacks and the cache has. */
  lacking: number;
  bytes: number;
  /** Bytes that are neither here nor there: the path of the file, and the pointer that names it. */
  missing: { path: string; pointer: Pointer }[];
  /** Of what is lacking: files whose pointers name no version on a remote that keeps versions. They cannot be sent without changing those. */
  unsaid: { path: string; pointer: Pointer }[];
}

/** What {@link pushObjects} would do. Looks only. */
export async function surveyPush(project: Project, pointers: readonly Pointer[], context: Pacing): Promise<PushSurvey> {
  const survey: PushSurvey = { remotes: [], there: 0, lacking: 0, bytes: 0, missing: [], unsaid: [] };
  const [failed] = await eachRemote(project, pointers.filter(isPushable), {}, async (remote, parts) => {
    const cache = openCache(project);
    survey.remotes.push(remote.name);
    /** Keys of what is counted. */
    const known = new Set<string>();
    const isFirst = (key: string) => !known.has(key) && known.add(key) !== null;
    for (const some of parts) {
      if (remote.versions !== null) {
        const { settled, adopted, lacking, missing } = await surveyVersions(remote.versions, some, { cache, context });
        survey.there += settled;
        survey.lacking += lacking.length + adopted.length;
        survey.unsaid = survey.unsaid.concat(lacking, adopted);
        for (const { size } of lacking) survey.bytes += size;
        survey.missing = survey.missing.concat(missing);
        continue;
      }
      const { unreadable, there, parcels, listings, missing } = await examine(remote, some, { project, cache, context, options: {} });
      if (unreadable[0] !== undefined) throw unreadable[0].error;
      for (const key of there.keys()) if (isFirst(key)) survey.there += 1;
      for (const { object, size } of [...parcels, ...listings]) {
        if (!isFirst(keyOf(object))) continue;
        survey.lacking += 1;
        survey.bytes += size;
      }
      survey.missing = survey.missing.concat(missing);
    }
  });
  if (failed !== undefined) throw failed.error;
  return survey;
}

/** Everything the pointers name that the cache lacks. */
export async function fetchObjects(
  project: Project,
  pointers: readonly Pointer[],
  context: Pacing,
  options: TransferOptions = {},
): Promise<TransferReport> {
  const cache = options.into ?? openCache(project);
  const stored = pointers.filter((one) => !one.isImport && one.hash !== null && one.cache);
  const { whole, damaged } = await wholeIn(project, cache, stored, { context, remembers: options.into === undefined });
  for (const pointer of damaged) takeListingAway(cache, pointer as StoredPointer, { project, context });
  const wanted = stored.filter((pointer) => !whole.has(pointer));
  if (wanted.length === 0) return { objects: 0, remotes: [], missing: [], failed: [] };
  return transfer(project, wanted, options, (remote, some) => fetchFrom(remote, some, { project, cache, context, options }));
}

function takeListingAway(
  cache: ObjectFolder,
  { path, hash, hashName }: StoredPointer,
  { project, context }: { project: Project; context: Pacing },
): void {
  context.report?.({
    kind: "warning",
    text: `the listing of ${shownPath(project, path)} is damaged in the cache; ${saidOfQuarantine(cache, [{ hash, hashName }])}`,
    hint: "It is fetched again.",
  });
}

interface Tools {
  project: Project;
  cache: ObjectFolder;
  context: Pacing;
  options: TransferOptions;
}

type Part = Pick<TransferReport, "objects" | "missing" | "failed">;

async function transfer(
  project: Project,
  pointers: readonly Pointer[],
  options: TransferOptions,
  move: (remote: Remote, pointers: StoredPointer[]) => Promise<Part>,
): Promise<TransferReport> {
  const report: TransferReport = { objects: 0, remotes: [], missing: [], failed: [] };
  const missing = new Set<string>();
  const failed = await eachRemote(project, pointers, options, async (remote, parts) => {
    report.remotes.push(remote.name);
    for (const some of parts) {
      const part = await move(remote, some);
      report.objects += part.objects;
      for (const path of part.missing) missing.add(path);
      report.failed = report.failed.concat(part.failed);
    }
  });
  for (const { outputs, error } of failed) for (const { path } of outputs) report.failed.push(failedPath(path, error));
  return { ...report, missing: [...missing] };
}

async function eachRemote(
  project: Project,
  pointers: readonly Pointer[],
  { remote: asked }: TransferOptions,
  work: (remote: Remote, parts: StoredPointer[][]) => Promise<void>,
): Promise<FailedRemote[]> {
  const groups = byRemote(pointers, asked);
  // Without anything to do the remote must still be one.
  if (groups.size === 0) groups.set(asked, []);
  return withEach(groups, async (name, some) => {
    const remote = openRemote(project, name);
    await work(remote, remote.versions === null ? partsOf(some) : [some]);
  });
}

// What is known of more files at once would be most of a command's memory.
const MOST_FILES = 500_000;

/** Outputs of very many files are moved one after the other. */
function partsOf(pointers: readonly StoredPointer[]): StoredPointer[][] {
  let part: StoredPointer[] = [];
  const parts = [part];
  let files = 0;
  for (const pointer of pointers) {
    files += pointer.nfiles ?? 1;
    if (files > MOST_FILES && part.length > 0) {
      part = [];
      parts.push(part);
      files = pointer.nfiles ?? 1;
    }
    part.push(pointer);
  }
  return parts;
}

/** What a remote has and lacks of some outputs. */
interface Examined {
  bundles: Bundle[];
  unreadable: Unreadable[];
  /** Keys of the objects that are there. */
  there: ReadonlyMap<string, unknown>;
  /** Files to send; then listings, of which only those may follow whose members have all arrived. */
  parcels: Parcel[];
  listings: Parcel[];
  /** Keys of the objects that are neither here nor there. */
  nowhere: Set<string>;
  missing: PushSurvey["missing"];
  /** Paths by key: of the files, and of the folders. */
  names: ReadonlyMap<string, Named>[];
}

async function examine(remote: Remote, pointers: StoredPointer[], tools: Tools): Promise<Examined> {
  const { cache, context } = tools;
  const { bundles, unreadable } = await bundlesOf(pointers, remote, tools);
  const files = await paceWork(namingByKey(membersOf(bundles)), context, { label: "comparing data" });
  const folders = byKey(bundles.flatMap(({ listing, pointer }) => (listing === null ? [] : [{ object: listing, path: pointer.path }])));
  // Who may not look for what is not there may still send it.
  const seen = await remote.present([...objectsOf(files), ...objectsOf(folders)], context, { mayGuess: true });
  const there = new Map(seen.map((one) => [keyOf(one), one.size]));
  for (const key of await paceWork(damagedThere(bundles, there, cache), context, { label: "comparing data" })) there.delete(key);
  const nowhere = new Set<string>();
  const toSend = async (named: Map<string, Named>) => {
    const absent = objectsOf(named).filter((object) => !there.has(keyOf(object)));
    const sizes = await paceWork(trustedSizes(cache.dir, absent, { readLater: true }), context, { label: "comparing data" });
    const parcels: Parcel[] = [];
    for (const [index, object] of absent.entries()) {
      const size = sizes[index] ?? null;
      if (size === null) nowhere.add(keyOf(object));
      else parcels.push(new ObjectThere(cache.dir, object, size));
    }
    return parcels;
  };
  const parcels = await toSend(files);
  const missing = bundles.flatMap(({ members, pointer }) =>
    (members === null ? [pointer] : members.filter(({ object }) => nowhere.has(keyOf(object)))).map(({ path }) => ({ path, pointer })),
  );
  const listings = await toSend(folders);
  return { bundles, unreadable, there, parcels, listings, nowhere, missing, names: [files, folders] };
}

/**
 * Keys of what has another size there than here: it is sent again, checked on its way as any. Here nobody looks where what is there is as large
 * in all as the pointer says.
 */
function* damagedThere(bundles: readonly Bundle[], there: ReadonlyMap<string, number | undefined>, { dir }: ObjectFolder): Work<string[]> {
  const doubtful = new Map<string, ObjectName>();
  for (const { pointer, listing, members } of bundles) {
    if (listing !== null && there.has(keyOf(listing))) doubtful.set(keyOf(listing), listing);
    let bytes = 0;
    for (const member of members ?? []) bytes += there.get(keyOf(member)) ?? 0;
    yield NOTHING_DONE;
    if (bytes !== pointer.size)
      for (const member of members ?? []) if (there.get(keyOf(member)) !== undefined) doubtful.set(keyOf(member), member);
  }
  const objects = [...doubtful.values()];
  const sizes = yield* sizesInPlaces(dir, objects);
  return [...doubtful.keys()].filter((key, index) => sizes[index] !== null && sizes[index] !== (there.get(key) ?? sizes[index]));
}

interface Unreadable {
  pointer: Pointer;
  error: ExpverError;
}

/** A folder whose listing cannot be read hinders no other output. */
async function bundlesOf(
  pointers: readonly StoredPointer[],
  remote: Remote,
  { cache, context, options: { only } }: Tools,
): Promise<{ bundles: Bundle[]; unreadable: Unreadable[] }> {
  const read = await eachOf(pointers, context.connections ?? LISTINGS_AT_ONCE, async (pointer) => {
    try {
      return await bundleOf(pointer, remote, { cache, only, context });
    } catch (error) {
      if (!(error instanceof ExpverError) || concernsAll(error)) throw error;
      return { pointer, error };
    }
  });
  const bundles: Bundle[] = [];
  const unreadable: Unreadable[] = [];
  for (const one of read) {
    if ("error" in one) unreadable.push(one);
    else bundles.push(one);
  }
  return { bundles, unreadable };
}

async function pushVersions(remote: Remote, versions: Versions, pointers: StoredPointer[], tools: Tools): Promise<Part> {
  const { cache, context, options } = tools;
  const survey = await surveyVersions(versions, pointers, { cache, context, only: options.only });
  if (options.record === undefined) return { objects: 0, missing: survey.missing.map(({ path }) => path), failed: [] };
  const { pushed, failures } = await sendVersions(versions, survey, { context, remote: remote.name });
  options.record(pushed);
  const part: Part = { objects: survey.lacking.length - failures.length, missing: survey.missing.map(({ path }) => path), failed: [] };
  note(part, failures, [byKey(survey.lacking)]);
  return part;
}

/** Those of which something may have to be sent. */
async function notWholeIn({ folder }: Remote, pointers: StoredPointer[], { project, context, options }: Tools): Promise<StoredPointer[]> {
  const asked = folder === undefined ? [] : pointers.filter(({ path }) => options.only?.has(path) !== true);
  if (folder === undefined || asked.length === 0) return pointers;
  const { whole } = await wholeIn(project, folder, firstOfEach(asked), { context, sized: true });
  return pointers.filter((pointer) => !whole.has(pointer));
}

async function pushTo(remote: Remote, pointers: StoredPointer[], tools: Tools): Promise<Part> {
  const { context } = tools;
  if (remote.versions !== null) return pushVersions(remote, remote.versions, pointers, tools);
  const lacked = await notWholeIn(remote, pointers, tools);
  const { bundles, unreadable, parcels, listings, nowhere, missing, names } = await examine(remote, lacked, tools);
  const part: Part = { objects: 0, missing: missing.map(({ path }) => path), failed: unreadable.map(failedOutput) };
  /** Answers the keys of what did not arrive. */
  const sending = async (some: readonly Parcel[]): Promise<Set<string>> => {
    const failures = await withoutDamaged(await remote.send(some, context), tools);
    const failed = failures.concat(await notArrived(remote, some, { failures, context }));
    note(part, failed, names);
    const keys = keysOf(failed.map(({ object }) => object));
    part.objects += some.length - keys.size;
    return keys;
  };
  const lacking = await sending(parcels);
  const isThere = ({ object }: Named) => !nowhere.has(keyOf(object)) && !lacking.has(keyOf(object));
  const whole = bundles.filter(({ members, isPart }) => !isPart && members?.every(isThere));
  const complete = keysOf(whole.flatMap(({ listing }) => listing ?? []));
  await sending(listings.filter(({ object }) => complete.has(keyOf(object))));
  const absent = keysOf(listings.map(({ object }) => object));
  for (const { pointer, listing, isPart } of bundles) {
    const isWithheld = isPart && listing !== null && absent.has(keyOf(listing)) && !complete.has(keyOf(listing));
    if (isWithheld) tellWithheld(tools, pointer);
  }
  return part;
}

/** What could not be sent because its bytes in the cache are others goes from there: then good ones can be stored or fetched. */
async function withoutDamaged(failures: TransferFailure[], { cache, context }: Tools): Promise<TransferFailure[]> {
  const suspects = failures.filter(({ error }) => error?.code === "E_OBJECT").map(({ object }) => object);
  if (suspects.length === 0) return failures;
  const damaged = await paceWork(findingDamaged(cache.dir, suspects), context, { label: "reading damaged objects" });
  if (damaged.length === 0) return failures;
  const error = new ExpverError("E_OBJECT", `damaged in the cache; ${saidOfQuarantine(cache, damaged)}`, {
    hint: "Where the file is whole in a worktree store it again: expver data commit -f.",
  });
  const keys = keysOf(damaged);
  return failures.map((failure) => (keys.has(keyOf(failure.object)) ? { ...failure, error } : failure));
}

/** dvc takes a listing on the remote for the whole folder, and would never push the rest. */
function tellWithheld({ project, context }: Tools, { path }: Pointer): void {
  context.report?.({
    kind: "warning",
    text: `only some files of ${shownPath(project, path)} are on the remote: others can fetch them once all of it is`,
    hint: `Push the folder: expver data push ${typedPath(project, path)}`,
  });
}

/** What was sent without a failure is looked for, not believed to be there: a listing will vouch for it. Answers what is not seen. */
export async function notArrived(
  remote: Remote,
  parcels: readonly Parcel[],
  { failures, context }: { failures: readonly TransferFailure[]; context: Pacing },
): Promise<TransferFailure[]> {
  if (remote.isCertain) return [];
  const failed = keysOf(failures.map(({ object }) => object));
  const sent = parcels
    .filter(({ object }) => !failed.has(keyOf(object)))
    .map(({ object: { hash, hashName }, size }) => ({ hash, hashName, size }));
  if (sent.length === 0) return [];
  try {
    const seen = keysOf(await remote.present(sent, context));
    const unseen = new ExpverError("E_OBJECT", `was sent to ${remote.location} but is not seen there`, {
      hint: "Push again; `expver data remote check` tells whether the remote can be looked at.",
    });
    return sent.flatMap(({ hash, hashName }) =>
      seen.has(keyOf({ hash, hashName })) ? [] : [{ object: { hash, hashName }, error: unseen }],
    );
  } catch (error) {
    // What is known to have failed must still be told.
    if (failures.length === 0 || !(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
    return sent.map(({ hash, hashName }) => ({ object: { hash, hashName }, error }));
  }
}

function* membersOf(bundles: readonly Bundle[]): Generator<Named> {
  for (const { members } of bundles) yield* members ?? [];
}

const LOOKING = { label: "looking into the cache" };

async function fetchFrom(remote: Remote, pointers: StoredPointer[], tools: Tools): Promise<Part> {
  const { cache, context, options } = tools;
  const { bundles, unreadable } = await bundlesOf(pointers, remote, tools);
  const part: Part = {
    objects: 0,
    missing: bundles.flatMap(({ members, pointer }) => (members === null ? [pointer.path] : [])),
    failed: unreadable.map(failedOutput),
  };

  const lackingOf = async <One extends Named>(some: readonly One[]) => {
    const objects = some.map(({ object }) => object);
    const sizes = await paceWork(trustedSizes(cache.dir, objects), context, LOOKING);
    return some.filter((_, index) => sizes[index] === null);
  };
  const lacking: Member[] = [];
  let most = 0;
  for (const { members, pointer } of bundles) {
    const some = await lackingOf(members ?? []);
    for (const member of some) lacking.push(member);
    if (some.length > 0) most += pointer.size ?? 0;
  }
  const wanted = await paceWork(namingByKey(lacking), context, LOOKING);
  await refuseFetchWithoutRoom(remote, cache, { objects: objectsOf(wanted), most, pacing: context });
  await receiveAll(wanted);
  const ready: Bundle[] = [];
  for (const bundle of bundles) {
    const { pointer, listing, members } = bundle;
    if (listing === null || members === null) continue;
    const isReady = options.only?.has(pointer.path) || (await lackingOf(members)).length === 0;
    if (isReady && (await lackingOf([{ object: listing, path: pointer.path }])).length > 0) ready.push(bundle);
  }
  const isSaid = ({ pointer }: Bundle) => pointer.files !== undefined;
  storeListings(cache, ready.filter(isSaid));
  await receiveAll(
    byKey(ready.flatMap((one) => (one.listing === null || isSaid(one) ? [] : { object: one.listing, path: one.pointer.path }))),
  );
  return part;

  async function receiveAll(wanted: Map<string, Named>): Promise<void> {
    if (wanted.size === 0) return;
    const { objects, failures } = await remote.receive(objectsOf(wanted), cache, context);
    part.objects += objects;
    note(part, failures, [wanted]);
  }
}

/** Of folders of which the pointer itself says what is in them. */
function storeListings(cache: ObjectFolder, bundles: readonly Bundle[]): void {
  if (bundles.length === 0) return;
  const ingest = beginIngest(cache);
  try {
    for (const { pointer } of bundles) ingest.listing(renderListing(pointer.files ?? []), pointer.hashName);
    ingest.commit();
  } finally {
    ingest.abort();
  }
}

function note(part: Part, failures: readonly TransferFailure[], names: readonly ReadonlyMap<string, Named>[]): void {
  for (const { object, error } of failures) {
    const path = names.find((some) => some.has(keyOf(object)))?.get(keyOf(object))?.path ?? object.hash;
    if (error === null) part.missing.push(path);
    else part.failed.push(failedPath(path, error));
  }
}

function failedOutput({ pointer, error }: Unreadable): FailedPath {
  return failedPath(pointer.path, error);
}

export function failedPath(path: string, { message, code, hint }: ExpverError): FailedPath {
  return { path, reason: message, code, hint };
}
