/** From a name in DVC's configuration to a remote that can be used. */
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import { isUrl, type RemoteConfig, readDvcConfig } from "../dvc-config.ts";
import { folderRemote } from "./folder.ts";
import type { Remote } from "./remote.ts";

/** The remote of this name, or the default one. Throws E_REMOTE. */
export function openRemote(project: Project, name?: string): Remote {
  return remoteOf(findRemote(project, name));
}

/** The remote a configuration describes. Throws E_REMOTE. */
export function remoteOf(config: RemoteConfig): Remote {
  for (const option of ["version_aware", "worktree"]) {
    if (config.options.get(option)?.toLowerCase() === "true")
      throw new ExpverError("E_REMOTE", `remote ${config.name} is ${option}: it keeps files under their names, which is not supported`, {
        hint: "Use `dvc` with this remote, or another remote.",
        details: { remote: config.name, url: config.url },
      });
  }
  if (isUrl(config.url)) {
    throw new ExpverError("E_REMOTE", `remote ${config.name} is ${config.url}: only folders are supported so far`, {
      hint: "Use `dvc push` and `dvc pull` with it, or add a folder: expver data remote add NAME FOLDER.",
      details: { remote: config.name, url: config.url },
    });
  }
  return folderRemote(config.name, { dir: config.url, shared: config.options.get("shared")?.toLowerCase() === "group" });
}

function findRemote(project: Project, name: string | undefined): RemoteConfig {
  const { remotes, defaultRemote } = readDvcConfig(project);
  const wanted = name?.toLowerCase() ?? defaultRemote;
  if (wanted === null) {
    throw new ExpverError("E_REMOTE", "no remote is named, and there is no default remote", {
      hint: "Add one: expver data remote add -d NAME FOLDER",
      details: { remotes: [...remotes.keys()] },
    });
  }
  const found = remotes.get(wanted);
  if (found !== undefined && found.url !== "") return found;
  const known = remotes.size === 0 ? "there are none yet" : `there are: ${[...remotes.keys()].join(", ")}`;
  throw new ExpverError("E_REMOTE", `there is no remote ${wanted}; ${known}`, {
    details: { remote: wanted, remotes: [...remotes.keys()] },
  });
}
