/** Will others know where the data is? The data remote must stand in the `.dvc/config` that is published with it. */

import { fromTop, typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import type { Repository } from "../../git/git.ts";
import { catFilesIfThere } from "../../git/tree.ts";
import type { Context } from "../../platform/context.ts";
import { shellWord } from "../../platform/shell-word.ts";
import { configFile, readLevel, remoteName } from "../../store/settings/dvc-config.ts";
import { parseDvcConfig, type Sections } from "../../store/settings/dvc-config-file.ts";

/** `commit`: what others will look at first. */
export function warnUnknownRemotes(
  project: Project,
  repository: Repository,
  context: Context,
  { commit, remotes }: { commit: string; remotes: readonly string[] },
): void {
  const path = fromTop(project, configFile(project, "repo"));
  const published =
    catFilesIfThere(repository, [`${commit}:${path}`])
      .get(`${commit}:${path}`)
      ?.toString("utf8") ?? "";
  const known = remotesIn(parseDvcConfig(published, path));
  const here = remotesIn(readLevel(project, "repo"));
  for (const name of remotes.filter((one) => !known.has(one))) {
    const typed = typedPath(project, path);
    context.report({
      kind: "warning",
      text: `others will not find the data: the remote ${name} is not in the ${path} that is published`,
      hint: here.has(name)
        ? `git commit ${typed} -m ${shellWord(`Data remote ${name}`)} && expver publish`
        : `It is known to this machine only. Tell everybody, and commit ${typed}: expver data remote add -d ${shellWord(name)} URL`,
    });
  }
}

function remotesIn(sections: Sections): Set<string> {
  return new Set([...sections.keys()].flatMap((section) => remoteName(section) ?? []));
}
