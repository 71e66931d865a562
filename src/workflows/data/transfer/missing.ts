/** Bytes that are neither here nor on the remote: which, where they were looked for, and what to type where they are. */
import { absolutePath, isWithin, shownPath, typedPath } from "../../../config/paths.ts";
import type { Project } from "../../../config/project.ts";
import { ExpverError } from "../../../errors.ts";
import type { Context } from "../../../platform/context.ts";
import { readTextIfExists } from "../../../platform/files.ts";
import { shellWord } from "../../../platform/shell-word.ts";
import { counted } from "../../../platform/words.ts";
import { openCache } from "../../../store/objects/cache.ts";
import { readListing } from "../../../store/objects/layout.ts";
import { readImport } from "../../../store/pointers/import-file.ts";
import type { TransferReport } from "../../../store/transfer/transfer.ts";
import type { Pointer } from "../../../store/types.ts";
import type { Selection } from "../open-data.ts";

/** So many are named. */
const SHOWN = 5;

interface Asked {
  selection: Selection;
  /** As typed. */
  remote: string | undefined;
}

/** Null when nothing is. */
export function sayMissing(
  project: Project,
  { missing, remotes, selection, remote }: Pick<TransferReport, "missing" | "remotes"> & Asked,
): { text: string; hint: string } | null {
  if (missing.length === 0) return null;
  const owners = new Map(selection.pointers.map((pointer) => [pointer.path, pointer]));
  const lacking = [...new Set(missing)].map((path) => ({ path, pointer: ownerOf(owners, path) }));
  const folders = lacking.filter(({ path, pointer }) => pointer?.path === path && pointer.hash?.endsWith(".dir"));
  const files = lacking.filter((one) => !folders.includes(one));
  const shown = (path: string) => shownPath(project, path);
  const listed = (some: readonly { path: string }[]) =>
    `${some
      .slice(0, SHOWN)
      .map(({ path }) => shown(path))
      .join(", ")}${some.length > SHOWN ? " …" : ""}`;
  const what = [
    ...(folders.length > 0
      ? [
          `the ${folders.length === 1 ? "listing" : "listings"} of ${listed(folders)} (which files ${folders.length === 1 ? "it has" : "they have"})`,
        ]
      : []),
    ...(files.length > 0 ? [`bytes of ${counted(files.length, "file")}`] : []),
  ].join(" and ");
  const verb = files.length === 0 && folders.length === 1 ? "is" : "are";
  // A folder is pushed whole: of some files alone others could not tell to which folder they belong.
  const outputs = (some: readonly { path: string; pointer: Pointer | undefined }[]) =>
    some.map(({ path, pointer }) => pointer?.path ?? path);
  const targets = [...outputs(folders), ...(files.length > SHOWN ? outputs(files) : files.map(({ path }) => path))];
  const words = [...new Set(targets)].slice(0, SHOWN).map((path) => typedPath(project, path));
  const typed = [...(remote === undefined ? [] : ["-r", shellWord(remote)]), ...words].join(" ");
  // Nobody can push it: others make it again.
  const isKept = lacking.every(({ pointer }) => pointer?.push === false);
  return {
    text: `${what} ${verb} neither in the cache nor on ${remotes.join(", ")}${files.length > 0 ? `: ${listed(files)}` : ""}`,
    hint: isKept
      ? `Their pointer says push: false, so they are never pushed: make them again (of a stage: dvc repro), or pull the others by name.`
      : `Where they still are, type: expver data push ${typed}; where nobody has them, ${againOf(project, lacking)}.`,
  };
}

/** Some dvc 3 (3.30) pushed nothing that came from a URL. */
function againOf(project: Project, lacking: readonly { pointer: Pointer | undefined }[]): string {
  const files = new Set(lacking.flatMap(({ pointer }) => (pointer?.stage === undefined ? (pointer?.file ?? []) : [])));
  const isImport = (file: string) => {
    const text = readTextIfExists(absolutePath(project, file));
    return text !== null && !/^cmd:/m.test(text) && readImport(text, file) !== null;
  };
  const imported = [...files].filter(isImport).slice(0, SHOWN);
  if (imported.length === 0) return "add the data again";
  const typed = imported.map((file) => typedPath(project, file)).join(" ");
  return `add the data again, and what was imported: expver data update ${typed}`;
}

/** With dvc's code: what a folder's listing names and no remote has is a failure of `fetch`, and a file of its own is none. */
export function refuseMissingMembers({ missing, selection }: Pick<TransferReport, "missing"> & Pick<Asked, "selection">): void {
  const outputs = new Set(selection.pointers.map(({ path }) => path));
  const members = missing.filter((path) => !outputs.has(path));
  if (members.length === 0) return;
  throw new ExpverError("E_NOT_STORED", `${counted(members.length, "file")} of folders could not be fetched`, {
    hint: "The warning says which, and what to type where they are.",
    details: { missing },
  });
}

function ownerOf(owners: ReadonlyMap<string, Pointer>, path: string): Pointer | undefined {
  for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
    const owner = owners.get(path.slice(0, at));
    if (owner !== undefined) return owner;
  }
  return undefined;
}

/** As in dvc no failure: a name in a folder that means none of its files. Said as far as the folder's listing is here. */
export function warnUnknownMembers(project: Project, context: Context, { pointers, only }: Selection): void {
  const cache = openCache(project);
  for (const { path, hash, hashName } of pointers) {
    const asked = only.get(path);
    const entries = asked === undefined || !hash?.endsWith(".dir") ? null : readListing(cache.dir, { hash, hashName });
    for (const member of entries === null ? [] : (asked ?? [])) {
      if (entries?.some(({ relpath }) => isWithin(relpath, member))) continue;
      const folder = shownPath(project, path);
      context.report({
        kind: "warning",
        text: `${shownPath(project, `${path}/${member}`)} is no file of ${folder}, as it was stored`,
        hint: `Its files: expver data list . ${shellWord(folder)}`,
      });
    }
  }
}
