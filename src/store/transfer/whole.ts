/** Outputs of which nothing is to be transferred: all their objects are where they should go. */
import type { Project } from "../../config/project.ts";
import { type Pacing, paceWork } from "../../platform/pace.ts";
import { type LookedAtObjects, type ObjectFolder, unlessDamaged } from "../objects/layout.ts";
import type { Pointer } from "../types.ts";
import { checkingComplete } from "../worktree/status.ts";
import { rememberObjects, wholeAsBefore } from "../worktree/unchanged.ts";

export interface Wholeness {
  /** Everything is there. */
  whole: ReadonlySet<Pointer>;
  /** The listing there is damaged. */
  damaged: ReadonlySet<Pointer>;
}

interface WholeOptions {
  context: Pacing;
  /** What stands there is compared with the sizes that the pointers name. */
  sized?: boolean;
  /** What is seen is remembered, so that Git can be asked about it the next time. */
  remembers?: boolean;
}

/** Looks into a folder of objects: a cache, or a remote that is a folder. */
export async function wholeIn(
  project: Project,
  folder: ObjectFolder,
  pointers: readonly Pointer[],
  { context, sized = false, remembers = true }: WholeOptions,
): Promise<Wholeness> {
  const firsts = new Set(remembers ? firstOfEach(pointers) : []);
  const whole = await wholeAsBefore(project, [...firsts], folder.dir);
  const damaged = new Set<Pointer>();
  for (const pointer of pointers) {
    if (whole.has(pointer)) continue;
    const remember = firsts.has(pointer)
      ? (objects: LookedAtObjects) => rememberObjects(project, pointer, { objects, dir: folder.dir })
      : undefined;
    const looking = checkingComplete(folder, pointer, { remember, ...(sized && { size: pointer.size ?? -1 }) });
    const isWhole = await paceWork(unlessDamaged(looking, null), context, { label: "looking at data" });
    if (isWhole === true) whole.add(pointer);
    else if (isWhole === null) damaged.add(pointer);
  }
  return { whole, damaged };
}

/** Of several versions of an output the first, which is the worktree's: of one it can be remembered how its objects stand, and all have mostly the same ones. */
export function firstOfEach<P extends Pointer>(pointers: readonly P[]): P[] {
  return [...new Map(pointers.toReversed().map((pointer) => [pointer.path, pointer])).values()];
}
