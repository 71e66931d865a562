/** Outputs that several pointer files name, by themselves or as part of a folder. When those say different things, nobody can tell which bytes belong there. */
import { isDeepStrictEqual } from "node:util";
import { foldersOf, shownPath, typedPath } from "../../config/paths.ts";
import type { Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Pacing } from "../../platform/pace.ts";
import { readListing } from "../objects/layout.ts";
import { cacheDir } from "../settings/dvc-config.ts";
import type { Pointer } from "../types.ts";

interface Contested {
  path: string;
  pointers: Pointer[];
  /** They say the same. */
  agree: boolean;
}

export function contestedAmong(pointers: readonly Pointer[]): Contested[] {
  const first = new Map<string, Pointer>();
  const found = new Map<string, Contested>();
  for (const pointer of pointers) {
    const { path } = pointer;
    const other = first.get(path);
    if (other === undefined) first.set(path, pointer);
    else {
      const one = found.get(path) ?? { path, pointers: [other], agree: true };
      one.pointers.push(pointer);
      one.agree &&= pointer.hash === other.hash && pointer.hashName === other.hashName;
      found.set(path, one);
    }
  }
  return [...found.values()];
}

/** Those, and outputs that lie in another one. */
export function everyContested(project: Project, pointers: readonly Pointer[]): Contested[] {
  return [...contestedAmong(pointers), ...overlapping(project, pointers)];
}

/** As two branches leave them that track a folder and a file of it. Of a listing that is not here nobody can say that it is another. */
function overlapping(project: Project, pointers: readonly Pointer[]): Contested[] {
  const byPath = new Map(pointers.map((pointer) => [pointer.path, pointer]));
  return pointers.flatMap((inner): Contested[] => {
    const around = foldersOf(inner.path)
      .slice(1)
      .flatMap((folder) => byPath.get(folder) ?? []);
    return around.map((outer) => ({ path: inner.path, pointers: [inner, outer], agree: hasMember(project, outer, inner) }));
  });
}

function hasMember(project: Project, outer: Pointer, inner: Pointer): boolean {
  const filesOf = ({ hash, hashName }: Pointer) => {
    if (hash?.endsWith(".dir") !== true) return hash === null ? null : [{ relpath: "", md5: hash }];
    return readListing(cacheDir(project), { hash, hashName });
  };
  try {
    const [all, some] = [filesOf(outer), filesOf(inner)];
    if (all === null || some === null) return true;
    const place = inner.path.slice(outer.path.length + 1);
    const isInside = ({ relpath }: { relpath: string }) => relpath === place || relpath.startsWith(`${place}/`);
    const namesOf = (files: { relpath: string; md5: string }[]) => files.map(({ relpath, md5 }) => `${md5} ${relpath}`).sort();
    const said = some.map(({ relpath, md5 }) => ({ relpath: relpath === "" ? place : `${place}/${relpath}`, md5 }));
    return outer.hashName === inner.hashName && isDeepStrictEqual(namesOf(all.filter(isInside)), namesOf(said));
  } catch (error) {
    // What is damaged is told by whoever needs it.
    if (!(error instanceof ExpverError)) throw error;
    return true;
  }
}

/** Throws E_DATA when pointers of one output say different things. */
export function refuseContested(project: Project, pointers: readonly Pointer[]): void {
  const contested = everyContested(project, pointers).find(({ agree }) => !agree);
  if (contested !== undefined) throw contestedError(project, contested);
}

/** One pointer of each output. Throws E_DATA when pointers of one say different things. */
export function onePerOutput(project: Project, pointers: readonly Pointer[]): Pointer[] {
  refuseContested(project, pointers);
  return [...new Map(pointers.map((pointer) => [pointer.path, pointer])).values()];
}

/** Says the same, of all of them. */
export function warnContested(project: Project, { report }: Pacing, pointers: readonly Pointer[]): void {
  for (const { path, pointers: rivals, agree } of everyContested(project, pointers)) {
    if (agree) continue;
    const text = `${contestedText(project, { path, pointers: rivals })}, which say different things`;
    report?.({ kind: "warning", text, hint: contestedRemedy(project, rivals) });
  }
}

export function contestedError(project: Project, { path, pointers }: Contested): ExpverError {
  return new ExpverError("E_DATA", contestedText(project, { path, pointers }), {
    hint: contestedRemedy(project, pointers),
    details: { path, files: pointers.map(({ file }) => file) },
  });
}

export function contestedText(project: Project, { path, pointers }: Pick<Contested, "path" | "pointers">): string {
  const said = pointers.map(
    (one) => shownPath(project, one.file) + (one.path === path ? "" : `, which tracks ${shownPath(project, one.path)}`),
  );
  return `${shownPath(project, path)} is an output of ${said.join(" and of ")}`;
}

export function contestedRemedy(project: Project, pointers: readonly Pointer[]): string {
  const removable = pointers.filter(({ stage }) => stage === undefined).map(({ file }) => `expver data remove ${typedPath(project, file)}`);
  if (removable.length === 0) return "Keep it in one stage only.";
  return `Keep one of them: ${removable.join("  or  ")}`;
}
