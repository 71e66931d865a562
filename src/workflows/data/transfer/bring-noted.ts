/** `pull` of imports whose pointers say no more than where the data is (`--no-download`): it comes from there, as it was then. */
import { absolutePath, shownPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError, throwUnlessFailure } from "../../../errors.ts";
import { perform } from "../../../journal/perform.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { type Import, readImport } from "../../../store/pointers/import-file.ts";
import type { Pointer } from "../../../store/types.ts";
import { isHere } from "../../../store/worktree/status.ts";
import { bring, copyOf, copyOfRepository, isSameSource, type MakeCopy } from "../sources/bring.ts";
import { lookElsewhere } from "../sources/elsewhere.ts";
import { importedSettings } from "../sources/foreign-settings.ts";
import { absoluteUrl, describeImport, importUrl } from "../sources/import-address.ts";
import { bringChained, copyOfVersions } from "./fetch-imports.ts";

export interface BroughtNoted {
  /** Outputs, as they are shown; folders end in `/`. */
  added: string[];
  files: number;
  /** All that were to be brought. */
  pointers: Set<Pointer>;
  /** Those that could not be had, as they are shown. */
  failed: string[];
}

/** What is at the name of one already is left as it is: it is stored nowhere. As in dvc the pointers stay as they are: `commit` writes them. */
export async function bringNoted(project: Project, context: Context, pointers: readonly Pointer[]): Promise<BroughtNoted> {
  const result: BroughtNoted = { added: [], files: 0, pointers: new Set(), failed: [] };
  for (const pointer of pointers) {
    const from = notedOnly(project, pointer);
    if (from === null) continue;
    const shown = shownPath(project, pointer.path);
    result.pointers.add(pointer);
    try {
      const make = await copyAsNoted(project, context, { pointer, from });
      const { scan } = await perform(project, context, {
        command: "data pull",
        argv: ["data", "pull", pointer.path],
        summary: `bring ${pointer.path} from ${describeImport(from)}`,
        work: (operation) => bring(project, context, { path: pointer.path, make, operation }),
      });
      result.added.push(scan.content.nfiles === undefined ? shown : `${shown}/`);
      result.files += scan.files.length;
    } catch (error) {
      throwUnlessFailure(error);
      context.report({
        kind: "warning",
        text: `${shown} could not be brought from where it is imported: ${error.message}`,
        hint: error.hint,
      });
      result.failed.push(shown);
    }
  }
  return result;
}

/** Where `pull` would bring it from; null for what needs or has no such way. */
function notedOnly(project: Project, { hash, stage, path, file }: Pointer): Import | null {
  if (hash !== null || stage !== undefined || isHere(absolutePath(project, path))) return null;
  const from = readImport(readTextIfExists(absolutePath(project, file)) ?? "", file);
  // With --no-exec a path was not even looked at; a repository is taken as it is now.
  return from?.kind === "url" && (from.hash ?? from.versions) === null ? null : from;
}

/** Said by what does not bring them; answers which they are. */
export function warnNotedOnly(project: Project, context: Context, pointers: readonly Pointer[]): Set<Pointer> {
  const noted = new Set(pointers.filter((pointer) => notedOnly(project, pointer) !== null));
  for (const pointer of noted) {
    const text = `${shownPath(project, pointer.path)} was imported without its bytes`;
    context.report({ kind: "warning", text, hint: `Bring them: expver data pull ${typedPath(project, pointer.path)}` });
  }
  return noted;
}

async function copyAsNoted(project: Project, context: Context, { pointer, from }: { pointer: Pointer; from: Import }): Promise<MakeCopy> {
  if (from.kind === "repository")
    return copyOfRepository(context, {
      url: importUrl(project, context, { url: from.url, file: pointer.file }),
      path: from.path,
      rev: from.lock ?? from.rev ?? "HEAD",
      remote: from.remote,
      settings: importedSettings(project, context, { ...from, file: pointer.file }),
      chained: bringChained,
      caches: [openCache(project)],
    });
  if (from.versions !== null) return copyOf({ copy: copyOfVersions(project, context, from, from.versions) });
  const there = await lookElsewhere(context, absoluteUrl(project, from), { options: from.options });
  if (isSameSource(from, await there.fields(project, null))) return copyOf(there);
  throw new ExpverError("E_OBJECT", `${there.location} has changed since`, {
    hint: `Take what is there: expver data update ${typedPath(project, pointer.file)}`,
  });
}
