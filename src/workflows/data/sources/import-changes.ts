/** What `status` says about imports beyond their data: something newer is to be had, or their file was edited. */

import { absolutePath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { type Import, readImport } from "../../../store/import-file.ts";
import { readMapping } from "../../../store/pointer-fields.ts";
import { openSource } from "../../../store/source.ts";
import { stageMd5 } from "../../../store/stage-md5.ts";
import type { Pointer } from "../../../store/types.ts";
import { describeImport, importUrl } from "./bring.ts";

export interface ImportChange {
  /** What is newer, as dvc names it. */
  update?: string;
  isEdited?: boolean;
}

/** By pointer file. `asks`: repositories are asked for the commit they are at; one that does not answer is a warning. */
export function importChanges(
  project: Project,
  context: Context,
  { pointers, asks }: { pointers: readonly Pointer[]; asks: boolean },
): Map<string, ImportChange> {
  const found = new Map<string, ImportChange>();
  const commits = new Map<string, string | null>();
  for (const { file, stage } of pointers) {
    if (stage !== undefined) continue;
    const text = readTextIfExists(absolutePath(project, file)) ?? "";
    const from = readImport(text, file);
    if (from === null) continue;
    const isEdited = readMapping(text, file).md5 !== stageMd5(text, file);
    const isNewer = asks && from.kind === "repository" && from.lock !== null && isOther(project, context, { from, file, commits });
    if (isEdited || isNewer) found.set(file, { isEdited, ...(isNewer ? { update: `${from.path} (${from.url})` } : {}) });
  }
  return found;
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
    if (!(error instanceof ExpverError) || error.code === "E_INTERRUPTED") throw error;
    context.report({
      kind: "warning",
      text: `whether there is something newer than ${describeImport(from)} cannot be told: ${error.message}`,
      hint: "Do not ask: expver data status --no-updates",
    });
    return null;
  }
}
