/** Versions here against those on the Git remote. */
import type { Project } from "../../config/project.ts";
import { ExpverError, failedWith } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { pickVersion, versionMeant } from "../../versions/registry.ts";
import { compareVersions, parseTagName } from "../../versions/tag-name.ts";
import type { Version, VersionNumber } from "../../versions/types.ts";
import { takeTheirs } from "../publish/versions.ts";

export interface RemoteTags {
  /** On the remote only, with the tag's own object. Lowest number first. */
  fresh: { name: string; object: string; number: VersionNumber }[];
  /** The same here and there, and not known to be so yet. */
  toMark: { name: string; object: string }[];
  differing: { version: string; here: string; there: string; unpublished: boolean }[];
}

/** A tag that is here, or about to be. */
interface TagHere {
  object: string;
  unpublished: boolean;
}

export function tagsHere(versions: readonly Version[]): Map<string, TagHere> {
  return new Map(versions.map(({ name, tagObject, commit, unpublished }) => [name, { object: tagObject ?? commit, unpublished }]));
}

/** `refs`: what the remote has. What is new goes into `here`, as the next remote is to find it. */
export function compareTags(project: Project, here: Map<string, TagHere>, refs: ReadonlyMap<string, string>): RemoteTags {
  const found: RemoteTags = { fresh: [], toMark: [], differing: [] };
  for (const [ref, object] of refs) {
    const name = ref.startsWith("refs/tags/") ? ref.slice("refs/tags/".length) : "";
    const number = parseTagName(name, project.config.versions.prefix);
    if (number === null) continue;
    const ours = here.get(name);
    if (ours === undefined) found.fresh.push({ name, object, number });
    else if (ours.object !== object)
      found.differing.push({ version: name, here: ours.object, there: object, unpublished: ours.unpublished });
    else if (ours.unpublished) found.toMark.push({ name, object });
  }
  for (const { name, object } of found.fresh) here.set(name, { object, unpublished: false });
  found.fresh.sort((one, other) => compareVersions(one.number, other.number));
  return found;
}

/** A tag here is never replaced: both stay as they are until a person has decided. `isOwn`: the remote is the one that we publish to. */
export function warnDiffering(
  context: Context,
  {
    remote,
    isOwn,
    differing,
    versions,
  }: { remote: string; isOwn: boolean; differing: RemoteTags["differing"]; versions: readonly Version[] },
): void {
  for (const { version, here, there, unpublished } of differing) {
    context.report({
      kind: "warning",
      text: `${version} is ${here.slice(0, 12)} here and ${there.slice(0, 12)} on ${remote}: two experiments have one name; yours was left as it is`,
      hint:
        unpublished && isOwn
          ? `Publish yours, which gives it another number (expver publish ${version}), then repeat.`
          : takeTheirs(version, versions.find(({ name }) => name === version) ?? null, remote),
    });
  }
}

/** Names typed, as tags that are here or about to be. Throws E_NOT_FOUND. */
export function namesOf(
  project: Project,
  typed: readonly string[],
  { versions, fresh }: { versions: readonly Version[]; fresh: RemoteTags["fresh"] },
): string[] {
  const { prefix } = project.config.versions;
  return typed.map((name) => versionMeant(fresh, name, prefix)?.name ?? pick(versions, name, prefix));
}

function pick(versions: readonly Version[], name: string, prefix: string): string {
  try {
    return pickVersion(versions, name, prefix).name;
  } catch (error) {
    if (!failedWith(error, "E_NOT_FOUND")) throw error;
    throw new ExpverError(error.code, `${error.message} (neither here nor on the remote)`, { hint: error.hint, details: error.details });
  }
}
