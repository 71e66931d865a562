/** What `status` says about pointer files beyond their data: of an import something newer is to be had, or the file was edited. */

import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { type ExpverError, throwUnlessFailure } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { type Import, readImport } from "../../../store/pointers/import-file.ts";
import { hasOtherStageMd5 } from "../../../store/pointers/stage-md5.ts";
import { openSource } from "../../../store/sources/source.ts";
import { sameTaken, versionIn } from "../../../store/sources/url-source.ts";
import type { Pointer, TakenVersion } from "../../../store/types.ts";
import { lookElsewhere } from "./elsewhere.ts";
import { absoluteUrl, describeImport, importUrl } from "./import-address.ts";

export interface ImportChange {
  /** What is other there, as dvc names it and what it says of it. */
  source?: [name: string, said: string];
  isEdited?: boolean;
}

/** By pointer file. `asks`: repositories are asked for the commit they are at; one that does not answer is a warning. */
export async function importChanges(
  project: Project,
  context: Context,
  { pointers, asks }: { pointers: readonly Pointer[]; asks: boolean },
): Promise<Map<string, ImportChange>> {
  const found = new Map<string, ImportChange>();
  const commits = new Map<string, string | null>();
  for (const { file, stage } of pointers) {
    if (stage !== undefined) continue;
    const text = readTextIfExists(absolutePath(project, file)) ?? "";
    const from = readImport(text, file);
    const isEdited = hasOtherStageMd5(text, file);
    const said = asks && from !== null ? await newerThan(project, context, { from, file, commits }) : null;
    if (isEdited || said !== null) found.set(file, { isEdited, ...(said === null ? {} : { source: said }) });
  }
  return found;
}

async function newerThan(
  project: Project,
  context: Context,
  { from, file, commits }: { from: Import; file: string; commits: Map<string, string | null> },
): Promise<[name: string, said: string] | null> {
  if (from.kind === "url") return from.versions === null ? null : versionsThere(project, context, { ...from, versions: from.versions });
  const isNewer = from.lock !== null && isOther(project, context, { from, file, commits });
  return isNewer ? [`${from.path} (${from.url})`, "update available"] : null;
}

/** Of what is imported by version: whether the newest there is another. */
async function versionsThere(
  project: Project,
  context: Context,
  from: Extract<Import, { kind: "url" }> & { versions: readonly TakenVersion[] },
): Promise<[name: string, said: string] | null> {
  const path = versionIn(from.path).address;
  try {
    const { versions } = await lookElsewhere(context, absoluteUrl(project, { ...from, path }), {
      options: from.options,
      isVersioned: true,
    });
    const [taken, now] = [from.versions[0], versions?.[0]];
    if (taken?.relpath === "" && now?.relpath === "") return taken.version === now.version ? null : [from.path, "update available"];
    return sameTaken(from.versions, versions ?? []) ? null : [from.path, "modified"];
  } catch (error) {
    throwUnlessFailure(error);
    if (error.code === "E_NOT_FOUND") return [from.path, "deleted"];
    cannotBeTold(context, from, error);
    return null;
  }
}

function cannotBeTold(context: Context, from: Import, error: ExpverError): void {
  context.report({
    kind: "warning",
    text: `whether there is something newer than ${describeImport(from)} cannot be told: ${error.message}`,
    hint: "Do not ask: expver data status --no-updates",
  });
}

function isOther(
  project: Project,
  context: Context,
  { from, file, commits }: { from: Extract<Import, { kind: "repository" }>; file: string; commits: Map<string, string | null> },
): boolean {
  const url = importUrl(project, context, { url: from.url, file });
  const rev = from.rev ?? "HEAD";
  const key = JSON.stringify([url, rev]);
  if (!commits.has(key)) commits.set(key, commitOf(context, { url, rev, from }));
  const now = commits.get(key) ?? null;
  return now !== null && now !== from.lock;
}

function commitOf(context: Context, { url, rev, from }: { url: string; rev: string; from: Import }): string | null {
  try {
    const source = openSource(context, url, { rev });
    source.close();
    return source.commit;
  } catch (error) {
    throwUnlessFailure(error);
    cannotBeTold(context, from, error);
    return null;
  }
}
