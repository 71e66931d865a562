/** Where an import comes from, as its file says it. */
import { dirname, join, resolve } from "node:path";
import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { shownAddress } from "../../../git/shown-address.ts";
import type { Context } from "../../../platform/context.ts";
import type { Import } from "../../../store/pointers/import-file.ts";
import { withoutSecrets } from "../../../store/remotes/open-remote.ts";
import { isHere } from "../../../store/worktree/status.ts";

/** Where a relative address of an import leads: seen from its file, else from the root, else from the user. */
export function importUrl(project: Project, context: Context, { url, file }: { url: string; file: string }): string {
  if (/^\w+:\/\/|^\//.test(url)) return url;
  const from = [dirname(absolutePath(project, file)), project.dvcRoot ?? project.root, context.cwd];
  return from.map((folder) => join(folder, url)).find(isHere) ?? url;
}

export function describeImport(from: Import): string {
  return from.kind === "url" ? withoutSecrets(from.path) : `${from.path} of ${shownAddress(from.url)}`;
}

/** What a file of an import means when it is typed: its absolute place. */
export function absoluteUrl(project: Project, { path, folder }: { path: string; folder: string }): string {
  return /^\w+:\/\//.test(path) ? path : resolve(absolutePath(project, folder), path);
}
