/** Which versions are published, and how each stands on the Git remote. */
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { pickVersion, readVersions } from "../../versions/registry.ts";
import type { Version } from "../../versions/types.ts";

export interface ChosenVersion {
  version: Version;
  /** The tag's own object; the commit of a lightweight tag. */
  object: string;
  /**
   * `taken`: another clone took the number first, and this version is not published, so it gets another number.
   * `local`: there is no Git remote.
   */
  state: "new" | "there" | "taken" | "local";
}

/** Those named, or every one that is not published. Lowest number first. Throws E_NOT_FOUND; E_VERSION_TAKEN for a published one that differs. */
export function chooseVersions(
  project: Project,
  names: readonly string[],
  { remote, refs }: { remote: string | null; refs: ReadonlyMap<string, string> },
): ChosenVersion[] {
  const all = readVersions(project);
  const named = new Set(names.map((name) => pickVersion(all, name, project.config.versions.prefix).name));
  const chosen = all.filter(({ name, unpublished, commit }) => (names.length > 0 ? named.has(name) : unpublished && commit !== ""));
  return chosen.map((version) => {
    const object = version.tagObject ?? version.commit;
    if (remote === null) return { version, object, state: "local" };
    const theirs = refs.get(`refs/tags/${version.name}`);
    if (theirs !== undefined && theirs !== object && !version.unpublished) throw moved(version.name, { object, theirs, remote });
    return { version, object, state: theirs === undefined ? "new" : theirs === object ? "there" : "taken" };
  });
}

function moved(name: string, { object, theirs, remote }: { object: string; theirs: string; remote: string }): ExpverError {
  return new ExpverError(
    "E_VERSION_TAKEN",
    `${name} is ${object.slice(0, 12)} here and ${theirs.slice(0, 12)} on ${remote}: a published version never moves`,
    {
      hint: `To keep yours, give it another number (expver tag NEW --run RUN, or git tag NEW ${name}); to take theirs: git fetch --force ${remote} tag ${name}`,
      details: { version: name, here: object, there: theirs, remote },
    },
  );
}
