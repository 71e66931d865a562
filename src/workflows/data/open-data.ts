/** What every data command begins with: the project with its `.dvc`, and what the typed targets mean. */
import { dirname } from "node:path";
import { nearestWord } from "../../config/nearest.ts";
import { pathFromUser, shownPath } from "../../config/paths.ts";
import { openProject, type Project } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { findPointer, readPointers } from "../../store/pointers.ts";
import type { Pointer } from "../../store/types.ts";

/** Throws E_NO_PROJECT without a `.dvc` folder. */
export function openData(context: Context): Project {
  const project = openProject(context);
  if (project.dvcRoot === null) {
    throw new ExpverError("E_NO_PROJECT", `you are not inside of a DVC repository: no .dvc folder at or above ${context.cwd}`, {
      hint: "Run `expver init` (or `expver data init`, for DVC's files only).",
      details: { cwd: context.cwd },
    });
  }
  return project;
}

export interface Selection {
  pointers: Pointer[];
  /** Outputs of which only some members are meant: relative paths. */
  only: Map<string, string[]>;
}

/**
 * Pointers meant by targets: a `.dvc` file, `dvc.yaml`, an output, a file in a tracked folder, a stage. No target means all; with
 * `recursive` a folder means what lies in it. Throws E_NOT_FOUND.
 */
export function selectPointers(
  project: Project,
  context: Context,
  {
    targets,
    recursive = false,
    pointers = readPointers(project),
  }: { targets: readonly string[]; recursive?: boolean; pointers?: Pointer[] },
): Selection {
  if (targets.length === 0) return { pointers, only: new Map() };
  const chosen = new Map<string, Pointer>();
  const whole = new Set<string>();
  const only = new Map<string, string[]>();
  for (const target of targets) {
    const found = meaning(project, context, { target, recursive, pointers });
    if (found.length === 0) throw unknownTarget(project, target, pointers);
    for (const { pointer, member } of found) {
      chosen.set(pointer.path, pointer);
      if (member === null) whole.add(pointer.path);
      else only.set(pointer.path, [...(only.get(pointer.path) ?? []), member]);
    }
  }
  for (const path of whole) only.delete(path);
  return { pointers: [...chosen.values()], only };
}

interface Meant {
  pointer: Pointer;
  /** Relative to the output; null: all of it. */
  member: string | null;
}

function meaning(
  project: Project,
  context: Context,
  { target, recursive, pointers }: { target: string; recursive: boolean; pointers: readonly Pointer[] },
): Meant[] {
  const all = (some: readonly Pointer[]) => some.map((pointer) => ({ pointer, member: null }));
  const ofStage = pointers.filter((pointer) => stageAddresses(project, pointer).includes(target));
  if (ofStage.length > 0) return all(ofStage);
  const path = pathFromUser(project, context, target);
  const ofFile = pointers.filter(({ file }) => file === path || file === path.replace(/(^|\/)dvc\.yaml$/, "$1dvc.lock"));
  if (ofFile.length > 0) return all(ofFile);
  const inside = recursive ? pointers.filter((one) => path === "" || one.path.startsWith(`${path}/`)) : [];
  const pointer = findPointer(pointers, path);
  if (pointer === undefined) return all(inside);
  return [{ pointer, member: pointer.path === path ? null : path.slice(pointer.path.length + 1) }];
}

/** `name` beside the user, `folder/dvc.yaml:name` elsewhere; a generated `name@key` is meant by `name` too. */
export function stageAddresses(project: Project, { stage, file }: Pointer): string[] {
  if (stage === undefined) return [];
  const folder = dirname(shownPath(project, file));
  const names = [stage, ...(stage.includes("@") ? [stage.split("@")[0] ?? ""] : [])];
  const there = names.flatMap((name) => [`${folder}/dvc.yaml:${name}`, `${folder}:${name}`]);
  return folder === "." ? [...names, ...names.map((name) => `dvc.yaml:${name}`)] : there;
}

function unknownTarget(project: Project, target: string, pointers: readonly Pointer[]): ExpverError {
  const known = pointers.flatMap((pointer) => [pointer.path, pointer.file].map((path) => shownPath(project, path)));
  const near = nearestWord(target, known);
  return new ExpverError("E_NOT_FOUND", `${target} is no tracked data: no output, .dvc file or stage has that name`, {
    hint: near === undefined ? "`expver data status` and the .dvc files show what is tracked." : `Did you mean ${near}?`,
    details: { target },
  });
}
