/** Outputs that several pointer files name. When those say different things, nobody can tell which bytes belong there. */
import { shownPath, typedPath } from "../config/paths.ts";
import type { Project } from "../config/project.ts";
import { ExpverError } from "../errors.ts";
import type { Pointer } from "./types.ts";

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

/** Throws E_DATA when pointers of one output say different things. */
export function refuseContested(project: Project, pointers: readonly Pointer[]): void {
  const contested = contestedAmong(pointers).find(({ agree }) => !agree);
  if (contested !== undefined) throw contestedError(project, contested);
}

/** One pointer of each output. Throws E_DATA when pointers of one say different things. */
export function onePerOutput(project: Project, pointers: readonly Pointer[]): Pointer[] {
  refuseContested(project, pointers);
  return [...new Map(pointers.map((pointer) => [pointer.path, pointer])).values()];
}

export function contestedError(project: Project, { path, pointers }: Contested): ExpverError {
  return new ExpverError("E_DATA", contestedText(project, { path, pointers }), {
    hint: contestedRemedy(project, pointers),
    details: { path, files: pointers.map(({ file }) => file) },
  });
}

export function contestedText(project: Project, { path, pointers }: Pick<Contested, "path" | "pointers">): string {
  return `${shownPath(project, path)} is an output of ${pointers.map(({ file }) => shownPath(project, file)).join(" and of ")}`;
}

export function contestedRemedy(project: Project, pointers: readonly Pointer[]): string {
  const removable = pointers.filter(({ stage }) => stage === undefined).map(({ file }) => `expver data remove ${typedPath(project, file)}`);
  if (removable.length === 0) return "Keep it in one stage only.";
  return `Keep one of them: ${removable.join("  or  ")}`;
}
