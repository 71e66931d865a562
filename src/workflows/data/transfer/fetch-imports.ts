/** Bytes of imports: they are on no remote of ours, so they come from where they were imported. */

import { mkdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { absolutePath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError, throwUnlessFailure } from "../../../errors.ts";
import { shownAddress } from "../../../git/shown-address.ts";
import type { Context } from "../../../platform/context.ts";
import { removePath } from "../../../platform/files.ts";
import { paceWork, type Work } from "../../../platform/pace.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { beginIngest, sweepCache } from "../../../store/objects/ingest.ts";
import type { ObjectFolder } from "../../../store/objects/layout.ts";
import { makeStaging, sweepStagings } from "../../../store/objects/staging.ts";
import { dvcFolder } from "../../../store/settings/dvc-config.ts";
import { dvcIgnore, IGNORES_NOTHING, type IgnoreTest } from "../../../store/settings/dvcignore.ts";
import { broughtInto, type Source } from "../../../store/sources/source.ts";
import { openUrl, versionIn } from "../../../store/sources/url-source.ts";
import { fetchObjects } from "../../../store/transfer/transfer.ts";
import type { OutputContent, Pointer, TakenVersion, UrlOrigin } from "../../../store/types.ts";
import { storingOldOutputs } from "../../../store/worktree/contents.ts";
import { scanOutput } from "../../../store/worktree/scan.ts";
import { isComplete } from "../../../store/worktree/status.ts";
import { copyOfRepository } from "../sources/bring.ts";
import { md5sOf } from "../sources/elsewhere.ts";
import { importedSettings } from "../sources/foreign-settings.ts";
import { absoluteUrl, importUrl } from "../sources/import-address.ts";

/** Brings what the cache lacks, each import as of the commit or version its file names; answers what came, and reports those that did not. */
export async function fetchImports(
  project: Project,
  context: Context,
  pointers: readonly Pointer[],
): Promise<{ objects: number; whole: Pointer[] }> {
  const cache = openCache(project);
  const staging = join(dvcFolder(project), "tmp");
  // Also when nothing is to be brought: a fetch that was killed may have brought everything.
  sweepStagings(staging);
  sweepCache(cache);
  return bringImports(project, context, {
    pointers: pointers.filter((one) => isFromElsewhere(one) && one.hash !== null && !isComplete(cache, one)),
    into: cache,
    staging,
  });
}

function isFromElsewhere({ isImport, origin }: Pointer): boolean {
  return isImport || origin !== undefined;
}

interface Bringing {
  pointers: readonly Pointer[];
  into: ObjectFolder;
  /** A folder for folders of what is on its way. */
  staging: string;
}

async function bringImports(
  project: Project,
  context: Context,
  { pointers, ...to }: Bringing,
): Promise<{ objects: number; whole: Pointer[] }> {
  const came: { objects: number; whole: Pointer[] } = { objects: 0, whole: [] };
  const failed = new Map<Pointer, ExpverError>();
  for (const pointer of pointers.filter(isFromElsewhere)) {
    try {
      came.objects += await fetchOne(project, context, pointer, to);
      came.whole.push(pointer);
    } catch (error) {
      throwUnlessFailure(error);
      failed.set(pointer, error);
    }
  }
  came.objects += await fetchPublished(project, context, { pointers: [...failed.keys()], into: to.into });
  for (const [pointer, error] of failed) {
    if (isComplete(to.into, pointer)) came.whole.push(pointer);
    else
      context.report({
        kind: "warning",
        text: `${pointer.path} could not be fetched from where it was imported: ${error.message}`,
        hint: error.hint,
      });
  }
  return came;
}

/** What was changed after it was imported is in a published version all the same. Answers how many objects came. */
async function fetchPublished(
  project: Project,
  context: Context,
  { pointers, into }: Pick<Bringing, "pointers" | "into">,
): Promise<number> {
  if (pointers.length === 0) return 0;
  try {
    const asOurs = pointers.map((pointer) => ({ ...pointer, isImport: false }));
    return (await fetchObjects(project, asOurs, context, { into })).objects;
  } catch (error) {
    // Why it was looked for there is the reason to be told.
    throwUnlessFailure(error);
    return 0;
  }
}

async function fetchOne(
  project: Project,
  context: Context,
  pointer: Pointer,
  { into, staging: above }: Omit<Bringing, "pointers">,
): Promise<number> {
  const from = whereFrom(project, context, pointer);
  if (from === null) return 0;
  const staging = makeStaging(above);
  try {
    const made = join(staging, "made");
    await from.make(made, staging);
    const store = (ignores: IgnoreTest) =>
      paceWork(storingMade(project, pointer, { made, into, ignores }), context, { label: `storing ${pointer.path}` });
    const rules = dvcIgnore(project, absolutePath(project, pointer.path));
    let stored = await store((path, isFolder) => rules(absolutePath(project, `${pointer.path}/${relative(made, path)}`), isFolder));
    // It may have been imported before that was left out there.
    if (stored.objects === null && rules !== IGNORES_NOTHING) stored = await store(IGNORES_NOTHING);
    if (stored.objects === null)
      throw new ExpverError("E_OBJECT", `${from.what} is ${stored.content.hash}, not ${pointer.hash}`, {
        hint: `Take what is there: expver data update ${typedPath(project, pointer.file)}`,
      });
    // As with dvc the listing, which is made here, is no file that was fetched.
    return Math.min(stored.objects, stored.content.nfiles ?? 1);
  } finally {
    removePath(staging);
  }
}

/** Into the cache under the names its pointer says; null objects: it is something else, and nothing was stored. */
function* storingMade(
  project: Project,
  { hash, hashName }: Pointer,
  { made, into, ignores }: { made: string; into: ObjectFolder; ignores: IgnoreTest },
): Work<{ content: OutputContent; objects: number | null }> {
  if (hashName !== "md5") {
    const scan = yield* scanOutput(project, made, { hashName, ignores });
    return { content: scan.content, objects: scan.content.hash === hash ? yield* storingOldOutputs(into, [scan]) : null };
  }
  const ingest = beginIngest(into);
  try {
    const { content } = yield* scanOutput(project, made, { store: { ingest, into }, ignores });
    return { content, objects: content.hash === hash ? (yield* ingest.committing()).objects : null };
  } finally {
    ingest.abort();
  }
}

/** What brings it; null for what comes from nowhere else. */
function whereFrom(
  project: Project,
  context: Context,
  { source, origin, file }: Pointer,
): { make: (target: string, staging: string) => Promise<unknown>; what: string } | null {
  if (origin?.versions) return { make: copyOfVersions(project, context, origin, origin.versions), what: `${origin.path} in that version` };
  if (source === undefined) return null;
  // A file that somebody wrote by hand may lack the lock: then it is what is there now, if that is what the file says.
  const rev = source.lock ?? source.rev ?? "HEAD";
  const url = importUrl(project, context, { url: source.url, file });
  const make = copyOfRepository(context, {
    url,
    path: source.path,
    rev,
    remote: source.remote,
    settings: importedSettings(project, context, { ...source, file }),
    chained: bringChained,
  });
  return { make, what: `${source.path} of ${shownAddress(source.url)} at ${source.lock?.slice(0, 7) ?? rev}` };
}

export function copyOfVersions(project: Project, context: Context, origin: UrlOrigin, versions: readonly TakenVersion[]) {
  const url = absoluteUrl(project, { ...origin, path: versionIn(origin.path).address });
  return async (target: string) => {
    const from = openUrl(url, { place: project, env: context.env, options: origin.options, isVersioned: true });
    if (versions.every(({ relpath }) => relpath !== "")) mkdirSync(target, { recursive: true });
    const came = await from.copy(from.taken(versions), target, context);
    return { files: came.size, md5s: md5sOf(came) };
  };
}

/** What the source has imported itself is on no remote of its: it comes from where that was imported, and not into its cache. */
export async function bringChained(context: Context, source: Source, under: string): Promise<void> {
  const { project, pointers } = source;
  const isMeant = ({ path }: Pointer) => under === "" || `${path}/`.startsWith(`${under}/`) || under.startsWith(`${path}/`);
  const cache = openCache(project);
  const chained = pointers.filter((one) => one.source !== undefined && one.hash !== null && isMeant(one) && !isComplete(cache, one));
  const into = chained.length === 0 ? null : broughtInto(source);
  if (into === null) return;
  const ours = dirname(into.dir);
  await bringImports({ ...project, stateDir: join(ours, "state") }, context, { pointers: chained, into, staging: ours });
}
