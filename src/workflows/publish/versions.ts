/** Which versions are published, and how each stands on the Git remote. */
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { pickVersion, readVersions } from "../../versions/registry.ts";
import type { Version } from "../../versions/types.ts";
import { ofOtherProjects } from "../other-projects.ts";

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

export interface Choice {
  /** Lowest number first. */
  versions: ChosenVersion[];
  /** When none was named: those that the remote lacks, too, but that were not made by us here. They are somebody's, and go only by name. */
  others: string[];
  /** When none was named: those of another project of the repository, which has their data. */
  elsewhere: string[];
}

/** Those named, or every one that is not published. Throws E_NOT_FOUND; E_VERSION_TAKEN for a published one that differs. */
export function chooseVersions(
  project: Project,
  names: readonly string[],
  { remote, refs }: { remote: string | null; refs: ReadonlyMap<string, string> },
): Choice {
  const all = readVersions(project);
  const named = new Set(names.map((name) => pickVersion(all, name, project.config.versions.prefix).name));
  const wanted = all.filter(({ name, unpublished, commit }) => (names.length > 0 ? named.has(name) : unpublished && commit !== ""));
  const foreign = ofOtherProjects(project, wanted);
  if (names.length > 0 && foreign.size > 0) throw ofOthers([...foreign]);
  const chosen = wanted.filter(({ name }) => !foreign.has(name));
  const versions = chosen.map((version): ChosenVersion => {
    const object = version.tagObject ?? version.commit;
    if (remote === null) return { version, object, state: "local" };
    const theirs = refs.get(`refs/tags/${version.name}`);
    if (theirs !== undefined && theirs !== object && !version.unpublished) throw moved(version, { object, theirs, remote });
    return { version, object, state: theirs === undefined ? "new" : theirs === object ? "there" : "taken" };
  });
  const isOther = ({ name, unpublished }: Version) => !unpublished && !refs.has(`refs/tags/${name}`);
  return {
    versions,
    others: names.length > 0 || remote === null ? [] : all.filter(isOther).map(({ name }) => name),
    elsewhere: [...foreign],
  };
}

/** Public before its bytes: only their own project knows where those are, and where they go. */
function ofOthers(names: readonly string[]): ExpverError {
  const [one, them] = names.length === 1 ? ["is", "it"] : ["are", "them"];
  return new ExpverError(
    "E_PUBLISH",
    `${names.join(", ")} ${one} of another project of this repository: no data of ${them} is tracked here`,
    {
      hint: `Publish ${them} there: expver -C FOLDER publish ${names.join(" ")}`,
      details: { versions: names },
    },
  );
}

/** What to type where another experiment has the name of ours on the remote. `version` null: the tag is none. */
export function keepBoth(name: string, version: Version | null, remote: string): string {
  return version?.unpublished ? `expver publish ${name} gives yours another number` : takeTheirs(name, version, remote);
}

/** The same where publishing asks another remote. */
export function takeTheirs(name: string, version: Version | null, remote: string): string {
  const [only, ...others] = version?.message.runs ?? [];
  const fetchTheirs = `git fetch --force ${remote} tag ${name}`;
  // Before theirs is here, the run is still that version.
  return only !== undefined && others.length === 0
    ? `Take theirs, and give yours another number: ${fetchTheirs} && expver tag --run ${only.run}`
    : `Keep yours under another name, and take theirs: git tag NEW ${name} && ${fetchTheirs}`;
}

function moved(version: Version, { object, theirs, remote }: { object: string; theirs: string; remote: string }): ExpverError {
  return new ExpverError(
    "E_VERSION_TAKEN",
    `${version.name} is ${object.slice(0, 12)} here and ${theirs.slice(0, 12)} on ${remote}: a published version never moves`,
    {
      hint: keepBoth(version.name, version, remote),
      details: { version: version.name, here: object, there: theirs, remote },
    },
  );
}
