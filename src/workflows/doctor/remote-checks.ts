/** What the Git remote says, when it answers. */
import { git } from "../../git/git.ts";
import { lsRemoteTags, publishRemote } from "../../git/remotes.ts";
import { keepBoth } from "../publish/versions.ts";
import type { Check } from "./check.ts";

export const PATIENCE_MS = 3000;

export const movedTags: Check = {
  id: "moved-tags",
  title: "versions that mean different commits here and on the remote",
  find({ place, project, looked }) {
    if (place.repository === null) return [];
    const { repository } = place;
    const prefix = project?.config.versions.prefix ?? "e";
    const remote = publishRemote(repository);
    const theirs = remote === null ? null : lsRemoteTags(repository, remote, prefix, PATIENCE_MS);
    if (remote === null || theirs === null) return [];
    const ours = git(repository, ["for-each-ref", "--format=%(objectname) %(refname:strip=2)", `refs/tags/${prefix}*`]);
    const versions = new Map(project === null ? [] : looked.registry().versions.map((version) => [version.name, version]));
    return ours.split("\n").flatMap((line) => {
      const [object = "", tag = ""] = line.split(" ");
      const other = theirs.get(tag);
      if (other === undefined || other === object) return [];
      return [
        {
          level: "problem",
          what: `${tag} is ${object.slice(0, 12)} here and ${other.slice(0, 12)} on ${remote}: two experiments have one name`,
          remedy: keepBoth(tag, versions.get(tag) ?? null, remote),
        },
      ];
    });
  },
};
